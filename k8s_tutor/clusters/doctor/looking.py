"""Looks run side by side, each with its own deadline: one that hangs costs its own answer and nothing else."""

from __future__ import annotations

import os
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from k8s_tutor.clusters.doctor.finding import Finding, Topic
from k8s_tutor.errors import TutorError


@dataclass(frozen=True)
class Look:
    """What to run, the topics it tells of, and how long it may take (seconds from its start)."""

    run: Callable[[], Sequence[Finding]]
    topics: tuple[Topic, ...]
    seconds: float = 4.0


class Running:
    """Looks under way, each in a thread that nobody waits for longer than its deadline."""

    def __init__(self, looks: Iterable[Look], *, until: float = float("inf")) -> None:
        """Start them; ``until`` (``time.monotonic()``) is the deadline of all."""
        self._until = until
        self._started = time.monotonic()
        self._under_way = []
        for look in looks:
            told: list[Sequence[Finding]] = []
            thread = threading.Thread(target=_run, args=(look, told), name="doctor", daemon=True)
            thread.start()
            self._under_way.append((look, told, thread))

    def findings(self) -> list[Finding]:
        """What they told, in their order; of one that did not end, that its topics were not observed."""
        found: list[Finding] = []
        for look, told, thread in self._under_way:
            end = min(self._started + look.seconds, self._until)
            thread.join(max(0.0, end - time.monotonic()))
            if told:
                found += told[0]
            else:
                waited = max(0.1, end - self._started)
                found += [topic.unseen(f"no answer within {waited:.1f} s") for topic in look.topics]
        return found


def _run(look: Look, told: list[Sequence[Finding]]) -> None:
    try:
        told.append(list(look.run()))
    except TutorError as error:
        told.append([topic.unseen(error.message, error.remedy) for topic in look.topics])
    except Exception as error:  # whatever broke the look, the others are still worth telling
        why = f"could not be looked at: {type(error).__name__}: {error}"
        told.append([topic.unseen(why) for topic in look.topics])


@dataclass(frozen=True)
class Said:
    """What a program said. ``code`` is None when it could not be run or did not end in time (``late``)."""

    code: int | None
    out: str = ""
    err: str = ""
    late: bool = False


def ask_program(argv: Sequence[str], *, seconds: float = 3.0, feed: str = "") -> Said:
    """Run a program that only tells; ended with all that it started after so many seconds. Never raises."""
    try:
        child = subprocess.Popen(
            argv,
            stdin=subprocess.PIPE if feed else subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            encoding="utf-8",
            errors="replace",
            start_new_session=True,
        )
    except OSError as error:
        return Said(None, err=error.strerror or str(error))
    try:
        out, err = child.communicate(feed or None, timeout=seconds)
        return Said(child.returncode, out, err)
    except subprocess.TimeoutExpired:
        _end(child)
        return Said(None, err=f"no answer within {seconds:g} s", late=True)


def _end(child: subprocess.Popen[str]) -> None:
    # Its whole session: a wrapper script that is killed alone leaves what it waits for.
    try:
        os.killpg(child.pid, signal.SIGKILL)
    except OSError:
        child.kill()
    for pipe in (child.stdout, child.stderr, child.stdin):
        if pipe is not None:
            pipe.close()
    try:
        child.wait(timeout=1.0)
    except subprocess.TimeoutExpired:
        return  # the kernel holds it; the thread that waits for it is a daemon
