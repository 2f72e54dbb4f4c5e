"""An app with one terminal, and waiting for facts instead of for time."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, ClassVar

from textual.app import App, ComposeResult
from textual.binding import Binding, BindingType
from textual.message import Message
from textual.widgets import Input

from k8s_tutor.ui.terminal import KeepsKeys, TerminalPane

DEADLINE = 30.0
SHELL_ENV = {
    "PATH": os.environ["PATH"],
    "HOME": "/nonexistent",
    "TERM": "xterm-256color",
    "LANG": "C.UTF-8",
    "PS1": "ready$ ",
    "HISTFILE": "/dev/null",
}
BASH = ("bash", "--norc", "--noprofile", "-i")


async def until(condition: Callable[[], Any], what: str | Callable[[], str] = "", deadline: float = DEADLINE) -> None:
    """Return as soon as ``condition`` holds; fail with ``what`` was there instead after ``deadline`` seconds."""
    end = time.monotonic() + deadline
    while not condition():
        if time.monotonic() > end:
            raise AssertionError(f"did not come true: {what() if callable(what) else what}")
        await asyncio.sleep(0.01)


class Desk(KeepsKeys, App[None]):
    """A terminal beside an input, with app bindings on keys that a shell needs."""

    LEAVE_ACTIONS: ClassVar[frozenset[str]] = frozenset({"swap"})
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("ctrl+p", "steal", "", priority=True),
        Binding("ctrl+c", "steal", "", priority=True),
        Binding("escape", "steal", "", priority=True),
        Binding("tab", "steal", "", priority=True),
        Binding("q", "steal", ""),
    ]

    def __init__(self, argv: Sequence[str] = BASH, env: dict[str, str] | None = None, cwd: Path = Path("/")) -> None:
        super().__init__()
        self.pane = TerminalPane(argv, env or SHELL_ENV, cwd)
        self.stolen = 0
        self.heard: list[Message] = []

    def compose(self) -> ComposeResult:
        yield self.pane
        yield Input()

    def on_mount(self) -> None:
        self.pane.focus()

    def action_steal(self) -> None:
        self.stolen += 1

    def on_terminal_pane_leave(self, message: TerminalPane.Leave) -> None:
        self.heard.append(message)
        self.query_one(Input).focus()

    def on_terminal_pane_exited(self, message: TerminalPane.Exited) -> None:
        self.heard.append(message)

    def on_terminal_pane_title_changed(self, message: TerminalPane.TitleChanged) -> None:
        self.heard.append(message)

    def run_line(self, line: str) -> None:
        """Type a line and Enter, at once: for what is not about keys (the pilot waits after each)."""
        self.pane._send(f"{line}\r".encode())

    async def shows(self, text: str) -> None:
        """Wait until the terminal shows ``text``."""
        await until(lambda: text in self.pane.text, lambda: f"{text!r} in\n{self.pane.text}")

    async def at_prompt(self) -> None:
        """Wait until the shell takes input."""
        await until(lambda: self.pane.at_prompt and "ready$" in self.pane.text, lambda: self.pane.text)
