"""The older JSON of GitHub Classroom's graders for one student, still read by others.

The shape: education/autograding-io-grader and autograding-grading-reporter (version 1). The step's output ``result`` is
the document in base64 (``encoded``).
"""

from __future__ import annotations

import base64
import json

from k8s_tutor.checks.outcome import Status
from k8s_tutor.checks.words import clip
from k8s_tutor.reports.grades.report import ClassReport, Graded
from k8s_tutor.reports.grades.shown import message, points, told
from k8s_tutor.reports.report import Row

STATUS = {"pass": "pass", "fail": "fail", "error": "error"}
LONGEST = 500
"""Characters of a test's message that the reporter shows."""


class AutogradingReporter:
    """One JSON object a student."""

    def __init__(self, *, after_due: bool = True) -> None:
        """``after_due``: what is hidden until the due date is shown."""
        self._after_due = after_due

    def render_one(self, graded: Graded, report: ClassReport) -> str:
        """The document; points are whole and add up to ``max_score``."""
        tests = [
            {
                "name": clip(f"{row.check_id}: {row.title}", 300),
                "status": "pass" if row.status is Status.PASS else "error" if row.status is Status.ERROR else "fail",
                "score": points(row),
                "message": self._message(row),
                "test_code": f"k8s-tutor grade --lab {report.lab}",
                "filename": "",
                "line_no": 0,
                "duration": round(max(0.0, row.seconds), 3),
            }
            for row in graded.report.rows
            if not row.optional
        ]
        document = {
            "version": 1,
            "status": STATUS[graded.word],
            "max_score": graded.max_score,
            "tests": tests,
        }
        return json.dumps(document, indent=2, ensure_ascii=True) + "\n"

    def _message(self, row: Row) -> str:
        if row.status is Status.PASS:
            return ""
        lines = [message(row, after_due=self._after_due)]
        lines += [f"{word}: {text}" for word, text in told(row, after_due=self._after_due) if word != "rule"]
        return "\n".join(lines)[:LONGEST]


def encoded(document: str) -> str:
    """The document as the step's output ``result``."""
    return base64.b64encode(document.encode()).decode("ascii")
