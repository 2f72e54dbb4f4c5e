"""One learner at one lab: watches, judges at each change, remembers, and does what the learner asks for.

Everything public may be called from any thread. Verdicts are made in one worker thread, at most some tens of
milliseconds after what changed; nothing is asked again and again that can be watched.
"""

from __future__ import annotations

import contextlib
import functools
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING

from k8s_tutor.checks.outcome import Outcome, Status
from k8s_tutor.clusters.provider import Cluster
from k8s_tutor.errors import TutorError
from k8s_tutor.kube.record import KINDS, Record
from k8s_tutor.kube.recorder import Recorder
from k8s_tutor.kube.watcher import LinkState, Watcher
from k8s_tutor.labs.model import CheckSpec, Lab
from k8s_tutor.session import engine
from k8s_tutor.session.actions import Runner, Tell
from k8s_tutor.session.again import begun_again, may_again
from k8s_tutor.session.connection import Connection, ensure_namespace, open_connection
from k8s_tutor.session.drafts import Draft, Drafts
from k8s_tutor.session.files import FolderWatch
from k8s_tutor.session.hints import hints_of, ladder, one_more
from k8s_tutor.session.journal import How, Journal, apply_command
from k8s_tutor.session.observing import Observer
from k8s_tutor.session.probed import watch_commands
from k8s_tutor.session.progress import Progress
from k8s_tutor.session.reset import renew
from k8s_tutor.session.state import LabState, Link, StepState, step_state
from k8s_tutor.session.workspace import Workspace

if TYPE_CHECKING:
    from k8s_tutor.session.asking import Answers, Asking
    from k8s_tutor.session.editing import Editing
    from k8s_tutor.session.summary import Saved
    from k8s_tutor.session.system import System

COALESCE = 0.015
"""Seconds to gather what changes together before judging."""
LEAVE, LONGEST_PAUSE = 8.0, 0.5
"""A judgement is followed by a pause of so many times its own length, at most so many seconds."""
SYNC_SECONDS = 5.0
LOST_GRACE = 4.0
"""Seconds that ``settle`` waits for a lost API server to come back."""
Callback = Callable[[LabState], None]


class Session:
    """A lab on a cluster. Opening it connects and judges once; ``close`` it, or use it in ``with``."""

    def __init__(
        self,
        lab: Lab,
        cluster: Cluster,
        *,
        namespace: str | None = None,
        folder: Path | None = None,
        keep: bool = True,
        eager: bool = False,
        watch_files: bool = True,
        gather: float = COALESCE,
    ) -> None:
        """Open a session. Raises ClusterError when the API server does not answer.

        ``namespace`` and ``folder`` in place of the learner's, ``keep=False`` (no saved progress) are for proofs;
        ``eager`` makes the observations of every step, not of the current one only. ``gather``: seconds for which
        changes are gathered before they are judged together; more where nobody looks on, and others need the processor.
        """
        # Where pod addresses answer only to a pod, for one, the learner is told other commands.
        lab = lab.fitted(cluster.can.words())
        self.lab = lab
        self.cluster = cluster
        self.workspace = Workspace(lab, folder)
        self._changed = threading.Condition()
        self._dirty = True
        self._closed = False
        self._settled = False
        self._deeds = 0
        self._gather = gather
        self._callbacks: list[Callback] = []
        self._cancelled = threading.Event()
        self._link = LinkState("connecting", 0.0)
        self._look_again: float | None = None
        self._closing: list[Callable[[], None]] = []
        try:
            self.connection: Connection = open_connection(cluster, namespace)
            self._closing.append(self.connection.close)
            self.namespace = self.connection.namespace.name
            where = {"name": cluster.name, "provider": cluster.provider, "version": cluster.version}
            self.progress = Progress(lab.id, self.connection.namespace.uid, keep=keep, where=where)
            self._closing.append(self.progress.close)
            self._memory = self.progress.memory
            self._drafts = Drafts(lab.id, keep=keep)
            self._closing.append(self._drafts.close)
            self.recorder = Recorder(self.namespace)
            self._began = self.recorder.began
            self._state = engine.blank(lab, self.recorder.snapshot(), self._memory, "connecting to the cluster")
            self._observer = Observer(self.connection, self.recorder, self._wake, eager=eager)
            self._closing.append(self._observer.close)
            self._watcher = Watcher(self.connection.api, self.namespace, self.recorder, on_link=self._on_link)
            self._closing.append(self._watcher.stop)
            if watch_files:
                self.workspace.make()
                watch = FolderWatch(self.workspace.folder, self.changed)
                self._closing.append(watch.close)
            self._read_files()
            self._closing.append(self.recorder.subscribe(self._wake))
            self._watcher.start()
            for command, why in watch_commands(self.namespace):
                self.journal.note(command, why, how=How.OPEN)
            self._watcher.wait_synced(SYNC_SECONDS)
            self._judge()
            self._worker = threading.Thread(target=self._work, name=f"session-{lab.id}", daemon=True)
            self._worker.start()
        except BaseException:
            self.close()
            raise

    def __enter__(self) -> Session:
        """The session itself."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close it."""
        self.close()

    # What it shows.

    def state(self) -> LabState:
        """The newest state; returns at once."""
        with self._changed:
            return self._state

    def subscribe(self, callback: Callback) -> Callable[[], None]:
        """Call ``callback`` with each new state, from the worker thread; returns a function that ends this."""
        with self._changed:
            self._callbacks.append(callback)

        def unsubscribe() -> None:
            with self._changed, contextlib.suppress(ValueError):
                self._callbacks.remove(callback)

        return unsubscribe

    def wait_for(self, wanted: Callable[[LabState], bool], seconds: float) -> bool:
        """Wait until a state is as wanted; false at the deadline, or when the session is closed."""
        with self._changed:
            self._changed.wait_for(lambda: self._closed or wanted(self._state), seconds)
            return wanted(self._state)

    def wait_step(self, step_id: str, seconds: float) -> StepState:
        """Wait until a step is done; its state then, or at the deadline."""
        self.wait_for(lambda state: step_state(state, step_id).done, seconds)
        return step_state(self.state(), step_id)

    def settle(self, seconds: float, *, only: Iterable[str] = ()) -> LabState:
        """Wait until no outcome (of the checks ``only``, default all) is on its way any more.

        Returns early when the API server stays silent; at the deadline what still waits stays ``waiting``.
        """
        deadline = time.monotonic() + seconds
        chosen = frozenset(only)

        def quiet(state: LabState) -> bool:
            if state.link is not Link.LIVE:
                return False
            waits = any(
                check.outcome.status is Status.WAITING and (not chosen or check.spec.id in chosen)
                for check in state.checks
            )
            return self._settled and not self._dirty and not waits

        while (left := deadline - time.monotonic()) > 0:
            self.wait_for(lambda state: quiet(state) or state.link is Link.LOST, left)
            if self.state().link is not Link.LOST:
                break
            grace = min(LOST_GRACE, max(deadline - time.monotonic(), 0.0))
            if not self.wait_for(lambda state: state.link is Link.LIVE, grace):
                break
        return self.state()

    def verdict(self) -> LabState:
        """The state as a report gives it: what waits is settled, what could not be seen is ``error``."""
        state = self.state()
        if state.link is not Link.LIVE:
            why = state.trouble or "the API server has not answered yet"
            record = replace(state.record, unobserved={**state.record.unobserved, **dict.fromkeys(KINDS, why)})
            judged, _ = engine.evaluate(self.lab, record, self._memory, time.time())
            state = replace(judged, link=state.link, heard=state.heard, trouble=why, notes=state.notes)
        return settled(state)

    # What the learner does.

    def hint(self, step_id: str) -> str | None:
        """One hint more of this step; None when all are shown."""
        now = step_state(self.state(), step_id)
        with self._changed:
            if self._memory.hints.get(now.step.id, 0) >= hints_of(now.step):
                return None
            self._memory, number = one_more(self._memory, now.step)
            self.progress.update(self._memory)
        self._wake()
        return ladder(now)[number - 1]

    def mark_read(self, step_id: str) -> None:
        """The learner went on from this step."""
        step = step_state(self.state(), step_id).step
        with self._changed:
            self._memory = replace(self._memory, read=self._memory.read | {step.id})
            self.progress.update(self._memory)
        self._wake()

    def answer(self, check_id: str, text: str) -> None:
        """Write an answer into the workspace's answers.yaml. Raises UsageError for an unknown question."""
        self.workspace.answer(check_id, text)
        self.changed()

    def read_file(self, name: str) -> str | None:
        """A file of the workspace, None if it is not there or cannot be read."""
        return self.workspace.read(name).text

    def save_file(self, name: str, text: str) -> None:
        """Write a file of the workspace, whole or not at all."""
        self.workspace.write(name, text)
        self.changed()

    def drafts(self) -> Sequence[Draft]:
        """Text that was typed and not saved when the tutor ended last time."""
        return self._drafts.load()

    def keep_drafts(self, drafts: Sequence[Draft]) -> None:
        """Keep this unsaved text and no other, in case the tutor is killed. Raises EnvironmentFault."""
        self._drafts.keep(drafts)

    def apply(self, name: str) -> list[str]:
        """Apply a file of the workspace; lines that say what happened. Raises TutorError for what was refused."""
        file = self.workspace.read(name)
        if file.text is None:
            raise TutorError(f"{name} cannot be applied: {file.trouble}", remedy=f"save it in {self.workspace.folder}")
        return self.apply_text(file.text, name)

    def apply_text(self, text: str, name: str = "", why: str = "") -> list[str]:
        """Apply a manifest's text server-side, as the learner's own word."""
        from k8s_tutor.session.applying import apply_lines

        with self.journal.deed(apply_command(name), why or "apply what you wrote") as deed:
            lines = apply_lines(self.connection.api, text, self.namespace, name)
            deed.result = "; ".join(lines)
        return lines

    @functools.cached_property
    def editing(self) -> Editing:
        """What the editor asks while a manifest is written."""
        from k8s_tutor.session.editing import Editing

        return Editing(self.connection.api, self.namespace, self.journal)

    @property
    def journal(self) -> Journal:
        """What was done on the cluster by the tutor itself."""
        return self.connection.journal

    def summary(self) -> Saved:
        """What came of the lab so far, saved into the learner's folder. Raises EnvironmentFault."""
        from k8s_tutor.session.summary import save, summarise

        with self._changed:
            past, state = self.progress.past, self._state
        return save(self.workspace, summarise(self.lab, past, time.time(), state))

    def listen(self, tell: Callable[[Answers], object]) -> Asking:
        """Who answers behind a Service: the counts go to ``tell``; ``close`` it."""
        from k8s_tutor.session.asking import Asking

        return Asking(self.connection, lambda: self.state().record, tell)

    def watch_system(self, tell: Callable[[System], None]) -> Callable[[], None]:
        """Watch the cluster's own parts until the function that is returned is called; both return at once."""
        from k8s_tutor.session.system import SystemWatch

        watch = SystemWatch(self.connection.api, tell)
        with self._changed:
            self._closing.append(watch.stop)

        def stop() -> None:
            with self._changed, contextlib.suppress(ValueError):
                self._closing.remove(watch.stop)
            watch.stop()

        return stop

    def looking_at(self, step_id: str) -> None:
        """The learner reads this step, whichever's turn it is: what its checks wish for is observed, too."""
        if self._observer.viewed != step_id:
            self._observer.viewed = step_id
            self._wake()

    def visit(self, ip: str, port: int) -> int | None:
        """One GET as the learner's own curl would send it; the HTTP status, None without an answer."""
        from k8s_tutor.session.applying import visit

        return visit(self.connection, ip, port)

    def solve(self, step_id: str, *, tell: Tell | None = None) -> None:
        """Do a step's solution for the learner; its checks then turn by themselves. Raises TutorError."""
        step = step_state(self.state(), step_id).step
        self._observer.focus |= {step.id}
        with self._changed:
            # Also where it breaks half-way: something was done for the learner.
            self._memory = replace(self._memory, solved={step.id: time.time(), **self._memory.solved})
            self.progress.update(self._memory)
        with self._our_deed():
            Runner(self, self._cancelled, tell, why=f"solution of “{step.title}”").run(step.solution)

    def redo(self, step_id: str, *, tell: Tell | None = None) -> bool:
        """Undo a step's outcome, so that the learner can do it (again) by hand. Raises TutorError.

        False when it is done all the same: what its checks ask for is still so on the cluster.
        """
        step = step_state(self.state(), step_id).step
        if not may_again(step):
            raise TutorError(
                f"“{step.title}” only looks at how things are: there is nothing in it to do once more", code="again"
            )
        if step.again and not self.connection.may_disrupt:
            raise TutorError(f"namespace {self.namespace} is not the tutor's own: nothing is undone there")
        with self._our_deed():
            Runner(self, self._cancelled, tell, why=f"“{step.title}” once more").run(step.again)
        for question in step.questions:
            self.workspace.answer(question.check, "")
        self._read_files()

        def undone(state: LabState) -> bool:
            fresh = begun_again(self._memory, step, time.time())
            judged = engine.judge(self.lab, state.record, fresh, time.time())
            return not step_state(judged, step_id).done

        self._wake()
        # The watch has to have heard of it: else what was there a moment ago would count as done anew.
        self.wait_for(undone, SYNC_SECONDS)
        with self._changed:
            self._memory = begun_again(self._memory, step, time.time())
            self.progress.update(self._memory)
        self._wake()
        self.wait_for(lambda _state: not self._dirty, SYNC_SECONDS)
        return not step_state(self.state(), step_id).done

    def experiment(self, spec: CheckSpec, *, tell: Tell | None = None) -> None:
        """Make the evidence of a check ourselves. Raises TutorError, also where the namespace is not ours."""
        if not self.connection.may_disrupt:
            raise TutorError(f"namespace {self.namespace} is not the tutor's own: no experiment is made there")
        Runner(self, self._cancelled, tell, why=f"experiment: {spec.title}").run(spec.experiment)

    def reset(self) -> list[str]:
        """Begin the lab anew: an empty namespace, files moved aside, no progress. Lines that say what was done.

        Raises TutorError when it stops half-way: it says what is left, and a second call goes on.
        """
        if self.connection.may_reset or self.connection.may_empty:
            with self._changed:
                self.progress.begin_clearing()
        with self._our_deed():
            namespace, lines = renew(self.connection, self.lab, self.workspace)
            if self.connection.may_empty:
                # The namespace is the one it was: the watch has to have heard the last of what was in it.
                self.wait_for(lambda state: not any(state.record.alive("Pod")), SYNC_SECONDS)
                self.recorder.begin_anew()
        self.connection.namespace = namespace
        with self._changed:
            self.progress.clear()
            self.progress.move(namespace.uid)
            self._memory = self.progress.memory
            self.recorder.namespace_is(namespace.uid)
            self._began = self.recorder.began
            self._observer.restart()
        self.changed()
        # Whoever asks next must not get a verdict on what is gone.
        self.wait_for(lambda _state: not self._dirty, SYNC_SECONDS)
        return lines

    @contextlib.contextmanager
    def _our_deed(self) -> Iterator[None]:
        """While the tutor itself changes things: what is wrong then is no mistake that the learner met."""
        with self._changed:
            self._deeds += 1
        try:
            yield
        finally:
            with self._changed:
                self._deeds -= 1

    def changed(self) -> None:
        """Files of the workspace have changed: read them again."""
        self._read_files()
        self._wake()

    def close(self) -> None:
        """Stop everything within a second; what is known is saved. May be called twice."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()
        self._cancelled.set()
        worker = getattr(self, "_worker", None)
        if worker is not None and worker is not threading.current_thread():
            worker.join(1.0)
        while self._closing:
            with contextlib.suppress(OSError, TutorError):
                self._closing.pop()()

    # Inside.

    def _read_files(self) -> None:
        self.recorder.observe(files=self.workspace.files(), answers=self.workspace.answers())

    def _on_link(self, link: LinkState) -> None:
        with self._changed:
            self._link = link
        self._wake()

    def _wake(self) -> None:
        with self._changed:
            self._dirty = True
            self._changed.notify_all()

    def _work(self) -> None:
        pause = 0.0
        while True:
            with self._changed:
                while not self._dirty and not self._closed:
                    left = None if self._look_again is None else self._look_again - time.monotonic()
                    if left is not None and left <= 0:
                        break
                    self._changed.wait(None if left is None else min(left, threading.TIMEOUT_MAX))
                if self._closed:
                    return
            # A change seldom comes alone; a rollout brings dozens in one breath.
            if self._cancelled.wait(max(self._gather, pause)):
                return
            began = time.thread_time()
            self._judge()
            # With thousands of objects judging takes long: it must leave most of the processor to the screen.
            pause = min((time.thread_time() - began) * LEAVE, LONGEST_PAUSE)

    def _judge(self) -> None:
        began = self.recorder.began
        if began != self._began:
            self._renewed(began)
        with self._changed:
            self._dirty = False
            if self.progress.retry():
                self._memory = replace(self.progress.memory, since=self._memory.since)
            generation = self._observer.generation
            record = self.recorder.snapshot()
            link, before = self._link, self._state
            state, memory = engine.evaluate(self.lab, record, self._memory, time.time())
            if self._deeds:
                memory = replace(memory, met=self._memory.met)
            state = replace(
                state,
                link=Link(link.state),
                heard=self._watcher.link.heard,
                trouble=link.trouble,
                again=link.again,
                notes=tuple(self._notes(record)),
            )
            if state.link is Link.LOST:
                state = engine.hold(state, before)
            if state.link is Link.LIVE:
                kept = (memory.evidence, memory.passed_at, memory.earlier, memory.met)
                if kept != (self._memory.evidence, self._memory.passed_at, self._memory.earlier, self._memory.met):
                    self.progress.update(memory)
                self._memory = memory
            pending, again = self._observer.look(state) if state.link is Link.LIVE else (False, None)
            # What is held while the server is silent does not turn: it is judged when the server is heard again.
            until = engine.next_look(state) if state.link is Link.LIVE else None
            times = [at for at in (again, self.progress.again) if at is not None]
            if until is not None:
                times.append(time.monotonic() + max(until - time.time(), 0.02))
            self._look_again = min(times, default=None)
            self._settled = not pending and generation == self._observer.generation and state.link is Link.LIVE
            self._state = state
            callbacks = tuple(self._callbacks)
            self._changed.notify_all()
        for callback in callbacks:
            # A screen that broke must not stop the verdicts.
            with contextlib.suppress(Exception):
                callback(state)

    def _notes(self, record: Record) -> Iterator[str]:
        trouble = self.connection.namespace.trouble
        # A pod that is there proves that the trouble is over.
        if trouble and not any(record.alive("Pod")):
            yield trouble
        yield from self.progress.notes

    def _renewed(self, began: float) -> None:
        """Somebody else deleted the namespace and made it anew: what was proven in the old one is not proven here."""
        try:
            labels = self.connection.namespace.labels
            found = ensure_namespace(self.connection.api, self.namespace, labels, journal=self.journal, strict=False)
        except TutorError:
            return  # the next change asks again
        with self._changed:
            self._began = began
            self.connection.namespace = found
            self.progress.move(found.uid)
            self._memory = self.progress.memory
            self._observer.restart()


def settled(state: LabState) -> LabState:
    """The state with each ``waiting`` become what it is at a deadline."""

    def end(outcome: Outcome) -> Outcome:
        return outcome.settled()

    steps = tuple(
        replace(step, checks=tuple(replace(check, outcome=end(check.outcome)) for check in step.checks))
        for step in state.steps
    )
    return replace(state, steps=steps)
