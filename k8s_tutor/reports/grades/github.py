"""GitHub Actions: annotations in the log, and the step's summary.

Escaping: actions/toolkit, ``packages/core/src/command.ts``. At most ten annotations of a kind are shown for a step, and
a summary of more than 1 MiB is refused (docs.github.com, workflow commands).
"""

from __future__ import annotations

from k8s_tutor.checks.outcome import Status
from k8s_tutor.checks.words import clip
from k8s_tutor.reports.grades.markdown import MarkdownReporter
from k8s_tutor.reports.grades.report import ClassReport
from k8s_tutor.reports.grades.shown import message, told

MOST = 10
LARGEST = 900 * 1024
"""Bytes of a summary."""


class AnnotationsReporter:
    """Workflow commands, a line each: what failed as errors, what could not be observed as warnings."""

    def __init__(self, *, after_due: bool = True) -> None:
        """``after_due``: what is hidden until the due date is shown."""
        self._after_due = after_due

    def render(self, report: ClassReport) -> str:
        """The lines; what is over the ten of a kind is told in the last of them."""
        errors, warnings = [], []
        for graded in report.students:
            name = graded.student if len(report.students) > 1 else ""
            if graded.report.trouble:
                warnings.append(_command("warning", "not graded", f"{name}: {graded.report.trouble}".lstrip(": ")))
                continue
            for wrong in graded.notices:
                if wrong.refused:
                    errors.append(_command("error", f"{name} refused".strip(), wrong.message, wrong.file, wrong.line))
            for row in graded.report.rows:
                if row.optional or row.status in (Status.PASS, Status.SKIPPED):
                    continue
                title = f"{name} {row.title}".strip()
                lines = [message(row, after_due=self._after_due)]
                lines += [f"{word}: {text}" for word, text in told(row, after_due=self._after_due)]
                seen = row.outcome.finding.seen if row.outcome.finding and len(lines) > 1 else ()
                at = next(((each.object, each.line) for each in seen if each.line), ("", 0))
                kind, found = ("warning", warnings) if row.status is Status.ERROR else ("error", errors)
                found.append(_command(kind, title, "\n".join(lines), *at))
        if report.trouble:
            warnings.append(_command("warning", "the run broke", report.trouble))
        for student in report.unfinished:
            warnings.append(_command("warning", "not graded", student))
        total = sum(graded.score for graded in report.students)
        most = sum(graded.max_score for graded in report.students)
        notice = _command("notice", "Autograding complete", f"Points {total}/{most}")
        return "".join(f"{line}\n" for line in (*_first(errors, "error"), *_first(warnings, "warning"), notice))


class SummaryReporter:
    """Markdown for ``$GITHUB_STEP_SUMMARY``, bounded; it begins below the page's own headings."""

    def render(self, report: ClassReport) -> str:
        """The page; whole lines only, and what was cut is said."""
        page = MarkdownReporter().render(report).replace("\n## ", "\n#### ")
        page = f"##{page}" if page.startswith("# ") else page
        if len(page.encode()) <= LARGEST:
            return page
        kept, size = [], 0
        for line in page.splitlines(keepends=True):
            size += len(line.encode())
            if size > LARGEST:
                break
            kept.append(line)
        return "".join(kept) + "\n(The rest does not fit here; see the other reports.)\n"


def _first(lines: list[str], kind: str) -> list[str]:
    if len(lines) <= MOST:
        return lines
    return [*lines[: MOST - 1], _command(kind, "and more", f"{len(lines) - MOST + 1} more: see the other reports")]


def _command(kind: str, title: str, text: str, file: str = "", line: int = 0) -> str:
    place = f"file={_property(file)},line={line}," if file and line else f"file={_property(file)}," if file else ""
    body = "\n".join(clip(each, 1200) for each in text.split("\n"))
    return f"::{kind} {place}title={_property(clip(title, 200))}::{_data(body)}"


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(clip(text, 300)).replace(":", "%3A").replace(",", "%2C")
