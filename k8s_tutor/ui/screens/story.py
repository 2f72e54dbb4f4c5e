"""What happened: what followed from the learner's own deeds, with times; or everything, as it came."""

from __future__ import annotations

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, VerticalScroll
from textual.screen import ModalScreen
from textual.timer import Timer
from textual.widgets import Static

from k8s_tutor.kube.record import Record
from k8s_tutor.session.timeline import Touch, timeline, touches
from k8s_tutor.ui.story import story
from k8s_tutor.ui.text import DIM, STRONG, WAIT, line, lines, plain
from k8s_tutor.ui.widgets.knob import Knob
from k8s_tutor.ui.widgets.rows import Rows
from k8s_tutor.ui.widgets.timelines import KNOWN_FINELY, KNOWN_ROUGHLY, TimelineRows, heading

BREATH = 0.25
"""Least seconds between two looks at a record that changes all the time."""


class StoryScreen(ModalScreen[None]):
    """One deed with what followed from it; the arrows go through the deeds, ``e`` shows everything and back."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,t,q,enter", "close", "close", key_display="esc", tooltip="Back"),
        Binding("left", "deed(1)", "earlier", tooltip="The deed before this one"),
        Binding("right", "deed(-1)", "later", tooltip="The deed after this one"),
        Binding("e", "everything", "everything", tooltip="All that happened, as it came; and back"),
    ]

    def __init__(self, record: Record, subject: str = "") -> None:
        """``subject`` (``deployment/web``) is shown first, its newest deed, if there is one; else the newest of all."""
        super().__init__()
        self._record = record
        self._wanted = subject
        self._chosen: tuple[str, str, int, float] | None = None
        self._all = False
        self._later: Timer | None = None

    def compose(self) -> ComposeResult:
        """A title, the rows, the keys."""
        with VerticalScroll(classes="dialog wide"):
            yield Static(line(("What happened", STRONG)), markup=False, id="story-title")
            yield TimelineRows(id="timeline", classes="gap")
            yield Static("", markup=False, id="story-clocks", classes="gap")
            yield Rows(id="story", classes="gap")
            with Horizontal(classes="gap knobs"):
                yield Knob("←", "earlier", "deed(1)")
                yield Knob("→", "later", "deed(-1)")
                yield Knob("e", "everything, and back", "everything")
                yield Knob("esc", "close", "close")

    def on_mount(self) -> None:
        """Show what is known."""
        self._show()

    def show_record(self, record: Record) -> None:
        """Take over what is known now."""
        self._record = record
        if self._later is None and self.is_mounted:
            self._later = self.set_timer(BREATH, self._show)

    def _show(self) -> None:
        self._later = None
        known = touches(self._record)
        everything = self._all or not known
        self.query_one("#timeline").display = self.query_one("#story-clocks").display = not everything
        self.query_one("#story").display = everything
        if everything:
            rows = story(self._record)
            title = line(("What happened", STRONG), ("   all of it: who did what to which object", DIM))
            self.query_one("#story-title", Static).update(title)
            self.query_one("#story", Rows).show(rows or [(line(), line(("nothing yet", DIM)))])
            self.query_one(VerticalScroll).scroll_end(animate=False)
            return
        number, touch = self._touch(known)
        found = timeline(self._record, touch, known)
        place = (f"   deed {len(known) - number} of {len(known)}", DIM)
        self.query_one("#story-title", Static).update(line(heading(touch), place))
        self.query_one("#timeline", TimelineRows).show(found)
        notes = [line((KNOWN_FINELY, DIM))]
        if any(row.rough for row in found.rows):
            notes.append(line((KNOWN_ROUGHLY, WAIT)))
        if len(found.rows) == 1:
            notes.insert(0, line(("nothing followed from it yet", DIM)))
        if found.cut:
            notes.append(line(("more happened than is shown here", WAIT)))
        self.query_one("#story-clocks", Static).update(lines(notes))

    def _touch(self, known: tuple[Touch, ...]) -> tuple[int, Touch]:
        """The deed on view, and its place: it stays on view while newer ones come."""
        for number, touch in enumerate(known):
            if self._chosen == _key(touch):
                return number, touch
        wanted = [index for index, touch in enumerate(known) if touch.subject == self._wanted]
        number = wanted[0] if wanted and self._chosen is None else 0
        return number, known[number]

    def action_deed(self, step: int) -> None:
        """Go to the deed before (1) or after (-1)."""
        known = touches(self._record)
        if known:
            number = max(0, min(self._touch(known)[0] + step, len(known) - 1))
            self._chosen = _key(known[number])
            self._all = False
            self._show()
            self.query_one(VerticalScroll).scroll_home(animate=False)

    def action_everything(self) -> None:
        """All that happened, and back to the deed."""
        self._all = not self._all
        self._show()
        if not self._all:
            self.query_one(VerticalScroll).scroll_home(animate=False)

    def action_close(self) -> None:
        """Back to the lab."""
        self.dismiss(None)


def _key(touch: Touch) -> tuple[str, str, int, float]:
    return touch.uid, plain(touch.verb, 40), touch.order, 0.0 if touch.order else touch.at
