"""Keys belong to the focused terminal: what an app (or screen) with bindings must know.

Textual looks for priority bindings in the app and its screens before a focused widget sees a key. The public way to
keep them from a key is ``check_action``; ``KeepsKeys`` does that for an app or a screen.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from textual.app import App, ScreenError
from textual.dom import DOMNode

from k8s_tutor.ui.terminal.widget import TerminalPane

if TYPE_CHECKING:
    _Base = DOMNode
else:
    _Base = object


def keeps_keys(app: App[Any]) -> bool:
    """Whether a terminal with a running program is focused: then no binding of the app may take a key."""
    try:
        focused = app.focused
    except ScreenError:  # no screen yet, or no more
        return False
    return isinstance(focused, TerminalPane) and not focused.exited


class KeepsKeys(_Base):
    """Mixin, before ``App`` or ``Screen``: while a terminal is focused, only ``LEAVE_ACTIONS`` answer to keys."""

    LEAVE_ACTIONS: ClassVar[frozenset[str]] = frozenset()
    """Actions on F6 and ctrl+] that lead out of the terminal, for an app that binds those keys with priority."""

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """No action but those that leave, while the terminal keeps the keys."""
        if keeps_keys(self.app) and action.rpartition(".")[2] not in self.LEAVE_ACTIONS:
            return False
        return super().check_action(action, parameters)

    @property
    def escape_to_minimize(self) -> bool:
        """Escape is the program's, also when the terminal is zoomed."""
        if keeps_keys(self.app):
            return False
        return bool(getattr(super(), "escape_to_minimize", True))
