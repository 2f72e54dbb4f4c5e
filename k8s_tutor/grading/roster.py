"""The class's roster: a CSV file with a header; one column names the student's folder."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from k8s_tutor.errors import UsageError
from k8s_tutor.grading.problem import plain

ID_COLUMNS = ("submission", "folder", "github_username", "username", "login", "student", "id", "identifier")
"""The column that holds the folder's name: the first of these that there is, in any case; else the first column."""
LARGEST = 4 * 1024 * 1024


@dataclass(frozen=True)
class Roster:
    """The class in its order: a student's folder name -> the row, by column as written in the file."""

    columns: tuple[str, ...]
    rows: Mapping[str, Mapping[str, str]]


def load(path: Path) -> Roster:
    """Read a roster. Raises UsageError that names file, line and remedy."""
    try:
        with path.open("rb") as file:
            data = file.read(LARGEST + 1)
        text = data.decode("utf-8-sig")
    except OSError as error:
        raise UsageError(f"{path} cannot be read: {error.strerror}", code="roster") from error
    except UnicodeDecodeError as error:
        raise UsageError(f"{path}: no UTF-8 text (byte {error.start})", remedy="save it as CSV UTF-8") from error
    if len(data) > LARGEST:
        raise UsageError(f"{path} is larger than {LARGEST // 1024 // 1024} MiB", code="roster")
    return parse(text, str(path))


def parse(text: str, name: str) -> Roster:
    """The roster in a text; ``name`` is what errors call it. Raises UsageError."""
    try:
        dialect: type[csv.Dialect] | str = csv.Sniffer().sniff(text.splitlines()[0], ",;\t")
    except (csv.Error, IndexError):
        dialect = "excel"
    reader = csv.reader(io.StringIO(text, newline=""), dialect, strict=True)
    rows: dict[str, Mapping[str, str]] = {}
    columns: tuple[str, ...] = ()
    key = 0
    try:
        for row in reader:
            cells = [cell.strip() for cell in row]
            if not any(cells):
                continue
            if not columns:
                columns = tuple(cells)
                key = _key(columns, name)
                continue
            if len(cells) != len(columns):
                raise UsageError(
                    f"{name}:{reader.line_num}: {len(cells)} columns, the header has {len(columns)}", code="roster"
                )
            student = cells[key]
            if not student:
                raise UsageError(f"{name}:{reader.line_num}: the column {columns[key]} is empty", code="roster")
            if student in rows:
                raise UsageError(f"{name}:{reader.line_num}: {plain(student, 60)} stands there twice", code="roster")
            rows[student] = dict(zip(columns, cells, strict=True))
    except csv.Error as error:
        raise UsageError(f"{name}:{reader.line_num}: no CSV: {error}", code="roster") from error
    if not columns:
        raise UsageError(f"{name} is empty", remedy="a header, then a line a student", code="roster")
    return Roster(columns, rows)


def _key(columns: tuple[str, ...], name: str) -> int:
    if len(set(columns)) != len(columns) or not all(columns):
        raise UsageError(f"{name}:1: a column without a name, or two of one name", code="roster")
    lower = [column.lower() for column in columns]
    return next((lower.index(each) for each in ID_COLUMNS if each in lower), 0)
