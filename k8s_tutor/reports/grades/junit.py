"""A class as JUnit XML, flat: one suite a student; a case is the lab, a step or a check, as one likes.

As GitLab, GitHub's reporters and Jenkins read it. GitLab shows a case by ``classname`` and drops the second of two with
the same ``classname`` and ``name``; both therefore name the student.
"""

from __future__ import annotations

import xml.etree.ElementTree as ET
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime

from k8s_tutor.checks.outcome import Status
from k8s_tutor.errors import UsageError
from k8s_tutor.reports.grades import shown
from k8s_tutor.reports.grades.report import ClassReport, Graded
from k8s_tutor.reports.junit import xml_text
from k8s_tutor.reports.report import Row

GRANULARITIES = ("lab", "step", "check")


@dataclass(frozen=True)
class _Case:
    """``kind``: failure, error, skipped, or empty for a pass."""

    classname: str
    name: str
    seconds: float = 0.0
    kind: str = ""
    type: str = ""
    message: str = ""
    text: str = ""
    place: dict[str, str] = field(default_factory=dict)


class JUnitReporter:
    """Renders one ``testsuites`` document.

    ``granularity``: what a case is. ``after_due``: whether the due date has passed (a check that is shown only then
    counts before, too, but tells nothing). Raises UsageError for another granularity.
    """

    def __init__(self, *, granularity: str = "check", after_due: bool = True) -> None:
        if granularity not in GRANULARITIES:
            raise UsageError(
                f"there is no granularity {granularity[:40]!r}", remedy="one of: " + ", ".join(GRANULARITIES)
            )
        self._granularity, self._after_due = granularity, after_due

    def render(self, report: ClassReport) -> str:
        """The document; its totals agree with its cases, and no case has another's name."""
        suites: list[tuple[str, Graded | None, list[_Case]]] = []
        names = shown.unique(f"{xml_text(report.lab, 100)}: {_name(graded)}" for graded in report.students)
        for name, student in zip(names, report.students, strict=True):
            suites.append((name, student, self._cases(report, student)))
        rest = [
            _Case(
                f"k8s-tutor.{xml_text(report.lab, 100)}.run",
                f"grade {xml_text(student, 200)}",
                kind="error",
                type="NotGraded",
                message="not graded: the run ended before",
            )
            for student in report.unfinished
        ]
        if report.trouble:
            rest.append(
                _Case(
                    f"k8s-tutor.{xml_text(report.lab, 100)}.run",
                    "run",
                    kind="error",
                    type="ClusterError",
                    message=xml_text(report.trouble),
                )
            )
        if rest:
            suites.append((shown.unique([*names, f"{xml_text(report.lab, 100)}: run"])[-1], None, rest))
        everything = [case for _, _, cases in suites for case in cases]
        root = ET.Element(
            "testsuites", {"name": "k8s-tutor", **_totals(everything, report.seconds), "timestamp": _at(report.started)}
        )
        taken: set[tuple[str, str]] = set()
        for name, graded, cases in suites:
            seconds = graded.report.seconds if graded else 0.0
            at = _at(graded.report.started if graded else report.started)
            suite = ET.SubElement(root, "testsuite", {"name": name, **_totals(cases, seconds), "timestamp": at})
            properties = ET.SubElement(suite, "properties")
            for key, value in _properties(report, graded):
                ET.SubElement(properties, "property", {"name": key, "value": xml_text(value)})
            for case in cases:
                _write(suite, case, taken)
            if graded and graded.notices:
                said = (f"{each.where or 'submission'}: {each.message}" for each in graded.notices[:50])
                ET.SubElement(suite, "system-out").text = "\n".join(map(xml_text, said))
        ET.indent(root, " ")
        return '<?xml version="1.0" encoding="UTF-8"?>\n' + ET.tostring(root, encoding="unicode") + "\n"

    def _cases(self, report: ClassReport, graded: Graded) -> list[_Case]:
        base = f"k8s-tutor.{xml_text(report.lab, 100)}.{_name(graded)}"
        rows = graded.report.rows
        if graded.report.trouble and not rows:
            return [_Case(base, "run", kind="error", type="ClusterError", message=xml_text(graded.report.trouble))]
        if self._granularity == "check":
            return [self._check(base, row) for row in rows]
        if self._granularity == "step":
            steps = dict.fromkeys(row.step_id for row in rows)
            return [self._group(base, step, [row for row in rows if row.step_id == step]) for step in steps]
        return [self._group(base, "", list(rows), xml_text(report.title, 300))]

    def _check(self, base: str, row: Row) -> _Case:
        name = f"{xml_text(row.check_id, 100)}: {xml_text(row.title, 300)}"
        kind, sort = _KINDS[row.status]
        return _Case(
            f"{base}.{xml_text(row.step_id, 100)}",
            name,
            row.seconds,
            kind,
            sort,
            xml_text(shown.message(row, after_due=self._after_due, limit=1000)) if kind else "",
            self._told([row]) if kind in ("failure", "error") else "",
            {"file": xml_text(row.file), "line": str(row.line)} if row.file else {},
        )

    def _group(self, base: str, step: str, rows: list[Row], title: str = "") -> _Case:
        """Several checks as one case: an error only where none of them fails, as an exit code has it."""
        required = [row for row in rows if not row.optional]
        statuses = {row.status for row in required}
        sort = ""
        for status in (Status.FAIL, Status.WAITING, Status.ERROR, Status.SKIPPED):
            if status in statuses:
                sort = status
                break
        kind, type_ = _KINDS[Status(sort)] if sort else ("", "")
        if sort == Status.SKIPPED and Status.PASS in statuses:
            kind, type_ = _KINDS[Status.FAIL]
        told = [row for row in required if row.status is not Status.PASS]
        names = ", ".join(xml_text(row.check_id, 100) for row in told[:10])
        head = f"{len(required) - len(told)} of {len(required)} checks pass"
        return _Case(
            f"{base}.{xml_text(step, 100)}" if step else base,
            xml_text(rows[0].step_title, 300) if step else title or "lab",
            sum(row.seconds for row in rows),
            kind,
            type_,
            xml_text(f"{head}; not: {names}") if told else "",
            self._told(told) if kind in ("failure", "error") else "",
            {"file": xml_text(rows[0].file), "line": str(rows[0].line)} if rows and rows[0].file else {},
        )

    def _told(self, rows: list[Row]) -> str:
        return "\n".join(line for row in rows for line in self._lines(row, alone=len(rows) == 1))

    def _lines(self, row: Row, *, alone: bool) -> Iterator[str]:
        if not alone:
            yield f"{xml_text(row.check_id, 100)}: {xml_text(shown.message(row, after_due=self._after_due))}"
        for word, text in shown.told(row, after_due=self._after_due):
            yield f"{word}: {xml_text(text)}"


_KINDS = {
    Status.PASS: ("", ""),
    Status.FAIL: ("failure", "CheckFailed"),
    Status.WAITING: ("failure", "CheckWaiting"),
    Status.ERROR: ("error", "ClusterError"),
    Status.SKIPPED: ("skipped", ""),
}


def _name(graded: Graded) -> str:
    return xml_text(graded.student, 120) or "(no name)"


def _at(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%dT%H:%M:%S")


def _totals(cases: list[_Case], seconds: float) -> dict[str, str]:
    kinds = [case.kind for case in cases]
    return {
        "tests": str(len(cases)),
        "failures": str(kinds.count("failure")),
        "errors": str(kinds.count("error")),
        "skipped": str(kinds.count("skipped")),
        "time": f"{max(0.0, seconds):.3f}",
    }


def _properties(report: ClassReport, graded: Graded | None) -> Iterator[tuple[str, str]]:
    yield "cluster", report.cluster
    yield "kubernetes", report.kubernetes
    yield "lab-hash", report.hash
    yield "version", report.version
    if graded is not None:
        yield "student", graded.student
        yield "namespace", graded.report.namespace
        yield "points", f"{graded.score}/{graded.max_score}"
        yield "result", graded.word
        yield "submission", graded.digest
        if graded.seed:
            yield "seed", graded.seed


def _write(suite: ET.Element, case: _Case, taken: set[tuple[str, str]]) -> None:
    name, number = case.name, 1
    while (case.classname, name) in taken:
        number += 1
        name = f"{case.name} ({number})"
    taken.add((case.classname, name))
    time = f"{max(0.0, case.seconds):.3f}"
    element = ET.SubElement(suite, "testcase", {"classname": case.classname, "name": name, **case.place, "time": time})
    if case.kind:
        told = ET.SubElement(element, case.kind, {"message": case.message})
        if case.type:
            told.set("type", case.type)
        if case.text:
            told.text = case.text
