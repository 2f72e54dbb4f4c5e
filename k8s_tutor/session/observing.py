"""Make the observations that checks wish for beside the watch: requests, logs, other namespaces, schemas.

Each runs in a thread of its own, one of a sort at a time, and only while it can change a verdict: again when what it
looked at has changed, and with growing pauses while the check does not pass. Requests to pods and Services are sent
for the current step and the one on the screen only (for all in ``check``): they show in the pods' logs, which
learners read.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from k8s_tutor.checks.check import Wish, bound, find
from k8s_tutor.checks.outcome import Status
from k8s_tutor.checks.words import plural
from k8s_tutor.errors import TutorError
from k8s_tutor.kube.errors import Forbidden, Unauthorized
from k8s_tutor.kube.record import Log, Object, Record
from k8s_tutor.kube.recorder import Recorder
from k8s_tutor.labs.model import Mode
from k8s_tutor.session.connection import MANAGED_BY, OURS, Connection
from k8s_tutor.session.following import Follower, Source
from k8s_tutor.session.journal import How, kubectl
from k8s_tutor.session.probed import elsewhere_command, log_command, reach_command, sample_command, sample_result
from k8s_tutor.session.schemas import kept_schema
from k8s_tutor.session.state import CheckState, LabState

PAUSES: dict[str, tuple[float, float]] = {
    "sample": (2.0, 15.0),
    "reach": (2.0, 15.0),
    "logs": (2.0, 15.0),
    "others": (4.0, 15.0),
    "schema": (2.0, 60.0),
}
"""Kind of wish -> first and longest pause (seconds) before it is made again though nothing changed."""
LOUD = ("sample", "reach")
GROWTH = 1.5
HURRY = 0.3
"""Least seconds between two of a sort, however much changes."""
SAMPLE_SECONDS = 20.0
REACH_SECONDS = 6.0
MOST_PODS = 12
"""Pods whose logs one wish reads."""


@dataclass
class _Item:
    """What is known of one wish."""

    running: bool = False
    done_at: float | None = None
    seen: Any = None
    tries: int = 0


@dataclass
class Observer:
    """Fulfils wishes. ``wake`` is called after each result; ``generation`` counts results.

    ``focus``: ids of steps that are looked at as the current one is; ``viewed``: the one that is on the screen.
    """

    connection: Connection
    recorder: Recorder
    wake: Callable[[], None]
    eager: bool = False
    generation: int = 0
    focus: frozenset[str] = frozenset()
    viewed: str = ""
    _items: dict[str, _Item] = field(default_factory=dict)
    _threads: set[threading.Thread] = field(default_factory=set)
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _closed: bool = False
    _follower: Follower | None = None
    _followed: dict[Source, int] = field(default_factory=dict)
    _kept_out: bool = False
    """Other namespaces may not be read here: it is asked once, a right does not come within minutes."""

    def look(self, state: LabState) -> tuple[bool, float | None]:
        """Start what is worthwhile now.

        Returns whether something is under way whose result can change a verdict, and the ``time.monotonic`` at
        which to look again (None: only when something changes).
        """
        pending = False
        again: list[float] = []
        followed: set[Source] = set()
        now = time.monotonic()
        for check, near in self._worthwhile(state):
            for wish in self._wishes(check, state.record):
                if (not near and wish.kind in LOUD) or (self._kept_out and wish.kind == "others"):
                    continue
                item = self._items.setdefault(_key(wish), _Item())
                seen = _fingerprint(wish, state.record)
                due = self._due(item, wish, seen, check.passed)
                if item.running or item.done_at is None or item.seen != seen:
                    pending = True
                elif wish.kind == "logs" and not check.passed and wish.key not in state.record.unobserved:
                    # Read once; from now on it is told.
                    followed |= _sources(wish, state.record)
                    continue
                if item.running or due is None:
                    continue
                if due <= now:
                    self._start(wish, item, seen)
                    pending = True
                else:
                    again.append(due)
        self._follow(followed)
        return pending, min(again, default=None)

    def _follow(self, sources: set[Source]) -> None:
        if self._follower is None and sources:
            self._follower = Follower(self.connection.api, self.connection.namespace.name, self._logged)
        if self._follower is not None:
            self._follower.keep(() if self._closed else sources)
            journal = self.connection.journal
            for source in sources - set(self._followed):
                command = log_command(source.pod, source.container, follow=True)
                self._followed[source] = journal.note(command, "each new line of the pod's log", how=How.OPEN)
            for source in set(self._followed) - sources:
                journal.ended(self._followed.pop(source))

    def _logged(self, log: Log) -> None:
        if not self._closed:
            self.recorder.observe(log=log)

    def restart(self) -> None:
        """Forget what was observed: everything is wished for anew (after a reset)."""
        self._kept_out = False
        with self._lock:
            for item in self._items.values():
                item.done_at, item.seen, item.tries = None, None, 0

    def close(self, seconds: float = 0.5) -> None:
        """Take no more results; wait for running threads for at most ``seconds`` in all."""
        self._closed = True
        self._follow(set())
        deadline = time.monotonic() + seconds
        for thread in list(self._threads):
            thread.join(max(0.0, deadline - time.monotonic()))

    def _worthwhile(self, state: LabState) -> Iterator[tuple[CheckState, bool]]:
        """The checks that observations can change, and whether each is of a step that is worked on now."""
        for index, step in enumerate(state.steps):
            near = self.eager or index == state.current or step.step.id in self.focus | {self.viewed}
            for check in step.checks:
                proven = check.spec.mode is Mode.EDGE and check.passed
                if check.outcome.status is not Status.SKIPPED and not proven:
                    yield check, near

    def _wishes(self, check: CheckState, record: Record) -> tuple[Wish, ...]:
        try:
            found = find(check.spec.uses)
            return tuple(found.wishes(record, bound(found, check.spec.id, check.spec.params))) if found.wishes else ()
        except Exception:
            # The check itself reports its defect; without its wishes it has nothing more to say.
            return ()

    def _due(self, item: _Item, wish: Wish, seen: Any, passed: bool) -> float | None:
        """The ``time.monotonic`` from which to do it; None for never, unless something changes."""
        if item.done_at is None:
            return 0.0
        if item.seen != seen:
            item.tries = 0
            return item.done_at + HURRY
        if passed:
            return None
        first, longest = PAUSES.get(wish.kind, (5.0, 30.0))
        if wish.kind == "schema" and self.recorder.observed(wish.key):
            return None
        return item.done_at + min(longest, first * GROWTH ** max(item.tries - 1, 0))

    def _start(self, wish: Wish, item: _Item, seen: Any) -> None:
        if self._closed:
            return
        item.running = True
        thread = threading.Thread(target=self._run, args=(wish, item, seen), name=f"wish-{wish.kind}", daemon=True)
        with self._lock:
            self._threads.add(thread)
        thread.start()

    def _run(self, wish: Wish, item: _Item, seen: Any) -> None:
        trouble: str | None = None
        try:
            self._fulfil(wish)
        except Forbidden as error:
            refused = wish.kind == "others" and not isinstance(error, Unauthorized)
            self._kept_out = self._kept_out or refused
            trouble = error.message
        except TutorError as error:
            trouble = error.message
        except Exception as error:
            trouble = f"{type(error).__name__}: {error}"[:300]
        finally:
            item.tries += 1
            item.seen = seen
            item.done_at = time.monotonic()
            item.running = False
            with self._lock:
                self.generation += 1
                self._threads.discard(threading.current_thread())
        if not self._closed:
            self.recorder.observe(unobserved={wish.key: trouble})
            self.wake()

    def _fulfil(self, wish: Wish) -> None:
        api, namespace = self.connection.api, self.connection.namespace.name
        journal, from_pod = self.connection.journal, self.connection.cluster.netns is None
        if wish.kind == "sample":
            from k8s_tutor.kube.sample import sample_service

            prober = self.connection.prober()
            deadline = time.monotonic() + SAMPLE_SECONDS
            with journal.deed(sample_command(wish.name, from_pod=from_pod), "who answers?", again=True) as deed:
                sample = sample_service(api, prober, namespace, wish.name, deadline=deadline)
                deed.result = sample_result(sample)
            self.recorder.observe(sample=sample)
        elif wish.kind == "reach":
            from k8s_tutor.kube.sample import reach_pod

            prober, deadline = self.connection.prober(), time.monotonic() + REACH_SECONDS
            command = reach_command(wish.name, from_pod=from_pod)
            with journal.deed(command, "does the pod answer?", again=True) as deed:
                sample = reach_pod(api, prober, namespace, wish.name, deadline=deadline)
                deed.result = sample_result(sample)
            self.recorder.observe(sample=sample)
        elif wish.kind == "logs":
            self._read_logs(wish)
        elif wish.kind == "others":
            from k8s_tutor.kube.look import elsewhere

            kind = str(wish.params.get("kind", "Pod"))
            with journal.deed(elsewhere_command(kind, wish.name), "is it somewhere else?", again=True) as deed:
                places = elsewhere(api, kind, wish.name, namespace)
                deed.result = f"in {', '.join(places)}" if places else "nowhere else"
            own = self._own_namespaces() if places else frozenset()
            self.recorder.observe(others={f"{kind}/{wish.name}": tuple(name for name in places if name not in own)})
        elif wish.kind == "schema":
            found = kept_schema(api, wish.name, self.connection.cluster.version, journal)
            self.recorder.observe(schema={wish.name: found})

    def _own_namespaces(self) -> frozenset[str]:
        """Namespaces of ours (other proofs, the prober's): what is there is nobody's misplaced work."""
        command = kubectl("get", "namespaces", f"--selector={MANAGED_BY}={OURS}")
        with self.connection.journal.deed(command, "which namespaces are the tutor's own?", again=True):
            found = self.connection.api.list("api/v1/namespaces", {"labelSelector": f"{MANAGED_BY}={OURS}"})
        return frozenset(str(item["metadata"]["name"]) for item in found["items"])

    def _read_logs(self, wish: Wish) -> None:
        from k8s_tutor.kube.logs import pod_log

        api, namespace = self.connection.api, self.connection.namespace.name
        for pod in _pods(wish, self.recorder.snapshot())[:MOST_PODS]:
            name, uid = str(pod["metadata"]["name"]), str(pod["metadata"].get("uid", ""))
            for status in (pod.get("status") or {}).get("containerStatuses") or ():
                container = str(status.get("name"))
                state = status.get("state") or {}
                wanted = [False] if "running" in state or "terminated" in state else []
                wanted += [True] if status.get("restartCount") else []
                for previous in wanted:
                    command = log_command(name, container, previous=previous)
                    with self.connection.journal.deed(command, "what does the pod's log say?", again=True) as deed:
                        log = pod_log(api, namespace, name, container, uid=uid, previous=previous)
                        deed.result = plural(len(log.lines), "line")
                    self.recorder.observe(log=log)


def _key(wish: Wish) -> str:
    return f"{wish.kind}:{wish.params.get('kind', '')}:{wish.name}"


def _pods(wish: Wish, record: Record) -> list[Object]:
    pod = record.get("Pod", wish.name)
    return [pod] if pod is not None else []


def _sources(wish: Wish, record: Record) -> set[Source]:
    """The running containers whose logs a wish is about."""
    return {
        Source(str(pod["metadata"]["name"]), str(pod["metadata"].get("uid", "")), str(status.get("name")))
        for pod in _pods(wish, record)[:MOST_PODS]
        for status in (pod.get("status") or {}).get("containerStatuses") or ()
        if "running" in (status.get("state") or {})
    }


def _fingerprint(wish: Wish, record: Record) -> Any:
    """What the observation depends on: while it is equal, there is little new to see."""
    if wish.kind == "sample":
        service = record.get("Service", wish.name)
        slices = [
            _endpoints(item)
            for item in record.alive("EndpointSlice")
            if (item.get("metadata", {}).get("labels") or {}).get("kubernetes.io/service-name") == wish.name
        ]
        return (service and repr(service.get("spec")), tuple(sorted(slices)))
    if wish.kind in ("reach", "logs"):
        pod = record.get("Pod", wish.name)
        if pod is None:
            return None
        status = pod.get("status") or {}
        containers = tuple(
            (item.get("name"), item.get("containerID"), item.get("ready"), item.get("restartCount"))
            for item in status.get("containerStatuses") or ()
        )
        return (pod["metadata"].get("uid"), status.get("podIP"), containers)
    if wish.kind == "others":
        return record.get(str(wish.params.get("kind", "Pod")), wish.name) is None
    return None


def _endpoints(item: Object) -> tuple[str, ...]:
    ready = []
    for endpoint in item.get("endpoints") or ():
        conditions = endpoint.get("conditions") or {}
        ready.append(f"{endpoint.get('addresses')}{conditions.get('ready')}{conditions.get('terminating')}")
    return (*sorted(ready), repr(item.get("ports")))
