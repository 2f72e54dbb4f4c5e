"""One student for the graders of GitHub Classroom: an object of version 1, base64-coded in the step output ``result``.

Source: the runners and the reporter of classroom-resources on GitHub. The reporter adds up the tests' scores; what it
prints is the share of tests that pass, so the two agree where all checks have the same points.
"""

from __future__ import annotations

import base64
import json
from typing import Any

from k8s_tutor.checks.outcome import Status
from k8s_tutor.checks.words import clip
from k8s_tutor.reports.grades import shown
from k8s_tutor.reports.grades.report import ClassReport, Graded
from k8s_tutor.reports.report import Row

VERSION = 1


class AutogradingReporter:
    """Renders one JSON object; :meth:`output` gives it as the step output. ``after_due``: the due date has passed.

    Optional checks are left out: a reporter knows no extra. What could not be observed is an ``error`` and counts
    neither in a test's points nor in ``max_score``.
    """

    def __init__(self, *, after_due: bool = True) -> None:
        self._after_due = after_due

    def render_one(self, graded: Graded, report: ClassReport) -> str:
        """The document as text."""
        return json.dumps(self.document(graded, report), indent=2, ensure_ascii=True, allow_nan=False) + "\n"

    def output(self, graded: Graded, report: ClassReport) -> str:
        """The line ``result=…`` for ``$GITHUB_OUTPUT``: the document base64-coded (one line, ASCII)."""
        text = json.dumps(self.document(graded, report), ensure_ascii=True, allow_nan=False)
        return f"result={base64.b64encode(text.encode()).decode()}\n"

    def document(self, graded: Graded, report: ClassReport) -> dict[str, Any]:
        """The document as plain JSON values."""
        rows = [row for row in graded.report.rows if not row.optional]
        tests = [self._test(name, row, report) for name, row in zip(shown.case_names(rows), rows, strict=True)]
        if not tests and graded.report.trouble:
            tests = [_case("run", "error", 0, clip(graded.report.trouble, 500), f"k8s-tutor grade {report.lab}", 0.0)]
        return {
            "version": VERSION,
            "status": graded.word,
            "max_score": graded.report.max_score,
            "tests": tests,
        }

    def _test(self, name: str, row: Row, report: ClassReport) -> dict[str, Any]:
        passed = row.status is Status.PASS
        status = "pass" if passed else "error" if row.status is Status.ERROR else "fail"
        told = [shown.message(row, after_due=self._after_due)]
        told += [f"{word}: {text}" for word, text in shown.told(row, after_due=self._after_due, limit=300)]
        return _case(
            name,
            status,
            row.points if passed else 0,
            "" if passed else "\n".join(told),
            f"k8s-tutor check {clip(report.lab, 60)}",
            row.seconds,
        )


def _case(name: str, status: str, score: int, message: str, code: str, seconds: float) -> dict[str, Any]:
    return {
        "name": name,
        "status": status,
        "score": score,
        "message": message,
        "test_code": code,
        "filename": "",
        "line_no": 0,
        "duration": round(max(0.0, seconds) * 1000),
    }
