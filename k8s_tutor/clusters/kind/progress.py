"""kind's progress lines as phases of ours.

Where it writes to no terminal kind prints `` • Preparing nodes 📦  ...``, then `` ✓ Preparing nodes 📦`` or
`` ✗ Preparing nodes 📦`` (pkg/internal/cli/status.go). It has no other form.
"""

from __future__ import annotations

import re
import time
from collections import deque
from dataclasses import dataclass

from k8s_tutor.clusters.native.follow import Guess
from k8s_tutor.phases import Phase, PhaseState, Report

IMAGE, NODES, CONFIG, CONTROL_PLANE, CNI, STORAGE, JOIN = (
    "image", "nodes", "config", "control-plane", "cni", "storage", "join"
)  # fmt: skip
DNS, READY = "dns", "ready"
_STEPS = (
    # What the line begins with, our phase, its title, what it is for.
    ("Ensuring node image", IMAGE, "node image", "what every node starts from: systemd, containerd, kubelet"),
    ("Preparing nodes", NODES, "nodes", "a container for each node, with a network of its own"),
    ("Configuring the external load balancer", NODES, "nodes", "one address for several control planes"),
    ("Writing configuration", CONFIG, "config", "what kubeadm is told"),
    ("Starting control-plane", CONTROL_PLANE, "control plane", "etcd, API server, scheduler, controllers, by kubeadm"),
    ("Installing CNI", CNI, "pod network", "gives each pod its address"),
    ("Installing StorageClass", STORAGE, "storage", "the default class of volumes"),
    ("Joining", JOIN, "workers", "their kubelets ask to be taken in"),
    ("Waiting", READY, "ready", "every part answers, also through a Service"),
)
_OWN = {
    DNS: ("DNS", "names for Services"),
    READY: ("ready", "every part answers, also through a Service"),
}
FIRST_GUESS = {
    # Measured on 2 processors; only until this machine has brought up a cluster of its own.
    IMAGE: 0.3,
    NODES: 2.3,
    CONFIG: 2.6,
    CONTROL_PLANE: 10.1,
    CNI: 10.5,
    STORAGE: 10.8,
    JOIN: 18.0,
    DNS: 13.4,
    READY: 13.6,
}
_LINE = re.compile(r"^\s*([•✓✗])\s+(.*?)(?:\s+\.\.\.)?\s*$")
_MARKS = {"•": PhaseState.RUNNING, "✓": PhaseState.DONE, "✗": PhaseState.FAILED}


@dataclass(frozen=True)
class Step:
    """A line of kind: which phase, how it stands, and the line's own words."""

    phase: str
    state: PhaseState
    words: str


def parse(line: str) -> Step | None:
    """The step that a line tells; None when it tells none. A step that is not known is told under ``kind``."""
    match = _LINE.match(line)
    if match is None:
        return None
    words = " ".join("".join(letter for letter in match[2] if letter.isascii() or letter.isalpha()).split())
    phase = next((entry[1] for entry in _STEPS if words.startswith(entry[0])), "kind")
    return Step(phase, _MARKS[match[1]], words)


class Teller:
    """Turns steps into phases with their times; ``tick`` now and then so that the running ones move on."""

    def __init__(self, report: Report, guess: Guess) -> None:
        self._report = report
        self._guess = guess
        self._started = time.monotonic()
        self._began: dict[str, float] = {}
        self._ended: dict[str, float] = {}
        self._states: dict[str, PhaseState] = {}
        self._details: dict[str, str] = {}
        self.last: deque[str] = deque(maxlen=40)
        """The newest lines that were no steps: what kind says when something fails."""

    def line(self, text: str) -> Step | None:
        """Take one line of kind."""
        step = parse(text)
        if step is None:
            if text.strip():
                self.last.append(text.rstrip()[:2000])
            return None
        self.tell(step.phase, step.state, step.words if step.phase in (IMAGE, "kind") else "")
        return step

    def tell(self, phase: str, state: PhaseState, detail: str = "") -> None:
        """A phase stands so now."""
        now = time.monotonic()
        self._began.setdefault(phase, now)
        if state in (PhaseState.DONE, PhaseState.FAILED):
            self._ended.setdefault(phase, now)
        self._states[phase] = state
        if detail:
            self._details[phase] = detail
        self._say(phase)

    def fail(self, why: str) -> None:
        """Whatever still runs has failed."""
        for phase, state in list(self._states.items()):
            if state is PhaseState.RUNNING:
                self.tell(phase, PhaseState.FAILED, why)

    def tick(self) -> None:
        """Tell the running phases again, with their time."""
        for phase, state in list(self._states.items()):
            if state is PhaseState.RUNNING:
                self._say(phase)

    def learn(self) -> None:
        """Keep the times of a bring-up that succeeded."""
        self._guess.learn({phase: end - self._started for phase, end in self._ended.items() if phase in FIRST_GUESS})

    def _say(self, phase: str) -> None:
        now, state = time.monotonic(), self._states[phase]
        running = state is PhaseState.RUNNING
        guessed = running and phase in FIRST_GUESS
        elapsed = now - self._started
        title, explains = _texts(phase)
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


def _texts(phase: str) -> tuple[str, str]:
    if phase in _OWN:
        return _OWN[phase]
    return next(((title, explains) for _, known, title, explains in _STEPS if known == phase), ("kind", ""))
