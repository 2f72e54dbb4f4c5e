"""Do again what was handed in, as the student, and watch: one namespace, one session, step by step.

What is applied and run has the student's own credentials; only what watches has the grader's. A level check is judged
when its step's turn ends, as a learner's was; an edge check whenever it is seen to happen.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence
from pathlib import Path

from k8s_tutor import atomic
from k8s_tutor.checks.outcome import Outcome, Status
from k8s_tutor.clusters.provider import Cluster
from k8s_tutor.errors import ClusterError, EnvironmentFault, TutorError
from k8s_tutor.grading.plan import Apply, Ask, Do, Run, Turn, made_by
from k8s_tutor.grading.problem import plain
from k8s_tutor.kube.record import Object, Record
from k8s_tutor.labs.model import Action, Mode, Step
from k8s_tutor.reports.grades.report import Deed
from k8s_tutor.session.actions import ActionError, Runner
from k8s_tutor.session.kubectl import run_kubectl
from k8s_tutor.session.session import Session
from k8s_tutor.session.state import CheckState, LabState, Link

QUIET = 2.0
"""Seconds without any change after which a check that does not pass, and waits for nothing, is not going to."""
HEARD = 0.5
"""Seconds within which the watch tells of what a command did."""
LOST = 8.0
"""Seconds that a lost API server is waited for."""
COMMAND_SECONDS = 60.0
_LOOKS = ("get", "describe", "wait", "rollout status")


class TooSlow(TutorError):
    """The deadline of the whole submission has passed."""


class Replay:
    """One replay. ``deeds``: what was done; ``levels``: verdicts of level checks at the end of their steps' turns.

    ``patience``: seconds for which a step that converges is waited for; ``until``: the submission's deadline
    (``time.monotonic``). ``hurried``: some check was still on its way when its patience was over.
    """

    def __init__(
        self,
        session: Session,
        student: Cluster,
        folder: Path,
        *,
        patience: float,
        until: float,
        cancelled: threading.Event,
    ) -> None:
        self.session, self.student, self.folder = session, student, folder
        self.patience, self.until, self.cancelled = patience, until, cancelled
        self.deeds: list[Deed] = []
        self.levels: dict[str, Outcome] = {}
        self.hurried = False
        self._step = ""

    def run(self, turns: Sequence[Turn]) -> None:
        """All turns, then what takes its time. Raises TutorError: the cluster is lost, too slow, cut short."""
        for turn in turns:
            self._step = turn.step.id
            mutated = False
            for do in turn.deeds:
                if mutated:
                    self._calm()
                mutated |= self._do(do)
            self._settle(turn.step)
            for spec in turn.step.checks:
                check = self._check(spec.id)
                if spec.mode is Mode.EDGE and spec.experiment and check.outcome.status is Status.FAIL:
                    self._experiment(check)
            self._settle(turn.step)
            for spec in turn.step.checks:
                if spec.mode is Mode.LEVEL:
                    self.levels[spec.id] = self._check(spec.id).outcome.settled()
        for turn in turns:
            self._settle(turn.step, edges=True)

    def outcome(self, check: CheckState) -> Outcome:
        """The verdict on a check after the whole replay."""
        return self.levels.get(check.spec.id, check.outcome.settled())

    # What is done.

    def _do(self, do: Do) -> bool:
        """Do one thing; whether it can have changed something."""
        self._alive()
        match do:
            case Apply(name, text):
                self._write(name, text)
                self._kubectl(["apply", "-f", name])
            case Run(command, texts):
                for name, text in texts.items():
                    self._write(name, text)
                self._kubectl([self._own_pod(word) for word in command.argv])
                return " ".join(command.argv[:2]) not in _LOOKS and command.argv[0] not in _LOOKS
            case Ask(pod):
                self._ask(pod)
        return True

    def _write(self, name: str, text: str) -> None:
        atomic.write_text(self.folder / name, text)

    def _kubectl(self, args: list[str]) -> None:
        began = time.monotonic()
        seconds = min(COMMAND_SECONDS, max(1.0, self.until - began))
        try:
            ran = run_kubectl(self.student, self.student.namespace, args, folder=self.folder, seconds=seconds)
            code, said = ran.code, ran.err or ran.out
        except EnvironmentFault as error:
            if time.monotonic() - began < seconds:
                raise
            code, said = 124, error.message  # it waited for what does not come: that is the student's
        took = time.monotonic() - began
        self.deeds.append(Deed(self._step, plain(" ".join(args)), code, plain(" ".join(said.split()), 600), took))

    def _ask(self, pod: str) -> None:
        began = time.monotonic()
        action = Action("request", {"pod": pod})
        code, said = 0, ""
        try:
            Runner(self.session, self.cancelled, tell=lambda _action, text: None).one(action)
        except ActionError as error:
            code, said = 1, error.message
        self.deeds.append(Deed(self._step, f"(request to pod {pod})", code, plain(said), time.monotonic() - began))

    def _experiment(self, check: CheckState) -> None:
        began = time.monotonic()
        code, said = 0, ""
        try:
            self.session.experiment(check.spec)
        except ActionError as error:
            code, said = 1, error.message
        name = f"(experiment: {check.spec.title})"
        self.deeds.append(Deed(self._step, plain(name), code, plain(said), time.monotonic() - began))
        self.session.wait_for(lambda state: _state_of(state, check.spec.id) != check, HEARD)

    def _own_pod(self, word: str) -> str:
        """A pod that a Deployment made has another name here: the newest ready one of that Deployment stands for it."""
        kind, slash, name = word.rpartition("/")
        owner = made_by(name)
        record = self.session.state().record
        if not owner or record.get("Pod", name) is not None:
            return word
        pods = [pod for pod in record.alive("Pod") if made_by(_name(pod)) == owner and _ready(pod)]
        pods.sort(key=lambda pod: str(pod["metadata"].get("creationTimestamp", "")))
        return f"{kind}{slash}{_name(pods[-1])}" if pods else word

    # What is waited for.

    def _alive(self) -> None:
        if self.cancelled.is_set():
            raise TooSlow("cut short", code="cut-short")
        if time.monotonic() > self.until:
            raise TooSlow("the time for one submission was over", remedy="--timeout SECONDS", code="timeout")

    def _calm(self) -> None:
        """Wait until every pod is ready, gone or in trouble, as somebody who types would see it."""
        before = _pods(self.session.state())
        self.session.wait_for(lambda state: _pods(state) != before, HEARD)
        self.session.wait_for(lambda state: not _moving(state.record), self._left())
        self._alive()

    def _left(self) -> float:
        return max(0.0, min(self.patience, self.until - time.monotonic()))

    def _check(self, check_id: str) -> CheckState:
        return _state_of(self.session.state(), check_id)

    def _settle(self, step: Step, *, edges: bool = False) -> None:
        """Wait until the step's required checks pass, or nothing changes any more.

        An edge that only has to wait for a moment that is known (a pod that stays away for ten seconds) is left to
        itself unless ``edges``.
        """
        wanted = [
            spec.id for spec in step.checks if not spec.optional and spec.id not in (self.levels if edges else {})
        ]
        if not wanted:
            return
        deadline = time.monotonic() + self._left()
        seen, since = None, time.monotonic()
        while True:
            self._alive()
            state = self.session.state()
            checks = [_state_of(state, check_id) for check_id in wanted]
            if state.link is Link.LOST:
                if not self.session.wait_for(lambda state: state.link is Link.LIVE, LOST):
                    raise ClusterError(state.trouble or "the API server does not answer", code="lost")
                continue
            now = time.monotonic()
            look = ([(check.outcome.status, check.outcome.summary) for check in checks], _pods(state))
            if look != seen:
                seen, since = look, now
            left = [check for check in checks if not check.passed and (edges or not _by_itself(check))]
            if not left:
                return
            moving = any(check.outcome.status in (Status.WAITING, Status.ERROR) for check in left)
            if not moving and now - since >= QUIET:
                return
            if now >= deadline:
                self.hurried |= moving
                return
            self.session.wait_for(
                lambda state, now=state: state is not now,  # type: ignore[misc]
                min(deadline - now, QUIET if moving else max(0.01, QUIET - (now - since))),
            )


def _state_of(state: LabState, check_id: str) -> CheckState:
    return next(check for check in state.checks if check.spec.id == check_id)


def _by_itself(check: CheckState) -> bool:
    return check.spec.mode is Mode.EDGE and check.outcome.status is Status.WAITING and check.outcome.until is not None


def _pods(state: LabState) -> tuple[tuple[str, str], ...]:
    return tuple(
        sorted(
            (str(pod["metadata"].get("uid")), str(pod["metadata"].get("resourceVersion")))
            for pod in state.record.alive("Pod")
        )
    )


def _name(pod: Object) -> str:
    return str(pod["metadata"]["name"])


def _ready(pod: Object) -> bool:
    conditions = (pod.get("status") or {}).get("conditions") or ()
    gone = pod["metadata"].get("deletionTimestamp")
    return not gone and any(item.get("type") == "Ready" and item.get("status") == "True" for item in conditions)


def _moving(record: Record) -> bool:
    return any(not _ready(pod) and not _stuck(pod) for pod in record.alive("Pod"))


def _stuck(pod: Object) -> bool:
    """Whether the pod says itself that it does not get on."""
    status = pod.get("status") or {}
    if status.get("phase") in ("Failed", "Succeeded"):
        return True
    for item in status.get("conditions") or ():
        if item.get("type") == "PodScheduled" and item.get("status") == "False":
            return True
    for container in (*(status.get("containerStatuses") or ()), *(status.get("initContainerStatuses") or ())):
        state = container.get("state") or {}
        reason = (state.get("waiting") or {}).get("reason", "ContainerCreating")
        if "terminated" in state or reason not in ("ContainerCreating", "PodInitializing"):
            return True
        if "running" in state and container.get("started") and not container.get("ready"):
            return True  # it runs and its readiness probe says no
    return False
