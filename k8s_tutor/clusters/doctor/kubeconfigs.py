"""The user's own kubeconfigs: whether they can be read, and locks that somebody left beside them. Only looked at."""

from __future__ import annotations

import os
import time
from pathlib import Path

from k8s_tutor.clusters.doctor.finding import Finding, Topic
from k8s_tutor.errors import TutorError

STALE_SECONDS = 60.0
"""A lock of a kubeconfig is held for milliseconds; one this old was left."""

_SUBJECT = "programs"
_LINK = "https://kubernetes.io/docs/concepts/configuration/organize-cluster-access-kubeconfig/"
CONFIG = Topic("kubeconfig", _SUBJECT, "your kubeconfigs can be read", "$KUBECONFIG or ~/.kube/config", (), _LINK)
LOCK = Topic(
    "kubeconfig-lock", _SUBJECT, "no lock that a killed kubectl or kind left beside a kubeconfig",
    "the files' .lock beside them", (), _LINK,
)  # fmt: skip
TOPICS = (CONFIG, LOCK)


def look() -> list[Finding]:
    """Both."""
    named = [Path(part) for part in os.environ.get("KUBECONFIG", "").split(os.pathsep) if part]
    files = named or [Path.home() / ".kube" / "config"]
    return [_readable(files), _locks(files)]


def _readable(files: list[Path]) -> Finding:
    from k8s_tutor.clusters.context import read_kubeconfig

    told = []
    for path in files:
        try:
            document = read_kubeconfig(path)
        except TutorError as error:
            return CONFIG.lack(error.message, error.remedy or f"ls -l {path}", source=str(path))
        contexts = document.get("contexts")
        count = len(contexts) if isinstance(contexts, list) else 0
        told.append(f"{path}: {count} context{'s' if count != 1 else ''}" if path.exists() else f"{path} is not there")
    return CONFIG.ok("; ".join(told))


def _locks(files: list[Path]) -> Finding:
    left: list[tuple[Path, float]] = []
    held: list[tuple[Path, float]] = []
    for path in files:
        lock = path.with_name(f"{path.name}.lock")
        try:
            age = time.time() - lock.stat().st_mtime
        except OSError:
            continue
        (left if age > STALE_SECONDS else held).append((lock, age))
    if left:
        lock, age = left[0]
        more = f" ({len(left) - 1} more)" if len(left) > 1 else ""
        told = f"{lock} is {age / 60:.0f} minutes old: kubectl and kind cannot write the file beside it{more}"
        return LOCK.lack(told, f"if none of them runs now: rm {lock}")
    if held:
        return LOCK.ok(f"{held[0][0]} is {held[0][1]:.0f} s old: somebody may be writing just now")
    return LOCK.ok(f"no lock beside {', '.join(str(path) for path in files)}")
