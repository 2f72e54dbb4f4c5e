"""The learner's kubeconfig for a cluster, made of kubeadm's: private, with the learner's namespace as its default."""

from __future__ import annotations

from pathlib import Path

from k8s_tutor.clusters import own_kubeconfig
from k8s_tutor.clusters.native import config, names
from k8s_tutor.clusters.native.state import ClusterState
from k8s_tutor.errors import ClusterError


def path(name: str) -> Path:
    """Where it is."""
    return own_kubeconfig.path(names.cluster_dir(name))


def server(state: ClusterState) -> str:
    """URL of the API server, reachable from the host alone."""
    return f"https://{state.ranges.node(1)}:{config.API_PORT}"


def write(state: ClusterState) -> Path:
    """Write it from kubeadm's admin.conf. Raises ClusterError when that is missing or not whole."""
    admin = names.node_dir(state.name, 1) / "etc" / "kubernetes" / "admin.conf"
    try:
        own_kubeconfig.write(names.cluster_dir(state.name), state.name, admin, server(state))
    except (OSError, KeyError, ValueError) as error:
        raise ClusterError(
            f"The control plane left no credentials ({error}).",
            remedy=f"k8s-tutor cluster down --name {state.name}, then up again.",
            code="credentials",
        ) from error
    return path(state.name)


def answers(state: ClusterState, timeout: float) -> bool:
    """Whether the API server says to the host, within ``timeout`` seconds, that it is ready."""
    return own_kubeconfig.answers(names.cluster_dir(state.name), timeout)
