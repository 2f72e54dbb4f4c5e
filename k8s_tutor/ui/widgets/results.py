"""Check results of a step: one row a claim, turned by the cluster, opened by Enter or a click."""

from __future__ import annotations

import time
from typing import ClassVar

from textual import events
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.timer import Timer
from textual.widgets import Static

from k8s_tutor.checks.outcome import Finding, Outcome, Status
from k8s_tutor.labs.model import Mode
from k8s_tutor.session.met import NOT_BEGUN
from k8s_tutor.session.state import CheckState, StepState
from k8s_tutor.ui.text import ACCENT, BAD, DIM, GOOD, STRONG, WAIT, block, clock, line, plain
from k8s_tutor.ui.widgets.finding import PlaceLine, Waited, places
from k8s_tutor.ui.widgets.lesson import CommandLine
from k8s_tutor.ui.widgets.rows import Row, Rows

HELP = """
The results: each claim of the step, as the cluster shows it now.

Nothing has to be handed in. A claim turns by itself, mostly before you look, and whichever way you reached it.
One that is red opens by itself: what was expected, what was found, the command that shows it, and the likely cause.

  ✓ proven  the cluster showed it
  ◐ waiting  the cluster is still on its way; nothing is wrong
  ✗ not yet  something else was found
  ✗ undone  it was true once and is not any more
  ○ to do  nothing was done about it yet
  · later  another claim comes first
  ? not seen  it could not be observed; this is never counted against you

  tab  to the next claim; shift+tab to the one before
  enter  open a claim, and shut it; on its command: to the terminal's prompt
"""
"""What F1 shows while this pane is in focus."""


def sign(check: CheckState) -> tuple[str, str, str]:
    """Sign, word and colour of a check as it stands."""
    outcome = check.outcome
    if outcome.status is Status.PASS:
        return "✓", "proven", GOOD
    if outcome.status is Status.WAITING:
        return "◐", "waiting", WAIT
    if outcome.status is Status.SKIPPED:
        return "·", "later", DIM
    if outcome.status is Status.ERROR:
        return "?", "not seen", WAIT
    if check.undone:
        return "✗", "undone", BAD
    return ("○", "to do", DIM) if check.untouched or not_begun(outcome) else ("✗", "not yet", BAD)


def not_begun(outcome: Outcome) -> bool:
    """Whether this failure only says that nothing was done yet."""
    cause = outcome.finding.cause if outcome.finding else None
    return cause is not None and cause.id in NOT_BEGUN


def is_red(check: CheckState) -> bool:
    """Whether something was found wrong."""
    return sign(check)[2] == BAD


def counts(step: StepState) -> Content:
    """How many results of each sign, short, for a tab's name."""
    numbers: dict[tuple[str, str], int] = {}
    for check in step.checks:
        mark, _, colour = sign(check)
        numbers[(mark, colour)] = numbers.get((mark, colour), 0) + 1
    return Content(" ").join([line((f"{number}{mark}", colour)) for (mark, colour), number in numbers.items()])


class CheckRow(Vertical):
    """One claim: sign and title, word and summary; opened it tells expected, found, command, cause."""

    def __init__(self, check: CheckState) -> None:
        super().__init__(classes="check")
        self.check = check
        self.opened: bool | None = None
        """None until the learner opens or shuts it; then red ones are open, others shut."""
        self._filled: Outcome | None = None
        self._command = ""
        self._places: list[tuple[str, int]] = []

    def compose(self) -> ComposeResult:
        """The line, and what is behind it."""
        yield CheckLine()
        yield Waited()
        with Vertical(classes="finding"):
            yield Rows(classes="finding-top")
            yield Vertical(classes="finding-command")
            yield Rows(classes="finding-cause")
            yield Vertical(classes="finding-places")

    def on_mount(self) -> None:
        """Fill in."""
        self._show()

    def show_check(self, check: CheckState) -> None:
        """Turn to a new state; nothing is painted that did not change."""
        if check != self.check:
            self.check = check
            if self.is_mounted:
                self._show()

    def toggle(self) -> None:
        """Open or shut."""
        self.opened = not self._is_open()
        self._show()

    def _is_open(self) -> bool:
        return is_red(self.check) if self.opened is None else self.opened

    def _show(self) -> None:
        self.query_one(CheckLine).show(row_text(self.check, opened=self._is_open()))
        self.query_one(Waited).show_check(self.check)
        details = self.query_one(".finding", Vertical)
        outcome = self.check.outcome
        details.display = self._is_open() and (outcome.finding is not None or bool(outcome.facts))
        # What nobody sees is filled in when it is opened.
        if details.display and outcome != self._filled:
            self._filled = outcome
            self._fill(outcome.finding)

    def _fill(self, finding: Finding | None) -> None:
        self.query_one(".finding-top", Rows).show(finding_top(self.check))
        self.query_one(".finding-cause", Rows).show(cause_rows(finding))
        command = plain(finding.command, 500) if finding is not None else ""
        if command != self._command:  # to mount a widget costs more than all of its text
            self._command = command
            box = self.query_one(".finding-command", Vertical)
            box.remove_children()
            if command:
                box.mount(CommandLine(command, head=f"{'see':<10}", keys="⏎ y"))
        spots = places(finding)
        if spots != self._places:
            self._places = spots
            box = self.query_one(".finding-places", Vertical)
            box.remove_children()
            box.mount_all(PlaceLine(file, number) for file, number in spots)


class CheckLine(Rows, can_focus=True):
    """The line of a check; Enter or a click opens it."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter,space", "open", "open", tooltip="Show what was expected and what was found")
    ]

    def action_open(self) -> None:
        """Open or shut the row."""
        if isinstance(self.parent, CheckRow):
            self.parent.toggle()

    def on_click(self, event: events.Click) -> None:
        """As Enter."""
        event.stop()
        self.action_open()


class ResultsPane(Vertical):
    """All claims of the step that is shown, keyed by check id."""

    def __init__(self) -> None:
        super().__init__(id="results")
        self._ids: tuple[str, ...] | None = None
        self._ticking: Timer | None = None

    def compose(self) -> ComposeResult:
        """A line for steps without claims; rows are mounted with the step."""
        yield Static(line(("Nothing to check here: read, then go on with n.", DIM)), markup=False, id="no-checks")

    async def show_step(self, step: StepState) -> None:
        """Update the rows there are; make them anew only for another step."""
        ids = tuple(check.spec.id for check in step.checks)
        self._tick(any(check.waiting_since is not None for check in step.checks))
        if ids != self._ids:
            self._ids = ids
            await self.query(CheckRow).remove()
            await self.mount_all(CheckRow(check) for check in step.checks)
            self.query_one("#no-checks").display = not ids
            return
        for row, check in zip(self.query(CheckRow), step.checks, strict=True):
            row.show_check(check)

    def _tick(self, waits: bool) -> None:
        """Count the seconds while something waits; nothing runs while nothing does."""
        if waits and self._ticking is None:
            self._ticking = self.set_interval(1.0, self._count)
        elif not waits and self._ticking is not None:
            self._ticking.stop()
            self._ticking = None

    def _count(self) -> None:
        for row in self.query(Waited):
            if row.display:
                row.refresh()


def row_text(check: CheckState, *, opened: bool = False) -> list[Row]:
    """``✓ claim`` and below it ``proven · summary``; opened, without what its finding tells anyway."""
    mark, word, colour = sign(check)
    title = plain(check.spec.title, 200) + ("  (optional)" if check.spec.optional else "")
    summary = plain(check.outcome.summary, 240)
    told = plain(check.outcome.finding.observed, 900) if opened and check.outcome.finding else ""
    if summary.rstrip(".") == title.rstrip(".") or summary.rstrip(".…") in told:
        summary = ""
    if check.passed and check.spec.mode is Mode.EDGE and check.proven_at is not None:
        # What happened once is told by its evidence, the same now and after a restart.
        word = f"{word} {moment(check.proven_at, time.time())}"
        summary = plain(check.outcome.facts[0], 240) if check.outcome.facts else summary
    head: Row = (line((f"{mark} ", colour)), line(title))
    if word == "to do":
        return [head]
    return [head, (line("  "), line((word, colour), (f" · {summary}" if summary else "", DIM)))]


def moment(at: float, now: float) -> str:
    """The time of day; with the day where that is another one."""
    day = time.strftime("%d %b ", time.localtime(at))
    return ("" if day == time.strftime("%d %b ", time.localtime(now)) else day) + clock(at)


def finding_top(check: CheckState) -> list[Row]:
    """Expected and found; for a pass the facts that proved it."""
    finding = check.outcome.finding
    if finding is None:
        return [_row("proof", plain(fact, 240)) for fact in check.outcome.facts[:6]]
    return [_row("expected", block(finding.expected, limit=600)), _row("found", block(finding.observed, limit=900))]


def cause_rows(finding: Finding | None) -> list[Row]:
    """What was seen, the likely cause, where to look next."""
    if finding is None:
        return []
    rows = []
    for seen in finding.seen[:4]:
        at = f":{seen.line}" if seen.line else ""
        value = f" = {plain(seen.value, 120)}" if seen.value else ""
        rows.append(_row("seen", line((plain(seen.object, 120) + at, ACCENT), f"  {plain(seen.field, 160)}{value}")))
    if finding.cause is not None:
        rows.append(_row("because", line((block(finding.cause.text, limit=600), STRONG))))
        if finding.cause.look_at and finding.cause.look_at not in [
            f"line {at} of {file}" for file, at in places(finding)
        ]:
            rows.append(_row("look at", block(finding.cause.look_at, limit=600)))
    return rows


def _row(word: str, text: str | Content) -> Row:
    return line((f"{word:<10}", DIM)), line(text)
