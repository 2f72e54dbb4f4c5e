"""Grade one submission: a place of its own, a replay, verdicts in points; once more where something was not seen."""

from __future__ import annotations

import contextlib
import json
import shutil
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from k8s_tutor import __version__
from k8s_tutor.checks.outcome import Cause, Finding, Outcome, Seen, Status, skipped, unobserved
from k8s_tutor.clusters.provider import Cluster
from k8s_tutor.errors import TutorError
from k8s_tutor.grading.elsewhere import by_form
from k8s_tutor.grading.place import place
from k8s_tutor.grading.plan import at_home, own_files, plan
from k8s_tutor.grading.problem import Problem, plain
from k8s_tutor.grading.replay import Replay
from k8s_tutor.grading.submission import Submission
from k8s_tutor.kube.client import Api
from k8s_tutor.labs.model import CheckSpec, Lab, Step
from k8s_tutor.reports.grades.report import Deed, Graded
from k8s_tutor.reports.report import Report, Row
from k8s_tutor.session.session import Session
from k8s_tutor.session.state import CheckState
from k8s_tutor.session.workspace import ANSWERS

ATTEMPTS = 2
GATHER = 0.4
"""Seconds for which a submission's changes are gathered: judged at each, a class cost a tenth of the processors."""
NO_ROOM = "unschedulable-resources"
PATIENCE = 60.0
SUBMISSION_SECONDS = 600.0


@dataclass(frozen=True)
class Bounds:
    """Seconds: ``check`` for a step that converges, ``submission`` for all of one student's, retries included."""

    check: float = PATIENCE
    submission: float = SUBMISSION_SECONDS


class Judge:
    """Grades submissions of one lab, in whatever variant, on one cluster; may be used by several threads at once."""

    def __init__(self, lab: Lab, cluster: Cluster, api: Api, run: str, bounds: Bounds | None = None) -> None:
        """``run``: the id of the run, which its namespaces bear."""
        self.lab, self.cluster, self.api, self.run = lab, cluster, api, run
        self.bounds = bounds or Bounds()
        self.cancelled = threading.Event()
        self._sessions: set[Session] = set()
        self._lock = threading.Lock()

    def stop(self) -> None:
        """Cut short whatever is being graded; what comes of it is ``broken``."""
        self.cancelled.set()
        with self._lock:
            sessions = tuple(self._sessions)
        for session in sessions:
            session.close()

    def grade(self, submission: Submission, roster: Mapping[str, str] | None = None, lab: Lab | None = None) -> Graded:
        """The student's result, by ``lab``: the student's own variant. Never raises for what was handed in or happens.

        What could not be observed, and what was still on its way when its time was over, is replayed once more in a
        fresh namespace, with twice the patience.
        """
        started, began = time.time(), time.monotonic()
        until = began + self.bounds.submission
        graded: Graded | None = None
        for attempt in range(1, ATTEMPTS + 1):
            patience = self.bounds.check * attempt
            found, hurried = self._attempt(lab or self.lab, submission, patience, until, attempt)
            if graded is None or not found.broken:
                graded = found
            if self.cancelled.is_set() or time.monotonic() > until or not (found.broken or hurried):
                break
        assert graded is not None
        report = replace(graded.report, started=started, seconds=time.monotonic() - began)
        return replace(graded, report=report, roster=dict(roster or {}))

    def _attempt(
        self, lab: Lab, submission: Submission, patience: float, until: float, attempt: int
    ) -> tuple[Graded, bool]:
        """One replay's result, and whether something was still on its way."""
        rows: tuple[Row, ...] = ()
        deeds: tuple[Deed, ...] = ()
        namespace, trouble, hurried = "", "", False
        try:
            left = max(1.0, until - time.monotonic())
            with (
                place(self.api, self.cluster, self.run, left) as own,
                _folders(lab, submission, own.namespace) as folders,
            ):
                namespace = own.namespace
                with (
                    Session(
                        lab,
                        self.cluster,
                        namespace=namespace,
                        folder=folders[0],
                        keep=False,
                        eager=True,
                        watch_files=False,
                        gather=GATHER,
                    ) as session,
                    self._known(session),
                ):
                    replay = Replay(
                        session, own.student, folders[1], patience=patience, until=until, cancelled=self.cancelled
                    )
                    try:
                        replay.run(plan(session.lab, submission))
                    finally:
                        deeds, hurried = tuple(replay.deeds), replay.hurried
                    state = session.state()
                    outcomes = {check.spec.id: self._outcome(check, replay, submission) for check in state.checks}
                    rows = tuple(
                        _judged(lab, step.step, check.spec, _in_need(check.spec, outcomes), submission)
                        for step in state.steps
                        for check in step.checks
                    )
        except TutorError as error:
            trouble = error.message
        except OSError as error:
            trouble = f"this machine: {error.strerror or error}"
        except Exception as error:  # one submission must not take the class with it
            trouble = f"a defect of the grader: {type(error).__name__}: {plain(str(error))}"
        if trouble:
            broken = not_graded(lab, submission, trouble, self.cluster.name, namespace, attempt)
            return replace(broken, deeds=deeds), hurried
        report = Report(
            lab=lab.id,
            title=lab.title,
            hash=lab.hash,
            cluster=self.cluster.name,
            namespace=namespace,
            started=time.time(),
            seconds=0.0,
            rows=rows,
            version=__version__,
        )
        return (
            Graded(
                submission.student,
                report,
                submission.problems,
                deeds,
                submission.digest,
                seed=lab.seed,
                attempts=attempt,
                folder=from_here(submission.folder),
            ),
            hurried,
        )

    def _outcome(self, check: CheckState, replay: Replay, submission: Submission) -> Outcome:
        """The verdict on a check; where only the student's cluster could tell, by the answer's form when asked for."""
        outcome = replay.outcome(check)
        asked = replay.turns.get(check.spec.id, outcome)
        if outcome.status is Status.PASS or asked.status in (Status.SKIPPED, Status.ERROR):
            return outcome  # right here as well; or what it is about was not there
        return by_form(check.spec, submission.answers.get(check.spec.id)) or outcome

    @contextlib.contextmanager
    def _known(self, session: Session) -> Iterator[None]:
        with self._lock:
            self._sessions.add(session)
        try:
            if self.cancelled.is_set():
                session.close()
            yield
        finally:
            with self._lock:
                self._sessions.discard(session)


def _judged(lab: Lab, step: Step, spec: CheckSpec, outcome: Outcome, submission: Submission) -> Row:
    outcome = _with_problem(spec, _crowded(spec, outcome, submission), submission.problems)
    return row_of(lab, step.id, step.title, spec, outcome)


def not_graded(
    lab: Lab, submission: Submission, trouble: str, cluster: str, namespace: str = "", attempts: int = 1
) -> Graded:
    """The result of a submission of which nothing was observed: every check is an error, and no point is lost."""
    rows = tuple(
        row_of(lab, step.id, step.title, spec, _not_seen(spec, trouble)) for step in lab.steps for spec in step.checks
    )
    report = Report(lab.id, lab.title, lab.hash, cluster, namespace, time.time(), 0.0, rows, __version__, trouble)
    return Graded(
        submission.student,
        report,
        submission.problems,
        digest=submission.digest,
        seed=lab.seed,
        attempts=attempts,
        folder=from_here(submission.folder),
    )


def row_of(lab: Lab, step: str, title: str, spec: CheckSpec, outcome: Outcome) -> Row:
    """A check's verdict as a report has it; ``step`` and ``title`` are those of its step."""
    return Row(
        step_id=step,
        step_title=title,
        check_id=spec.id,
        title=spec.title,
        outcome=outcome,
        points=spec.points,
        optional=spec.optional,
        file=f"labs/{lab.id}/lab.yaml",
        line=spec.line,
        visibility=spec.visibility,
    )


def from_here(folder: Path) -> str:
    """A folder by its path from the current one, where it lies below it."""
    here = Path.cwd()
    return plain((folder.relative_to(here) if folder.is_relative_to(here) else folder).as_posix(), 1000)


def _in_need(spec: CheckSpec, outcomes: Mapping[str, Outcome]) -> Outcome:
    """A check's verdict; skipped where one that it needs does not hold, though it may have done so for a moment."""
    for need in spec.needs:
        if need in outcomes and outcomes[need].status is not Status.PASS:
            return skipped(f"waits for {need}", f"{need} does not hold: {outcomes[need].summary}")
    return outcomes[spec.id]


def _crowded(spec: CheckSpec, outcome: Outcome, submission: Submission) -> Outcome:
    """No room on the nodes is the grader's trouble, unless the student asked for room."""
    cause = outcome.finding.cause if outcome.finding else None
    if cause is None or cause.id != NO_ROOM or any("requests" in each.text for each in submission.manifests):
        return outcome
    return _not_seen(spec, f"the grader's cluster was full: {outcome.summary}")


def _not_seen(spec: CheckSpec, trouble: str) -> Outcome:
    return unobserved(trouble, Finding(spec.title, "an observation", trouble))


def _with_problem(spec: CheckSpec, outcome: Outcome, problems: tuple[Problem, ...]) -> Outcome:
    """A file that was refused is not missing: the finding says what was wrong with it."""
    name = spec.params.get("file")
    if outcome.status is not Status.FAIL or not isinstance(name, str):
        return outcome
    problem = next((each for each in problems if each.file == name and (each.refused or each.line)), None)
    if problem is None:
        return outcome
    finding = Finding(
        rule=spec.title,
        expected=f"{name} as the lab asks for it",
        observed=f"{problem.where}: {problem.message}",
        seen=(Seen(name, line=problem.line),),
        cause=Cause("refused" if problem.refused else "yaml-syntax", problem.message, problem.remedy),
    )
    return Outcome(Status.FAIL, f"{problem.where}: {problem.message}", finding)


@contextlib.contextmanager
def _folders(lab: Lab, submission: Submission, namespace: str) -> Iterator[tuple[Path, Path]]:
    """A workspace with what was handed in, under the lab's names, and a folder for what is applied at each time."""
    base = Path(tempfile.mkdtemp(prefix="k8s-tutor-grade-"))
    try:
        workspace, replayed = base / "workspace", base / "replayed"
        workspace.mkdir()
        replayed.mkdir()
        for name, manifest in own_files(lab, submission).items():
            (workspace / name).write_text(at_home(manifest, namespace), encoding="utf-8")
        if submission.answers:
            text = json.dumps(dict(submission.answers), ensure_ascii=False, indent=1)
            (workspace / ANSWERS).write_text(text, encoding="utf-8")
        yield workspace, replayed
    finally:
        shutil.rmtree(base, ignore_errors=True)
