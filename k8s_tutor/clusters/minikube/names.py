"""Names of everything that a minikube cluster of ours has: they follow from the cluster's own, and no other matches."""

from __future__ import annotations

from pathlib import Path

from k8s_tutor import paths
from k8s_tutor.clusters.native import names as native

MAX_NODES = 9
PREFIX = "k8s-tutor-"
"""Of each of our profiles. What does not begin so is never removed."""

validate = native.validate


def clusters_dir() -> Path:
    """Folder with one folder for each minikube cluster; a cluster of another provider may have the same name."""
    return paths.state_dir() / "minikube"


def cluster_dir(name: str) -> Path:
    """Folder of one cluster."""
    return clusters_dir() / name


def profile(name: str) -> str:
    """The cluster's name for minikube, at most 39 characters: no other user's or state folder's has the same."""
    return f"{PREFIX}{name}-{native.tag_of(cluster_dir(name))}"


def nodes(name: str, number: int) -> list[str]:
    """The machines (and nodes in Kubernetes) of a cluster of so many: the control plane bears the profile's name.

    The others are ``-m02``, ``-m03`` and so on (minikube: pkg/minikube/node, ``node.Name`` and ``MachineName``).
    """
    return [profile(name), *(f"{profile(name)}-m{index:02}" for index in range(2, number + 1))]


def kubeconfig_path(name: str) -> Path:
    """Where minikube writes its own kubeconfig: in the cluster's folder, nobody else's."""
    return cluster_dir(name) / "minikube.kubeconfig"
