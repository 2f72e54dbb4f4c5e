"""Decide whether a cluster that we did not make may be used: local by its name and by its address, or not at all.

A name alone proves nothing (a production context may be called ``kind-prod``), an address alone neither (a company's
cluster lives in 10.0.0.0/8 too). Names follow Tilt's list; addresses are judged as written, and every address
that a host name resolves to must be local.
"""

from __future__ import annotations

import ipaddress
import re
import socket
from collections.abc import Callable
from dataclasses import dataclass
from urllib.parse import urlsplit

from k8s_tutor.errors import EnvironmentFault

LOCAL_NAMES = (
    r"kind-.+",
    r"kind",
    r"minikube(-.+)?",
    r"k3d-.+",
    r"docker-desktop",
    r"docker-for-desktop",
    r"rancher-desktop",
    r"colima(-.+)?",
    r"orbstack",
    r"microk8s(-.+)?",
    r"k8s-tutor-.+",
)
"""Contexts that local tools make, as whole-name patterns."""

LOCAL_NAMES_IN_WORDS = (
    "kind-*, minikube, k3d-*, docker-desktop, rancher-desktop, colima, orbstack, microk8s, k8s-tutor-*"
)
SUSPICIOUS = re.compile(r"prod|^gke_|^arn:aws|\.eksctl\.io|\.azmk8s\.io|^do-", re.IGNORECASE)

_PRIVATE = tuple(
    ipaddress.ip_network(text)
    for text in ("127.0.0.0/8", "::1/128", "10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "169.254.0.0/16",
                 "fe80::/10", "fc00::/7")
)  # fmt: skip

Resolve = Callable[[str], list[str]]


@dataclass(frozen=True)
class Verdict:
    """Whether a context may be used, and why (one sentence)."""

    allowed: bool
    reason: str


def judge(context: str, cluster: str, server: str, *, resolve: Resolve | None = None) -> Verdict:
    """Judge a context by its name, the name of its cluster entry and its server's address."""
    if SUSPICIOUS.search(context) or SUSPICIOUS.search(cluster):
        return Verdict(False, f"its name ({context[:80]}) looks like a production or cloud cluster")
    if not any(re.fullmatch(pattern, context) for pattern in LOCAL_NAMES):
        return Verdict(False, f"its name ({context[:80]}) is not one that a local tool gives: {LOCAL_NAMES_IN_WORDS}")
    address = address_verdict(server, resolve or _resolve)
    if not address.allowed:
        return address
    return Verdict(True, f"local by its name ({context[:80]}) and by its address ({server[:80]})")


def require(context: str, cluster: str, server: str, *, resolve: Resolve | None = None) -> None:
    """Raise EnvironmentFault unless the context may be used."""
    verdict = judge(context, cluster, server, resolve=resolve)
    if not verdict.allowed:
        raise EnvironmentFault(
            f"context {context[:80]!r} is refused: {verdict.reason}",
            remedy="use a local cluster: `k8s-tutor cluster up` makes one, or name a kind, minikube or k3d context",
            code="context-refused",
        )


def address_verdict(server: str, resolve: Resolve) -> Verdict:
    """Whether the server's address can only be on this machine or its own private networks."""
    try:
        parts = urlsplit(server)
        host = (parts.hostname or "").rstrip(".").lower()
    except ValueError:
        return Verdict(False, f"its server ({server[:80]}) is not an address that can be judged")
    if parts.scheme == "unix":
        return Verdict(True, "a Unix socket")
    if parts.scheme not in ("https", "http") or not host:
        return Verdict(False, f"its server ({server[:80]}) is not an address that can be judged")
    if host == "localhost" or host == "host.docker.internal" or host.endswith(".docker.internal"):
        return Verdict(True, f"{host} is this machine")
    literal = _literal(host)
    if literal is not None:
        return _address(literal, server)
    try:
        found = [address for text in resolve(host) if (address := _literal(text)) is not None]
    except OSError:
        return Verdict(False, f"its server's name ({host[:80]}) does not resolve")
    if not found:
        return Verdict(False, f"its server's name ({host[:80]}) does not resolve")
    for address in found:
        verdict = _address(address, server)
        if not verdict.allowed:
            return verdict
    return Verdict(True, f"{host} resolves to local addresses only")


def _address(address: ipaddress.IPv4Address | ipaddress.IPv6Address, server: str) -> Verdict:
    mapped = getattr(address, "ipv4_mapped", None)
    address = mapped or address
    if any(address.version == network.version and address in network for network in _PRIVATE):
        return Verdict(True, f"{address} is local or private")
    return Verdict(False, f"its server ({server[:80]}) is at {address}, which is not a local address")


def _literal(text: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        return ipaddress.ip_address(text.partition("%")[0])
    except ValueError:
        return None


def _resolve(host: str) -> list[str]:
    return sorted({str(item[4][0]) for item in socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)})
