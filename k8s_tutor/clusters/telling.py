"""A program's progress as phases with their times: what the wrappers of kind and minikube have in common."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Mapping

from k8s_tutor.clusters.native.follow import Guess
from k8s_tutor.phases import Phase, PhaseState, Report

Texts = Mapping[str, tuple[str, str]]
"""Of each phase its title, and what it is for."""


class Teller:
    """Turns states of phases into reports; ``tick`` now and then so that the running ones move on."""

    def __init__(self, report: Report, guess: Guess, texts: Texts, guessed: Mapping[str, float]) -> None:
        """``guessed``: the phases whose end can be guessed at all."""
        self._report = report
        self._guess = guess
        self._texts = texts
        self._guessed = guessed
        self._started = time.monotonic()
        self._began: dict[str, float] = {}
        self._ended: dict[str, float] = {}
        self._states: dict[str, PhaseState] = {}
        self._details: dict[str, str] = {}
        self.last: deque[str] = deque(maxlen=40)
        """The newest lines that told no phase: what the program says when something fails."""

    def tell(self, phase: str, state: PhaseState, detail: str = "") -> None:
        """A phase stands so now."""
        now = time.monotonic()
        self._began.setdefault(phase, now)
        if state in (PhaseState.DONE, PhaseState.FAILED):
            self._ended.setdefault(phase, now)
        elif state is PhaseState.RUNNING:
            self._ended.pop(phase, None)  # it comes again, for another node
        self._states[phase] = state
        if detail:
            self._details[phase] = detail
        self._say(phase)

    def running(self) -> list[str]:
        """The phases that run, in the order in which they began."""
        return [phase for phase, state in self._states.items() if state is PhaseState.RUNNING]

    def fail(self, why: str) -> None:
        """Whatever still runs has failed."""
        for phase in self.running():
            self.tell(phase, PhaseState.FAILED, why)

    def tick(self) -> None:
        """Tell the running phases again, with their time."""
        for phase in self.running():
            self._say(phase)

    def learn(self) -> None:
        """Keep the times of a bring-up that succeeded."""
        self._guess.learn({phase: end - self._started for phase, end in self._ended.items() if phase in self._guessed})

    def _say(self, phase: str) -> None:
        now, state = time.monotonic(), self._states[phase]
        guessed = state is PhaseState.RUNNING and phase in self._guessed
        elapsed = now - self._started
        title, explains = self._texts.get(phase, (phase, ""))
        self._report(
            Phase(
                id=phase,
                title=title,
                explains=explains,
                state=state,
                seconds=self._ended.get(phase, now) - self._began[phase],
                seconds_left=self._guess.left(phase, elapsed) if guessed else None,
                fraction=self._guess.share(phase, elapsed) if guessed else None,
                detail=self._details.get(phase, ""),
            )
        )


def plain(text: str) -> str:
    """One line of a program's own words, without control characters."""
    return " ".join("".join(letter if letter.isprintable() else " " for letter in text).split())[:400]
