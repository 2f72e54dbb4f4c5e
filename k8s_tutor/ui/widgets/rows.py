"""Rows of text that keep their left edge: what wraps goes on under its own words, not under the sign."""

from __future__ import annotations

from collections.abc import Sequence

from textual.content import Content
from textual.geometry import Size
from textual.widget import Widget
from textual.widgets import Static

from k8s_tutor.ui.text import lines


class Line(Static):
    """One text; what is the same as before has nothing laid out anew (``update`` lays out the whole screen)."""

    def __init__(self, *, id: str) -> None:  # noqa: A002
        super().__init__("", markup=False, id=id)
        self._shown = Content()

    def show(self, text: Content) -> None:
        """Show this text."""
        if not text.is_same(self._shown):
            self._shown = text
            self.update(text)


Row = tuple[Content, Content]
"""What stands at the left (a sign, a word), and the text that may wrap beside it."""


class Rows(Widget):
    """Shows rows; painted anew only when they differ."""

    DEFAULT_CSS = "Rows { height: auto; width: 1fr; }"

    def __init__(self, rows: Sequence[Row] = (), *, id: str | None = None, classes: str | None = None) -> None:  # noqa: A002
        super().__init__(id=id, classes=classes)
        self._rows: tuple[Row, ...] = tuple(rows)

    @property
    def plain(self) -> str:
        """The text alone, unwrapped."""
        return "\n".join(head.plain + body.plain for head, body in self._rows)

    def show(self, rows: Sequence[Row]) -> None:
        """Show these rows; nothing is left of the place when there are none."""
        rows = tuple(rows)
        self.display = bool(rows)
        if len(rows) != len(self._rows) or any(
            not (old[0].is_same(new[0]) and old[1].is_same(new[1])) for old, new in zip(self._rows, rows, strict=True)
        ):
            width = self.content_size.width
            high = len(wrapped(self._rows, width)) if width else 0
            self._rows = rows
            # A layout is of the whole screen; as many lines as before need none.
            self.refresh(layout=not width or len(wrapped(rows, width)) != high)

    def get_content_height(self, container: Size, viewport: Size, width: int) -> int:
        """How many lines the rows take at this width."""
        return len(wrapped(self._rows, width))

    def render(self) -> Content:
        """The rows, wrapped to the width there is."""
        return lines(wrapped(self._rows, self.content_size.width))


def wrapped(rows: Sequence[Row], width: int) -> list[Content]:
    """The rows as lines of this width."""
    found: list[Content] = []
    for head, body in rows:
        edge = head.cell_length
        room = width - edge
        if room < 12:  # no room for two columns: one below the other
            edge, room = 2, max(1, width - 2)
            found += head.wrap(max(1, width)) if head.plain.strip() else []
            found += [Content("  ") + piece for piece in body.wrap(room)]
            continue
        pieces = body.wrap(room) if body.plain else [body]
        found.append(head + pieces[0])
        found += [Content(" " * edge) + piece for piece in pieces[1:]]
    return found
