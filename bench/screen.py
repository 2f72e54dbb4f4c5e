"""The real program in tmux, a client of it on a terminal of ours, and what a process uses.

Keys are written to that client, and what it paints is read back through a terminal core.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import pty
import secrets
import select
import statistics
import struct
import subprocess
import termios
import time
from collections.abc import Callable
from pathlib import Path

COLUMNS, ROWS = 160, 45
PATIENCE = 60.0


class Screen:
    """tmux with a client on a pseudo-terminal of ours. ``until`` tells when a text was painted."""

    def __init__(self, environment: dict[str, str], folder: Path, command: list[str]) -> None:
        from pyghostty import Terminal

        self._socket = str(folder / f"tmux-{secrets.token_hex(3)}")
        self._core = Terminal(cols=COLUMNS, rows=ROWS)
        self.environment = environment
        self.closed = False
        size = ["-x", str(COLUMNS), "-y", str(ROWS)]
        settings = ["set", "-g", "status", "off", ";", "set", "-s", "escape-time", "0", ";"]
        settings += ["set", "-g", "remain-on-exit", "on", ";", "new-session", "-d", *size, *command]
        self.tmux("-f", "/dev/null", "start-server", ";", *settings)
        self.master, slave = pty.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", ROWS, COLUMNS, 0, 0))
        self._client = subprocess.Popen(
            ["tmux", "-S", self._socket, "attach"],
            stdin=slave, stdout=slave, stderr=slave, start_new_session=True,
            env={**environment, "TERM": "xterm-256color"},
        )  # fmt: skip
        os.close(slave)

    def tmux(self, *arguments: str) -> str:
        done = subprocess.run(
            ["tmux", "-S", self._socket, *arguments],
            env=self.environment, capture_output=True, text=True, timeout=60,
        )  # fmt: skip
        if done.returncode:
            raise SystemExit(f"tmux {arguments[:3]}: {done.stderr}")
        return done.stdout

    @property
    def pid(self) -> int:
        """The program's process id."""
        return int(self.tmux("display-message", "-p", "#{pane_pid}"))

    @property
    def text(self) -> str:
        """What is on the screen."""
        return str(self._core.contents())

    def key(self, data: str) -> float:
        """Press keys; the moment of it (``time.perf_counter``)."""
        at = time.perf_counter()
        os.write(self.master, data.encode())
        return at

    def until(self, wanted: Callable[[str], bool] | str, seconds: float = PATIENCE) -> float:
        """Read until the screen is as wanted; the moment at which that was painted."""
        check = wanted if callable(wanted) else lambda text: wanted in text
        deadline = time.perf_counter() + seconds
        at = time.perf_counter()
        while not check(self.text):
            left = deadline - time.perf_counter()
            if left <= 0 or not select.select([self.master], [], [], left)[0]:
                raise SystemExit(f"not on the screen within {seconds:g} s: {wanted}\n{self.text}")
            data = os.read(self.master, 1 << 16)
            at = time.perf_counter()
            self._core.feed(data)
        return at

    def drain(self, seconds: float) -> None:
        """Read what is painted for so long."""
        deadline = time.perf_counter() + seconds
        while (left := deadline - time.perf_counter()) > 0:
            if select.select([self.master], [], [], left)[0]:
                self._core.feed(os.read(self.master, 1 << 16))

    def close(self) -> None:
        """End the program and tmux. May be called twice."""
        if self.closed:
            return
        self.closed = True
        subprocess.run(["tmux", "-S", self._socket, "kill-server"], capture_output=True, timeout=60)
        # The client waits until its last words are read.
        deadline = time.monotonic() + 10
        while self._client.poll() is None and time.monotonic() < deadline:
            if select.select([self.master], [], [], 0.1)[0]:
                with contextlib.suppress(OSError):
                    os.read(self.master, 1 << 16)
        if self._client.poll() is None:
            self._client.kill()
        self._client.wait()
        os.close(self.master)


class Usage:
    """What a process uses, from ``/proc``."""

    def __init__(self, pid: int) -> None:
        self._folder = Path("/proc", str(pid))
        self.began, self._cpu = time.monotonic(), self.cpu

    @property
    def cpu(self) -> float:
        """Seconds of processor time so far, with those of ended children left out."""
        fields = (self._folder / "stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    @property
    def spent(self) -> float:
        """Seconds of processor time since this object was made."""
        return self.cpu - self._cpu

    @property
    def share(self) -> float:
        """Per cent of one core since this object was made."""
        return 100 * (self.cpu - self._cpu) / (time.monotonic() - self.began)

    @property
    def rss(self) -> float:
        """Resident memory in MB."""
        return int((self._folder / "statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 1e6

    @property
    def handles(self) -> int:
        """Open files."""
        return len(os.listdir(self._folder / "fd"))

    @property
    def threads(self) -> int:
        """Threads."""
        return len(os.listdir(self._folder / "task"))


def typed(screen: Screen, number: int) -> list[float]:
    """Type letters one by one into what has the keys; seconds until each was painted.

    The letters are drawn at random, and the first of a line are not measured: what is waited for is nowhere else.
    """
    lags: list[float] = []
    text = ""
    while len(lags) < number:
        if len(text) >= 24:
            screen.key("\r")
            text = ""
            screen.drain(0.3)
        # Text may follow where it is typed: a letter that stands there already would be seen too early.
        shown = screen.text
        letter = secrets.choice([each for each in "bcdfghjklmnpqrstvwxz" if len(text) < 6 or text + each not in shown])
        text += letter
        pressed = screen.key(letter)
        painted = screen.until(text, 20)
        if len(text) > 6:
            lags.append(painted - pressed)
        screen.drain(0.06)
    return lags


def spread(seconds: list[float]) -> str:
    """``min / median / p95`` in milliseconds."""
    ordered = sorted(seconds)
    p95 = ordered[min(len(ordered) - 1, round(0.95 * len(ordered)))]
    return f"{ordered[0] * 1000:.0f} / {statistics.median(ordered) * 1000:.0f} / {p95 * 1000:.0f}"
