"""What the words of a YAML line are, for their colours: one line at a time, each beginning in the state the last left.

Small on purpose: it colours, it does not judge. A state is what a line begins inside of: nothing, text of several
lines (``|``, ``>``) or a quote.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

LONGEST = 2_000
"""Characters of a line that get colours."""

_LEAD = re.compile(r"[ \t]*")
_DASH = re.compile(r"-(?=[ \t]|$)[ \t]*")
_KEY = re.compile(
    r"""("(?:[^"\\]|\\.)*"|'(?:[^']|'')*'|[^\s#,\[\]{}&*!|>'"%@`-][^:#]*?|-[^\s:#][^:#]*?|<<)[ \t]*:(?=[ \t]|$)"""
)
_FLOW_KEY = re.compile(
    r"""("(?:[^"\\]|\\.)*"|'(?:[^']|'')*'|[\w./-]+)[ \t]*:(?=[ \t"'\[{]|$)|("(?:[^"\\]|\\.)*")[ \t]*:"""
)
_NAMED = re.compile(r"[&*!][^\s,\[\]{}]*")
_BLOCK = re.compile(r"[|>][-+0-9]{0,2}(?=[ \t]|$)")
_TYPED = re.compile(
    r"(?:[-+]?(?:\d[\d_]*(?:\.\d*)?(?:[eE][-+]?\d+)?|0[xo][0-9a-fA-F]+|\.\d+)|true|false|yes|no|on|off|null|~)$", re.I
)
_PLAIN = re.compile(r"[^#\s](?:[^#]|(?<=\S)#)*")
_FLOW_PLAIN = re.compile(r"[^#\s,\[\]{}](?:[^#,\[\]{}]|(?<=\S)#)*")
_OPENS = re.compile(r"[\"'|>]")
_CALLOUT = re.compile(r"#\s*\[\d{1,3}\]")
CALLOUT = re.compile(r"#\s*\[(\d{1,3})\]\s*$")
"""The mark at the end of a numbered line."""


@dataclass(frozen=True)
class State:
    """What a line begins inside of: ``quote`` (the character) or, if not -1, text that is deeper than ``block``."""

    quote: str = ""
    block: int = -1


START = State()
Span = tuple[int, int, str]
"""From, to (not included), and what it is: key, dash, comment, callout, typed, text, name, mark."""


def spans(row: str, state: State = START) -> tuple[list[Span], State]:
    """What the parts of a line are, and the state that the next line begins in."""
    row = row[:LONGEST]
    if state.block >= 0:
        if not row.strip() or len(row) - len(row.lstrip(" ")) >= state.block:
            return ([(0, len(row), "text")] if row.strip() else []), state
        state = START
    found: list[Span] = []
    if state.quote:
        end = _close(row, 0, state.quote)
        found.append((0, len(row) if end < 0 else end, "text"))
        return (found, state) if end < 0 else (found, _values(row, end, found, 0))
    if row.startswith(("---", "...", "%")):
        return [(0, len(row), "mark")], START
    at = deep = _LEAD.match(row).end()  # type: ignore[union-attr]
    while dash := _DASH.match(row, at):
        found.append((at, at + 1, "dash"))
        deep, at = at, dash.end()
    key = _KEY.match(row, at)
    if key is not None:
        found.append((at, key.end(1), "key"))
        deep, at = at, key.end()
    return found, _values(row, at, found, deep + 1)


def _values(row: str, at: int, found: list[Span], block: int) -> State:
    """The rest of a line from ``at``; ``block``: the least indent of text that begins on the next line."""
    depth = 0
    while at < len(row):
        char = row[at]
        if char in " \t":
            at += 1
        elif char == "#" and (at == 0 or row[at - 1] in " \t"):
            mark = _CALLOUT.match(row, at)
            if mark:
                found.append((at, mark.end(), "callout"))
            if not mark or mark.end() < len(row):
                found.append((mark.end() if mark else at, len(row), "comment"))
            return START
        elif depth and (key := _FLOW_KEY.match(row, at)):
            found.append((at, key.end(1) if key[1] else key.end(2), "key"))
            at = key.end()
        elif char in "\"'":
            end = _close(row, at + 1, char)
            found.append((at, len(row) if end < 0 else end, "text"))
            if end < 0:
                return State(quote=char)
            at = end
        elif char in "[{":
            depth, at = depth + 1, at + 1
        elif char in "]},":
            depth, at = max(0, depth - (char != ",")), at + 1
        elif named := _NAMED.match(row, at):
            found.append((at, named.end(), "name"))
            at = named.end()
        elif not depth and (text := _BLOCK.match(row, at)):
            found.append((at, text.end(), "mark"))
            rest: list[Span] = []
            _values(row, text.end(), rest, block)
            found += [span for span in rest if span[2] in ("comment", "callout")]
            return State(block=block)
        else:
            plain = (_FLOW_PLAIN if depth else _PLAIN).match(row, at)
            if plain is None:
                at += 1
                continue
            word = plain[0].rstrip()
            if _TYPED.match(word):
                found.append((at, at + len(word), "typed"))
            at = max(plain.end(), at + 1)
    return START


def _close(row: str, at: int, quote: str) -> int:
    """Where a quote that was opened before ``at`` is closed; -1 if not in this line."""
    while at < len(row):
        if row[at] == "\\" and quote == '"':
            at += 2
        elif row[at] == quote:
            if quote == "'" and row[at + 1 : at + 2] == "'":
                at += 2
                continue
            return at + 1
        else:
            at += 1
    return -1


class States:
    """The state that each line of a document begins in: worked out as far as somebody looks, forgotten when edited."""

    def __init__(self) -> None:
        self._starts: list[State] = [START]

    def forget(self, row: int) -> None:
        """The line ``row`` (from 0), or one below it, is another one."""
        del self._starts[max(1, row + 1) :]

    def before(self, row: int, line: Callable[[int], str]) -> State:
        """The state that line ``row`` begins in; ``line(number)`` gives the text of a line."""
        while len(self._starts) <= row:
            text, start = line(len(self._starts) - 1), self._starts[-1]
            # Nearly every line can begin nothing that goes on below it.
            plain = start is START and not _OPENS.search(text)
            self._starts.append(START if plain else spans(text, start)[1])
        return self._starts[row]
