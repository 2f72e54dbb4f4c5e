"""Hints in order, remembered with the learner's progress: the first is made of how things stand, then the lab's own."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, replace

from k8s_tutor.checks.outcome import Status
from k8s_tutor.labs.model import Lab, Step
from k8s_tutor.session.engine import Memory, judge
from k8s_tutor.session.progress import Progress
from k8s_tutor.session.state import CheckState, LabState, StepState
from k8s_tutor.session.workspace import Workspace


@dataclass(frozen=True)
class Hint:
    """One hint of a step: ``number`` is 1-based (0 when it has none), ``notes`` are words about the progress file."""

    step: Step
    number: int
    total: int
    text: str
    notes: tuple[str, ...] = ()

    @property
    def last(self) -> bool:
        """Whether only the solution is left."""
        return self.number == self.total


def hints_of(step: Step) -> int:
    """How many hints a step has: one made of the state where there is something to check, and the lab's own."""
    return len(step.hints) + bool(step.checks)


def ladder(step: StepState) -> tuple[str, ...]:
    """Every hint of a step in order, the first as the checks stand now (Markdown's backticks around commands)."""
    return (state_hint(step), *step.step.hints) if step.checks else step.step.hints


def state_hint(step: StepState) -> str:
    """What of the step is not done, what was found about it, and the command that shows it."""
    required = [check for check in step.checks if not check.spec.optional] or list(step.checks)
    left = [check for check in required if not check.passed]
    if not left:
        return "Everything this step asks for is there."
    # What only waits for another check says nothing of its own.
    told = next((check for check in left if check.outcome.status is not Status.SKIPPED), left[0])
    proven = len(required) - len(left)
    head = f"{proven} of {len(required)} is proven. " if len(required) > 1 and proven else ""
    return f"{head}{_lack(told)}"


def _lack(check: CheckState) -> str:
    title = check.spec.title.rstrip(".")
    outcome = check.outcome
    finding = outcome.finding
    if outcome.status is Status.SKIPPED:
        return f"“{title}” comes later: {outcome.summary}."
    word = {
        Status.WAITING: "On its way",
        Status.ERROR: "Could not be looked at",
    }.get(outcome.status, "Not there yet")
    parts = [f"{word}: {title}."]
    if finding is None:
        return " ".join(parts)
    parts.append(_sentence(f"Found: {finding.observed}"))
    if finding.cause is not None and finding.cause.text and not finding.observed.startswith(finding.cause.text):
        parts.append(_sentence(f"The likely reason: {finding.cause.text}"))
    if finding.command:
        parts.append(f"See for yourself: `{finding.command}`")
    return " ".join(parts)


def _sentence(text: str) -> str:
    return text if text.endswith(("?", "!")) else f"{text.rstrip('.')}."


def one_more(memory: Memory, step: Step) -> tuple[Memory, int]:
    """The memory with one hint more taken, and the number (1-based) to show: the last one again at the end."""
    total = hints_of(step)
    if not total:
        return memory, 0
    shown = min(memory.hints.get(step.id, 0) + 1, total)
    return replace(memory, hints={**memory.hints, step.id: shown}), shown


def next_hint(lab: Lab, step: Step | None = None, look: Callable[[], LabState] | None = None) -> Hint:
    """Take the next hint of ``step``, by default of the first step that was never done.

    ``look`` gives the lab as it stands, for the first hint; without it that hint is made of the learner's files alone.
    """
    progress = Progress(lab.id, "")
    try:
        known = progress.memory
        if step is None:
            open_steps = [each for each in lab.steps if each.id not in known.earlier and each.id not in known.read]
            with_checks = [each for each in open_steps if each.checks]
            step = (with_checks or open_steps or list(lab.steps))[0]
        memory, number = one_more(known, step)
        progress.update(memory)
        notes = tuple(progress.notes)
    finally:
        progress.close()
    if not number:
        return Hint(step, 0, 0, "", notes)
    if number > 1 or not step.checks:
        return Hint(step, number, hints_of(step), step.hints[number - 1 - bool(step.checks)], notes)
    # Not before: a session that looks wants the progress for itself.
    state = look() if look is not None else without_cluster(lab)
    now = next(each for each in state.steps if each.step.id == step.id)
    return Hint(step, number, hints_of(step), state_hint(now), notes)


def without_cluster(lab: Lab, why: str = "no cluster was asked") -> LabState:
    """The lab as the learner's files and answers alone tell it: what needs a cluster could not be looked at."""
    now = time.time()
    progress = Progress(lab.id, "")
    progress.close()
    return judge(lab, Workspace(lab).record(why, now), progress.memory, now)
