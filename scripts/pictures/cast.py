"""Recordings in the asciicast format, version 2 (one JSON document a line; https://docs.asciinema.org).

The first line is a header, each further one an event ``[seconds, "o", text]``. What is kept are pictures of a terminal,
each told by the rows that differ from the one before: small, and nothing in it that a program asks of its terminal
(modes of the mouse, queries), which a player would pass on to the terminal of whoever looks.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

IDLE = 2.0
"""The longest pause that is kept, in seconds."""
Event = tuple[float, str]

_SGR = re.compile(r"\x1b\[([\d;:]*)m")
_OTHER = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-ln-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)|[()][0-9A-B]|[\x0e\x0f])|[\x0e\x0f]")
_COLOURS = {"38": "39", "48": "49", "58": "59"}


@dataclass(frozen=True)
class Picture:
    """A terminal at one moment: its rows, each with all the colours that it needs, and the cursor (from 0)."""

    rows: tuple[str, ...]
    cursor: tuple[int, int]
    cursor_shown: bool


def rows_of(captured: str) -> tuple[str, ...]:
    """The rows of ``tmux capture-pane -e``, where a style lasts into the next row, each complete in itself."""
    style: dict[str, str] = {}
    found = []
    for row in _OTHER.sub("", captured).split("\n"):
        found.append("".join(f"\x1b[{part}m" for part in style.values()) + row)
        for sequence in _SGR.finditer(row):
            _wear(style, sequence[1])
    return tuple(found)


def _wear(style: dict[str, str], numbers: str) -> None:
    """Take over what one SGR sequence says."""
    parts = numbers.split(";")
    while parts:
        part = parts.pop(0)
        if part in ("", "0"):
            style.clear()
        elif part in _COLOURS:
            length = {"2": 4, "5": 2}.get(parts[0] if parts else "", 0)
            style[part] = ";".join([part, *parts[:length]])
            del parts[:length]
        elif part in _COLOURS.values():
            style.pop(next(key for key, end in _COLOURS.items() if end == part), None)
        elif part.isdigit() and (30 <= int(part) <= 37 or 90 <= int(part) <= 97):
            style["38"] = part
        elif part.isdigit() and (40 <= int(part) <= 47 or 100 <= int(part) <= 107):
            style["48"] = part
        else:
            style[part] = part


def events(pictures: Iterable[tuple[float, Picture]], idle: float = IDLE) -> Iterator[Event]:
    """What to write, from 0 seconds on, never backwards, with pauses of ``idle`` seconds at most."""
    before: Picture | None = None
    at, now = 0.0, 0.0
    for moment, picture in pictures:
        if picture == before:
            continue
        now += min(idle, max(0.0, moment - at)) if before is not None else 0.0
        at = moment if before is None else max(at, moment)
        yield round(now, 3), _change(before, picture)
        before = picture


def _change(before: Picture | None, picture: Picture) -> str:
    known = before.rows if before is not None else ()
    rows = [
        f"\x1b[{number};1H\x1b[0m{row}\x1b[0m\x1b[K"
        for number, row in enumerate(picture.rows, 1)
        if number > len(known) or known[number - 1] != row
    ]
    column, line = picture.cursor
    place = f"\x1b[{line + 1};{column + 1}H\x1b[?25{'h' if picture.cursor_shown else 'l'}"
    return ("\x1b[?25l\x1b[2J" if before is None else "") + "".join(rows) + place


def written(found: Iterable[Event], size: tuple[int, int], title: str) -> str:
    """The file's text; ``size`` in columns and rows."""
    header = {
        "version": 2,
        "width": size[0],
        "height": size[1],
        "title": title,
        "env": {"TERM": "xterm-256color", "SHELL": "/bin/bash"},
    }
    rows = [json.dumps(header, ensure_ascii=False)]
    rows += [json.dumps([at, "o", text], ensure_ascii=False) for at, text in found]
    return "\n".join(rows) + "\n"


def problems(text: str) -> Sequence[str]:
    """What is wrong with a file of this format; empty if it is one, with events of output only."""
    lines = text.split("\n")
    if lines[-1]:
        return ["the last line does not end"]
    try:
        header, *told = [json.loads(line) for line in lines[:-1]]
    except ValueError as error:
        return [f"a line is not JSON: {error}"]
    found = []
    if not isinstance(header, dict) or header.get("version") != 2:
        found.append("the first line is no header of version 2")
    elif not all(isinstance(header.get(name), int) and header[name] > 0 for name in ("width", "height")):
        found.append("the header has no size")
    before = 0.0
    for number, event in enumerate(told, 2):
        if not (isinstance(event, list) and len(event) == 3 and isinstance(event[2], str) and event[1] == "o"):
            found.append(f"line {number} is no event of output")
        elif not isinstance(event[0], int | float) or isinstance(event[0], bool) or event[0] < before:
            found.append(f"line {number} goes back in time")
        else:
            before = event[0]
    return found
