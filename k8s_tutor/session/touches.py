"""What was done to objects by hand: made, changed, deleted; when, and with which tool, as far as the record shows.

A controller's deeds are not touches: they follow from one, and the timeline of that one tells them. No author is
recorded of a deletion, so none is named.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from k8s_tutor.checks.reading import controller, created, dig, items, number, order_key, text
from k8s_tutor.checks.words import clip, listed
from k8s_tutor.kube.client import FIELD_MANAGER
from k8s_tutor.kube.record import Change, Life, Object, Record, Version

KINDS = ("Deployment", "ReplicaSet", "Pod", "Service")
MOST = 60
"""Touches that are told, the newest."""
_MACHINES = ("kube-controller-manager", "kube-scheduler", "kubelet", "kube-apiserver")
_DROP_SECONDS = 10.0


@dataclass(frozen=True)
class Touch:
    """One deed: ``at`` is Unix time, ``rough`` when that is a stamp of whole seconds or was only seen later.

    ``by`` is the tool as a learner knows it (``kubectl``), empty when no author is recorded. ``change`` says what
    became other, ``order`` is the version's place in the store (0: unknown).
    """

    kind: str
    name: str
    uid: str
    verb: str
    at: float
    rough: bool = False
    by: str = ""
    change: str = ""
    generation: int | None = None
    order: int = 0

    @property
    def subject(self) -> str:
        """``deployment/nginx-deployment``."""
        return f"{self.kind.lower()}/{clip(self.name, 253)}"


class Arrivals:
    """When versions came to be known, made sharper: what the store took earlier happened earlier.

    Each kind is watched by a thread of its own, so news of two kinds may overtake each other by milliseconds. The
    store numbers all its writes in one row; a write was there when a later one was heard of.
    """

    def __init__(self, record: Record) -> None:
        heard: list[tuple[int, float]] = []
        for kind in (*KINDS, "EndpointSlice"):
            for life in record.lives.get(kind, ()):
                for version in life.versions:
                    order = order_key(version.object, 0.0)[0]
                    if order and not loose(version):
                        heard.append((order, version.at))
        heard.sort()
        self._at: dict[int, float] = {}
        earliest = float("inf")
        for order, at in reversed(heard):
            earliest = min(earliest, at)
            self._at[order] = earliest

    def at(self, version: Version) -> float:
        """When this version was there, at the latest."""
        return min(version.at, self._at.get(order_key(version.object, 0.0)[0], version.at))


def loose(version: Version) -> bool:
    """Whether a version's arrival says nothing of when it was made: it was there before, or found after a gap."""
    return version.change is Change.SEEN or version.relisted


def touches(record: Record, arrivals: Arrivals | None = None) -> tuple[Touch, ...]:
    """What was done by hand, newest first, at most ``MOST``."""
    arrivals = arrivals or Arrivals(record)
    found: list[Touch] = []
    dismissed = _dismissed(record)
    for kind in KINDS:
        for life in record.lives.get(kind, ()):
            if life.versions:
                found += _of_life(kind, life, record, arrivals, dismissed)
    # Made and deleted within one breath of the store: its own order decides.
    return tuple(sorted(found, key=lambda item: (item.at, item.order), reverse=True)[:MOST])


def _of_life(
    kind: str, life: Life, record: Record, arrivals: Arrivals, dismissed: frozenset[tuple[str, str]]
) -> Iterator[Touch]:
    first = life.versions[0]
    owned = bool(controller(first.object))
    if not owned:
        born = created(first.object)
        rough = loose(first)
        manager = _maker(first.object)
        at = born if rough and born is not None else arrivals.at(first)
        if manager not in _MACHINES:
            verb = "applied" if manager in (FIELD_MANAGER, "kubectl-client-side-apply") else "made"
            yield _touch(kind, life, first, verb, at, rough, manager)
    for before, after in zip(life.versions, life.versions[1:], strict=False):
        change = spec_change(kind, before.object, after.object)
        if change and not _going(after.object):
            manager = _manager(before.object, after.object)
            if manager in _MACHINES or (owned and not manager):
                continue
            verb = "applied anew" if manager in (FIELD_MANAGER, "kubectl-client-side-apply") else "changed"
            yield _touch(kind, life, after, verb, arrivals.at(after), after.relisted, manager, change)
    ended = _ended(life, arrivals)
    if ended is not None and not (owned and _by_controller(kind, life, record, ended[0], dismissed)):
        yield _touch(kind, life, life.versions[-1], "deleted", ended[0], ended[1], "")


def _touch(
    kind: str, life: Life, version: Version, verb: str, at: float, rough: bool, manager: str, change: str = ""
) -> Touch:
    order = order_key(version.object, 0.0)[0]
    generation = number(version.object, "metadata", "generation")
    return Touch(kind, life.name, life.uid, verb, at, rough, tool(manager), change, generation, order)


def tool(manager: str) -> str:
    """A field manager as a learner knows it: ``kubectl``, ``the tutor``; others by their own name."""
    if manager == FIELD_MANAGER:
        return "the tutor, for you"
    if manager == "kubectl-client-side-apply":
        return "you (kubectl apply)"
    if manager == "kubectl" or manager.startswith("kubectl-"):
        return f"you (kubectl{' ' + clip(manager[8:], 30) if manager[7:8] else ''})"
    return clip(manager, 60)


def spec_change(kind: str, before: Object, after: Object) -> str:
    """What of the wish became other, in words; empty when nothing did (status, metadata, the scheduler's choice)."""
    old, new = _wish(kind, before), _wish(kind, after)
    if old == new:
        return ""
    told = []
    if old.get("replicas") != new.get("replicas"):
        told.append(f"replicas {clip(old.get('replicas'), 9)} → {clip(new.get('replicas'), 9)}")
    path = ("spec",) if kind == "Pod" else ("spec", "template", "spec")
    images = {text(item, "name"): text(item, "image") for item in items(before, *path, "containers")}
    for item in items(after, *path, "containers"):
        was, now = images.get(text(item, "name")), text(item, "image")
        if was is not None and was != now:
            told.append(f"image {clip(was, 60)} → {clip(now, 60)}")
    others = sorted(
        str(key)
        for key in {*old, *new}
        if old.get(key) != new.get(key) and key not in ("replicas", *(("template", "containers") if told else ()))
    )
    return listed(told + [clip(key, 40) for key in others], 4)


def _wish(kind: str, item: Object) -> Mapping[str, Any]:
    spec = dig(item, "spec")
    spec = dict(spec) if isinstance(spec, Mapping) else {}
    if kind == "Pod":
        spec.pop("nodeName", None)  # the scheduler's
    return spec


def _maker(item: Object) -> str:
    """Who made an object, as seen in its first known version; empty when several have written by then."""
    names = {name for _, name, _, _ in _entries(item)}
    return names.pop() if len(names) == 1 else ""


def _manager(before: Object, after: Object) -> str:
    """Who wrote what is new in ``after``: the manager whose entry is new, else the one that wrote last."""
    known = set(_entries(before))
    written = _entries(after)
    fresh = sorted([entry for entry in written if entry not in known] or written)
    return fresh[-1][1] if fresh else ""


def _entries(item: Object) -> list[tuple[str, str, str, str]]:
    """Time, manager, operation and subresource of each who wrote more than status."""
    return [
        (text(entry, "time"), text(entry, "manager"), text(entry, "operation"), text(entry, "subresource"))
        for entry in items(item, "metadata", "managers")
        if text(entry, "subresource") != "status"
    ]


def _going(item: Object) -> bool:
    return bool(dig(item, "metadata", "deletionTimestamp"))


def _ended(life: Life, arrivals: Arrivals) -> tuple[float, bool] | None:
    """When the end of an object was asked for, and whether that is known only roughly."""
    for version in life.versions:
        if _going(version.object):
            return arrivals.at(version), loose(version)
    if life.gone_at is None:
        return None
    return life.gone_at, life.versions[-1].relisted


def _dismissed(record: Record) -> frozenset[tuple[str, str]]:
    """Owner and pod that a ReplicaSet says it deleted itself."""
    found = set()
    for life in record.lives.get("Event", ()):
        event = life.last
        if event.get("reason") == "SuccessfulDelete":
            message = text(event, "message") or text(event, "note")
            found.add((text(event, "involvedObject", "name"), message.rpartition(": ")[2]))
    return frozenset(found)


def _by_controller(kind: str, life: Life, record: Record, at: float, dismissed: frozenset[tuple[str, str]]) -> bool:
    """Whether an owned object went because its owner wanted so, or went itself."""
    owner = controller(life.versions[0].object)
    if (text(owner, "name"), life.name) in dismissed:
        return True
    above = record.life(text(owner, "kind"), text(owner, "uid"))
    if above is None or above.gone_at is not None or _going(above.last):
        return True
    # Its word comes later than its deed: it wants fewer since just now.
    for before, after in zip(above.versions, above.versions[1:], strict=False):
        fewer = (number(after.object, "spec", "replicas") or 0) < (number(before.object, "spec", "replicas") or 0)
        if kind == "Pod" and fewer and -1.0 < at - after.at < _DROP_SECONDS:
            return True
    return kind == "ReplicaSet"  # old ones are cleaned up by the Deployment
