"""No process outlives the tutor unless it was told to: finding what a shell has started, and ending it.

A shell inside the tutor is hung up by the kernel when the tutor dies, for the tutor holds its terminal. A shell beside
the tutor (a tmux pane) or in its place (the tutor suspended) has a terminal of somebody else and would stay. It is
started by this file, run as a program: ``keeper.py PID PROGRAM ARGUMENT…`` becomes the program, and leaves a watcher
that ends it when process PID is gone. All that descends from the program is known by a mark in its environment.

What ignores hang-ups and let go of its terminal (``nohup``) asked to outlive it and does, as in any terminal.
The standard library only, and little of it: this is a process of its own.
"""

from __future__ import annotations

import contextlib
import os
import select
import signal
import sys
import time
from collections.abc import Callable, Iterator

MARK = "K8S_TUTOR_SHELL"
GRACE = 0.5
"""Seconds that programs have to end by themselves."""


def _pids() -> Iterator[int]:
    try:
        entries = os.listdir("/proc")
    except OSError:
        return
    for entry in entries:
        if entry.isdigit():
            yield int(entry)


def _read(path: str) -> bytes:
    with contextlib.suppress(OSError), open(path, "rb") as file:
        return file.read()
    return b""


def _stat(pid: int) -> list[bytes]:
    """State, parent, group, session … of a process; empty if it is gone."""
    # The name in parentheses may hold anything, also blanks and parentheses.
    return _read(f"/proc/{pid}/stat").rpartition(b")")[2].split()


def session_members(session: int) -> set[int]:
    """Process ids that live in a session, zombies left out; empty where there is no ``/proc``."""
    found = set()
    for pid in _pids():
        fields = _stat(pid)
        if len(fields) > 3 and int(fields[3]) == session and fields[0] not in (b"Z", b"X"):
            found.add(pid)
    return found


def marked(mark: str) -> set[int]:
    """Process ids that descend from the program that was started with this mark; neither zombies nor ourselves."""
    wanted = f"{MARK}={mark}".encode()
    found = set()
    for pid in _pids():
        if pid != os.getpid() and wanted in _read(f"/proc/{pid}/environ").split(b"\0"):
            fields = _stat(pid)
            if fields and fields[0] not in (b"Z", b"X"):
                found.add(pid)
    return found


def ignores_hang_up(pid: int) -> bool:
    """Whether a process was told to outlive its terminal, as nohup does; false where that cannot be read."""
    with contextlib.suppress(ValueError, IndexError):
        ignored = int(_read(f"/proc/{pid}/status").partition(b"SigIgn:")[2].split()[0], 16)
        return bool(ignored >> (signal.SIGHUP - 1) & 1)
    return False


def asked_to_stay(pid: int) -> bool:
    """Whether a process was made to outlive its terminal: deaf to hang-ups and cut off from it, as ``nohup`` does."""
    if not ignores_hang_up(pid):
        return False
    for file in range(3):
        with contextlib.suppress(OSError):
            if os.readlink(f"/proc/{pid}/fd/{file}").startswith(("/dev/pts/", "/dev/tty")):
                return False
    return True


def tell(pid: int, *numbers: int) -> None:
    """Send signals to a process that may be gone."""
    with contextlib.suppress(OSError):
        for number in numbers:
            os.kill(pid, number)


def end_all(jobs: Callable[[], set[int]]) -> None:
    """Hang up on these processes until none is left; what is deaf is killed after half a second. Blocks as long."""
    end = time.monotonic() + GRACE
    while left := jobs():
        for pid in left:
            if time.monotonic() < end:
                tell(pid, signal.SIGHUP, signal.SIGCONT)
            else:
                tell(pid, signal.SIGKILL)
        time.sleep(0.02)


def sweep(mark: str) -> None:
    """End what is left of a shell, but what asked to outlive it."""
    end_all(lambda: {pid for pid in marked(mark) if not asked_to_stay(pid)})


def _wait_for_one(tutor: int, program: int) -> None:
    """Return when one of two processes is gone."""
    try:
        watched = [os.pidfd_open(pid) for pid in (tutor, program)]
    except (AttributeError, OSError):  # not Linux, or gone already
        for pid in (tutor, program):
            if not _alive(pid):
                return
        while _alive(tutor) and _alive(program):
            time.sleep(1.0)  # nobody tells there
        return
    ended = select.poll()
    for file in watched:
        ended.register(file, select.POLLIN)
    while not ended.poll():
        pass


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def _watch(tutor: int, program: int, mark: str) -> None:
    """Wait for the end of the tutor or of the program, then leave nothing of the program."""
    os.setsid()
    nothing = os.open(os.devnull, os.O_RDWR)
    for file in range(3):
        os.dup2(nothing, file)
    for number in (signal.SIGINT, signal.SIGHUP, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)
    _wait_for_one(tutor, program)
    tell(program, signal.SIGHUP, signal.SIGCONT)
    end = time.monotonic() + GRACE
    while _alive(program) and time.monotonic() < end:
        time.sleep(0.02)  # a shell passes it on to its jobs, and writes its history
    if _alive(program) and program in marked(mark):
        tell(program, signal.SIGKILL)
    sweep(mark)


def argv_with_keeper(argv: list[str]) -> list[str]:
    """The command that runs ``argv`` with a keeper, on behalf of this process."""
    return [sys.executable, "-I", "-S", os.path.abspath(__file__), str(os.getpid()), *argv]


def main(tutor: int, argv: list[str]) -> None:
    """Leave a watcher, become the program."""
    os.environ[MARK] = mark = f"{os.getpid()}-{time.monotonic_ns()}"
    program = os.getpid()
    if os.fork() == 0:
        # Once more: the program must not find a child that it did not start.
        if os.fork() == 0:
            try:
                _watch(tutor, program, mark)
            finally:
                os._exit(0)
        os._exit(0)
    os.wait()
    try:
        os.execvp(argv[0], argv)  # noqa: S606 - an argument list, no shell
    except OSError as error:
        sys.exit(f"{argv[0]}: {error.strerror}")


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2:])
