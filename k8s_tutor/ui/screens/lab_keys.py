"""The lab screen's keys that do nothing to the cluster: why one is dimmed, zoom, the split, help for a pane."""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual import on
from textual.css.query import NoMatches
from textual.widget import Widget

from k8s_tutor.session.hints import hints_of
from k8s_tutor.ui.messages import TextTyped
from k8s_tutor.ui.reasons import Reasons
from k8s_tutor.ui.settings import LEAST, MOST
from k8s_tutor.ui.text import plain
from k8s_tutor.ui.widgets.divider import Divider
from k8s_tutor.ui.widgets.editor import EditorPane

if TYPE_CHECKING:
    from k8s_tutor.session.state import LabState, StepState
    from k8s_tutor.ui.app import TutorApp

PLACES = {
    "reading": "lesson",
    "standing": "results",
    "manifest": "manifest",
    "terminal": "terminal",
    "cluster": "cluster",
}
"""The pane that each part of the screen belongs to."""


class LabKeys(Reasons):
    """The part of the lab screen that answers keys by itself."""

    if TYPE_CHECKING:
        state: LabState
        viewed: int
        active: str
        _asked_ahead: int

        @property
        def tutor(self) -> TutorApp: ...  # noqa: D102 - the screen's
        @property
        def step(self) -> StepState: ...  # noqa: D102 - the screen's
        def action_show(self, pane: str) -> None: ...  # noqa: D102 - the screen's
        def _show_tabs(self) -> None: ...
        def _balance(self) -> None: ...

    # -- why a key can do nothing now

    def why_not(self, action: str, parameters: tuple[object, ...] = ()) -> str:
        """In one line; empty if it can."""
        why = getattr(self, f"_why_not_{action}", None)
        if why is None or not self.is_mounted:
            return super().why_not(action, parameters) if self.is_mounted else ""
        # Asked for each key of the footer: a pane is not searched for before it is needed.
        try:
            return str(why())
        except NoMatches:  # the screen is being made, or taken away
            return ""

    def _why_not_hint(self) -> str:
        hints = hints_of(self.step.step)
        if not hints:
            return "no hints in this step: its text says it all."
        if self.step.hints_shown >= hints:
            return "that were all hints of this step. s does it for you."
        return ""

    def _why_not_next(self) -> str:
        step = self.step
        required = [check for check in step.checks if not check.spec.optional]
        if not step.done and required and self._asked_ahead != self.viewed:
            missing = next((check for check in required if not check.passed), required[0])
            return f"not done yet: {plain(missing.spec.title, 120)}. n once more looks ahead all the same."
        if step.done and self.viewed >= len(self.state.steps) - 1:
            return "this is the last step. b leads back to the labs."
        return ""

    def _why_not_previous(self) -> str:
        return "this is the first step." if self.viewed == 0 else ""

    def _why_not_apply(self) -> str:
        editor = self.query_one(EditorPane)
        if not editor.current:
            return "nothing to apply: this lab has no manifest."
        # What is on disk may be newer than what is shown: only an empty text of a file that is not there is nothing.
        empty = not editor.text.strip() and not editor.buffer.base
        return "there is nothing to apply: the file is empty. m types it for you." if empty else ""

    def _why_not_fill(self) -> str:
        name = self.query_one(EditorPane).current
        there = any(item.name == name for item in self.state.lab.manifests)
        return "" if there else f"the lab has no manifest {plain(name, 60)} to copy.".replace("  ", " ")

    def _why_not_save(self) -> str:
        item = self.query_one(EditorPane).buffer
        return "" if item.dirty or item.conflict else "nothing to save: the file on disk is what you see."

    def _why_not_take_disk(self) -> str:
        item = self.query_one(EditorPane).buffer
        return "" if item.conflict or item.restored else "nothing to drop: no other program changed this file."

    def _why_not_solve(self) -> str:
        return "" if self.step.step.solution else "there is nothing to do for you in this step."

    def _why_not_zoom(self) -> str:
        return "there is one pane at this width already; 1 to 5 change it." if self.narrow else ""

    def _why_not_split(self) -> str:
        return "there is nothing to share out: one pane has the whole width." if self.single else ""

    def told_why(self, action: str) -> None:
        """Asked twice, ``n`` looks ahead."""
        if action == "next":
            self._asked_ahead = self.viewed

    @on(TextTyped)
    def _typed(self) -> None:
        """The first letter makes a file one that can be saved."""
        self.refresh_bindings()

    def action_take_disk(self) -> None:
        """Drop what is typed."""
        self.query_one(EditorPane).action_take_disk()

    @property
    def focus_chain(self) -> list[Widget]:
        """Where tab leads: everywhere but into the shell, which would keep the keys."""
        return [widget for widget in super().focus_chain if getattr(widget.parent, "id", "") != "terminal"]

    # -- zoom

    @property
    def narrow(self) -> bool:
        """Whether there is room for one pane only."""
        return self.has_class("-narrow")

    @property
    def single(self) -> bool:
        """Whether one pane has the whole width."""
        return self.narrow or self.has_class("zoomed")

    @property
    def pane(self) -> str:
        """The pane in focus; the one that was shown last if none is."""
        node = self.focused
        while isinstance(node, Widget):
            if node.id in PLACES:
                return PLACES[node.id]
            node = node.parent if isinstance(node.parent, Widget) else None
        return self.active

    def action_zoom(self) -> None:
        """The pane in focus alone, and back."""
        if self.has_class("zoomed"):
            self.remove_class("zoomed")
        else:
            pane, focused = self.pane, self.focused
            self.action_show(pane)
            self.add_class("zoomed")
            if focused is not None:
                focused.focus()
        self.share_out()
        self._show_tabs()
        self.refresh_bindings()

    # -- the split

    def share_out(self) -> None:
        """Give each pane its share of the width."""
        left, cluster = self.query_one("#left"), self.query_one("#cluster")
        three = self.has_class("-three")
        for pane in (left, cluster):
            pane.styles.clear_rule("width")
        if not self.single:
            # In cells: the cluster's pane lies in another one, whose per cents are not the screen's.
            share = self.tutor.three[0] if three else self.tutor.split[0]
            left.styles.width = self.size.width * share // 100
        if not self.single and three:
            cluster.styles.width = self.size.width * self.tutor.three[1] // 100
        self.query_one("#divider-left").display = not self.single
        self.query_one("#divider-cluster").display = not self.single and three
        self.call_after_refresh(self._balance)

    def action_split(self, by: int) -> None:
        """Move the dividing line: with three panes that of the cluster while it is in focus."""
        if self.has_class("-three") and self.pane == "cluster":
            self._move_split("cluster", self.tutor.three[1] - by)
        else:
            self._move_split("left", (self.tutor.three if self.has_class("-three") else self.tutor.split)[0] + by)
        self.tutor.keep_split(three=self.has_class("-three"))

    @on(Divider.Moved)
    def _divider_moved(self, message: Divider.Moved) -> None:
        message.stop()
        self._move_split("cluster" if message.divider.id == "divider-cluster" else "left", message.share)
        if message.dropped:
            self.tutor.keep_split(three=self.has_class("-three"))

    def _move_split(self, which: str, share: int) -> None:
        app = self.tutor
        share = max(LEAST, min(MOST, share))
        if not self.has_class("-three"):
            app.split = (share,)
        elif which == "left":
            app.three = (min(share, 100 - LEAST - app.three[1]), app.three[1])
        else:
            app.three = (app.three[0], min(share, 100 - LEAST - app.three[0]))
        self.share_out()
