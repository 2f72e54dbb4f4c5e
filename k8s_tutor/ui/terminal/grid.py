"""What the terminal pane shows: the rows of a ``Core``, its cursor, the mouse selection. No program, no keys."""

from __future__ import annotations

import asyncio
import time

from rich.cells import cell_len
from rich.style import Style
from textual.geometry import Offset, Region
from textual.selection import Selection
from textual.strip import Strip
from textual.widget import Widget

from k8s_tutor.ui.terminal import links
from k8s_tutor.ui.terminal.core import Core, Cursor
from k8s_tutor.ui.terminal.paint import CURSOR_BLURRED, CURSOR_FOCUSED, note_over, over, strip_of

FRAME = 1 / 30
COALESCE = 0.002
"""Seconds from the first new output to the frame: a program's writes of one moment become one frame."""
MAX_HOLD = 0.15
"""Seconds that a program may hold the picture back (DEC mode 2026) before it is shown all the same."""


class Grid(Widget):
    """A widget that shows a terminal. Its owner feeds ``_core`` and calls ``_plan_frame``."""

    _core: Core | None = None
    _gone = False
    """Whether the widget was unmounted."""

    def __init__(self, *, name: str | None, id: str | None, classes: str | None) -> None:  # noqa: A002 - Textual's name
        super().__init__(name=name, id=id, classes=classes)
        self._strips: list[Strip] = []
        self._texts: list[str] = []
        self._cursor: Cursor | None = None
        self._up = 0
        self._top = 0
        self._frame_timer: asyncio.TimerHandle | None = None
        self._frame_at = 0.0
        self._held_since: float | None = None

    @property
    def text(self) -> str:
        """What is shown, line by line, without blanks at the ends."""
        return "\n".join(text.rstrip() for text in self._texts)

    # ---- frames

    def _plan_frame(self) -> None:
        """Have a frame soon; ten calls are one frame."""
        if self._frame_timer is None and not self._gone:
            wait = max(COALESCE, self._frame_at + FRAME - time.monotonic())
            self._frame_timer = asyncio.get_running_loop().call_later(wait, self._frame)

    def _frame(self) -> None:
        """Take what changed since the last frame to the screen."""
        self._frame_timer = None
        core = self._core
        if core is None or self._gone:
            return
        now = self._frame_at = time.monotonic()
        if core.held:
            self._held_since = self._held_since or now
            if now - self._held_since < MAX_HOLD:
                self._plan_frame()
                return
        self._held_since = None
        changed = core.rows()
        cols, rows = core.size
        del self._strips[rows:], self._texts[rows:]
        while len(self._strips) < rows:
            self._strips.append(Strip.blank(cols))
            self._texts.append("")
        lines = set()
        for row in changed:
            if row.y < rows:
                self._strips[row.y], self._texts[row.y] = strip_of(row), row.text
                lines.add(row.y)
        self._show(core, rows, lines)
        self._framed(core)

    def _framed(self, core: Core) -> None:
        """A frame was taken; for the owner."""

    def _show(self, core: Core, rows: int, lines: set[int]) -> None:
        """Refresh the lines that changed, and those that the cursor left and came to."""
        cursor, up = core.cursor(), core.scrolled().up
        lines.update(found.y for found in (self._cursor, cursor) if found is not None)
        height = self.size.height
        # A pane below the smallest size shows the part with the cursor.
        top = 0 if rows <= height else min(max(0, (cursor.y if cursor else 0) - height + 1), rows - height)
        moved = (top, up) != (self._top, self._up)
        self._cursor, self._up, self._top = cursor, up, top
        if moved:
            self.refresh()
        elif lines:
            width = self.size.width
            self.refresh(*(Region(0, y - top, width, 1) for y in lines if 0 <= y - top < height))

    def render_line(self, y: int) -> Strip:
        """Line ``y`` of the pane."""
        width, base = self.size.width, self.rich_style
        row = y + self._top
        if row >= len(self._strips):
            return Strip.blank(width, base)
        # Crop and fill: a program can change the terminal's columns (DECCOLM).
        strip = self._strips[row].adjust_cell_length(width).apply_style(base)
        cursor = self._cursor
        if cursor is not None and cursor.y == row:
            strip = over(strip, cursor.x, cursor.x + cursor.width, self._cursor_style())
        selection = self.text_selection
        if selection is not None and (span := selection.get_span(y)) is not None:
            text = strip.text
            end = width if span[1] < 0 else cell_len(text[: span[1]])
            marked = self.screen.get_component_rich_style("screen--selection")
            strip = over(strip, cell_len(text[: max(0, span[0])]), end, marked)
        if self._up and y == self.size.height - 1:
            strip = note_over(strip, f" ↑ {self._up} lines · shift+pgdn ")
        return strip.apply_offsets(0, y)

    def _cursor_style(self) -> Style:
        return CURSOR_FOCUSED if self.has_focus else CURSOR_BLURRED

    # ---- selection

    def get_selection(self, selection: Selection) -> tuple[str, str] | None:
        """The selected text of what is shown."""
        lines = []
        for y, text in enumerate(self._texts[self._top : self._top + self.size.height]):
            span = selection.get_span(y)
            if span is not None:
                lines.append(text[span[0] : None if span[1] < 0 else span[1]].rstrip())
        return "\n".join(lines), "\n"

    def selection_updated(self, selection: Selection | None) -> None:
        """Draw the new selection."""
        self.refresh()

    # ---- links

    def link_at(self, x: int, y: int) -> str:
        """The address under column ``x`` of the pane's line ``y``, named by the program or written out; else empty."""
        core, row = self._core, y + self._top
        if core is None or not 0 <= row < len(self._texts):
            return ""
        named = core.link(x, row)
        if named:
            return named
        first = row
        while first > 0 and core.wrapped(first - 1):
            first -= 1
        text, index = "", -1
        for number in range(first, len(self._texts)):
            if number == row:
                index = len(text) + _index(self._texts[number], x)
            text += self._texts[number]
            if not core.wrapped(number):
                break
        return links.at(text, index)

    def links(self) -> list[str]:
        """The addresses on view, each once, the lowest first."""
        core, seen = self._core, []
        if core is None:
            return []
        width = core.size[0]
        text = ""
        for row, shown in enumerate(self._texts):
            seen += [link for link in dict.fromkeys(core.link(x, row) for x in range(width)) if link]
            text += shown
            if not core.wrapped(row):
                seen += [address for _, _, address in links.found(text)]
                text = ""
        return list(dict.fromkeys(reversed(seen)))

    def history(self) -> str:
        """All lines that the terminal still has."""
        return self._core.contents() if self._core is not None else ""

    def _select(self, x: int, y: int, *, line: bool) -> None:
        """Select the word at column ``x`` of the pane's line ``y``, or the whole line; nothing on a blank."""
        row = y + self._top
        if not 0 <= row < len(self._texts):
            return
        text = self._texts[row]
        start, end = 0, len(text.rstrip())
        if not line:
            at = _index(text, x)
            if text[at : at + 1].strip() == "":
                return
            start = max(text.rfind(" ", 0, at), -1) + 1
            end = found if (found := text.find(" ", at)) >= 0 else len(text)
        self.screen.selections = {self: Selection(Offset(start, y), Offset(end, y))}

    def _copy(self) -> None:
        """What is selected, to the clipboard."""
        selection = self.text_selection
        found = self.get_selection(selection) if selection is not None else None
        if found is not None and found[0].strip():
            self.app.copy_to_clipboard(found[0])


def _index(text: str, column: int) -> int:
    """The index of the character in a column of cells; the text's length right of it."""
    return next((i for i in range(len(text)) if cell_len(text[: i + 1]) > column), len(text))
