"""Run a program that makes clusters (kind, minikube) to its end, line by line: argument lists only, never a shell."""

from __future__ import annotations

import queue
import subprocess
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path

from k8s_tutor.clusters.node.work import Work
from k8s_tutor.errors import ClusterError
from k8s_tutor.phases import silent

_TICK = 0.25


def run(
    argv: list[str],
    *,
    env: Mapping[str, str],
    folder: Path,
    patience: float,
    line: Callable[[str], None],
    tick: Callable[[], None],
) -> int:
    """Run it; each line of both its outputs goes to ``line``, and ``tick`` is called while it is silent.

    Its exit code. Raises ClusterError when it does not end within ``patience`` seconds: then it is ended, with all
    that it started.
    """
    program = Path(argv[0]).name
    work = Work(silent, folder)
    child = work.start(argv, env=dict(env), stdout=subprocess.PIPE)
    lines: queue.SimpleQueue[str | None] = queue.SimpleQueue()

    def read() -> None:
        assert child.stdout is not None
        for raw in child.stdout:
            lines.put(raw.decode("utf-8", "replace").rstrip("\r\n"))
        lines.put(None)

    reader = threading.Thread(target=read, name=program, daemon=True)
    reader.start()
    deadline = time.monotonic() + patience
    try:
        while True:
            if time.monotonic() > deadline:
                raise ClusterError(f"{program} has not finished after {patience:.0f} s.", code=program)
            try:
                text = lines.get(timeout=_TICK)
            except queue.Empty:
                tick()
                continue
            if text is None:
                break
            line(text)
        return child.wait()
    finally:
        if child.poll() is None:
            work.end(child)
        reader.join(5)
        work.end(child)
