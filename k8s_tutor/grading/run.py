"""A whole class: submissions side by side, results kept as they come, a report whatever happens."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

from k8s_tutor import __version__
from k8s_tutor.checks.outcome import Cause, Finding, Outcome, Status
from k8s_tutor.clusters.provider import Cluster
from k8s_tutor.errors import TutorError
from k8s_tutor.grading import place
from k8s_tutor.grading.alike import alike
from k8s_tutor.grading.canary import enforced
from k8s_tutor.grading.capacity import room
from k8s_tutor.grading.collect import Found
from k8s_tutor.grading.judge import Bounds, row_of
from k8s_tutor.grading.roster import Roster
from k8s_tutor.grading.runner import Cut, Runner, Task
from k8s_tutor.grading.store import Store
from k8s_tutor.grading.submission import Submission, read
from k8s_tutor.grading.threads import Threads
from k8s_tutor.grading.variants import Variants
from k8s_tutor.kube.client import Api, connect, identity
from k8s_tutor.labs.model import Lab
from k8s_tutor.reports.grades.report import ClassReport, Graded, Notice
from k8s_tutor.reports.report import Report
from k8s_tutor.session.standing import admit


@dataclass(frozen=True)
class Wanted:
    """What to grade and how. ``jobs`` None: as many as fit. ``seconds``: of the whole run, None without end.

    ``variants``: who has which variant of the lab; None: everybody the lab itself.
    """

    lab: Lab
    found: Sequence[Found]
    roster: Roster | None = None
    jobs: int | None = None
    bounds: Bounds = field(default_factory=Bounds)
    seconds: float | None = None
    resume: bool = False
    variants: Variants | None = None

    def lab_of(self, student: str) -> Lab:
        """The lab as this student has it."""
        return self.lab if self.variants is None else self.variants.lab(student)


@dataclass(frozen=True)
class Progress:
    """How far a run is. ``last``: who has just been finished; ``left``: seconds, None where unknown."""

    done: int
    total: int
    running: tuple[str, ...]
    left: float | None
    last: Graded | None = None
    kept: bool = False


CANARY_SECONDS = 30.0
"""How long a run that is done waits for the canary, which begins with it."""

Tell = Callable[[Progress], None]
Note = Callable[[str], None]


class ClassRun:
    """One run over one class; ``run`` once, in the main thread: Ctrl-C there ends it early, with its report.

    ``interrupted``: whether it was ended so. It is the desk (``runner.Desk``) at which its runner reports.
    """

    def __init__(self, wanted: Wanted, store: Store, tell: Tell, note: Note, runner: Runner | None = None) -> None:
        self._wanted, self._store, self._tell, self._note = wanted, store, tell, note
        self._runner = runner or Threads()
        self._cut = False
        self.interrupted = False
        self._notes: list[str] = []
        self._lock = threading.Lock()
        self._done: dict[str, Graded] = {}
        self._running: set[str] = set()
        self._spent = 0.0
        self._graded = 0
        self._began = time.monotonic()
        self._jobs = 1
        self._labs: dict[str, Lab] = {}

    def run(self, cluster: Cluster) -> ClassReport:
        """Grade everybody. A report comes out of it also when it was stopped or the cluster went away.

        Raises TutorError only where nothing could be begun (the cluster does not answer, rights are missing).
        """
        wanted, started = self._wanted, time.time()
        self._labs = {found.student: wanted.lab_of(found.student) for found in wanted.found}
        submissions = self._read()
        uid, version = "", cluster.version
        api = connect(cluster.kubeconfig)
        try:
            with place.Holder() as holder:
                admit(api, cluster)
                who = identity(api)
                uid, version = who.uid, who.version or cluster.version
                swept = place.sweep(api, time.time())
                if swept:
                    self._note(f"{len(swept)} namespaces of a run that had died were deleted")
                todo = self._todo(submissions)
                if todo:
                    place.prepare(api)
                    there = room(api, *self._labs.values(), most=self._runner.most, beside=self._runner.beside)
                    self._jobs = min(wanted.jobs or there.jobs, there.fits, len(todo))
                    if wanted.jobs and wanted.jobs > there.fits:
                        self._note(f"--jobs {wanted.jobs}: {there.fits} fit ({there.words})")
                    end = None if wanted.seconds is None else self._began + wanted.seconds
                    task = Task(wanted.lab, self._labs, cluster, api, holder.run, self._jobs, wanted.bounds, end)
                    canary = threading.Thread(target=self._try_policy, args=(api, cluster, holder.run), daemon=True)
                    canary.start()
                    try:
                        self._runner.grade(todo, task, self)
                        if not self._cut:
                            canary.join(CANARY_SECONDS)
                    finally:
                        with contextlib.suppress(TutorError):
                            place.sweep(api, time.time(), mine=holder.run)
                            place.clear(api, holder.run)
        finally:
            api.close()
        students = [found.student for found in wanted.found]
        return ClassReport(
            lab=wanted.lab.id,
            title=wanted.lab.title,
            hash=wanted.lab.hash,
            version=__version__,
            cluster=cluster.name,
            cluster_uid=uid,
            kubernetes=version,
            started=started,
            seconds=time.monotonic() - self._began,
            students=tuple(self._done[student] for student in students if student in self._done),
            unfinished=tuple(student for student in students if student not in self._done),
            alike=alike(submissions.values(), wanted.lab, self._labs),
            notes=tuple(self._notes),
            titles={spec.id: (step.title, spec.title) for step in wanted.lab.steps for spec in step.checks},
        )

    def _try_policy(self, api: Api, cluster: Cluster, run: str) -> None:
        """Say in the report whether submissions are kept from each other's pods."""
        told = {
            True: "NetworkPolicies are enforced: submissions cannot reach each other's pods",
            False: "NetworkPolicies are not enforced on this cluster: pods of two submissions can reach each other",
            None: "whether NetworkPolicies are enforced could not be found out",
        }
        self._notes.append(told[enforced(api, cluster, run)])

    def _read(self) -> dict[str, Submission]:
        return {
            found.student: read(found.folder, self._labs[found.student], found.student)
            for found in self._wanted.found
            if found.folder is not None
        }

    def _todo(self, submissions: dict[str, Submission]) -> list[Submission]:
        """Who still has to be graded; the rest is done: nothing was handed in, or the result is kept."""
        if not self._wanted.resume:
            self._store.clear()
        todo = []
        for found in self._wanted.found:
            submission = submissions.get(found.student)
            if submission is None:
                self._finished(_nothing(self._labs[found.student], found.student, self._row(found.student)))
                continue
            seed, row = self._labs[found.student].seed, self._row(found.student)
            kept = self._store.kept(submission, row, seed) if self._wanted.resume else None
            if kept is not None:
                self._finished(kept, kept=True)
            else:
                todo.append(submission)
        return todo

    def _row(self, student: str) -> dict[str, str]:
        roster = self._wanted.roster
        return dict(roster.rows.get(student, {})) if roster else {}

    # The runner's desk.

    def started(self, student: str) -> None:
        """A student's submission is being graded."""
        with self._lock:
            self._running.add(student)

    def finished(self, graded: Graded) -> None:
        """A student's result is there."""
        graded = replace(graded, roster=self._row(graded.student))
        with contextlib.suppress(OSError):  # a full disk costs a later --resume, not this result
            self._store.keep(graded)
        with self._lock:
            self._running.discard(graded.student)
            self._spent += graded.report.seconds
            self._graded += 1
        self._finished(graded)

    def note(self, text: str) -> None:
        """Something that whoever waits should know."""
        self._note(text)

    def cut_short(self, why: Cut) -> None:
        """The run ends before everybody is graded."""
        self._cut = True
        if why is Cut.TIME:
            self._note(f"the run's {self._wanted.seconds:g} s are over: the rest is not graded")
        else:
            self.interrupted = True
            self._note("interrupted: what is being graded is taken away, what is finished is reported")

    def _finished(self, graded: Graded, *, kept: bool = False) -> None:
        with self._lock:
            self._done[graded.student] = graded
            total, done = len(self._wanted.found), len(self._done)
            left = None
            if self._graded:
                left = (total - done) * self._spent / self._graded / max(1, self._jobs)
            self._tell(Progress(done, total, tuple(self._running), left, graded, kept))


def _nothing(lab: Lab, student: str, roster: dict[str, str]) -> Graded:
    """The result of somebody who handed in nothing."""
    what = "nothing was handed in"

    def outcome(title: str) -> Outcome:
        cause = Cause("not-handed-in", "there is no folder of this student", "k8s-tutor submit makes it")
        return Outcome(Status.FAIL, what, Finding(title, "a submission", what, cause=cause))

    rows = tuple(
        row_of(lab, step.id, step.title, spec, outcome(spec.title)) for step in lab.steps for spec in step.checks
    )
    report = Report(lab.id, lab.title, lab.hash, "", "", time.time(), 0.0, rows, __version__)
    return Graded(student, report, (Notice("", 0, what, "k8s-tutor submit"),), seed=lab.seed, roster=roster)
