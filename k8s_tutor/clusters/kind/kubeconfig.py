"""The learner's kubeconfig for a kind cluster, made of kind's own: private, with the learner's namespace."""

from __future__ import annotations

from pathlib import Path

from k8s_tutor.clusters import own_kubeconfig
from k8s_tutor.clusters.kind import names
from k8s_tutor.clusters.kind.engine import Container
from k8s_tutor.clusters.native.pid1.api import Api
from k8s_tutor.errors import ClusterError

_API_PORT = 6443


def path(name: str) -> Path:
    """Where it is."""
    return own_kubeconfig.path(names.cluster_dir(name))


def write(name: str, first: Container) -> str:
    """Write it; returns the server's URL. Raises ClusterError when kind left no whole kubeconfig.

    Where the node's network can be entered the server is the node's own address, which answers on both sides; else
    the port that the engine forwards from 127.0.0.1.
    """
    url = f"https://{first.address}:{_API_PORT}" if first.netns() and first.address else ""
    try:
        return own_kubeconfig.write(names.cluster_dir(name), name, names.kubeconfig_path(name), url)
    except (OSError, KeyError, ValueError) as error:
        raise ClusterError(
            f"kind left no kubeconfig for cluster {name} ({error}).",
            remedy=f"k8s-tutor cluster down --name {name}, then up again.",
            code="credentials",
        ) from error


def server(name: str) -> str:
    """The server's URL in the file; empty when there is none."""
    return own_kubeconfig.server(names.cluster_dir(name))


def api(name: str, timeout: float) -> Api:
    """A connection to the API server. Raises OSError, KeyError, ValueError."""
    return own_kubeconfig.api(names.cluster_dir(name), timeout)


def answers(name: str, timeout: float) -> bool:
    """Whether the API server says within ``timeout`` seconds that it is ready."""
    return own_kubeconfig.answers(names.cluster_dir(name), timeout)
