"""Readiness of a kind cluster: the same questions as a native one is asked, not kind's own.

kind's ``--wait`` looks at the control plane's Ready alone, and says success when its time is over.
"""

from __future__ import annotations

import secrets
import struct
import time
from collections.abc import Callable
from typing import Any

from k8s_tutor.clusters.kind import kubeconfig
from k8s_tutor.clusters.kind.engine import Container, Engine, exec_argv
from k8s_tutor.clusters.kind.progress import DNS, READY, Teller
from k8s_tutor.clusters.native.config import NAMESPACE
from k8s_tutor.clusters.native.pid1 import dns
from k8s_tutor.clusters.native.pid1.api import Api
from k8s_tutor.clusters.ready import DNS_NAME, accounts_lack, namespace_lack, node_lack, quietly
from k8s_tutor.errors import ClusterError, EnvironmentFault
from k8s_tutor.phases import PhaseState

PATIENCE = 240.0
_PAUSE = 0.1
_ASK_SECONDS = 10.0
# A question over TCP, as bash can send one: the script is fixed, the address an argument.
_ASK_DNS = 'exec 3<>"/dev/tcp/$1/53" && cat >&3 && dd bs=4096 count=1 <&3 2>/dev/null'


class Readiness:
    """Asks until everything answers. ``since``: only what was said after it counts (epoch; 0: a new cluster)."""

    def __init__(self, name: str, engine: Engine, nodes: list[Container], *, since: float = 0.0) -> None:
        self._name = name
        self._engine = engine
        self._nodes = nodes
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
            self._made = kubeconfig.api(self._name, 3.0)
        return self._made

    def _api_ready(self) -> str:
        return "" if self._api().ok("/readyz") else "the API server is not ready"

    def _all_nodes(self) -> str:
        for node in self._nodes:
            lack = node_lack(self._api(), node.name, self._since)
            if lack:
                return f"{node.name} {lack}"
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
            found = parse_answer(self._on_node, server)
        except (OSError, ValueError, EnvironmentFault):
            found = []
        return "" if found == [expected] else "the cluster's DNS does not answer"

    def _service(self) -> str:
        address = self._address("default", "kubernetes")
        url = f"https://{address}/readyz"
        try:
            said = self._on_node(["curl", "-sk", "-m", "2", "-o", "/dev/null", "-w", "%{http_code}", url], b"")
        except EnvironmentFault:
            said = b""
        return "" if said.strip() == b"200" else "a request through a ClusterIP is not answered"

    def _on_node(self, command: list[str], feed: bytes) -> bytes:
        argv = exec_argv(self._engine, self._nodes[0].name, command, options=("--interactive",))
        return self._engine.run(*argv[1:], timeout=_ASK_SECONDS, feed=feed).stdout


def parse_answer(on_node: Callable[[list[str], bytes], bytes], server: str) -> list[str]:
    """Ask ``server`` from a node for the API server's name; the addresses. Raises ValueError when it is no answer."""
    number = secrets.randbelow(65536)
    question = dns.question(DNS_NAME, number)
    said = on_node(
        ["timeout", "2", "bash", "-c", _ASK_DNS, "ask-dns", server], struct.pack(">H", len(question)) + question
    )
    if len(said) < 2:
        raise ValueError("no answer")
    length: Any = struct.unpack(">H", said[:2])[0]
    return dns.addresses(said[2 : 2 + length], number)
