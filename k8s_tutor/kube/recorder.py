"""Makes the record: takes in what watches, lists and probes tell, from any thread, and gives frozen snapshots."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from k8s_tutor.kube.history import History, slim
from k8s_tutor.kube.record import KINDS, Change, Evidence, File, Lives, Log, Object, Record, Sample, Version

GONE_LIMIT = 500
MIDDLE_LIMIT = 10_000
"""Versions between the first and the last of their objects that are kept of a kind, all together (about 2 kB each)."""
LOG_LIMIT = 100
OWN_LABEL = ("k8s-tutor/role", "probe")
"""The label of our own prober pods: they are no part of what the learner did, so no part of the record."""
OWN_PREFIX = "k8s-tutor-probe-"


class Recorder:
    """What was seen of one namespace. A kind is ``unobserved`` until its first full list (``sync``)."""

    def __init__(
        self, namespace: str, kinds: Iterable[str] = tuple(KINDS), *, clock: Callable[[], float] = time.time
    ) -> None:
        self.namespace = namespace
        self.kinds = tuple(kinds)
        self._clock = clock
        self._began = clock()
        self._lock = threading.RLock()
        self._histories: dict[str, dict[str, History]] = {kind: {} for kind in self.kinds}
        self._names: dict[str, dict[str, str]] = {kind: {} for kind in self.kinds}
        self._gone: dict[str, deque[str]] = {}
        self._changed: dict[str, deque[str]] = {}
        self._bearers: dict[str, dict[str, Object]] = {kind: {} for kind in self.kinds}
        self._lives = Lives(dict.fromkeys(self.kinds, ()), {})
        self._stale: set[str] = set()
        self._synced: set[str] = set()
        self._unobserved: dict[str, str] = dict.fromkeys(self.kinds, "it was not listed yet")
        self._nodes: dict[str, Object] = {}
        self._namespace_uid: str | None = None
        self._samples: dict[str, Sample] = {}
        self._logs: dict[tuple[str, str, bool], Log] = {}
        self._files: dict[str, File] = {}
        self._answers: dict[str, str] = {}
        self._evidence: dict[str, Evidence] = {}
        self._others: dict[str, tuple[str, ...]] = {}
        self._schema: dict[str, Any] = {}
        self._callbacks: list[Callable[[], None]] = []
        self._notifying = False
        self._again = False

    # What watches and lists tell.

    def feed(self, kind: str, change: Change, obj: Mapping[str, Any], at: float | None = None) -> None:
        """Take in one change of one object, as a watch told it; ``at`` is its time of arrival (now if None)."""
        with self._lock:
            moment = self._clock() if at is None else at
            if kind == "Node":
                changed = self._feed_node(change, obj)
            else:
                changed = self._take(kind, change, slim(obj), moment, relisted=False)
        if changed:
            self._notify()

    def sync(self, kind: str, objects: Iterable[Mapping[str, Any]], at: float | None = None) -> None:
        """Take in the full list of a kind: what is new or changed, and what is gone since we last knew.

        The first list of a kind gives ``SEEN``; a later one ``ADDED``, ``MODIFIED``, ``DELETED``, marked ``relisted``.
        """
        with self._lock:
            moment = self._clock() if at is None else at
            items = [slim(item) for item in objects]
            if kind == "Node":
                self._nodes = {_name(item): item for item in items}
            else:
                self._sync(kind, items, moment)
            self._synced.add(kind)
            self._unobserved.pop(kind, None)
        self._notify()

    def lost(self, kind: str, reason: str) -> None:
        """Say that a kind cannot be observed now; what is known of it may be out of date."""
        with self._lock:
            changed = self._unobserved.get(kind) != reason
            self._unobserved[kind] = reason
        if changed:
            self._notify()

    def found(self, kind: str) -> None:
        """Say that a kind is observed again, without a gap (else ``sync`` says so)."""
        with self._lock:
            changed = kind in self._synced and self._unobserved.pop(kind, None) is not None
        if changed:
            self._notify()

    def namespace_is(self, uid: str | None) -> None:
        """Tell the UID of the namespace (None: it does not exist). Another UID than before: everything begins anew."""
        with self._lock:
            renewed = uid is not None and self._namespace_uid not in (None, uid)
            if uid is not None:
                self._namespace_uid = uid
            if renewed:
                self._forget()
        if renewed:
            self._notify()

    def begin_anew(self) -> None:
        """Forget what was seen until now, as if the namespace were another one."""
        with self._lock:
            self._forget()
        self._notify()

    # What probes, the workspace and the session tell.

    def observe(
        self,
        *,
        sample: Sample | None = None,
        log: Log | None = None,
        files: Mapping[str, File] | None = None,
        answers: Mapping[str, str] | None = None,
        evidence: Mapping[str, Evidence] | None = None,
        others: Mapping[str, tuple[str, ...]] | None = None,
        schema: Mapping[str, Any] | None = None,
        unobserved: Mapping[str, str | None] | None = None,
    ) -> None:
        """Take in other observations. ``files``, ``answers``, ``evidence`` are the whole of theirs; the rest is added.

        A sample takes the place of the last one of the same service, and of ``sample:<service>`` in ``unobserved``;
        ``unobserved``: what -> why it could not be observed, None once it can.
        """
        with self._lock:
            if sample is not None:
                self._samples = {**self._samples, sample.service: sample}
                self._unobserved.pop(f"sample:{sample.service}", None)
            if log is not None:
                self._logs.pop((log.uid, log.container, log.previous), None)
                self._logs[log.uid, log.container, log.previous] = log
                while len(self._logs) > LOG_LIMIT:
                    del self._logs[next(iter(self._logs))]
            if files is not None:
                self._files = dict(files)
            if answers is not None:
                self._answers = dict(answers)
            if evidence is not None:
                self._evidence = dict(evidence)
            self._others = {**self._others, **(others or {})}
            self._schema = {**self._schema, **(schema or {})}
            for what, why in (unobserved or {}).items():
                if why is None:
                    self._unobserved.pop(what, None)
                else:
                    self._unobserved[what] = why
        self._notify()

    # What it gives.

    @property
    def began(self) -> float:
        """When the recording began (Unix seconds): with the session, or with the namespace's newest UID."""
        with self._lock:
            return self._began

    def observed(self, what: str) -> bool:
        """Whether nothing says that this kind or probe could not be observed."""
        with self._lock:
            return what not in self._unobserved

    def snapshot(self) -> Record:
        """The record now. Cheap: what did not change since the last snapshot is the same object as then."""
        with self._lock:
            if self._stale:
                bearers = dict(self._lives.bearers)
                lives = Lives(self._lives, bearers)
                for kind in self._stale:
                    # Made anew with each change, of thousands of objects: nothing is called that need not be.
                    lives[kind] = tuple([each.kept or each.life() for each in self._histories[kind].values()])
                    bearers[kind] = dict(self._bearers[kind])
                self._lives = lives
                self._stale.clear()
            return Record(
                namespace=self.namespace,
                began=self._began,
                now=self._clock(),
                lives=self._lives,
                samples=self._samples,
                logs=tuple(self._logs.values()),
                files=self._files,
                answers=self._answers,
                evidence=self._evidence,
                unobserved=dict(self._unobserved),
                others=self._others,
                schema=self._schema,
                nodes=tuple(self._nodes.values()),
            )

    def subscribe(self, callback: Callable[[], None]) -> Callable[[], None]:
        """Call ``callback`` after changes, from the thread that brought them, never two at once.

        Changes that come while it runs are told by one more call. Returns a function that ends this.
        """
        with self._lock:
            self._callbacks.append(callback)

        def unsubscribe() -> None:
            with self._lock:
                if callback in self._callbacks:
                    self._callbacks.remove(callback)

        return unsubscribe

    # Inside.

    def _notify(self) -> None:
        with self._lock:
            if self._notifying:
                self._again = True
                return
            self._notifying = True
        while True:
            with self._lock:
                self._again = False
                callbacks = tuple(self._callbacks)
            try:
                for callback in callbacks:
                    callback()
            except BaseException:
                with self._lock:
                    self._notifying = False
                raise
            with self._lock:
                if not self._again:
                    self._notifying = False
                    return

    def _feed_node(self, change: Change, obj: Mapping[str, Any]) -> bool:
        if change is Change.DELETED:
            return self._nodes.pop(_name(obj), None) is not None
        self._nodes[_name(obj)] = slim(obj)
        return True

    def _sync(self, kind: str, items: list[dict[str, Any]], at: float) -> None:
        again = kind in self._synced
        histories = self._histories.setdefault(kind, {})
        listed = {_uid(item) for item in items}
        for history in list(histories.values()):
            if history.gone_at is None and history.uid not in listed:
                self._end(history, None, at, relisted=True)
        for item in sorted(items, key=_age):
            known = _uid(item) in histories
            change = Change.MODIFIED if known else Change.ADDED if again else Change.SEEN
            self._take(kind, change, item, at, relisted=again)
        self._stale.add(kind)
        self._lives.setdefault(kind, ())

    def _take(self, kind: str, change: Change, obj: dict[str, Any], at: float, *, relisted: bool) -> bool:
        if _is_own(kind, obj):
            return False
        histories = self._histories.setdefault(kind, {})
        uid, name = _uid(obj), _name(obj)
        history = histories.get(uid)
        if history is None:
            if change is Change.DELETED:
                return False  # the end of something that we never saw
            self._supersede(kind, name, uid, at)
            history = histories[uid] = History(kind, uid, name)
            self._names.setdefault(kind, {})[name] = uid
            change = change if change is Change.SEEN else Change.ADDED
        elif history.gone_at is not None:
            return False  # told late: it is gone for good, a UID does not come back
        elif change is Change.DELETED:
            self._end(history, obj, at, relisted=relisted)
            return True
        elif _same(history.last.object, obj):
            return False
        else:
            change = Change.MODIFIED
            obj = _sharing(history.last.object, obj)
            self._thin(kind, uid)
        history.add(Version(at, change, obj, relisted))
        if name:
            self._bearers.setdefault(kind, {})[name] = obj
        self._stale.add(kind)
        return True

    def _thin(self, kind: str, uid: str) -> None:
        """With thousands of objects, what changed longest ago keeps fewer of its versions."""
        changed = self._changed.setdefault(kind, deque())
        changed.append(uid)
        if len(changed) > MIDDLE_LIMIT:
            oldest = self._histories[kind].get(changed.popleft())
            if oldest is not None and oldest.thin():
                self._stale.add(kind)

    def _supersede(self, kind: str, name: str, uid: str, at: float) -> None:
        """Another object bears the name now, so the one that bore it is gone, though nobody told us."""
        before = self._names.get(kind, {}).get(name)
        old = self._histories[kind].get(before) if before and before != uid else None
        if old is not None and old.gone_at is None:
            self._end(old, None, at, relisted=True)

    def _end(self, history: History, obj: dict[str, Any] | None, at: float, *, relisted: bool) -> None:
        history.add(Version(at, Change.DELETED, history.last.object if obj is None else obj, relisted))
        self._stale.add(history.kind)
        histories = self._histories[history.kind]
        if self._names.get(history.kind, {}).get(history.name) == history.uid:
            del self._names[history.kind][history.name]
            self._bearers[history.kind].pop(history.name, None)
        # Gone lives move to the end, so that the first gone one is the one that went first.
        histories[history.uid] = histories.pop(history.uid)
        gone = self._gone.setdefault(history.kind, deque())
        gone.append(history.uid)
        while len(gone) > GONE_LIMIT:
            del histories[gone.popleft()]

    def _forget(self) -> None:
        """The namespace was deleted and made again: what was seen in the old one says nothing about the new."""
        self._began = self._clock()
        for kind, histories in self._histories.items():
            # Objects do not name their namespace's UID; but a namespace is made anew only after all its objects
            # are gone, so whatever is alive when the new UID is told belongs to the new one.
            kept = {key: item for key, item in histories.items() if item.gone_at is None}
            self._histories[kind] = kept
            self._names[kind] = {item.name: key for key, item in kept.items()}
            self._bearers[kind] = {item.name: item.last.object for item in kept.values() if item.name}
            self._gone[kind] = deque()
            self._stale.add(kind)
        self._samples, self._logs, self._others = {}, {}, {}


def _uid(obj: Mapping[str, Any]) -> str:
    return str(_metadata(obj).get("uid") or f"{_metadata(obj).get('namespace', '')}/{_name(obj)}")


def _name(obj: Mapping[str, Any]) -> str:
    return str(_metadata(obj).get("name", ""))


def _same(old: Mapping[str, Any], new: Mapping[str, Any]) -> bool:
    version = _metadata(new).get("resourceVersion")
    return _metadata(old).get("resourceVersion") == version if version else old == new


def _sharing(old: Mapping[str, Any], new: dict[str, Any]) -> dict[str, Any]:
    """The new version, with the parts that did not change (most often the spec) taken from the old one."""
    return {key: old[key] if key in old and old[key] == value else value for key, value in new.items()}


def _age(obj: Mapping[str, Any]) -> tuple[str, str]:
    return str(_metadata(obj).get("creationTimestamp", "")), _name(obj)


def _metadata(obj: Mapping[str, Any]) -> Mapping[str, Any]:
    metadata = obj.get("metadata")
    return metadata if isinstance(metadata, Mapping) else {}


def _is_own(kind: str, obj: Mapping[str, Any]) -> bool:
    if kind == "Pod":
        labels = _metadata(obj).get("labels")
        return isinstance(labels, Mapping) and labels.get(OWN_LABEL[0]) == OWN_LABEL[1]
    if kind == "Event":
        about = obj.get("involvedObject")
        return isinstance(about, Mapping) and str(about.get("name", "")).startswith(OWN_PREFIX)
    return False
