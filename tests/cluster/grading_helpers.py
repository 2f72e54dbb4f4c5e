"""What tests of a class's run share: the command, its end, what it leaves."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from native_helpers import Kubectl

from k8s_tutor.clusters.provider import Cluster
from k8s_tutor.grading.rules import GRADE


@contextmanager
def grading(cluster: Cluster, folder: Path, *options: str) -> Iterator[subprocess.Popen[str]]:
    """``k8s-tutor grade`` of the class, with a state of its own; it is ended in any case."""
    state = folder / "state"
    (state / "k8s-tutor").mkdir(parents=True, exist_ok=True)
    known = Path(os.environ.get("XDG_STATE_HOME") or Path.home() / ".local/state") / "k8s-tutor/clusters"
    if not (state / "k8s-tutor/clusters").exists():
        (state / "k8s-tutor/clusters").symlink_to(known)
    argv = [sys.executable, "-m", "k8s_tutor", "grade", str(folder / "class"), "--cluster", cluster.name, *options]
    environment = {**os.environ, "XDG_STATE_HOME": str(state)}
    process = subprocess.Popen(
        argv, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True
    )
    try:
        yield process
    finally:
        if process.poll() is None:
            process.kill()
        process.communicate(timeout=60)


def finish(process: subprocess.Popen[str], within: float = 240) -> tuple[int, str, str]:
    """Exit code, stdout and stderr."""
    out, err = process.communicate(timeout=within)
    return process.returncode, out, err


def spaces(cluster: Cluster) -> list[str]:
    """The namespaces of submissions that nobody is deleting."""
    admin = Kubectl(cluster, "default")
    listed = json.loads(admin("get", "namespaces", "-l", GRADE, "-o", "json"))["items"]
    return [item["metadata"]["name"] for item in listed if not item["metadata"].get("deletionTimestamp")]
