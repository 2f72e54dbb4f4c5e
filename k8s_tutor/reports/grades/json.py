"""A class report for machines: one JSON document, described by ``grades.schema.json`` beside this file."""

from __future__ import annotations

import json
from importlib.resources import files
from typing import Any

from k8s_tutor.checks.words import clip
from k8s_tutor.reports import json as one_report
from k8s_tutor.reports.grades import shown
from k8s_tutor.reports.grades.report import ClassReport, Graded

SCHEMA = "k8s-tutor/grades/v1"


class JsonReporter:
    """Renders one JSON object, keys in a fixed order, two blanks of indentation."""

    def render(self, report: ClassReport) -> str:
        """The document as text."""
        return json.dumps(document(report), indent=2, ensure_ascii=True, allow_nan=False) + "\n"


def document(report: ClassReport) -> dict[str, Any]:
    """The report as plain JSON values, valid against :func:`schema`."""
    totals = shown.totals(report)
    return {
        "schema": SCHEMA,
        "tool": {"name": "k8s-tutor", "version": report.version},
        "lab": {"id": report.lab, "title": clip(report.title, 200), "hash": report.hash},
        "cluster": {
            "name": clip(report.cluster, 200),
            "uid": clip(report.cluster_uid, 100),
            "kubernetes": clip(report.kubernetes, 60),
        },
        "started": one_report.stamp(report.started),
        "seconds": round(max(0.0, report.seconds), 3),
        "exit_code": report.exit_code,
        "trouble": clip(report.trouble, 600),
        "counts": {
            "students": totals.students,
            "pass": totals.passed,
            "fail": totals.failed,
            "error": totals.broken,
            "unfinished": totals.unfinished,
        },
        "mean_score": None if totals.mean is None else round(totals.mean, 3),
        "checks": [_check(line) for line in shown.over_class(report)],
        "students": [_student(graded) for graded in report.students],
        "unfinished": [clip(student, 200) for student in report.unfinished],
        "alike": [
            {"students": [clip(pair.one, 200), clip(pair.other, 200)], "share": min(1.0, max(0.0, pair.share))}
            for pair in report.alike
        ],
        "notes": [clip(note, 600) for note in report.notes],
    }


def schema() -> dict[str, Any]:
    """The JSON Schema (draft 2020-12) of the document; its checks are those of ``check.schema.json``."""
    text = files("k8s_tutor.reports.grades").joinpath("grades.schema.json").read_text(encoding="utf-8")
    loaded: dict[str, Any] = json.loads(text)
    loaded["$defs"].update(one_report.schema()["$defs"])
    loaded["$defs"]["check"]["required"].append("visibility")
    loaded["$defs"]["check"]["properties"]["visibility"] = {"enum": ["visible", "after_due", "hidden"]}
    return loaded


def _check(line: shown.CheckLine) -> dict[str, Any]:
    row = line.row
    return {
        "id": row.check_id,
        "step": {"id": row.step_id, "title": clip(row.step_title, 200)},
        "title": clip(row.title, 300),
        "points": row.points,
        "optional": row.optional,
        "visibility": row.visibility,
        "counts": {"pass": line.passed, "fail": line.failed, "skipped": line.skipped, "error": line.broken},
    }


def _student(graded: Graded) -> dict[str, Any]:
    report = graded.report
    return {
        "student": clip(graded.student, 200),
        "result": graded.word,
        "score": graded.score,
        "max_score": graded.max_score,
        "trouble": clip(report.trouble, 600),
        "namespace": clip(report.namespace, 63),
        "started": one_report.stamp(report.started),
        "seconds": round(max(0.0, report.seconds), 3),
        "attempts": graded.attempts,
        "submission": graded.digest,
        "seed": clip(graded.seed, 200),
        "roster": {clip(key, 200): clip(value, 600) for key, value in graded.roster.items()},
        "notices": [
            {
                "file": clip(each.file, 200),
                "line": each.line,
                "message": clip(each.message, 600),
                "remedy": clip(each.remedy, 600),
                "refused": each.refused,
            }
            for each in graded.notices
        ],
        "deeds": [
            {
                "step": clip(deed.step, 100),
                "command": clip(deed.command, 600),
                "code": deed.code,
                "said": clip(deed.said, 600),
                "seconds": round(max(0.0, deed.seconds), 3),
            }
            for deed in graded.deeds
        ],
        "checks": [{**one_report.row_document(row), "visibility": row.visibility} for row in report.rows],
    }
