"""The line on top: where the learner is, how far, and whether the cluster is heard."""

from __future__ import annotations

import math
import time
from typing import TYPE_CHECKING

from textual import events
from textual.content import Content
from textual.reactive import reactive
from textual.timer import Timer
from textual.widget import Widget
from textual.widgets import Static

from k8s_tutor.ui.messages import TabChosen
from k8s_tutor.ui.text import ACCENT, BAD, DIM, GOOD, STRONG, WAIT, bar, clock, line, lines, plain, span

if TYPE_CHECKING:  # a start waits for none of these
    from k8s_tutor.clusters.provider import Cluster
    from k8s_tutor.session.state import LabState


class StatusBar(Widget):
    """One line in three parts; the middle, then the right part give way when there is no room."""

    left: reactive[Content] = reactive(Content, layout=False)
    middle: reactive[Content] = reactive(Content, layout=False)
    right: reactive[Content] = reactive(Content, layout=False)

    def render(self) -> Content:
        """Left, middle and right on one line of the width there is."""
        width = self.size.width - 2
        left, middle, right = self.left, self.middle, self.right
        if left.cell_length + middle.cell_length + right.cell_length + 4 > width:
            right = right.truncate(max(0, width - left.cell_length - middle.cell_length - 4), ellipsis=True)
        if left.cell_length + middle.cell_length + 2 > width:
            left = left.truncate(max(1, width - middle.cell_length - 2), ellipsis=True)
        gap = max(0, width - left.cell_length - middle.cell_length - right.cell_length)
        before = min(gap, max(2, (width - middle.cell_length) // 2 - left.cell_length)) if width >= 100 else min(gap, 2)
        return line(" ", left, " " * before, middle, " " * (gap - before), right, " ")

    def show_lab(self, state: LabState, cluster: Cluster) -> None:
        """Lab, progress, link."""
        done, total = sum(step.done for step in state.steps), len(state.steps)
        self.left = line((plain(state.lab.title, 60), STRONG))
        self.middle = line(
            (f"{done} of {total}  ", DIM if done < total else GOOD), bar(done, total, min(15, total + 5))
        )
        self.right = line((f"{plain(cluster.provider, 20)} · {plain(cluster.namespace, 40)}  ", DIM), link_sign(state))


def link_sign(state: LabState) -> Content:
    """Sign and word for the connection to the API server."""
    if state.live:
        return line(("● live", GOOD))
    if state.lost:
        return line(("✗ not heard", BAD))
    return line(("◐ connecting", WAIT))


class Banner(Static):
    """A calm line that stays as long as something is wrong, says what is being done about it, and goes by itself."""

    def __init__(self) -> None:
        super().__init__("", markup=False, id="banner")
        self.display = False
        self._state: LabState | None = None
        self._ticking: Timer | None = None

    def show_state(self, state: LabState) -> None:
        """Show the line, or take it away."""
        self._state = state
        self.display = state.lost or bool(state.notes)
        if state.lost and self._ticking is None:
            self._ticking = self.set_interval(1.0, self._paint)
        elif not state.lost and self._ticking is not None:
            self._ticking.stop()
            self._ticking = None
        self._paint()

    def _paint(self) -> None:
        state = self._state
        if state is None or not self.display:
            return
        rows = [line(("! ", WAIT), (plain(note, 300), DIM)) for note in state.notes[:3]]
        if state.lost:
            rows.insert(0, line(*lost_link(state, time.time())))
        self.update(lines(rows))


LONG_LOST = 20.0
"""Seconds after which the banner says what the learner can do."""


def lost_link(state: LabState, now: float) -> list[tuple[str, str]]:
    """What is wrong with the link, what is being done, and that nothing is lost; ``now`` is Unix time."""
    since = f"since {clock(state.heard)} ({span(now - state.heard)})" if state.heard else "yet"
    said = plain(state.trouble, 300).rstrip(".")
    why = f" {said[:1].upper()}{said[1:]}." if said else ""
    left = state.again - now
    again = f"Next try in {max(1, math.ceil(left))} s" if left > 0 else "Trying now"
    parts = [
        ("! The cluster has not been heard ", WAIT),
        (since, WAIT),
        (f".{why} {again}; nothing is lost, and it goes on by itself.", DIM),
    ]
    if state.heard and now - state.heard > LONG_LOST:
        parts.append((" If it was stopped: b, then Enter, starts it again.", WAIT))
    return parts


class Strip(Widget):
    """Names side by side, one of them chosen; a click or a key chooses. ``badges`` stand after a name."""

    chosen: reactive[str] = reactive("")

    def __init__(self, *, id: str) -> None:  # noqa: A002 - Textual's word
        super().__init__(id=id)
        self._tabs: tuple[tuple[str, str, Content], ...] = ()

    def show_tabs(self, tabs: tuple[tuple[str, str, Content], ...], chosen: str) -> None:
        """Show (id, name, badge) in this order."""
        if tabs != self._tabs or chosen != self.chosen:
            self._tabs = tabs
            self.chosen = chosen
            self.refresh()

    def _pieces(self) -> list[tuple[str, Content]]:
        pieces = []
        for tab_id, name, badge in self._tabs:
            style = f"bold underline {ACCENT}" if tab_id == self.chosen else DIM
            text = line((plain(name, 60), style))
            pieces.append((tab_id, line(text, " ", badge) if badge.plain else text))
        return pieces

    def render(self) -> Content:
        """The names, three spaces apart; the chosen one underlined, so that it shows without colour."""
        return line(" ", Content("   ").join([piece for _, piece in self._pieces()]))

    def tab_at(self, x: int) -> str | None:
        """The tab whose name is at this column."""
        at = 1
        for tab_id, piece in self._pieces():
            if at - 1 <= x <= at + piece.cell_length:
                return tab_id
            at += piece.cell_length + 3
        return None

    def on_click(self, event: events.Click) -> None:
        """Choose what was clicked."""
        tab = self.tab_at(event.x)
        if tab is not None:
            self.post_message(TabChosen(self.id or "", tab))
