"""What a class report is made of, the same for every format, and which formats there are.

A format gives a valid document for every report: for an empty class, for one that was cut short, and where everything
broke. Texts of students and clusters in it are bounded and no markup; a format escapes them for its own document.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Protocol

from k8s_tutor.checks.outcome import Status
from k8s_tutor.errors import EXIT_ENVIRONMENT, EXIT_FAIL, EXIT_PASS
from k8s_tutor.reports.report import Report, Row


@dataclass(frozen=True)
class Notice:
    """Something wrong with what was handed in: ``where`` (``file`` or ``file:line``), what, and what mends it.

    ``refused``: it was left out because it could harm others; else it is missing or cannot be read.
    """

    file: str
    line: int
    message: str
    remedy: str = ""
    refused: bool = False

    @property
    def where(self) -> str:
        """``file:line``, or the file alone."""
        return f"{self.file}:{self.line}" if self.line else self.file


@dataclass(frozen=True)
class Deed:
    """One thing that the grader did of what was handed in: the kubectl ``command`` (without ``kubectl``), its exit
    ``code`` and what it ``said`` (one bounded line). ``step``: the step of the lab whose turn it was.
    """

    step: str
    command: str
    code: int
    said: str
    seconds: float = 0.0


@dataclass(frozen=True)
class Graded:
    """One student's result for one lab.

    ``report`` holds the checks (``report.rows``), the namespace, the times; ``report.trouble`` why it could not be
    graded at all (then nothing was lost: it is an error, not a grade of 0). ``digest`` (hex sha256) is that of the
    submission; ``seed`` the seed of the student's variant (empty: none); ``roster`` the student's row of the roster by
    column. ``attempts``: how often it was replayed until something was observed. ``folder``: where what was handed in
    lies, as this machine's user would name it from where he stands (empty: nowhere); only annotations show it.
    """

    student: str
    report: Report
    notices: tuple[Notice, ...] = ()
    deeds: tuple[Deed, ...] = ()
    digest: str = ""
    seed: str = ""
    roster: Mapping[str, str] = field(default_factory=dict)
    attempts: int = 1
    folder: str = ""

    @property
    def broken(self) -> bool:
        """Whether something required, or anything at all, could not be observed: the score is not final."""
        required = [row.status for row in self.report.rows if not row.optional]
        return bool(self.report.trouble) or not self.report.rows or Status.ERROR in required

    @property
    def score(self) -> int:
        """Points, whole."""
        return self.report.score

    @property
    def max_score(self) -> int:
        """Points of all required checks, also of those that could not be observed (``broken`` tells of these)."""
        return sum(row.points for row in self.report.rows if not row.optional)

    @property
    def word(self) -> str:
        """``pass`` (all required checks pass), ``fail``, or ``error`` (see ``broken``)."""
        if self.broken:
            return "error"
        return "pass" if self.report.exit_code == EXIT_PASS else "fail"


@dataclass(frozen=True)
class Alike:
    """Two submissions that are nearly the same; ``share`` is 0 to 1 (1: the same but for layout)."""

    one: str
    other: str
    share: float


@dataclass(frozen=True)
class ClassReport:
    """One run over one lab. ``started`` is Unix time, ``seconds`` the run's length.

    ``students`` in the order of the roster, else of their names. ``unfinished``: who was not graded (the run was
    interrupted, its time was over). ``trouble``: why the run itself broke, empty where it did not. ``titles``: check id
    -> title of its step and its own, as they are for all; a student's rows have those of the student's variant.
    """

    lab: str
    title: str
    hash: str
    version: str
    cluster: str
    cluster_uid: str
    kubernetes: str
    started: float
    seconds: float
    students: tuple[Graded, ...] = ()
    unfinished: tuple[str, ...] = ()
    alike: tuple[Alike, ...] = ()
    trouble: str = ""
    notes: tuple[str, ...] = ()
    titles: Mapping[str, tuple[str, str]] = field(default_factory=dict)

    @property
    def checks(self) -> tuple[Row, ...]:
        """The lab's checks as rows, of the first student who has any; empty for an empty class."""
        rows = next((graded.report.rows for graded in self.students if graded.report.rows), ())
        told = [self.titles.get(row.check_id, (row.step_title, row.title)) for row in rows]
        return tuple(replace(row, step_title=step, title=title) for row, (step, title) in zip(rows, told, strict=True))

    @property
    def exit_code(self) -> int:
        """0 all graded and pass; 1 somebody fails; 3 something could not be graded (and nobody fails)."""
        words = [graded.word for graded in self.students]
        if "fail" in words:
            return EXIT_FAIL
        if self.trouble or self.unfinished or "error" in words or not words:
            return EXIT_ENVIRONMENT
        return EXIT_PASS


class ClassReporter(Protocol):
    """A format for a whole class: one document."""

    def render(self, report: ClassReport) -> str:
        """The whole document, with a line end after its last line."""
        ...


class StudentReporter(Protocol):
    """A format for one student: a document each."""

    def render_one(self, graded: Graded, report: ClassReport) -> str:
        """The whole document, with a line end after its last line."""
        ...
