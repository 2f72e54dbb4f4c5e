"""Names of everything that a cluster makes on the host: all follow from the cluster's own, so that any can be found."""

from __future__ import annotations

import hashlib
import re
from pathlib import Path

from k8s_tutor import paths
from k8s_tutor.errors import UsageError

_NAME = re.compile(r"[a-z0-9]([a-z0-9-]{0,20}[a-z0-9])?")
MAX_NODES = 9


def validate(name: str) -> str:
    """The name itself; UsageError when it could not be part of a host name, a folder or a cgroup."""
    if not _NAME.fullmatch(name):
        raise UsageError(
            f"{name[:60]!r} cannot name a cluster.",
            remedy="Use 1 to 22 small letters, digits and inner hyphens, such as --name dev.",
            code="cluster-name",
        )
    return name


def clusters_dir() -> Path:
    """Folder with one folder for each cluster."""
    return paths.state_dir() / "clusters"


def cluster_dir(name: str) -> Path:
    """Folder of one cluster."""
    return clusters_dir() / name


def node_name(index: int) -> str:
    """Name of a node in Kubernetes; ``index`` is 1 for the control plane."""
    return f"node{index}"


def node_dir(name: str, index: int) -> Path:
    """Folder of one node: its disk, as it were."""
    return cluster_dir(name) / "nodes" / node_name(index)


def tag(name: str) -> str:
    """Six hex digits that differ between users, state folders and clusters of one machine."""
    return tag_of(cluster_dir(name))


def tag_of(folder: Path) -> str:
    """Six hex digits of a cluster's folder."""
    return hashlib.sha256(str(folder).encode()).hexdigest()[:6]


def bridge(name: str) -> str:
    """The cluster's switch on the host (interface names have at most 15 characters)."""
    return f"kt{tag(name)}"


def veth(name: str, index: int) -> str:
    """The host's end of a node's cable."""
    return f"{bridge(name)}n{index}"


def cgroup(name: str) -> str:
    """The cluster's cgroup, from the root of every hierarchy; each node has one below."""
    return f"k8s-tutor-{name}-{tag(name)}"


def node_cgroup(name: str, index: int) -> str:
    """A node's cgroup: ``system`` below it holds its PID 1, kubelet makes ``kubepods``."""
    return f"{cgroup(name)}/{node_name(index)}"
