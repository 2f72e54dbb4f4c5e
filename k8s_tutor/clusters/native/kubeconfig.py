"""The learner's kubeconfig for a cluster: private, whole in itself, with the learner's namespace as its default."""

from __future__ import annotations

import base64
import http.client
import ssl
from pathlib import Path

from k8s_tutor import atomic
from k8s_tutor.clusters.native import config, names
from k8s_tutor.clusters.native.pid1.api import Api, context_of, credentials
from k8s_tutor.clusters.native.state import ClusterState
from k8s_tutor.errors import ClusterError

FILE = "kubeconfig"


def path(name: str) -> Path:
    """Where it is."""
    return names.cluster_dir(name) / FILE


def server(state: ClusterState) -> str:
    """URL of the API server, reachable from the host alone."""
    return f"https://{state.ranges.node(1)}:{config.API_PORT}"


def write(state: ClusterState) -> Path:
    """Write it from kubeadm's admin.conf. Raises ClusterError when that is missing or not whole."""
    admin = names.node_dir(state.name, 1) / "etc" / "kubernetes" / "admin.conf"
    try:
        found = credentials(admin.read_text(encoding="utf-8"))
        whole = text(f"k8s-tutor-{state.name}", server(state), found)
        for value in found.values():
            base64.b64decode(value, validate=True)
    except (OSError, KeyError, ValueError) as error:
        raise ClusterError(
            f"The control plane left no credentials ({error}).",
            remedy=f"k8s-tutor cluster down --name {state.name}, then up again.",
            code="credentials",
        ) from error
    atomic.write_text(path(state.name), whole)
    return path(state.name)


def answers(state: ClusterState, timeout: float) -> bool:
    """Whether the API server says to the host, within ``timeout`` seconds, that it is ready."""
    try:
        context = context_of(path(state.name), names.cluster_dir(state.name) / ".probe.pem")
        api = Api(str(state.ranges.node(1)), config.API_PORT, context, timeout)
        status, _ = api.call("GET", "/readyz")
        api.close()
    except (OSError, KeyError, ValueError, ssl.SSLError, http.client.HTTPException):
        return False
    return status == http.client.OK


def text(name: str, server: str, found: dict[str, str]) -> str:
    """A kubeconfig of one context, whole in itself; ``found``: its ``credentials``. Raises KeyError for one missing."""
    return f"""apiVersion: v1
kind: Config
current-context: {name}
clusters:
- name: {name}
  cluster:
    server: {server}
    certificate-authority-data: {found["certificate-authority-data"]}
contexts:
- name: {name}
  context:
    cluster: {name}
    user: {name}
    namespace: {config.NAMESPACE}
users:
- name: {name}
  user:
    client-certificate-data: {found["client-certificate-data"]}
    client-key-data: {found["client-key-data"]}
"""
