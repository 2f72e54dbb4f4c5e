"""Processes by PID and start time: a PID alone may belong to somebody else by now."""

from __future__ import annotations

import json
import os
import signal
import time
from dataclasses import dataclass
from pathlib import Path

PID_FILE = "pid.json"
"""In a node's folder: the node's PID 1 as the host sees it, written before that process does anything."""


@dataclass(frozen=True)
class ProcessId:
    """A process of this boot of the machine; ``start`` is in clock ticks since the machine's boot."""

    pid: int
    start: int

    def alive(self) -> bool:
        """Whether just this process runs; a zombie does not."""
        found = _stat(self.pid)
        return found is not None and found[1] == self.start and found[0] not in "ZX"

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
    return ProcessId(pid, found[1]) if found else None


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


def _stat(pid: int) -> tuple[str, int] | None:
    try:
        text = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return None
    # The command, field 2, may hold spaces and brackets: count from its last bracket.
    rest = text.rpartition(")")[2].split()
    return rest[0], int(rest[19])
