"""A class as Markdown for the instructor: totals, students, what blocks the class, and each finding."""

from __future__ import annotations

from collections.abc import Iterator

from k8s_tutor.checks.outcome import Status
from k8s_tutor.checks.words import listed
from k8s_tutor.reports.grades import shown
from k8s_tutor.reports.grades.report import ClassReport, Graded
from k8s_tutor.reports.grades.shown import SIGNS, md

WORDS = {"pass": "✓ pass", "fail": "✗ fail", "error": "? error"}


class MarkdownReporter:
    """Renders GitHub's Markdown. It shows what hidden checks find: it is for those who grade."""

    def render(self, report: ClassReport) -> str:
        """The document; no text of a student or a cluster is structure in it."""
        found = [f"# {md(report.title or report.lab, 160)}: grades", "", f"{md(shown.totals(report).sentence)}.", ""]
        found += [f"- {word}: {md(text, 400)}" for word, text in shown.provenance(report)]
        if report.trouble:
            found += ["", f"**The run broke:** {md(report.trouble, 600)}"]
        found += [*_students(report), *_blocking(report), *_alike(report)]
        if report.unfinished:
            found += ["", "## Not graded", "", *(f"- {md(student, 200)}" for student in report.unfinished)]
        if report.notes:
            found += ["", "## Notes", "", *(f"- {md(note, 600)}" for note in report.notes)]
        blocks = [block for graded in report.students if (block := list(_details(graded)))]
        if blocks:
            found += ["", "## Findings", *(line for block in blocks for line in block)]
        return "\n".join(found) + "\n"


def _students(report: ClassReport) -> Iterator[str]:
    if not report.students:
        return
    yield from ("", "## Students", "", "| student | result | points | not passed | notices |", "|---|---|--:|---|--:|")
    for graded in report.students:
        missing = [row.check_id for row in graded.report.rows if row.status is not Status.PASS and not row.optional]
        points = f"{graded.score}/{graded.max_score}" + (" (not final)" if graded.broken else "")
        yield (
            f"| {md(shown.student_name(graded), 120)} | {WORDS[graded.word]} | {points} "
            f"| {md(listed(missing, 20), 2000)} | {len(graded.notices) or ''} |"
        )


def _blocking(report: ClassReport) -> Iterator[str]:
    blocking = shown.blocking(report)
    if not blocking:
        return
    why = shown.causes(report)
    yield from ("", "## What blocks the class", "", "| check | fail | pass | most often because |", "|---|--:|--:|---|")
    for line in blocking:
        text, count = (why.get(line.row.check_id) or [("", 0)])[0]
        because = f"{md(text, 240)} ({count})" if count else ""
        hidden = "" if line.row.visibility == "visible" else f" ({line.row.visibility.replace('_', ' ')})"
        name = md(f"{line.row.check_id}: {line.row.title}{hidden}", 340)
        yield f"| {name} | {line.failed} | {line.passed} of {line.observed} | {because} |"


def _alike(report: ClassReport) -> Iterator[str]:
    if not report.alike:
        return
    yield from ("", "## Submissions that are nearly the same", "", "Alike is a reason to look, never a proof.", "")
    yield from ("| one | other | alike |", "|---|---|--:|")
    for pair in report.alike:
        yield f"| {md(pair.one, 120)} | {md(pair.other, 120)} | {100 * pair.share:.0f} % |"


def _details(graded: Graded) -> Iterator[str]:
    rows = [row for row in graded.report.rows if row.status is not Status.PASS]
    if not (rows or graded.notices or graded.report.trouble):
        return
    yield from ("", f"### {md(shown.student_name(graded), 120)}: {shown.standing(graded)}", "")
    if graded.report.trouble:
        yield f"- ? could not be graded: {md(graded.report.trouble, 600)}"
    for notice in graded.notices[:50]:
        kind = "left out" if notice.refused else "notice"
        mend = f" ({md(notice.remedy)})" if notice.remedy else ""
        yield f"- {kind}: {md(notice.where, 240) or 'submission'}: {md(notice.message, 400)}{mend}"
    for row in rows:
        optional = " (optional)" if row.optional else ""
        said = row.outcome.facts[0] if row.status is Status.SKIPPED and row.outcome.facts else row.outcome.summary
        yield f"- {SIGNS[row.status]} {row.status.value}{optional}: {md(row.check_id, 100)}: {md(said, 400)}"
        if row.outcome.finding is not None:
            for word, text in shown.lines(row.outcome.finding):
                yield f"  - {word}: {md(text, 600)}"
