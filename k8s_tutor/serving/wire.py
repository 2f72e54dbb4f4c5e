"""The two protocols that meet in the server: packets to and from the tutor's pipes, messages to and from the page.

Both sides are the learner's: nothing of what they say is trusted, and all of it is bounded. Pure, but for reading.
The packets are those of ``textual.drivers.web_driver``, the messages those of textual-serve's page script.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import urlsplit

GREETING = b"__GANGLION__\n"
LARGEST_PACKET = 8 << 20
"""Bytes. A whole screen of 500 by 200 cells with colours of their own is about 4 MB."""
LARGEST_MESSAGE = 256 << 10
"""Bytes of one message of the page: a long paste."""
LONGEST_URL = 2000
COLUMNS, ROWS = (20, 500), (5, 200)


class Broken(Exception):
    """The other side does not speak the protocol."""


async def packets(stream: asyncio.StreamReader) -> AsyncIterator[tuple[bytes, bytes]]:
    """Kind (one letter) and payload of each packet; ends where the stream ends. Raises Broken."""
    try:
        for _ in range(10):
            line = await stream.readline()
            if not line:
                return
            if line == GREETING:
                break
        else:
            raise Broken("the tutor did not say hello")
        while True:
            head = await stream.readexactly(5)
            size = int.from_bytes(head[1:], "big")
            if head[:1] not in (b"D", b"M", b"P") or size > LARGEST_PACKET:
                raise Broken("the tutor's output is no packet")
            yield head[:1], await stream.readexactly(size)
    except (asyncio.IncompleteReadError, ConnectionError):
        return
    except ValueError as error:  # a line without an end
        raise Broken("the tutor did not say hello") from error


def packet(kind: bytes, payload: bytes) -> bytes:
    """One packet for the tutor: ``D`` what was typed, ``M`` a JSON object."""
    return kind + len(payload).to_bytes(4, "big") + payload


def meta(**what: str | int) -> bytes:
    """A packet that tells something: ``type`` and more."""
    return packet(b"M", json.dumps(what).encode())


def from_page(text: str) -> tuple[bytes, str]:
    """What a message of the page means: a packet for the tutor, and an answer for the page; either may be empty.

    Raises Broken for what the page script never sends.
    """
    try:
        message = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise Broken("no JSON") from error
    if not isinstance(message, list) or not message:
        raise Broken("no message")
    kind, told = message[0], message[1] if len(message) > 1 else None
    if kind == "stdin" and isinstance(told, str):
        return packet(b"D", told.encode("utf-8", "replace")), ""
    if kind == "resize" and isinstance(told, dict):
        columns, rows = size_of(told.get("width"), told.get("height"))
        return meta(type="resize", width=columns, height=rows), ""
    if kind == "ping" and isinstance(told, str):
        return b"", json.dumps(["pong", told[:40]])
    if kind in ("focus", "blur"):
        return meta(type=kind), ""
    raise Broken("an unknown message")


def size_of(width: Any, height: Any) -> tuple[int, int]:
    """Columns and rows, within bounds; 80 by 24 for what is no number."""
    try:
        columns, rows = int(width), int(height)
    except (TypeError, ValueError, OverflowError):
        return 80, 24
    return min(max(columns, COLUMNS[0]), COLUMNS[1]), min(max(rows, ROWS[0]), ROWS[1])


def to_page(payload: bytes) -> tuple[str, bool]:
    """What the tutor's meta packet means: a message for the page (may be empty), and whether the tutor ends."""
    try:
        told = json.loads(payload)
        kind = told["type"]
    except (ValueError, KeyError, TypeError, RecursionError):
        return "", False
    if kind == "exit":
        return "", True
    if kind == "open_url":
        url = told.get("url")
        if isinstance(url, str) and len(url) <= LONGEST_URL and _is_web(url):
            return json.dumps(["open_url", {"url": url, "new_tab": True}]), False
    return "", False


def _is_web(url: str) -> bool:
    try:
        parts = urlsplit(url)
    except ValueError:
        return False
    return parts.scheme in ("http", "https") and bool(parts.hostname) and url.isprintable()
