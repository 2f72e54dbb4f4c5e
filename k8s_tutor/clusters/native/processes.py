"""Processes by PID and start time: a PID alone may belong to somebody else by now."""

from __future__ import annotations

import json
import os
import signal
import time
from dataclasses import dataclass
from pathlib import Path

_PF_EXITING = 0x4
_SIGKILL_BIT = 1 << (signal.SIGKILL - 1)
PID_FILE = "pid.json"
"""In a node's folder: the node's PID 1 as the host sees it, written before that process does anything."""


@dataclass(frozen=True)
class ProcessId:
    """A process of this boot of the machine; ``start`` is in clock ticks since the machine's boot."""

    pid: int
    start: int

    def alive(self) -> bool:
        """Whether just this process is there; a zombie is not."""
        found = _stat(self.pid)
        return found is not None and found.start == self.start and found.state not in "ZX"

    def runs(self) -> bool:
        """Whether it is there and not about to end: a node takes a while to die, and must not be counted on."""
        found = _stat(self.pid)
        return self.alive() and found is not None and not found.dying

    def kill(self, *, patience: float = 10.0) -> bool:
        """End it at once and wait until it is gone; false if it is still there after ``patience`` seconds."""
        deadline = time.monotonic() + patience
        while self.alive():
            try:
                # A descriptor keeps the PID from being given to another between the look and the signal.
                handle = os.pidfd_open(self.pid)
            except ProcessLookupError:
                return True
            try:
                if self.alive():
                    signal.pidfd_send_signal(handle, signal.SIGKILL)
            except ProcessLookupError:
                return True
            finally:
                os.close(handle)
            if time.monotonic() > deadline:
                return False
            time.sleep(0.01)
        return True

    def started_at(self) -> float:
        """Seconds since the epoch."""
        ticks = os.sysconf("SC_CLK_TCK")
        uptime = float(Path("/proc/uptime").read_text(encoding="ascii").split()[0])
        return time.time() - uptime + self.start / ticks


def identify(pid: int) -> ProcessId | None:
    """The process that has this PID now."""
    found = _stat(pid)
    return ProcessId(pid, found.start) if found else None


def read_pid_file(path: Path) -> ProcessId | None:
    """What a node's launcher wrote; None if it has not, or for another boot of the machine."""
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        if content["boot"] != boot_id():
            return None
        return ProcessId(int(content["pid"]), int(content["start"]))
    except (OSError, ValueError, KeyError, TypeError):
        return None


def pid_text(process: ProcessId) -> str:
    """What ``read_pid_file`` reads."""
    return json.dumps({"pid": process.pid, "start": process.start, "boot": boot_id()})


def boot_id() -> str:
    """Differs after every boot of the machine."""
    return Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()


@dataclass(frozen=True)
class _Stat:
    state: str
    start: int
    dying: bool


def _stat(pid: int) -> _Stat | None:
    try:
        text = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return None
    # proc_pid_stat(5). The command, field 2, may hold spaces and brackets: count from its last bracket, field 3 first.
    rest = text.rpartition(")")[2].split()
    exiting, killed = int(rest[6]) & _PF_EXITING, int(rest[28]) & _SIGKILL_BIT
    return _Stat(rest[0], int(rest[19]), bool(exiting or killed))
