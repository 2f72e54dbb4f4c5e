"""The processes of a node: started, kept running, reaped. PID 1 is the parent of every orphan here."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import threading
import time
from collections.abc import Mapping
from pathlib import Path

_ROTATE = 20_000_000
_FIRST_PAUSE, _LONGEST_PAUSE, _STEADY = 0.2, 5.0, 30.0


class Children:
    """Starts processes and learns of their ends. All waiting is done by one thread: nobody else may call wait."""

    def __init__(self, env: Mapping[str, str]) -> None:
        self._env = dict(env)
        self._changed = threading.Condition()
        self._running: set[int] = set()
        self._ended: dict[int, int] = {}
        self._stopping = False
        threading.Thread(target=self._reap, name="reaper", daemon=True).start()

    def start(self, argv: list[str], log: Path) -> int:
        """Start a program, its output appended to ``log``; returns its PID. Raises OSError."""
        with contextlib.suppress(FileNotFoundError):
            if log.stat().st_size > _ROTATE:
                log.replace(log.with_suffix(".old.log"))
        flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND
        actions = [
            (os.POSIX_SPAWN_OPEN, 0, "/dev/null", os.O_RDONLY, 0),
            (os.POSIX_SPAWN_OPEN, 1, str(log), flags, 0o600),
            (os.POSIX_SPAWN_DUP2, 1, 2),
        ]
        program = shutil.which(argv[0], path=self._env["PATH"])
        if program is None:
            raise FileNotFoundError(f"{argv[0]} is not in {self._env['PATH']}")
        with self._changed:
            # Under the guard, so that a process which ends at once is not taken for somebody's orphan.
            pid = os.posix_spawn(program, argv, self._env, file_actions=actions, setsid=True)
            self._running.add(pid)
            self._changed.notify_all()
        return pid

    def wait(self, pid: int, timeout: float | None = None) -> int | None:
        """Exit code of a started process (negative: its signal); None if it still runs after ``timeout`` seconds."""
        with self._changed:
            self._changed.wait_for(lambda: pid in self._ended, timeout)
            return self._ended.get(pid)

    def run(self, argv: list[str], log: Path, timeout: float) -> int:
        """Run a program to its end; its exit code. Raises TimeoutError after ending it, OSError."""
        pid = self.start(argv, log)
        code = self.wait(pid, timeout)
        if code is None:
            os.kill(pid, signal.SIGKILL)
            raise TimeoutError(f"{Path(argv[0]).name} did not end within {timeout:.0f} s")
        return code

    def keep(self, argv: list[str], log: Path) -> None:
        """Start a program, and again whenever it ends, until ``stop``."""
        threading.Thread(target=self._keep, args=(argv, log), name=Path(argv[0]).name, daemon=True).start()

    def stop(self) -> None:
        """Start nothing again; ask everything to end."""
        with self._changed:
            self._stopping = True
            running = list(self._running)
        for pid in running:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGTERM)

    def _keep(self, argv: list[str], log: Path) -> None:
        pause = _FIRST_PAUSE
        while not self._stopping:
            began = time.monotonic()
            try:
                self.wait(self.start(argv, log))
            except OSError as error:
                print(f"{argv[0]}: {error}", flush=True)
            if time.monotonic() - began > _STEADY:
                pause = _FIRST_PAUSE
            time.sleep(pause)
            pause = min(pause * 2, _LONGEST_PAUSE)

    def _reap(self) -> None:
        while True:
            try:
                pid, status = os.waitpid(-1, 0)
            except ChildProcessError:
                with self._changed:
                    self._changed.wait(0.5)
                continue
            with self._changed:
                if pid in self._running:
                    self._running.discard(pid)
                    self._ended[pid] = os.waitstatus_to_exitcode(status)
                    self._changed.notify_all()
