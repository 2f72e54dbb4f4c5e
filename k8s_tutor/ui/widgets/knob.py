"""A key and what it does, at the foot of a screen: pressed by mouse as well."""

from __future__ import annotations

from typing import ClassVar

from textual import events
from textual.binding import Binding, BindingType
from textual.widgets import Static

from k8s_tutor.ui.text import ACCENT, DIM, line


class Knob(Static):
    """Shows ``key label``; a click runs the screen's action of this name."""

    DEFAULT_CSS = "Knob { width: auto; height: 1; margin-right: 3; } Knob:hover { text-style: bold; }"

    def __init__(self, key: str, label: str, action: str) -> None:
        super().__init__(line((key, f"bold {ACCENT}"), "  ", (label, DIM)), markup=False, classes="knob")
        self._action = action

    async def on_click(self, event: events.Click) -> None:
        """As the key."""
        event.stop()
        await self.screen.run_action(self._action)


class Door(Knob, can_focus=True):
    """The same, as a line of the lesson: Enter opens it, too."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("enter", "open", "open", tooltip="Open it")]

    def __init__(self, key: str, label: str, action: str) -> None:
        super().__init__(key, label, action)
        self.add_class("door")

    async def action_open(self) -> None:
        """As a click."""
        await self.screen.run_action(self._action)
