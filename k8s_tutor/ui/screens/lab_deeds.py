"""What the learner does in a lab that reaches the session: each in the background, each with its answer."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from textual import on, work
from textual.screen import Screen

from k8s_tutor.errors import EnvironmentFault, TutorError
from k8s_tutor.session.hints import hints_of
from k8s_tutor.ui.messages import Answered, SaveWanted, StateChanged
from k8s_tutor.ui.ports import SessionPort
from k8s_tutor.ui.screens.confirm import ConfirmScreen, about_starting_over
from k8s_tutor.ui.text import plain
from k8s_tutor.ui.widgets.editor import EditorPane

if TYPE_CHECKING:
    from k8s_tutor.session.state import LabState, StepState
    from k8s_tutor.ui.app import TutorApp


class LabDeeds(Screen[None]):
    """The half of the lab screen that asks the session to do something."""

    if TYPE_CHECKING:
        session: SessionPort
        state: LabState

        @property
        def tutor(self) -> TutorApp: ...  # noqa: D102 - the screen's
        @property
        def step(self) -> StepState: ...  # noqa: D102 - the screen's
        def action_show(self, pane: str) -> None: ...  # noqa: D102 - the screen's
        def not_saved(self, name: str, text: str, error: EnvironmentFault) -> None: ...  # noqa: D102
        def keep_now(self) -> None: ...  # noqa: D102
        def apply_file(self, name: str, text: str) -> None: ...  # noqa: D102 - the screen's
        def applied_rows(self, rows: Sequence[str]) -> list[str]: ...  # noqa: D102 - the screen's

    def _do(
        self, group: str, work: Callable[[], Any], then: Callable[[Any], object] | None = None, busy: str = ""
    ) -> None:
        """Ask the session in the background; errors are told, and the newest state is shown after it."""

        def settled(result: Any) -> None:
            if then is not None:
                then(result)
            self.post_message(StateChanged(self.session.state()))

        if not self.tutor.jobs.start(self, group, work, then=settled, failed=self.trouble) and busy:
            self.tutor.say(busy)

    def trouble(self, error: Exception) -> None:
        """Tell an error: what is wrong and what mends it."""
        if isinstance(error, TutorError):
            self.tutor.say(f"{error.message}{'  → ' + error.remedy if error.remedy else ''}", bad=True)
        else:
            self.tutor.say(f"{type(error).__name__}: {error}", bad=True, title="something of ours broke")

    # -- answers, reading

    def mark_read(self, step_id: str) -> None:
        """Keep that a step without checks was read."""
        self._do(f"read-{step_id}", lambda: self.session.mark_read(step_id))

    @on(Answered)
    def _answered(self, message: Answered) -> None:
        message.stop()
        # Each question is answered by itself: none is lost while another is still being saved.
        work = lambda: self.session.answer(message.check_id, message.text)  # noqa: E731
        self._do(f"answer-{message.check_id}", work, busy="One moment: your answer before this one is being saved.")

    # -- the manifest

    @on(SaveWanted)
    def _save_wanted(self, message: SaveWanted) -> None:
        message.stop()
        self._save(message.name, message.text)

    def _save(
        self,
        name: str,
        text: str,
        after: Callable[[], Sequence[str]] | None = None,
        then: Callable[[], object] | None = None,
    ) -> None:
        editor = self.query_one(EditorPane)

        def save() -> tuple[bool, str | None, Sequence[str]]:
            disk = self.session.read_file(name)
            if not editor.may_save(name, disk):
                return False, disk, ()
            if disk != text:
                self.session.save_file(name, text)
            # The text is on disk now, whatever becomes of the apply.
            self.app.call_later(editor.saved, name, text)
            return True, disk, after() if after else ()

        def done(result: tuple[bool, str | None, Sequence[str]]) -> None:
            saved, disk, rows = result
            if not saved:
                editor.disagree(name, disk)
                self.tutor.say(f"{name} was changed by another program: ctrl+s keeps yours, ctrl+r takes the other.")
            elif after is not None and rows:
                editor.show_applied(self.applied_rows(rows))
            if saved and then is not None:
                then()

        def failed(error: Exception) -> None:
            if isinstance(error, EnvironmentFault) and error.code == "workspace":
                self.not_saved(name, text, error)
            elif after is not None and isinstance(error, TutorError):
                editor.show_applied([error.message, *([f"→ {error.remedy}"] if error.remedy else [])], bad=True)
            else:
                self.trouble(error)

        if not self.tutor.jobs.start(self, "file", save, then=done, failed=failed):
            self.tutor.say("Still busy with this file.")

    def action_apply(self) -> None:
        """Save the file that is shown and apply it."""
        editor = self.query_one(EditorPane)
        name, text = editor.current, editor.text
        self.action_show("manifest")
        self.query_one("#reading").focus()
        if not name or (not text.strip() and not editor.buffer.base):
            self.tutor.say("There is nothing to apply: the file is empty.")
            return
        self.apply_file(name, text)

    def action_save(self) -> None:
        """Save the file that is shown."""
        editor = self.query_one(EditorPane)
        self._save(editor.current, editor.text)

    @work
    async def action_fill(self) -> None:
        """Have the lab's manifest typed into the editor."""
        editor = self.query_one(EditorPane)
        self.action_show("manifest")
        if editor.text.strip() and not await self.app.push_screen_wait(
            ConfirmScreen(
                f"Replace what is typed in {editor.current}?",
                "The lab's own manifest takes its place in the editor. The file on disk stays until you save.",
                yes="replace it",
            )
        ):
            return
        if not editor.fill_in():
            self.tutor.say(f"The lab has no manifest {editor.current} to copy.")

    # -- having it done, starting over

    @work
    async def action_solve(self) -> None:
        """Do the step for the learner."""
        step = self.step.step
        if not step.solution:
            self.tutor.say("There is nothing to do for you in this step.")
            return
        cluster = self.session.cluster
        question = ConfirmScreen(
            f"Do “{step.title}” for you?",
            f"Its actions are done in namespace {cluster.namespace} of cluster {cluster.name} ({cluster.provider}) "
            f"and in your folder of this lab. You learn more by the hints (h): {self.step.hints_shown} of "
            f"{hints_of(step)} used. Afterwards you can do it once more yourself (r).",
            yes="do it for me",
        )
        if await self.app.push_screen_wait(question):
            self.tutor.say("Doing it …")
            self._do("solve", lambda: self.session.solve(step.id), self._solved, "Still doing something for you.")

    def _solved(self, result: object) -> None:
        rows = [plain(row, 200) for row in result] if isinstance(result, list | tuple) else []
        self.tutor.say("Done for you" + (": " + "; ".join(rows[:6]) if rows else "; the checks turn by themselves."))

    @work
    async def action_reset(self) -> None:
        """Start the lab over."""
        cluster, lab = self.session.cluster, self.session.lab
        question = about_starting_over(lab.title, cluster, self.tutor.desk.workspace(lab.id))
        if await self.app.push_screen_wait(question):
            self.tutor.say("Starting over …")
            self._do("reset", self.session.reset, self._started_over, "Still starting over.")

    def _started_over(self, _result: object) -> None:
        self.state = self.session.state()
        self.run_worker(self.look_at(self.state.current))  # type: ignore[attr-defined]
        self.tutor.say("The lab starts over.")

    def action_home(self) -> None:
        """Back to the list of labs."""
        self.keep_now()
        self.tutor.leave_lab()
