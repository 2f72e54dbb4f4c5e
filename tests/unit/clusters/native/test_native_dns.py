"""The hand-made DNS packets of a node's PID 1."""

from __future__ import annotations

import contextlib
import socket
import struct
import threading

import pytest
from hypothesis import given
from hypothesis import strategies as st

from k8s_tutor.clusters.native.pid1 import dns

NAME = "kubernetes.default.svc.cluster.local"


def answer(question: bytes, number: int, *, rcode: int = 0, addresses: tuple[str, ...] = ("10.96.0.1",)) -> bytes:
    header = struct.pack(">HHHHHH", number, 0x8400 | rcode, 1, len(addresses), 0, 0)
    records = b"".join(
        b"\xc0\x0c" + struct.pack(">HHIH", 1, 1, 5, 4) + socket.inet_aton(address) for address in addresses
    )
    return header + question[12:] + records


def test_a_question_is_as_the_rfc_says() -> None:
    packet = dns.question("a.bc", 7)
    assert packet == b"\x00\x07\x01\x00\x00\x01\x00\x00\x00\x00\x00\x00" + b"\x01a\x02bc\x00" + b"\x00\x01\x00\x01"


def test_addresses_are_read() -> None:
    packet = answer(dns.question(NAME, 9), 9, addresses=("10.96.0.1", "10.0.0.2"))
    assert dns.addresses(packet, 9) == ["10.96.0.1", "10.0.0.2"]


def test_records_of_another_kind_are_passed_over() -> None:
    question = dns.question("x.y", 1)
    alias = b"\xc0\x0c" + struct.pack(">HHIH", 5, 1, 5, 2) + b"\xc0\x0c"
    address = b"\xc0\x0c" + struct.pack(">HHIH", 1, 1, 5, 4) + socket.inet_aton("10.1.1.1")
    packet = struct.pack(">HHHHHH", 1, 0x8400, 1, 2, 0, 0) + question[12:] + alias + address
    assert dns.addresses(packet, 1) == ["10.1.1.1"]


@pytest.mark.parametrize(
    "packet",
    [
        b"",
        b"\x00\x09",
        dns.question(NAME, 9),
        answer(dns.question(NAME, 8), 8),
        answer(dns.question(NAME, 9), 9, rcode=2),
        answer(dns.question(NAME, 9), 9)[:-2],
        answer(dns.question(NAME, 9), 9)[:20],
    ],
)
def test_what_is_no_answer_is_a_value_error(packet: bytes) -> None:
    with pytest.raises(ValueError):
        dns.addresses(packet, 9)


@given(st.binary(max_size=80))
def test_any_bytes_are_an_answer_or_a_value_error(noise: bytes) -> None:
    with contextlib.suppress(ValueError):
        assert isinstance(dns.addresses(noise, 1), list)
    refused = dns.refusal(noise)
    assert refused is None or len(refused) <= len(noise)


def test_a_refusal_repeats_the_question_and_says_no_such_name() -> None:
    question = dns.question("registry-1.docker.io", 5)
    refused = dns.refusal(question)
    assert refused is not None
    assert refused[12:] == question[12:]
    with pytest.raises(ValueError, match="code 3"):
        dns.addresses(refused, 5)


def test_an_answer_is_not_answered() -> None:
    assert dns.refusal(answer(dns.question(NAME, 9), 9)) is None


def test_a_server_that_is_not_there_is_an_error_and_not_a_wait() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with pytest.raises(OSError):
        dns.resolve(NAME, "127.0.0.1", 0.5, port=port)


def test_a_real_exchange_over_loopback() -> None:
    server = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    server.bind(("127.0.0.1", 0))

    def serve() -> None:
        packet, sender = server.recvfrom(512)
        server.sendto(answer(packet, struct.unpack_from(">H", packet)[0]), sender)

    thread = threading.Thread(target=serve)
    thread.start()
    try:
        assert dns.resolve(NAME, "127.0.0.1", 2.0, port=server.getsockname()[1]) == ["10.96.0.1"]
    finally:
        thread.join()
        server.close()
