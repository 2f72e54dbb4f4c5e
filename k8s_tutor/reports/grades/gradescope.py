"""One student as Gradescope's ``results.json``.

Source: Gradescope's autograder specifications. Gradescope itself withholds a test until its due date has passed, so
there ``after_due`` stays as it is by default; told that the date has not passed, no finding goes into the document.
"""

from __future__ import annotations

import json
from typing import Any

from k8s_tutor.checks.outcome import Status
from k8s_tutor.checks.words import clip
from k8s_tutor.reports.grades import shown
from k8s_tutor.reports.grades.report import ClassReport, Graded
from k8s_tutor.reports.json import stamp
from k8s_tutor.reports.report import Row

VISIBILITY = {"visible": "visible", "after_due": "after_due_date", "hidden": "hidden"}


class GradescopeReporter:
    """Renders one JSON object. ``after_due``: whether the due date has passed.

    Gradescope knows no error: a check that could not be observed is a failed test of 0 points that says so, and
    ``extra_data.final`` is false. An optional check is a test of 0 points.
    """

    def __init__(self, *, after_due: bool = True) -> None:
        self._after_due = after_due

    def render_one(self, graded: Graded, report: ClassReport) -> str:
        """The document as text."""
        return json.dumps(self.document(graded, report), indent=2, ensure_ascii=True, allow_nan=False) + "\n"

    def document(self, graded: Graded, report: ClassReport) -> dict[str, Any]:
        """The document as plain JSON values."""
        rows = graded.report.rows
        names = shown.case_names(rows)
        steps = list(dict.fromkeys(row.step_id for row in rows))
        within = dict.fromkeys(steps, 0)
        tests = []
        for name, row in zip(names, rows, strict=True):
            within[row.step_id] += 1
            tests.append(self._test(name, row, f"{steps.index(row.step_id) + 1}.{within[row.step_id]}"))
        return {
            "score": graded.score,
            "execution_time": round(max(0.0, graded.report.seconds), 3),
            "output": "\n".join(_said(graded)),
            "output_format": "text",
            "test_output_format": "text",
            "test_name_format": "text",
            "visibility": "visible",
            "stdout_visibility": "hidden",
            "extra_data": {
                "student": clip(graded.student, 200),
                "result": graded.word,
                "final": not graded.broken,
                "max_score": graded.report.max_score,
                "lab": clip(report.lab, 100),
                "lab_hash": clip(report.hash, 100),
                "version": clip(report.version, 60),
                "cluster": clip(report.cluster, 200),
                "cluster_uid": clip(report.cluster_uid, 100),
                "kubernetes": clip(report.kubernetes, 60),
                "submission": clip(graded.digest, 64),
                "seed": clip(graded.seed, 200),
                "started": stamp(graded.report.started),
                "attempts": graded.attempts,
            },
            "tests": tests,
        }

    def _test(self, name: str, row: Row, number: str) -> dict[str, Any]:
        passed, broken = row.status is Status.PASS, row.status is Status.ERROR
        points = 0 if broken or row.optional else max(0, row.points)
        told = [shown.NOT_SEEN if broken else "", shown.message(row, after_due=self._after_due)]
        told += [f"{word}: {text}" for word, text in shown.told(row, after_due=self._after_due)]
        return {
            "score": points if passed else 0,
            "max_score": points,
            "status": "passed" if passed else "failed",
            "name": f"{name} (not observed)" if broken else f"{name} (optional)" if row.optional else name,
            "name_format": "text",
            "number": number,
            "output": "\n".join(filter(None, told)),
            "output_format": "text",
            "tags": [clip(row.step_id, 100)],
            "visibility": VISIBILITY.get(row.visibility, "hidden"),
            "extra_data": {"check": clip(row.check_id, 100), "status": row.status.value},
        }


def _said(graded: Graded) -> list[str]:
    """What stands above the tests; nothing of a check, for a check may be hidden."""
    said = []
    if graded.report.trouble:
        said.append(f"not graded: {clip(graded.report.trouble, 600)}")
    elif graded.broken:
        said.append("Something could not be observed: this score is not final, and costs no points.")
    said += [f"{clip(each.where, 240) or 'submission'}: {clip(each.message, 600)}" for each in graded.notices[:50]]
    return said
