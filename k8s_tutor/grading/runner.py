"""How the submissions of a run come to be graded: one interface, one file an implementation.

``threads.py``: here, side by side in threads. ``shards/``: in the cluster, by an Indexed Job.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Protocol

from k8s_tutor.clusters.provider import Cluster
from k8s_tutor.grading.judge import Bounds
from k8s_tutor.grading.submission import Submission
from k8s_tutor.kube.client import Api
from k8s_tutor.labs.model import Lab
from k8s_tutor.reports.grades.report import Graded


class Cut(Enum):
    """Why a run ended before everybody was graded."""

    TIME = "time"
    INTERRUPTED = "interrupted"


@dataclass(frozen=True)
class Task:
    """What all submissions of a run have in common.

    ``labs``: the lab as each student has it. ``run``: the run's id, which its namespaces bear. ``jobs``: how many are
    graded side by side. ``end``: when the run's time is over (``time.monotonic()``), None for never.
    """

    lab: Lab
    labs: Mapping[str, Lab]
    cluster: Cluster
    api: Api
    run: str
    jobs: int
    bounds: Bounds
    end: float | None


class Desk(Protocol):
    """Who waits for the results; may be told from any thread."""

    def started(self, student: str) -> None:
        """A student's submission is being graded."""
        ...

    def finished(self, graded: Graded) -> None:
        """A student's result is there. What was only cut short is no result."""
        ...

    def note(self, text: str) -> None:
        """Something that whoever waits should know, in a sentence."""
        ...

    def cut_short(self, why: Cut) -> None:
        """The run ends before everybody is graded; told before what is being graded is taken away."""
        ...


class Runner(Protocol):
    """Grades submissions. ``most``: that many side by side at most; ``beside``: pods of its own that each needs."""

    most: int
    beside: int

    def grade(self, todo: Sequence[Submission], task: Task, desk: Desk) -> None:
        """Grade them; called once, in the main thread. Returns when all are finished or the run is cut short.

        Ctrl-C (KeyboardInterrupt) and the end of the time cut it short; then what was begun is taken away, and the
        desk is told why. Raises TutorError only where nothing could be begun.
        """
        ...
