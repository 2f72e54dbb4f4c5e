"""What a report is made of, the same for every format.

A report knows nothing of sessions: whoever has results makes plain rows of them. Every format gives a valid
document for every report, also for an empty one and for one in which everything broke.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from k8s_tutor.checks.outcome import Outcome, Status
from k8s_tutor.errors import EXIT_ENVIRONMENT, EXIT_FAIL, EXIT_PASS, UsageError


@dataclass(frozen=True)
class Row:
    """One check's result. ``seconds`` is what judging it took; ``file`` and ``line`` are where the lab defines it.

    ``visibility``: to whom its finding may be shown (``visible``, ``after_due``, ``hidden``).
    """

    step_id: str
    step_title: str
    check_id: str
    title: str
    outcome: Outcome
    points: int = 1
    seconds: float = 0.0
    optional: bool = False
    file: str = ""
    line: int = 0
    visibility: str = "visible"

    @property
    def status(self) -> Status:
        """The outcome's word."""
        return self.outcome.status


@dataclass(frozen=True)
class Report:
    """The results of one run over one lab. ``started`` is Unix time, ``seconds`` the whole run's length.

    ``trouble``: why the run itself broke (the cluster could not be reached), empty where it did not.
    """

    lab: str
    title: str
    hash: str
    cluster: str
    namespace: str
    started: float
    seconds: float
    rows: tuple[Row, ...]
    version: str
    trouble: str = ""

    def count(self, *statuses: Status, optional: bool | None = None) -> int:
        """How many rows have one of these statuses; ``optional`` limits them to (not) optional ones."""
        return sum(row.status in statuses and (optional is None or row.optional is optional) for row in self.rows)

    @property
    def score(self) -> int:
        """Points of the checks that passed; optional ones count as extra only for themselves, never here."""
        return sum(row.points for row in self.rows if row.status is Status.PASS and not row.optional)

    @property
    def max_score(self) -> int:
        """Points of all required checks that were judged; what could not be observed costs nobody a point."""
        return sum(row.points for row in self.rows if row.status is not Status.ERROR and not row.optional)

    @property
    def exit_code(self) -> int:
        """0 all required checks pass, 1 one failed, 3 one could not be observed (and none failed)."""
        required = [row.status for row in self.rows if not row.optional]
        if Status.FAIL in required or Status.WAITING in required:
            return EXIT_FAIL
        if self.trouble or Status.ERROR in required or (required and all(s is Status.SKIPPED for s in required)):
            return EXIT_ENVIRONMENT
        return EXIT_FAIL if Status.SKIPPED in required else EXIT_PASS


class Reporter(Protocol):
    """A format."""

    def render(self, report: Report) -> str:
        """The whole document, with a line end after its last line."""
        ...


FORMATS = ("text", "json", "junit")


def reporter(name: str, *, colour: bool = False) -> Reporter:
    """The format of this name; ``colour`` is for ``text``. Raises UsageError that lists the formats."""
    if name == "text":
        from k8s_tutor.reports.text import TextReporter

        return TextReporter(colour=colour)
    if name == "json":
        from k8s_tutor.reports.json import JsonReporter

        return JsonReporter()
    if name == "junit":
        from k8s_tutor.reports.junit import JUnitReporter

        return JUnitReporter()
    raise UsageError(f"there is no report format {name!r}", remedy="one of: " + ", ".join(FORMATS))
