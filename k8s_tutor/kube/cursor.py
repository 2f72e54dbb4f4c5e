"""Where a cursor stands in a manifest that may be half written: found by indentation, so broken YAML does not matter.

Block style only; in JSON and flow style nothing is found.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from k8s_tutor.kube.manifest import Path, rows_of

LOOK_BACK = 3_000
"""Lines looked at above the cursor, and below it, at most."""

_ENTRY = re.compile(r"""^(?P<lead>[ ]*(?:-[ ]+)*)(?:(?P<key>[\w./$-]+|"[^"]*"|'[^']*')[ ]*:(?=[ ]|$)(?P<rest>.*))?""")
_KEY_TYPED = re.compile(r"^[ ]*(?:-[ ]+)*(?P<word>[\w./-]*)$")
_BLOCK_TEXT = re.compile(r"^(?:[&!]\S*[ ]+)*[|>][-+0-9]{0,2}$")
_VALUE_TYPED = re.compile(r"^[ ]*(?:-[ ]+)*[\w./-]+:[ ]+(?P<word>[\w./-]*)$")


@dataclass(frozen=True)
class Place:
    """Where the cursor is. ``path``: the field of this line, or (``typing`` a key) the one that its key goes into.

    ``word`` is what is typed of a key or value, beginning at ``column`` (from 0); ``typing`` is ``key``, ``value`` or
    empty where nothing can be completed. ``siblings`` are the keys that are there beside it; ``depth`` is the column
    that the keys stand in.
    """

    api_version: str
    kind: str
    path: Path
    typing: str = ""
    word: str = ""
    column: int = 0
    depth: int = 0
    siblings: frozenset[str] = frozenset()


@dataclass(frozen=True)
class _Line:
    """A line as structure: columns of its dashes, column and name of its key (or of what else stands there)."""

    dashes: tuple[int, ...]
    column: int
    key: str
    rest: str


def place(text: str, row: int, column: int) -> Place:
    """The place of the cursor (row and column from 0) in ``text``."""
    rows = rows_of(text)
    row = max(0, min(row, len(rows) - 1))
    if rows[row].startswith("---"):
        return Place("", "", ())
    first = next((i + 1 for i in range(row, -1, -1) if rows[i].startswith("---")), 0)
    last = next((i for i in range(row + 1, len(rows)) if rows[i].startswith("---")), len(rows))
    api_version, kind = (_top(rows[first:last], key) for key in ("apiVersion", "kind"))
    start = max(first, row - LOOK_BACK)
    document, owners = _structure(rows[start : min(last, row + LOOK_BACK)])
    here = row - start
    before, after = rows[row][:column], rows[row][column:]
    owner = owners.get(here)
    if owner is not None:  # text of several lines: no key of ours stands in it
        above = document[owner]
        return Place(api_version, kind, (*_path(document, owner, above), above.key) if above and above.key else ())
    typing, word = "", ""
    if not after.split(" #")[0].strip():
        key, value = _KEY_TYPED.match(before), _VALUE_TYPED.match(before)
        if key:
            typing, word = "key", key["word"]
        elif value:
            typing, word = "value", value["word"]
    line = document[here]
    if line is None:
        line = _Line((), len(before) if typing == "key" else 0, "", "")
    path = _path(document, here, line)
    if typing != "key" and line.key:
        path = (*path, line.key)
    return Place(
        api_version,
        kind,
        path,
        typing,
        word,
        column - len(word),
        line.column,
        frozenset(_siblings(document, here, line)),
    )


def _structure(rows: list[str]) -> tuple[list[_Line | None], dict[int, int]]:
    """The lines as structure; which of them are text of several lines (``|``, ``>``), and the line that it belongs to.

    ``None`` stands for blank lines, comments and such text.
    """
    found: list[_Line | None] = []
    owners: dict[int, int] = {}
    owner, deep = -1, -1
    for number, row in enumerate(rows):
        if owner >= 0 and (not row.strip() or len(row) - len(row.lstrip(" ")) > deep):
            found.append(None)
            if row.strip():
                owners[number] = owner
            continue
        owner = -1
        line = _read(row)
        found.append(line)
        if line is not None and _BLOCK_TEXT.match(line.rest):
            owner, deep = number, line.column if line.key else line.dashes[-1] if line.dashes else line.column
    return found, owners


def _read(text: str) -> _Line | None:
    """A line as structure; None if it is blank or a comment."""
    if not text.strip() or text.lstrip().startswith("#"):
        return None
    found = _ENTRY.match(text)
    lead = found["lead"] if found else ""
    dashes = tuple(i for i, char in enumerate(lead) if char == "-")
    if found and found["key"] is not None:
        return _Line(dashes, len(lead), found["key"].strip("\"'"), found["rest"].split(" #")[0].strip())
    if text.strip() == "-":
        return _Line((text.index("-"),), len(text), "", "")
    return _Line(dashes, len(lead), "", text.strip())


def _path(document: list[_Line | None], here: int, line: _Line) -> Path:
    """The keys and indices above the entry of ``line``, from the outermost."""
    path: list[str | int] = []
    column, in_list = line.column, False
    if line.dashes:
        path += [0] * len(line.dashes)
        column, in_list = line.dashes[0], True
    for above in reversed(document[:here]):
        if above is None or (not above.key and not above.dashes):
            continue
        sibling = in_list and column in above.dashes
        if sibling:
            continue
        if not in_list and above.dashes and above.column == column:  # the item that we are in begins there
            path += [0] * len(above.dashes)
            column, in_list = above.dashes[0], True
            continue
        owns = above.column < column or (in_list and above.column == column)
        if not owns or not above.key:
            continue
        path.append(above.key)
        column, in_list = above.column, False
        if above.dashes:
            path += [0] * len(above.dashes)
            column, in_list = above.dashes[0], True
        if column == 0 and not in_list:
            break
    return tuple(reversed(path))


def _siblings(document: list[_Line | None], here: int, line: _Line) -> list[str]:
    found: list[str] = []
    if not line.dashes:
        for above in reversed(document[:here]):
            if above is None or above.column > line.column:
                continue
            if above.column < line.column:
                break
            found.append(above.key)
            if above.dashes:
                break
    for below in document[here + 1 :]:
        if below is None:
            continue
        if min((*below.dashes, below.column)) < line.column:
            break
        if below.column == line.column:
            found.append(below.key)
    return [key for key in found if key]


def _top(rows: list[str], key: str) -> str:
    """The value of a key of the document itself."""
    for row in rows[:LOOK_BACK]:
        line = _read(row) if row.startswith((key, f'"{key}', f"'{key}")) else None
        if line is not None and line.key == key:
            return line.rest.strip("\"'")
    return ""
