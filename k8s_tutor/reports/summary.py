"""What came of a lab, as a page: plain data, the same for every format."""

from __future__ import annotations

import time
from dataclasses import dataclass

from k8s_tutor.checks.words import clip, duration, plural
from k8s_tutor.errors import UsageError

FORMATS = ("text", "markdown", "html")


@dataclass(frozen=True)
class StepLine:
    """One step: ``done_at`` (Unix time, None: not done), ``seconds`` at work on it (None: not known)."""

    number: int
    title: str
    done_at: float | None
    seconds: float | None
    hints: int
    hints_there: int
    solved: bool
    facts: tuple[str, ...] = ()
    undone: bool = False


@dataclass(frozen=True)
class MistakeLine:
    """One red finding that was met: ``seconds`` until it was mended, None while it stands."""

    at: float
    step: str
    check: str
    found: str
    because: str
    seconds: float | None


@dataclass(frozen=True)
class Summary:
    """A whole page. ``began`` is None where no time at work is known; ``seconds`` is the time at work in all."""

    lab: str
    title: str
    steps: tuple[StepLine, ...]
    mistakes: tuple[MistakeLine, ...]
    cluster: str
    version: str
    began: float | None
    seconds: float
    made: float

    @property
    def done(self) -> int:
        """Steps that were done."""
        return sum(step.done_at is not None for step in self.steps)

    @property
    def hints(self) -> int:
        """Hints used."""
        return sum(step.hints for step in self.steps)

    @property
    def solved(self) -> int:
        """Steps that the tutor did."""
        return sum(step.solved for step in self.steps)

    @property
    def sentence(self) -> str:
        """``10 of 10 steps in 24 min, 2 hints, 1 solution, 3 mistakes met``."""
        work = f" in {duration(self.seconds)} at work" if self.seconds else ""
        solved = f"{plural(self.solved, 'step')} done by the tutor, " if self.solved else ""
        return (
            f"{self.done} of {plural(len(self.steps), 'step')} done{work}, {plural(self.hints, 'hint')} used, {solved}"
            f"{plural(len(self.mistakes), 'mistake')} met"
        )

    @property
    def foot(self) -> str:
        """Where and with what."""
        place = f"on {clip(self.cluster, 200)}, " if self.cluster else ""
        return f"Done {place}with k8s-tutor {clip(self.version, 40)}; written {stamp(self.made)}."


def stamp(at: float) -> str:
    """``2026-11-26 20:14`` where the program runs."""
    try:
        return time.strftime("%Y-%m-%d %H:%M", time.localtime(at))
    except (OverflowError, ValueError, OSError):
        return "an unknown time"


def remarks(step: StepLine) -> str:
    """What beside the time is worth a word: hints, solution, undone."""
    told = [f"{step.hints} of {plural(step.hints_there, 'hint')}"] if step.hints else []
    told += ["done by the tutor"] if step.solved else []
    told += ["not so any more"] if step.undone else []
    return ", ".join(told)


def mended(mistake: MistakeLine) -> str:
    """``mended after 12 s``, ``still so``."""
    return "still so" if mistake.seconds is None else f"mended after {duration(mistake.seconds)}"


def rendered(summary: Summary, form: str) -> str:
    """The page in one of ``FORMATS``. Raises UsageError."""
    if form == "text":
        from k8s_tutor.reports.summary_text import text

        return text(summary)
    if form == "markdown":
        from k8s_tutor.reports.summary_markdown import markdown

        return markdown(summary)
    if form == "html":
        from k8s_tutor.reports.summary_html import html_page

        return html_page(summary)
    raise UsageError(f"there is no summary format {form!r}", remedy="one of: " + ", ".join(FORMATS))
