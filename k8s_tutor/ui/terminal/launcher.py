"""Where the learner's shell runs: in the app, in a tmux pane beside it, or in place of it for a while."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Any

from k8s_tutor.errors import EnvironmentFault, UsageError
from k8s_tutor.ui.terminal import keeper, selftest
from k8s_tutor.ui.terminal.keys import command_text

if TYPE_CHECKING:
    from textual.app import App

VARIABLE = "K8S_TUTOR_TERMINAL"
AUTO = "auto"
TMUX_SECONDS = 5.0


class Kind(StrEnum):
    """The ways to a shell."""

    EMBEDDED = "embedded"
    TMUX = "tmux"
    SUSPEND = "suspend"
    NONE = "none"


@dataclass(frozen=True)
class Mode:
    """Which way was chosen, and why: a sentence that the screen can show."""

    kind: Kind
    why: str


def choose(setting: str | None = None) -> Mode:
    """Choose where the shell runs.

    Blocks for about a second where the embedded terminal was never tried: call it from a worker thread.

    Args:
        setting: ``auto``, ``embedded``, ``tmux``, ``suspend`` or ``none`` (no shell); None reads
            ``$K8S_TUTOR_TERMINAL``, else ``auto``.

    Raises UsageError for any other word. A way that cannot work here gives the next best one, and says so.
    """
    named = (os.environ.get(VARIABLE) or AUTO) if setting is None else setting
    if named not in (AUTO, *Kind):
        allowed = ", ".join((AUTO, *Kind))
        raise UsageError(
            f"there is no terminal mode {named[:40]!r}: it is one of {allowed}",
            remedy=f"export {VARIABLE}={AUTO}",
            code="terminal-mode",
        )
    if named == Kind.NONE:
        return Mode(Kind.NONE, "No shell is offered here: whoever runs this server switched it off.")
    if named == Kind.SUSPEND:
        return Mode(Kind.SUSPEND, "chosen by the setting")
    if named == Kind.TMUX:
        missing = _no_tmux()
        if not missing:
            return Mode(Kind.TMUX, "chosen by the setting")
        return Mode(Kind.SUSPEND, f"{missing}; the shell takes the screen instead")
    found = selftest.verdict()
    if found.works:
        return Mode(Kind.EMBEDDED, "the embedded terminal works here")
    if not _no_tmux():
        return Mode(Kind.TMUX, f"{found.why}; the shell opens in a tmux pane instead")
    return Mode(Kind.SUSPEND, f"{found.why}; the shell takes the screen instead")


def _no_tmux() -> str:
    """Why no tmux pane can be opened, empty if one can."""
    if not os.environ.get("TMUX"):
        return "the tutor does not run inside tmux"
    return "" if shutil.which("tmux") else "tmux is not on the PATH"


class TmuxPane:
    """A shell in a pane beside the tutor, in the tmux that the tutor runs in."""

    def __init__(self, pane: str) -> None:
        self.pane = pane

    @classmethod
    def split(cls, argv: Sequence[str], env: Mapping[str, str], cwd: Path) -> TmuxPane:
        """Open the pane at the right; the focus goes there. Blocks for some milliseconds.

        Only what differs from the tutor's own environment is handed on: the rest, and TERM, is tmux's.

        Raises EnvironmentFault with tmux's own words.
        """
        command = ["tmux", "split-window", "-h", "-P", "-F", "#{pane_id}", "-c", str(cwd)]
        for name, value in sorted(env.items()):
            if os.environ.get(name) != value and name not in ("TERM", "COLORTERM"):
                command += ["-e", f"{name}={value}"]
        # A single word would go through tmux's own shell, several are run as they are.
        return cls(_tmux([*command, "--", *keeper.argv_with_keeper(["env", *argv])]).strip())

    def alive(self) -> bool:
        """Whether the pane is still there."""
        try:
            return self.pane in _tmux(["tmux", "list-panes", "-a", "-F", "#{pane_id}"]).split()
        except EnvironmentFault:
            return False

    def insert(self, command: str) -> None:
        """Type a command at the pane's prompt, without Enter and without control characters."""
        _tmux(["tmux", "send-keys", "-t", self.pane, "-l", "--", command_text(command)])

    def focus(self) -> None:
        """Give the pane the keys."""
        _tmux(["tmux", "select-pane", "-t", self.pane])

    def close(self) -> None:
        """Remove the pane and what runs in it; nothing happens if it is gone."""
        with contextlib.suppress(EnvironmentFault):
            _tmux(["tmux", "kill-pane", "-t", self.pane])


def _tmux(command: list[str]) -> str:
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, errors="replace", timeout=TMUX_SECONDS, check=False
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise EnvironmentFault(f"tmux does not answer: {error}", remedy=f"export {VARIABLE}={Kind.SUSPEND}") from error
    if done.returncode:
        words = done.stderr.strip()[:200] or f"exit code {done.returncode}"
        raise EnvironmentFault(f"tmux refused: {words}", remedy=f"export {VARIABLE}={Kind.SUSPEND}", code="tmux")
    return done.stdout


def run_suspended(app: App[Any], argv: Sequence[str], env: Mapping[str, str], cwd: Path) -> int:
    """Give the whole screen to a shell until it ends; the app draws itself again after it.

    Returns the shell's exit code (128 + n for signal n). Raises EnvironmentFault where the app has no screen to give
    (in a browser) or the shell does not start.
    """
    from textual.app import SuspendNotSupported

    # Here the shell talks to the user's own terminal, so its name for that terminal holds.
    own = {name: os.environ[name] for name in ("TERM", "COLORTERM", "TMUX") if name in os.environ}
    try:
        with app.suspend():
            sys.stdout.write("The tutor waits. exit (or ctrl+d) leads back to it.\n")
            sys.stdout.flush()
            try:
                kept = keeper.argv_with_keeper(list(argv))
                code = subprocess.run(kept, env={**env, **own}, cwd=cwd, check=False).returncode
                return code if code >= 0 else 128 - code
            finally:
                _take_terminal_back()
    except (SuspendNotSupported, OSError) as error:
        raise EnvironmentFault(
            f"a shell cannot take this screen: {error or type(error).__name__}",
            remedy="k8s-tutor env",
            code="suspend",
        ) from error


def _take_terminal_back() -> None:
    """Make our process group the terminal's foreground again: a killed shell leaves its own there."""
    if not sys.stdin.isatty():
        return
    before = signal.signal(signal.SIGTTOU, signal.SIG_IGN)
    try:
        with contextlib.suppress(OSError):
            os.tcsetpgrp(sys.stdin.fileno(), os.getpgrp())
    finally:
        signal.signal(signal.SIGTTOU, before)
