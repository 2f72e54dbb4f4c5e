"""What the nodes' parts logged, read from the cluster's folder: also of a cluster that is dead."""

from __future__ import annotations

from collections.abc import Iterator

from k8s_tutor.clusters import logged
from k8s_tutor.clusters.native import names


def components(name: str) -> list[str]:
    """Names of all parts that logged something, sorted."""
    return logged.components(_files(name))


def lines(name: str, component: str = "") -> Iterator[str]:
    """Lines as ``node component | text``; of one component, or of all. UsageError when there is no such component."""
    return logged.lines(_files(name), component)


def _files(name: str) -> list[logged.LogFile]:
    found = []
    for folder in sorted((names.cluster_dir(name) / "nodes").glob("node*")):
        found += [(folder.name, path.stem, path) for path in sorted((folder / "logs").glob("*.log"))]
        # kubelet's layout: <namespace>_<pod>_<uid>/<container>/<restart>.log
        for path in sorted((folder / "pod-logs").glob("kube-system_*/*/*.log")):
            found.append((folder.name, path.parent.name, path))
    return found
