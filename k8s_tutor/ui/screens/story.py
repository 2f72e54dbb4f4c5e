"""What happened: the cluster's own story of the learner's objects, with times."""

from __future__ import annotations

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.screen import ModalScreen
from textual.widgets import Static

from k8s_tutor.kube.record import Record
from k8s_tutor.ui.story import story
from k8s_tutor.ui.text import DIM, STRONG, line
from k8s_tutor.ui.widgets.rows import Rows


class StoryScreen(ModalScreen[None]):
    """A list of happenings, the newest at the end and in view."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,t,q,enter", "close", "close", key_display="esc", tooltip="Back"),
    ]

    def __init__(self, record: Record) -> None:
        super().__init__()
        self._record = record

    def compose(self) -> ComposeResult:
        """A title and the rows."""
        with VerticalScroll(classes="dialog wide"):
            yield Static(line(("What happened", STRONG), ("   who did what to which object", DIM)), markup=False)
            yield Rows(id="story", classes="gap")

    def on_mount(self) -> None:
        """Show what is known."""
        self.show_record(self._record)

    def show_record(self, record: Record) -> None:
        """Take over what is known now; stays at the end."""
        rows = story(record)
        self.query_one("#story", Rows).show(rows or [(line(), line(("nothing yet", DIM)))])
        self.query_one(VerticalScroll).scroll_end(animate=False)

    def action_close(self) -> None:
        """Back to the lab."""
        self.dismiss(None)
