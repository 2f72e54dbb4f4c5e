"""Do a step once more: what it brought about is undone, as far as its lab says how, and has to be seen anew."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from k8s_tutor.checks.check import find
from k8s_tutor.errors import TutorError
from k8s_tutor.labs.model import CheckSpec, Mode, Step
from k8s_tutor.session.engine import Memory
from k8s_tutor.session.journal import kubectl


def may_again(step: Step) -> bool:
    """Whether the step can be open once more: something of it is undone, or something must be seen to happen anew."""
    return bool(step.again or step.questions or any(_happens(spec) for spec in step.checks if not spec.optional))


def _happens(spec: CheckSpec) -> bool:
    if spec.mode is not Mode.EDGE:
        return False
    try:
        return not find(spec.uses).asks
    except TutorError:
        return True


def again_in_words(step: Step) -> tuple[str, ...]:
    """What doing the step once more undoes, a line each: the commands, files and answers."""
    words = []
    for action in step.again:
        if action.do == "kubectl":
            words.append(kubectl(*map(str, action.args["args"])))
        elif action.do in ("remove", "write", "edit", "content", "apply"):
            verb = {"remove": "put aside", "apply": "apply", "write": "write", "edit": "edit", "content": "write"}
            words.append(f"{verb[action.do]} {action.args['file']}")
    words += [f"take back the answer to: {question.ask}" for question in step.questions]
    return tuple(words)


def begun_again(memory: Memory, step: Step, at: float) -> Memory:
    """The memory without what it knows of this step's outcome; what happened before ``at`` counts for it no more.

    The hints that were shown stay shown.
    """
    own = {spec.id for spec in step.checks}

    def others(known: Mapping[str, Any]) -> dict[str, Any]:
        return {name: value for name, value in known.items() if name not in own}

    return replace(
        memory,
        evidence=others(memory.evidence),
        passed_at=others(memory.passed_at),
        since=others(memory.since),
        waits=others(memory.waits),
        read=memory.read - {step.id},
        earlier=memory.earlier - {step.id},
        solved={name: at for name, at in memory.solved.items() if name != step.id},
        redone={**memory.redone, **dict.fromkeys(own, at)},
    )
