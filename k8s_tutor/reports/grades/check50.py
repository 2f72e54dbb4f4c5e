"""One student as the JSON of check50, so that what reads check50's results reads these.

Source: ``CheckResult`` and the renderers of check50 (3.5): ``slug``, ``results``, ``version``; where nothing could be
checked ``error`` stands in place of ``results``.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from k8s_tutor.checks.outcome import Status
from k8s_tutor.checks.words import clip
from k8s_tutor.reports.grades import shown
from k8s_tutor.reports.grades.report import ClassReport, Graded
from k8s_tutor.reports.report import Row

_PASSED = {Status.PASS: True, Status.FAIL: False, Status.WAITING: False, Status.SKIPPED: None, Status.ERROR: None}
"""check50 says null for what was not tried."""


class Check50Reporter:
    """Renders one JSON object.

    ``needs``: check id -> id of the check that it waits for (check50's ``dependency``); a check that was not observed
    is null with the reason in ``cause.error``. ``after_due``: whether the due date has passed.
    """

    def __init__(self, *, needs: Mapping[str, str] | None = None, after_due: bool = True) -> None:
        self._needs, self._after_due = needs or {}, after_due

    def render_one(self, graded: Graded, report: ClassReport) -> str:
        """The document as text."""
        return json.dumps(self.document(graded, report), indent=4, ensure_ascii=True, allow_nan=False) + "\n"

    def document(self, graded: Graded, report: ClassReport) -> dict[str, Any]:
        """The document as plain JSON values."""
        slug = f"k8s-tutor/{clip(report.lab, 100)}"
        version = clip(report.version, 60)
        if graded.report.trouble:
            trouble = clip(graded.report.trouble, 600)
            error = {"type": "EnvironmentFault", "value": trouble, "traceback": [], "data": {}}
            return {"slug": slug, "error": error, "version": version}
        rows = graded.report.rows
        names = shown.unique(clip(row.check_id, 100) for row in rows)
        results = [self._result(name, row) for name, row in zip(names, rows, strict=True)]
        return {"slug": slug, "results": results, "version": version}

    def _result(self, name: str, row: Row) -> dict[str, Any]:
        tells = shown.tells(row, after_due=self._after_due)
        facts = row.outcome.facts if tells and row.status is Status.PASS else ()
        needed = self._needs.get(row.check_id)
        return {
            "name": name,
            "description": clip(row.title, 300),
            "passed": _PASSED[row.status],
            "log": [clip(fact, 400) for fact in facts[:20]],
            "cause": None if row.status is Status.PASS else self._cause(row),
            "data": {"points": row.points, "optional": row.optional, "step": clip(row.step_id, 100)},
            "dependency": clip(needed, 100) if needed else None,
        }

    def _cause(self, row: Row) -> dict[str, Any]:
        finding = row.outcome.finding
        told = dict(shown.told(row, after_due=self._after_due))
        summary = shown.message(row, after_due=self._after_due) or "check skipped"
        cause: dict[str, Any] = {"rationale": summary, "help": None}
        if row.status is Status.ERROR:
            cause["error"] = {"type": "ClusterError", "value": summary, "traceback": [], "data": {}}
            cause["rationale"] = shown.NOT_SEEN
        if finding is not None and told:
            helps = [told.get("because", ""), told.get("look at", ""), told.get("see", "")]
            cause["help"] = "; ".join(filter(None, helps)) or None
            if row.status is not Status.ERROR:
                cause |= {"expected": told.get("expected", ""), "actual": told.get("found", "")}
        return cause
