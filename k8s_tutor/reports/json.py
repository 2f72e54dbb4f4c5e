"""A report for machines: one JSON document, described by ``check.schema.json`` beside this file."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from importlib.resources import files
from typing import Any

from k8s_tutor.checks.outcome import Finding, Status
from k8s_tutor.checks.words import clip
from k8s_tutor.reports.report import Report, Row

SCHEMA = "k8s-tutor/check/v1"


class JsonReporter:
    """Renders one JSON object, keys in a fixed order, two blanks of indentation."""

    def render(self, report: Report) -> str:
        """The document as text."""
        return json.dumps(document(report), indent=2, ensure_ascii=True, allow_nan=False) + "\n"


def document(report: Report) -> dict[str, Any]:
    """The report as plain JSON values, valid against :func:`schema`."""
    return {
        "schema": SCHEMA,
        "tool": {"name": "k8s-tutor", "version": report.version},
        "lab": {"id": report.lab, "title": clip(report.title, 200), "hash": report.hash},
        "cluster": clip(report.cluster, 200),
        "namespace": clip(report.namespace, 63),
        "started": stamp(report.started),
        "seconds": round(max(0.0, report.seconds), 3),
        "result": {0: "pass", 1: "fail", 3: "error"}[report.exit_code],
        "exit_code": report.exit_code,
        "trouble": clip(report.trouble, 600),
        "score": report.score,
        "max_score": report.max_score,
        "counts": {status.value: report.count(status) for status in Status},
        "checks": [row_document(row) for row in report.rows],
    }


def schema() -> dict[str, Any]:
    """The JSON Schema (draft 2020-12) of the document."""
    text = files("k8s_tutor.reports").joinpath("check.schema.json").read_text(encoding="utf-8")
    loaded: dict[str, Any] = json.loads(text)
    return loaded


def stamp(at: float) -> str:
    """Unix time as ``YYYY-MM-DDTHH:MM:SSZ``."""
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def row_document(row: Row) -> dict[str, Any]:
    """One check's result as plain JSON values."""
    outcome = row.outcome
    return {
        "id": row.check_id,
        "step": {"id": row.step_id, "title": clip(row.step_title, 200)},
        "title": clip(row.title, 300),
        "status": outcome.status.value,
        "optional": row.optional,
        "points": row.points,
        "seconds": round(max(0.0, row.seconds), 3),
        "file": row.file,
        "line": row.line,
        "summary": clip(outcome.summary, 600),
        "facts": [clip(fact, 600) for fact in outcome.facts[:50]],
        "data": _plain(outcome.data),
        "finding": _finding(outcome.finding) if outcome.finding is not None else None,
    }


def _finding(finding: Finding) -> dict[str, Any]:
    cause = finding.cause
    return {
        "rule": clip(finding.rule, 600),
        "expected": clip(finding.expected, 600),
        "observed": clip(finding.observed, 1200),
        "command": clip(finding.command, 600),
        "seen": [
            {
                "object": clip(seen.object, 300),
                "field": clip(seen.field, 300),
                "value": clip(seen.value, 600),
                "line": seen.line,
            }
            for seen in finding.seen[:50]
        ],
        "cause": {"id": cause.id, "text": clip(cause.text, 600), "look_at": clip(cause.look_at, 600)}
        if cause
        else None,
    }


def _plain(value: Any, depth: int = 0) -> Any:
    """``value`` as JSON, bounded: evidence holds what a cluster said."""
    if isinstance(value, bool | int) or value is None:
        return value
    if isinstance(value, float):
        return value if abs(value) < 1e300 else None
    if depth < 6 and isinstance(value, Mapping):
        return {clip(key, 200): _plain(item, depth + 1) for key, item in list(value.items())[:500]}
    if depth < 6 and isinstance(value, list | tuple | set | frozenset):
        return [_plain(item, depth + 1) for item in list(value)[:500]]
    return clip(value, 600)
