"""What the views of the cluster share: every object of the record in the place where it was first seen.

A record is frozen and comes anew with each change; the model takes over what is another object than before (lives are
the same Python objects while nothing changed) and keeps what was made out of the rest. An object that is gone keeps
its place for ``GONE_SECONDS``.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import compress
from operator import attrgetter, is_not
from typing import Any

from k8s_tutor.kube.record import Life, Object, Record
from k8s_tutor.ui.picture.fields import (
    event_time,
    items,
    mapping,
    meta,
    owner_of,
    pod_ready,
    selects,
    stamp,
)

NEW_SECONDS = 15.0
GONE_SECONDS = 20.0
_READY = attrgetter("ready")


class Entry:
    """One object in its place. ``life`` is replaced when it changes; the rest is read from it once a change."""

    __slots__ = ("at", "born", "fresh_until", "life", "name", "node", "owner", "ready")

    def __init__(self, life: Life) -> None:
        first = life.versions[0]
        self.name = life.name
        self.born = stamp(life.last, "creationTimestamp") or first.at
        self.fresh_until = 0.0 if life.seen_from_start else first.at + NEW_SECONDS
        self.take(life)

    def take(self, life: Life) -> None:
        """The newest of it."""
        self.life = life
        self.owner: str | None = None
        self.node = ""
        self.ready = False
        self.at = 0.0
        if life.kind == "Pod":
            self.owner = owner_of(life.last)
            self.node = str(mapping(life.last.get("spec")).get("nodeName") or "")
            self.ready = life.gone_at is None and pod_ready(life.last)
        elif life.kind == "ReplicaSet":
            self.owner = owner_of(life.last)
        elif life.kind == "Event":
            self.at = event_time(life.last) or 0.0

    @property
    def object(self) -> Object:
        """Its newest version."""
        return self.life.last

    @property
    def there(self) -> bool:
        """Whether it exists."""
        return self.life.gone_at is None

    def fresh(self, now: float) -> bool:
        """Whether it appeared only now, before our eyes."""
        return now < self.fresh_until and self.there


class Shelf:
    """The objects of one kind, by UID, in the order in which they were first seen."""

    def __init__(self) -> None:
        self.entries: dict[str, Entry] = {}
        self._lives: tuple[Life, ...] = ()
        self._gone: dict[str, float] = {}
        self._uids: dict[str, str] = {}

    def __iter__(self) -> Iterator[Entry]:
        return iter(self.entries.values())

    def __len__(self) -> int:
        return len(self.entries)

    @property
    def alive(self) -> list[Entry]:
        """Those that exist."""
        return [entry for entry in self.entries.values() if entry.life.gone_at is None]

    def take(self, lives: tuple[Life, ...], now: float) -> bool:
        """Take over what is known now; whether anything is another than before."""
        before, self._lives = self._lives, lives
        if lives is before or self._same_places(before, lives):
            return lives is not before
        entries, changed, found, fresh = self.entries, False, 0, []
        for life in lives:
            entry = entries.get(life.uid)
            if entry is None:
                if life.gone_at is None or now - life.gone_at < GONE_SECONDS:
                    fresh.append(life)
                continue
            found += 1
            if entry.life is not life:
                entry.take(life)
                changed = True
                if life.gone_at is not None:
                    self._gone.setdefault(life.uid, life.gone_at)
        if found != len(entries):
            known = {life.uid for life in lives}
            for uid in [uid for uid in entries if uid not in known]:
                del entries[uid]
                self._gone.pop(uid, None)
            changed = True
        for life in sorted(fresh, key=lambda item: (str(meta(item.last).get("creationTimestamp") or ""), item.name)):
            entries[life.uid] = Entry(life)
            if life.gone_at is not None:
                self._gone[life.uid] = life.gone_at
        return changed or bool(fresh)

    def _same_places(self, before: tuple[Life, ...], lives: tuple[Life, ...]) -> bool:
        """Take over what changed when nobody came, went or moved: nearly always so, and of thousands only a few."""
        if len(before) != len(lives):
            return False
        others = [(old, new) for old, new in compress(zip(before, lives, strict=True), map(is_not, before, lives))]
        if any(old.uid != new.uid or old.gone_at != new.gone_at or new.uid not in self.entries for old, new in others):
            return False
        for _, new in others:
            self.entries[new.uid].take(new)
        return True

    @property
    def there(self) -> int:
        """How many exist."""
        return len(self.entries) - len(self._gone)

    @property
    def ready(self) -> int:
        """How many of them are ready."""
        return sum(map(_READY, self.entries.values()))

    def expire(self, now: float) -> bool:
        """Let go of what is gone for long enough; whether anything was."""
        over = [uid for uid, at in self._gone.items() if now - at >= GONE_SECONDS]
        for uid in over:
            del self._gone[uid]
            self.entries.pop(uid, None)
        return bool(over)


@dataclass(frozen=True)
class Behind:
    """The pods behind one Service: name -> address, by what its EndpointSlices say of them."""

    ready: Mapping[str, str]
    others: Mapping[str, str]


NOBODY = Behind({}, {})


class Model:
    """The learner's namespace, the nodes and, while somebody looks at them, the pods of kube-system."""

    def __init__(self) -> None:
        self.shelves: dict[str, Shelf] = {}
        self.parts = Shelf()
        self.nodes: tuple[Object, ...] = ()
        self.unobserved: Mapping[str, str] = {}
        self.behind: dict[str, Behind] = {}
        self._slices: dict[int, tuple[Life, str, dict[str, str], dict[str, str]]] = {}
        self._serving: dict[str, tuple[str, ...]] = {}

    def shelf(self, kind: str) -> Shelf:
        """The objects of a kind."""
        found = self.shelves.get(kind)
        if found is None:
            found = self.shelves[kind] = Shelf()
        return found

    def take(self, record: Record, kinds: tuple[str, ...] | None = None) -> bool:
        """Take over a record, of it these kinds only (None: all); whether anything is another than before."""
        changed = False
        for kind, lives in record.lives.items():
            if kinds is not None and kind not in kinds:
                continue
            if self.shelf(kind).take(lives, record.now):
                changed = True
                if kind == "EndpointSlice":
                    self._endpoints()
        if record.nodes != self.nodes:
            self.nodes, changed = record.nodes, True
        if record.unobserved != self.unobserved:
            self.unobserved, changed = record.unobserved, True
        return changed

    def take_parts(self, record: Record) -> bool:
        """Take over what is known of kube-system."""
        return self.parts.take(record.lives.get("Pod", ()), record.now)

    def expire(self, now: float) -> bool:
        """Let go of what is gone for long enough; whether anything was."""
        over = [shelf.expire(now) for shelf in (*self.shelves.values(), self.parts)]
        if over and self.shelves.get("EndpointSlice") is not None and any(over):
            self._endpoints()
        return any(over)

    def serving(self, pod: str) -> tuple[str, ...]:
        """The Services whose requests reach this pod."""
        return self._serving.get(pod, ())

    def _endpoints(self) -> None:
        """Who is behind which Service; a slice that did not change is not read again."""
        known, self._slices = self._slices, {}
        found: dict[str, tuple[dict[str, str], dict[str, str]]] = {}
        for entry in self.shelf("EndpointSlice").alive:
            life = entry.life
            seen = known.get(id(life))
            if seen is None or seen[0] is not life:
                seen = (life, *_slice(life.last))
            self._slices[id(life)] = seen
            ready, others = found.setdefault(seen[1], ({}, {}))
            ready.update(seen[2])
            others.update(seen[3])
        self.behind = {service: Behind(ready, others) for service, (ready, others) in found.items() if service}
        serving: dict[str, list[str]] = {}
        for service in sorted(self.behind):
            for pod in self.behind[service].ready:
                serving.setdefault(pod, []).append(service)
        self._serving = {pod: tuple(services) for pod, services in serving.items()}


def _slice(item: Object) -> tuple[str, dict[str, str], dict[str, str]]:
    """The Service of a slice, its ready endpoints and the others: pod name -> address."""
    service = str(mapping(meta(item).get("labels")).get("kubernetes.io/service-name") or "")
    ready: dict[str, str] = {}
    others: dict[str, str] = {}
    for endpoint in items(item.get("endpoints")):
        addresses = endpoint.get("addresses")
        address = str(addresses[0]) if isinstance(addresses, list) and addresses else "?"
        name = str(mapping(endpoint.get("targetRef")).get("name") or address)
        (ready if mapping(endpoint.get("conditions")).get("ready") is not False else others)[name] = address
    return service, ready, others


def fits(service: Object, labels: object) -> bool:
    """Whether a Service picks these labels."""
    return selects(mapping(service.get("spec")).get("selector"), labels)


def template_labels(workload: Object) -> Mapping[str, Any]:
    """The labels that a workload gives its pods."""
    template = mapping(mapping(workload.get("spec")).get("template"))
    return mapping(meta(template).get("labels"))
