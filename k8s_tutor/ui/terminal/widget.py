"""The pane with a real shell in it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import ClassVar

from textual import events
from textual.message import Message

from k8s_tutor.ui.terminal import library
from k8s_tutor.ui.terminal.core import BRACKETED_PASTE, FOCUS_EVENTS, Core, clamp
from k8s_tutor.ui.terminal.keys import LEAVE_KEYS, command_text
from k8s_tutor.ui.terminal.pointer import Pointer
from k8s_tutor.ui.terminal.pty import Pty

MAX_EARLY = 256
"""Keys that are kept while the terminal starts."""
CLEAR_LINE = b"\x05\x15"  # to the end, then discard to the start: the same in bash's and zsh's editors
NO_PROMPT = 2.0
"""Seconds after which a shell that never marks its prompt (no bracketed paste) is typed at all the same."""
VIEWERS = ("less", "more", "man", "top", "htop", "watch", "pager")
"""Full-screen programs in which nothing is typed that could be lost."""


class TerminalPane(Pointer, can_focus=True):
    """A program, usually the learner's shell, on a terminal of its own.

    It starts when the pane first has a size. While it is focused and the program runs, every key is the program's
    but ``LEAVE_KEYS``; the app must let it (``KeepsKeys``). Shift or alt with PageUp, and the wheel, scroll back.

    Args:
        argv: The program and its arguments.
        env: Its whole environment.
        cwd: Its folder.
    """

    DEFAULT_CSS: ClassVar[str] = """
    TerminalPane { width: 1fr; height: 1fr; }
    """

    class _About(Message):
        """Something about ``pane``."""

        def __init__(self, pane: TerminalPane) -> None:
            super().__init__()
            self.pane = pane

        @property
        def control(self) -> TerminalPane:
            """The pane it came from."""
            return self.pane

    class Exited(_About):
        """The program ended by itself with ``code`` (128 + n for signal n, 127 if it could not be started)."""

        def __init__(self, pane: TerminalPane, code: int) -> None:
            super().__init__(pane)
            self.code = code

    class TitleChanged(_About):
        """The program set a title: untrusted text, printable and at most 200 characters, never markup."""

        def __init__(self, pane: TerminalPane, title: str) -> None:
            super().__init__(pane)
            self.title = title

    class Leave(_About):
        """The learner pressed a key of ``LEAVE_KEYS``: give the focus to something else."""

    def __init__(
        self,
        argv: Sequence[str],
        env: Mapping[str, str],
        cwd: Path,
        *,
        name: str | None = None,
        id: str | None = None,  # noqa: A002 - as every Textual widget names it
        classes: str | None = None,
    ) -> None:
        super().__init__(name=name, id=id, classes=classes)
        self._argv, self._env, self._cwd = list(argv), dict(env), cwd
        self._starting = False
        self._early: list[tuple[str, str | None]] = []
        self._wanted: str | None = None
        self._wanted_until = 0.0

    # ---- what the app may ask and do

    @property
    def pid(self) -> int | None:
        """Process id of the running program."""
        return self._pty.pid if self._pty is not None and self._pty.running else None

    @property
    def at_prompt(self) -> bool:
        """Whether a line editor waits for input (bash and zsh ask for bracketed paste exactly then)."""
        core = self._core
        return core is not None and not self.exited and core.mode(BRACKETED_PASTE) and not core.alternate

    @property
    def unfinished(self) -> str:
        """Name of a full-screen program that may hold typed text (vim, nano …); empty if there is none."""
        core, running = self._core, self._pty
        if core is None or running is None or self.exited or not core.alternate:
            return ""
        name = running.foreground
        return "" if name in VIEWERS else name

    def insert(self, text: str) -> bool:
        """Put a command at the prompt in place of what is typed there. It is never run: that is the learner's Enter.

        Returns:
            False if a full-screen program has the terminal, or nothing is left of ``text``; then nothing happens.
        """
        command = command_text(text)
        if not command or (self._core is not None and self._core.alternate and not self.exited):
            return False
        if self.exited:
            self.restart()
        if self.at_prompt:
            self._insert_now(command)
        elif self._wanted is None and self._core is not None and self._texts and not self._starting:
            self._insert_now(command)  # a command runs: the text waits in the terminal for the next prompt
        else:
            self._wanted = command
        return True

    def restart(self) -> None:
        """End the program if it runs, and start it anew on an empty screen."""
        self.run_worker(self._restart(), group="terminal", exclusive=True)
        self._starting = True
        self._exit_code = None

    # ---- starting and ending

    async def _restart(self) -> None:
        if self._pty is not None:
            await self._pty.close()
            self._pty = None
        if self._core is not None:
            self._core.feed(b"\x1bc")
        await self._start()

    async def _start(self) -> None:
        """Load the library without stopping the screen, then run the program."""
        self._starting = True
        self._exit_code = None
        cols, rows = clamp(self.size.width, self.size.height)
        try:
            if self._core is None:
                await asyncio.to_thread(library.load)
                if self._gone:
                    return
                fg, bg = self.rich_style.color, self.rich_style.bgcolor
                self._core = Core(
                    cols,
                    rows,
                    self._reply,
                    fg=fg.get_truecolor() if fg else None,
                    bg=bg.get_truecolor() if bg else None,
                )
            else:
                self._core.resize(cols, rows)
            self._pty = Pty(self._argv, self._env, self._cwd, cols, rows, on_data=self._on_data, on_exit=self._on_exit)
        except (OSError, ImportError, RuntimeError) as error:
            if self._core is not None:
                self._core.feed(f"{error}\r\n".encode())
            self._on_exit(127)
            return
        finally:
            self._starting = False
        self._wanted_until = time.monotonic() + NO_PROMPT
        early, self._early = self._early, []
        for key, character in early:
            self._pty.write(self._core.key(key, character))
        self._plan_frame()

    async def on_unmount(self) -> None:
        """Hang up; nothing of the shell is left."""
        self._gone = True
        if self._frame_timer is not None:
            self._frame_timer.cancel()
        if self._pty is not None:
            await self._pty.close()
        if self._core is not None:
            self._core.close()
            self._core = None

    def _on_exit(self, code: int) -> None:
        self._exit_code = code
        if self._core is not None:
            self._core.calm()
            self._core.feed(f"\r\n\x1b[2m[ended with exit code {code}; Enter starts it again]\x1b[0m".encode())
            self._core.scroll_bottom()
            self._plan_frame()
        self.post_message(self.Exited(self, code))

    def _framed(self, core: Core) -> None:
        """Bell, title and a waiting command once a frame: output can ring thousands of times."""
        if core.bell:
            core.bell = False
            self.app.bell()
        if core.title_changed:
            core.title_changed = False
            self.post_message(self.TitleChanged(self, core.title()))
        if self._wanted is None:
            return
        if self.at_prompt or time.monotonic() > self._wanted_until:
            command, self._wanted = self._wanted, None
            self._insert_now(command)
        else:
            self.set_timer(NO_PROMPT / 4, self._plan_frame)

    # ---- output

    def _on_data(self, data: bytes) -> None:
        if self._core is not None:
            self._core.feed(data)
            self._plan_frame()

    def _reply(self, data: bytes) -> None:
        if self._pty is not None:
            self._pty.write(data)

    # ---- keys

    def check_consume_key(self, key: str, character: str | None = None) -> bool:
        """Every key is the program's, so that a footer does not offer it for something else."""
        return not self.exited and key not in LEAVE_KEYS

    def on_key(self, event: events.Key) -> None:
        """Send the key to the program."""
        if event.key in LEAVE_KEYS:
            event.stop()
            event.prevent_default()
            self.post_message(self.Leave(self))
            return
        if self.exited:
            if event.key == "enter":
                event.stop()
                event.prevent_default()
                self.restart()
            return
        event.stop()
        event.prevent_default()
        core = self._core
        if core is None:
            if len(self._early) < MAX_EARLY:
                self._early.append((event.key, event.character))
            return
        if not core.alternate and self._scroll_key(core, event.key):
            return
        self._send(core.key(event.key, event.character))

    def _scroll_key(self, core: Core, key: str) -> bool:
        page = max(1, self.size.height - 2)
        # Many terminals keep shift+pageup for a history of their own: alt does the same.
        if key in ("shift+pageup", "alt+pageup"):
            core.scroll(-page)
        elif key in ("shift+pagedown", "alt+pagedown"):
            core.scroll(page)
        elif key == "shift+home":
            core.scroll_top()
        elif key == "shift+end":
            core.scroll_bottom()
        else:
            return False
        self._plan_frame()
        return True

    def _insert_now(self, command: str) -> None:
        if self._core is not None:
            self._send((CLEAR_LINE if self.at_prompt else b"") + self._core.paste(command))

    def on_paste(self, event: events.Paste) -> None:
        """Paste into the program, with control characters disarmed."""
        event.stop()
        if self._core is not None and not self.exited:
            self._send(self._core.paste(event.text))

    # ---- focus and size

    def on_focus(self) -> None:
        """Show the cursor as active, and tell the program if it asked."""
        self._focus_changed(b"\x1b[I")

    def on_blur(self) -> None:
        """Show the cursor as inactive, and tell the program if it asked."""
        self._focus_changed(b"\x1b[O")

    def _focus_changed(self, report: bytes) -> None:
        self.refresh()
        if self._core is not None and self._pty is not None and self._core.mode(FOCUS_EVENTS):
            self._pty.write(report)

    def on_resize(self, event: events.Resize) -> None:
        """Follow the pane's size; the first one that is not empty starts the program."""
        width, height = self.size
        if not width or not height:
            return
        if self._core is None:
            if not self._starting and self._exit_code is None:
                self._starting = True
                self.run_worker(self._start(), group="terminal", exclusive=True)
            return
        cols, rows = clamp(width, height)
        if (cols, rows) != self._core.size:
            self._core.resize(cols, rows)
            if self._pty is not None:
                self._pty.resize(cols, rows)
        self._plan_frame()
