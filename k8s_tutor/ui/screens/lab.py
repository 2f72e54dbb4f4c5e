"""A lab at work: lesson, results, manifest, terminal and the live cluster, all fed by one session."""

from __future__ import annotations

import asyncio
import sys
from typing import TYPE_CHECKING, ClassVar, cast

from textual import events, on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Horizontal, Vertical, VerticalScroll
from textual.css.query import NoMatches
from textual.widgets import Input

from k8s_tutor.errors import TutorError
from k8s_tutor.session.state import LabState, StepState
from k8s_tutor.ui import bindings
from k8s_tutor.ui.messages import CommandChosen, JobDone, StateChanged, TabChosen
from k8s_tutor.ui.ports import SessionPort, ShellSpec
from k8s_tutor.ui.screens.lab_cluster import LabCluster
from k8s_tutor.ui.screens.lab_drafts import LabDrafts
from k8s_tutor.ui.screens.lab_explains import LabExplains
from k8s_tutor.ui.screens.lab_keys import LabKeys
from k8s_tutor.ui.screens.lab_noticing import LabNoticing
from k8s_tutor.ui.screens.lab_terminal import LabTerminal
from k8s_tutor.ui.screens.lab_writing import LabWriting
from k8s_tutor.ui.terminal.launcher import Mode
from k8s_tutor.ui.text import line
from k8s_tutor.ui.widgets.cluster import ClusterPane
from k8s_tutor.ui.widgets.divider import Divider
from k8s_tutor.ui.widgets.editor import EditorPane, YamlArea
from k8s_tutor.ui.widgets.hints import Onward
from k8s_tutor.ui.widgets.keysbar import KeysBar
from k8s_tutor.ui.widgets.lesson import LessonPane, TaskPane
from k8s_tutor.ui.widgets.results import ResultsPane, counts, is_red
from k8s_tutor.ui.widgets.statusbar import Banner, StatusBar, Strip
from k8s_tutor.ui.widgets.terminal_slot import TerminalSlot

if TYPE_CHECKING:
    from k8s_tutor.ui.app import TutorApp

NAMES = {"lesson": "Lesson", "manifest": "Manifest", "terminal": "Terminal", "cluster": "Cluster", "results": "Results"}
WORK = ("manifest", "terminal", "cluster")


class LabScreen(LabKeys, LabDrafts, LabNoticing, LabWriting, LabExplains, LabCluster, LabTerminal):
    """Shows the session's newest state. The step on view changes only when the learner says so."""

    BINDINGS: ClassVar[list[BindingType]] = [*bindings.LAB]
    AUTO_FOCUS: ClassVar[str | None] = "#reading"

    def __init__(self, session: SessionPort, sizes: str = "") -> None:
        """``sizes``: the classes that tell how wide and high the screen is, where they are known."""
        # From the first on: a class that comes later has the whole screen styled again.
        super().__init__(classes=f"show-lesson work-manifest mid-manifest {sizes}")
        self.session = session
        self.state = session.state()
        self.viewed = self.state.current
        self.active = "lesson"
        self._asked_ahead = -1
        self._pending_command = ""
        # A key and news of the cluster are handled by different tasks, and each shows a step in several waits.
        self._showing = asyncio.Lock()

    @property
    def tutor(self) -> TutorApp:
        """The app, with its desk and jobs."""
        return cast("TutorApp", self.app)

    @property
    def step(self) -> StepState:
        """The step on view."""
        return self.state.steps[min(self.viewed, len(self.state.steps) - 1)]

    @property
    def unsaved(self) -> str:
        """Name of a file with typed text that is not on disk; empty if there is none."""
        return self.query_one(EditorPane).unsaved if self.is_mounted else ""

    @property
    def unfinished(self) -> str:
        """Name of a program in the terminal that could lose what is typed in it; empty if there is none."""
        return self.query_one(TerminalSlot).unfinished if self.is_mounted else ""

    @property
    def terminal_has_keys(self) -> bool:
        """Whether the shell has the keys."""
        # Asked for each binding of each key: nothing may be searched here.
        if "k8s_tutor.ui.terminal.widget" not in sys.modules:
            return False  # no terminal was ever made
        from k8s_tutor.ui.terminal import keeps_keys

        return keeps_keys(self.app)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """While the shell has the keys, none of ours is one."""
        if self.terminal_has_keys:
            return action == "leave_terminal"
        if action == "leave_terminal":
            return False
        if action == "unfocus":
            return isinstance(self.focused, Input | YamlArea)
        return super().check_action(action, parameters)

    def compose(self) -> ComposeResult:
        """Bar, banner, tabs, panes, keys."""
        yield StatusBar(id="bar")
        yield Banner()
        yield Strip(id="panes")
        with Horizontal(id="body"):
            with Vertical(id="left"):
                with VerticalScroll(id="reading"):
                    yield LessonPane()
                with VerticalScroll(id="standing"):
                    yield TaskPane()
                    yield ResultsPane()
                    yield Onward()
            yield Divider(id="divider-left", measures="left")
            with Vertical(id="work"):
                yield Strip(id="work-tabs")
                with Horizontal(id="work-body"):
                    yield EditorPane(self.session.lab)
                    yield TerminalSlot()
                    yield Divider(id="divider-cluster", measures="right")
                    yield ClusterPane()
        yield KeysBar()

    async def on_mount(self) -> None:
        """Show what is known, then listen."""
        self._open_manifest()
        await self._show(self.state)
        self.bring_back()
        self.session.subscribe(self._heard)
        self.tutor.jobs.start(self, "shell", self._find_shell, then=self._shell_known, failed=self.trouble)

    def _heard(self, state: LabState) -> None:
        """Called from the session's thread."""
        self.post_message(StateChanged(state))

    @on(StateChanged)
    async def _state_changed(self, message: StateChanged) -> None:
        before = self.state
        self.state = message.state
        await self._show(message.state)
        self.offer_summary(before)
        was, now = before.steps[self.viewed], self.step
        # What was done before the cluster was heard again is no news.
        known = was.done_earlier and not before.live
        if now.done and not was.done and not known and was.step.id == now.step.id and not now.read:
            self.celebrate(now)

    @on(JobDone)
    def _job_done(self, message: JobDone) -> None:
        message.stop()  # the app would settle it once more
        message.settle()

    async def _show(self, state: LabState) -> None:
        async with self._showing:
            state = self.state  # the newest by now
            try:
                await self._show_step(state)
            except NoMatches:
                if self.is_attached and not self._closing:
                    raise
                return  # the screen is being taken away, its parts before it
        self.tell_screens()

    async def _show_step(self, state: LabState) -> None:
        step, number = self.step, self.viewed + 1
        with self.app.batch_update():
            self.query_one(StatusBar).show_lab(state, self.session.cluster)
            self.query_one(Banner).show_state(state)
            await self.query_one(LessonPane).show_step(step, number)
            await self.query_one(TaskPane).show_step(step, state.record.answers)
            await self.query_one(ResultsPane).show_step(step)
            following = state.lab.steps[number].title if number < len(state.lab.steps) else None
            self.query_one(Onward).show_step(step, following, behind=not state.done)
            self.query_one(EditorPane).show_files(state.record.files)
            self.query_one(ClusterPane).show_record(state.record)
            self._show_tabs()
        self.refresh_bindings()
        self.call_after_refresh(self._balance)

    # -- panes

    def _show_tabs(self) -> None:
        badge = {"results": counts(self.step)}
        if self.step.done:
            badge["lesson"] = line(("✓", "$text-success"))
        if self.has_class("zoomed"):
            badge[self.active] = line(badge.get(self.active, line()), ("  alone: z shows all", "$primary"))
        names = [(pane, NAMES[pane], badge.get(pane, line())) for pane in NAMES]
        self.query_one("#panes", Strip).show_tabs(tuple(names), self.active)
        three = self.has_class("-three") and not self.has_class("zoomed")
        work = [name for name in names if name[0] in (WORK[:2] if three else WORK)]
        chosen = next((pane for pane in WORK if self.has_class(f"{'mid' if three else 'work'}-{pane}")), "manifest")
        self.query_one("#work-tabs", Strip).show_tabs(tuple(work), chosen)

    def action_show(self, pane: str) -> None:
        """Bring a pane to the front."""
        self.active = pane
        for name in NAMES:
            self.set_class(name == pane, f"show-{name}")
            if pane in WORK:
                self.set_class(name == pane, f"work-{name}")
            if pane in WORK[:2]:
                self.set_class(name == pane, f"mid-{name}")
        self._show_tabs()
        self.call_after_refresh(self._balance)
        if pane == "cluster":
            self.query_one(ClusterPane).focus()
        elif pane in ("lesson", "results"):
            self.query_one("#reading" if pane == "lesson" else "#standing").focus()
        elif pane == "manifest":
            self.query_one(YamlArea).focus()

    @on(TabChosen)
    def _tab_chosen(self, message: TabChosen) -> None:
        self.action_show(message.tab_id)
        if message.tab_id == "terminal":
            self.action_show_terminal()

    def on_resize(self, _event: events.Resize) -> None:
        """Another width can mean other tabs."""
        self.call_after_refresh(self.share_out)
        self.call_after_refresh(self._show_tabs)
        self.call_after_refresh(self._balance)

    def _balance(self, looks: int = 3) -> None:
        """Text above, what is to do and proven below: the latter is always in view, the former scrolls if need be.

        ``looks``: how often at most, as another height can bring another width, and text wraps anew.
        """
        left, reading, standing = (self.query_one(f"#{name}") for name in ("left", "reading", "standing"))
        whole = left.content_size.height
        text = max((child.virtual_region_with_margin.bottom for child in reading.children), default=0)
        below = max((child.virtual_region_with_margin.bottom for child in standing.children), default=0) + 2
        share = 14 if any(is_red(check) for check in self.step.checks) else 11  # a finding is worth more than the text
        reserved = min(below, max(whole - text, whole * share // 20))
        height = max(3, min(text, whole - reserved))
        if self.active == "results" and (self.has_class("-narrow") or self.has_class("zoomed")):
            height = 0
        if reading.styles.height is None or reading.styles.height.value != height:
            reading.styles.height = height
            if looks > 1:
                self.call_after_refresh(self._balance, looks - 1)

    def action_unfocus(self) -> None:
        """Out of a field: letters are keys again."""
        self.query_one("#reading").focus()

    def _open_manifest(self) -> None:
        """The file this step is about, or the newest that an earlier step was about."""
        for index in range(self.viewed, -1, -1):
            name = self.state.steps[index].step.manifest
            if name:
                self.query_one(EditorPane).open_file(name.rsplit("/", 1)[-1])
                return

    # -- terminal

    def _find_shell(self) -> tuple[ShellSpec, Mode]:
        return self.tutor.desk.shell(self.session), self.tutor.choose_terminal()

    def _shell_known(self, found: tuple[ShellSpec, Mode]) -> None:
        self.run_worker(self._begin_shell(*found), group="begin-shell")

    async def _begin_shell(self, spec: ShellSpec, mode: Mode) -> None:
        try:
            await self.query_one(TerminalSlot).begin(spec, mode)
        except TutorError as error:
            self.trouble(error)
        if self._pending_command:
            self._to_prompt(self._pending_command)

    def action_swap(self) -> None:
        """Into the terminal."""
        self.action_show_terminal()

    def action_leave_terminal(self) -> None:
        """Out of the terminal."""
        self.on_terminal_pane_leave()

    def on_terminal_pane_leave(self) -> None:
        """F6 in the terminal: back to the lesson, where the letters are."""
        self.query_one("#reading").focus()
        if self.has_class("-narrow") or self.has_class("zoomed"):
            self.action_show("lesson")
        self.refresh_bindings()

    def on_terminal_pane_exited(self) -> None:
        """The shell ended: it can be started again with Enter, and the letters are keys."""
        self.refresh_bindings()

    def action_show_terminal(self) -> None:
        """Show the terminal and give it the keys."""
        self.action_show("terminal")
        try:
            self.query_one(TerminalSlot).enter()
        except TutorError as error:
            self.trouble(error)
        self.refresh_bindings()

    @on(CommandChosen)
    def _command_chosen(self, message: CommandChosen) -> None:
        self._to_prompt(message.command)

    def _to_prompt(self, command: str) -> None:
        slot = self.query_one(TerminalSlot)
        if not slot.ready:
            self._pending_command = command
            return
        self._pending_command = ""
        if slot.insert(command):
            self.action_show_terminal()
        else:
            self.app.copy_to_clipboard(command)
            self.tutor.say(f"Copied: {command}.{' F6 opens a shell.' if slot.offers_shell else ''}")

    # -- steps

    async def look_at(self, index: int) -> None:
        """Show another step."""
        self.viewed = max(0, min(index, len(self.state.steps) - 1))
        self._asked_ahead = -1
        self.session.looking_at(self.step.step.id)
        self._open_manifest()
        await self._show(self.state)
        self.query_one("#reading", VerticalScroll).scroll_home(animate=False)
        self.query_one("#standing", VerticalScroll).scroll_home(animate=False)
        if self.active == "results" or self.has_class("-narrow"):
            self.action_show("lesson")

    async def action_previous(self) -> None:
        """The step before."""
        await self.look_at(self.viewed - 1)

    async def action_next(self) -> None:
        """On; from a step that is not done only when asked twice."""
        if self.tell_why("next"):
            return
        step, last = self.step, self.viewed >= len(self.state.steps) - 1
        if not step.done and all(check.spec.optional for check in step.checks):
            self.mark_read(step.step.id)
        if not last:
            await self.look_at(self.viewed + 1)

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """No field of a step leaks further."""
        event.stop()
