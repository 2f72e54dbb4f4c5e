"""Which formats of a class report there are; each is a module of its own, imported when it is asked for."""

from __future__ import annotations

from importlib import import_module
from typing import Any

from k8s_tutor.errors import UsageError
from k8s_tutor.reports.grades.report import ClassReport, ClassReporter, Graded, StudentReporter

KINDS: dict[str, tuple[str, str, bool]] = {
    "json": ("json", "JsonReporter", False),
    "csv": ("table", "TableReporter", False),
    "junit": ("junit", "JUnitReporter", False),
    "markdown": ("markdown", "MarkdownReporter", False),
    "html": ("html", "HtmlReporter", False),
    "github": ("github", "AnnotationsReporter", False),
    "github-summary": ("github", "SummaryReporter", False),
    "github-autograding": ("github_autograding", "AutogradingReporter", True),
    "classroom50": ("classroom50", "Classroom50Reporter", True),
    "gradescope": ("gradescope", "GradescopeReporter", True),
    "check50": ("check50", "Check50Reporter", True),
}
"""Kind -> module here, its class, whether it is a document for each student."""
EACH = "{student}"
"""In a file's name: whose document it is."""


def documents(kind: str, target: str, report: ClassReport, **settings: Any) -> dict[str, str]:
    """The documents of this kind by the file they go to; ``-`` is stdout.

    One for the class, or one for each student (``{student}`` in the name). Raises UsageError for an unknown kind, and
    where one file cannot hold the documents of several students.
    """
    if kind not in KINDS:
        raise UsageError(f"there is no report of kind {kind[:40]!r}", remedy="one of: " + ", ".join(KINDS))
    module, name, each = KINDS[kind]
    reporter: Any = getattr(import_module(f"k8s_tutor.reports.grades.{module}"), name)(**settings)
    if not each:
        whole: ClassReporter = reporter
        return {target: whole.render(report)}
    one: StudentReporter = reporter
    if EACH in target:
        return {
            target.replace(EACH, file_name(graded.student)): one.render_one(graded, report)
            for graded in report.students
        }
    if len(report.students) > 1:
        raise UsageError(
            f"--report {kind}={target}: {len(report.students)} students do not fit one document",
            remedy=f"write {EACH} into the name: {kind}=results/{EACH}.json",
        )
    return {target: one.render_one(report.students[0] if report.students else nobody(report), report)}


def nobody(report: ClassReport) -> Graded:
    """Stands for a student where there is none: a document is valid all the same."""
    from k8s_tutor.reports.report import Report

    trouble = report.trouble or "nobody was graded"
    empty = Report(
        report.lab, report.title, report.hash, report.cluster, "", report.started, 0.0, (), report.version, trouble
    )
    return Graded(report.unfinished[0] if report.unfinished else "", empty)


def file_name(student: str) -> str:
    """A student's name as a part of a file's name; never a path."""
    kept = "".join(
        letter if letter.isascii() and (letter.isalnum() or letter in "._-@+") else "_" for letter in student
    )
    return kept.lstrip(".")[:100] or "_"
