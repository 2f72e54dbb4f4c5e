"""A paste is text, whatever is in it and however it arrives."""

from __future__ import annotations

import pytest
from textual import events
from textual._xterm_parser import XTermParser

from k8s_tutor.ui.pasting import END, START, Pastes, harden

EVIL = f"{START}ls \x1btouch /tmp/evil\r\x1b[A\x1b[20\x1b{END}"


def arrives(*pieces: str) -> list[str]:
    """What Textual makes of the input: names of keys, pasted texts in quotes."""
    parser, found = XTermParser(), []
    for piece in pieces:
        for event in parser.feed(piece):
            if isinstance(event, events.Key):
                found.append(event.key)
            elif isinstance(event, events.Paste):
                found.append(repr(event.text))
    return found


@pytest.mark.parametrize("cut", range(1, len(EVIL)))
def test_no_part_of_a_paste_is_a_key(cut: int) -> None:
    harden()
    harden()
    assert arrives(EVIL[:cut], EVIL[cut:], "x") == [repr("ls touch /tmp/evil\r[A[20"), "x"]


def test_every_character_by_itself() -> None:
    harden()
    assert arrives(*EVIL, "\x1b[A", *EVIL) == [
        repr("ls touch /tmp/evil\r[A[20"),
        "up",
        repr("ls touch /tmp/evil\r[A[20"),
    ]


def test_keys_are_left_alone_and_never_held_back() -> None:
    pastes = Pastes()
    for piece in ("a", "\x1b", "[", "A", "\x1b[200", "x", "\x1b[201~", "\x1b[B"):
        assert pastes.clean(piece) == piece
