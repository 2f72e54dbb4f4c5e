"""Decide whether a cluster that we did not make may be used without being asked about it.

It may if it is local by its name, by its server's address and by its own facts; else its user has to consent to it
(``consent.py``). A name alone proves nothing (a production context may be called ``kind-prod``), an address alone
neither (a company's cluster lives in 10.0.0.0/8 too, and a tunnel's end is on 127.0.0.1). Names follow Tilt's list;
addresses are judged as written, and every address that a host name resolves to must be local.
"""

from __future__ import annotations

import ipaddress
import re
import shlex
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

MOST_NODES = 9
MOST_NAMESPACES = 50
"""A cluster on somebody's own machine has not more."""
LOCAL_PROVIDERS = ("kind", "k3s", "docker", "minikube", "kwok")
"""Schemes of a node's ``providerID`` that local tools write; clouds write ``aws``, ``gce``, ``azure`` and the like."""
CLOUD_LABELS = (
    "topology.kubernetes.io/region",
    "failure-domain.beta.kubernetes.io/region",
    "eks.amazonaws.com/",
    "cloud.google.com/",
    "kubernetes.azure.com/",
    "doks.digitalocean.com/",
    "node.openshift.io/",
)
"""Labels (or what they begin with) that clouds and companies' installers put on nodes."""

Resolve = Callable[[str], list[str]]


@dataclass(frozen=True)
class Verdict:
    """Whether a context may be used as it is, and why (one sentence)."""

    allowed: bool
    reason: str


@dataclass(frozen=True)
class Node:
    """What a node tells about where it runs: its ``providerID`` and the keys of its labels."""

    name: str
    provider_id: str = ""
    labels: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Facts:
    """What a cluster told about itself, asked read-only. None and empty: it may not be read with these credentials."""

    uid: str = ""
    version: str = ""
    nodes: tuple[Node, ...] | None = None
    namespaces: int | None = None


def decide(
    context: str, cluster: str, server: str, facts: Facts, *, proxy: str = "", resolve: Resolve | None = None
) -> Verdict:
    """Judge a context by all that is known: name, address, the way there, and the cluster's own facts."""
    by_name = judge(context, cluster, server, proxy=proxy, resolve=resolve)
    against = contradiction(facts)
    if by_name.allowed and against:
        return Verdict(False, f"it is called and placed as a local cluster is, but {against}")
    return by_name


def contradiction(facts: Facts) -> str:
    """What in a cluster's own facts says that it is no local one; empty if nothing does."""
    if facts.nodes is None or facts.namespaces is None:
        what = "nodes" if facts.nodes is None else "namespaces"
        return f"its {what} may not be read with these credentials, as whoever made a local cluster may"
    if len(facts.nodes) > MOST_NODES:
        return f"it has {len(facts.nodes)} nodes"
    if facts.namespaces > MOST_NAMESPACES:
        return f"it has {facts.namespaces} namespaces"
    for node in facts.nodes:
        scheme = node.provider_id.partition("://")[0]
        if scheme and scheme not in LOCAL_PROVIDERS:
            return f"node {node.name[:80]} is {node.provider_id[:80]!r}"
        for label in sorted(node.labels):
            if label.startswith(CLOUD_LABELS):
                return f"node {node.name[:80]} has the label {label[:80]}"
    return ""


def judge(context: str, cluster: str, server: str, *, proxy: str = "", resolve: Resolve | None = None) -> Verdict:
    """Judge a context by its name, the name of its cluster entry, its server's address and the way there."""
    if SUSPICIOUS.search(context) or SUSPICIOUS.search(cluster):
        return Verdict(False, f"its name ({context[:80]}) looks like a production or cloud cluster")
    if not any(re.fullmatch(pattern, context) for pattern in LOCAL_NAMES):
        return Verdict(False, f"its name ({context[:80]}) is not one that a local tool gives: {LOCAL_NAMES_IN_WORDS}")
    if proxy:
        return Verdict(False, "it goes through a proxy, so its address does not say where it ends")
    address = address_verdict(server, resolve or _resolve)
    if not address.allowed:
        return address
    return Verdict(True, f"local by its name ({context[:80]}) and by its address ({server[:80]})")


def require(context: str, cluster: str, server: str, *, proxy: str = "", resolve: Resolve | None = None) -> None:
    """Raise EnvironmentFault unless the context may be used by its name and address."""
    verdict = judge(context, cluster, server, proxy=proxy, resolve=resolve)
    if not verdict.allowed:
        raise refusal(context, verdict.reason)


def refusal(context: str, reason: str) -> EnvironmentFault:
    """The error that says why a context is not used, and what can be done."""
    return EnvironmentFault(
        f"context {context[:80]!r} is refused: {reason}",
        remedy="use a local cluster: `k8s-tutor cluster up` makes one. If it is yours to learn on all the same: "
        + shlex.join(("k8s-tutor", "cluster", "consent", context[:300])),
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
