"""The place of the terminal: the embedded one where it can run, else tmux beside, else a shell in our stead."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

from textual.app import ComposeResult
from textual.containers import Vertical
from textual.widgets import Static

from k8s_tutor.errors import EnvironmentFault
from k8s_tutor.ui.ports import ShellSpec
from k8s_tutor.ui.terminal.launcher import Kind, Mode, TmuxPane, run_suspended
from k8s_tutor.ui.text import DIM, line, plain

if TYPE_CHECKING:
    from k8s_tutor.ui.terminal import TerminalPane

HELP = """
The terminal: your own shell, on your own cluster.

kubectl is the cluster's own version, its kubeconfig and namespace are set, k is short for it, Tab completes. The
folder is that of this lab. While the shell has the keys every key is its own but the one that leads out.

  F6  into the shell, and out of it again; ctrl+] leads out too
  3  into the shell
  enter  on a command of the lesson: puts it at the prompt; you run it
  shift+PgUp  back through what was printed; shift+PgDn, shift+End forth
  drag  with the mouse selects; let go copies. With Shift held: your own terminal's way

Where the shell cannot be embedded it opens in a tmux pane beside, or takes the screen until you exit.
"""
"""What F1 shows for this pane."""


class TerminalSlot(Vertical):
    """Shows the terminal from the moment its shell is known; ``pane`` is None where it cannot be embedded."""

    def __init__(self) -> None:
        super().__init__(id="terminal")
        self._spec: ShellSpec | None = None
        self._kind = Kind.SUSPEND
        self._tmux: TmuxPane | None = None
        self.pane: TerminalPane | None = None
        self._wanted = False

    def compose(self) -> ComposeResult:
        """A line until the terminal is there, or in its place."""
        yield Static(line(("opening a shell …", DIM)), markup=False, id="terminal-note")

    async def begin(self, spec: ShellSpec, mode: Mode) -> None:
        """The shell is known now; asked for before, it has the keys. Raises EnvironmentFault where none opens."""
        if self._spec is not None:
            return
        self._spec, self._kind = spec, mode.kind
        note = self.query_one("#terminal-note", Static)
        if mode.kind is Kind.EMBEDDED:
            from k8s_tutor.ui.terminal import TerminalPane

            self.pane = TerminalPane(spec.argv, spec.env, spec.cwd)
            note.display = False
            await self.mount(self.pane)
            self._enter_if_wanted()
            return
        if mode.kind is Kind.NONE:
            note.update(line(mode.why, ("\nThe manifest pane applies; the lesson's commands can be copied.", DIM)))
            return
        where = "in a tmux pane beside" if mode.kind is Kind.TMUX else "in the tutor's place; exit comes back"
        note.update(line(f"F6 opens your shell {where}.", (f"\n{plain(mode.why)}", DIM)))
        self._enter_if_wanted()

    def _enter_if_wanted(self) -> None:
        if self._wanted and self.display:
            self.enter()

    def on_unmount(self) -> None:
        """A pane that we opened goes with us."""
        if self._tmux is not None:
            self._tmux.close()

    @property
    def ready(self) -> bool:
        """Whether a shell is known."""
        return self._spec is not None

    @property
    def offers_shell(self) -> bool:
        """Whether there is a shell at all."""
        return self._kind is not Kind.NONE

    @property
    def embedded(self) -> bool:
        """Whether the terminal is in the screen."""
        return self.pane is not None

    @property
    def unfinished(self) -> str:
        """Name of an editor that is open in the terminal; empty if there is none."""
        return self.pane.unfinished if self.pane is not None else ""

    def insert(self, command: str) -> bool:
        """Put a command at the prompt, never run; false where there is no prompt to put it at."""
        if self.pane is not None:
            return self.pane.insert(command)
        if self._tmux is not None and self._tmux.alive():
            with contextlib.suppress(EnvironmentFault):
                self._tmux.insert(command)
                return True
        return False

    def enter(self) -> None:
        """Give the keys to the shell. Raises EnvironmentFault where none opens."""
        self._wanted = True  # asked for before it is there: it takes the keys when it comes
        if self.pane is not None:
            self.pane.focus()
        elif self._spec is not None and self._kind is Kind.NONE:
            raise EnvironmentFault(
                "no shell is offered here: whoever runs this server switched it off", code="no-shell"
            )
        elif self._spec is not None and self._kind is Kind.TMUX:
            if self._tmux is None or not self._tmux.alive():
                self._tmux = TmuxPane.split(self._spec.argv, self._spec.env, self._spec.cwd)
            self._tmux.focus()
        elif self._spec is not None:
            run_suspended(self.app, self._spec.argv, self._spec.env, self._spec.cwd)
            self.app.refresh(layout=True)
