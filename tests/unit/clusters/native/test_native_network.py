"""Addresses are chosen that no route, address or other cluster of the host uses."""

from __future__ import annotations

import json
from ipaddress import IPv4Network

import pytest

from k8s_tutor.clusters.native import network
from k8s_tutor.errors import EnvironmentFault


def nets(*texts: str) -> list[IPv4Network]:
    return [IPv4Network(text) for text in texts]


def test_an_empty_machine_gets_the_ranges_of_the_books() -> None:
    ranges = network.choose([])
    assert str(ranges.services) == "10.96.0.0/16"
    assert str(ranges.pods) == "10.244.0.0/16"
    assert ranges.nodes.prefixlen == 24
    assert str(ranges.api) == "10.96.0.1"
    assert str(ranges.dns) == "10.96.0.10"


@pytest.mark.parametrize(
    "used",
    [
        nets("10.96.0.0/12"),
        nets("10.0.0.0/8"),
        nets("10.0.0.0/8", "172.16.0.0/12"),
        nets("10.244.3.7/32", "172.29.0.0/16"),
        nets("172.29.0.5/32", "192.168.0.0/16", "10.0.0.0/9"),
    ],
)
def test_nothing_overlaps_with_what_is_used_or_with_each_other(used: list[IPv4Network]) -> None:
    ranges = network.choose(used)
    chosen = [ranges.nodes, ranges.pods, ranges.services]
    assert not any(one.overlaps(other) for one in chosen for other in used)
    assert not any(one.overlaps(other) for one in chosen for other in chosen if one is not other)


def test_a_second_cluster_shares_nothing_with_the_first() -> None:
    first = network.choose([])
    second = network.choose([first.nodes, first.pods, first.services])
    for one in (first.nodes, first.pods, first.services):
        assert not any(one.overlaps(other) for other in (second.nodes, second.pods, second.services))


def test_no_range_left_is_a_fault_with_a_remedy() -> None:
    with pytest.raises(EnvironmentFault) as caught:
        network.choose(nets("0.0.0.0/0"))
    assert "ip route" in caught.value.remedy


def test_every_node_has_its_own_part_of_the_pods() -> None:
    ranges = network.choose([])
    parts = [ranges.node_pods(index) for index in range(1, 10)]
    assert len(set(parts)) == 9
    assert all(part.subnet_of(ranges.pods) for part in parts)
    assert len({ranges.host, *(ranges.node(index) for index in range(1, 10))}) == 10


def test_routes_of_all_tables_and_addresses_are_read() -> None:
    routes = [
        {"dst": "default", "gateway": "192.0.2.1", "dev": "eth0"},
        {"dst": "0.0.0.0/1", "dev": "tun0"},
        {"dst": "192.0.2.0/24", "dev": "eth0"},
        {"type": "unreachable", "dst": "10.8.0.0/16", "table": "52"},
        {"dst": "fd00::/64", "dev": "eth0"},
        {"type": "local", "dst": "127.0.0.1", "table": "local"},
    ]
    addresses = [{"ifname": "eth0", "addr_info": [{"local": "172.29.0.9", "prefixlen": 16}]}, {"ifname": "x"}]
    found = network.parse_used(json.dumps(routes), json.dumps(addresses))
    assert found == nets("192.0.2.0/24", "10.8.0.0/16", "127.0.0.1/32", "172.29.0.0/16")


def test_no_output_at_all_is_no_ranges() -> None:
    assert network.parse_used("", "") == []
