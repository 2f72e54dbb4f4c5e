"""What of a result may be told to whom, and the words for it: the same for every format of a class report."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from k8s_tutor.checks.outcome import Finding, Seen, Status
from k8s_tutor.checks.words import clip, duration
from k8s_tutor.reports.grades.report import ClassReport, Graded
from k8s_tutor.reports.report import Row
from k8s_tutor.reports.summary_markdown import escaped

SIGNS = {Status.PASS: "✓", Status.FAIL: "✗", Status.WAITING: "✗", Status.SKIPPED: "·", Status.ERROR: "?"}
"""A sign a status, so that none is told by its colour alone."""
NOT_SHOWN = "the lab does not show what this check finds"
NOT_YET = "what this check finds is shown after the due date"
NOT_SEEN = "it could not be observed; this costs no points"
FILES = (".yaml", ".yml", ".json", ".md", ".txt", ".sh")
"""How the name of a file that was handed in ends."""


def tells(row: Row, *, after_due: bool) -> bool:
    """Whether a student may read what this check found. ``after_due``: whether the due date has passed."""
    return row.visibility == "visible" or (row.visibility == "after_due" and after_due)


def withheld(row: Row) -> str:
    """What a student reads instead."""
    return NOT_YET if row.visibility == "after_due" else NOT_SHOWN


def message(row: Row, *, after_due: bool, limit: int = 400) -> str:
    """One line for a student: the summary, or why it is not told; empty for a hidden check that passes."""
    if tells(row, after_due=after_due):
        if row.status is Status.SKIPPED and row.outcome.facts:
            return clip(row.outcome.facts[0], limit)
        return clip(row.outcome.summary, limit)
    return "" if row.status is Status.PASS else withheld(row)


def lines(finding: Finding, limit: int = 600) -> list[tuple[str, str]]:
    """A finding as (word, text), in the order in which it is read; what is empty is left out."""
    told = [
        ("rule", finding.rule),
        ("expected", finding.expected),
        ("found", finding.observed),
        ("see", finding.command),
    ]
    told += [("seen", seen_text(seen)) for seen in finding.seen[:10]]
    if finding.cause is not None:
        told += [("because", f"{finding.cause.text} [{finding.cause.id}]"), ("look at", finding.cause.look_at)]
    return [(word, clip(text, limit)) for word, text in told if text]


def told(row: Row, *, after_due: bool, limit: int = 600) -> list[tuple[str, str]]:
    """The finding's lines for a student; empty where there is none, or where it is not shown."""
    if row.outcome.finding is None or not tells(row, after_due=after_due):
        return []
    return lines(row.outcome.finding, limit)


def seen_text(seen: Seen) -> str:
    """``Service/web spec.ports[0].targetPort: 8080 (line 9)``."""
    what = " ".join(part for part in (seen.object, seen.field) if part)
    return what + (f": {seen.value}" if seen.value else "") + (f" (line {seen.line})" if seen.line else "")


def where(row: Row) -> tuple[str, int]:
    """The file that was handed in and the line that the finding speaks of; an empty name where it names none."""
    for seen in row.outcome.finding.seen if row.outcome.finding is not None else ():
        if seen.object.endswith(FILES) and len(seen.object) < 200:
            return seen.object, max(0, seen.line)
    return "", 0


@dataclass(frozen=True)
class CheckLine:
    """One check over the class: ``row`` is the first student's, the counts are students by status."""

    row: Row
    passed: int = 0
    failed: int = 0
    skipped: int = 0
    broken: int = 0

    @property
    def observed(self) -> int:
        """Students of whom something is known: who could not be observed counts neither way."""
        return self.passed + self.failed + self.skipped

    @property
    def share(self) -> float:
        """0 to 1: how many of the observed pass; 1 where nobody was observed."""
        return self.passed / self.observed if self.observed else 1.0


def over_class(report: ClassReport) -> tuple[CheckLine, ...]:
    """The lab's checks in its order with their counts; empty for an empty class."""
    counts = {row.check_id: dict.fromkeys(Status, 0) for row in report.checks}
    for graded in report.students:
        for row in graded.report.rows:
            if row.check_id in counts:
                counts[row.check_id][row.status] += 1
    first = {row.check_id: row for row in report.checks}
    return tuple(
        CheckLine(
            row,
            counts[check][Status.PASS],
            counts[check][Status.FAIL] + counts[check][Status.WAITING],
            counts[check][Status.SKIPPED],
            counts[check][Status.ERROR],
        )
        for check, row in first.items()
    )


def blocking(report: ClassReport) -> tuple[CheckLine, ...]:
    """The required checks that somebody fails, the one that stops most students first."""
    failed = [line for line in over_class(report) if line.failed and not line.row.optional]
    return tuple(sorted(failed, key=lambda line: -line.failed))


@dataclass(frozen=True)
class Totals:
    """Students by result, and the mean of the scores that are final (None: there is none)."""

    students: int
    passed: int
    failed: int
    broken: int
    unfinished: int
    mean: float | None
    points: int

    @property
    def sentence(self) -> str:
        """``30 students: 12 pass, 15 fail, 2 could not be graded, 1 was not graded``."""
        said = [f"{self.passed} pass", f"{self.failed} fail"]
        if self.broken:
            said.append(f"{self.broken} not fully observed")
        if self.unfinished:
            said.append(f"{self.unfinished} not graded")
        return f"{self.students} student{'' if self.students == 1 else 's'}: " + ", ".join(said)


def totals(report: ClassReport) -> Totals:
    """What the class reached."""
    words = [graded.word for graded in report.students]
    final = [graded.score for graded in report.students if not graded.broken]
    return Totals(
        students=len(words) + len(report.unfinished),
        passed=words.count("pass"),
        failed=words.count("fail"),
        broken=words.count("error"),
        unfinished=len(report.unfinished),
        mean=sum(final) / len(final) if final else None,
        points=max((graded.max_score for graded in report.students), default=0),
    )


def unique(names: Iterable[str]) -> list[str]:
    """The names, the second of two that are the same with ``(2)`` behind it, and so on."""
    taken: set[str] = set()
    found = []
    for name in names:
        told_as, number = name, 1
        while told_as in taken:
            number += 1
            told_as = f"{name} ({number})"
        taken.add(told_as)
        found.append(told_as)
    return found


def case_names(rows: Sequence[Row]) -> list[str]:
    """A name a check, never twice the same: ``lab2-ready: three pods are ready``."""
    return unique(f"{clip(row.check_id, 100)}: {clip(row.title, 300)}" for row in rows)


def standing(graded: Graded) -> str:
    """``7/10``, or ``7/10, not final`` where something could not be observed."""
    return f"{graded.score}/{graded.max_score}" + (", not final" if graded.broken else "")


def student_name(graded: Graded) -> str:
    """The student's name on a screen, never empty."""
    return clip(graded.student, 120) or "(no name)"


def md(text: str, limit: int = 300) -> str:
    """One bounded line that is no Markdown, no HTML and calls nobody (``@name``)."""
    return escaped(text, limit).replace("@", "&#64;")


def causes(report: ClassReport) -> dict[str, list[tuple[str, int]]]:
    """Check id -> why students fail it, as (cause, students), the most frequent first."""
    counted: dict[str, Counter[str]] = {}
    for graded in report.students:
        for row in graded.report.rows:
            finding = row.outcome.finding
            if row.status in (Status.FAIL, Status.WAITING) and finding is not None:
                text = finding.cause.text if finding.cause is not None else row.outcome.summary
                counted.setdefault(row.check_id, Counter())[clip(text, 240)] += 1
    return {check: texts.most_common() for check, texts in counted.items()}


def at_text(at: float) -> str:
    """``2026-11-24 00:26 UTC``."""
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%d %H:%M UTC")


def provenance(report: ClassReport) -> list[tuple[str, str]]:
    """What the grades rest on, as (word, text): a grade that is doubted can be made again from it."""
    return [
        ("lab", f"{clip(report.lab, 100)}, {clip(report.hash, 100)}"),
        ("graded", f"{at_text(report.started)}, in {duration(report.seconds)}"),
        ("cluster", clip(report.cluster, 200) + (f" ({clip(report.cluster_uid, 100)})" if report.cluster_uid else "")),
        ("Kubernetes", clip(report.kubernetes, 60) or "unknown"),
        ("k8s-tutor", clip(report.version, 60)),
    ]
