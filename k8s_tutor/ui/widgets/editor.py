"""The manifest editor: the learner's own files, with the explanation of the line under the cursor."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import ClassVar

from textual import events, on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.widgets import TextArea

from k8s_tutor.checks.completing import Completion, Explanation
from k8s_tutor.checks.writing import Problem
from k8s_tutor.kube.record import File
from k8s_tutor.labs.model import Lab
from k8s_tutor.session.drafts import Draft
from k8s_tutor.ui.buffers import Buffer
from k8s_tutor.ui.callouts import explain
from k8s_tutor.ui.messages import CompletionWanted, CursorMoved, Drafted, SaveWanted, TabChosen, TextTyped
from k8s_tutor.ui.text import ACCENT, BAD, DIM, GOOD, WAIT, block, line, plain
from k8s_tutor.ui.widgets.rows import Line, Row, Rows
from k8s_tutor.ui.widgets.statusbar import Strip
from k8s_tutor.ui.widgets.suggestions import Suggestions
from k8s_tutor.ui.widgets.yaml_area import YamlArea, next_indent

__all__ = ["EditorPane", "YamlArea", "next_indent"]

HELP = """
The manifest: your own file, with what each line is for below it.

The file lies in your folder of this lab; another editor may change it too, and nothing is overwritten silently.
What is wrong is told while you type: by YAML's rules, by the cluster's own schema, and by the API server itself.

  ●  not saved yet
  ✗ 4:7  a problem in line 4, column 7, and what mends it
  [3]  what the numbered line is for; ≡ what the cluster's schema says of the field

  enter, e  into the text; esc out of it, then letters are keys again
  a  save and apply (out of the text); what would change is shown before
  S, ctrl+s  save
  m  have the lab's manifest typed for you (asks if something is typed)
  x, F2  the schema's word on the field under the cursor, in place of the lesson's, and back
  ctrl+space  what can be written at the cursor
  D, ctrl+r  take the file on disk in place of what is typed, where the two disagree
"""
"""What F1 shows while this pane is in focus."""

MOST_PROBLEMS = 3
"""Problems told below the text, that of the cursor's line first."""


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
        self.trouble = ""
        self._told: tuple[Draft, ...] = ()
        self._problems: tuple[Problem, ...] = ()
        self._accepted = False
        self._explanation: Explanation | None = None
        self.prefers_schema = False

    def compose(self) -> ComposeResult:
        """Names, text, notes."""
        yield Strip(id="files")
        yield YamlArea("", show_line_numbers=True, soft_wrap=False, id="editor")
        yield Line(id="editor-note")
        yield Rows(id="problems")
        yield Rows(id="callout")
        yield Rows(id="applied")
        yield Suggestions()

    def on_mount(self) -> None:
        """Nothing was applied yet."""
        self.query_one("#applied").display = self.query_one("#problems").display = False
        self._annotate()
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

    def drafts(self) -> tuple[Draft, ...]:
        """All typed text that is not on disk."""
        return tuple(Draft(item.name, item.text, item.base) for item in self._buffers.values() if item.dirty)

    def restore(self, drafts: Sequence[Draft]) -> list[str]:
        """Bring back what was typed and not saved when the tutor ended; names of the files. The disk stays as it is."""
        back = []
        for draft in drafts:
            if self._buffers.setdefault(draft.name, Buffer(draft.name)).restore(draft.text, draft.base):
                back.append(draft.name)
                if draft.name == self.current:
                    self._load()
        self._refresh_notes()
        return back

    def show_trouble(self, why: str) -> None:
        """Say below the text why it is not on disk; empty once it can be written again."""
        self.trouble = why
        self._refresh_notes()

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
            self.query_one("#applied", Rows).show(())
            self._annotate()
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
        self.trouble = ""
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
        if self.buffer.conflict or self.buffer.restored:
            self.buffer.take_disk()
            self._load()
            self._refresh_notes()

    @on(TextArea.Changed)
    def _typed(self, event: TextArea.Changed) -> None:
        event.stop()
        self.buffer.text = self.text
        self._stale()
        self._refresh_notes()

    @on(TextArea.SelectionChanged)
    def _moved(self, event: TextArea.SelectionChanged) -> None:
        event.stop()
        self.query_one(Suggestions).follow(*self.query_one(YamlArea).cursor_location)
        self._explanation = None
        self._show_problems()
        self._show_callout()
        self.post_message(CursorMoved())

    @on(TabChosen)
    def _file_chosen(self, event: TabChosen) -> None:
        event.stop()
        self.open_file(event.tab_id)

    def _annotate(self) -> None:
        manifest = next((item for item in self._lab.manifests if item.name == self.current), None)
        callouts = manifest.callouts if manifest is not None else ()
        self.query_one(YamlArea).annotate({callout.number: callout.text for callout in callouts})

    def _load(self) -> None:
        area = self.query_one(YamlArea)
        at = area.cursor_location
        self._problems = ()
        self.query_one(Suggestions).display = False
        with self.prevent(TextArea.Changed):
            area.load_text(self.buffer.text)
        last = area.document.line_count - 1
        row = min(at[0], last)
        area.move_cursor((row, min(at[1], len(area.document.get_line(row)))))
        self._stale()

    def _refresh_notes(self) -> None:
        if not self.is_mounted:
            return
        drafts = self.drafts()
        if drafts != self._told:
            self._told = drafts
            self.post_message(Drafted())
        tabs = tuple((name, name, line(("●", WAIT)) if item.dirty else line()) for name, item in self._buffers.items())
        self.query_one("#files", Strip).show_tabs(tabs, self.current)
        self.query_one("#editor-note", Line).show(self._note())
        self._show_callout()

    def _note(self) -> Content:
        item = self.buffer
        if item.conflict:
            return line(
                ("! Another program changed this file. ", WAIT),
                ("ctrl+s keeps yours, ctrl+r takes the one on disk.", WAIT),
            )
        if item.dirty and self.trouble:
            return line(("! not saved: ", WAIT), (f"{plain(self.trouble, 120)}; it is tried again by itself", WAIT))
        if item.dirty and item.restored:
            return line(
                ("● brought back: typed before, never saved  ", WAIT), ("ctrl+s saves it, ctrl+r drops it", DIM)
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
        if self.query(YamlArea) and self.query("#suggestions"):  # neither is there any more while the screen goes
            if not self._typing:
                self.query_one(Suggestions).display = False
            self._refresh_notes()

    # -- problems, explanation, completion

    @property
    def cursor(self) -> tuple[int, int]:
        """Row and column of the cursor, from 0."""
        return self.query_one(YamlArea).cursor_location

    def _stale(self) -> None:
        """The text is another one: what was said of it stays until the next word, which is a moment away."""
        self._accepted = False
        self._show_problems()
        self.post_message(TextTyped())

    def show_problems(self, found: Sequence[Problem], *, accepted: bool = False) -> None:
        """What is wrong in the text as it stands; ``accepted``: the server would take it."""
        self._problems, self._accepted = tuple(found), accepted
        self.query_one(YamlArea).mark(self._problems)
        self._show_problems()

    def _show_problems(self) -> None:
        row = self.cursor[0] + 1
        ordered = sorted(self._problems, key=lambda item: (item.line != row, item.line, item.column))
        rows: list[Row] = [_problem_row(item) for item in ordered[:MOST_PROBLEMS]]
        if len(ordered) > MOST_PROBLEMS:
            rows.append((line(), line((f"and {len(ordered) - MOST_PROBLEMS} more", DIM))))
        if self._accepted and not rows:
            rows = [(line(("✓ ", GOOD)), line(("no problems: the cluster would take this", DIM)))]
        self.query_one("#problems", Rows).show(rows)

    def show_explanation(self, found: Explanation | None) -> None:
        """What the cluster's schema says of the field under the cursor."""
        self._explanation = found
        self._show_callout()

    def toggle_explanation(self) -> None:
        """The schema's word in place of the lesson's callout, and back."""
        self.prefers_schema = not self.prefers_schema
        self._show_callout()

    def show_completion(self, found: Completion) -> None:
        """Choices at the cursor; nothing where there are none."""
        area = self.query_one(YamlArea)
        at = area.cursor_screen_offset - self.region.offset
        self.query_one(Suggestions).show(found, area, at)

    @on(YamlArea.Complete)
    def _completion_wanted(self, event: YamlArea.Complete) -> None:
        event.stop()
        self.post_message(CompletionWanted())

    def _show_callout(self) -> None:
        manifest = next((item for item in self._lab.manifests if item.name == self.current), None)
        found = explain(manifest, self.text, self.query_one(YamlArea).cursor_location[0])
        field = self._explanation
        rows: list[Row] = []
        if field is not None and (found is None or self.prefers_schema):
            what = f"{plain(field.path, 160)}  {plain(field.type, 60)}{', required' if field.required else ''}"
            rows = [(line(("≡ ", ACCENT)), line((what, "bold"))), (line("  "), line(block(field.text, limit=600)))]
        elif found is not None:
            rows = [(line((f"[{found[0]}] ", ACCENT)), line(block(found[1], limit=600)))]
        elif manifest and manifest.callouts:
            rows = [(line(), line(("move the cursor onto a line to read what it is for", DIM)))]
        self.query_one("#callout", Rows).show(rows)


def _problem_row(item: Problem) -> Row:
    told = plain(item.message, 300) + (f"; {plain(item.fix, 200)}" if item.fix else "")
    who = "the cluster says: " if item.source == "server" else ""
    return line((f"✗ {item.line}:{item.column} ", BAD)), line((who, DIM), told)
