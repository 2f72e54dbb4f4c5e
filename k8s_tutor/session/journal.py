"""What the tutor itself did on the cluster: each deed with its time, the kubectl command that does the same, its end.

A learner who wonders what happened behind the screen reads it here, and can do each of it by hand. Bounded, safe for
many threads; nothing here asks the cluster for anything.
"""

from __future__ import annotations

import contextlib
import shlex
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

from k8s_tutor.errors import TutorError

MOST = 500
"""Entries kept; the oldest go first."""
LONGEST = 4_000
"""Characters of a command that are kept, and a tenth of that of a result."""


class How(StrEnum):
    """How a deed stands. ``OPEN``: a watch, which goes on for as long as the session does."""

    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    OPEN = "open"


@dataclass(frozen=True)
class Entry:
    """One deed: ``command`` does the same at the learner's prompt, ``why`` says what it was for.

    ``at``: when it was begun (Unix seconds; the last time, of ``times``); ``seconds``: how long it took. ``result``
    is a few words, of the server's or ours.
    """

    number: int
    at: float
    command: str
    why: str
    how: How = How.RUNNING
    result: str = ""
    seconds: float = 0.0
    times: int = 1


@dataclass
class Deed:
    """A deed under way: set ``result`` in words, and ``command`` where only its end tells what it was."""

    command: str
    result: str = ""


class Journal:
    """The deeds of one session, oldest first."""

    def __init__(self, most: int = MOST) -> None:
        self._most = most
        self._lock = threading.Lock()
        self._entries: dict[int, Entry] = {}
        self._number = 0
        self._callbacks: list[Callable[[], object]] = []

    def entries(self) -> tuple[Entry, ...]:
        """All that is kept, oldest first."""
        with self._lock:
            return tuple(self._entries.values())

    def subscribe(self, callback: Callable[[], object]) -> Callable[[], None]:
        """Call ``callback`` after each change, from any thread; returns a function that ends this."""
        with self._lock:
            self._callbacks.append(callback)

        def unsubscribe() -> None:
            with self._lock, contextlib.suppress(ValueError):
                self._callbacks.remove(callback)

        return unsubscribe

    @contextlib.contextmanager
    def deed(self, command: str, why: str, *, again: bool = False) -> Iterator[Deed]:
        """Note a deed around the code that does it; what that raises is its result, and goes on.

        ``again``: what is done over and over (looking at a log) stays one entry that counts its times.
        """
        number = self._begin(command, why, again=again)
        started = time.monotonic()
        doing = Deed(command)
        try:
            yield doing
        except BaseException as error:
            told = error.message if isinstance(error, TutorError) else f"{type(error).__name__}: {error}"
            self._end(number, doing.command, How.FAILED, doing.result or told, time.monotonic() - started)
            raise
        self._end(number, doing.command, How.DONE, doing.result, time.monotonic() - started)

    def note(self, command: str, why: str, *, result: str = "", how: How = How.DONE, seconds: float = 0.0) -> int:
        """Note what is done already, or (``OPEN``) goes on until it is said to have ``ended``; its number."""
        number = self._begin(command, why, again=False)
        self._end(number, command, how, result, seconds)
        return number

    def ended(self, number: int) -> None:
        """What went on by itself has come to its end."""
        with self._lock:
            entry = self._entries.get(number)
        if entry is not None:
            self._end(number, entry.command, How.DONE, entry.result, time.time() - entry.at)

    def _begin(self, command: str, why: str, *, again: bool) -> int:
        with self._lock:
            found = self._same(command, why) if again else None
            if found is not None:
                # The newest deeds stand last, also those done before.
                del self._entries[found.number]
                entry = replace(found, at=time.time(), how=How.RUNNING, times=found.times + 1)
            else:
                self._number += 1
                entry = Entry(self._number, time.time(), command[:LONGEST], why)
            self._entries[entry.number] = entry
            while len(self._entries) > self._most:
                del self._entries[next(iter(self._entries))]
        self._tell()
        return entry.number

    def _same(self, command: str, why: str) -> Entry | None:
        given = command[:LONGEST]
        for entry in reversed(self._entries.values()):
            if entry.command == given and entry.why == why and entry.how is not How.RUNNING:
                return entry
        return None

    def _end(self, number: int, command: str, how: How, result: str, seconds: float) -> None:
        with self._lock:
            entry = self._entries.get(number)
            if entry is not None:
                words = " ".join(result.split())[: LONGEST // 10]
                self._entries[number] = replace(
                    entry, command=command[:LONGEST], how=how, result=words, seconds=seconds
                )
        self._tell()

    def _tell(self) -> None:
        with self._lock:
            callbacks = tuple(self._callbacks)
        for callback in callbacks:
            # A screen that broke must not stop the work.
            with contextlib.suppress(Exception):
                callback()


def kubectl(*args: str) -> str:
    """A kubectl command as it is typed, quoted where a shell needs it."""
    return shlex.join(("kubectl", *args))


def shell(args: Sequence[str]) -> str:
    """Any other command as it is typed."""
    return shlex.join(args)


APPLY = ("apply", "--server-side", "--force-conflicts", "--field-manager=k8s-tutor", "--validate=strict")


def apply_command(name: str, *, dry_run: bool = False) -> str:
    """What our apply of a file is at the prompt; without a name the text comes from standard input."""
    return kubectl(*APPLY, *(("--dry-run=server",) if dry_run else ()), "-f", name or "-")


def diff_command() -> str:
    """What our look at what an apply would change is at the prompt; the text comes from standard input."""
    return kubectl("diff", "--server-side", "--force-conflicts", "--field-manager=k8s-tutor", "-f", "-")


def curl(host: str, port: int, *, times: int = 1, inside: str = "") -> str:
    """Requests as the learner's shell sends them: it is on the cluster's network, or asks ``inside`` of a pod."""
    address = f"[{host}]" if ":" in host else host
    one = shlex.join(["curl", "-sS", "-m", "5", "-o", "/dev/null", f"http://{address}:{port}/"])
    whole = one if times <= 1 else f"for i in $(seq {times}); do {one}; done"
    if not inside:
        return whole
    return f"{kubectl('exec', inside, '--')} " + (one if times <= 1 else shlex.join(["sh", "-c", whole]))
