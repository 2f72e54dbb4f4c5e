"""The first process of a learner's tutor, and the parent of all others; its plan (JSON) is in its environment.

Started as root in namespaces of its own (mounts, process ids, IPC) inside the node's network. It covers what a
learner has no business with, puts back what the tutor needs, becomes the learner's own user for good, and starts the
tutor. As process 1 of its namespace it buries what is orphaned; when it ends, the kernel ends everything in there.
The standard library only, and nothing of k8s_tutor: that may be in a place that is covered.
"""

from __future__ import annotations

import contextlib
import ctypes
import json
import os
import resource
import signal
import sys
from typing import Any, NoReturn

MS_RDONLY, MS_NOSUID, MS_NODEV, MS_REMOUNT, MS_BIND, MS_REC = 1, 2, 4, 32, 4096, 16384
PR_SET_PDEATHSIG, PR_CAPBSET_DROP, PR_SET_NO_NEW_PRIVS = 1, 24, 38
PLAN = "K8S_TUTOR_PLAN"
LAST_CAPABILITY = 63
"""The kernel refuses those that it does not know, and that is where to stop."""

_libc = ctypes.CDLL(None, use_errno=True)


def _mount(source: str, target: str, kind: str, flags: int, data: str = "") -> None:
    done = _libc.mount(source.encode(), target.encode(), kind.encode(), ctypes.c_ulong(flags), data.encode())
    if done != 0:
        number = ctypes.get_errno()
        raise OSError(number, f"mount {source} at {target}: {os.strerror(number)}")


def _prctl(option: int, value: int) -> bool:
    long = ctypes.c_ulong
    return bool(_libc.prctl(option, long(value), long(0), long(0), long(0)) == 0)


def arrange(covers: list[list[Any]], binds: list[list[Any]]) -> None:
    """Lay an empty file system over each of ``covers`` (path, mode, size), then bind ``binds`` (source, target, ro)."""
    held = [(os.open(source, os.O_PATH | os.O_CLOEXEC), target, ro) for source, target, ro in binds]
    for path, mode, size in covers:
        _mount("tmpfs", path, "tmpfs", MS_NOSUID | MS_NODEV, f"mode={mode},size={size}")
    for handle, target, ro in held:
        if os.path.isdir(f"/proc/self/fd/{handle}"):
            os.makedirs(target, mode=0o755, exist_ok=True)
        else:
            os.makedirs(os.path.dirname(target), mode=0o755, exist_ok=True)
            os.close(os.open(target, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o644))
        _mount(f"/proc/self/fd/{handle}", target, "", MS_BIND | MS_REC)
        if ro:
            _mount("", target, "", MS_BIND | MS_REMOUNT | MS_RDONLY | MS_NOSUID | MS_NODEV)
        os.close(handle)


def become(uid: int) -> None:
    """Be this user and nobody else, for good: no groups, no capabilities, no way to new ones; die with the parent."""
    for capability in range(LAST_CAPABILITY + 1):
        if not _prctl(PR_CAPBSET_DROP, capability):
            break
    os.setgroups([])
    os.setresgid(uid, uid, uid)
    os.setresuid(uid, uid, uid)
    if not _prctl(PR_SET_NO_NEW_PRIVS, 1):
        raise OSError("no_new_privs cannot be set")
    # The kernel forgets it at a change of user.
    if not _prctl(PR_SET_PDEATHSIG, signal.SIGKILL):
        raise OSError("the parent's death cannot be followed")
    if os.getresuid() != (uid, uid, uid) or os.getresgid() != (uid, uid, uid) or os.getgroups():
        raise OSError("still somebody else")
    with contextlib.suppress(OSError):
        os.setuid(0)
        raise SystemExit("root can be had back")


def limit(limits: dict[str, int]) -> None:
    """Set resource limits by name (``NPROC``), soft and hard."""
    for name, value in limits.items():
        resource.setrlimit(getattr(resource, f"RLIMIT_{name}"), (value, value))


def look_after(child: int) -> NoReturn:
    """Bury whatever ends, pass on a wish to end, and end with the child."""
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, lambda got, _frame: os.kill(child, got))
    # The tutor's own pipes end with the tutor.
    nothing = os.open(os.devnull, os.O_RDWR)
    for file in (0, 1):
        os.dup2(nothing, file)
    while True:
        try:
            pid, status = os.wait()
        except ChildProcessError:
            os._exit(1)
        if pid == child:
            code = os.waitstatus_to_exitcode(status)
            os._exit(code if code >= 0 else 128 - code)


def main(plan: dict[str, Any]) -> None:
    """Do all of it."""
    arrange(plan["covers"], plan["binds"])
    os.umask(0o077)
    become(int(plan["uid"]))
    limit(plan["limits"])
    os.chdir(plan["cwd"])
    child = os.fork()
    if child == 0:
        argv, env = plan["argv"], plan["env"]
        try:
            os.execve(argv[0], argv, env)  # noqa: S606 - an argument list, no shell
        except OSError as error:
            sys.stderr.write(f"{argv[0]}: {error.strerror}\n")
            os._exit(127)
    look_after(child)


if __name__ == "__main__":
    main(json.loads(os.environ.pop(PLAN)))
