"""The editor's text area: YAML's colours and indents, signs where something is wrong, keys that complete."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, cast

from rich.cells import cell_len, set_cell_size
from rich.color import Color as RichColor
from rich.segment import Segment
from rich.style import Style
from rich.text import Text
from textual import events
from textual.color import Color, ColorParseError
from textual.geometry import Region, Size
from textual.message import Message
from textual.reactive import Reactive, reactive
from textual.scroll_view import ScrollView
from textual.strip import Strip
from textual.widgets import TextArea
from textual.widgets.text_area import Edit, EditResult, Selection, TextAreaTheme

from k8s_tutor.checks.writing import Problem
from k8s_tutor.ui.text import plain, visible
from k8s_tutor.ui.widgets.keys_in_order import KeysInOrder
from k8s_tutor.ui.widgets.suggestions import Suggestions
from k8s_tutor.ui.yaml_colours import CALLOUT, LONGEST, State, States, spans

_INDENT = re.compile(r"^(\s*)((?:-\s+)*)")
_PARTIAL = re.compile(r"^\s*(?:-\s+)*(?:[\w./-]+:\s+)?[\w./-]+$")
_CTRL_SPACE = ("ctrl+space", "ctrl+@", "ctrl+at")
"""One key: most terminals send a NUL for it, which has other names."""
STEP = 2
"""Spaces of one indent."""
NOTE_ROOM = 26
"""Columns behind a numbered line from which on what it is for is told there."""


class YamlArea(KeysInOrder, TextArea):
    """A text area that knows just enough YAML, and marks what it is told to be wrong."""

    class Complete(Message):
        """The learner wants to know what can be written here."""

    # Textual paints all lines anew for each letter that moves the cursor: half of what a key costs.
    selection: Reactive[Selection] = reactive(Selection(), init=False, always_update=True, repaint=False)

    def __init__(self, *args: Any, **more: Any) -> None:
        self._edits = False
        self._bracket_row: int | None = None
        self._coloured: TextAreaTheme | None = None
        self._wrong: dict[int, list[tuple[int, int]]] = {}
        self._states = States()
        self._notes: Mapping[int, str] = {}
        super().__init__(*args, **more)

    # -- what is known of the text

    def mark(self, problems: Sequence[Problem]) -> None:
        """Underline these places, with a sign beside their line's number; none takes all marks away."""
        wrong: dict[int, list[tuple[int, int]]] = {}
        for item in problems:
            wrong.setdefault(item.line - 1, []).append((item.column - 1, item.column - 1 + item.length))
        if wrong != self._wrong:
            self._wrong = wrong
            self._repaint()

    def annotate(self, notes: Mapping[int, str]) -> None:
        """What the numbered lines (``#[4]``) are for, by number: told beside them where there is room."""
        if notes != self._notes:
            self._notes = notes
            self._repaint()

    def _repaint(self) -> None:
        self._line_cache.clear()
        self.refresh()

    def edit(self, edit: Edit) -> EditResult:
        """As every edit; marks below it move with their lines, those on the edited lines go until looked at again."""
        before, bottom = self.document.line_count, edit.bottom[0]
        row = edit.top[0]
        below = self._begins(row + 1)
        self._edits = True
        try:
            result = super().edit(edit)
        finally:
            self._edits = False
        self._states.forget(row)
        if self.document.line_count == before and bottom == row and self._begins(row + 1) == below:
            self.refresh_lines(row)
        else:
            self.refresh()
        if self._wrong:
            moved = self.document.line_count - before
            self._wrong = {
                row + (moved if row > bottom else 0): places
                for row, places in self._wrong.items()
                if not edit.top[0] <= row <= bottom
            }
        return result

    def _begins(self, row: int) -> State | None:
        """What a line begins in; None below the last one."""
        return self._states.before(row, self.document.get_line) if row < self.document.line_count else None

    def undo(self) -> None:
        """As every undo."""
        self._forget()
        super().undo()

    def redo(self) -> None:
        """As every redo."""
        self._forget()
        super().redo()

    def load_text(self, text: str) -> None:
        """Another text: nothing is known of it yet."""
        self._forget()
        super().load_text(text)

    def _forget(self) -> None:
        self._states = States()
        self._wrong = {}

    # -- how it looks

    def _refresh_size(self) -> None:
        """As every text area's, but its place does not depend on its text: no layout of the screen for a letter."""
        width, height = self.document.get_size(self.indent_width)
        size = Size(width + self.gutter_width + 1, height)
        if size != self.virtual_size:
            self.set_reactive(YamlArea.virtual_size, size)
            self._scroll_update(size)  # a scrollbar that comes or goes asks for a layout itself
        if not self._edits:  # an edit knows which lines
            self.refresh()

    def notify_style_update(self) -> None:
        """Other colours."""
        self._coloured = None
        super().notify_style_update()

    def render_lines(self, crop: Region) -> list[Strip]:
        """The lines; the colours of a text area are worked out anew only where they can be others."""
        if self._coloured is self._theme:
            return ScrollView.render_lines(self, crop)
        self._coloured = self._theme
        return super().render_lines(crop)

    def watch_selection(self, before: Selection, now: Selection) -> None:
        """Paint the lines whose cursor, marked text or matching bracket may be another one."""
        rows = [before.start[0], before.end[0], now.start[0], now.end[0]]
        self.refresh_lines(min(rows), max(rows) - min(rows) + 1)
        bracket = self.matching_bracket_location
        old, self._bracket_row = self._bracket_row, bracket[0] if bracket else None
        for row in {old, self._bracket_row} - {None}:
            self.refresh_lines(cast(int, row))

    def get_line(self, line_index: int) -> Text:
        """The line with its colours; what cannot be shown safely as a sign in its place."""
        row = self.document.get_line(line_index)
        text = Text(visible(row), end="", no_wrap=True)
        styles = self._yaml_styles()
        for start, end, name in spans(row, self._states.before(line_index, self.document.get_line))[0]:
            if name in styles:
                text.stylize(styles[name], start, end)
        for start, end in self._wrong.get(line_index, ()):
            text.stylize(Style(underline=True), start, end)
        return text

    def render_line(self, y: int) -> Strip:
        """The line, with the sign of a problem before its text and what a numbered line is for behind it."""
        strip = super().render_line(y)
        row = y + self.scroll_offset.y
        edge = self.gutter_width
        if row >= self.document.line_count or strip.cell_length < edge:
            return strip
        strip = self._with_note(strip, row)
        if row in self._wrong and edge >= 2:
            own = next(iter(strip.crop(edge - 2, edge - 1)), Segment("")).style or Style()
            sign = Segment("✗", own + Style(color=self._theme_colour("error"), bold=True, dim=False))
            return Strip.join([strip.crop(0, edge - 2), Strip([sign], 1), strip.crop(edge - 1)])
        return strip

    def _with_note(self, strip: Strip, row: int) -> Strip:
        text = self.document.get_line(row)
        found = CALLOUT.search(text) if self._notes and len(text) < LONGEST else None
        note = self._notes.get(int(found[1]), "") if found else ""
        width = self.scrollable_content_region.width
        start = self.gutter_width + cell_len(text.rstrip()) + 2 - self.scroll_offset.x
        if not note or width - start < NOTE_ROOM or "\t" in text:
            return strip
        told = plain(note, 300)
        told = told if cell_len(told) <= width - start else set_cell_size(told, width - start - 1).rstrip() + "…"
        own = next(iter(strip.crop(start, start + 1)), Segment("")).style or Style()
        piece = Strip([Segment(told, own + Style(dim=True, italic=True))], cell_len(told))
        return Strip.join([strip.crop(0, start), piece, strip.crop(start + cell_len(told))])

    def _theme_colour(self, name: str) -> RichColor | None:
        try:
            return Color.parse(self.app.theme_variables.get(name, "")).rich_color
        except ColorParseError:
            return None

    def _yaml_styles(self) -> dict[str, Style]:
        key, typed = self._theme_colour("primary"), self._theme_colour("yaml-typed")
        return {
            "comment": Style(dim=True, italic=True),
            "callout": Style(color=key, bold=True),
            "key": Style(color=key) if key else Style(bold=True),
            "dash": Style(dim=True),
            "typed": Style(color=typed) if typed else Style(bold=True),
            "name": Style(bold=True),
            "mark": Style(dim=True),
        }

    # -- keys

    async def _on_key(self, event: events.Key) -> None:
        choices = self.screen.query_one(Suggestions)
        if choices.display and choices.key(event.key):
            taken = True
        elif self.read_only:
            taken = False
        else:
            taken = self._own_key(event)
        if taken:
            event.stop()
            event.prevent_default()
            return
        await super()._on_key(event)
        if choices.display and (event.is_printable or event.key == "backspace"):
            self.post_message(self.Complete())

    def _own_key(self, event: events.Key) -> bool:
        row, column = self.selection.end
        before = self.document.get_line(row)[:column]
        if event.key == "enter":
            self.replace("\n" + next_indent(before), *self.selection, maintain_selection_offset=False)
        elif event.key in _CTRL_SPACE:
            self.post_message(self.Complete())
        elif event.key == "tab":
            if self.cursor_at_end_of_line and self.selection.is_empty and _PARTIAL.match(before):
                self.post_message(self.Complete())
            else:
                self.insert(" " * (STEP - column % STEP))
        elif event.key == "shift+tab" and self.document.get_line(row).startswith(" "):
            deep = min(STEP, len(self.document.get_line(row)) - len(self.document.get_line(row).lstrip(" ")))
            self.delete((row, 0), (row, deep))
        else:
            return False
        return True

    def put(self, row: int, column: int, text: str) -> None:
        """Write ``text`` in place of what stands from ``column`` to the cursor; the cursor goes behind it."""
        if self.cursor_location[0] == row and self.cursor_location[1] >= column:
            self.replace(text, (row, column), self.cursor_location, maintain_selection_offset=False)
        self.focus()


def next_indent(before: str) -> str:
    """Spaces for the line after ``before``: as deep, past a list's dash, two deeper after a key without value."""
    found = _INDENT.match(before)
    if found is None or not before.strip():
        return before if not before.strip() else ""
    deep = len(found.group(0))
    return " " * (deep + (2 if before.split(" #")[0].rstrip().endswith(":") else 0))
