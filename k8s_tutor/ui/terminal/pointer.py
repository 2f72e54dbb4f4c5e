"""The mouse over the terminal: for the program that asked for it, else for selecting and scrolling back."""

from __future__ import annotations

from textual import events
from textual.message import Message

from k8s_tutor.ui.terminal.core import ALTERNATE_SCROLL
from k8s_tutor.ui.terminal.grid import Grid
from k8s_tutor.ui.terminal.keys import ALT, CTRL, SHIFT
from k8s_tutor.ui.terminal.pty import Pty

WHEEL_ROWS = 3


class Pointer(Grid):
    """A grid with a program behind it that may want the mouse."""

    _pty: Pty | None = None
    _exit_code: int | None = None
    _button = 0

    class LinkChosen(Message):
        """A link was clicked: untrusted, printable, at most 2 KB. Show it before anything is done with it."""

        def __init__(self, address: str) -> None:
            super().__init__()
            self.address = address

    @property
    def exited(self) -> bool:
        """Whether the program ended; ``restart`` or Enter starts it anew."""
        return self._exit_code is not None

    def _send(self, data: bytes) -> None:
        """Type ``data`` at the program, with the newest rows in view."""
        if not data or self._pty is None or self._core is None:
            return
        if self._up:
            self._core.scroll_bottom()
            self._plan_frame()
        self._pty.write(data)

    @property
    def allow_select(self) -> bool:
        """Text can be selected with the mouse, unless the program wants the mouse for itself."""
        return self._core is None or self.exited or not self._core.wants_mouse

    def _program_has_mouse(self) -> bool:
        return self._core is not None and not self.exited and self._core.wants_mouse

    def _mouse(self, action: str, button: int, event: events.MouseEvent) -> None:
        if self._core is None or self._pty is None:
            return
        cols, rows = self._core.size
        x = min(max(0, event.x - self.gutter.left), cols - 1)
        y = min(max(0, event.y - self.gutter.top + self._top), rows - 1)
        mods = (SHIFT if event.shift else 0) | (CTRL if event.ctrl else 0) | (ALT if event.meta else 0)
        self._pty.write(self._core.mouse(action, button, x, y, mods))

    def on_mouse_down(self, event: events.MouseDown) -> None:
        """Give the button to the program that asked for it, or begin a selection."""
        event.stop()
        self._button = event.button
        self.capture_mouse()  # so that the release is ours, wherever it happens
        if self._program_has_mouse():
            self._mouse("press", event.button, event)

    def on_mouse_up(self, event: events.MouseUp) -> None:
        """End a drag; what was selected goes to the clipboard (ctrl+c belongs to the program)."""
        event.stop()
        self.release_mouse()
        button, self._button = self._button, 0
        if self._program_has_mouse():
            self._mouse("release", button or event.button, event)
        else:
            self.call_later(self._copy)

    def on_mouse_move(self, event: events.MouseMove) -> None:
        """Tell the program, if it asked."""
        if self._program_has_mouse():
            event.stop()
            self._mouse("motion", self._button, event)

    def on_mouse_scroll_up(self, event: events.MouseScrollUp) -> None:
        """Scroll up: the program, if it asked or has the whole screen, else the history."""
        self._wheel(event, -1)

    def on_mouse_scroll_down(self, event: events.MouseScrollDown) -> None:
        """Scroll down, likewise."""
        self._wheel(event, 1)

    def _wheel(self, event: events.MouseEvent, direction: int) -> None:
        event.stop()
        event.prevent_default()
        core = self._core
        if core is None:
            return
        if self._program_has_mouse():
            self._mouse("press", 4 if direction < 0 else 5, event)
        elif core.alternate and core.mode(ALTERNATE_SCROLL):
            self._send(core.key("up" if direction < 0 else "down", None) * WHEEL_ROWS)
        else:
            core.scroll(direction * WHEEL_ROWS)
            self._plan_frame()

    def on_click(self, event: events.Click) -> None:
        """A double click takes the word, a triple click the line; with ctrl or alt held down, the link."""
        event.stop()
        event.prevent_default()  # Textual would take the whole pane
        # Some terminals keep ctrl+click for a menu of their own: alt does the same.
        if (event.ctrl or event.meta) and not self._program_has_mouse():
            address = self.link_at(event.x - self.gutter.left, event.y - self.gutter.top)
            if address:
                self.post_message(self.LinkChosen(address))
        elif event.chain > 1 and not self._program_has_mouse():
            self._select(event.x - self.gutter.left, event.y - self.gutter.top, line=event.chain > 2)
            self.call_later(self._copy)
