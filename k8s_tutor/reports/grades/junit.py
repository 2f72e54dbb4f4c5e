"""A class report for CI: JUnit XML, flat (a suite a student), as GitLab, GitHub and Jenkins read it."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

from k8s_tutor.checks.outcome import Status
from k8s_tutor.errors import UsageError
from k8s_tutor.reports.grades.report import ClassReport, Graded
from k8s_tutor.reports.grades.shown import message, told
from k8s_tutor.reports.junit import xml_text
from k8s_tutor.reports.report import Row

GRAINS = ("lab", "step", "check")


@dataclass(frozen=True)
class _Case:
    """A case: where it belongs, its name, ``failed``, ``broken`` or ``skipped`` with words; else it passes."""

    classname: str
    name: str
    seconds: float
    kind: str = ""
    words: str = ""
    text: str = ""


class JUnitReporter:
    """One case a check, a step or a lab (``granularity``) of each student. ``after_due``: hidden ones are shown."""

    def __init__(self, granularity: str = "check", *, after_due: bool = True) -> None:
        """Raises UsageError for another grain than ``lab``, ``step`` and ``check``."""
        if granularity not in GRAINS:
            raise UsageError(f"there is no grain {granularity[:40]!r}", remedy="one of: " + ", ".join(GRAINS))
        self._grain, self._after_due = granularity, after_due

    def render(self, report: ClassReport) -> str:
        """The document; totals agree with the cases, names are unique (GitLab drops what is named twice)."""
        suites = [(graded.student, graded.report.seconds, list(self._cases(graded))) for graded in report.students]
        for student in report.unfinished:
            suites.append((student, 0.0, [self._whole(report.lab, student, "error", "it was not graded")]))
        if report.trouble:
            suites.append(("run", 0.0, [self._whole(report.lab, "run", "error", report.trouble)]))
        cases = [case for _, _, found in suites for case in found]
        stamp = datetime.fromtimestamp(report.started, UTC).strftime("%Y-%m-%dT%H:%M:%S")
        root = ET.Element("testsuites", {"name": "k8s-tutor", **_totals(cases, report.seconds), "timestamp": stamp})
        for student, seconds, found in suites:
            suite = ET.SubElement(
                root,
                "testsuite",
                {"name": xml_text(f"{report.lab}.{student}", 200), **_totals(found, seconds), "timestamp": stamp},
            )
            for case in found:
                _write(suite, case)
        ET.indent(root, " ")
        return '<?xml version="1.0" encoding="UTF-8"?>\n' + ET.tostring(root, encoding="unicode") + "\n"

    def _whole(self, lab: str, student: str, kind: str, words: str) -> _Case:
        return _Case(f"k8s-tutor.{xml_text(lab, 100)}.{xml_text(student, 100)}", "lab", 0.0, kind, words)

    def _cases(self, graded: Graded) -> Iterator[_Case]:
        report = graded.report
        base = f"k8s-tutor.{xml_text(report.lab, 100)}.{xml_text(graded.student, 100)}"
        if report.trouble and not report.rows:
            yield self._whole(report.lab, graded.student, "error", report.trouble)
        groups: dict[str, list[Row]] = {}
        for row in report.rows:
            key = {"lab": "lab", "step": row.step_id, "check": row.check_id}[self._grain]
            groups.setdefault(key, []).append(row)
        for key, rows in groups.items():
            title = {"lab": report.title, "step": rows[0].step_title, "check": rows[0].title}[self._grain]
            classname = base if self._grain == "lab" else f"{base}.{xml_text(rows[0].step_id, 100)}"
            yield self._case(classname, f"{xml_text(key, 100)}: {xml_text(title, 300)}", rows)

    def _case(self, classname: str, name: str, rows: list[Row]) -> _Case:
        wanted = [row for row in rows if not row.optional] or rows
        worst = {row.status for row in wanted}
        seconds = sum(row.seconds for row in rows)
        kind = ""
        if worst & {Status.FAIL, Status.WAITING}:
            kind = "failure"
        elif Status.ERROR in worst:
            kind = "error"
        elif Status.SKIPPED in worst:
            kind = "skipped"
        if kind == "failure" and all(row.optional for row in wanted):
            kind = "skipped"  # an extra that was not done fails nobody
        if not kind:
            return _Case(classname, name, seconds)
        bad = [row for row in wanted if row.status is not Status.PASS]
        words = "; ".join(message(row, after_due=self._after_due) for row in bad)
        text = "\n".join(f"{word}: {line}" for row in bad for word, line in told(row, after_due=self._after_due))
        return _Case(classname, name, seconds, kind, words, text)


def _totals(cases: list[_Case], seconds: float) -> dict[str, str]:
    kinds = [case.kind for case in cases]
    return {
        "tests": str(len(cases)),
        "failures": str(kinds.count("failure")),
        "errors": str(kinds.count("error")),
        "skipped": str(kinds.count("skipped")),
        "time": f"{max(0.0, seconds):.3f}",
    }


def _write(suite: ET.Element, case: _Case) -> None:
    made = ET.SubElement(
        suite,
        "testcase",
        {"classname": case.classname, "name": case.name, "time": f"{max(0.0, case.seconds):.3f}"},
    )
    if not case.kind:
        return
    types = {"failure": {"type": "CheckFailed"}, "error": {"type": "ClusterError"}, "skipped": {}}
    inner = ET.SubElement(made, case.kind, {"message": xml_text(case.words), **types[case.kind]})
    if case.kind != "skipped" and case.text:
        inner.text = "\n".join(xml_text(line, 1200) for line in case.text.splitlines())
