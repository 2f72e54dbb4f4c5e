"""The tutor: one app, three screens (home, bring-up, lab). It shows a session and decides nothing."""

from __future__ import annotations

import gc
import os
import time
from collections.abc import Iterable, Sequence
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from textual import events, work
from textual.app import SystemCommand
from textual.binding import Binding, BindingType
from textual.reactive import var
from textual.screen import Screen

from k8s_tutor.ui import bindings, escape_key, pasting, settings, themes
from k8s_tutor.ui.background import Jobs
from k8s_tutor.ui.clipboard import Clipboard
from k8s_tutor.ui.messages import JobDone, StartupChanged
from k8s_tutor.ui.reasons import Reasons
from k8s_tutor.ui.screens.home import HomeScreen
from k8s_tutor.ui.startup import Startup
from k8s_tutor.ui.text import plain
from k8s_tutor.ui.which import is_bringup, is_lab

if TYPE_CHECKING:  # home is on the screen before these are loaded
    from k8s_tutor.clusters.provider import Cluster
    from k8s_tutor.ui.ports import DeskPort, LabCard, SessionPort
    from k8s_tutor.ui.terminal.launcher import Mode

PATIENCE = 0.6
"""Seconds that a lab named on the command line may take before home is shown."""
_STYLES = Path(__file__).parent / "styles"


class TutorApp(Clipboard):
    """The whole tutor. ``desk`` gives labs, cluster and sessions; ``lab`` is opened at once if named.

    ``resume``: go straight on in the one lab that is under way, if there is one and its cluster runs.
    """

    TITLE = "k8s-tutor"
    CSS_PATH: ClassVar = [
        _STYLES / f"{name}.tcss" for name in ("app", "home", "lab", "cluster", "explains", "noticing", "panes")
    ]
    BINDINGS: ClassVar[list[BindingType]] = [*bindings.APP]
    HORIZONTAL_BREAKPOINTS = [  # noqa: RUF012 - declared so by Textual
        (0, "-narrow"),
        (120, "-two"),
        (150, "-three"),
    ]
    VERTICAL_BREAKPOINTS = [  # noqa: RUF012
        (0, "-flat"),
        (16, "-low"),
        (24, "-tall"),
    ]
    ENABLE_COMMAND_PALETTE = True

    session: var[SessionPort | None] = var(None)

    def __init__(self, desk: DeskPort, *, lab: str | None = None, resume: bool = False) -> None:
        super().__init__()
        pasting.harden()
        escape_key.hasten()
        self.desk = desk
        self.jobs = Jobs()
        self.startup = Startup(desk, self._startup_changed)
        self._wanted = lab
        self.keyed_at = 0.0
        """When a key came last (``time.monotonic``): what can wait does so while somebody types."""
        self.settings = settings.load()
        self._resumes = resume and lab is None and self.settings.start == "resume"
        self.split, self.three = self.settings.split, self.settings.three
        for theme in themes.OWN:
            self.register_theme(theme)
        chosen = settings.chosen_theme(self.settings)
        self.theme = chosen if chosen in self.available_themes else "tutor-dark"
        self.set_keymap(dict(self.settings.keys))

    async def on_event(self, event: events.Event) -> None:
        """Take note of keys, wherever they go."""
        if isinstance(event, events.Key):
            self.keyed_at = time.monotonic()
        await super().on_event(event)

    def on_mount(self) -> None:
        """Home, or the lab that was named on the command line."""
        self.theme_changed_signal.subscribe(self, lambda theme: self.remember("theme", theme.name))
        for trouble in self.settings.troubles[:4]:
            self.say(trouble, bad=True, title="your settings")
        if self._wanted:
            # A cluster that runs takes no other screen first: that would be half of the time.
            self.open_lab(self._wanted)
            self.set_timer(PATIENCE, self._meanwhile)
        else:
            self.push_screen(HomeScreen())

    def on_unmount(self) -> None:
        """Leave the session as it is; nothing here waits for the network."""
        self._leave_session()

    # -- the way from a lab's name to its screen

    def open_lab(self, lab_id: str, known: Cluster | None = None) -> None:
        """Into the lab at once if the cluster is ready; else bring it up first, on a screen that shows how.

        ``known``: the cluster as it was found a moment ago; it is looked for if there is none.
        """
        # The lab's screen is loaded while the cluster is looked for.
        self.jobs.start(self, "load", lambda: import_module("k8s_tutor.ui.screens.lab"))
        if self.startup.running or not self._free:
            self._bring_up(lab_id)
            return
        self._resumes = False
        self._leave_session()

        def try_it() -> SessionPort | None:
            cluster = known or self.desk.cluster()
            return self.desk.open(lab_id, cluster) if cluster is not None and cluster.ready else None

        def opened(session: SessionPort | None) -> None:
            if self._free:
                self._show_lab(lab_id, session)
            elif session is not None:  # the learner looks at something else meanwhile
                self.jobs.start(self, f"close-{id(session)}", session.close)

        self.jobs.start(self, "open", try_it, then=opened, failed=lambda _error: opened(None))

    @property
    def _free(self) -> bool:
        """Whether the learner is at home, or nothing is shown yet."""
        return isinstance(self.screen, HomeScreen) or self.screen.id == "_default"

    def _meanwhile(self) -> None:
        """The lab takes its time: home says that it is being opened."""
        # The learner may have left already: then there is no screen at all.
        if self._wanted and [screen.id for screen in self.screen_stack] == ["_default"]:
            self.push_screen(HomeScreen(opening=self._wanted))

    def _show_lab(self, lab_id: str, session: SessionPort | None) -> None:
        self.session = session
        # What went wrong is found again, and told, by the bring-up.
        if session is None:
            self._bring_up(lab_id)
        else:
            from k8s_tutor.ui.screens.lab import LabScreen

            self.push_screen(LabScreen(session, self._sizes))

    @property
    def _sizes(self) -> str:
        """The classes of the size that the screen has: with them from the first on, another is styled only once."""
        return " ".join(name for name in self.screen.classes if name.startswith("-"))

    def _bring_up(self, lab_id: str) -> None:
        from k8s_tutor.ui.screens.bringup import BringUpScreen

        self.push_screen(BringUpScreen(lab_id))

    def resume(self, cards: Sequence[LabCard], cluster: Cluster | None) -> str:
        """Home knows labs and cluster for the first time: straight into the one lab that is under way, if it can be.

        Returns the id of the lab that is opened, empty if none is.
        """
        opened = ""
        begun = [card for card in cards if (card.done or card.touched) and card.done < card.total and not card.trouble]
        if self._resumes and len(begun) == 1 and cluster is not None and cluster.ready:
            opened = begun[0].id
            self.open_lab(opened, cluster)
        # One that does not answer yet is waited for, as long as the learner waits too.
        self._resumes = self._resumes and cluster is not None and cluster.running and not cluster.ready
        return opened

    def enter_lab(self, lab_id: str, cluster: Cluster) -> None:
        """Open a session on a cluster that is ready, and show it in place of the bring-up screen."""
        self._leave_session()

        def opened(session: SessionPort) -> None:
            from k8s_tutor.ui.screens.lab import LabScreen

            self.session = session
            if is_bringup(self.screen):
                self.switch_screen(LabScreen(session, self._sizes))
            else:  # the learner went back meanwhile
                self._leave_session()

        def broken(error: Exception) -> None:
            if is_bringup(self.screen):
                self.screen.show_error(error)

        self.jobs.start(self, "open", lambda: self.desk.open(lab_id, cluster), then=opened, failed=broken)

    def go_home(self) -> None:
        """To the list of labs, from a screen that was opened over it or in its place."""
        if any(isinstance(screen, HomeScreen) for screen in self.screen_stack[:-1]):
            self.pop_screen()
        else:
            self.switch_screen(HomeScreen())

    def leave_lab(self) -> None:
        """Back to the list of labs; what was done is saved."""
        self._leave_session()
        self.go_home()
        # The start set everything aside that was there then, this lab's screen and record too.
        self.call_after_refresh(gc.unfreeze)

    def _leave_session(self) -> None:
        session, self.session = self.session, None
        if session is not None:
            # Saved at each change already; closing may wait for a socket, quitting must not.
            closing = session
            self.jobs.start(self, f"close-{id(closing)}", closing.close)

    def choose_terminal(self) -> Mode:
        """Where the learner's shell can run; may block for a second."""
        from k8s_tutor.ui.terminal.launcher import VARIABLE, choose

        return choose(None if os.environ.get(VARIABLE) else self.settings.terminal)

    # -- what is remembered

    def remember(self, name: str, value: object) -> None:
        """Keep a choice for the next start; a disk that does not take it costs nothing but that."""
        now = time.time()
        if not self.jobs.start(self, f"remember-{name}", lambda: settings.remember(name, value, now)):
            self.set_timer(0.2, lambda: self.remember(name, value))

    def keep_split(self, *, three: bool) -> None:
        """Keep how the width is shared out now."""
        self.remember("three" if three else "split", list(self.three if three else self.split))

    # -- what other parts call

    def say(self, message: str, *, bad: bool = False, title: str = "") -> None:
        """A short notice; never markup."""
        self.notify(
            plain(message), title=plain(title), severity="error" if bad else "information", markup=False, timeout=6
        )

    def on_job_done(self, message: JobDone) -> None:
        """A background job of the app itself ended."""
        message.settle()

    def _startup_changed(self) -> None:
        self.post_message(StartupChanged())

    def on_startup_changed(self, _message: StartupChanged) -> None:
        """Pass the news of the start on to whoever shows it."""
        for screen in self.screen_stack:
            if is_bringup(screen):
                screen.look()

    # -- keys

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """While the terminal has the keys, the app takes none but the one that leads out."""
        screen = self.screen if self.screen_stack else None
        if is_lab(screen) and screen.terminal_has_keys:
            return False
        return super().check_action(action, parameters)

    def action_help(self) -> None:
        """Show what keys and signs mean, over whatever is there."""
        from k8s_tutor.ui.screens.help import HelpScreen

        if not isinstance(self.screen, HelpScreen):
            self.push_screen(HelpScreen())

    def action_pane_help(self) -> None:
        """Show what the pane in focus is, over whatever is there."""
        from k8s_tutor.ui.screens.help import PaneHelpScreen, pane_of

        if not self.screen.is_modal:
            self.push_screen(PaneHelpScreen(pane_of(self.screen)))

    async def do(self, binding: Binding, screen: Screen[object]) -> None:
        """What a key does, by its name; one that can do nothing now says why."""
        node = self if binding in bindings.APP else screen
        if not await self.run_action(binding.action, node) and isinstance(screen, Reasons):
            screen.tell_why(binding.action)

    @work
    async def action_quit_tutor(self) -> None:
        """Leave. Asks only if typed text would be lost."""
        labs = [screen for screen in self.screen_stack if is_lab(screen)]
        unsaved = next((screen.unsaved for screen in labs if screen.unsaved), "")
        unfinished = next((screen.unfinished for screen in labs if screen.unfinished), "")
        lost = []
        if unsaved:
            lost.append(f"{unsaved} has changes that are not saved. ctrl+s saves them.")
        if unfinished:
            lost.append(f"{plain(unfinished, 40)} is open in the terminal, with what is typed in it.")
        if lost:
            from k8s_tutor.ui.screens.confirm import ConfirmScreen

            question = ConfirmScreen("Leave without saving?", " ".join(lost), yes="leave without saving")
            if not await self.push_screen_wait(question):
                return
        if unsaved and self.session is not None:
            # Given up on purpose: it is not offered again. A disk that hangs does not keep anybody here.
            session = self.session
            for screen in labs:
                screen.give_up()
            self.jobs.start(self, "give-up", lambda: session.keep_drafts(()), then=lambda _: self.exit(0))
            self.set_timer(0.4, lambda: self.exit(0))
            return
        self.exit(0)

    def get_system_commands(self, screen: Screen[object]) -> Iterable[SystemCommand]:
        """The palette: what the keys of this screen do, by name."""
        from k8s_tutor.ui.screens.help import shown_key

        for binding in (*(screen.BINDINGS if is_lab(screen) or isinstance(screen, HomeScreen) else ()), *bindings.APP):
            if getattr(binding, "tooltip", "") and binding.id not in ("quit_anywhere", "palette", "leave"):
                title = f"{binding.description.capitalize()}  ({shown_key(self, binding)})"
                yield SystemCommand(title, binding.tooltip, lambda b=binding: self.run_worker(self.do(b, screen)))
        yield SystemCommand("Theme", "Other colours: light, dark, the terminal's own", self.action_change_theme)


def run(cluster_name: str | None, context: str | None, lab: str | None) -> int:
    """Open the tutor and return the program's exit code.

    ``cluster_name`` names the native cluster (None: the only one there is); ``context``, if given, a running
    cluster of the user's kubeconfig; ``lab`` is opened at once.
    """
    from k8s_tutor.clusters.assigned import assigned
    from k8s_tutor.ui.desk import AssignedDesk, Desk

    given = assigned()
    desk = AssignedDesk(given) if given is not None else Desk(cluster_name, context)
    app = TutorApp(desk, lab=lab, resume=True)
    return app.run() or 0
