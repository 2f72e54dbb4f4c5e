"""The verdict on one claim, and everything a learner needs to understand it.

Three things are kept apart (check50's lesson): the claim is false (``fail``), the claim was not observed
(``error``: never counted against a learner), the claim was not tried (``skipped``, names what it waits for).
``waiting`` is a fourth while the cluster still converges; ``settled`` says what it becomes at a deadline.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any


class Status(StrEnum):
    """The words of ``docs/design.md``."""

    PASS = "pass"  # noqa: S105 - a word, not a password
    FAIL = "fail"
    ERROR = "error"
    SKIPPED = "skipped"
    WAITING = "waiting"


@dataclass(frozen=True)
class Seen:
    """One piece of what was looked at.

    ``object`` is like ``Pod/nginx-pod`` or a file's name, ``field`` a path, ``value`` text, ``line`` 1-based in a
    file (0: none).
    """

    object: str
    field: str = ""
    value: str = ""
    line: int = 0


@dataclass(frozen=True)
class Cause:
    """The likely cause.

    ``id`` is stable (mistakes in a lab name it), ``text`` one sentence, ``look_at`` what to look at or do next.
    """

    id: str
    text: str
    look_at: str = ""


@dataclass(frozen=True)
class Finding:
    """Why: ``rule`` in plain words, ``expected`` and ``observed``, what was ``seen``, the likely ``cause``.

    ``command`` is the read-only command that shows it, in the learner's namespace.
    """

    rule: str
    expected: str
    observed: str
    command: str = ""
    seen: tuple[Seen, ...] = ()
    cause: Cause | None = None


@dataclass(frozen=True)
class Outcome:
    """One verdict.

    ``summary`` is one line for a list; ``facts`` are lines of evidence worth keeping (edge checks); ``data`` is
    JSON-able evidence to be kept with them. ``finding`` is set for fail, error and waiting.

    ``at_deadline`` is what a ``waiting`` becomes when nobody can wait longer: ``fail`` where the learner's
    object is what does not converge, ``error`` where the infrastructure is still at work (an image being pulled).
    ``until``: for waiting, the Unix time at which it can pass if nothing changes (stability windows), else None.
    ``turns``: the Unix time from which it is another verdict though nothing changes (a patience that is over), else
    None. Both lie ahead of the record's ``now``; whoever shows outcomes judges again then.
    """

    status: Status
    summary: str
    finding: Finding | None = None
    facts: tuple[str, ...] = ()
    data: Mapping[str, Any] = field(default_factory=dict)
    at_deadline: Status = Status.FAIL
    until: float | None = None
    turns: float | None = None

    def settled(self) -> Outcome:
        """This outcome when the time to wait is over."""
        if self.status is not Status.WAITING:
            return self
        return Outcome(self.at_deadline, self.summary, self.finding, self.facts, self.data)


def passed(summary: str, *facts: str, data: Mapping[str, Any] | None = None) -> Outcome:
    """The claim is true; ``facts`` say what proved it."""
    return Outcome(Status.PASS, summary, facts=facts, data=data or {})


def failed(summary: str, finding: Finding) -> Outcome:
    """The claim is false, and the finding says why."""
    return Outcome(Status.FAIL, summary, finding)


def unobserved(summary: str, finding: Finding) -> Outcome:
    """Nothing can be said: the observation is missing."""
    return Outcome(Status.ERROR, summary, finding)


def skipped(summary: str, reason: str) -> Outcome:
    """The claim was not tried, and ``reason`` says why (kept as the only fact)."""
    return Outcome(Status.SKIPPED, summary, facts=(reason,))


def waiting(
    summary: str, finding: Finding, *, at_deadline: Status = Status.FAIL, until: float | None = None
) -> Outcome:
    """Not yet: the cluster is still on its way."""
    return Outcome(Status.WAITING, summary, finding, at_deadline=at_deadline, until=until)
