"""Nothing typed is lost: unsaved text is kept for the next start, and what a full disk refused is tried again."""

from __future__ import annotations

from collections.abc import Sequence

from textual import on
from textual.timer import Timer

from k8s_tutor.errors import EnvironmentFault
from k8s_tutor.session.drafts import Draft
from k8s_tutor.ui.messages import Drafted
from k8s_tutor.ui.screens.lab_deeds import LabDeeds
from k8s_tutor.ui.widgets.editor import EditorPane

KEEP_AFTER = 0.5
"""Seconds of typing that a kill may cost."""
RETRY = 5.0


class LabDrafts(LabDeeds):
    """The part of the lab screen that minds what is typed and not on disk."""

    _drafts_known = False
    _keeping: Timer | None = None
    _saving_again: Timer | None = None

    def bring_back(self) -> None:
        """Offer what was typed and not saved when the tutor ended last time."""
        self.tutor.jobs.start(self, "drafts", self.session.drafts, then=self._brought, failed=self._not_brought)

    def _brought(self, drafts: Sequence[Draft]) -> None:
        back = self.query_one(EditorPane).restore(drafts)
        self._drafts_known = True
        self._keep_soon()
        if back:
            self.tutor.say(
                f"Brought back what you had typed and not saved: {', '.join(back[:4])}. "
                "e shows it; the file on disk is as it was."
            )

    def _not_brought(self, error: Exception) -> None:
        self._drafts_known = True
        self.trouble(error)

    @on(Drafted)
    def _drafted(self, message: Drafted) -> None:
        message.stop()
        self._keep_soon()

    def _keep_soon(self, seconds: float = KEEP_AFTER) -> None:
        # Not before it is known what was kept: it would be written over.
        if self._drafts_known and self._keeping is None:
            self._keeping = self.set_timer(seconds, self._keep)

    def _keep(self) -> None:
        self._keeping = None
        drafts = self.query_one(EditorPane).drafts()
        keep = lambda: self.session.keep_drafts(drafts)  # noqa: E731
        # A disk that takes nothing is told where the learner saves; here it is only tried again.
        if not self.tutor.jobs.start(self, "drafts", keep, failed=lambda _error: self._keep_soon(RETRY)):
            self._keep_soon()

    def give_up(self) -> None:
        """The learner leaves without saving, having been asked: nothing more is kept."""
        self._drafts_known = False
        if self._keeping is not None:
            self._keeping.stop()

    def keep_now(self) -> None:
        """On the way out of the lab: what is typed is offered when the learner comes back."""
        if self._drafts_known:
            drafts = self.query_one(EditorPane).drafts()
            self.tutor.jobs.start(self, "last-drafts", lambda: self.session.keep_drafts(drafts))

    def not_saved(self, name: str, text: str, error: EnvironmentFault) -> None:
        """The disk did not take a file: the text stays typed, and is written as soon as the disk takes it."""
        self.query_one(EditorPane).show_trouble(error.message)
        if self._saving_again is None:
            self._saving_again = self.set_timer(RETRY, lambda: self._save_again(name, text))

    def _save_again(self, name: str, text: str) -> None:
        self._saving_again = None
        if any(draft.name == name for draft in self.query_one(EditorPane).drafts()):
            self._save(name, text)
