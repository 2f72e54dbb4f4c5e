"""The nodes' events, followed as they are written and told as phases with an honest guess of the time left."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from k8s_tutor import atomic, paths
from k8s_tutor.clusters.native.pid1 import events
from k8s_tutor.clusters.native.texts import EXPLAINS, TITLES
from k8s_tutor.phases import Phase, PhaseState, Report

_POLL = 0.03
_TELL_EVERY = 0.25
_FIRST_GUESS = {
    # Measured on 2 processors; only until this machine has brought up a cluster of its own.
    events.NODE: 1.5,
    events.ETCD: 4.0,
    events.APISERVER: 6.0,
    events.CONTROLLERS: 6.5,
    events.SCHEDULER: 6.5,
    events.KUBELET: 7.5,
    events.DNS: 10.5,
    events.READY: 11.0,
}


@dataclass
class Outcome:
    """What has been seen so far: when phases began and ended (seconds since the epoch), the first failure.

    ``missing`` counts the workers that have not said that they are in.
    """

    began: dict[str, float] = field(default_factory=dict)
    ended: dict[str, float] = field(default_factory=dict)
    detail: dict[str, str] = field(default_factory=dict)
    failed: str = ""
    missing: int = 0

    def take(self, event: dict[str, Any]) -> None:
        """Add one event."""
        phase, state, moment = str(event["phase"]), str(event["state"]), float(event["t"])
        self.began.setdefault(phase, moment)
        if event.get("detail"):
            self.detail[phase] = str(event["detail"])
        if state == events.DONE:
            self.ended.setdefault(phase, moment)
        elif state == events.FAILED and not self.failed:
            self.failed = str(event.get("detail") or phase)

    @property
    def ready(self) -> bool:
        """Whether the first node said that the cluster is ready, and every other one that it has joined."""
        return events.READY in self.ended and not self.missing


class Guess:
    """How long each phase took last time, from the start of the bring-up to the phase's end; kept in the cache."""

    def __init__(
        self, kind: str, first: Mapping[str, float] = _FIRST_GUESS, *, file: str = "native-times.json"
    ) -> None:
        """``first``: what is guessed until ``file`` (in the cache) knows better."""
        self._path = paths.cache_dir() / file
        self._kind = kind
        self._first = first
        self._ends = {**first, **self._read().get(kind, {})}

    def left(self, phase: str, elapsed: float) -> float:
        """Seconds until the phase ends, never below zero."""
        return max(0.0, self._ends[phase] - elapsed)

    def share(self, phase: str, elapsed: float) -> float:
        """How far a running phase is, from 0 to just below 1: only its end makes it whole."""
        return min(0.99, elapsed / max(self._ends[phase], 0.1))

    def learn(self, ends: dict[str, float]) -> None:
        """Keep this bring-up's times for the next; a cache that cannot be written is no reason to fail."""
        known = self._read()
        known[self._kind] = {phase: round(seconds, 2) for phase, seconds in ends.items()}
        try:
            atomic.write_text(self._path, json.dumps(known))
        except OSError:
            return

    def _read(self) -> dict[str, dict[str, float]]:
        try:
            content = json.loads(self._path.read_text(encoding="utf-8"))
            return {
                str(kind): {str(name): float(value) for name, value in ends.items() if name in self._first}
                for kind, ends in content.items()
            }
        except (OSError, ValueError, TypeError, AttributeError):
            return {}


class Journal:
    """One node's events file, read as it grows; ``joined`` once its kubelet is in."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._offset = 0
        self.joined = False

    def new(self) -> list[dict[str, Any]]:
        """The whole lines that came since the last call."""
        try:
            with self._path.open("rb") as file:
                file.seek(self._offset)
                raw = file.read()
        except OSError:
            return []
        whole = raw[: raw.rfind(b"\n") + 1]
        self._offset += len(whole)
        found = []
        for line in whole.splitlines():
            try:
                event = json.loads(line)
            except ValueError:
                continue
            if isinstance(event, dict) and {"t", "phase", "state"} <= event.keys():
                found.append(event)
        return found


def read(journals: Iterable[Path]) -> Outcome:
    """What a cluster's nodes have said up to now; the phases are the first node's, failures anybody's."""
    return _gather([Journal(path) for path in journals], Outcome())


def follow(
    paths_of: list[Path], guess: Guess, report: Report, *, started: float, alive: Callable[[], str], patience: float
) -> Outcome:
    """Tell phases until the cluster is ready or has failed.

    ``started`` is when the bring-up began (epoch); ``alive`` says which node has died, or nothing. A failed outcome
    is returned, not raised.
    """
    journals = [Journal(path) for path in paths_of]
    outcome = Outcome()
    teller = _Teller(guess, report, started)
    deadline = time.monotonic() + patience
    while True:
        # Life first: what a node wrote before its end is read after.
        dead = alive()
        _gather(journals, outcome)
        if not outcome.ready and not outcome.failed and dead:
            outcome.failed = dead
        if not outcome.ready and not outcome.failed and time.monotonic() > deadline:
            outcome.failed = outcome.detail.get(events.READY) or "it took too long"
        teller.tell(outcome)
        if outcome.ready or outcome.failed:
            return outcome
        time.sleep(_POLL)


def _gather(journals: list[Journal], outcome: Outcome) -> Outcome:
    for number, journal in enumerate(journals):
        for event in journal.new():
            journal.joined |= event["phase"] == events.KUBELET and event["state"] == events.DONE
            if number == 0 or event["state"] == events.FAILED:
                outcome.take(event)
    outcome.missing = sum(not journal.joined for journal in journals[1:])
    return outcome


class _Teller:
    def __init__(self, guess: Guess, report: Report, started: float) -> None:
        self._guess = guess
        self._report = report
        self._started = started
        self._states: dict[str, PhaseState] = {}
        self._told = 0.0

    def tell(self, outcome: Outcome) -> None:
        now = time.time()
        tick = time.monotonic() - self._told > _TELL_EVERY
        if tick:
            self._told = time.monotonic()
        for phase in events.ORDER:
            state = _state(phase, outcome)
            if state is not self._states.get(phase) or (tick and state is PhaseState.RUNNING):
                self._states[phase] = state
                self._report(self._phase(phase, state, outcome, now))

    def _phase(self, phase: str, state: PhaseState, outcome: Outcome, now: float) -> Phase:
        running = state is PhaseState.RUNNING
        elapsed = max(0.0, now - self._started)
        began = outcome.began.get(phase)
        seconds = 0.0 if began is None else max(0.0, outcome.ended.get(phase, now) - began)
        detail = outcome.failed if state is PhaseState.FAILED else outcome.detail.get(phase, "")
        return Phase(
            id=phase,
            title=TITLES[phase],
            explains=EXPLAINS[phase],
            state=state,
            seconds=seconds,
            seconds_left=self._guess.left(phase, elapsed) if running else None,
            fraction=self._guess.share(phase, elapsed) if running else None,
            detail=detail,
        )


def _state(phase: str, outcome: Outcome) -> PhaseState:
    if phase in outcome.ended:
        return PhaseState.DONE
    if phase not in outcome.began:
        return PhaseState.PENDING
    return PhaseState.FAILED if outcome.failed else PhaseState.RUNNING
