"""What is, and what was: the record that checks read.

A ``Record`` is a frozen view of everything observed so far: each object's versions with times, UID and
owner, what probes saw, the learner's own files and answers. A ``Recorder`` (recorder.py) makes it, fed by a
watch in the tutor and by a list plus a short watch in ``check``; a check cannot tell the difference.

Objects are plain dicts as the API server sent them, slimmed (no managedFields values: ``managers`` keeps
who wrote when). They are shared, never copied: nobody may change them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from functools import cached_property, lru_cache
from typing import Any

Object = Mapping[str, Any]
"""One Kubernetes object, as the API server sent it."""

KINDS: dict[str, str] = {
    "Pod": "api/v1/pods",
    "Event": "api/v1/events",
    "Service": "api/v1/services",
    "EndpointSlice": "apis/discovery.k8s.io/v1/endpointslices",
    "Deployment": "apis/apps/v1/deployments",
    "ReplicaSet": "apis/apps/v1/replicasets",
    "ResourceQuota": "api/v1/resourcequotas",
}
"""The kinds that are watched in the learner's namespace -> group path and resource (``api/v1/pods``)."""


_MAPS = (dict, Mapping)
"""What an object's parts are; nearly always a dict, which is told at a fifth of the cost."""


class Change(StrEnum):
    """How a version came to be known. ``SEEN``: it existed already when the recording began."""

    SEEN = "seen"
    ADDED = "added"
    MODIFIED = "modified"
    DELETED = "deleted"


@dataclass(frozen=True)
class Version:
    """One version of one object: ``at`` is our clock's time of arrival (Unix seconds).

    ``relisted``: found when the link came back, so the change itself happened at some time before ``at``.
    """

    at: float
    change: Change
    object: Object
    relisted: bool = False


def _stamps(item: Object) -> Iterator[object]:
    metadata = item.get("metadata") or {}
    status = item.get("status") or {}
    yield metadata.get("creationTimestamp")
    yield metadata.get("deletionTimestamp")
    for condition in status.get("conditions") or ():
        yield condition.get("lastTransitionTime")
        yield condition.get("lastUpdateTime")
    for container in status.get("containerStatuses") or ():
        yield ((container.get("state") or {}).get("running") or {}).get("startedAt")
    for manager in metadata.get("managers") or ():
        if isinstance(manager, Mapping):
            yield manager.get("time")


def _unix(text: object) -> float | None:
    return _parsed(text) if isinstance(text, str) else None


@lru_cache(4096)
def _parsed(text: str) -> float | None:
    try:
        return datetime.fromisoformat(text.replace("Z", "+00:00")).timestamp()
    except ValueError:
        return None


@dataclass(frozen=True)
class Life:
    """One object from first to last sight, by UID. ``gone_at`` is None while it exists."""

    kind: str
    uid: str
    versions: tuple[Version, ...]
    gone_at: float | None = None

    @property
    def last(self) -> Object:
        """The newest version (the last one before it was gone)."""
        return self.versions[-1].object

    @property
    def name(self) -> str:
        """``metadata.name``."""
        return str(self.last.get("metadata", {}).get("name", ""))

    @cached_property
    def known_as(self) -> str | None:
        """``metadata.name`` where it is a text. Kept: an index of thousands of objects is made at each judgement."""
        last = self.versions[-1].object if self.versions else None
        metadata = last.get("metadata") if isinstance(last, _MAPS) else None
        name = metadata.get("name") if isinstance(metadata, _MAPS) else None
        return name if isinstance(name, str) else None

    @cached_property
    def dated(self) -> float | None:
        """The newest date that the cluster itself put on the last version (Unix seconds); None without one."""
        return max((at for at in map(_unix, _stamps(self.last)) if at is not None), default=None)

    @property
    def seen_from_start(self) -> bool:
        """Whether the object existed before the recording began."""
        return self.versions[0].change is Change.SEEN


class Lives(dict[str, tuple[Life, ...]]):
    """Kind -> its lives, and with them who bears which name now, so that nobody has to look through thousands.

    ``bearers``: kind -> name -> the object. Whoever makes other lives out of these makes a plain dict, without them.
    """

    bearers: Mapping[str, Mapping[str, Object]]

    def __init__(self, lives: Mapping[str, tuple[Life, ...]], bearers: Mapping[str, Mapping[str, Object]]) -> None:
        super().__init__(lives)
        self.bearers = bearers


@dataclass(frozen=True)
class Request:
    """One HTTP request that the tutor sent, over a connection of its own, with a nonce in its URL."""

    nonce: str
    at: float
    status: int | None
    error: str = ""
    server: str = ""
    body: str = ""


@dataclass(frozen=True)
class Sample:
    """Requests sent through a Service (or to a pod), and who answered, found again in the pods' own logs.

    ``target`` is ``ip:port``. ``answered``: pod name -> number of our requests in its log. ``expected``: names of
    the ready endpoints, read before and again after (``expected_after``). ``complete`` is false when the
    sample was cut short (deadline, logs not readable): then it proves nothing, and ``reason`` says why.
    """

    service: str
    target: str
    at: float
    requests: tuple[Request, ...]
    answered: Mapping[str, int]
    expected: frozenset[str]
    expected_after: frozenset[str]
    complete: bool
    reason: str = ""


@dataclass(frozen=True)
class LogLine:
    """One line of a container: ``at`` as stamped by the node (Unix seconds), ``text`` of at most 4,096 characters."""

    at: float
    text: str


@dataclass(frozen=True)
class Log:
    """The newest lines of one container of one pod (``previous``: of the container instance before this one)."""

    pod: str
    uid: str
    container: str
    previous: bool
    lines: tuple[LogLine, ...]


@dataclass(frozen=True)
class File:
    """One file of the learner's workspace. ``text`` is None when it cannot be read; ``trouble`` says why."""

    name: str
    text: str | None
    trouble: str = ""


@dataclass(frozen=True)
class Evidence:
    """What was seen to happen once, kept over restarts: ``facts`` are readable lines, ``data`` JSON values."""

    check: str
    at: float
    facts: tuple[str, ...] = ()
    data: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Record:
    """Everything observed, at the moment ``now``. Pure data; equal inputs give equal verdicts.

    ``samples``: Service name, or ``pod/<name>`` for a request straight to a pod -> the newest sample.
    ``unobserved``: kind (or probe, e.g. ``sample:nginx-service``) -> why it could not be observed. A check that
    needs one of these answers ``error``, never ``fail``. ``evidence``: check id -> what was kept of earlier runs.
    ``others``: short facts from outside the learner's namespace, e.g. where an object of this name is
    (``Pod/nginx-pod`` -> (namespaces…)). ``egress`` tells whether the cluster could pull from outside.
    """

    namespace: str
    began: float
    now: float
    lives: Mapping[str, tuple[Life, ...]] = field(default_factory=dict)
    samples: Mapping[str, Sample] = field(default_factory=dict)
    logs: tuple[Log, ...] = ()
    files: Mapping[str, File] = field(default_factory=dict)
    answers: Mapping[str, str] = field(default_factory=dict)
    evidence: Mapping[str, Evidence] = field(default_factory=dict)
    unobserved: Mapping[str, str] = field(default_factory=dict)
    others: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    schema: Mapping[str, Any] = field(default_factory=dict)
    nodes: tuple[Object, ...] = ()

    def alive(self, kind: str) -> Iterator[Object]:
        """The objects of this kind that exist now, oldest first."""
        for life in self.lives.get(kind, ()):
            if life.gone_at is None:
                yield life.last

    def get(self, kind: str, name: str) -> Object | None:
        """The object that bears this name now, or None."""
        return self.named(kind).get(name)

    def named(self, kind: str) -> Mapping[str, Object]:
        """Name -> the object of this kind that bears it now. Made once: several checks ask for thousands of pods."""
        if isinstance(self.lives, Lives):
            return self.lives.bearers.get(kind, {})
        found = self._named.get(kind)
        if found is None:
            found = self._named[kind] = {}
            for life in self.lives.get(kind, ()):
                if life.gone_at is None and (name := life.known_as) is not None:
                    found.setdefault(name, life.last)
        return found

    def events_about(self, kind: str, name: str) -> tuple[Object, ...]:
        """The events about objects of this kind and name. Looked through once: causes ask for each of many pods."""
        return self._events.get((kind, name), ())

    @cached_property
    def _events(self) -> dict[tuple[str, str], tuple[Object, ...]]:
        found: dict[tuple[str, str], list[Object]] = {}
        for life in self.lives.get("Event", ()):
            if life.gone_at is None and life.versions and isinstance(life.last, _MAPS):
                about = life.last.get("involvedObject") or life.last.get("regarding")
                if isinstance(about, _MAPS):
                    kind, name = about.get("kind"), about.get("name")
                    if isinstance(kind, str) and isinstance(name, str):
                        found.setdefault((kind, name), []).append(life.last)
        return {key: tuple(events) for key, events in found.items()}

    @cached_property
    def _named(self) -> dict[str, dict[str, Object]]:
        return {}

    def gone(self, kind: str) -> Iterator[Life]:
        """The lives that ended while we watched, in the order of their end."""
        ended = [life for life in self.lives.get(kind, ()) if life.gone_at is not None]
        yield from sorted(ended, key=lambda life: life.gone_at or 0.0)

    def life(self, kind: str, uid: str) -> Life | None:
        """The life with this UID, ended or not."""
        for life in self.lives.get(kind, ()):
            if life.uid == uid:
                return life
        return None
