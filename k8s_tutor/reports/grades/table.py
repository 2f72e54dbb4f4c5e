"""Grades as CSV (RFC 4180, UTF-8) for a learning management system: the roster's columns first, then the points."""

from __future__ import annotations

import csv
import io

from k8s_tutor.checks.outcome import Status
from k8s_tutor.checks.words import clip
from k8s_tutor.reports.grades.report import ClassReport, Graded

_FORMULA = ("=", "+", "-", "@", "\t", "\r")
"""A spreadsheet takes a cell that begins so for a formula (OWASP, CSV injection)."""


class TableReporter:
    """A line a student: roster, student, status, score, max_score, a column a check, notices, submission.

    Where students have variants, and the roster does not name their seeds, a last column does.
    """

    def render(self, report: ClassReport) -> str:
        """The document; a check that could not be observed is an empty cell, never a 0."""
        columns = list(dict.fromkeys(column for graded in report.students for column in graded.roster))
        checks = [row.check_id for row in report.checks]
        seeds = any(graded.seed for graded in report.students) and "seed" not in map(str.casefold, columns)
        own = [
            "student",
            "status",
            "score",
            "max_score",
            *checks,
            "notices",
            "submission",
            *(["seed"] if seeds else []),
        ]
        out = io.StringIO(newline="")
        writer = csv.writer(out, lineterminator="\r\n")
        writer.writerow([cell(name) for name in (*columns, *own)])
        for graded in report.students:
            roster = [graded.roster.get(column, "") for column in columns]
            points = _points(graded)
            told = "; ".join(f"{each.where or 'submission'}: {each.message}" for each in graded.notices)
            writer.writerow(
                [
                    *map(cell, roster),
                    cell(graded.student),
                    graded.word,
                    "" if graded.report.trouble else graded.score,
                    graded.max_score,
                    *(points.get(check, "") for check in checks),
                    cell(told, 2000),
                    graded.digest,
                    *([cell(graded.seed)] if seeds else []),
                ]
            )
        for student in report.unfinished:
            writer.writerow(["" for _ in columns] + [cell(student), "not graded", *("" for _ in own[2:])])
        return out.getvalue()


def _points(graded: Graded) -> dict[str, int]:
    return {
        row.check_id: row.points if row.status is Status.PASS else 0
        for row in graded.report.rows
        if row.status is not Status.ERROR
    }


def cell(value: str, limit: int = 400) -> str:
    """A text for a cell: bounded, and no formula for a spreadsheet."""
    text = clip(value, limit)
    return f"'{text}" if text.startswith(_FORMULA) else text
