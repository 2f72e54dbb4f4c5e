"""The cluster comes up: what is being started, what it is for, how long it takes. The wait teaches."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING, ClassVar, cast

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import VerticalScroll
from textual.content import Content
from textual.widgets import Static

from k8s_tutor.errors import TutorError
from k8s_tutor.phases import Phase, PhaseState
from k8s_tutor.ui import bindings
from k8s_tutor.ui.reasons import Reasons
from k8s_tutor.ui.text import ACCENT, BAD, DIM, GOOD, STRONG, WAIT, block, line, lines, plain, span
from k8s_tutor.ui.widgets.keysbar import KeysBar

if TYPE_CHECKING:
    from k8s_tutor.ui.app import TutorApp

HELP = """
Bring-up: your cluster is being started, and what each part of it is for.

Every part is a real one of Kubernetes; the time beside it is what it took here. Nothing has to be done. Leaving the
tutor in between is safe: the next start goes on where this one was.

  ✓ ◐ ·  a part that is there, one that is being started, one that comes later
  ✗ failed  what went wrong stands below, with what mends it

  esc, b  back to the labs; the start goes on
  r  try again, after something went wrong
"""
"""What F1 shows here."""

_SIGNS = {
    PhaseState.PENDING: ("·", DIM, "pending"),
    PhaseState.RUNNING: ("◐", WAIT, "running"),
    PhaseState.DONE: ("✓", GOOD, "done"),
    PhaseState.FAILED: ("✗", BAD, "failed"),
}


class BringUpScreen(Reasons):
    """Shows the app's start as it goes, and opens the lab when it is there. Leaving it stops nothing."""

    BINDINGS: ClassVar[list[BindingType]] = [*bindings.BRINGUP]
    pane = "bring-up"

    def __init__(self, lab_id: str) -> None:
        super().__init__()
        self._lab_id = lab_id
        self._entering = False
        self._error: Exception | None = None

    @property
    def tutor(self) -> TutorApp:
        """The app, with its desk and start."""
        return cast("TutorApp", self.app)

    def compose(self) -> ComposeResult:
        """Title, parts, trouble, keys."""
        with VerticalScroll(id="bringup"):
            yield Static("", markup=False, id="bringup-title")
            yield Static("", markup=False, id="bringup-phases")
            yield Static("", markup=False, id="bringup-error")
            yield Static(
                line(("esc goes back to the labs; the start goes on. Quitting in between is safe: it resumes.", DIM)),
                markup=False,
                id="bringup-note",
            )
        yield KeysBar()

    def on_mount(self) -> None:
        """Begin, unless a start is under way already."""
        self.tutor.startup.begin()
        self.set_interval(0.25, self.look)
        self.look()

    def look(self) -> None:
        """Show how far it is; go on when it is ready."""
        if not self.is_mounted:
            return
        startup = self.tutor.startup
        self.query_one("#bringup-title", Static).update(self._title())
        width = max(20, self.size.width - 6)
        self.query_one("#bringup-phases", Static).update(lines([phase_row(p, width) for p in startup.phases()]))
        error = self._error or startup.error
        shown = self.query_one("#bringup-error", Static)
        if shown.display != (error is not None):
            shown.display = error is not None
            self.refresh_bindings()
        if error is not None:
            shown.update(error_text(error))
        self.query_one("#bringup-note").display = startup.running
        if startup.cluster is not None and not startup.running and not self._entering and error is None:
            self._entering = True
            self.tutor.enter_lab(self._lab_id, startup.cluster)

    def show_error(self, error: Exception) -> None:
        """The cluster is there, but the lab could not be opened."""
        self._error = error
        self.look()

    def _title(self) -> Content:
        startup = self.tutor.startup
        if self._error or startup.error:
            return line(
                ("Your cluster did not come up" if startup.error else "The lab did not open", f"{STRONG} {BAD}")
            )
        if self._entering:
            return line(("Opening the lab", STRONG), ("  ready, reading what is there", DIM))
        left = startup.seconds_left
        # At the end of an estimate nothing honest can be said but that it goes on.
        about = "" if left is None or left < 1 else f", about {span(left + 0.5)} left"
        return line(("Starting your cluster", STRONG), (f"   {startup.seconds:.0f} s{about}", DIM))

    def why_not(self, action: str, parameters: tuple[object, ...] = ()) -> str:
        """There is something to try again only after it broke."""
        if action == "retry" and not (self._error or self.tutor.startup.error):
            return "nothing went wrong so far: there is nothing to try again."
        return super().why_not(action, parameters)

    def action_back(self) -> None:
        """Back to the labs."""
        self.tutor.go_home()

    def action_retry(self) -> None:
        """Start again where it broke."""
        if self._error or self.tutor.startup.error:
            self._error, self._entering = None, False
            self.tutor.startup.begin()
            self.look()


def phase_row(phase: Phase, width: int) -> Content:
    """``✓ etcd  the store: …  1.9 s``, with the newest detail while it runs."""
    mark, colour, word = _SIGNS[phase.state]
    running = phase.state is PhaseState.RUNNING
    took = f"{phase.seconds:5.1f} s" if phase.state is not PhaseState.PENDING else ""
    if running and phase.fraction is not None:
        took = f"{phase.fraction:4.0%}  {took}"
    if phase.state is PhaseState.FAILED:
        took = f"{word}  {took}"
    title = f"{plain(phase.title, 24):<13}"
    told = plain(phase.detail if running and phase.detail and not phase.explains else phase.explains, 200)
    room = max(0, width - len(title) - len(took) - 6)
    pieces = textwrap.wrap(told, max(12, room)) or [""]
    first = (f" {pieces[0]:<{room}}", DIM)
    row = line((f"{mark} ", colour), (title, STRONG if running else ""), first, (f"  {took}", DIM))
    if len(pieces) > 1:
        row = lines([row, *(line((f"  {'':<13} {piece}", DIM)) for piece in pieces[1:])])
    if running and phase.detail and phase.explains:
        detail = plain(phase.detail, 200)
        return lines([row, line((f"  {'':<13} {detail[: max(0, width - 17)]}", ACCENT))])
    return row


def error_text(error: Exception) -> Content:
    """What is wrong, and the remedy."""
    if not isinstance(error, TutorError):
        return line(("✗ ", BAD), block(f"{type(error).__name__}: {error}", limit=1_500))
    rows = [line(("✗ ", BAD), block(error.message, limit=1_500))]
    if error.remedy:
        rows.append(line(("remedy  ", DIM), (block(error.remedy, limit=1_500), ACCENT)))
    rows.append(line(("r", f"bold {ACCENT}"), ("  try again", DIM)))
    return lines(rows)
