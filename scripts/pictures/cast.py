"""Recordings in the asciicast format, version 2 (one JSON document a line; https://docs.asciinema.org).

The first line is a header, each further one an event ``[seconds, "o", text]``. Nothing of what a program asks of its
terminal is kept (modes of the mouse, queries): a player would pass it on to the terminal of whoever looks.
"""

from __future__ import annotations

import codecs
import json
import re
from collections.abc import Iterable, Iterator, Sequence

IDLE = 2.0
"""The longest pause that is kept, in seconds."""
Event = tuple[float, str]

_ASKED = re.compile(
    r"\x1b\[\?(?:9|100[0-7]|1015|1016|2004|2031|2048|1004)[hl]"  # mouse, focus, paste, reports of colours and size
    r"|\x1b\[[<>=][\d;]*u|\x1b\[\?u"  # the keyboard's protocol
    r"|\x1b\[\?\d+\$p|\x1b\[[>=]?\d*c|\x1b\[\?996n|\x1b\[[56]n|\x1b\[>\d*q"  # what is the terminal, what can it do
    r"|\x1b\[\d+(?:;\d+)*t"  # the window
    r"|\x1b\](?:[012]|1[0-9]|4|52)[^\x07\x1b]*(?:\x07|\x1b\\)"  # titles, colours, the clipboard
    r"|\x1bP[^\x1b]*\x1b\\|\x1b_[^\x1b]*\x1b\\"  # strings of other protocols
)
_OPEN = re.compile(r"\x1b(?:[PX^_\]][^\x07\x1b]*\x1b?|\[[0-?]*[ -/]*)?$")
_LONGEST = 4096


def texts(pieces: Iterable[tuple[float, bytes]]) -> Iterator[Event]:
    """What was shown, by time: bytes that end within a letter or a sequence wait for their rest."""
    decoder = codecs.getincrementaldecoder("utf-8")("replace")
    kept, at = "", 0.0
    for at, piece in pieces:
        text = kept + decoder.decode(piece)
        cut = _OPEN.search(text[-_LONGEST:])
        end = len(text) - (len(cut.group()) if cut else 0)
        kept, shown = text[end:], _ASKED.sub("", text[:end])
        if shown:
            yield at, shown
    rest = _ASKED.sub("", kept + decoder.decode(b"", final=True))
    if rest:
        yield at, rest


def paced(events: Iterable[Event], idle: float = IDLE) -> Iterator[Event]:
    """From 0 on, never backwards, with pauses of ``idle`` seconds at most."""
    before: float | None = None
    now = 0.0
    for at, text in events:
        now += 0.0 if before is None else min(idle, max(0.0, at - before))
        before = at if before is None else max(before, at)
        yield round(now, 3), text


def written(events: Iterable[Event], size: tuple[int, int], title: str) -> str:
    """The file's text; ``size`` in columns and rows."""
    header = {
        "version": 2,
        "width": size[0],
        "height": size[1],
        "title": title,
        "env": {"TERM": "xterm-256color", "SHELL": "/bin/bash"},
    }
    rows = [json.dumps(header, ensure_ascii=False)]
    rows += [json.dumps([at, "o", text], ensure_ascii=False) for at, text in events]
    return "\n".join(rows) + "\n"


def problems(text: str) -> Sequence[str]:
    """What is wrong with a file of this format; empty if it is one, with events of output only."""
    lines = text.split("\n")
    if lines[-1]:
        return ["the last line does not end"]
    try:
        header, *events = [json.loads(line) for line in lines[:-1]]
    except ValueError as error:
        return [f"a line is not JSON: {error}"]
    found = []
    if not isinstance(header, dict) or header.get("version") != 2:
        found.append("the first line is no header of version 2")
    elif not all(isinstance(header.get(name), int) and header[name] > 0 for name in ("width", "height")):
        found.append("the header has no size")
    before = 0.0
    for number, event in enumerate(events, 2):
        if not (isinstance(event, list) and len(event) == 3 and isinstance(event[2], str) and event[1] == "o"):
            found.append(f"line {number} is no event of output")
        elif not isinstance(event[0], int | float) or isinstance(event[0], bool) or event[0] < before:
            found.append(f"line {number} goes back in time")
        else:
            before = event[0]
    return found
