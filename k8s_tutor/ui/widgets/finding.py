"""Pieces of a finding: how long it waits, the line of a file to look at."""

from __future__ import annotations

import time
from typing import ClassVar

from textual import events
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.widget import Widget
from textual.widgets import Static

from k8s_tutor.checks.outcome import Finding
from k8s_tutor.checks.words import duration
from k8s_tutor.session.state import CheckState
from k8s_tutor.ui.messages import PlaceChosen
from k8s_tutor.ui.text import ACCENT, DIM, WAIT, line, plain

FILES = (".yaml", ".yml", ".json")
MOST_PLACES = 2


class Waited(Widget):
    """One line that says for how long a check has been waiting; painted anew each second, never laid out anew."""

    DEFAULT_CSS = "Waited { height: 1; width: 1fr; display: none; }"

    def __init__(self) -> None:
        super().__init__()
        self._since: float | None = None
        self._until: float | None = None

    def show_check(self, check: CheckState) -> None:
        """Take over what the check waits for now; nothing is there unless it waits."""
        self._since, self._until = check.waiting_since, check.outcome.until
        self.display = self._since is not None
        self.refresh()

    def render(self) -> Content:
        """How long, and (where that is known) how long still."""
        return line(("  ", DIM), (waited(self._since, self._until, time.time()), WAIT)) if self._since else Content("")


def waited(since: float | None, until: float | None, now: float) -> str:
    """``for 12 s``; with an end that is known ``for 4 s, 6 s left``."""
    if since is None:
        return ""
    text = f"for {_whole(now - since)}"
    return f"{text}, {_whole(until - now)} left" if until is not None else text


def _whole(seconds: float) -> str:
    return duration(max(10.0, seconds)) if seconds >= 10 else f"{max(0, int(seconds))} s"


class PlaceLine(Static, can_focus=True):
    """A line of the learner's file that a finding names: Enter or a click puts the editor there."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "choose", "to that line", tooltip="Put the editor's cursor on this line")
    ]

    def __init__(self, file: str, number: int) -> None:
        self.file, self.number = file, number
        super().__init__(
            line((f"{'look at':<10}", DIM), (f"line {number} of {plain(file, 100)}", ACCENT), ("  ⏎", DIM)),
            markup=False,
            classes="place",
        )

    def action_choose(self) -> None:
        """To the editor."""
        self.post_message(PlaceChosen(self.file, self.number))

    def on_click(self, event: events.Click) -> None:
        """As Enter."""
        event.stop()
        self.action_choose()


def places(finding: Finding | None) -> list[tuple[str, int]]:
    """The lines of files that a finding names, in its order."""
    found = [(seen.object, seen.line) for seen in finding.seen if seen.line > 0] if finding else []
    return list(dict.fromkeys(place for place in found if place[0].endswith(FILES)))[:MOST_PLACES]
