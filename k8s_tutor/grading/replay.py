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
from k8s_tutor.checks.check import bound, find
from k8s_tutor.checks.outcome import Outcome, Status
from k8s_tutor.checks.reading import name_of, pod_ready
from k8s_tutor.clusters.provider import Cluster
from k8s_tutor.errors import ClusterError, EnvironmentFault, TutorError
from k8s_tutor.grading import pods
from k8s_tutor.grading.plan import Apply, Ask, Do, Run, Turn, made_by
from k8s_tutor.grading.problem import plain
from k8s_tutor.kube.record import Record
from k8s_tutor.labs.model import Mode, Step
from k8s_tutor.reports.grades.report import Deed
from k8s_tutor.session.actions import ActionError
from k8s_tutor.session.kubectl import run_kubectl
from k8s_tutor.session.observing import LOUD
from k8s_tutor.session.session import Session
from k8s_tutor.session.state import CheckState, LabState, Link

QUIET, IDLE = 2.0, 0.2
"""Seconds without any change after which a check that does not pass, and waits for nothing, is not going to; the
latter where nothing was done since."""
ASKED_AGAIN = 8.0
"""The same for one that goes by requests: the first ones can come before the node has heard of a Service, and the tutor
asks again after two seconds, then three (session/observing.py)."""
NOT_THERE = ("not-applied", "wrong-name", "wrong-namespace")
"""Causes by which there is nothing that could be asked."""
TROUBLED = 10.0
"""Seconds for which one is waited for whose containers end again and again."""
HEARD = 0.5
"""Seconds within which the watch tells of what a command did."""
LOST = 8.0
"""Seconds that a lost API server is waited for."""
COMMAND_SECONDS = 60.0
HTTP, MOST_PORTS = 80, 3
_LOOKS = ("get", "describe", "wait", "rollout status")


class TooSlow(TutorError):
    """The deadline of the whole submission has passed."""


class Replay:
    """One replay. ``deeds``: what was done; ``turns``: verdicts as they were when each check's step's turn ended.

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
        self.turns: dict[str, Outcome] = {}
        self.hurried = False
        self._step = ""
        self._pods: tuple[tuple[str, str], ...] = ()
        self._stood: dict[str, tuple[Step, dict[str, tuple[str, int]]]] = {}
        """By step: the pods that stood when its turn ended (grading/pods.py, ``standing``)."""
        self._stirred = 0.0
        """When some pod changed, or something was done, last (``time.monotonic``)."""

    def run(self, turns: Sequence[Turn]) -> None:
        """All turns, then what takes its time. Raises TutorError: the cluster is lost, too slow, cut short."""
        for turn in turns:
            self._review()
            self._step = turn.step.id
            mutated = False
            for do in turn.deeds:
                if mutated:
                    self._calm()
                mutated |= self._do(do)
                self._stirred = time.monotonic()
            self._settle(turn.step, quiet=QUIET if turn.deeds else IDLE)
            if self._experiments(turn.step):
                self._settle(turn.step, quiet=QUIET)
            self._judge(turn.step)
            self._stand(turn.step)
        self._review()
        for turn in turns:
            # What it does not wait for any more has had its time.
            self._settle(turn.step, quiet=IDLE, end=True)

    def outcome(self, check: CheckState) -> Outcome:
        """The verdict on a check after the whole replay: of an edge as it is now, of a level as it was in its turn."""
        now = check.outcome.settled()
        return now if check.spec.mode is Mode.EDGE else self.turns.get(check.spec.id, now)

    def _judge(self, step: Step) -> None:
        self.turns |= {spec.id: self._check(spec.id).outcome.settled() for spec in step.checks}

    def _review(self) -> None:
        """Judge a step again whose pods have crashed since its turn ended, and run what they ran then.

        On a node that is slow enough a container that ends at once is ready for longer than is waited for.
        """
        record = self.session.state().record
        for step in [step for step, then in self._stood.values() if pods.shaken(record, then)]:
            del self._stood[step.id]
            self._settle(step, quiet=QUIET)
            self._judge(step)
            if self._believed(step):
                self._stand(step)  # perhaps between two ends, once more

    def _stand(self, step: Step) -> None:
        """Remember the pods on which a step's verdict rests."""
        if any(spec.mode is Mode.LEVEL for spec in step.checks):
            # One that crashed and runs again was believed if the step passed: then it, too, must go on running.
            stood = pods.standing(self.session.state().record, also_crashed=self._believed(step))
            self._stood[step.id] = step, stood

    def _believed(self, step: Step) -> bool:
        """Whether all passed that has to hold."""
        levels = [spec for spec in step.checks if spec.mode is Mode.LEVEL and not spec.optional]
        return all(self.turns[spec.id].status is Status.PASS for spec in levels)

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
        self._calm()
        began = time.monotonic()
        found = self.session.state().record.get("Pod", pod)
        ip = str(((found or {}).get("status") or {}).get("podIP") or "")
        code, said = 1, f"pod {pod} has no address"
        if found is not None and ip:
            # As the lesson has it: curl http://<the pod's IP>; then where the file says that it listens.
            wanted = list(dict.fromkeys([HTTP, *pods.ports(found)]))[:MOST_PORTS]
            answers = [(port, self.session.visit(ip, port)) for port in wanted]
            code = 0 if any(status is not None for _, status in answers) else 1
            said = ", ".join(f"{ip}:{port} {status or 'did not answer'}" for port, status in answers)
        command = plain(f"(request to pod {pod})")
        self.deeds.append(Deed(self._step, command, code, plain(said), time.monotonic() - began))

    def _experiments(self, step: Step) -> bool:
        """Make the evidence that is missing, as ``check`` does; whether there was any to make."""
        wanted = [self._check(spec.id) for spec in step.checks if spec.mode is Mode.EDGE and spec.experiment]
        wanted = [check for check in wanted if check.outcome.status is Status.FAIL]
        for check in wanted:
            self._experiment(check)
        return bool(wanted)

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
        own = [pod for pod in record.alive("Pod") if made_by(name_of(pod)) == owner and pod_ready(pod)]
        own.sort(key=lambda pod: str(pod["metadata"].get("creationTimestamp", "")))
        return f"{kind}{slash}{name_of(own[-1])}" if own else word

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
        self.session.wait_for(lambda state: not pods.moving(state.record), self._left())
        self._alive()

    def _look_at_pods(self, state: LabState, now: float) -> None:
        seen = _pods(state)
        if seen != self._pods:
            self._pods, self._stirred = seen, now

    def _left(self) -> float:
        return max(0.0, min(self.patience, self.until - time.monotonic()))

    def _check(self, check_id: str) -> CheckState:
        return _state_of(self.session.state(), check_id)

    def _settle(self, step: Step, *, quiet: float, end: bool = False) -> None:
        """Wait until the step's required checks pass and the level ones hold, or until nothing changes any more.

        An edge that only has to wait for a moment that is known (a pod that stays away for ten seconds) is left to
        itself until the ``end``, when nothing but edges is waited for.
        """
        wanted = [spec.id for spec in step.checks if not spec.optional and not (end and spec.mode is Mode.LEVEL)]
        levels = any(spec.mode is Mode.LEVEL for spec in step.checks if spec.id in wanted)
        began = time.monotonic()
        deadline = began + self._left()
        seen, since = None, began
        while wanted:
            self._alive()
            state = self.session.state()
            checks = [_state_of(state, check_id) for check_id in wanted]
            if state.link is Link.LOST:
                if not self.session.wait_for(lambda state: state.link is Link.LIVE, LOST):
                    raise ClusterError(state.trouble or "the API server does not answer", code="lost")
                continue
            now = time.monotonic()
            look = [(check.outcome.status, _cause(check)) for check in checks]
            if look != seen:
                seen, since = look, now
            left = [check for check in checks if not check.passed and (end or not _by_itself(check))]
            moving = any(check.outcome.status in (Status.WAITING, Status.ERROR) for check in left)
            self._look_at_pods(state, now)
            calm = now - self._stirred if levels and not left else now - since
            asked = any(_by_requests(check, state.record) for check in left)
            pause = (
                ASKED_AGAIN if asked else quiet if left else pods.steady(state.record, time.time()) if levels else 0.0
            )
            moving = moving or (levels and not left and pods.moving(state.record))
            if not moving and calm >= pause:
                return
            troubled = any(pods.again_and_again(pod) for pod in state.record.alive("Pod"))
            # Between two ends all may be well for a while: that has to hold, too.
            if now >= deadline or (troubled and left and now - began >= TROUBLED):
                self.hurried |= moving and not troubled
                return
            self.session.wait_for(
                lambda state, now=state: state is not now,  # type: ignore[misc]
                min(deadline - now, QUIET if moving or troubled else max(0.01, pause - calm)),
            )


def _by_requests(check: CheckState, record: Record) -> bool:
    """Whether a check that fails was judged by requests to what is there."""
    found = find(check.spec.uses)
    if check.outcome.status is not Status.FAIL or _cause(check) in NOT_THERE or found.wishes is None:
        return False
    params = bound(found, check.spec.id, check.spec.params)
    return any(wish.kind in LOUD for wish in found.wishes(record, params))


def _cause(check: CheckState) -> str:
    finding = check.outcome.finding
    return finding.cause.id if finding and finding.cause else ""


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
