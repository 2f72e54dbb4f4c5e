"""Where something is wrong in a text, and which characters are to be marked there: pure."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

_KEY = re.compile(r"""("[^"]*"|'[^']*'|[^\s:#]+)(?=\s*:(?:\s|$))""")
_BEFORE = re.compile(r"""(?:-\s+)*(?:"[^"]*"|'[^']*'|[^\s:#]+)\s*:\s+|(?:-\s+)+""")
_IN_BLOCK = re.compile(r"""("[^"]*"|'[^']*'|[^\s#](?:[^#]|(?<=\S)#)*)""")
_IN_FLOW = re.compile(r"""("[^"]*"|'[^']*'|[^\s,\]}#][^,\]}#]*)""")
_COMMENT = re.compile(r"\s#")


@dataclass(frozen=True)
class Problem:
    """Something wrong at a place of the text: ``line`` and ``column`` from 1, ``length`` in characters.

    ``fix`` says what mends it (may be empty); ``source`` is ``syntax``, ``schema`` or ``server``.
    """

    line: int
    column: int
    length: int
    message: str
    fix: str = ""
    source: str = "schema"


def at(
    rows: Sequence[str],
    line: int,
    column: int,
    message: str,
    fix: str = "",
    source: str = "schema",
    *,
    value: bool = False,
) -> Problem:
    """A problem at the key that begins there (its whole word is marked), or with ``value`` at what stands after it."""
    row = rows[line - 1] if 0 < line <= len(rows) else ""
    if value:
        start, text = written(rows, line, column)
        if text:
            return Problem(line, start, len(text), message, fix, source)
    rest = _COMMENT.split(row[column - 1 :], maxsplit=1)[0].rstrip()
    key = _KEY.match(rest)
    return Problem(line, column, max(1, key.end() if key else len(rest)), message, fix, source)


def written(rows: Sequence[str], line: int, column: int) -> tuple[int, str]:
    """Column and text of the value after the key (or dash) at a place, as it is written; empty if it is elsewhere."""
    row = rows[line - 1] if 0 < line <= len(rows) else ""
    rest = row[column - 1 :]
    before = _BEFORE.match(rest)
    if before is None and _KEY.match(rest):
        return column, ""
    start = before.end() if before else 0
    in_flow = "{" in row[: column - 1 + start] or "[" in row[: column - 1 + start]
    found = (_IN_FLOW if in_flow else _IN_BLOCK).match(rest, start)
    return (column + start, found[0].rstrip()) if found else (column, "")
