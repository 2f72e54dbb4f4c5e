"""Start a node: make its namespaces, and in them its PID 1. Runs by itself, and ends before the node does anything.

``python -I -S launch.py CONFIG.json``. Nobody may be killed at a moment that leaves a process which no file names:
PID 1 waits until its number is on disk and its cable plugged, and ends if the launcher dies before.
"""

from __future__ import annotations

import ctypes
import json
import os
import sys
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[3]))

from k8s_tutor import atomic
from k8s_tutor.clusters.native import cgroups, network, slirp
from k8s_tutor.clusters.native.processes import PID_FILE, identify, pid_text

# linux/sched.h
_NEWNS, _NEWUTS, _NEWIPC, _NEWPID, _NEWNET = 0x00020000, 0x04000000, 0x08000000, 0x20000000, 0x40000000
_PID1 = Path(__file__).resolve().parent / "pid1" / "main.py"


def main(config_path: str) -> None:
    """Start the node that ``config_path`` describes. Raises OSError or EnvironmentFault, and then nothing runs."""
    config = json.loads(Path(config_path).read_text(encoding="utf-8"))
    cgroups.join(f"{config['cgroup']}/system")
    go_read, go_write = os.pipe()
    pid_read, pid_write = os.pipe()
    # PID 1 holds one end for as long as it lives: what serves it from outside ends with it.
    life_read, life_write = os.pipe()
    middle = os.fork()
    if middle == 0:
        os.close(go_write)
        os.close(pid_read)
        os.close(life_read)
        os.set_inheritable(life_write, True)
        _enter_and_fork(config_path, go_read, pid_write)
    os.close(go_read)
    os.close(pid_write)
    os.close(life_write)
    said = os.read(pid_read, 32)
    os.waitpid(middle, 0)
    if not said:
        raise OSError("no namespaces: the kernel refused, see above")
    _plug_and_go(config, int(said), go_write, life_read)


def _plug_and_go(config: dict[str, Any], pid: int, go_write: int, life_read: int) -> None:
    process = identify(pid)
    if process is None:
        raise OSError("the node's first process ended at once")
    folder = Path(config["node_dir"])
    atomic.write_text(folder / PID_FILE, pid_text(process))
    network.plug(config["veth"], config["bridge"], pid)
    if config["egress"]:
        slirp.start(pid, folder, config["slirp_range"], life=life_read)
    os.write(go_write, b"go")
    os.close(go_write)


def _enter_and_fork(config_path: str, go_read: int, pid_write: int) -> None:
    try:
        library = ctypes.CDLL(None, use_errno=True)
        if library.unshare(_NEWNS | _NEWUTS | _NEWIPC | _NEWPID | _NEWNET) != 0:
            raise OSError(ctypes.get_errno(), "unshare: " + os.strerror(ctypes.get_errno()))
        child = os.fork()
        if child:
            os.write(pid_write, str(child).encode())
            os._exit(0)
        os.close(pid_write)
        # Empty: the launcher is gone and no file names us.
        if os.read(go_read, 2) != b"go":
            os._exit(1)
        os.close(go_read)
        os.execv(sys.executable, [sys.executable, "-I", "-S", str(_PID1), config_path])  # noqa: S606
    except BaseException as error:
        print(f"launch: {error}", file=sys.stderr, flush=True)
    os._exit(1)


if __name__ == "__main__":
    main(sys.argv[1])
