"""Escape and what is typed behind it are two keys, as soon as a hand can be."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest
from textual import constants, events
from textual._xterm_parser import XTermParser

from k8s_tutor.ui import escape_key


@pytest.fixture(autouse=True)
def _as_it_was(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(constants, "ESCAPE_DELAY", 0.1)
    monkeypatch.setattr(XTermParser, "feed", XTermParser.__mro__[1].feed)
    monkeypatch.delenv("ESCDELAY", raising=False)
    yield


def keys(*pieces: str, gap: float = 0.0) -> list[str]:
    """What Textual makes of the input, piece by piece, ``gap`` seconds between two."""
    parser, found = XTermParser(), []
    for piece in pieces:
        found += list(parser.feed(piece))
        time.sleep(gap)
    time.sleep(0.11)  # the end of every wait
    found += list(parser.tick())
    return [event.key for event in found if isinstance(event, events.Key)]


def test_a_quick_hand_is_understood() -> None:
    assert keys("\x1b", "j", gap=0.05) == ["alt+j"]
    escape_key.hasten()
    escape_key.hasten()
    assert keys("\x1b", "j", gap=0.05) == ["escape", "j"]


@pytest.mark.parametrize("pieces", [("\x1b:w",), ("\x1b", ":w"), ("x\x1b:", "w")])
def test_punctuation_behind_escape_is_another_key_also_at_once(pieces: tuple[str, ...]) -> None:
    assert "escape" not in keys(*pieces)
    escape_key.hasten()
    assert keys(*pieces)[-3:] == ["escape", "colon", "w"]


def test_keys_that_begin_with_escape_are_what_they_were() -> None:
    escape_key.hasten()
    assert keys("\x1b[A", "\x1bOP", "\x1b", "[B", "\x1bj") == ["up", "f1", "down", "alt+j"]


def test_the_users_own_wait_holds(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ESCDELAY", "500")
    escape_key.hasten()
    assert constants.ESCAPE_DELAY == 0.1


def test_an_escape_that_was_told_is_not_told_again() -> None:
    escape_key.hasten()
    parser = XTermParser()
    assert list(parser.feed("\x1b")) == []
    time.sleep(0.05)
    told = [*parser.tick(), *parser.feed(":"), *parser.tick()]
    assert [event.key for event in told if isinstance(event, events.Key)] == ["escape", "colon"]
