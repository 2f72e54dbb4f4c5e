"""A class report as Markdown for the instructor: totals, grades, which check blocks the class, who is alike."""

from __future__ import annotations

from k8s_tutor.checks.outcome import Status
from k8s_tutor.checks.words import duration, plural
from k8s_tutor.reports.grades.report import ClassReport, Graded
from k8s_tutor.reports.summary import stamp
from k8s_tutor.reports.summary_markdown import escaped

SIGNS = {Status.PASS: "✓", Status.FAIL: "✗", Status.WAITING: "✗", Status.ERROR: "?", Status.SKIPPED: "·"}
WORDS = {"pass": "✓ pass", "fail": "✗ fail", "error": "? error"}


class MarkdownReporter:
    """One page."""

    def render(self, report: ClassReport) -> str:
        """The page."""
        words = [graded.word for graded in report.students]
        lines = [f"# {escaped(report.title, 120)}: grades", "", totals(report, words), ""]
        if report.trouble:
            lines += [f"**The run broke**: {escaped(report.trouble)}", ""]
        if report.students:
            lines += ["| student | | points | not passed |", "|---|---|---|---|"]
            lines += [_line(graded) for graded in report.students]
        if report.unfinished:
            names = ", ".join(escaped(student, 100) for student in report.unfinished)
            lines += ["", f"**Not graded**: {names}"]
        blocked = share(report)
        if blocked:
            lines += ["", "## What blocks the class", "", "| check | passed by | |", "|---|---|---|"]
            lines += [
                f"| {escaped(title, 160)} | {passed} of {whole} | {passed * 100 // whole} % |"
                for title, passed, whole in blocked
            ]
        if report.alike:
            lines += ["", "## Nearly the same", ""]
            lines += [
                f"- {escaped(pair.one, 100)} and {escaped(pair.other, 100)}: {pair.share:.0%} alike"
                for pair in report.alike
            ]
        lines += ["", provenance(report)]
        return "\n".join(lines) + "\n"


def totals(report: ClassReport, words: list[str]) -> str:
    """``200 students: 180 pass, 18 fail, 2 could not be graded to the end``."""
    told = [f"{words.count('pass')} pass", f"{words.count('fail')} fail"]
    if "error" in words:
        told.append(f"{words.count('error')} could not be graded to the end (that costs nobody a point)")
    if report.unfinished:
        told.append(f"{len(report.unfinished)} not graded")
    return f"{plural(len(words) + len(report.unfinished), 'student')}: {', '.join(told)}."


def share(report: ClassReport) -> list[tuple[str, int, int]]:
    """Title, passed by, judged for each required check; those first that fewest pass."""
    found: dict[str, tuple[str, int, int]] = {}
    for graded in report.students:
        for row in graded.report.rows:
            if row.optional or row.status is Status.ERROR:
                continue
            title, passed, whole = found.get(row.check_id, (row.title, 0, 0))
            found[row.check_id] = (title, passed + (row.status is Status.PASS), whole + 1)
    return sorted(found.values(), key=lambda each: each[1] / each[2])


def provenance(report: ClassReport) -> str:
    """By what it was graded, where and when."""
    took = duration(max(0.0, report.seconds))
    return (
        f"Lab {escaped(report.lab, 60)} ({report.hash[:12]}), k8s-tutor {escaped(report.version, 40)}, "
        f"Kubernetes {escaped(report.kubernetes, 40)}, cluster {escaped(report.cluster_uid or 'unknown', 60)}; "
        f"{escaped(stamp(report.started))}, {took}."
    )


def _line(graded: Graded) -> str:
    bad = [
        f"{SIGNS[row.status]} {escaped(row.title, 120)}: {escaped(row.outcome.summary, 200)}"
        for row in graded.report.rows
        if not row.optional and row.status in (Status.FAIL, Status.WAITING, Status.ERROR)
    ]
    told = "<br>".join(bad[:4] + ([f"and {len(bad) - 4} more"] if len(bad) > 4 else []))
    told = told or escaped(graded.report.trouble)
    return f"| {escaped(graded.student, 100)} | {WORDS[graded.word]} | {graded.score}/{graded.max_score} | {told} |"
