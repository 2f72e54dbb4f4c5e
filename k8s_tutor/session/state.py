"""What a session shows: frozen snapshots, the only thing that screens and reports read."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

from k8s_tutor.checks.outcome import Outcome, Status
from k8s_tutor.errors import UsageError
from k8s_tutor.kube.record import Record
from k8s_tutor.labs.model import CheckSpec, Lab, Step


class Link(StrEnum):
    """How the connection to the API server stands. Not ``LIVE``: outcomes are as old as ``LabState.heard``."""

    CONNECTING = "connecting"
    LIVE = "live"
    LOST = "lost"


@dataclass(frozen=True)
class CheckState:
    """One check of a lab now. ``proven_at``: when an edge check was first seen to pass (Unix time), kept over restarts.

    ``undone``: it had passed once and is not true any more (a level check whose object went away).
    ``waiting_since``: since when it waits for the very thing that it waits for now (Unix time), None unless it waits.
    ``untouched``: it fails, for a reason that its lab expects then, as when its step's turn came: nothing was done yet.
    """

    spec: CheckSpec
    outcome: Outcome
    proven_at: float | None = None
    undone: bool = False
    seconds: float = 0.0
    waiting_since: float | None = None
    untouched: bool = False

    @property
    def passed(self) -> bool:
        """Whether the check counts as done now."""
        return self.outcome.status is Status.PASS


@dataclass(frozen=True)
class StepState:
    """One step now. ``done`` when all its required checks pass, or none are there and the learner went on (``read``).

    ``done_earlier``: it is not done now, but was once, here or on another cluster. ``solved``: its solution was done
    for the learner.
    """

    step: Step
    checks: tuple[CheckState, ...]
    done: bool
    read: bool = False
    hints_shown: int = 0
    done_earlier: bool = False
    solved: bool = False

    @property
    def waiting(self) -> bool:
        """Whether some check waits for the cluster to converge."""
        return any(check.outcome.status is Status.WAITING for check in self.checks)


@dataclass(frozen=True)
class LabState:
    """A lab at one moment. ``current`` is the index of the first step that is not done (the last one when all are).

    ``heard``: when the API server last said anything (Unix time). ``trouble``: why ``link`` is not live, in words.
    ``again``: when it is tried again (Unix time).
    ``notes``: what the learner should be told beside (progress set aside, second tutor is read-only …).
    """

    lab: Lab
    steps: tuple[StepState, ...]
    current: int
    record: Record
    link: Link = Link.CONNECTING
    heard: float = 0.0
    trouble: str = ""
    again: float = 0.0
    notes: tuple[str, ...] = field(default_factory=tuple)

    @property
    def live(self) -> bool:
        """Whether the API server is heard, so that the outcomes are of now."""
        return self.link is Link.LIVE

    @property
    def lost(self) -> bool:
        """Whether the API server was heard once, and is not now."""
        return self.link is Link.LOST

    @property
    def done(self) -> bool:
        """Whether every step is done."""
        return all(step.done for step in self.steps)

    @property
    def checks(self) -> tuple[CheckState, ...]:
        """Every check of the lab, in order."""
        return tuple(check for step in self.steps for check in step.checks)


def check_state(state: LabState, check_id: str) -> CheckState | None:
    """The check of this id, None if the lab has none."""
    return next((check for check in state.checks if check.spec.id == check_id), None)


def step_state(state: LabState, step_id: str) -> StepState:
    """The step of this id. Raises UsageError when the lab has none."""
    for step in state.steps:
        if step.step.id == step_id:
            return step
    raise UsageError(f"{state.lab.id} has no step {step_id!r}")


def failing(state: LabState, check_id: str) -> str:
    """The cause id of a failing check: empty unless it fails (now) for a stated cause."""
    check = check_state(state, check_id)
    if check is None or check.outcome.status is not Status.FAIL or check.outcome.finding is None:
        return ""
    return check.outcome.finding.cause.id if check.outcome.finding.cause else ""
