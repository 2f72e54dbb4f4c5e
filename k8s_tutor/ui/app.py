"""The tutor: one app, three screens (home, bring-up, lab). It shows a session and decides nothing."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path
from typing import ClassVar

from textual import work
from textual.app import SystemCommand
from textual.binding import BindingType
from textual.reactive import var
from textual.screen import Screen

from k8s_tutor.clusters.provider import Cluster
from k8s_tutor.ui import bindings, pasting, themes
from k8s_tutor.ui.background import Jobs
from k8s_tutor.ui.clipboard import Clipboard
from k8s_tutor.ui.messages import JobDone, StartupChanged
from k8s_tutor.ui.ports import DeskPort, SessionPort
from k8s_tutor.ui.screens.bringup import BringUpScreen
from k8s_tutor.ui.screens.confirm import ConfirmScreen
from k8s_tutor.ui.screens.help import HelpScreen
from k8s_tutor.ui.screens.home import HomeScreen
from k8s_tutor.ui.screens.lab import LabScreen
from k8s_tutor.ui.startup import Startup
from k8s_tutor.ui.terminal.launcher import Mode, choose
from k8s_tutor.ui.text import plain

_STYLES = Path(__file__).parent / "styles"


class TutorApp(Clipboard):
    """The whole tutor. ``desk`` gives labs, cluster and sessions; ``lab`` is opened at once if named."""

    TITLE = "k8s-tutor"
    CSS_PATH: ClassVar = [_STYLES / name for name in ("app.tcss", "home.tcss", "lab.tcss")]
    BINDINGS: ClassVar[list[BindingType]] = [*bindings.APP]
    HORIZONTAL_BREAKPOINTS = [  # noqa: RUF012 - declared so by Textual
        (0, "-narrow"),
        (100, "-two"),
        (150, "-three"),
    ]
    VERTICAL_BREAKPOINTS = [  # noqa: RUF012
        (0, "-flat"),
        (16, "-low"),
        (24, "-tall"),
    ]
    # A shell uses ctrl+p (the line before); the palette gets a key that no shell takes.
    COMMAND_PALETTE_BINDING = "f2"
    ENABLE_COMMAND_PALETTE = True

    session: var[SessionPort | None] = var(None)

    def __init__(self, desk: DeskPort, *, lab: str | None = None) -> None:
        super().__init__()
        pasting.harden()
        self.desk = desk
        self.jobs = Jobs()
        self.startup = Startup(desk, self._startup_changed)
        self._wanted = lab
        self.register_theme(themes.DARK)
        self.register_theme(themes.LIGHT)
        chosen = os.environ.get("K8S_TUTOR_THEME", "")
        self.theme = chosen if chosen in self.available_themes else "tutor-dark"

    def on_mount(self) -> None:
        """Home first; a lab that was named on the command line is opened over it."""
        self.push_screen(HomeScreen())
        if self._wanted:
            self.open_lab(self._wanted)

    def on_unmount(self) -> None:
        """Leave the session as it is; nothing here waits for the network."""
        self._leave_session()

    # -- the way from a lab's name to its screen

    def open_lab(self, lab_id: str) -> None:
        """Bring the cluster up if need be, then open the lab."""
        self.push_screen(BringUpScreen(lab_id))

    def enter_lab(self, lab_id: str, cluster: Cluster) -> None:
        """Open a session on a cluster that is ready, and show it in place of the bring-up screen."""
        self._leave_session()

        def opened(session: SessionPort) -> None:
            self.session = session
            if isinstance(self.screen, BringUpScreen):
                self.switch_screen(LabScreen(session))
            else:  # the learner went back meanwhile
                self._leave_session()

        def broken(error: Exception) -> None:
            if isinstance(self.screen, BringUpScreen):
                self.screen.show_error(error)

        self.jobs.start(self, "open", lambda: self.desk.open(lab_id, cluster), then=opened, failed=broken)

    def leave_lab(self) -> None:
        """Back to the list of labs; what was done is saved."""
        self._leave_session()
        self.switch_screen(HomeScreen())

    def _leave_session(self) -> None:
        session, self.session = self.session, None
        if session is not None:
            # Saved at each change already; closing may wait for a socket, quitting must not.
            closing = session
            self.jobs.start(self, f"close-{id(closing)}", closing.close)

    def choose_terminal(self) -> Mode:
        """Where the learner's shell can run; may block for a second."""
        return choose()

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
            if isinstance(screen, BringUpScreen):
                screen.look()

    # -- keys

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """While the terminal has the keys, the app takes none but the one that leads out."""
        screen = self.screen if self.screen_stack else None
        if isinstance(screen, LabScreen) and screen.terminal_has_keys:
            return False
        return super().check_action(action, parameters)

    def action_help(self) -> None:
        """Show what keys and signs mean, over whatever is there."""
        if not isinstance(self.screen, HelpScreen):
            self.push_screen(HelpScreen())

    @work
    async def action_quit_tutor(self) -> None:
        """Leave. Asks only if typed text would be lost."""
        labs = [screen for screen in self.screen_stack if isinstance(screen, LabScreen)]
        unsaved = next((screen.unsaved for screen in labs if screen.unsaved), "")
        unfinished = next((screen.unfinished for screen in labs if screen.unfinished), "")
        lost = []
        if unsaved:
            lost.append(f"{unsaved} has changes that are not saved. ctrl+s saves them.")
        if unfinished:
            lost.append(f"{plain(unfinished, 40)} is open in the terminal, with what is typed in it.")
        if lost:
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
        for binding in (*(screen.BINDINGS if isinstance(screen, LabScreen | HomeScreen) else ()), *bindings.APP):
            if getattr(binding, "tooltip", "") and binding.id != "quit_anywhere":
                title = f"{binding.description.capitalize()}  ({binding.key.split(',')[0]})"
                node = self if binding in bindings.APP else screen
                yield SystemCommand(
                    title, binding.tooltip, lambda b=binding, n=node: self.run_worker(self.run_action(b.action, n))
                )
        yield SystemCommand("Theme", "Other colours: light, dark, the terminal's own", self.action_change_theme)


def run(cluster_name: str, context: str | None, lab: str | None) -> int:
    """Open the tutor and return the program's exit code.

    ``cluster_name`` names the native cluster; ``context``, if given, a running cluster of the user's kubeconfig;
    ``lab`` is opened at once.
    """
    from k8s_tutor.ui.desk import Desk

    app = TutorApp(Desk(cluster_name, context), lab=lab)
    return app.run() or 0
