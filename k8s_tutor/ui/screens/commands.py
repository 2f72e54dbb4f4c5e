"""The command log: what the tutor itself did on the cluster, each with the kubectl command that does the same."""

from __future__ import annotations

from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.screen import ModalScreen
from textual.timer import Timer
from textual.widgets import OptionList, Static
from textual.widgets.option_list import Option

from k8s_tutor.session.journal import Entry, How, Journal
from k8s_tutor.ui.messages import JournalChanged
from k8s_tutor.ui.text import ACCENT, BAD, DIM, STRONG, WAIT, clock, line, lines, plain
from k8s_tutor.ui.widgets.rows import wrapped

BREATH = 0.2
"""Seconds in which what comes is gathered before the list is made anew."""
_HOW = {
    How.RUNNING: ("◐", "running", WAIT),
    How.DONE: ("·", "done", DIM),
    How.FAILED: ("✗", "refused", BAD),
    How.OPEN: ("∞", "goes on", DIM),
}


class CommandsScreen(ModalScreen[str | None]):
    """A list, the newest at the end; Enter or a click gives a command back, for the learner's prompt."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,c,q", "close", "close", key_display="esc", tooltip="Back"),
        Binding("y", "copy", "copy", tooltip="Copy the command"),
    ]

    def __init__(self, journal: Journal) -> None:
        super().__init__()
        self._journal = journal
        self._unsubscribe = journal.subscribe(lambda: self.post_message(JournalChanged()))
        self._shown: tuple[Entry, ...] = ()
        self._soon: Timer | None = None
        self._width = 0

    def compose(self) -> ComposeResult:
        """A title, the list, the keys."""
        with Vertical(classes="dialog wide", id="commands-box"):
            yield Static(
                line(("What the tutor did itself", STRONG), ("   as you would do it with kubectl", DIM)), markup=False
            )
            yield OptionList(id="commands", markup=False)
            yield Static(
                line(
                    ("⏎ ", ACCENT), ("at your prompt   ", DIM), ("y ", ACCENT), ("copy   ", DIM),
                    ("esc ", ACCENT), ("back", DIM),
                ),
                markup=False,
            )  # fmt: skip

    def on_mount(self) -> None:
        """Show what is there, the newest in view."""
        self._fill()
        self.query_one(OptionList).focus()

    def on_resize(self) -> None:
        """Lines of another width."""
        self.call_after_refresh(self._fill)

    def on_unmount(self) -> None:
        """Nothing is listened to any more."""
        self._unsubscribe()

    @on(JournalChanged)
    def _changed(self, message: JournalChanged) -> None:
        message.stop()
        if self._soon is None:
            self._soon = self.set_timer(BREATH, self._fill)

    def _fill(self) -> None:
        self._soon = None
        entries = self._journal.entries()
        rows = self.query_one(OptionList)
        if entries == self._shown and abs(rows.scrollable_content_region.width - self._width) <= 1:
            return
        at = rows.highlighted
        kept = self._shown[at].number if at is not None and at < len(self._shown) - 1 else None
        top = rows.scroll_y
        self._shown, self._width = entries, rows.scrollable_content_region.width
        # A scroll bar that is still to come takes a column.
        width = max(20, self._width - 1)
        rows.set_options([Option(entry_text(entry, width), id=str(entry.number)) for entry in entries])
        numbers = [entry.number for entry in entries]
        if kept in numbers:  # who reads further up is left there
            rows.highlighted = numbers.index(kept)
            rows.scroll_to(y=top, animate=False)
        else:
            rows.highlighted = len(entries) - 1

    @on(OptionList.OptionSelected)
    def _selected(self, event: OptionList.OptionSelected) -> None:
        event.stop()
        self.dismiss(self._shown[event.option_index].command)

    def action_copy(self) -> None:
        """The command that is marked, to the clipboard."""
        at = self.query_one(OptionList).highlighted
        if at is not None and at < len(self._shown):
            command = plain(self._shown[at].command, 4_000)
            self.app.copy_to_clipboard(command)
            self.app.notify(f"Copied: {command[:300]}", markup=False)

    def action_close(self) -> None:
        """Back to the lab."""
        self.dismiss(None)


def entry_text(entry: Entry, width: int) -> Content:
    """Time, sign and command; below it what it was for, how it ended and how long it took, in lines of this width."""
    sign, word, colour = _HOW[entry.how]
    times = f"  ×{entry.times}" if entry.times > 1 else ""
    seconds = "" if entry.how in (How.OPEN, How.RUNNING) else f" · {took(entry.seconds)}"
    result = f" · {plain(entry.result, 300)}" if entry.result else ""
    head = line((f"{clock(entry.at)} ", DIM), (f"{sign} ", colour))
    command = line((plain(entry.command, 1_000), ACCENT), (times, DIM))
    said = line((f"{plain(entry.why, 200)} · ", DIM), (word, colour), (f"{result}{seconds}", DIM))
    return lines(wrapped([(head, command), (line(" " * head.cell_length), said)], width))


def took(seconds: float) -> str:
    """``12 ms``, ``1.4 s``."""
    return f"{seconds * 1000:.0f} ms" if seconds < 1 else f"{seconds:.1f} s"
