"""The live cluster's pane on the lab screen: its views by key, and the watch that one of them needs."""

from __future__ import annotations

from collections.abc import Callable

from textual import on
from textual.message import Message

from k8s_tutor.session.system import System
from k8s_tutor.ui.screens.lab_deeds import LabDeeds
from k8s_tutor.ui.widgets.cluster import ClusterPane
from k8s_tutor.ui.widgets.cluster.pane import SystemWanted


class SystemChanged(Message):
    """There is news of the cluster's own parts. A newer one replaces those that still wait."""

    def __init__(self, system: System) -> None:
        super().__init__()
        self.system = system

    def can_replace(self, message: Message) -> bool:
        """Only the newest state counts."""
        return isinstance(message, SystemChanged)


class LabCluster(LabDeeds):
    """The part of the lab screen that minds the cluster's pane."""

    _stop_system: Callable[[], None] | None = None

    def action_next_view(self) -> None:
        """The next view of the live cluster; where it is not on screen, it comes there first."""
        pane = self.query_one(ClusterPane)
        if pane.looked_at:
            pane.next_view()
        else:
            self.action_show("cluster")

    @on(SystemWanted)
    def _system_wanted(self, message: SystemWanted) -> None:
        message.stop()
        self._end_system()
        if message.wanted:
            self._stop_system = self.session.watch_system(self._system_heard)

    def _system_heard(self, system: System) -> None:
        """Called from the watch's thread."""
        self.post_message(SystemChanged(system))

    @on(SystemChanged)
    def _system_changed(self, message: SystemChanged) -> None:
        message.stop()
        self.query_one(ClusterPane).show_system(message.system)

    def on_screen_suspend(self) -> None:
        """Another screen came over this one; behind a dialogue the pane is still seen."""
        self.query_one(ClusterPane).suspend(not self.app.screen.is_modal)

    def on_screen_resume(self) -> None:
        """This one is on top again."""
        if self.query(ClusterPane):
            self.query_one(ClusterPane).suspend(False)

    def on_unmount(self) -> None:
        """Nobody looks any more."""
        self._end_system()

    def _end_system(self) -> None:
        stop, self._stop_system = self._stop_system, None
        if stop is not None:
            stop()
