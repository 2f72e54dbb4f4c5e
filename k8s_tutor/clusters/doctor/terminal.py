"""The terminal: its size, how text is written, colours. The plain commands work with any."""

from __future__ import annotations

import os
import shutil
import sys

from k8s_tutor.clusters.doctor.finding import Finding, Topic

LEAST_COLUMNS, LEAST_LINES = 80, 24

_SUBJECT = "terminal"
SIZE = Topic("terminal", _SUBJECT, f"a terminal of at least {LEAST_COLUMNS}×{LEAST_LINES}", "the terminal's size")
UTF8 = Topic("utf8", _SUBJECT, "text is written as UTF-8", "Python's stdout encoding")
COLOURS = Topic("colours", _SUBJECT, "TERM names a terminal that has colours", "$TERM, $COLORTERM, $NO_COLOR")
TOPICS = (SIZE, UTF8, COLOURS)


def look() -> list[Finding]:
    """All three."""
    return [_size(), _utf8(), _colours()]


def _size() -> Finding:
    out = sys.__stdout__
    if out is None or not out.isatty():
        return SIZE.unseen("stdout is not a terminal: the plain commands work (check, lesson, hint)")
    size = shutil.get_terminal_size()
    told = f"a terminal of {size.columns}×{size.lines}"
    if size.columns < LEAST_COLUMNS or size.lines < LEAST_LINES:
        return SIZE.lack(told, f"make the window at least {LEAST_COLUMNS}×{LEAST_LINES}")
    return SIZE.ok(told)


def _utf8() -> Finding:
    encoding = (sys.__stdout__.encoding if sys.__stdout__ is not None else "") or ""
    told = f"text is written as {encoding or 'nothing known'}"
    return UTF8.ok(told) if encoding.lower().replace("-", "") == "utf8" else UTF8.lack(told, "export LANG=C.UTF-8")


def _colours() -> Finding:
    term, deep = os.environ.get("TERM", ""), os.environ.get("COLORTERM", "")
    told = f"TERM={term or '(not set)'}" + (f", COLORTERM={deep}" if deep else "")
    if "NO_COLOR" in os.environ:
        return COLOURS.ok(f"{told}; NO_COLOR is set: no colours, as asked for")
    if term in ("", "dumb", "unknown"):
        return COLOURS.lack(f"{told}: such a terminal has no colours and no cursor keys", "export TERM=xterm-256color")
    return COLOURS.ok(told)
