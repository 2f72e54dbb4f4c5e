"""kind's progress lines as phases of ours.

Where it writes to no terminal kind prints `` • Preparing nodes 📦  ...``, then `` ✓ Preparing nodes 📦`` or
`` ✗ Preparing nodes 📦`` (pkg/internal/cli/status.go). It has no other form.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from k8s_tutor.clusters import telling
from k8s_tutor.clusters.native.follow import Guess
from k8s_tutor.phases import PhaseState, Report

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
# Of several lines with one phase the first names it.
_TEXTS = {
    **{phase: (title, explains) for _, phase, title, explains in reversed(_STEPS)},
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


class Teller(telling.Teller):
    """Turns kind's lines into phases with their times."""

    def __init__(self, report: Report, guess: Guess) -> None:
        super().__init__(report, guess, _TEXTS, FIRST_GUESS)

    def line(self, text: str) -> Step | None:
        """Take one line of kind."""
        step = parse(text)
        if step is None:
            if text.strip():
                self.last.append(text.rstrip()[:2000])
            return None
        self.tell(step.phase, step.state, step.words if step.phase in (IMAGE, "kind") else "")
        return step
