"""One run of making things: its phases, its child processes, and the end of both.

A child gets a session of its own, so that it can be ended with everything it started, and the kernel ends it
when we die without a word (``setpriv --pdeathsig``).
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import IO

from k8s_tutor.errors import EnvironmentFault
from k8s_tutor.phases import Phase, PhaseState, Report

_LAST_LINES = 12
_TELL_EVERY = 0.1
"""Seconds between two reports of one phase: a screen shows no more, and a compiler says much more."""


class Telling:
    """What a running phase says of itself; safe to call from any thread."""

    def __init__(self, work: Work, phase: Phase) -> None:
        self._work = work
        self._phase = phase
        self._started = time.monotonic()
        self._told = 0.0

    @property
    def seconds(self) -> float:
        """Time spent in this phase."""
        return time.monotonic() - self._started

    def say(self, detail: str = "", *, fraction: float | None = None, seconds_left: float | None = None) -> None:
        """Tell progress; too frequent calls are swallowed.

        Raises EnvironmentFault (code ``stopped``) after ``stop``: a download has no child process to end.
        """
        self._work.go_on()
        now = time.monotonic()
        if now - self._told < _TELL_EVERY:
            return
        self._told = now
        self._phase = replace(
            self._phase,
            seconds=self.seconds,
            detail=detail[:200] or self._phase.detail,
            fraction=fraction,
            seconds_left=seconds_left,
        )
        self._work.report(self._phase)

    def end(self, state: PhaseState, detail: str = "") -> None:
        """Tell how it ended; a failed phase keeps its last detail."""
        fraction = 1.0 if state is PhaseState.DONE else self._phase.fraction
        self._phase = replace(
            self._phase,
            state=state,
            seconds=self.seconds,
            fraction=fraction,
            seconds_left=None,
            detail=detail or self._phase.detail,
        )
        self._work.report(self._phase)


class Work:
    """Runs programs and tells phases; ``stop`` ends all that still runs."""

    def __init__(self, report: Report, logs: Path) -> None:
        self.report = report
        self.logs = logs
        self._children: set[subprocess.Popen[bytes]] = set()
        self._guard = threading.Lock()
        self._stopped = False

    def announce(self, phase_id: str, title: str, explains: str) -> None:
        """Tell of a phase that will come."""
        self.report(Phase(phase_id, title, explains))

    @contextmanager
    def phase(self, phase_id: str, title: str, explains: str = "") -> Iterator[Telling]:
        """A phase runs while this is open."""
        phase = Phase(phase_id, title, explains, PhaseState.RUNNING)
        self.report(phase)
        telling = Telling(self, phase)
        try:
            yield telling
        except BaseException as error:
            telling.end(PhaseState.FAILED, str(error)[:200])
            raise
        telling.end(PhaseState.DONE)

    def run(
        self,
        argv: list[str],
        *,
        log: str,
        cwd: Path | None = None,
        env: Mapping[str, str] | None = None,
        line: Callable[[str], None] | None = None,
        feed: Callable[[IO[bytes]], None] | None = None,
        what: str = "",
    ) -> list[str]:
        """Run a program to its end; its output goes to ``logs/<log>.log`` and each line to ``line``.

        ``feed`` writes the program's stdin. Returns the last lines of the output.
        Raises EnvironmentFault (code ``command``) with the last lines and the log's place when it fails.
        """
        self.logs.mkdir(parents=True, exist_ok=True)
        path = self.logs / f"{log}.log"
        last: deque[str] = deque(maxlen=_LAST_LINES)
        with path.open("a", encoding="utf-8", errors="replace") as file:
            file.write(f"+ {' '.join(argv)}\n")
            file.flush()
            child = self.start(
                argv,
                cwd=cwd,
                env=env,
                stdin=subprocess.PIPE if feed else subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
            )
            try:
                if feed and child.stdin:
                    _pour(feed, child.stdin)
                assert child.stdout is not None
                for raw in child.stdout:
                    text = raw.decode("utf-8", "replace").rstrip()
                    file.write(text + "\n")
                    if text:
                        last.append(text)
                        if line:
                            line(text)
                code = child.wait()
            finally:
                self.end(child)
        if code != 0:
            said = "\n".join(f"  {text}" for text in last)
            raise EnvironmentFault(
                f"{what or Path(argv[0]).name} failed (exit {code}):\n{said}",
                remedy=f"The whole output is in {path}; run the same command again to go on where it stopped.",
                code="command",
            )
        return list(last)

    def start(
        self,
        argv: list[str],
        *,
        cwd: Path | None = None,
        env: Mapping[str, str] | None = None,
        stdin: int = subprocess.DEVNULL,
        stdout: int | IO[str] = subprocess.DEVNULL,
        stderr: int = subprocess.STDOUT,
    ) -> subprocess.Popen[bytes]:
        """Start a program in a session of its own; ``end`` it."""
        tied = ["setpriv", "--pdeathsig", "TERM", *argv] if shutil.which("setpriv") else argv
        with self._guard:
            self.go_on()
            child = subprocess.Popen(
                tied, cwd=cwd, env=env, stdin=stdin, stdout=stdout, stderr=stderr, start_new_session=True
            )
            self._children.add(child)
        return child

    def end(self, child: subprocess.Popen[bytes], *, patience: float = 10.0) -> None:
        """End a child and its whole session: asked first, then made to."""
        if child.poll() is None:
            _signal(child, signal.SIGTERM)
            try:
                child.wait(patience)
            except subprocess.TimeoutExpired:
                _signal(child, signal.SIGKILL)
                child.wait()
        for pipe in (child.stdin, child.stdout):
            if pipe:
                pipe.close()
        with self._guard:
            self._children.discard(child)

    def go_on(self) -> None:
        """Raise EnvironmentFault (code ``stopped``) if ``stop`` was called."""
        if self._stopped:
            raise EnvironmentFault("Stopped.", code="stopped")

    def stop(self) -> None:
        """End every child and let no new one start (after an error elsewhere, or Ctrl-C)."""
        with self._guard:
            self._stopped = True
            children = list(self._children)
        for child in children:
            _signal(child, signal.SIGTERM)


def output(argv: list[str], *, env: Mapping[str, str] | None = None, timeout: float = 20.0) -> str:
    """What a short program prints on stdout and stderr, whatever its exit code; empty if it cannot be run."""
    try:
        done = subprocess.run(
            argv, env=env, stdin=subprocess.DEVNULL, capture_output=True, timeout=timeout, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return (done.stdout + done.stderr).decode("utf-8", "replace")


def _pour(feed: Callable[[IO[bytes]], None], pipe: IO[bytes]) -> None:
    # A program that ends early closes the pipe; its own words about why come from its output.
    try:
        feed(pipe)
        pipe.close()
    except BrokenPipeError:
        pass


def _signal(child: subprocess.Popen[bytes], number: int) -> None:
    with suppress(ProcessLookupError):
        os.killpg(child.pid, number)
