"""The live cluster: workloads as a tree, Services with who is behind them, the last events."""

from __future__ import annotations

import time

from textual.app import ComposeResult
from textual.containers import VerticalScroll
from textual.content import Content
from textual.widgets import Static

from k8s_tutor.kube.record import Record
from k8s_tutor.ui.picture import picture
from k8s_tutor.ui.text import lines


class ObjectsPane(VerticalScroll):
    """Repainted when the record changed, and once a second while something ages; only if the text differs."""

    def __init__(self) -> None:
        super().__init__(id="cluster", can_focus=True)
        self._record: Record | None = None
        self._ahead = 0.0
        self._painted: Content | None = None

    def compose(self) -> ComposeResult:
        """One text."""
        yield Static("", markup=False, id="picture")

    def on_mount(self) -> None:
        """Ages tick."""
        self.set_interval(1.0, self.tick)

    def show_record(self, record: Record) -> None:
        """Take over what is known now."""
        self._record = record
        self._ahead = record.now - time.time()
        self.tick()

    def tick(self) -> None:
        """Paint, if anything reads differently."""
        if self._record is None or not self.is_mounted:
            return
        text = lines(picture(self._record, time.time() + self._ahead))
        before = self._painted
        if before is not None and text.is_same(before):
            return
        self._painted = text
        # Ages tick within their lines: laying out the whole screen anew each second costs a tenth of a core.
        grown = before is None or text.plain.count("\n") != before.plain.count("\n")
        self.query_one("#picture", Static).update(text, layout=grown)
