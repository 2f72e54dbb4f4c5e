"""One student as ``result.json`` of Classroom 50 (``classroom50/result/v1``), for its runner's custom autograder.

Source: ``schemas/result-v1.schema.json`` of foundation50/classroom50. The runner's environment names the submission;
the runner checks these names and stamps some of them itself.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from k8s_tutor.checks.outcome import Status
from k8s_tutor.checks.words import clip
from k8s_tutor.reports.grades import shown
from k8s_tutor.reports.grades.report import ClassReport, Graded
from k8s_tutor.reports.json import stamp
from k8s_tutor.reports.report import Row

SCHEMA = "classroom50/result/v1"
_NONE = "unknown"


class Classroom50Reporter:
    """Renders one JSON object.

    ``environment`` holds what the runner gives: CLASSROOM, ASSIGNMENT, ASSIGNMENT_TYPE or MODE, OWNER or USERNAME,
    SUBMISSION_TAG, COMMIT_URL, RELEASE_URL, REVIEW_URL, GITHUB_ACTOR, GITHUB_ACTOR_ID, GITHUB_SERVER_URL,
    GITHUB_REPOSITORY, GITHUB_SHA. Where one is not set the document is valid all the same: the links are made of what
    GitHub gives, else ``unknown`` (the review is the commit), so is the classroom; the assignment is the lab, the type
    ``individual``, the owner the student, the submission ``submit/`` and the begin of the submission's digest;
    ``submitted_by`` is left out. ``datetime`` is the time of this run: the runner puts the submission's in its place.
    ``after_due``: whether the due date has passed.

    Points are whole. A check that could not be observed is 0 of 0 points with ``status`` error; an optional one, too,
    is 0 of 0: so nothing that is no fault costs a point, and the score is the sum of the tests.
    """

    def __init__(self, *, environment: Mapping[str, str] | None = None, after_due: bool = True) -> None:
        self._environment, self._after_due = environment or {}, after_due

    def render_one(self, graded: Graded, report: ClassReport) -> str:
        """The document as text."""
        return json.dumps(self.document(graded, report), indent=2, ensure_ascii=True, allow_nan=False) + "\n"

    def document(self, graded: Graded, report: ClassReport) -> dict[str, Any]:
        """The document as plain JSON values."""
        rows = graded.report.rows
        tests = [self._test(name, row) for name, row in zip(shown.case_names(rows), rows, strict=True)]
        if graded.report.trouble and not tests:
            text = clip(graded.report.trouble, 600)
            tests = [
                {"test-name": "run", "passed": False, "score": 0, "max-score": 0, "status": "error", "message": text}
            ]
        kind = (self._value("ASSIGNMENT_TYPE") or self._value("MODE")).lower()
        tag = self._value("SUBMISSION_TAG")
        if not tag.startswith("submit/"):
            tag = f"submit/{tag or graded.digest[:12] or 'none'}"
        commit = self._value("COMMIT_URL") or self._link("commit", self._value("GITHUB_SHA"))
        found: dict[str, Any] = {
            "schema": SCHEMA,
            "classroom": self._value("CLASSROOM") or _NONE,
            "assignment": self._value("ASSIGNMENT") or clip(report.lab, 100) or _NONE,
            "assignment_type": kind if kind in ("individual", "group") else "individual",
            "owner": self._value("OWNER") or self._value("USERNAME") or clip(graded.student, 100) or _NONE,
            "submission": tag,
            "commit": commit,
            "release": self._value("RELEASE_URL") or self._link("releases/tag", self._value("SUBMISSION_TAG")),
            "review": self._value("REVIEW_URL") or commit,
            "datetime": stamp(report.started),
            "graded_at": stamp(graded.report.started),
            "score": sum(test["score"] for test in tests),
            "max-score": sum(test["max-score"] for test in tests),
            "tests": tests,
        }
        actor, number = self._value("GITHUB_ACTOR"), self._value("GITHUB_ACTOR_ID")
        if actor:
            whole = number.isascii() and number.isdigit() and len(number) < 19
            found["submitted_by"] = {"username": actor, "id": int(number) if whole else None}
        return found

    def _value(self, name: str) -> str:
        return clip(self._environment.get(name, ""), 600)

    def _link(self, kind: str, name: str) -> str:
        """A page of the repository, as the runner makes it; ``unknown`` where it cannot be known."""
        server, repository = self._value("GITHUB_SERVER_URL"), self._value("GITHUB_REPOSITORY")
        return f"{server}/{repository}/{kind}/{quote(name, safe='')}" if server and repository and name else _NONE

    def _test(self, name: str, row: Row) -> dict[str, Any]:
        """One test; ``status`` and ``message`` are more than the schema asks for, and kept by it."""
        passed = row.status is Status.PASS
        points = 0 if row.optional or row.status is Status.ERROR else max(0, row.points)
        return {
            "test-name": name,
            "passed": passed,
            "score": points if passed else 0,
            "max-score": points,
            "status": row.status.value,
            "optional": row.optional,
            "message": shown.message(row, after_due=self._after_due),
            "output": "\n".join(f"{word}: {text}" for word, text in shown.told(row, after_due=self._after_due)),
        }
