"""A program on a pseudo-terminal of its own, read and written by the event loop. No screen, no Textual."""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import os
import pty
import signal
import struct
import subprocess
import termios
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from k8s_tutor.ui.terminal.keeper import ignores_hang_up, session_members

SLICE = 0.001
"""Seconds of reading at a time: with 6 ms, keys in other widgets took 60 to 100 ms under a flood of output."""
CHUNK = 65536
POLL = 0.5
"""Seconds between looks at the child: end of file tells at once, but not while a left-over job holds the terminal."""
GRACE = 0.3
"""Seconds that a shell has to end by itself when its terminal is closed."""
MAX_UNWRITTEN = 16 * 1024 * 1024

# A program must not inherit what the tutor or its parents ignore (a shell's jobs could not be stopped, for one).
_RESET = tuple(
    getattr(signal, name)
    for name in ("SIGHUP", "SIGINT", "SIGQUIT", "SIGPIPE", "SIGTERM", "SIGTSTP", "SIGTTIN", "SIGTTOU", "SIGCHLD")
)


def _become_controlled() -> None:
    """In the child, before the program: signals as at login, standard input as the controlling terminal."""
    for number in _RESET:
        signal.signal(number, signal.SIG_DFL)
    fcntl.ioctl(0, termios.TIOCSCTTY, 0)


class Pty:
    """A running program and the master side of its terminal. Made inside a running event loop.

    Args:
        argv: The program and its arguments.
        env: Its whole environment.
        cwd: Its folder.
        cols: Columns of its terminal.
        rows: Rows of its terminal.
        on_data: Called with each piece of output, from the loop.
        on_exit: Called once when the program ended by itself, with its exit code (128 + n for signal n).

    Raises OSError if the program or the folder does not exist.
    """

    def __init__(
        self,
        argv: Sequence[str],
        env: Mapping[str, str],
        cwd: Path,
        cols: int,
        rows: int,
        *,
        on_data: Callable[[bytes], None],
        on_exit: Callable[[int], None],
    ) -> None:
        self._on_data, self._on_exit = on_data, on_exit
        self._loop = asyncio.get_running_loop()
        self._unwritten = bytearray()
        self._closed = self._writing = False
        self._sweeping: asyncio.Task[None] | None = None
        self._master, slave = pty.openpty()
        try:
            self.resize(cols, rows)
            os.set_blocking(self._master, False)
            self._child = subprocess.Popen(
                list(argv),
                stdin=slave,
                stdout=slave,
                stderr=slave,
                cwd=cwd,
                env=dict(env),
                start_new_session=True,
                preexec_fn=_become_controlled,  # two kinds of system calls and no Python lock: safe after a fork
            )
        except BaseException:
            os.close(self._master)
            raise
        finally:
            os.close(slave)
        self._reading = True
        self._loop.add_reader(self._master, self._read)
        self._timer = self._loop.call_later(POLL, self._poll)

    @property
    def pid(self) -> int:
        """Process id of the program, which leads its own session."""
        return self._child.pid

    @property
    def running(self) -> bool:
        """Whether the program has not been seen to end and the terminal is open."""
        return not self._closed and self._child.returncode is None

    @property
    def foreground(self) -> str:
        """Name of the program that has the terminal's keys, other than the first one; empty if that has them."""
        if self._closed:
            return ""
        with contextlib.suppress(OSError):
            group = os.tcgetpgrp(self._master)
            if group not in (0, self.pid):
                return Path(f"/proc/{group}/comm").read_text(errors="replace").strip()
        return ""

    def resize(self, cols: int, rows: int) -> None:
        """Tell the terminal its new size; the programs on it get SIGWINCH."""
        if not self._closed:
            size = struct.pack("HHHH", rows, cols, cols * 8, rows * 16)
            with contextlib.suppress(OSError):
                fcntl.ioctl(self._master, termios.TIOCSWINSZ, size)

    def write(self, data: bytes) -> None:
        """Type ``data`` at the program; kept until it reads, up to 16 MB, then dropped."""
        if self._closed or not data or len(self._unwritten) + len(data) > MAX_UNWRITTEN:
            return
        self._unwritten += data
        self._flush()

    def _flush(self) -> None:
        try:
            while self._unwritten:
                del self._unwritten[: os.write(self._master, self._unwritten[:CHUNK])]
        except BlockingIOError:
            pass
        except OSError:
            self._unwritten.clear()
        if bool(self._unwritten) != self._writing:
            self._writing = not self._writing
            if self._writing:
                self._loop.add_writer(self._master, self._flush)
            else:
                self._loop.remove_writer(self._master)

    def _read(self) -> None:
        end = time.monotonic() + SLICE
        while not self._closed:
            try:
                data = os.read(self._master, CHUNK)
            except BlockingIOError:
                return
            except OSError:  # EIO: nobody has the terminal open any more
                data = b""
            if not data:
                self._stop_reading()
                self._timer.cancel()
                self._timer = self._loop.call_later(0.005, self._poll, 0.02)
                return
            self._on_data(data)
            if time.monotonic() >= end:
                return

    def _stop_reading(self) -> None:
        if self._reading:
            self._reading = False
            self._loop.remove_reader(self._master)

    def _poll(self, again: float = POLL) -> None:
        if self._closed:
            return
        if self._child.poll() is None:
            # After the end of file the child ends within moments, or it lives on without a terminal.
            self._timer = self._loop.call_later(again, self._poll, min(POLL, again * 2))
            return
        if self._reading:
            self._read()
        code = self._child.returncode
        self._shut()
        # A shell that was left by exit does not take its background jobs with it.
        self._sweeping = self._loop.create_task(self._end_jobs(0))
        self._on_exit(code if code >= 0 else 128 - code)

    def _shut(self) -> None:
        self._closed = True
        self._timer.cancel()
        self._stop_reading()
        if self._writing:
            self._writing = False
            self._loop.remove_writer(self._master)
        os.close(self._master)

    async def close(self) -> None:
        """Hang up, as closing a terminal's window does: nothing of it is left, but what asked to outlive it (nohup).

        Takes at most about 0.6 s; harmless twice. ``on_exit`` is not called.
        """
        if self._closed:
            if self._sweeping is not None:
                await self._sweeping
            return
        foreground = 0
        with contextlib.suppress(OSError):
            foreground = os.tcgetpgrp(self._master)
        self._shut()
        self._signal(self.pid, signal.SIGHUP)
        if not await self._gone(lambda: self._child.poll() is not None):
            self._signal(self.pid, signal.SIGKILL)
            await asyncio.to_thread(self._child.wait)
        await self._end_jobs(foreground)

    async def _end_jobs(self, foreground: int) -> None:
        """Hang up on what is left of the session; what is deaf in the ``foreground`` group is killed."""
        # A shell passes the hang-up on to the jobs it knows of. One that was being started just then is none of them,
        # and can have lost the signal itself between its fork and its exec: so they are told until they are gone.
        if not await self._gone(lambda: self._hang_up_jobs(foreground)):
            for job in self._jobs(foreground):
                with contextlib.suppress(OSError):
                    os.kill(job, signal.SIGKILL)

    def _jobs(self, foreground: int) -> set[int]:
        """What is left of the program's session, but what asked in the background to outlive it."""
        found = set()
        for pid in session_members(self.pid) - {self.pid}:
            with contextlib.suppress(OSError):
                if os.getpgid(pid) == foreground or not ignores_hang_up(pid):
                    found.add(pid)
        return found

    def _hang_up_jobs(self, foreground: int) -> bool:
        """Tell the jobs that are left; true if there was none."""
        jobs = self._jobs(foreground)
        for job in jobs:
            with contextlib.suppress(OSError):
                os.kill(job, signal.SIGHUP)
                os.kill(job, signal.SIGCONT)
        return not jobs

    @staticmethod
    async def _gone(is_gone: Callable[[], bool]) -> bool:
        end = time.monotonic() + GRACE
        while not is_gone():
            if time.monotonic() > end:
                return False
            await asyncio.sleep(0.01)
        return True

    @staticmethod
    def _signal(group: int, number: int) -> None:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(group, number)
