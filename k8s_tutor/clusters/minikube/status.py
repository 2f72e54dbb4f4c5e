"""What ``minikube status -o json`` says, in both its layouts (cmd/minikube/cmd, pkg/minikube/cluster: status.go).

Its exit code is three bits: 1 a machine does not run, 2 kubelet or API server does not, 4 the kubeconfig is not right.
A profile that is not there ends with 85, and with events in place of a status.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

HOST, CLUSTER, KUBECONFIG = 1, 2, 4
NO_PROFILE = 85
_RUNNING = "Running"
_FINE = ("OK", "HAppy", "Warning", "Degraded")


@dataclass(frozen=True)
class NodeStatus:
    """One node: its machine, kubelet and (where it is one) API server, in minikube's words."""

    name: str
    host: str
    kubelet: str
    apiserver: str
    kubeconfig: str
    worker: bool

    @property
    def lacks(self) -> str:
        """What does not run there, in half a sentence; empty when all does."""
        if self.host == "InsufficientStorage":
            return f"{self.name} has no disk space left"
        if self.host != _RUNNING:
            return f"{self.name} is {self.host.lower() or 'unknown'}"
        if self.apiserver == "Paused":
            return f"{self.name} is paused"
        if self.kubelet != _RUNNING:
            return f"kubelet on {self.name} is {self.kubelet.lower() or 'unknown'}"
        if not self.worker and self.apiserver != _RUNNING:
            return f"the API server on {self.name} is {self.apiserver.lower() or 'unknown'}"
        return ""


@dataclass(frozen=True)
class ClusterStatus:
    """The whole as one: a code like HTTP's (100 starting, 200 fine, 405 stopped, 418 paused, 507 disk full).

    ``step`` and ``detail``: what minikube is at, or was at last.
    """

    code: int
    name: str
    detail: str = ""
    step: str = ""

    @property
    def sentence(self) -> str:
        """What is to be said of it beside the nodes' states; empty when nothing is."""
        if self.name in _FINE or not self.name:
            return ""
        what = f"minikube says {self.name} ({self.code})"
        if 100 <= self.code < 200 and self.step:
            what += f", at the step {self.step}"
        return what + (f": {self.detail}" if self.detail else "")


def nodes(text: str) -> list[NodeStatus]:
    """The nodes, of one object or a list of several; empty when nothing was told. Raises ValueError for no status."""
    found: Any = json.loads(text) if text.strip() else None
    entries = found if isinstance(found, list) else [] if found is None else [found]
    if not all(isinstance(entry, dict) and "Host" in entry for entry in entries):
        raise ValueError("not minikube's status")
    return [
        NodeStatus(
            name=_text(entry, "Name"),
            host=_text(entry, "Host"),
            kubelet=_text(entry, "Kubelet"),
            apiserver=_text(entry, "APIServer"),
            kubeconfig=_text(entry, "Kubeconfig"),
            worker=bool(entry.get("Worker")),
        )
        for entry in entries
    ]


def cluster(text: str) -> ClusterStatus | None:
    """The cluster's layout; None for what is not (it is experimental, and an older minikube may have none)."""
    try:
        found: Any = json.loads(text)
        return ClusterStatus(
            code=int(found["StatusCode"]),
            name=_text(found, "StatusName"),
            detail=_text(found, "StatusDetail"),
            step=_text(found, "Step"),
        )
    except (ValueError, KeyError, TypeError, AttributeError):
        return None


def bits(code: int) -> str:
    """What an exit code says, where no status came with it."""
    if code == NO_PROFILE:
        return "minikube does not know its profile any more"
    words = [
        word
        for bit, word in ((HOST, "a machine does not run"), (CLUSTER, "Kubernetes does not run"),
                          (KUBECONFIG, "the kubeconfig is not right"))
        if 0 < code < 8 and code & bit
    ]  # fmt: skip
    return ", ".join(words) or f"minikube status ended with {code}"


def _text(entry: dict[str, Any], key: str) -> str:
    value = entry.get(key, "")
    return "".join(letter for letter in str(value) if letter.isprintable())[:120] if value is not None else ""
