"""What happens while a node comes up, one JSON line each: ``{"t", "phase", "state", "detail"}``."""

from __future__ import annotations

import json
import threading
import time
from pathlib import Path

FILE = "events.jsonl"
NODE, ETCD, APISERVER, CONTROLLERS = "node", "etcd", "apiserver", "controllers"
SCHEDULER, KUBELET, DNS, READY = "scheduler", "kubelet", "dns", "ready"
ORDER = (NODE, ETCD, APISERVER, CONTROLLERS, SCHEDULER, KUBELET, DNS, READY)
RUNNING, DONE, FAILED = "running", "done", "failed"
BOOT, KUBEADM = "boot", "kubeadm"
"""Not shown: the first line of a boot; the control plane takes workers."""


class Events:
    """Writes events; a reader sees whole lines, and each state of a phase once."""

    def __init__(self, path: Path) -> None:
        # A new file for each boot: what the last one said is not true any more.
        self._file = path.open("w", encoding="utf-8", buffering=1)
        self._guard = threading.Lock()
        self._said: dict[str, str] = {}

    def say(self, phase: str, state: str, detail: str = "") -> None:
        """Tell a phase's new state (again, if its detail is another)."""
        with self._guard:
            if self._said.get(phase) in (state + detail, DONE) or (state != FAILED and READY in self._done()):
                return
            self._said[phase] = DONE if state == DONE else state + detail
            line = {"t": round(time.time(), 3), "phase": phase, "state": state, "detail": detail[:500]}
            self._file.write(json.dumps(line) + "\n")

    def is_done(self, phase: str) -> bool:
        """Whether a phase was told to be done."""
        with self._guard:
            return self._said.get(phase) == DONE

    def _done(self) -> set[str]:
        return {phase for phase, state in self._said.items() if state == DONE}
