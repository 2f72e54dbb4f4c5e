"""The start of the cluster, as it goes on behind the screens: leaving the screen does not end it."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from k8s_tutor.errors import TutorError
from k8s_tutor.phases import Phase, PhaseState

if TYPE_CHECKING:
    from k8s_tutor.clusters.provider import Cluster
    from k8s_tutor.ui.ports import DeskPort


class Startup:
    """One start at a time, in a daemon thread; screens read it at any moment and are told when it changes.

    ``notify`` is called from the thread after each change and must return at once.
    """

    def __init__(self, desk: DeskPort, notify: Callable[[], object]) -> None:
        self._desk = desk
        self._notify = notify
        self._lock = threading.Lock()
        self._phases: dict[str, tuple[Phase, float]] = {}
        self._began = 0.0
        self._ended: float | None = None
        self.running = False
        self.cluster: Cluster | None = None
        self.error: TutorError | None = None

    def begin(self) -> None:
        """Start, unless a start is under way."""
        with self._lock:
            if self.running:
                return
            self.running = True
            self.error = None
            self.cluster = None
            self._phases.clear()
            self._began, self._ended = time.monotonic(), None
        threading.Thread(target=self._run, name="tutor-cluster-start", daemon=True).start()

    def phases(self) -> tuple[Phase, ...]:
        """The parts so far, in the order they were first heard of; running ones with their time up to now."""
        now = time.monotonic()
        with self._lock:
            kept = list(self._phases.values())
        return tuple(_ticking(phase, now - heard) for phase, heard in kept)

    @property
    def seconds(self) -> float:
        """How long the start takes, or took."""
        return (self._ended or time.monotonic()) - self._began if self._began else 0.0

    @property
    def seconds_left(self) -> float | None:
        """What the running parts say is left: the longest of them, None where none says."""
        left = [phase.seconds_left for phase in self.phases() if phase.seconds_left is not None]
        return max(left) if left and self.running else None

    def _run(self) -> None:
        try:
            cluster = self._desk.start(self._report)
            problem: TutorError | None = None
        except TutorError as error:
            cluster, problem = None, error
        except Exception as error:  # a fault of ours must not leave a screen that waits for ever
            cluster = None
            problem = TutorError(
                f"the start broke: {type(error).__name__}: {error}", remedy="k8s-tutor doctor", code="internal"
            )
        with self._lock:
            self.cluster, self.error = cluster, problem
            self._ended = time.monotonic()
            self.running = False
        self._notify()

    def _report(self, phase: Phase) -> None:
        with self._lock:
            self._phases[phase.id] = (phase, time.monotonic())
        self._notify()


def _ticking(phase: Phase, since: float) -> Phase:
    if phase.state is not PhaseState.RUNNING:
        return phase
    left = None if phase.seconds_left is None else max(0.0, phase.seconds_left - since)
    return Phase(
        id=phase.id,
        title=phase.title,
        explains=phase.explains,
        state=phase.state,
        seconds=phase.seconds + since,
        seconds_left=left,
        fraction=phase.fraction,
        detail=phase.detail,
    )
