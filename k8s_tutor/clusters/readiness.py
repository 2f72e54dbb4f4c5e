"""Readiness of a cluster that another program made: the same questions as a native one is asked, not that one's own.

kind's ``--wait`` looks at the control plane's Ready alone, and says success when its time is over; minikube's looks at
pods, and not at whether a name or a ClusterIP answers.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Protocol

from k8s_tutor.clusters import own_kubeconfig
from k8s_tutor.clusters.keeping import NAMESPACE
from k8s_tutor.clusters.native.pid1.api import Api
from k8s_tutor.clusters.ready import accounts_lack, namespace_lack, node_lack, quietly
from k8s_tutor.clusters.telling import Teller
from k8s_tutor.errors import ClusterError
from k8s_tutor.phases import PhaseState

DNS, READY = "dns", "ready"
PATIENCE = 240.0
_PAUSE = 0.1


class Door(Protocol):
    """A way onto the first node's network."""

    def resolve(self, server: str) -> list[str]:
        """What the DNS server at this address says of the API server's name. Raises OSError, ValueError."""
        ...

    def status_of(self, url: str) -> int:
        """The HTTP status of a GET, its certificate not looked at; 0 for none."""
        ...


class Readiness:
    """Asks until everything answers. ``since``: only what was said after it counts (epoch; 0: a new cluster)."""

    def __init__(self, name: str, folder: Path, nodes: Sequence[str], door: Door, *, since: float = 0.0) -> None:
        """``folder`` has the learner's kubeconfig; ``nodes``: their names in Kubernetes."""
        self._name = name
        self._folder = folder
        self._nodes = nodes
        self._door = door
        self._since = since
        self._made: Api | None = None
        self._services: dict[str, str] = {}

    def wait(self, teller: Teller, deadline: float) -> None:
        """Return when the cluster is ready. Raises ClusterError that says what is missing."""
        steps: list[tuple[str, Callable[[], str]]] = [
            ("", self._api_ready),
            ("", lambda: namespace_lack(self._api(), NAMESPACE)),
            ("", self._all_nodes),
            ("", lambda: accounts_lack(self._api(), "default", NAMESPACE)),
            (DNS, self._dns),
            ("", self._service),
        ]
        teller.tell(DNS, PhaseState.RUNNING)
        teller.tell(READY, PhaseState.RUNNING)
        while steps:
            waiting = []
            for step in list(steps):
                phase, look = step
                if phase == DNS and any(not other for other, _ in steps[: steps.index(step)]):
                    # Each look costs a process on the node: not before the API server can answer at all.
                    waiting.append("the cluster's DNS does not answer")
                    continue
                lack = quietly(look)
                if lack:
                    waiting.append(lack)
                    continue
                steps.remove(step)
                if phase:
                    teller.tell(phase, PhaseState.DONE)
            if not steps:
                break
            teller.tell(READY, PhaseState.RUNNING, waiting[0])
            if time.monotonic() > deadline:
                raise ClusterError(
                    f"Cluster {self._name} is not ready: {'; '.join(waiting)}"[:600],
                    remedy=f"k8s-tutor cluster logs --name {self._name}",
                    code="not-ready",
                )
            time.sleep(_PAUSE)
        teller.tell(READY, PhaseState.DONE)

    def _api(self) -> Api:
        if self._made is None:
            self._made = own_kubeconfig.api(self._folder, 3.0)
        return self._made

    def _api_ready(self) -> str:
        return "" if self._api().ok("/readyz") else "the API server is not ready"

    def _all_nodes(self) -> str:
        for node in self._nodes:
            lack = node_lack(self._api(), node, self._since)
            if lack:
                return f"{node} {lack}"
        return ""

    def _address(self, namespace: str, service: str) -> str:
        if service not in self._services:
            status, found = self._api().call("GET", f"/api/v1/namespaces/{namespace}/services/{service}")
            if status != 200:
                raise OSError(f"the Service {service} is not there (HTTP {status})")
            self._services[service] = str(found["spec"]["clusterIP"])
        return self._services[service]

    def _dns(self) -> str:
        server, expected = self._address("kube-system", "kube-dns"), self._address("default", "kubernetes")
        try:
            found = self._door.resolve(server)
        except (OSError, ValueError):
            found = []
        return "" if found == [expected] else "the cluster's DNS does not answer"

    def _service(self) -> str:
        address = self._address("default", "kubernetes")
        answered = self._door.status_of(f"https://{address}/readyz") == 200
        return "" if answered else "a request through a ClusterIP is not answered"
