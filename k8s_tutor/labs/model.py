"""A lab as data: frozen, whole, validated. Made by loader.py from ``lab.yaml`` and its Markdown files.

lab.yaml's keys are these dataclasses' fields (``uses`` is written ``check``, ``params`` is written ``with``).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from pathlib import Path
from typing import Any

from k8s_tutor.labs.where import Part, Words, chosen, told


class Mode(StrEnum):
    """``level``: true now, and must stay so for ``stable`` seconds. ``edge``: seen to happen once, evidence kept."""

    LEVEL = "level"
    EDGE = "edge"


@dataclass(frozen=True)
class CheckSpec:
    """One claim of a step: which check (``uses``) with which parameters.

    ``id`` is unique in the lab and stable for ever (reports, progress). ``title`` is the claim to the learner.
    ``needs``: ids of checks (this lab) that must pass first, else this one is ``skipped``. ``optional`` never
    fails a lab. ``before``: causes that say no more than that nothing was done yet, for as long as they stand as they
    stood when the step's turn came. ``experiment``: actions by which ``check`` may make the evidence itself where the
    namespace is the tutor's own (``--no-disrupt`` skips them). ``visibility``: whether a graded student may see its
    finding: ``visible``, ``after_due`` (not before the due date has passed), ``hidden``.
    """

    id: str
    title: str
    uses: str
    params: Mapping[str, Any] = field(default_factory=dict)
    mode: Mode = Mode.LEVEL
    stable: float = 0.0
    points: int = 1
    needs: tuple[str, ...] = ()
    optional: bool = False
    before: tuple[str, ...] = ()
    experiment: tuple[Action, ...] = ()
    visibility: str = "visible"
    line: int = 0


@dataclass(frozen=True)
class Action:
    """One thing that a solution or a mistake does; ``do`` names it, ``args`` are its parameters.

    - ``write``: {file, from}: copy a manifest of the lab (lab_manifests/<lab>/<from>) into the workspace.
    - ``edit``: {file, replace, with}: replace text in the workspace's file (must occur; exactly once).
    - ``content``: {file, text}: write this text as the file (mistakes).
    - ``apply``: {file}: server-side apply, as ``kubectl apply`` of that file.
    - ``kubectl``: {args: [...]}: the argument list of a plain kubectl command in the learner's namespace;
      ``{pod:app=nginx}`` inside an argument stands for the name of the newest ready pod with that label,
      ``{namespace}`` for the namespace in which the lab is being done (a proof has one of its own).
    - ``wait``: {check}: wait until that check of this lab passes (deadline 60 s).
    - ``remove``: {file}: put the workspace's file aside (kept there under another name); nothing if there is none.
    - ``answer``: {check, text?}: answer the question of that check; without text, the right answer.
    - ``request``: {pod}: one GET to the pod's IP from the node's network, as the learner's curl would.
    - ``pause``: {seconds}: nothing for at most 15 s (only where a claim is about time).
    """

    do: str
    args: Mapping[str, Any] = field(default_factory=dict)
    line: int = 0


@dataclass(frozen=True)
class Question:
    """A question that a step asks; answered in the tutor, by ``k8s-tutor answer`` or in ``answers.yaml``."""

    check: str
    ask: str
    example: str = ""


@dataclass(frozen=True)
class Mistake:
    """A known mistake: actions done in place of the step's solution.

    Then check ``fails`` of this lab must fail, its likely cause ``because``. ``cleanup`` undoes, whatever came out,
    what a reset of the learner's namespace would leave behind (objects in other namespaces, a namespace's labels).
    """

    id: str
    title: str
    fails: str
    because: str
    actions: tuple[Action, ...]
    line: int = 0
    cleanup: tuple[Action, ...] = ()


@dataclass(frozen=True)
class Source:
    """What of a step differs between clusters, with all its parts (``where.py``)."""

    text: tuple[Part, ...] = ()
    commands: tuple[Part, ...] = ()
    hints: tuple[Part, ...] = ()

    @property
    def parts(self) -> tuple[Part, ...]:
        """All of them."""
        return (*self.text, *self.commands, *self.hints)


@dataclass(frozen=True)
class Step:
    """One short step: its text (Markdown, one screen), its task, checks, hints in order, solution, mistakes.

    ``again``: actions that undo what the step brings about, so that it can be done once more. ``source``: what text,
    commands and hints are made of; they themselves are those for one cluster (``fitted``).
    """

    id: str
    title: str
    text: str
    task: str = ""
    commands: tuple[str, ...] = ()
    manifest: str = ""
    checks: tuple[CheckSpec, ...] = ()
    questions: tuple[Question, ...] = ()
    hints: tuple[str, ...] = ()
    solution: tuple[Action, ...] = ()
    mistakes: tuple[Mistake, ...] = ()
    why: str = ""
    covers: tuple[str, ...] = ()
    line: int = 0
    again: tuple[Action, ...] = ()
    source: Source | None = None

    def fitted(self, words: Words) -> Step:
        """The same step as it is told on a cluster that can do this."""
        if self.source is None or not any(part.where for part in self.source.parts):
            return self
        return replace(
            self,
            text=told(self.source.text, words),
            commands=chosen(self.source.commands, words),
            hints=chosen(self.source.hints, words),
        )


@dataclass(frozen=True)
class Callout:
    """The explanation of one numbered line (``#[4]``) of a manifest."""

    number: int
    text: str


@dataclass(frozen=True)
class Change:
    """A field of a manifest that a later step changes: ``before`` is what stands there until the learner does ``step``.

    What is handed in is the file as it is in the end; a grader begins with the value before it.
    """

    step: str
    field: str
    before: Any
    line: int = 0


@dataclass(frozen=True)
class Manifest:
    """A manifest that a lab hands out: ``text`` as a learner would save it, and its numbered callouts.

    ``varied``: fields that differ between variants of the lab, with their values in this one.
    """

    name: str
    path: Path
    text: str
    callouts: tuple[Callout, ...] = ()
    changes: tuple[Change, ...] = ()
    varied: Mapping[str, str | int] = field(default_factory=dict)


@dataclass(frozen=True)
class Lab:
    """A whole lab. ``folder`` is where lab.yaml lies; ``hash`` covers lab.yaml, its texts and its manifests.

    ``seed``: of which variant it is (``vary.py``), empty for the lesson's own; ``variant``: the values that a seed
    chooses, by name, as they are here. The hash is that of all variants alike.
    """

    id: str
    title: str
    summary: str
    minutes: int
    steps: tuple[Step, ...]
    manifests: tuple[Manifest, ...]
    folder: Path
    hash: str
    seed: str = ""
    variant: Mapping[str, str | int] = field(default_factory=dict)

    @property
    def checks(self) -> tuple[CheckSpec, ...]:
        """All checks, in the order of their steps."""
        return tuple(spec for step in self.steps for spec in step.checks)

    def fitted(self, words: Words) -> Lab:
        """The same lab as it is told on a cluster that can do this; a lab as loaded is for ``where.DEFAULT``."""
        return replace(self, steps=tuple(step.fitted(words) for step in self.steps))

    def step(self, step_id: str) -> Step | None:
        """The step of this id (or of this 1-based number), None if there is none."""
        for number, step in enumerate(self.steps, 1):
            if step_id in (step.id, str(number)):
                return step
        return None
