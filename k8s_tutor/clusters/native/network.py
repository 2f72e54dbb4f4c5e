"""Addresses that nothing on this host uses, and the bridge that the nodes of a cluster share."""

from __future__ import annotations

import ipaddress
import itertools
import json
import subprocess
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network

from k8s_tutor.errors import EnvironmentFault

# In order of liking. Services and pods start where kubeadm and most networks put them, so that what the learner
# sees looks like the books; then the other private ranges (RFC 1918, RFC 6598, RFC 2544).
_WIDE = ("10.0.0.0/8", "172.16.0.0/12", "100.64.0.0/10", "198.18.0.0/15")
_LOCAL = ("172.29.0.0/16", "192.168.0.0/16", "10.89.0.0/16", "100.64.0.0/10")
_DEFAULT_LIKE = 4
"""Routes this short are a default route in parts (a VPN's 0.0.0.0/1), not a network to keep clear of."""


@dataclass(frozen=True)
class Ranges:
    """The three ranges of a cluster: nodes (/24), pods (/16, one /24 a node), Services (/16)."""

    nodes: IPv4Network
    pods: IPv4Network
    services: IPv4Network

    @property
    def host(self) -> IPv4Address:
        """The host's own address on the nodes' network."""
        return self.nodes[1]

    def node(self, index: int) -> IPv4Address:
        """A node's address; ``index`` is 1 for the control plane."""
        return self.nodes[index + 1]

    def node_pods(self, index: int) -> IPv4Network:
        """A node's own part of the pod range."""
        return IPv4Network((int(self.pods.network_address) + index * 256, 24))

    @property
    def api(self) -> IPv4Address:
        """ClusterIP of the ``kubernetes`` Service."""
        return self.services[1]

    @property
    def dns(self) -> IPv4Address:
        """ClusterIP of the cluster's DNS, where kubeadm puts it."""
        return self.services[10]


def choose(used: Iterable[IPv4Network]) -> Ranges:
    """The first three ranges that overlap with none of ``used``; EnvironmentFault when there are none."""
    taken = list(used)
    services = _first(_wide(96), taken)
    pods = _first(_wide(244), [*taken, services])
    nodes = _first(_local(), [*taken, services, pods])
    return Ranges(nodes, pods, services)


def used_on_host() -> list[IPv4Network]:
    """Every IPv4 range of this host's routes (all tables) and addresses."""
    return parse_used(ip_text("-j", "route", "show", "table", "all"), ip_text("-j", "-4", "address", "show"))


def parse_used(routes: str, addresses: str) -> list[IPv4Network]:
    """The ranges in what ``ip -j route show table all`` and ``ip -j address show`` print."""
    found: list[IPv4Network] = []
    for route in json.loads(routes or "[]"):
        network = _network(str(route.get("dst", "")))
        if network is not None and network.prefixlen > _DEFAULT_LIKE:
            found.append(network)
    for link in json.loads(addresses or "[]"):
        for address in link.get("addr_info", []):
            network = _network(f"{address.get('local', '')}/{address.get('prefixlen', 32)}")
            if network is not None:
                found.append(network)
    return found


def ensure_bridge(name: str, ranges: Ranges) -> None:
    """Make the bridge with the host's address on it, if it is not there. Raises EnvironmentFault."""
    if not link_exists(name):
        ip("link", "add", name, "type", "bridge")
    # IPv6 would give the bridge an address of its own that nobody asked for.
    _write_sysctl(f"net/ipv6/conf/{name}/disable_ipv6", "1")
    ip("address", "replace", f"{ranges.host}/{ranges.nodes.prefixlen}", "dev", name)
    ip("link", "set", name, "up")


def plug(veth: str, bridge: str, pid: int) -> None:
    """A cable from the bridge into the network of process ``pid``, where its end is ``eth0``."""
    unlink(veth)
    ip("link", "add", veth, "type", "veth", "peer", "name", "eth0", "netns", str(pid))
    _write_sysctl(f"net/ipv6/conf/{veth}/disable_ipv6", "1")
    ip("link", "set", veth, "master", bridge, "up")


def unlink(name: str) -> None:
    """Remove a link if it is there. Raises EnvironmentFault when it stays."""
    try:
        ip("link", "delete", name)
    except EnvironmentFault:
        # A cable goes by itself with the network at its other end, perhaps between a look and the call.
        if link_exists(name):
            raise


def link_exists(name: str) -> bool:
    """Whether the host has this interface."""
    return subprocess.run(["ip", "link", "show", "dev", name], capture_output=True, check=False).returncode == 0


def ip(*arguments: str) -> None:
    """Run the program ip; EnvironmentFault with its own words when it fails."""
    ip_text(*arguments)


def ip_text(*arguments: str) -> str:
    """What ip(8) prints; EnvironmentFault with its own words when it fails."""
    done = subprocess.run(["ip", *arguments], capture_output=True, text=True, check=False)
    if done.returncode != 0:
        said = done.stderr.strip()[:300]
        raise EnvironmentFault(f"ip {' '.join(arguments)} failed: {said}", remedy="k8s-tutor doctor", code="network")
    return done.stdout


def _wide(start: int) -> Iterator[IPv4Network]:
    blocks = list(IPv4Network("10.0.0.0/8").subnets(new_prefix=16))
    yield from blocks[start:] + blocks[:start]
    for wide in _WIDE[1:]:
        yield from IPv4Network(wide).subnets(new_prefix=16)


def _local() -> Iterator[IPv4Network]:
    yield from itertools.chain.from_iterable(IPv4Network(wide).subnets(new_prefix=24) for wide in _LOCAL)


def _first(candidates: Iterable[IPv4Network], taken: list[IPv4Network]) -> IPv4Network:
    for candidate in candidates:
        if not any(candidate.overlaps(other) for other in taken):
            return candidate
    raise EnvironmentFault(
        "Every private address range is in use on this machine.",
        remedy="See which: ip route show table all. Take down a VPN or a cluster that you do not need.",
        code="addresses",
    )


def _network(text: str) -> IPv4Network | None:
    try:
        return ipaddress.IPv4Network(text, strict=False)
    except ValueError:
        return None


def _write_sysctl(name: str, value: str) -> None:
    try:
        with open(f"/proc/sys/{name}", "w", encoding="ascii") as file:
            file.write(value)
    except FileNotFoundError:
        return  # no IPv6 on this host
