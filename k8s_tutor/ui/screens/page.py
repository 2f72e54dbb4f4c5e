"""A page to read over any screen: a title, a text that scrolls, Escape leads back."""

from __future__ import annotations

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Static

from k8s_tutor.ui.text import DIM, STRONG, line, plain
from k8s_tutor.ui.widgets.rows import Row, Rows


class PageScreen(ModalScreen[None]):
    """Its text may come later: ``show`` puts it there. ``width`` is that of a line that reads well."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,q,enter,b", "close", "back", key_display="esc", tooltip="Back"),
    ]
    AUTO_FOCUS: ClassVar[str | None] = "#page"

    def __init__(self, title: str, note: str = "", rows: list[Row] | None = None, *, waits: str = "") -> None:
        super().__init__()
        self._title, self._note = title, note
        self._rows = rows if rows is not None else [(line(), line((waits, DIM)))]

    def compose(self) -> ComposeResult:
        """Title, text, the way back."""
        with VerticalScroll(id="page", classes="dialog wide"):
            yield Static(self.head(), markup=False, id="page-title")
            yield Rows(self._rows, id="page-text", classes="gap")
            yield Static(line(("esc", STRONG), ("  back", DIM)), markup=False, classes="gap")

    def on_mount(self) -> None:
        """What came while the page was being made."""
        self.show(self._rows)

    def head(self) -> Content:
        """The title and what stands beside it."""
        return line((plain(self._title, 200), STRONG), (f"   {plain(self._note, 300)}" if self._note else "", DIM))

    def show(self, rows: list[Row], note: str | None = None) -> None:
        """Another text, and another note beside the title."""
        self._rows = rows
        if note is not None:
            self._note = note
        for title in self.query("#page-title").results(Static):  # none before it is composed
            title.update(self.head())
        for text in self.query("#page-text").results(Rows):
            text.show(rows)

    def action_close(self) -> None:
        """Back to where the learner was."""
        self.dismiss(None)
