"""check50's JSON for one student, so that what reads check50 reads this (the official Classroom 50 adapter does).

The shape: check50 3.3.11, ``check50/runner.py`` (CheckResult) and ``check50/__main__.py`` (--output json).
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from k8s_tutor.checks.outcome import Status
from k8s_tutor.checks.words import clip
from k8s_tutor.reports.grades.report import ClassReport, Graded
from k8s_tutor.reports.grades.shown import HIDDEN, hidden
from k8s_tutor.reports.report import Row


class Check50Reporter:
    """One JSON object a student: ``passed`` is true, false, or null for what was not tried or not observed."""

    def __init__(self, needs: Mapping[str, str] | None = None, *, after_due: bool = True) -> None:
        """``needs``: check id -> the check that it depends on."""
        self._needs, self._after_due = dict(needs or {}), after_due

    def render_one(self, graded: Graded, report: ClassReport) -> str:
        """The document; ``error`` takes the place of ``results`` where the student could not be graded at all."""
        document: dict[str, Any] = {"slug": f"k8s-tutor/{report.lab}"}
        if graded.report.trouble:
            document["error"] = {
                "type": "ClusterError",
                "value": clip(graded.report.trouble, 600),
                "traceback": [],
                "data": {},
            }
        else:
            document["results"] = [self._result(row) for row in graded.report.rows]
        document["version"] = report.version
        return json.dumps(document, indent=4, ensure_ascii=True) + "\n"

    def _result(self, row: Row) -> dict[str, Any]:
        passed = {Status.PASS: True, Status.FAIL: False, Status.WAITING: False}.get(row.status)
        secret = hidden(row, after_due=self._after_due)
        return {
            "name": row.check_id,
            "description": clip(row.title, 300),
            "passed": passed,
            "log": [] if secret else [clip(fact, 400) for fact in row.outcome.facts[:20]],
            "cause": None if passed else self._cause(row, secret=secret),
            "data": {"points": row.points, "step": row.step_id},
            "dependency": self._needs.get(row.check_id),
        }

    def _cause(self, row: Row, *, secret: bool) -> dict[str, Any]:
        if secret:
            return {"rationale": HIDDEN, "help": None}
        finding = row.outcome.finding
        if row.status is Status.SKIPPED:
            return {"rationale": "can't check until a frown turns upside down", "help": clip(row.outcome.summary, 600)}
        cause: dict[str, Any] = {"rationale": clip(row.outcome.summary, 600), "help": None}
        if finding is not None:
            cause["expected"], cause["actual"] = clip(finding.expected, 600), clip(finding.observed, 1200)
            if finding.cause is not None:
                cause["help"] = clip(f"{finding.cause.text}. {finding.cause.look_at}".strip(), 800)
        if row.status is Status.ERROR:
            cause["error"] = {
                "type": "ClusterError",
                "value": clip(row.outcome.summary, 600),
                "traceback": [],
                "data": {},
            }
        return cause
