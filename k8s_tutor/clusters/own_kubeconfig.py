"""The learner's kubeconfig in a cluster's folder: private, whole in itself, the learner's namespace its default.

Made of the one that the cluster's maker wrote (kubeadm, kind, minikube), which has the certificates in it.
"""

from __future__ import annotations

import base64
import http.client
import re
import ssl
import urllib.parse
from pathlib import Path

from k8s_tutor import atomic
from k8s_tutor.clusters.keeping import NAMESPACE
from k8s_tutor.clusters.native.pid1.api import Api, context_of, credentials

FILE = "kubeconfig"
_SERVER = re.compile(r"^\s*server:\s*(https://[0-9.:a-zA-Z\[\]-]+)\s*$", re.M)


def path(folder: Path) -> Path:
    """Where it is."""
    return folder / FILE


def server_in(text: str) -> str:
    """The server's URL in a kubeconfig's text; empty when there is none."""
    match = _SERVER.search(text)
    return match[1] if match else ""


def server(folder: Path) -> str:
    """The server's URL in the file; empty when there is none."""
    try:
        return server_in(path(folder).read_text(encoding="utf-8"))
    except OSError:
        return ""


def write(folder: Path, name: str, source: Path, server: str = "") -> str:
    """Write it, made of the kubeconfig ``source``; returns the server's URL, which is ``server`` where that is given.

    Raises OSError, KeyError, ValueError when the source is not (yet) whole.
    """
    text = source.read_text(encoding="utf-8")
    found = credentials(text)
    url = server or server_in(text)
    for value in found.values():
        base64.b64decode(value, validate=True)
    if not url:
        raise KeyError("server")
    atomic.write_text(path(folder), whole(f"k8s-tutor-{name}", url, found))
    return url


def whole(name: str, server: str, found: dict[str, str]) -> str:
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
    namespace: {NAMESPACE}
users:
- name: {name}
  user:
    client-certificate-data: {found["client-certificate-data"]}
    client-key-data: {found["client-key-data"]}
"""


def api(folder: Path, timeout: float) -> Api:
    """A connection to the API server. Raises OSError, KeyError, ValueError."""
    url = urllib.parse.urlsplit(server(folder))
    if not url.hostname:
        raise OSError("no kubeconfig")
    context = context_of(path(folder), folder / ".probe.pem")
    return Api(url.hostname, url.port or 443, context, timeout)


def answers(folder: Path, timeout: float) -> bool:
    """Whether the API server says within ``timeout`` seconds that it is ready."""
    try:
        connection = api(folder, timeout)
        status, _ = connection.call("GET", "/readyz")
        connection.close()
    except (OSError, KeyError, ValueError, ssl.SSLError, http.client.HTTPException):
        return False
    return status == http.client.OK
