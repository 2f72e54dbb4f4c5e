"""Classroom 50's ``result.json`` (``classroom50/result/v1``) for one student.

The shape: foundation50/classroom50, ``schemas/result-v1.schema.json`` (whole points, no other keys at the top). What
the runner knows (CLASSROOM, ASSIGNMENT, SUBMISSION_TAG, …) comes from its environment; where a variable is not set, a
valid value that says so stands in its place, and the runner stamps its own.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from k8s_tutor.checks.outcome import Status
from k8s_tutor.checks.words import clip
from k8s_tutor.reports.grades.report import ClassReport, Graded
from k8s_tutor.reports.grades.shown import message, points


class Classroom50Reporter:
    """One JSON object a student."""

    def __init__(self, environment: Mapping[str, str] | None = None, *, after_due: bool = True) -> None:
        """``environment``: the runner's variables (default: of this process)."""
        self._environment = os.environ if environment is None else environment
        self._after_due = after_due

    def render_one(self, graded: Graded, report: ClassReport) -> str:
        """The document; the score is never more than the maximum."""
        started = datetime.fromtimestamp(report.started, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        tests: list[dict[str, Any]] = [
            {
                "test-name": clip(row.title, 300) or row.check_id,
                "passed": row.status is Status.PASS,
                "score": points(row),
                "max-score": row.points,
                "check": row.check_id,
                "status": row.status.value,
                "message": "" if row.status is Status.PASS else message(row, after_due=self._after_due),
            }
            for row in graded.report.rows
            if not row.optional
        ]
        tag = self._of("SUBMISSION_TAG")
        kind = self._of("ASSIGNMENT_TYPE")
        document = {
            "schema": "classroom50/result/v1",
            "classroom": self._of("CLASSROOM") or "unknown",
            "assignment": self._of("ASSIGNMENT") or report.lab,
            "assignment_type": kind if kind in ("individual", "group") else "individual",
            "owner": self._of("OWNER") or self._of("USERNAME") or clip(graded.student, 100) or "unknown",
            "submission": tag if tag.startswith("submit/") else f"submit/{_word(tag)}",
            "commit": self._of("COMMIT_URL"),
            "release": self._of("RELEASE_URL"),
            "review": self._of("REVIEW_URL"),
            "datetime": started,
            "score": min(graded.score, graded.max_score),
            "max-score": graded.max_score,
            "tests": tests,
        }
        return json.dumps(document, indent=2, ensure_ascii=True) + "\n"

    def _of(self, name: str) -> str:
        return clip(self._environment.get(name, ""), 400)


def _word(text: str) -> str:
    return re.sub(r"[^A-Za-z0-9._-]", "-", text) or "unknown"
