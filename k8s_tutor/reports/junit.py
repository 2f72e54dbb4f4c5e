"""A report for CI: JUnit XML, flat (one suite a lab, one case a check), as GitLab, GitHub and Jenkins read it."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from datetime import UTC, datetime

from k8s_tutor.checks.outcome import Outcome, Status
from k8s_tutor.checks.words import clip
from k8s_tutor.reports.report import Report, Row


class JUnitReporter:
    """Renders one ``testsuites`` document."""

    def render(self, report: Report) -> str:
        """The document; totals agree with the cases, names are unique (GitLab drops what is named twice)."""
        totals = {
            "tests": str(len(report.rows) + bool(report.trouble)),
            "failures": str(report.count(Status.FAIL, Status.WAITING)),
            "errors": str(report.count(Status.ERROR) + bool(report.trouble)),
            "skipped": str(report.count(Status.SKIPPED)),
            "time": f"{max(0.0, report.seconds):.3f}",
            "timestamp": datetime.fromtimestamp(report.started, UTC).strftime("%Y-%m-%dT%H:%M:%S"),
        }
        root = ET.Element("testsuites", {"name": "k8s-tutor", **totals})
        suite = ET.SubElement(root, "testsuite", {"name": xml_text(report.lab), **totals})
        properties = ET.SubElement(suite, "properties")
        for name, value in (
            ("cluster", report.cluster),
            ("namespace", report.namespace),
            ("lab-hash", report.hash),
            ("version", report.version),
            ("points", f"{report.score}/{report.max_score}"),
        ):
            ET.SubElement(properties, "property", {"name": name, "value": xml_text(value)})
        taken: set[tuple[str, str]] = set()
        for row in report.rows:
            _case(suite, report.lab, row, taken)
        if report.trouble:
            case = ET.SubElement(
                suite, "testcase", {"classname": f"k8s-tutor.{xml_text(report.lab)}", "name": "run", "time": "0.000"}
            )
            ET.SubElement(case, "error", {"message": xml_text(report.trouble), "type": "ClusterError"})
        ET.indent(root, " ")
        return '<?xml version="1.0" encoding="UTF-8"?>\n' + ET.tostring(root, encoding="unicode") + "\n"


def xml_text(value: str, limit: int = 1000) -> str:
    """One bounded line without what XML 1.0 forbids (controls, surrogates, U+FFFE and U+FFFF)."""
    return "".join(character for character in clip(value, limit) if character not in "\ufffe\uffff")


def _case(suite: ET.Element, lab: str, row: Row, taken: set[tuple[str, str]]) -> None:
    classname = f"k8s-tutor.{xml_text(lab, 100)}.{xml_text(row.step_id, 100)}"
    name = base = f"{xml_text(row.check_id, 100)}: {xml_text(row.title, 300)}"
    number = 1
    while (classname, name) in taken:
        number += 1
        name = f"{base} ({number})"
    taken.add((classname, name))
    place = {"file": xml_text(row.file), "line": str(row.line)} if row.file else {}
    case = ET.SubElement(
        suite, "testcase", {"classname": classname, "name": name, **place, "time": f"{max(0.0, row.seconds):.3f}"}
    )
    outcome = row.outcome
    message = xml_text(outcome.summary)
    if outcome.status in (Status.FAIL, Status.WAITING):
        kind = "CheckFailed" if outcome.status is Status.FAIL else "CheckWaiting"
        ET.SubElement(case, "failure", {"message": message, "type": kind}).text = _told(outcome)
    elif outcome.status is Status.ERROR:
        ET.SubElement(case, "error", {"message": message, "type": "ClusterError"}).text = _told(outcome)
    elif outcome.status is Status.SKIPPED:
        ET.SubElement(case, "skipped", {"message": xml_text(outcome.facts[0]) if outcome.facts else message})
    elif outcome.facts:
        ET.SubElement(case, "system-out").text = "\n".join(xml_text(fact) for fact in outcome.facts[:20])


def _told(outcome: Outcome) -> str:
    """The finding in lines."""
    finding = outcome.finding
    if finding is None:
        return xml_text(outcome.summary)
    lines = [
        ("rule", finding.rule),
        ("expected", finding.expected),
        ("found", finding.observed),
        ("see", finding.command),
    ]
    if finding.cause is not None:
        lines += [("because", f"{finding.cause.text} [{finding.cause.id}]"), ("look at", finding.cause.look_at)]
    return "\n".join(f"{word}: {xml_text(told)}" for word, told in lines if told)
