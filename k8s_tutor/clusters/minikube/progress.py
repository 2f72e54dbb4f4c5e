"""minikube's events as phases of ours.

Steps may repeat and be left out, and "detours" name steps of other commands (stopping, deleting); so nothing is
concluded from a step's number: a step ends the one before it.
"""

from __future__ import annotations

from k8s_tutor.clusters import telling
from k8s_tutor.clusters.minikube.events import Event, Kind, parse
from k8s_tutor.clusters.native.follow import Guess
from k8s_tutor.clusters.readiness import DNS, READY
from k8s_tutor.clusters.telling import plain
from k8s_tutor.phases import PhaseState, Report

SETUP, IMAGE, NODES, CONTROL_PLANE, CNI, VERIFY = "setup", "image", "nodes", "control-plane", "cni", "verify"
TIMES = "minikube-times.json"
PHASE_OF = {
    # The names are those of minikube's registry (pkg/minikube/out/register/register.go).
    "Initial Minikube Setup": SETUP,
    "Selecting Driver": SETUP,
    "Downloading Artifacts": IMAGE,
    "Starting Node": NODES,
    "Updating Driver": IMAGE,
    "Pulling Base Image": IMAGE,
    "Running on Localhost": NODES,
    "Running Remotely": NODES,
    "Local OS Release": NODES,
    "Creating Container": NODES,
    "Creating VM": NODES,
    "Configuring Localhost Environment": NODES,
    "Preparing Kubernetes": CONTROL_PLANE,
    "Generating certificates": CONTROL_PLANE,
    "Booting control plane": CONTROL_PLANE,
    "Configuring RBAC rules": CONTROL_PLANE,
    "Configuring CNI": CNI,
    "Verifying Kubernetes": VERIFY,
    "Enabling Addons": VERIFY,
}
TEXTS = {
    SETUP: ("minikube", "looks at this machine and picks what its nodes are: containers or virtual machines"),
    IMAGE: ("downloads", "what every node starts from, and Kubernetes itself; kept for the next time"),
    NODES: ("nodes", "a container or a virtual machine for each node"),
    CONTROL_PLANE: ("control plane", "etcd, API server, scheduler, controllers, by kubeadm"),
    CNI: ("pod network", "gives each pod its address"),
    VERIFY: ("checks", "minikube's own look at what it made"),
    DNS: ("DNS", "names for Services"),
    READY: ("ready", "every part answers, also through a Service"),
}
FIRST_GUESS = {
    # Of minikube's own benchmark of the docker driver, nothing to download: 50.8 s to DNS answering. Only until this
    # machine has brought up a cluster of its own.
    SETUP: 1.0,
    NODES: 15.0,
    CONTROL_PLANE: 35.0,
    CNI: 36.0,
    VERIFY: 45.0,
    DNS: 50.0,
    READY: 51.0,
}


class Teller(telling.Teller):
    """Turns minikube's events into phases with their times, and keeps what it says when something fails."""

    def __init__(self, report: Report, guess: Guess) -> None:
        super().__init__(report, guess, TEXTS, FIRST_GUESS)
        self._now = ""
        self.errors: list[Event] = []
        """The error events that say with what minikube ends, newest last."""

    def line(self, text: str) -> Event | None:
        """Take one line of minikube."""
        event = parse(text)
        if event is None:
            if text.strip():
                self.last.append(text.rstrip()[:2000])
            return None
        if event.kind is Kind.STEP:
            self._step(event)
        elif event.kind in (Kind.DOWNLOAD, Kind.PROGRESS):
            share = "" if event.fraction is None else f" {event.fraction * 100:.0f}%"
            self._enter(IMAGE, f"{plain(event.artifact)}{share}")
        elif event.kind is Kind.ERROR:
            self.last.append(plain(event.message))
            if event.exit_code is not None:
                self.errors.append(event)
        elif event.kind is Kind.WARNING:
            self.last.append(plain(event.message))
        return event

    def take(self, text: str) -> None:
        """The same, for one who asks nothing."""
        self.line(text)

    def ended(self) -> None:
        """Minikube is done: what it was at is done, too."""
        if self._now:
            self.tell(self._now, PhaseState.DONE)
        self._now = ""

    def _step(self, event: Event) -> None:
        phase = PHASE_OF.get(event.step, "")
        if phase:
            self._enter(phase, plain(event.message))
        elif self._now and event.step != "Done":
            # A detour: stopping or deleting what it is about to make anew.
            self.tell(self._now, PhaseState.RUNNING, plain(event.message))

    def _enter(self, phase: str, detail: str) -> None:
        if self._now and self._now != phase:
            self.tell(self._now, PhaseState.DONE)
        self._now = phase
        self.tell(phase, PhaseState.RUNNING, detail)
