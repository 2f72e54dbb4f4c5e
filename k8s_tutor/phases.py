"""Progress of long work, told alike to the tutor's screen, to a terminal's stderr and to the bench."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum


class PhaseState(StrEnum):
    """Where a phase stands."""

    PENDING = "pending"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"


@dataclass(frozen=True)
class Phase:
    """One named part of a long work, as it stands at this moment.

    ``id`` is stable within one work; ``title`` is a word or two; ``explains`` says in half a line what the
    part is for (the wait teaches). ``seconds`` is the time spent so far; ``seconds_left`` and ``fraction``
    (0 to 1) are None where nothing honest can be said. ``detail`` is the newest line of what happens.
    """

    id: str
    title: str
    explains: str = ""
    state: PhaseState = PhaseState.PENDING
    seconds: float = 0.0
    seconds_left: float | None = None
    fraction: float | None = None
    detail: str = ""


Report = Callable[[Phase], None]
"""Takes each change of a phase; called from any thread; must return at once."""


def silent(_phase: Phase) -> None:
    """Report to nobody."""
