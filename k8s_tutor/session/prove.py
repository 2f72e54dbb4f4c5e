"""Prove a lab on a real cluster: it fails before, passes by its own solution, each mistake fails for its reason.

All of it happens in namespaces made for the proof; the learner's is not touched. Several mistakes are tried side by
side, each in a namespace of its own to which the solutions of the steps before are replayed.
"""

from __future__ import annotations

import contextlib
import queue
import secrets
import shutil
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from k8s_tutor.checks.outcome import Status
from k8s_tutor.clusters.provider import Cluster
from k8s_tutor.errors import TutorError
from k8s_tutor.kube.client import connect
from k8s_tutor.labs.model import Lab, Mistake, Mode, Step
from k8s_tutor.session import engine
from k8s_tutor.session.actions import Runner
from k8s_tutor.session.connection import Namespace, delete_namespace, ensure_namespace
from k8s_tutor.session.reset import remove_strays
from k8s_tutor.session.session import Session
from k8s_tutor.session.state import CheckState, LabState, check_state, failing

STEP_SECONDS = 180.0
MISTAKE_SECONDS = 60.0
SETTLE_SECONDS = 20.0
STOP_SECONDS = 3.0
PATIENCE = 3.0
"""A proof that succeeds never waits for a deadline; one on a busy machine must not fail for that."""


@dataclass(frozen=True)
class Line:
    """One statement of the proof: ``seconds`` since its beginning, whether it holds, in words."""

    seconds: float
    ok: bool
    text: str


@dataclass(frozen=True)
class MistakeResult:
    """How a mistake was met: ``said`` is the verdict on the check that must fail."""

    id: str
    step: str
    ok: bool
    seconds: float
    said: str


@dataclass
class Proof:
    """What was proven. ``ok`` only when every line holds."""

    lab: str
    lines: list[Line] = field(default_factory=list)
    mistakes: list[MistakeResult] = field(default_factory=list)
    seconds: float = 0.0

    @property
    def ok(self) -> bool:
        """Whether every line holds, and there was at least one."""
        return bool(self.lines) and all(line.ok for line in self.lines)

    def plain(self) -> dict[str, Any]:
        """JSON-able."""
        return {
            "lab": self.lab,
            "ok": self.ok,
            "seconds": round(self.seconds, 1),
            "lines": [{"seconds": round(line.seconds, 1), "ok": line.ok, "text": line.text} for line in self.lines],
            "mistakes": [{**vars(result), "seconds": round(result.seconds, 1)} for result in self.mistakes],
        }


def prove(
    lab: Lab,
    cluster: Cluster,
    *,
    only: frozenset[str] = frozenset(),
    jobs: int = 3,
    tell: Callable[[Line], None] = lambda _line: None,
) -> Proof:
    """Run the whole protocol; ``only``: these mistakes and nothing else. Raises ClusterError without a cluster."""
    prover = _Prover(lab, cluster, tell)
    try:
        prover.run(only, jobs)
    finally:
        prover.clean()
    return prover.proof


class _Prover:
    def __init__(self, lab: Lab, cluster: Cluster, tell: Callable[[Line], None]) -> None:
        self.lab, self.cluster, self.tell = lab, cluster, tell
        self.proof = Proof(lab.id)
        self.began = time.monotonic()
        self.run_id = secrets.token_hex(3)
        self.lock = threading.Lock()
        self.number = 0
        self.stopped = threading.Event()
        self.namespaces: list[Namespace] = []
        self.sessions: list[Session] = []
        self.api = connect(cluster.kubeconfig)
        # The same rules (Pod Security …) as where learners work.
        self.labels = ensure_namespace(self.api, cluster.namespace).labels

    def run(self, only: frozenset[str], jobs: int) -> None:
        chosen = [(step, item) for step in self.lab.steps for item in step.mistakes if not only or item.id in only]
        # A mistake that lands in another namespace would be seen by whoever looks there meanwhile.
        alone = [pair for pair in chosen if pair[1].cleanup or pair[1].because == "wrong-namespace"]
        work: queue.SimpleQueue[Callable[[], None]] = queue.SimpleQueue()
        if not only:
            work.put(self._whole)
        for pair in chosen:
            if pair not in alone:
                work.put(lambda pair=pair: self._mistake(*pair))  # type: ignore[misc]
        threads = [threading.Thread(target=self._drain, args=(work,), name=f"proof-{n}") for n in range(jobs)]
        for thread in threads:
            thread.start()
        try:
            for thread in threads:
                thread.join()
        except BaseException:
            self._stop(threads)
            raise
        for pair in alone:
            self._mistake(*pair)
        order = {item.id: number for number, (_step, item) in enumerate(chosen)}
        self.proof.mistakes.sort(key=lambda result: order[result.id])
        self.proof.seconds = time.monotonic() - self.began

    def clean(self) -> None:
        """Delete what the proof made; the cluster finishes that by itself."""
        with contextlib.suppress(TutorError):
            if self.cluster.owned:
                remove_strays(self.api, self.lab)
        for namespace in self.namespaces:
            with contextlib.suppress(TutorError):
                delete_namespace(self.api, namespace, wait=False)
        self.api.close()

    def _stop(self, threads: list[threading.Thread]) -> None:
        """Cut every wait short, and give each thread the moment that it needs to tidy up."""
        self.stopped.set()
        with self.lock:
            running = list(self.sessions)
        for session in running:
            session.close()
        until = time.monotonic() + STOP_SECONDS
        for thread in threads:
            thread.join(max(0.0, until - time.monotonic()))

    def _drain(self, work: queue.SimpleQueue[Callable[[], None]]) -> None:
        while not self.stopped.is_set():
            try:
                job = work.get_nowait()
            except queue.Empty:
                return
            job()

    def _say(self, ok: bool, text: str) -> None:
        if self.stopped.is_set():
            return  # what was cut short proves nothing
        line = Line(time.monotonic() - self.began, ok, text)
        with self.lock:
            self.proof.lines.append(line)
            self.tell(line)

    @contextlib.contextmanager
    def _session(self, *, remove: bool = True) -> Iterator[Session]:
        with self.lock:
            self.number += 1
            name = f"k8s-tutor-proof-{self.run_id}-{self.number}"
        namespace = ensure_namespace(self.api, name, self.labels)
        self.namespaces.append(namespace)
        folder = Path(tempfile.mkdtemp(prefix="k8s-tutor-proof-"))
        try:
            with Session(self.lab, self.cluster, namespace=name, folder=folder, keep=False, eager=True) as session:
                with self.lock:
                    self.sessions.append(session)
                if self.stopped.is_set():
                    session.close()
                try:
                    yield session
                finally:
                    with self.lock:
                        self.sessions.remove(session)
        finally:
            shutil.rmtree(folder, ignore_errors=True)
            if remove:
                with contextlib.suppress(TutorError):
                    delete_namespace(self.api, namespace, wait=False)

    # The lab itself.

    def _whole(self) -> None:
        try:
            with self._session() as session:
                self._nothing_passes(session, "before anything is done")
                self._solve(session, "")
                if not self.cluster.owned:
                    self._say(True, "no reset: the cluster is not ours")
                    return
                started = time.monotonic()
                session.reset()
                self.namespaces.append(session.connection.namespace)
                self._nothing_passes(session, f"after a reset ({time.monotonic() - started:.1f} s)")
                self._solve(session, " again")
        except TutorError as error:
            self._say(False, f"the protocol broke: {error.message}")

    def _nothing_passes(self, session: Session, when: str) -> None:
        state = session.settle(SETTLE_SECONDS)
        passing = [check.spec.id for check in _required(state) if check.passed]
        number = len(_required(state))
        if passing:
            self._say(False, f"{when}: {', '.join(passing)} pass already")
        else:
            self._say(True, f"{when}: none of {number} required checks passes")

    def _solve(self, session: Session, again: str) -> None:
        for number, step in enumerate(self.lab.steps, 1):
            if not step.solution and not any(not spec.optional for spec in step.checks):
                session.mark_read(step.id)
                continue
            started = time.monotonic()
            trouble = _solve_step(session, step, self.stopped)
            took = time.monotonic() - started
            title = f"step {number} {step.id}"
            if trouble:
                self._say(False, f"{title}: its solution does not pass{again} ({took:.1f} s): {trouble}")
                return
            self._say(True, f"{title}: its solution passes{again} ({took:.1f} s)")
        state = session.settle(SETTLE_SECONDS, only=[spec.id for spec in self.lab.checks if not spec.optional])
        left = [f"{check.spec.id} ({check.outcome.summary})" for check in _required(state) if not check.passed]
        self._say(
            not left, f"at the end not passing: {'; '.join(left)}" if left else f"all required checks pass{again}"
        )

    # Its mistakes.

    def _mistake(self, step: Step, mistake: Mistake) -> None:
        started = time.monotonic()
        said = ""
        ok = False
        try:
            with self._session() as session:
                try:
                    ok, said = self._try_mistake(session, step, mistake)
                finally:
                    if mistake.cleanup:
                        Runner(session, patience=PATIENCE).run(mistake.cleanup, tolerant=True)
        except TutorError as error:
            ok, said = False, error.message
        took = time.monotonic() - started
        result = MistakeResult(mistake.id, step.id, ok, took, said)
        with self.lock:
            self.proof.mistakes.append(result)
        self._say(ok, f"mistake {step.id}/{mistake.id} ({took:.1f} s): {said}")

    def _try_mistake(self, session: Session, step: Step, mistake: Mistake) -> tuple[bool, str]:
        needed = engine.with_needs(self.lab, [mistake.fails])
        for before in self.lab.steps:
            if before.id == step.id:
                break
            if before.solution or before.checks:
                trouble = _solve_step(session, before, self.stopped, needed)
                if trouble:
                    return False, f"step {before.id} before it does not pass: {trouble}"
        Runner(session, self.stopped, patience=PATIENCE).run(mistake.actions, tolerant=True)
        wanted = f"{mistake.fails} fails because of {mistake.because}"
        if session.wait_for(lambda state: failing(state, mistake.fails) == mistake.because, MISTAKE_SECONDS):
            return True, wanted
        check = check_state(session.state(), mistake.fails)
        if check is None:
            return False, f"there is no check {mistake.fails}"
        settled = check.outcome.settled()
        cause = settled.finding.cause.id if settled.finding and settled.finding.cause else "no cause"
        if check.outcome.status is Status.WAITING and settled.status is Status.FAIL and cause == mistake.because:
            return True, f"{wanted} (when nobody waits any longer)"
        return False, f"{wanted}? It is {check.outcome.status}: {check.outcome.summary} ({cause})"


def _solve_step(session: Session, step: Step, stopped: threading.Event, needed: frozenset[str] | None = None) -> str:
    """Do a step's solution and wait for its checks; in words why it is not done, empty when it is.

    With ``needed`` (a replay) nobody waits to see what happens once (``edge``) unless a check in it asks for that:
    what the steps leave behind is the same, and ten seconds of watching a pod stay gone are saved.
    """
    edges = {spec.id for spec in session.lab.checks if spec.mode is Mode.EDGE}
    skipped = frozenset() if needed is None else edges - needed
    actions = tuple(item for item in step.solution if not (item.do == "wait" and item.args["check"] in skipped))
    try:
        Runner(session, stopped, patience=PATIENCE).run(actions)
    except TutorError as error:
        return error.message
    required = [spec.id for spec in step.checks if not spec.optional and spec.id not in skipped]
    if not required:
        session.mark_read(step.id)
        return ""

    def left(state: LabState) -> list[CheckState]:
        return [check for check in state.checks if check.spec.id in required and not check.passed]

    session.wait_for(lambda state: not left(state), STEP_SECONDS)
    return "; ".join(
        f"{check.spec.id} {check.outcome.status}: {check.outcome.summary}" for check in left(session.state())
    )


def _required(state: LabState) -> list[CheckState]:
    return [check for check in state.checks if not check.spec.optional]
