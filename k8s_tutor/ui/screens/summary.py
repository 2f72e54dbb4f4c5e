"""What came of the lab: the same page that is saved into the learner's folder."""

from __future__ import annotations

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, VerticalScroll
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Static

from k8s_tutor.checks.words import duration
from k8s_tutor.reports.summary import Summary, mended, remarks
from k8s_tutor.session.summary import Saved
from k8s_tutor.ui.text import ACCENT, BAD, DIM, GOOD, STRONG, clock, line, lines, plain, tilde
from k8s_tutor.ui.widgets.knob import Knob
from k8s_tutor.ui.widgets.rows import Row, Rows


class SummaryScreen(ModalScreen[None]):
    """Steps with their times, hints, mistakes met, and where the page was saved."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,u,q,enter", "close", "close", key_display="esc", tooltip="Back"),
    ]

    def __init__(self, saved: Saved) -> None:
        super().__init__()
        self._saved = saved

    def compose(self) -> ComposeResult:
        """Title, rows, where it is."""
        summary = self._saved.summary
        with VerticalScroll(classes="dialog wide"):
            title = line((plain(summary.title, 100), STRONG), "   ", (plain(summary.sentence, 300), DIM))
            yield Static(title, markup=False)
            yield Rows(step_rows(summary), id="summary-steps", classes="gap")
            yield Rows(mistake_rows(summary), id="summary-mistakes", classes="gap")
            yield Static(lines(_places(self._saved)), markup=False, classes="gap")
            with Horizontal(classes="gap knobs"):
                yield Knob("esc", "close", "close")

    def action_close(self) -> None:
        """Back to the lab."""
        self.dismiss(None)


def step_rows(summary: Summary) -> list[Row]:
    """A row a step: when it was done, and how long it took."""
    rows: list[Row] = []
    for step in summary.steps:
        done = step.done_at is not None
        mark = ("✓ ", GOOD) if done else ("· ", DIM)
        when = f"{clock(step.done_at)}  " if step.done_at is not None else f"{'open':<10}"
        took = f"{duration(step.seconds) if step.seconds is not None else '':>12}  "
        note = (f"   {remarks(step)}" if remarks(step) else "", DIM)
        rows.append((line(mark, (when, DIM), (took, ACCENT)), line(f"{step.number}  {plain(step.title, 100)}", note)))
    return rows


def mistake_rows(summary: Summary) -> list[Row]:
    """The red findings that were met."""
    if not summary.mistakes:
        return [(line(), line(("no mistakes met that stood for longer than a second", DIM)))]
    rows: list[Row] = [(line(("Mistakes met", STRONG)), line())]
    for item in summary.mistakes:
        because = f", because {plain(item.because, 240)}" if item.because else ""
        told = line(f"{plain(item.check, 160)}: {plain(item.found, 240)}{because}", (f"   {mended(item)}", DIM))
        rows.append((line(("✗ ", BAD), (f"{clock(item.at)}  ", DIM)), told))
    return rows


def _places(saved: Saved) -> list[Content]:
    rows = [line(("saved   ", DIM), plain(tilde(path), 200)) for path in saved.files]
    rows += [line((f"{plain(name, 60)} was changed by you and is left as it is", DIM)) for name in saved.aside]
    return [*rows, line((plain(saved.summary.foot, 300), DIM))]
