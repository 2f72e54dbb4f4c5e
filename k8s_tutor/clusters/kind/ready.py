"""The door to a kind node's network, for readiness: a program on the node, by the engine's ``exec``."""

from __future__ import annotations

import secrets
import struct
from collections.abc import Callable
from typing import Any

from k8s_tutor.clusters.kind.engine import Engine, exec_argv
from k8s_tutor.clusters.native.pid1 import dns
from k8s_tutor.clusters.ready import DNS_NAME
from k8s_tutor.errors import EnvironmentFault

_ASK_SECONDS = 10.0
# A question over TCP, as bash can send one: the script is fixed, the address an argument.
_ASK_DNS = 'exec 3<>"/dev/tcp/$1/53" && cat >&3 && dd bs=4096 count=1 <&3 2>/dev/null'


class NodeDoor:
    """See ``readiness.Door``."""

    def __init__(self, engine: Engine, node: str) -> None:
        """``node``: its container."""
        self._engine = engine
        self._node = node

    def resolve(self, server: str) -> list[str]:
        """Ask a DNS server from the node. Raises ValueError when it does not answer."""
        try:
            return parse_answer(self._on_node, server)
        except EnvironmentFault as error:
            raise ValueError(error.message) from error

    def status_of(self, url: str) -> int:
        """The HTTP status of a GET from the node; 0 for none."""
        try:
            said = self._on_node(["curl", "-sk", "-m", "2", "-o", "/dev/null", "-w", "%{http_code}", url], b"")
        except EnvironmentFault:
            return 0
        return int(said) if said.strip().isdigit() else 0

    def _on_node(self, command: list[str], feed: bytes) -> bytes:
        argv = exec_argv(self._engine, self._node, command, options=("--interactive",))
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
