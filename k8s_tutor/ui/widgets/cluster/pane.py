"""The live cluster in four views: tree, tables, nodes, events. Fed by the session's record; decides nothing."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, cast

from textual import on
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.content import Content
from textual.message import Message
from textual.timer import Timer

from k8s_tutor.kube.record import Record
from k8s_tutor.session.system import System
from k8s_tutor.ui.messages import CommandChosen, TabChosen
from k8s_tutor.ui.picture.events import events
from k8s_tutor.ui.picture.model import Model
from k8s_tutor.ui.picture.nodes import nodes
from k8s_tutor.ui.picture.row import Row, Rows
from k8s_tutor.ui.picture.tables import table_rows, tables
from k8s_tutor.ui.picture.tree import tree
from k8s_tutor.ui.text import GOOD, WAIT, line
from k8s_tutor.ui.widgets.cluster.rows import ClusterRows
from k8s_tutor.ui.widgets.statusbar import Strip

if TYPE_CHECKING:
    from k8s_tutor.ui.app import TutorApp

VIEWS = {"tree": "Tree", "tables": "Tables", "nodes": "Nodes", "events": "Events"}
KINDS: dict[str, tuple[str, ...] | None] = {"tree": None, "tables": None, "nodes": ("Pod",), "events": ("Event",)}
"""The kinds that a view reads (None: all)."""
SHARE = 6.0
"""After an update the pane rests so many times as long as it took: with what Textual adds that is at most about a fifth
of a core, however much changes."""
YIELDS = 6.0
"""So many times longer while somebody types: with thousands of pods an update takes as long as a key may wait."""
TYPING = 1.0
"""Seconds for which a key counts as typing."""

HELP = """
The live cluster: the objects of your namespace as they are now, by whoever changed them.

  ●  ready
  ◐  on its way
  ✗  something is wrong, or (struck through) gone a moment ago
  new  appeared a moment ago, before your eyes
  →  the Service whose requests reach this pod
  ! stray  a pod that a Service's selector caught though it is not of the Service's Deployment

  g  the next view: tree, tables, nodes with the cluster's own parts, events (or click its name)
  up, down  from object to object; page up, page down, home, end as everywhere
  left, right  look further to the side where a line is longer than the pane
  enter  kubectl describe of the object, at the terminal's prompt (or double click; it is never run for you)
  y  kubectl get -o yaml of the object, at the terminal's prompt
"""
"""What F1 shows while this pane is in focus."""


class SystemWanted(Message):
    """The pane wants to hear of the cluster's own parts, or no more."""

    def __init__(self, *, wanted: bool) -> None:
        super().__init__()
        self.wanted = wanted


class ClusterPane(Vertical):
    """Brought up to date when the record changed and the pane is on screen; ages tick once a second."""

    def __init__(self) -> None:
        super().__init__(id="cluster")
        self.view = "tree"
        self._record: Record | None = None
        self._system: System | None = None
        self._model = Model()
        self._rows = Rows()
        self._tables = tables()
        self._ahead = 0.0
        self._seen = False
        self._suspended = False
        self._wants = False
        self._waiting: Timer | None = None
        self._rest_until = 0.0
        self._spent_before = 0.0

    def compose(self) -> ComposeResult:
        """The views' names, then the rows of one."""
        yield Strip(id="views")
        yield ClusterRows(self.now)

    @property
    def rows(self) -> ClusterRows:
        """The list."""
        return self.query_one(ClusterRows)

    @property
    def looked_at(self) -> bool:
        """Whether it is on screen."""
        return self._seen and not self._suspended

    def now(self) -> float:
        """The record's clock, ticking."""
        return time.time() + self._ahead

    def focus(self, scroll_visible: bool = True, from_app_focus: bool = False) -> ClusterPane:
        """The keys go to the rows."""
        self.rows.focus(scroll_visible)
        return self

    # -- when it works

    def on_mount(self) -> None:
        """Ages tick."""
        self._names()
        self.set_interval(1.0, self.tick)

    def on_show(self) -> None:
        """It came on screen."""
        self._seen = True
        self._look()

    def on_hide(self) -> None:
        """It left the screen: it costs nothing until it is back."""
        self._seen = False
        self._look()

    def suspend(self, suspended: bool) -> None:
        """Another screen covers this one, or no more."""
        self._suspended = suspended
        self._look()

    def _look(self) -> None:
        wanted = self.looked_at and self.view == "nodes"
        if wanted is not self._wants:
            self._wants = wanted
            self._system = None
            self.post_message(SystemWanted(wanted=wanted))
        if self.looked_at:
            self._update()

    def show_record(self, record: Record) -> None:
        """Take over what is known now: at once, or after a short rest when the last time took long."""
        self._record = record
        self._ahead = record.now - time.time()
        self._soon()

    def show_system(self, system: System) -> None:
        """Take over what is known of the cluster's own parts."""
        if self._wants:
            self._system = system
            self._soon()

    def _soon(self) -> None:
        if not self.looked_at or self._waiting is not None:
            return
        left = self._rest_until - time.monotonic()
        if left > 0:
            self._waiting = self.set_timer(left, self._update)
        else:
            self._update()

    def tick(self) -> None:
        """A second passed."""
        if self.looked_at and self._record is not None and self._waiting is None:
            if self._model.expire(self.now()):
                self._update()
            else:
                self.rows.tick()

    # -- what it shows

    def _update(self) -> None:
        if self._waiting is not None:
            self._waiting.stop()
            self._waiting = None
        if self._record is None or not self.is_mounted:
            return
        began = time.thread_time()
        painting, self._spent_before = self.rows.spent - self._spent_before, self.rows.spent
        self._model.take(self._record, KINDS[self.view])
        if self._system is not None:
            self._model.take_parts(self._system.record)
        self._model.expire(self.now())
        self._rows.begin()
        listed = self._list()
        self._rows.end()
        self.rows.show(listed, tail=self.view == "events")
        self._names()
        now = time.monotonic()
        share = SHARE * YIELDS if now - cast("TutorApp", self.app).keyed_at < TYPING else SHARE
        self._rest_until = now + (time.thread_time() - began + painting) * share

    def _list(self) -> list[Row]:
        now = self.now()
        if self.view == "tables":
            return table_rows(self._rows, self._model, self._tables, now)
        if self.view == "events":
            return events(self._rows, self._model, now)
        if self.view == "nodes":
            system = self._system
            missing, trouble = (system.missing, system.trouble) if system is not None else ("", "")
            return nodes(self._rows, self._model, now, missing, trouble, asked=system is not None)
        return tree(self._rows, self._model, now)

    def _names(self) -> None:
        pods = self._model.shelf("Pod")
        there, ready = pods.there, pods.ready
        badge = line((f"{ready}/{there}", GOOD if ready == there else WAIT)) if there else Content()
        names = tuple((view, name, badge if view == "tree" else line()) for view, name in VIEWS.items())
        self.query_one("#views", Strip).show_tabs(names, self.view)

    # -- what the learner does

    def show_view(self, view: str) -> None:
        """Another view; it is shown from its beginning."""
        if view in VIEWS and view != self.view:
            self.view = view
            self._rows = Rows()
            if view == "tables":
                self._tables = tables()
            self.rows.home()
            self._look()
            self._names()

    def next_view(self) -> None:
        """The next view in the strip's order."""
        order = list(VIEWS)
        self.show_view(order[(order.index(self.view) + 1) % len(order)])

    @on(TabChosen)
    def _view_chosen(self, message: TabChosen) -> None:
        message.stop()
        self.show_view(message.tab_id)

    @on(ClusterRows.Chosen)
    def _object_chosen(self, message: ClusterRows.Chosen) -> None:
        message.stop()
        target = message.target
        if target is None:
            return
        command = target.command("get", tail=" -o yaml") if message.yaml else target.command("describe")
        if command:
            self.post_message(CommandChosen(command))
        else:
            self.app.notify("This name is not one to put at a shell's prompt.", markup=False)
