"""The little of DNS that readiness needs (RFC 1035): ask for an A record, read the answer, say NXDOMAIN."""

from __future__ import annotations

import ipaddress
import secrets
import socket
import struct

_HEADER = struct.Struct(">HHHHHH")
_A, _IN, _NXDOMAIN = 1, 1, 3
_POINTER = 0xC0


def question(name: str, number: int) -> bytes:
    """A question for the IPv4 address of ``name``; ``number`` comes back in the answer."""
    labels = b"".join(bytes([len(label)]) + label.encode("ascii") for label in name.rstrip(".").split("."))
    return _HEADER.pack(number, 0x0100, 1, 0, 0, 0) + labels + b"\0" + struct.pack(">HH", _A, _IN)


def addresses(packet: bytes, number: int) -> list[str]:
    """The IPv4 addresses in an answer. Raises ValueError when it is not an answer to question ``number``."""
    try:
        found, flags, questions, answers, _, _ = _HEADER.unpack_from(packet)
        if found != number or not flags & 0x8000:
            raise ValueError("not an answer to this question")
        if flags & 0x000F:
            raise ValueError(f"the server says code {flags & 0x000F}")
        at = _HEADER.size
        for _ in range(questions):
            at = _skip_name(packet, at) + 4
        result = []
        for _ in range(answers):
            at = _skip_name(packet, at)
            kind, _, _, length = struct.unpack_from(">HHIH", packet, at)
            at += 10
            if kind == _A and length == 4:
                result.append(str(ipaddress.IPv4Address(packet[at : at + 4])))
            at += length
    except (struct.error, IndexError, ipaddress.AddressValueError) as error:
        raise ValueError("a torn DNS packet") from error
    return result


def refusal(packet: bytes) -> bytes | None:
    """The answer "no such name" to a question; None to what is not one."""
    if len(packet) < _HEADER.size:
        return None
    number, flags, questions, _, _, _ = _HEADER.unpack_from(packet)
    if flags & 0x8000 or questions != 1:
        return None
    try:
        end = _skip_name(packet, _HEADER.size) + 4
    except IndexError:
        return None
    if end > len(packet):
        return None
    # An answer with authority, recursion available: the asker must not try elsewhere.
    return _HEADER.pack(number, 0x8580 | (flags & 0x0100) | _NXDOMAIN, 1, 0, 0, 0) + packet[_HEADER.size : end]


def resolve(name: str, server: str, timeout: float, *, port: int = 53) -> list[str]:
    """Ask ``server`` for the addresses of ``name``. Raises OSError, ValueError."""
    number = secrets.randbelow(65536)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.settimeout(timeout)
        sock.connect((server, port))
        sock.send(question(name, number))
        return addresses(sock.recv(4096), number)


def _skip_name(packet: bytes, at: int) -> int:
    while packet[at]:
        if packet[at] & _POINTER == _POINTER:
            return at + 2
        at += 1 + packet[at]
    return at + 1
