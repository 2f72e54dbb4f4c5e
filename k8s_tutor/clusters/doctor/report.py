"""An examination as one JSON document, described by ``doctor.schema.json`` beside this file, and as text."""

from __future__ import annotations

import json
import re
import textwrap
from collections import Counter
from dataclasses import asdict
from importlib.resources import files
from itertools import groupby
from typing import Any

from k8s_tutor import __version__
from k8s_tutor.clusters.doctor.examine import Examination
from k8s_tutor.clusters.doctor.finding import Finding, State
from k8s_tutor.errors import EXIT_ENVIRONMENT, EXIT_PASS

SCHEMA = "k8s-tutor/doctor/v1"
_MARKS = {State.OK: "ok  ", State.NOTE: "note", State.FAIL: "FAIL", State.UNSEEN: "?   "}
_INDENT = " " * 5
_COMMAND = re.compile(r"(sudo|kubectl|k8s-tutor|apt-get|docker|podman|export|rm|mount|modprobe|find|mkdir) [^;:]*$")


def document(examination: Examination) -> dict[str, Any]:
    """The examination as plain JSON values, valid against :func:`schema`."""
    cluster = examination.cluster
    return {
        "schema": SCHEMA,
        "tool": {"name": "k8s-tutor", "version": __version__},
        "cluster": None if cluster is None else {"name": cluster.name, "provider": cluster.provider},
        "ok": examination.well,
        "exit_code": exit_code(examination),
        "seconds": round(examination.seconds, 3),
        "counts": {state.value: sum(each.state is state for each in examination.findings) for state in State},
        "findings": [{**asdict(finding), "ok": finding.ok} for finding in examination.findings],
    }


def as_json(examination: Examination) -> str:
    """The document as text."""
    return json.dumps(document(examination), indent=1, ensure_ascii=False) + "\n"


def exit_code(examination: Examination) -> int:
    """0 when everything that is needed is there, else 3."""
    return EXIT_PASS if examination.well else EXIT_ENVIRONMENT


def schema() -> dict[str, Any]:
    """The JSON Schema (draft 2020-12) of the document."""
    text = files("k8s_tutor.clusters.doctor").joinpath("doctor.schema.json").read_text(encoding="utf-8")
    loaded: dict[str, Any] = json.loads(text)
    return loaded


def as_text(examination: Examination, *, width: int = 80, everything: bool = False) -> str:
    """The worst first, each with what was seen and the remedy; what is well by number.

    ``everything``: each finding with its evidence, source and link.
    """
    lines: list[str] = []
    for kind, group in groupby(examination.findings, key=lambda each: (each.state, each.needed)):
        if everything or kind[0] in (State.FAIL, State.NOTE):
            lines += [line for finding in group for line in _told(finding, width, everything)]
        elif kind[0] is State.UNSEEN:
            lines += _unseen(list(group), width)
    if not everything:
        lines += _well([finding for finding in examination.findings if finding.ok], width)
    lines += _wrapped(_verdict(examination, everything), width)
    return "\n".join(lines) + "\n"


def _told(finding: Finding, width: int, everything: bool) -> list[str]:
    lines = _wrapped(f"{_MARKS[finding.state]} {finding.id}: {finding.evidence}", width)
    if not finding.ok and finding.remedy:
        remedy = f"{_INDENT}→ {finding.remedy}"
        # A command stays one line, which the terminal breaks: so it is copied whole.
        lines += [remedy] if _COMMAND.match(finding.remedy) else _wrapped(remedy, width, hang=_INDENT + "  ")
    if everything and finding.source:
        lines += _wrapped(f"{_INDENT}read: {finding.source}", width)
    if finding.link and (everything or finding.state is State.FAIL):
        lines.append(f"{_INDENT}{finding.link}")
    return lines


def _unseen(found: list[Finding], width: int) -> list[str]:
    by_reason: dict[str, list[str]] = {}
    for finding in found:
        by_reason.setdefault(finding.evidence, []).append(finding.id)
    lines = []
    for reason, ids in by_reason.items():
        lines += _wrapped(f"{_MARKS[State.UNSEEN]} {', '.join(ids)}: not observed: {reason}", width)
    return lines


def _well(found: list[Finding], width: int) -> list[str]:
    counts = Counter(finding.subject for finding in found)
    told = ", ".join(f"{subject} ({number})" for subject, number in counts.items())
    return _wrapped(f"{_MARKS[State.OK]} {told}", width) if told else []


def _verdict(examination: Examination, everything: bool) -> str:
    said = "Everything needed is there." if examination.well else "Something needed is missing, or was not seen."
    return said if everything else f"{said} Evidence and links of all: k8s-tutor doctor --all"


def _wrapped(text: str, width: int, hang: str = _INDENT) -> list[str]:
    # Between words only: a path or an address stays whole.
    return textwrap.wrap(
        text, max(20, width), subsequent_indent=hang, break_long_words=False, break_on_hyphens=False
    ) or [text]
