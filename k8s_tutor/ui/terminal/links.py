"""Addresses in what a terminal shows: found in plain text, or named by the program (OSC 8). Pure.

What a program prints is untrusted: a link's text and its address can differ, so an address is always shown before
anything is done with it, and only web addresses are ever opened.
"""

from __future__ import annotations

import re
from urllib.parse import urlsplit

MAX_LINK = 2048
"""Bytes of an address; what is longer is no link for us."""

_WEB = re.compile(r"https?://[^\s<>\"'`|\\^{}\x00-\x20\x7f-\x9f]+", re.IGNORECASE)
_PAIRS = {")": "(", "]": "["}


def _trimmed(address: str) -> str:
    """Without what belongs to the sentence around it: a full stop, a bracket that was opened before it."""
    while address:
        last = address[-1]
        if last in ".,;:!?*_~" or (last in _PAIRS and address.count(last) > address.count(_PAIRS[last])):
            address = address[:-1]
        else:
            break
    return address


def found(text: str) -> list[tuple[int, int, str]]:
    """Each web address in ``text``: where it begins, where it ends (exclusive), and the address itself."""
    spans = []
    for match in _WEB.finditer(text):
        address = _trimmed(match.group())
        if len(address) <= MAX_LINK and may_open(address):
            spans.append((match.start(), match.start() + len(address), address))
    return spans


def at(text: str, index: int) -> str:
    """The address that the character ``index`` of ``text`` belongs to; empty if there is none."""
    return next((address for start, end, address in found(text) if start <= index < end), "")


def tame(address: str) -> str:
    """An address that a program named, if it is one that can be shown whole and as it is; else empty."""
    if len(address) > MAX_LINK or not address.isprintable() or any(c.isspace() for c in address):
        return ""
    return address


def may_open(address: str) -> bool:
    """Whether a browser may be asked to show it: web addresses with a host, nothing else."""
    try:
        parts = urlsplit(address)
    except ValueError:
        return False
    return parts.scheme.lower() in ("http", "https") and bool(parts.hostname)
