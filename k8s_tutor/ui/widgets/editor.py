"""The manifest editor: the learner's own files, with the explanation of the line under the cursor."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import ClassVar

from rich.style import Style
from rich.text import Text
from textual import events, on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.color import Color, ColorParseError
from textual.containers import Vertical
from textual.content import Content
from textual.widgets import Static, TextArea

from k8s_tutor.kube.record import File
from k8s_tutor.labs.model import Lab
from k8s_tutor.ui.buffers import Buffer
from k8s_tutor.ui.callouts import explain
from k8s_tutor.ui.messages import SaveWanted, TabChosen
from k8s_tutor.ui.text import ACCENT, BAD, DIM, GOOD, WAIT, block, line, visible
from k8s_tutor.ui.widgets.rows import Row, Rows
from k8s_tutor.ui.widgets.statusbar import Strip

_YAML = re.compile(r"(?P<comment>(?:^|\s)#.*$)|(?P<key>^[\s-]*[\w./\"'-]+(?=\s*:(?:\s|$)))|(?P<dash>^\s*-(?=\s))")
_INDENT = re.compile(r"^(\s*)((?:-\s+)*)")


class YamlArea(TextArea):
    """A text area that knows just enough YAML: colours for keys and comments, and the indent of the next line."""

    def get_line(self, line_index: int) -> Text:
        """The line, with keys and comments told apart; what cannot be shown safely as a sign in its place."""
        text = Text(visible(self.document.get_line(line_index)), end="", no_wrap=True)
        for found in _YAML.finditer(text.plain):
            for name, style in self._yaml_styles().items():
                if found.group(name) is not None:
                    text.stylize(style, *found.span(name))
        return text

    def _yaml_styles(self) -> dict[str, Style]:
        variables = self.app.theme_variables
        styles = {"comment": Style(dim=True, italic=True), "key": Style(), "dash": Style(dim=True)}
        try:
            styles["key"] = Style(color=Color.parse(variables.get("primary", "")).rich_color)
        except ColorParseError:
            styles["key"] = Style(bold=True)
        return styles

    async def _on_key(self, event: events.Key) -> None:
        if event.key == "enter" and not self.read_only:
            event.stop()
            event.prevent_default()
            before = self.document.get_line(self.selection.end[0])[: self.selection.end[1]]
            self.replace("\n" + next_indent(before), *self.selection, maintain_selection_offset=False)
            return
        await super()._on_key(event)


def next_indent(before: str) -> str:
    """Spaces for the line after ``before``: as deep, past a list's dash, two deeper after a key without value."""
    found = _INDENT.match(before)
    if found is None or not before.strip():
        return before if not before.strip() else ""
    deep = len(found.group(0))
    return " " * (deep + (2 if before.split(" #")[0].rstrip().endswith(":") else 0))


class EditorPane(Vertical):
    """The editor with its file names, notes, callout and what the last apply said."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("ctrl+s", "save", "save", tooltip="Write the file", id="save"),
        Binding(
            "ctrl+r", "take_disk", "take the file on disk", show=False, tooltip="Drop what is typed", id="take_disk"
        ),
    ]

    def __init__(self, lab: Lab) -> None:
        super().__init__(id="manifest")
        self._lab = lab
        self._buffers: dict[str, Buffer] = {item.name: Buffer(item.name) for item in lab.manifests}
        self.current = next(iter(self._buffers), "")
        self._heard = False

    def compose(self) -> ComposeResult:
        """Names, text, notes."""
        yield Strip(id="files")
        yield YamlArea("", show_line_numbers=True, soft_wrap=False, id="editor", tab_behavior="focus")
        yield Static("", markup=False, id="editor-note")
        yield Rows(id="callout")
        yield Rows(id="applied")

    def on_mount(self) -> None:
        """Nothing was applied yet."""
        self.query_one("#applied").display = False
        self._refresh_notes()

    @property
    def text(self) -> str:
        """What is typed in the file that is shown."""
        return self.query_one(YamlArea).text

    @property
    def buffer(self) -> Buffer:
        """The file that is shown."""
        return self._buffers.setdefault(self.current, Buffer(self.current))

    @property
    def unsaved(self) -> str:
        """Name of the first file with typed text that is not on disk, empty if there is none."""
        return next((item.name for item in self._buffers.values() if item.dirty), "")

    def show_files(self, files: Mapping[str, File]) -> None:
        """What the workspace holds now; edits from outside are taken over where nothing is typed."""
        for name in files:
            if name not in self._buffers and name.endswith((".yaml", ".yml", ".json")) and name != "answers.yaml":
                self._buffers[name] = Buffer(name)
        for name, item in self._buffers.items():
            there = files.get(name)
            if there is not None and there.text is None and there.trouble:
                continue  # cannot be read: keep what is typed, the note tells
            if item.hear(there.text if there is not None else None) and name == self.current:
                self._load()
        self._heard = True
        self._refresh_notes()

    def open_file(self, name: str) -> None:
        """Show this file."""
        if name and name != self.current and (name in self._buffers or name in {m.name for m in self._lab.manifests}):
            self.current = name
            self._buffers.setdefault(name, Buffer(name))
            self._load()
            self._refresh_notes()

    def fill_in(self) -> bool:
        """Put the lab's own manifest into the editor (not on disk); false if the lab has none of this name."""
        manifest = next((item for item in self._lab.manifests if item.name == self.current), None)
        if manifest is None:
            return False
        self.buffer.text = manifest.text
        self._load()
        self._refresh_notes()
        return True

    def show_applied(self, rows: Sequence[str], *, bad: bool = False) -> None:
        """What the API server said to the last apply."""
        mark = line(("✗ refused  ", BAD)) if bad else line(("✓ applied  ", GOOD))
        body = [line(block(row, limit=900)) for row in list(rows)[:8]]
        self.query_one("#applied", Rows).show(
            [(mark if not index else line(" " * 11), row) for index, row in enumerate(body)]
        )

    def saved(self, name: str, text: str) -> None:
        """The file is written."""
        self._buffers[name].saved(text)
        self._refresh_notes()

    def disagree(self, name: str, disk: str | None) -> None:
        """The file on disk is another one; nothing was written."""
        self._buffers[name].disagree(disk)
        self._refresh_notes()

    def may_save(self, name: str, disk: str | None) -> bool:
        """Whether writing would lose nothing that the learner does not know of."""
        return self._buffers[name].may_save(disk)

    def action_save(self) -> None:
        """Ask for the file to be written."""
        self.post_message(SaveWanted(self.current, self.text))

    def action_take_disk(self) -> None:
        """Drop what is typed for what is on disk, where the two disagree."""
        if self.buffer.conflict:
            self.buffer.take_disk()
            self._load()
            self._refresh_notes()

    @on(TextArea.Changed)
    def _typed(self, event: TextArea.Changed) -> None:
        event.stop()
        self.buffer.text = self.text
        self._refresh_notes()

    @on(TextArea.SelectionChanged)
    def _moved(self, event: TextArea.SelectionChanged) -> None:
        event.stop()
        self._show_callout()

    @on(TabChosen)
    def _file_chosen(self, event: TabChosen) -> None:
        event.stop()
        self.open_file(event.tab_id)

    def _load(self) -> None:
        area = self.query_one(YamlArea)
        at = area.cursor_location
        with self.prevent(TextArea.Changed):
            area.load_text(self.buffer.text)
        last = area.document.line_count - 1
        row = min(at[0], last)
        area.move_cursor((row, min(at[1], len(area.document.get_line(row)))))

    def _refresh_notes(self) -> None:
        if not self.is_mounted:
            return
        tabs = tuple((name, name, line(("●", WAIT)) if item.dirty else line()) for name, item in self._buffers.items())
        self.query_one("#files", Strip).show_tabs(tabs, self.current)
        self.query_one("#editor-note", Static).update(self._note())
        self._show_callout()

    def _note(self) -> Content:
        item = self.buffer
        if item.conflict:
            return line(
                ("! Another program changed this file. ", WAIT),
                ("ctrl+s keeps yours, ctrl+r takes the one on disk.", WAIT),
            )
        if item.dirty:
            return line(("● not saved  ", WAIT), ("ctrl+s save   esc then a: save and apply", DIM))
        if item.base is None:
            return line(("new file  ", DIM), ("enter to type; m has it typed for you" if not self._typing else "", DIM))
        return line(
            ("✓ saved  ", DIM), ("a apply   enter to edit" if not self._typing else "esc leaves the editor", DIM)
        )

    @property
    def _typing(self) -> bool:
        return self.query_one(YamlArea).has_focus

    def on_descendant_focus(self, _event: events.DescendantFocus) -> None:
        """The notes name other keys while typing."""
        self._refresh_notes()

    def on_descendant_blur(self, _event: events.DescendantBlur) -> None:
        """And again others when not."""
        self._refresh_notes()

    def _show_callout(self) -> None:
        manifest = next((item for item in self._lab.manifests if item.name == self.current), None)
        found = explain(manifest, self.text, self.query_one(YamlArea).cursor_location[0])
        if not (manifest and manifest.callouts):
            rows: list[Row] = []
        elif found is None:
            rows = [(line(), line(("move the cursor onto a line to read what it is for", DIM)))]
        else:
            rows = [(line((f"[{found[0]}] ", ACCENT)), line(block(found[1], limit=600)))]
        self.query_one("#callout", Rows).show(rows)
