"""What the screens need of the rest: small protocols, so that they can be tried without a cluster."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:  # a start waits for none of these
    from k8s_tutor.checks.completing import Completion, Explanation
    from k8s_tutor.checks.writing import Problem
    from k8s_tutor.clusters.doctor.finding import Finding
    from k8s_tutor.clusters.provider import Cluster
    from k8s_tutor.labs.model import Lab
    from k8s_tutor.phases import Report
    from k8s_tutor.session.asking import Answers
    from k8s_tutor.session.drafts import Draft
    from k8s_tutor.session.editing import Difference
    from k8s_tutor.session.journal import Journal
    from k8s_tutor.session.state import LabState
    from k8s_tutor.session.summary import Saved
    from k8s_tutor.session.system import System
    from k8s_tutor.ui.choices import Choice, Ground


@dataclass(frozen=True)
class LabCard:
    """A lab as the home screen lists it; ``trouble`` says why it cannot be opened (a definition error)."""

    id: str
    title: str
    summary: str = ""
    minutes: int = 0
    done: int = 0
    total: int = 0
    next_step: str = ""
    hints: int = 0
    touched: float | None = None
    seconds: float = 0.0
    trouble: str = ""


@dataclass(frozen=True)
class ShellSpec:
    """A program for the terminal pane: argument list, whole environment, working folder."""

    argv: Sequence[str]
    env: Mapping[str, str]
    cwd: Path


class EditingPort(Protocol):
    """What the editor asks while a manifest is written. All may block; rows and columns asked with are from 0."""

    def problems(self, text: str, /) -> tuple[Problem, ...]:
        """What is wrong by syntax and those of the cluster's schemas that are known; asks nobody."""
        ...

    def learn(self, text: str, /) -> bool:
        """Read the schemas that a text asks for; true if that told something new."""
        ...

    def dry_run(self, text: str, /) -> tuple[Problem, ...] | None:
        """What the API server would refuse; None when it did not answer."""
        ...

    def explain(self, text: str, row: int, column: int, /) -> Explanation | None:
        """What the field on this line is for."""
        ...

    def complete(self, text: str, row: int, column: int, /) -> Completion:
        """What can be written at the cursor."""
        ...

    def difference(self, text: str, /) -> Difference:
        """What an apply would change. Raises TutorError."""
        ...


class AskingPort(Protocol):
    """A Service that is asked and listened to. All may block but ``close``."""

    def look(self, service: str, /) -> Answers:
        """Listen to the pods that are ready behind the Service now; what is known."""
        ...

    def ask(self, count: int = 10, /) -> Answers:
        """Send requests through the Service, one connection each. Raises TutorError."""
        ...

    def close(self) -> None:
        """Stop."""
        ...


class SessionPort(Protocol):
    """One learner at work on one lab. All but ``state`` and ``subscribe`` may block: called from background threads."""

    @property
    def lab(self) -> Lab:
        """The lab that is worked on."""
        ...

    @property
    def cluster(self) -> Cluster:
        """The cluster it is worked on."""
        ...

    def subscribe(self, callback: Callable[[LabState], None], /) -> object:
        """Call back with each new state, from any thread."""
        ...

    def state(self) -> LabState:
        """The newest state; returns at once."""
        ...

    def looking_at(self, step_id: str, /) -> None:
        """The learner reads this step now; returns at once."""
        ...

    def hint(self, step_id: str, /) -> str | None:
        """Show one hint more; None when there are no more."""
        ...

    def answer(self, check_id: str, text: str, /) -> object:
        """Keep the answer to the question of this check."""
        ...

    def mark_read(self, step_id: str, /) -> object:
        """The learner read a step that has nothing to check."""
        ...

    def read_file(self, name: str, /) -> str | None:
        """A file of the workspace as it is on disk, None if there is none."""
        ...

    def save_file(self, name: str, text: str, /) -> object:
        """Write a file of the workspace, whole or not at all."""
        ...

    def drafts(self) -> Sequence[Draft]:
        """Text that was typed and not saved when the tutor ended last time."""
        ...

    def keep_drafts(self, drafts: Sequence[Draft], /) -> object:
        """Keep this unsaved text and no other, in case the tutor is killed. Raises TutorError."""
        ...

    def apply(self, name: str, /) -> Sequence[str]:
        """Apply a file; lines that say what happened to each object. Raises TutorError for what was refused."""
        ...

    @property
    def editing(self) -> EditingPort:
        """What the editor asks while a manifest is written."""
        ...

    def summary(self) -> Saved:
        """What came of the lab so far, saved into the learner's folder. Raises TutorError."""
        ...

    def listen(self, tell: Callable[[Answers], object], /) -> AskingPort:
        """Listen who answers behind a Service; new counts go to ``tell``, from any thread."""
        ...

    def watch_system(self, tell: Callable[[System], None], /) -> Callable[[], None]:
        """Watch the cluster's own parts until the returned function is called; both return at once.

        ``tell`` is called from any thread, with each change.
        """
        ...

    def solve(self, step_id: str, /) -> object:
        """Do a step's solution for the learner."""
        ...

    def redo(self, step_id: str, /) -> bool:
        """Undo a step, so that it can be done once more; false when it counts as done all the same."""
        ...

    @property
    def journal(self) -> Journal:
        """What was done on the cluster by the tutor itself."""
        ...

    def reset(self) -> object:
        """Start the lab over: its objects and its progress; the learner's files are kept aside."""
        ...

    def close(self) -> None:
        """Stop watching; what is known is saved."""
        ...


class DeskPort(Protocol):
    """The table the learner sits at: labs, the cluster, sessions. All may block, names too at the first look."""

    @property
    def cluster_name(self) -> str:
        """How the cluster is called, with what makes it (``native learner``, ``context kind-x``)."""
        ...

    @property
    def cluster_why(self) -> str:
        """In one line, which cluster is used and why, or why not the one that was chosen; empty if that is plain."""
        ...

    def cards(self) -> tuple[LabCard, ...]:
        """All labs, with how far the learner came."""
        ...

    def cluster(self) -> Cluster | None:
        """What is there now; None if there is no cluster."""
        ...

    def start(self, report: Report, /) -> Cluster:
        """Make the cluster ready to use; returns at once if it is. Raises TutorError with a remedy."""
        ...

    def open(self, lab_id: str, cluster: Cluster, /) -> SessionPort:
        """Sit down at a lab."""
        ...

    def shell(self, session: SessionPort, /) -> ShellSpec:
        """The learner's shell: kubectl of the cluster's version, its kubeconfig, the lab's folder."""
        ...

    def workspace(self, lab_id: str, /) -> Path:
        """Where the learner's files of a lab are."""
        ...

    def choices(self) -> tuple[Choice, ...]:
        """The clusters there are to learn on, and why others are not."""
        ...

    def ground(self) -> Ground:
        """Whether a cluster could be started here."""
        ...

    def choose(self, choice: Choice, /) -> None:
        """Work on this cluster from now on; returns at once."""
        ...

    def stop(self, name: str, report: Report, /) -> bool:
        """Remove a cluster of our own, with everything in it. Raises TutorError."""
        ...

    def findings(self) -> Sequence[Finding]:
        """What this machine and the cluster have and lack."""
        ...

    def lab_text(self, lab_id: str, /) -> str:
        """A whole lab as text."""
        ...
