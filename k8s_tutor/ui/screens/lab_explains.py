"""The part of the lab screen that explains: what happened to an object, who answered, what came of the lab."""

from __future__ import annotations

import re
from collections.abc import Sequence

from k8s_tutor.session.asking import service_for
from k8s_tutor.session.state import LabState, Link
from k8s_tutor.session.summary import Saved
from k8s_tutor.ui.screens.lab_deeds import LabDeeds
from k8s_tutor.ui.screens.story import StoryScreen
from k8s_tutor.ui.screens.summary import SummaryScreen
from k8s_tutor.ui.screens.who import WhoScreen

_SUBJECT = re.compile(r"([a-z]+/\S{1,253}) (?:created|configured|unchanged)\b")


class LabExplains(LabDeeds):
    """Opens the screens that explain."""

    _applied_subject = ""

    def applied_rows(self, rows: Sequence[str]) -> list[str]:
        """What an apply said, with the way to its story; remembers which object it was."""
        found = [match[1] for row in rows if (match := _SUBJECT.match(row))]
        if found:
            self._applied_subject = found[0]
            return [*rows, "t shows what happened then"]
        return list(rows)

    def action_happened(self) -> None:
        """What followed from the last apply, or from the learner's newest deed."""
        self.app.push_screen(StoryScreen(self.state.record, self._applied_subject))
        self._applied_subject = ""

    def action_who(self) -> None:
        """Who answers behind the Service of this step, or of the lab."""
        service = service_for(self.session.lab, self.step.step, self.state.record)
        self.app.push_screen(WhoScreen(self.session, service, self.tutor.jobs))

    def action_summary(self) -> None:
        """What came of the lab so far; it is saved, too."""

        def shown(saved: Saved) -> None:
            self.app.push_screen(SummaryScreen(saved))

        self._do("summary", self.session.summary, shown, "The summary is being written.")

    def offer_summary(self, before: LabState) -> None:
        """Once the whole lab is done, say where its summary is."""
        if self.state.done and not before.done and before.link is Link.LIVE:
            self.tutor.say("✓ That was the whole lab. u shows your summary and saves it.")

    def tell_screens(self) -> None:
        """A newer state for the screen over this one."""
        top = self.app.screen
        if isinstance(top, StoryScreen):
            top.show_record(self.state.record)
        elif isinstance(top, WhoScreen):
            top.look_again()
