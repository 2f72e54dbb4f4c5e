"""When is a cluster ready? The questions that every provider asks its API server, each answered by what is lacking.

Standard library only: PID 1 of a native node asks them too. ``Asking`` is what they need of a connection.
"""

from __future__ import annotations

import http.client
from collections.abc import Callable
from datetime import datetime
from typing import Any, Protocol

DNS_NAME = "kubernetes.default.svc.cluster.local"
"""A name that every cluster's DNS knows: its answer is the API server's ClusterIP."""
FAILURES = (OSError, ValueError, KeyError, TypeError, http.client.HTTPException)
"""What a question may raise while the other side is still coming up."""


class Asking(Protocol):
    """One connection to an API server."""

    def call(self, method: str, path: str, body: Any = None, kind: str = "application/json") -> tuple[int, Any]:
        """Send a request; the status and the decoded answer."""
        ...

    def ok(self, path: str) -> bool:
        """Whether a GET is answered with 200."""
        ...


def namespace_lack(api: Asking, name: str) -> str:
    """Make the namespace if it is missing; why it is not there, empty when it is. Raises OSError."""
    body = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}}
    status, _ = api.call("POST", "/api/v1/namespaces", body)
    made = status in (http.client.CREATED, http.client.CONFLICT)
    return "" if made else f"the namespace {name} is not there (HTTP {status})"


def accounts_lack(api: Asking, *namespaces: str) -> str:
    """Which namespace has no default ServiceAccount yet: a pod in it would be refused."""
    for namespace in namespaces:
        if not api.ok(f"/api/v1/namespaces/{namespace}/serviceaccounts/default"):
            return f"no ServiceAccount default in namespace {namespace}"
    return ""


def node_lack(api: Asking, name: str, since: float) -> str:
    """What a node lacks to be Ready; empty when it is, and (unless ``since`` is 0) has said something since then.

    The API server remembers a node's last words: after a reboot only newer ones prove life. Raises OSError.
    """
    status, node = api.call("GET", f"/api/v1/nodes/{name}")
    if status != http.client.OK:
        return "has not registered"
    if since and heartbeat(node) < since:
        path = f"/apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases/{name}"
        status, lease = api.call("GET", path)
        if status != http.client.OK or moment(str(lease["spec"]["renewTime"])) < since:
            return "has a kubelet that has not reported"
    return not_ready(node)


def not_ready(node: dict[str, Any]) -> str:
    """Why a Node object is not Ready; empty when it is."""
    for condition in node.get("status", {}).get("conditions", []):
        if condition["type"] == "Ready":
            return "" if condition["status"] == "True" else f"is not Ready: {condition.get('message', '')}"[:200]
    return "has not said that it is Ready"


def heartbeat(node: dict[str, Any]) -> float:
    """When kubelet last wrote the Ready condition of a Node object, seconds since the epoch; 0.0 if never."""
    for condition in node.get("status", {}).get("conditions", []):
        if condition["type"] == "Ready":
            return moment(condition["lastHeartbeatTime"])
    return 0.0


def moment(text: str) -> float:
    """A time of the API server in seconds since the epoch. Raises ValueError."""
    return datetime.fromisoformat(text.replace("Z", "+00:00")).timestamp()


def quietly(look: Callable[[], str]) -> str:
    """What is lacking, a failure to ask included."""
    try:
        return look()
    except FAILURES as error:
        return f"{type(error).__name__}: {error}"[:200]
