"""The line between two panes: drawn, and dragged with the mouse."""

from __future__ import annotations

from typing import ClassVar

from textual import events
from textual.content import Content
from textual.message import Message
from textual.widget import Widget


class Divider(Widget, can_focus=False):
    """One column. Dragging asks for another split; ``measures`` says from which edge of the panes it is counted."""

    ALLOW_SELECT: ClassVar[bool] = False

    class Moved(Message):
        """The line is wanted at this share of the width, in per cent; ``dropped``: the button was let go."""

        def __init__(self, divider: Divider, share: int, *, dropped: bool) -> None:
            super().__init__()
            self.divider, self.share, self.dropped = divider, share, dropped

    def __init__(self, *, id: str, measures: str) -> None:  # noqa: A002 - Textual's word
        super().__init__(id=id, classes="divider")
        self._measures = measures
        self.tooltip = "Drag to share out the width; < and > do it too"

    def render(self) -> Content:
        """A line, a thick one while it is dragged."""
        mark = "┃" if self.has_class("-dragged") else "│"
        return Content("\n".join([mark] * self.size.height))

    def on_mouse_down(self, event: events.MouseDown) -> None:
        """Take hold."""
        event.stop()
        self.capture_mouse()
        self.add_class("-dragged")
        self.refresh()

    def on_mouse_move(self, event: events.MouseMove) -> None:
        """Pull."""
        if self.has_class("-dragged"):
            event.stop()
            self._ask(event.screen_x, dropped=False)

    def on_mouse_up(self, event: events.MouseUp) -> None:
        """Let go."""
        if self.has_class("-dragged"):
            event.stop()
            self.release_mouse()
            self.remove_class("-dragged")
            self.refresh()
            self._ask(event.screen_x, dropped=True)

    def _ask(self, x: float, *, dropped: bool) -> None:
        whole = self.screen.query_one("#body").region
        cells = x - whole.x if self._measures == "left" else whole.right - 1 - x
        self.post_message(self.Moved(self, round(100 * cells / max(1, whole.width)), dropped=dropped))
