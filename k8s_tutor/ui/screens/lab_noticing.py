"""What the lab screen does when a step turns done, when a line is to be looked at, when a step is to be done again."""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual import on, work
from textual.timer import Timer
from textual.widgets import Input

from k8s_tutor.session.again import again_in_words, may_again
from k8s_tutor.session.hints import ladder
from k8s_tutor.ui.messages import PlaceChosen
from k8s_tutor.ui.screens.commands import CommandsScreen
from k8s_tutor.ui.screens.confirm import ConfirmScreen
from k8s_tutor.ui.screens.lab_deeds import LabDeeds
from k8s_tutor.ui.text import block, plain
from k8s_tutor.ui.widgets.editor import EditorPane, YamlArea
from k8s_tutor.ui.widgets.hints import Onward
from k8s_tutor.ui.widgets.lesson import TaskPane

if TYPE_CHECKING:
    from k8s_tutor.session.state import StepState

JOY_SECONDS = 2.0


class LabNoticing(LabDeeds):
    """The part of the lab screen that notices."""

    _joy: Timer | None = None

    if TYPE_CHECKING:

        @property
        def terminal_has_keys(self) -> bool: ...  # noqa: D102 - the screen's
        def action_unfocus(self) -> None: ...  # noqa: D102 - the screen's
        def _to_prompt(self, command: str) -> None: ...

    # -- done

    def celebrate(self, step: StepState) -> None:
        """A step turned done: its title and the bar light up for a moment, and why it worked comes into view."""
        on_way = "F6, then n" if self.terminal_has_keys else "n"
        why = "" if self.query_one("#left").display else f" {plain(block(step.step.why, limit=400), 400)}"
        self.tutor.say(f"✓ {step.step.title}: done.{why} {on_way} goes on.")
        if isinstance(self.focused, Input):
            self.action_unfocus()
        self.call_after_refresh(self.query_one(Onward).show_why)
        if self.app.animation_level == "none":
            return
        if self._joy is not None:
            self._joy.stop()
        self.add_class("joy")
        self._joy = self.set_timer(JOY_SECONDS, lambda: self.remove_class("joy"))

    # -- hints

    def action_hint(self) -> None:
        """One hint more, under the step."""
        step = self.step
        if not ladder(step):
            self.tutor.say("This step has no hints: its text says it all.")
            return

        def shown(text: str | None) -> None:
            if text is None:
                more = " s does it for you." if step.step.solution else ""
                self.tutor.say(f"That were all hints of this step.{more}")

        if getattr(self, "active", "") in ("manifest", "terminal", "cluster"):
            self.action_show("lesson")
        self._do("hint", lambda: self.session.hint(step.step.id), shown)

    # -- once more

    @work
    async def action_redo(self) -> None:
        """Undo the step, so that it can be done (again) by hand."""
        step = self.step.step
        if not may_again(step):
            self.tutor.say("This step only looks at how things are: there is nothing in it to do once more.")
            return
        if not self.step.done:
            self.tutor.say("This step is not done yet.")
            return
        cluster = self.session.cluster
        words = again_in_words(step)
        undone = "; ".join(plain(word, 200) for word in words)
        text = (
            f"In namespace {cluster.namespace} of cluster {cluster.name} ({cluster.provider}): {undone}."
            if words
            else "Nothing on the cluster is changed."
        )
        question = ConfirmScreen(
            f"Do “{plain(step.title, 80)}” once more?",
            f"{text} What was seen of this step is forgotten; it has to happen once more.",
            yes="once more",
        )
        if await self.app.push_screen_wait(question):
            self._do("redo", lambda: self.session.redo(step.id), self._redone, "Still undoing it.")

    def _redone(self, undone: object) -> None:
        self.query_one(TaskPane).anew()
        self.tutor.say(
            "It is yours again."
            if undone
            else "It still counts as done: what it asks for is so on the cluster already."
        )

    # -- the command log

    @work
    async def action_commands(self) -> None:
        """What the tutor itself did on the cluster, as kubectl commands."""
        command = await self.app.push_screen_wait(CommandsScreen(self.session.journal))
        if command is not None:
            self._to_prompt(plain(command, 4_000))

    # -- a finding's line

    @on(PlaceChosen)
    def _place_chosen(self, message: PlaceChosen) -> None:
        """The editor, at the line that a finding names."""
        message.stop()
        editor = self.query_one(EditorPane)
        editor.open_file(message.file)
        if editor.current != message.file:
            self.tutor.say(f"{plain(message.file, 100)} is not in your folder.")
            return
        self.action_show("manifest")
        area = self.query_one(YamlArea)
        row = min(message.line, area.document.line_count) - 1
        area.move_cursor((max(0, row), 0), center=True)
