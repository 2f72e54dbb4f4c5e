"""The summary of a lab out of what is remembered, and its files in the learner's folder."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from k8s_tutor import __version__
from k8s_tutor.kube.record import File
from k8s_tutor.labs.model import Lab
from k8s_tutor.reports.summary import MistakeLine, StepLine, Summary, rendered
from k8s_tutor.session.progress import Past, Progress
from k8s_tutor.session.state import LabState
from k8s_tutor.session.workspace import Workspace

MOST_FACTS = 6
_MARK = "k8s-tutor wrote this; sha256 "
FILES = (("summary.md", "markdown"), ("summary.html", "html"))


@dataclass(frozen=True)
class Saved:
    """A summary and where it was saved; ``aside``: names of earlier files that were left as the learner has them."""

    summary: Summary
    files: tuple[Path, ...] = ()
    aside: tuple[str, ...] = ()


def summarise(lab: Lab, past: Past, now: float, state: LabState | None = None) -> Summary:
    """The summary; ``state``, where a session is open, tells which done steps are not so any more."""
    undone = {step.step.id for step in state.steps if step.done_earlier} if state is not None else set()
    steps = []
    before = past.visits[0][0] if past.visits else None
    reached = {step.id: at for step in lab.steps if (at := _reached(past, step.id)) is not None}
    order = sorted(reached, key=lambda name: reached[name])
    took: dict[str, float] = {}
    for name in order:
        # What was done before times at work were kept has no length that anybody knows.
        if before is not None and reached[name] >= past.visits[0][0]:
            took[name] = at_work(past.visits, before, reached[name])
        before = max(before, reached[name]) if before is not None else None
    titles: dict[str, tuple[str, str]] = {}
    for number, step in enumerate(lab.steps, 1):
        facts = [fact for spec in step.checks for fact in past.evidence.get(spec.id, ())]
        steps.append(
            StepLine(
                number,
                step.title,
                reached.get(step.id),
                took.get(step.id),
                min(past.hints.get(step.id, 0), len(step.hints)),
                len(step.hints),
                step.id in past.solved,
                tuple(facts[:MOST_FACTS]),
                step.id in undone,
            )
        )
        titles |= {spec.id: (step.title, spec.title) for spec in step.checks}
    mistakes = []
    for met in past.met:
        step_title, check_title = titles.get(met.check, ("", met.check))
        seconds = None if met.until is None else met.until - met.at
        mistakes.append(MistakeLine(met.at, step_title, check_title, met.found, met.because, seconds))
    where = past.where
    cluster = " ".join(filter(None, (where.get("provider"), where.get("name"))))
    cluster += f", Kubernetes {where['version']}" if where.get("version") else ""
    work = sum(end - begin for begin, end in past.visits)
    began = past.visits[0][0] if past.visits else None
    return Summary(lab.id, lab.title, tuple(steps), tuple(mistakes), cluster, __version__, began, work, now)


def _reached(past: Past, step: str) -> float | None:
    """When a step was first done, or read where there is nothing to do."""
    return past.done.get(step, past.read.get(step))


def at_work(visits: Iterable[tuple[float, float]], begin: float, end: float) -> float:
    """Seconds between two moments in which somebody was at work: a night away does not count."""
    return sum(max(0.0, min(end, last) - max(begin, first)) for first, last in visits)


def remembered(lab: Lab) -> Summary:
    """The summary out of saved progress alone; no cluster is asked."""
    progress = Progress(lab.id, "")
    try:
        return summarise(lab, progress.past, time.time())
    finally:
        progress.close()


def save(workspace: Workspace, summary: Summary) -> Saved:
    """Write both files into the learner's folder; one that is not as we wrote it is left, and a dated one made.

    Raises EnvironmentFault when the disk does not take them.
    """
    files, aside = [], []
    for name, form in FILES:
        text = sealed(rendered(summary, form))
        old = workspace.read(name)
        if workspace.path(name).exists() and not ours(old):
            aside.append(name)
            stem, _, suffix = name.partition(".")
            name = _free(workspace, f"{stem}-{time.strftime('%Y%m%d-%H%M%S', time.localtime(summary.made))}", suffix)
        workspace.write(name, text)
        files.append(workspace.path(name))
    return Saved(summary, tuple(files), tuple(aside))


def _free(workspace: Workspace, stem: str, suffix: str) -> str:
    name, number = f"{stem}.{suffix}", 1
    while workspace.path(name).exists():
        number += 1
        name = f"{stem}-{number}.{suffix}"
    return name


def sealed(text: str) -> str:
    """The text with a last line by which we know it again as long as nobody changed it."""
    return f"{text}<!-- {_MARK}{hashlib.sha256(text.encode()).hexdigest()} -->\n"


def ours(file: File) -> bool:
    """Whether a file is just as we wrote it."""
    if file.text is None:
        return False
    text, found, _ = file.text.rpartition("<!-- " + _MARK)
    return bool(found) and sealed(text) == file.text
