"""Gradescope's ``results.json`` for one student.

The shape: https://gradescope-autograders.readthedocs.io/en/latest/specs/ ("Output format").
"""

from __future__ import annotations

import json
from typing import Any

from k8s_tutor.checks.outcome import Status
from k8s_tutor.checks.words import clip
from k8s_tutor.reports.grades.report import ClassReport, Graded
from k8s_tutor.reports.grades.shown import points, told

VISIBILITY = {"visible": "visible", "after_due": "after_due_date", "hidden": "hidden"}
"""Gradescope itself keeps what is not to be seen, so nothing is left out here."""


class GradescopeReporter:
    """One JSON object a student."""

    def render_one(self, graded: Graded, report: ClassReport) -> str:
        """The document; a student who could not be graded has no score, and says why in ``output``."""
        document: dict[str, Any] = {
            "execution_time": round(max(0.0, graded.report.seconds)),
            "output": _output(graded),
            "output_format": "text",
            "test_output_format": "text",
            "test_name_format": "text",
            "visibility": "visible",
            "stdout_visibility": "hidden",
            "extra_data": {
                "lab": report.lab,
                "lab_hash": report.hash,
                "version": report.version,
                "cluster_uid": report.cluster_uid,
                "kubernetes": report.kubernetes,
                "submission": graded.digest,
                "status": graded.word,
            },
            "tests": [],
        }
        steps: dict[str, int] = {}
        for row in graded.report.rows:
            number = steps.setdefault(row.step_id, len(steps) + 1)
            test: dict[str, Any] = {
                "score": points(row),
                "max_score": 0 if row.optional else row.points,
                "status": "passed" if row.status is Status.PASS else "failed",
                "name": clip(row.title, 300),
                "number": f"{number}.{sum(each['number'].startswith(f'{number}.') for each in document['tests']) + 1}",
                "output": "\n".join([clip(row.outcome.summary, 600), *(f"{word}: {text}" for word, text in told(row))]),
                "tags": [row.step_id, row.check_id],
                "visibility": VISIBILITY.get(row.visibility, "hidden"),
            }
            if row.optional:
                test["score"] = 0
            if row.status is Status.ERROR:
                # Not observed: neither passed nor failed, and it costs nothing.
                del test["status"]
                test["score"] = test["max_score"] = 0
            document["tests"].append(test)
        if not document["tests"]:
            document["score"] = 0
        return json.dumps(document, indent=2, ensure_ascii=True) + "\n"


def _output(graded: Graded) -> str:
    lines = [f"{notice.where}: {clip(notice.message, 400)}" for notice in graded.notices[:50]]
    if graded.report.trouble:
        lines.insert(0, f"not graded, and nothing was lost by it: {clip(graded.report.trouble, 600)}")
    elif graded.broken:
        lines.insert(0, "something could not be observed: the score is not final")
    return "\n".join(lines)
