"""The door to a minikube node's network, for readiness: programs on the node, by ``minikube ssh``.

Its own ssh client always asks for a terminal there (pkg/libmachine/ssh): so both ways carry text only, what is
meant stands between two marks, and nothing is expected on stdin.
"""

from __future__ import annotations

import base64
import re
import secrets
import struct
from collections.abc import Callable, Sequence

from k8s_tutor.clusters.native.pid1 import dns
from k8s_tutor.clusters.ready import DNS_NAME

ASK_SECONDS = 15.0
# The scripts are fixed; what differs is an argument.
_ASK_DNS = (
    'exec 3<>"/dev/tcp/$1/$3" && echo "$2" | base64 -d >&3'
    ' && echo "<<$(timeout 2 dd bs=4096 count=1 <&3 2>/dev/null | base64 | tr -d "\\n")>>"'
)
_ASK_URL = 'echo "<<$(curl -sk -m 2 -o /dev/null -w "%{http_code}" "$1")>>"'
_MARKED = re.compile(r"<<([A-Za-z0-9+/=]*)>>")
OnNode = Callable[[Sequence[str]], str]
"""Runs a command on the node; what it prints, empty when it cannot be run."""


class NodeDoor:
    """See ``readiness.Door``."""

    def __init__(self, on_node: OnNode, *, port: int = 53) -> None:
        """``port``: where DNS servers listen."""
        self._on_node = on_node
        self._port = str(port)

    def resolve(self, server: str) -> list[str]:
        """Ask a DNS server from the node. Raises ValueError when it does not answer."""
        number = secrets.randbelow(65536)
        question = dns.question(DNS_NAME, number)
        packet = base64.b64encode(struct.pack(">H", len(question)) + question).decode("ascii")
        said = base64.b64decode(_marked(self._on_node(["bash", "-c", _ASK_DNS, "ask-dns", server, packet, self._port])))
        if len(said) < 2:
            raise ValueError("no answer")
        (length,) = struct.unpack(">H", said[:2])
        return dns.addresses(said[2 : 2 + length], number)

    def status_of(self, url: str) -> int:
        """The HTTP status of a GET from the node; 0 for none."""
        try:
            found = _marked(self._on_node(["bash", "-c", _ASK_URL, "ask-url", url]))
        except ValueError:
            return 0
        return int(found) if found.isdigit() else 0


def _marked(said: str) -> str:
    found = _MARKED.search(said)
    if found is None:
        raise ValueError("no answer")
    return found[1]
