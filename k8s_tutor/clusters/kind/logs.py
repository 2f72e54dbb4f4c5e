"""What a kind cluster's parts logged, out of what ``kind export logs`` wrote: also of one that did not come up."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from k8s_tutor.clusters import logged
from k8s_tutor.clusters.kind import names


def folder(name: str) -> Path:
    """Where a cluster's exported logs are."""
    return names.cluster_dir(name) / "logs"


def components(name: str) -> list[str]:
    """Names of all parts that logged something, sorted."""
    return logged.components(_files(name))


def lines(name: str, component: str = "") -> Iterator[str]:
    """Lines as ``node component | text``; of one component, or of all. UsageError when there is no such component."""
    return logged.lines(_files(name), component)


def _files(name: str) -> list[logged.LogFile]:
    kind_name = names.kind_name(name)
    top = folder(name)
    found = [("engine", path.stem, path) for path in sorted(top.glob("*.txt"))]
    for node in sorted(path for path in top.glob(f"{kind_name}-*") if path.is_dir()):
        short = node.name.removeprefix(f"{kind_name}-")
        found += [(short, path.stem, path) for path in sorted(node.glob("*.log"))]
        for path in sorted((node / "pods").glob("kube-system_*/*/*.log")):
            found.append((short, path.parent.name, path))
    return found
