"""Hints in order, remembered with the learner's progress; no cluster is needed for one."""

from __future__ import annotations

from dataclasses import dataclass, replace

from k8s_tutor.labs.model import Lab, Step
from k8s_tutor.session.engine import Memory
from k8s_tutor.session.progress import Progress


@dataclass(frozen=True)
class Hint:
    """One hint of a step: ``number`` is 1-based (0 when it has none), ``notes`` are words about the progress file."""

    step: Step
    number: int
    text: str
    last: bool
    notes: tuple[str, ...] = ()


def one_more(memory: Memory, step: Step) -> tuple[Memory, int]:
    """The memory with one hint more taken, and the number (1-based) to show: the last one again at the end."""
    if not step.hints:
        return memory, 0
    shown = min(memory.hints.get(step.id, 0) + 1, len(step.hints))
    return replace(memory, hints={**memory.hints, step.id: shown}), shown


def next_hint(lab: Lab, step: Step | None = None) -> Hint:
    """Take the next hint of ``step``, by default of the first step that was never done."""
    progress = Progress(lab.id, "")
    try:
        known = progress.memory
        if step is None:
            open_steps = [each for each in lab.steps if each.id not in known.earlier and each.id not in known.read]
            with_checks = [each for each in open_steps if each.checks]
            step = (with_checks or open_steps or list(lab.steps))[0]
        memory, number = one_more(known, step)
        progress.update(memory)
        text = step.hints[number - 1] if number else ""
        return Hint(step, number, text, number == len(step.hints), tuple(progress.notes))
    finally:
        progress.close()
