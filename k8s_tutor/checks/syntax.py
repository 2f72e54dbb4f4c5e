"""What is no YAML, in words that mend it: libyaml tells where it gave up, which is often below the mistake. Pure."""

from __future__ import annotations

import re
from collections.abc import Sequence

from k8s_tutor.checks.places import Problem
from k8s_tutor.checks.words import clip
from k8s_tutor.kube.manifest import ManifestError

LOOK_ABOVE = 200
_SAME_COLUMN = "put it in the same column as the keys that it belongs to"
# What mends the commonest mistakes, by libyaml's own words (kubectl's parser has nearly the same).
_FIXES = (
    ("could not find expected ':'", "a key needs a colon and a blank after it: key: value"),
    ("mapping values are not allowed", "one key: value a line; put a value that holds a colon and a blank in quotes"),
    ("did not find expected '-' indicator", "the items of a list begin with a dash, all in the same column"),
    ("did not find expected key", _SAME_COLUMN),
    ("did not find expected ',' or", "close the bracket, or put a comma between its parts"),
    ("a tab", "put spaces in its place"),
    ("given twice", "take one of the two out"),
    ("unexpected end of stream", "close the quote"),
    ("unknown escape character", "put it in single quotes, in which a backslash is a backslash"),
    ("cannot start any token", "put the value in quotes"),
    ("undefined alias", "put the value in quotes: * begins an alias"),
    ("invisible character", "delete it"),
    ("block mapping", _SAME_COLUMN),
)
_LINE = re.compile(r"^(?P<lead>[ ]*(?P<dashes>(?:-[ ]+)*))(?P<key>[^\s#:]+|\"[^\"]*\")?")


def told(rows: Sequence[str], error: ManifestError) -> Problem:
    """The problem that an error of the parser is, where the mistake is most likely."""
    words = error.message.rpartition(": ")[2] if error.message.startswith("while ") else error.message
    line, column = max(1, min(error.line or 1, len(rows))), max(1, error.column)
    fix = next((fix for part, fix in _FIXES if part in error.message), "")
    length = 0
    if "could not find expected ':'" in error.message:
        line, column, fix = _no_colon(rows, line, column, fix)
    elif "did not find expected '-' indicator" in words or "did not find expected key" in words:
        fix = _aligned(rows, line, column) or fix
    elif "mapping values are not allowed" in words and re.fullmatch(r"\s*\S+\s*", rows[line - 1][: column - 1]):
        # A key that stands too deep was read as more of the value above it.
        column = len(rows[line - 1]) - len(rows[line - 1].lstrip()) + 1
        fix = _aligned(rows, line, column) or fix
    elif "given twice" in words:
        length = len(words.split('"')[1])
        if column == 1 and words.split('"')[1] in ("apiVersion", "kind", "metadata", "spec"):
            fix = "put --- on a line of its own between two objects, or take one of the two out"
    elif "tab" in error.message:
        length = 1
    rest = re.split(r"\s#", rows[line - 1][column - 1 :], maxsplit=1)[0].rstrip()
    return Problem(line, column, max(1, length or len(rest)), clip(words, 200), fix, "syntax")


def _no_colon(rows: Sequence[str], line: int, column: int, fix: str) -> tuple[int, int, str]:
    """The word without a colon: libyaml gave up one line or more below it."""
    for back in range(line, max(0, line - 5), -1):
        row = re.split(r"(?:^|\s)#", rows[back - 1], maxsplit=1)[0]
        words = row.strip().removeprefix("- ").strip()
        glued = re.match(r"[\w./-]+:(?=[^\s:])", words)
        if glued:
            return back, row.index(words) + 1, f"put a blank after the colon: {clip(words.replace(':', ': ', 1), 60)}"
        if words and not re.search(r":(\s|$)", words):
            return back, row.index(words) + 1, fix
    return line, column, fix


def _aligned(rows: Sequence[str], line: int, column: int) -> str:
    """The column that a line most likely should begin in: that of a key (or dash) above which is still open."""
    here = _LINE.match(rows[line - 1])
    if here is None:
        return ""
    dashed = bool(here["dashes"])
    own = rows[line - 1].find("-") if dashed else column - 1
    found: list[tuple[int, int, tuple[int, str, int]]] = []
    lowest = 1_000
    for number in range(line - 2, max(-1, line - 2 - LOOK_ABOVE), -1):
        above = _LINE.match(rows[number])
        if above is None or not above["key"]:
            continue
        dash, key = rows[number].find("-") if above["dashes"] else -1, len(above["lead"])
        for place, name in ((key, above["key"]), (dash, "the dash")):
            if 0 <= place < lowest:
                lowest = place
                if dashed == (place == dash):
                    found.append((abs(place - own), len(found), (place + 1, name, number + 1)))
        if lowest == 0:
            break
    if not found:
        return ""
    column_, name, line_ = min(found)[2]
    what = "the dash" if dashed else clip(here["key"] or "it", 40)
    return f"begin {what} in column {column_}, as {clip(name, 40)} in line {line_}"
