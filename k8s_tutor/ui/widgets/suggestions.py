"""A short list at the cursor: what can be written there. The editor keeps the keys and hands on those of the list."""

from __future__ import annotations

from typing import Protocol

from textual import events
from textual.content import Content
from textual.geometry import Offset, Size
from textual.widget import Widget

from k8s_tutor.checks.completing import Choice, Completion
from k8s_tutor.ui.text import DIM, line, lines, plain

ROWS = 7
WIDTH = 46


class Target(Protocol):
    """Where a choice is written."""

    def put(self, row: int, column: int, text: str) -> None:
        """Write it in place of what stands from ``column`` to the cursor."""


class Suggestions(Widget):
    """Up and down choose, Enter or Tab (or a click) take, Escape closes."""

    def __init__(self) -> None:
        super().__init__(id="suggestions")
        self._found = Completion(0, 0, ())
        self._target: Target | None = None
        self._at = 0
        self.display = False

    @property
    def choices(self) -> tuple[Choice, ...]:
        """What is offered now."""
        return self._found.choices if self.display else ()

    def show(self, found: Completion, target: Target, at: Offset) -> None:
        """Offer these at the cursor, which is ``at`` of the parent."""
        self._found, self._target, self._at = found, target, 0
        self.display = bool(found.choices)
        if found.choices:
            height = min(ROWS, len(found.choices)) + (len(found.choices) > ROWS)
            room = self.parent.size if isinstance(self.parent, Widget) else Size(80, 24)
            y = at.y + 1 if at.y + 1 + height <= room.height else max(0, at.y - height)
            self.styles.width = min(WIDTH, room.width)
            self.styles.height = height
            self.styles.offset = (max(0, min(at.x, room.width - WIDTH)), y)
            self.refresh(layout=True)

    def follow(self, row: int, column: int) -> None:
        """The cursor is there now: away from the word, the list closes."""
        if self.display and (row != self._found.row or column < self._found.column):
            self.display = False

    def key(self, key: str) -> bool:
        """Whether this was a key for the list."""
        if key in ("down", "up"):
            self._at = (self._at + (1 if key == "down" else -1)) % len(self._found.choices)
            self.refresh()
        elif key in ("enter", "tab"):
            self._take()
        elif key == "escape":
            self.display = False
        else:
            return False
        return True

    def _take(self) -> None:
        choice = self._found.choices[self._at]
        self.display = False
        if self._target is not None:
            self._target.put(self._found.row, self._found.column, choice.insert)

    def on_click(self, event: events.Click) -> None:
        """Take the row that was clicked."""
        event.stop()
        row = self._first() + event.y
        if event.y < ROWS and row < len(self._found.choices):
            self._at = row
            self._take()

    def _first(self) -> int:
        return max(0, min(self._at - ROWS // 2, len(self._found.choices) - ROWS))

    def render(self) -> Content:
        """The choices around the chosen one, and how many there are."""
        first, width = self._first(), self.content_size.width
        rows: list[Content] = []
        for number, choice in enumerate(self._found.choices[first : first + ROWS], first):
            here = number == self._at
            note = plain(choice.note, 24)
            label = plain(choice.label, max(4, width - len(note) - 4))
            gap = " " * max(1, width - len(label) - len(note) - 3)
            rows.append(line((f"{'▸' if here else ' '} {label}", "bold" if here else ""), gap, (note, DIM)))
        if len(self._found.choices) > ROWS:
            rows.append(line((f"  {self._at + 1} of {len(self._found.choices)}", DIM)))
        return lines(rows)
