"""The learner's kubeconfig for a kind cluster, made of kind's own: private, with the learner's namespace."""

from __future__ import annotations

import base64
import http.client
import re
import ssl
import urllib.parse
from pathlib import Path

from k8s_tutor import atomic
from k8s_tutor.clusters.kind import names
from k8s_tutor.clusters.kind.engine import Container
from k8s_tutor.clusters.native import kubeconfig as native
from k8s_tutor.clusters.native.pid1.api import Api, context_of, credentials
from k8s_tutor.errors import ClusterError

_SERVER = re.compile(r"^\s*server:\s*(https://[0-9.:a-zA-Z\[\]-]+)\s*$", re.M)
_API_PORT = 6443


def path(name: str) -> Path:
    """Where it is."""
    return names.cluster_dir(name) / native.FILE


def write(name: str, first: Container) -> str:
    """Write it; returns the server's URL. Raises ClusterError when kind left no whole kubeconfig.

    Where the node's network can be entered the server is the node's own address, which answers on both sides; else
    the port that the engine forwards from 127.0.0.1.
    """
    try:
        text = names.kubeconfig_path(name).read_text(encoding="utf-8")
        found = credentials(text)
        server = _SERVER.search(text)
        for value in found.values():
            base64.b64decode(value, validate=True)
        if server is None:
            raise KeyError("server")
        url = f"https://{first.address}:{_API_PORT}" if first.netns() and first.address else server[1]
        whole = native.text(f"k8s-tutor-{name}", url, found)
    except (OSError, KeyError, ValueError) as error:
        raise ClusterError(
            f"kind left no kubeconfig for cluster {name} ({error}).",
            remedy=f"k8s-tutor cluster down --name {name}, then up again.",
            code="credentials",
        ) from error
    atomic.write_text(path(name), whole)
    return url


def server(name: str) -> str:
    """The server's URL in the file; empty when there is none."""
    try:
        match = _SERVER.search(path(name).read_text(encoding="utf-8"))
    except OSError:
        return ""
    return match[1] if match else ""


def api(name: str, timeout: float) -> Api:
    """A connection to the API server. Raises OSError, KeyError, ValueError."""
    url = urllib.parse.urlsplit(server(name))
    if not url.hostname:
        raise OSError("no kubeconfig")
    context = context_of(path(name), names.cluster_dir(name) / ".probe.pem")
    return Api(url.hostname, url.port or 443, context, timeout)


def answers(name: str, timeout: float) -> bool:
    """Whether the API server says within ``timeout`` seconds that it is ready."""
    try:
        connection = api(name, timeout)
        status, _ = connection.call("GET", "/readyz")
        connection.close()
    except (OSError, KeyError, ValueError, ssl.SSLError, http.client.HTTPException):
        return False
    return status == http.client.OK
