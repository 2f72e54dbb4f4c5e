"""Which formats of a class report there are; each is a module of its own, imported when it is asked for."""

from __future__ import annotations

from collections.abc import Sequence
from importlib import import_module
from inspect import signature
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
SETTINGS = ("after_due", "granularity", "environment", "needs")
"""What may be set; a format takes what concerns it."""
EACH = "{student}"
"""In a file's name: whose document it is."""


def per_student(kind: str) -> bool:
    """Whether a kind is a document for each student. Raises UsageError for an unknown kind."""
    return _known(kind)[2]


def reporter(kind: str, **settings: Any) -> Any:
    """The reporter of this kind: a ClassReporter or, see :func:`per_student`, a StudentReporter.

    ``settings`` are those of all formats together (:data:`SETTINGS`); it takes those it knows. Raises UsageError for an
    unknown kind (it lists the kinds), an unknown setting and a value that a format does not take.
    """
    module, name, _ = _known(kind)
    unknown = sorted(set(settings) - set(SETTINGS))
    if unknown:
        raise UsageError(f"there is no report setting {unknown[0][:40]!r}", remedy="one of: " + ", ".join(SETTINGS))
    made = getattr(import_module(f"k8s_tutor.reports.grades.{module}"), name)
    taken = signature(made).parameters
    return made(**{key: value for key, value in settings.items() if key in taken})


def _known(kind: str) -> tuple[str, str, bool]:
    if kind not in KINDS:
        raise UsageError(f"there is no report of kind {kind[:40]!r}", remedy="one of: " + ", ".join(KINDS))
    return KINDS[kind]


def documents(kind: str, target: str, report: ClassReport, **settings: Any) -> dict[str, str]:
    """The documents of this kind by the file they go to; ``-`` is stdout.

    One for the class, or one for each student (``{student}`` in the name). Raises UsageError for an unknown kind, and
    where one file cannot hold the documents of several students.
    """
    made, each = reporter(kind, **settings), per_student(kind)
    if not each:
        whole: ClassReporter = made
        return {target: whole.render(report)}
    one: StudentReporter = made
    if EACH in target:
        everybody = [*report.students, *(nobody(report, student) for student in report.unfinished)]
        names = file_names([graded.student for graded in everybody])
        return {
            target.replace(EACH, name): one.render_one(graded, report)
            for name, graded in zip(names, everybody, strict=True)
        }
    if len(report.students) > 1:
        raise UsageError(
            f"--report {kind}={target}: {len(report.students)} students do not fit one document",
            remedy=f"write {EACH} into the name: {kind}=results/{EACH}.json",
        )
    return {target: one.render_one(report.students[0] if report.students else nobody(report), report)}


def nobody(report: ClassReport, student: str = "") -> Graded:
    """Stands for one who was not graded, or where there is no student: a document is valid all the same."""
    from k8s_tutor.reports.report import Report

    trouble = report.trouble or ("the run ended before it was graded" if student else "nobody was graded")
    empty = Report(
        report.lab, report.title, report.hash, report.cluster, "", report.started, 0.0, (), report.version, trouble
    )
    return Graded(student or (report.unfinished[0] if report.unfinished else ""), empty)


def file_names(students: Sequence[str]) -> list[str]:
    """A file's name for each; different ones also where a file system knows no capitals and where names look alike."""
    taken: set[str] = set()
    names = []
    for student in students:
        name = base = file_name(student)
        number = 1
        while name.lower() in taken:
            number += 1
            name = f"{base}-{number}"
        taken.add(name.lower())
        names.append(name)
    return names


def file_name(student: str) -> str:
    """A student's name as a part of a file's name; never a path."""
    kept = "".join(
        letter if letter.isascii() and (letter.isalnum() or letter in "._-@+") else "_" for letter in student
    )
    return kept.lstrip(".")[:100] or "_"
