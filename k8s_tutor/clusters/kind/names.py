"""Names of everything that a kind cluster of ours has: they follow from the cluster's own, and nobody else's match."""

from __future__ import annotations

from pathlib import Path

from k8s_tutor import paths
from k8s_tutor.clusters.native import names as native

MAX_NODES = 9
PREFIX = "k8s-tutor-"
"""Of each of our clusters in kind's own list. What does not begin so is never removed."""
LABEL = "io.x-k8s.kind.cluster"
"""kind's label on a node's container: the cluster it is of."""
IMAGE_VARIABLE = "K8S_TUTOR_KIND_IMAGE"
"""Names the node image to use."""

validate = native.validate


def clusters_dir() -> Path:
    """Folder with one folder for each kind cluster; a native cluster may have the same name."""
    return paths.state_dir() / "kind"


def cluster_dir(name: str) -> Path:
    """Folder of one cluster."""
    return clusters_dir() / name


def kind_name(name: str) -> str:
    """The cluster's name for kind, at most 39 characters: no other user's or state folder's cluster has the same."""
    return f"{PREFIX}{name}-{native.tag_of(cluster_dir(name))}"


def nodes(name: str, number: int) -> list[str]:
    """The containers (and nodes in Kubernetes) of a cluster of so many, as kind names them: control plane first."""
    workers = [f"worker{index if index > 1 else ''}" for index in range(1, number)]
    return [f"{kind_name(name)}-{role}" for role in ("control-plane", *workers)]


def kubeconfig_path(name: str) -> Path:
    """Where kind writes its own kubeconfig: in the cluster's folder, nobody else's."""
    return cluster_dir(name) / "kind.kubeconfig"
