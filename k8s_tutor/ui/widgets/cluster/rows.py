"""Many rows, of which only the visible ones are formatted (Textual's line API); a cursor that stays on its object."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import ClassVar

from rich.segment import Segment
from textual import events
from textual.binding import BindingType
from textual.content import Content
from textual.geometry import Region, Size
from textual.message import Message
from textual.scroll_view import ScrollView
from textual.selection import Selection
from textual.strip import Strip
from textual.style import Style

from k8s_tutor.ui import bindings
from k8s_tutor.ui.picture.row import Row, Target
from k8s_tutor.ui.text import ACCENT, line

GUTTER = 1
EDGE = "┃"
"""In the gutter while the rows have the keys, as at the edge of every pane in focus."""
STEP_ASIDE = 8


class ClusterRows(ScrollView, can_focus=True):
    """Shows rows; ``spent`` sums the seconds of the processor that painting took.

    Painted anew is only what reads differently; rows that come or go move nothing else, and never lay out the screen.
    """

    BINDINGS: ClassVar[list[BindingType]] = [*bindings.CLUSTER]
    COMPONENT_CLASSES: ClassVar[set[str]] = {"rows--cursor"}

    class Chosen(Message):
        """The learner chose (Enter, a double click) the row of this object; ``yaml``: wants it as it is stored."""

        def __init__(self, target: Target | None, *, yaml: bool = False) -> None:
            super().__init__()
            self.target = target
            self.yaml = yaml

    def __init__(self, now: Callable[[], float]) -> None:
        super().__init__(id="cluster-rows")
        self.spent = 0.0
        self._now = now
        self._rows: Sequence[Row] = ()
        self._cursor: tuple[str, ...] | None = None
        self._at: int | None = None
        self._aside = 0
        self._tail = False
        self._painted: dict[int, Content] = {}
        self._strips: dict[tuple[tuple[str, ...], bool, bool], tuple[Content, Strip]] = {}
        self._styles: dict[str, Style] = {}

    # -- what is shown

    def show(self, rows: Sequence[Row], *, tail: bool = False) -> None:
        """Show these rows. ``tail``: while the end is in view, it stays in view."""
        follow = tail and (not self._tail or self.scroll_y >= self.max_scroll_y)
        before, self._rows, self._tail = self._rows, rows, tail
        top = before[self.scroll_offset.y].key if 0 < self.scroll_offset.y < len(before) else None
        self._find()
        self._resize()
        if follow:
            self.scroll_to(y=self.max_scroll_y, animate=False, immediate=True)
        elif top is not None and not (self.scroll_offset.y < len(rows) and rows[self.scroll_offset.y].key == top):
            # What came or went above leaves what is being read where it is.
            found = self._index(top)
            if found is not None:
                self.scroll_to(y=found, animate=False, immediate=True)
        if self.has_focus and self._at is None:
            self._move(1)
        self.tick()

    @property
    def room(self) -> int:
        """Columns for text, beside the scroll bar."""
        return max(1, self.size.width - self.scrollbar_size_vertical)

    def tick(self) -> None:
        """Paint the visible lines that read differently."""
        began = time.thread_time()
        top, now = self.scroll_offset.y, self._now()
        for y in range(self.size.height):
            number = top + y
            content = self._rows[number].content(now) if number < len(self._rows) else None
            if content is not self._painted.get(number):
                self.refresh(Region(0, y, self.size.width, 1))
        self.spent += time.thread_time() - began

    def home(self) -> None:
        """Another view: from its beginning, nothing chosen."""
        self._cursor = self._at = None
        self._aside = 0
        self._tail = False
        self.scroll_to(y=0, animate=False, immediate=True)

    def _index(self, key: tuple[str, ...]) -> int | None:
        return next((number for number, row in enumerate(self._rows) if row.key == key), None)

    def _find(self) -> None:
        """Where the cursor's row is now; when it left, the cursor stays at its height."""
        if self._cursor is None:
            self._at = None
            return
        at = self._at
        if at is not None and at < len(self._rows) and self._rows[at].key == self._cursor:
            return
        found = self._index(self._cursor)
        if found is None and at is not None:
            found = self._near(at)
        self._at = found
        self._cursor = None if found is None else self._rows[found].key

    def _near(self, at: int) -> int | None:
        last = len(self._rows) - 1
        near = (*range(min(at, last), -1, -1), *range(at, last + 1))
        return next((number for number in near if self._rows[number].target is not None), None)

    def _resize(self) -> None:
        size = Size(self.size.width, len(self._rows))
        if size != self.virtual_size:
            # Told to the scroll bar alone: as a layout of the whole screen each pod would cost tens of milliseconds.
            self.set_reactive(ClusterRows.virtual_size, size)
            self._scroll_update(size)

    # -- painting

    def render_line(self, y: int) -> Strip:
        """One visible line."""
        began = time.thread_time()
        number = self.scroll_offset.y + y
        width = self.room
        if number >= len(self._rows):
            self._painted.pop(number, None)
            blank = Strip.blank(width - GUTTER, self.rich_style)
            return Strip.join([Strip(self._edge()), blank])
        row = self._rows[number]
        content = row.content(self._now())
        if len(self._painted) > 4 * self.size.height:
            self._painted.clear()
        self._painted[number] = content
        strip = self._strip(row, content, number)
        left = self._aside
        if strip.cell_length > left + width:
            strip = Strip.join([strip.crop(left, left + width - 1), Strip([Segment("…", self.rich_style)])])
        else:
            strip = strip.crop_extend(left, left + width, self.rich_style)
        self.spent += time.thread_time() - began
        return strip.apply_offsets(left, number)

    def _strip(self, row: Row, content: Content, number: int) -> Strip:
        marked = number == self._at and self.has_focus
        selection = self.text_selection
        known = self._strips.get((row.key, marked, self.has_focus))
        if known is not None and known[0] is content and selection is None:
            return known[1]
        whole = line(("▸" if marked else EDGE if self.has_focus else " ", ACCENT), content)
        style = self.visual_style
        if marked:
            style += self.get_visual_style("rows--cursor")
        if selection is not None and (span := selection.get_span(number)) is not None:
            start, end = span
            chosen = Style.from_styles(self.screen.get_component_styles("screen--selection"))
            whole = whole.stylize(chosen, start, len(whole) if end == -1 else end)
        pieces = whole.render(style, "", self._parse)
        strip = Strip([Segment(text, piece.rich_style) for text, piece in pieces])
        if marked:
            strip = strip.extend_cell_length(self.room, style.rich_style)
        if selection is None:
            if len(self._strips) > 8 * max(24, self.size.height):
                self._strips.clear()
            self._strips[row.key, marked, self.has_focus] = (content, strip)
        return strip

    def _edge(self) -> list[Segment]:
        """The gutter of a line without a row."""
        pieces = line((EDGE if self.has_focus else " ", ACCENT)).render(self.visual_style, "", self._parse)
        return [Segment(text, piece.rich_style) for text, piece in pieces]

    def _parse(self, style: str | Style) -> Style:
        if isinstance(style, Style):
            return style
        found = self._styles.get(style)
        if found is None:
            found = self._styles[style] = self._get_style(style)
        return found

    def notify_style_update(self) -> None:
        """Other colours: nothing painted is of use."""
        super().notify_style_update()
        self._styles.clear()
        self._strips.clear()
        self._painted.clear()

    def on_resize(self, _event: events.Resize) -> None:
        """Another width or height."""
        self._strips.clear()
        self._painted.clear()
        self._resize()

    def get_selection(self, selection: Selection) -> tuple[str, str] | None:
        """The text that was selected with the mouse."""
        now = self._now()
        return selection.extract("\n".join(" " * GUTTER + row.content(now).plain for row in self._rows)), "\n"

    def selection_updated(self, selection: Selection | None) -> None:
        """Show what is selected."""
        self.refresh()

    # -- the cursor

    @property
    def target(self) -> Target | None:
        """The object of the chosen row."""
        return self._rows[self._at].target if self._at is not None and self._at < len(self._rows) else None

    def _move(self, steps: int) -> None:
        """Over rows that are objects; where there is none further, the rest comes into view."""
        where = [number for number, row in enumerate(self._rows) if row.target is not None]
        if not where:
            self.scroll_relative(y=steps, animate=False)
            return
        if self._at is None:
            top, low = self.scroll_offset.y, self.scroll_offset.y + self.size.height
            seen = [number for number in where if top <= number < low] or where
            found = seen[0] if steps > 0 and not self._tail else seen[-1]
        else:
            passed = sum(number < self._at for number in where)
            found = where[max(0, min(len(where) - 1, passed + steps))]
        if found == self._at:
            edge = 0 if steps < 0 else self.max_scroll_y
            self.scroll_to(y=edge, animate=False, immediate=True)
        self._choose(found)

    def _choose(self, number: int) -> None:
        self._at, self._cursor = number, self._rows[number].key
        top, height = self.scroll_offset.y, self.size.height
        if number < top or number >= top + height:
            self.scroll_to(y=number if number < top else number - height + 1, animate=False, immediate=True)
        self.refresh()

    def action_cursor(self, steps: int) -> None:
        """So many rows on."""
        self._move(steps)

    def action_page(self, pages: int) -> None:
        """So many screens on."""
        self._move(pages * max(1, self.size.height - 1))

    def action_edge(self, steps: int) -> None:
        """To the first or the last."""
        self._move(steps * max(1, len(self._rows)))

    def action_aside(self, steps: int) -> None:
        """Look further right, or back."""
        now = self._now()
        top = self.scroll_offset.y
        longest = max((row.content(now).cell_length for row in self._rows[top : top + self.size.height]), default=0)
        most = max(0, longest + GUTTER - self.room)
        self._aside = max(0, min(most, self._aside + steps * STEP_ASIDE))
        self.refresh()

    def action_describe(self) -> None:
        """Put ``kubectl describe`` of the chosen object at the terminal's prompt."""
        self.post_message(self.Chosen(self.target))

    def action_yaml(self) -> None:
        """Put ``kubectl get -o yaml`` of the chosen object at the terminal's prompt."""
        self.post_message(self.Chosen(self.target, yaml=True))

    def on_click(self, event: events.Click) -> None:
        """Choose a row; a double click is Enter."""
        number = self.scroll_offset.y + event.y
        if number < len(self._rows) and self._rows[number].target is not None:
            self._choose(number)
            if event.chain == 2:
                self.action_describe()

    def on_focus(self) -> None:
        """The cursor is seen while the keys go here."""
        if self._at is None:
            self._move(1)
        self.refresh()

    def on_blur(self) -> None:
        """And not while they go elsewhere."""
        self.refresh()
