"""The editor's text area: YAML's colours and indents, signs where something is wrong, keys that complete."""

from __future__ import annotations

import re
from collections.abc import Sequence

from rich.segment import Segment
from rich.style import Style
from rich.text import Text
from textual import events
from textual.color import Color, ColorParseError
from textual.message import Message
from textual.strip import Strip
from textual.widgets import TextArea

from k8s_tutor.checks.writing import Problem
from k8s_tutor.ui.text import visible
from k8s_tutor.ui.widgets.suggestions import Suggestions

_YAML = re.compile(r"(?P<comment>(?:^|\s)#.*$)|(?P<key>^[\s-]*[\w./\"'-]+(?=\s*:(?:\s|$)))|(?P<dash>^\s*-(?=\s))")
_INDENT = re.compile(r"^(\s*)((?:-\s+)*)")
_PARTIAL = re.compile(r"^\s*(?:-\s+)*(?:[\w./-]+:\s+)?[\w./-]+$")
STEP = 2
"""Spaces of one indent."""


class YamlArea(TextArea):
    """A text area that knows just enough YAML, and marks what it is told to be wrong."""

    class Complete(Message):
        """The learner wants to know what can be written here."""

    _wrong: dict[int, list[tuple[int, int]]]

    def mark(self, problems: Sequence[Problem]) -> None:
        """Underline these places, with a sign beside their line's number; none takes all marks away."""
        wrong: dict[int, list[tuple[int, int]]] = {}
        for item in problems:
            wrong.setdefault(item.line - 1, []).append((item.column - 1, item.column - 1 + item.length))
        if wrong != getattr(self, "_wrong", {}):
            self._wrong = wrong
            self._line_cache.clear()
            self.refresh()

    def get_line(self, line_index: int) -> Text:
        """The line, with keys and comments told apart; what cannot be shown safely as a sign in its place."""
        text = Text(visible(self.document.get_line(line_index)), end="", no_wrap=True)
        for found in _YAML.finditer(text.plain):
            for name, style in self._yaml_styles().items():
                if found.group(name) is not None:
                    text.stylize(style, *found.span(name))
        for start, end in getattr(self, "_wrong", {}).get(line_index, ()):
            text.stylize(Style(underline=True), start, end)
        return text

    def render_line(self, y: int) -> Strip:
        """The line, with the sign of a problem between its number and its text."""
        strip = super().render_line(y)
        wrong = getattr(self, "_wrong", {})
        row = y + self.scroll_offset.y
        edge = self.gutter_width
        if row not in wrong or edge < 2 or strip.cell_length < edge:
            return strip
        sign = Segment("✗", Style(color=self._theme_colour("error"), bold=True))
        return Strip.join([strip.crop(0, edge - 2), Strip([sign], 1), strip.crop(edge - 1)])

    def _theme_colour(self, name: str) -> str | None:
        try:
            found = Color.parse(self.app.theme_variables.get(name, "")).rich_color
        except ColorParseError:
            return None
        return found.name

    def _yaml_styles(self) -> dict[str, Style]:
        variables = self.app.theme_variables
        styles = {"comment": Style(dim=True, italic=True), "key": Style(), "dash": Style(dim=True)}
        try:
            styles["key"] = Style(color=Color.parse(variables.get("primary", "")).rich_color)
        except ColorParseError:
            styles["key"] = Style(bold=True)
        return styles

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
        elif "ctrl+space" in event.aliases:
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
