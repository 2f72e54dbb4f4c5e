"""Who hangs together by ownership, and what components noted about them: the ground that beats are read from."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

from k8s_tutor.checks.reading import (
    controller,
    created,
    dig,
    number,
    text,
    when,
)
from k8s_tutor.checks.words import clip
from k8s_tutor.kube.record import Life, Record
from k8s_tutor.session.touches import Arrivals, Touch, loose

MOST_PODS = 300
"""Pods of one family that are looked at, the newest."""
_WORKERS = {
    "default-scheduler": "scheduler",
    "deployment-controller": "deployment ctrl",
    "replicaset-controller": "replicaset ctrl",
    "kubelet": "kubelet",
}


@dataclass
class Family:
    """All objects that hang together by ownership, the events about them, and the sharpened arrivals."""

    lives: dict[str, list[Life]]
    notes: list[Note]
    arrivals: Arrivals
    cut: bool = False
    uids: frozenset[str] = field(default_factory=frozenset)


@dataclass(frozen=True)
class Note:
    """An event: what a component said about an object, and when by its own clock."""

    at: float
    rough: bool
    who: str
    kind: str
    name: str
    uid: str
    reason: str
    message: str
    warning: bool
    count: int


def family_of(record: Record, touch: Touch, arrivals: Arrivals) -> Family:
    """Everything above and below the touched object by ownership, and the events about it."""
    top = record.life(touch.kind, touch.uid)
    while top is not None and (owner := controller(top.versions[0].object)):
        above = record.life(text(owner, "kind"), text(owner, "uid"))
        if above is None:
            break
        top = above
    lives: dict[str, list[Life]] = {
        kind: [] for kind in ("Deployment", "ReplicaSet", "Pod", "Service", "EndpointSlice")
    }
    if top is not None and top.kind in lives:
        lives[top.kind].append(top)
    for kind, above_kind in (("ReplicaSet", "Deployment"), ("Pod", "ReplicaSet"), ("EndpointSlice", "Service")):
        owners = {life.uid for life in lives[above_kind]}
        if owners:
            lives[kind] += [life for life in record.lives.get(kind, ()) if life.versions and owner_of(life) in owners]
    pods = lives["Pod"]
    cut = len(pods) > MOST_PODS
    if cut:
        lives["Pod"] = sorted(pods, key=lambda life: life.versions[0].at)[-MOST_PODS:]
    uids = frozenset(life.uid for found in lives.values() for life in found)
    notes = [note for life in record.lives.get("Event", ()) if (note := _note(life, uids)) is not None]
    if any(note.at < touch.at - 0.05 for note in notes if not note.rough and note.uid in _younger(lives, touch)):
        # A component that saw the consequence before the deed has another clock: then only ours counts.
        notes = [replace(note, at=note.at, rough=True) for note in notes]
    return Family(lives, notes, arrivals, cut, uids)


def owner_of(life: Life) -> str:
    """UID of the object that owns this one; empty if none does."""
    return text(controller(life.versions[0].object), "uid")


def _younger(lives: Mapping[str, Iterable[Life]], touch: Touch) -> frozenset[str]:
    """Objects that surely came after the deed, by the API server's own stamps."""
    return frozenset(
        life.uid
        for found in lives.values()
        for life in found
        if (created(life.versions[0].object) or 0.0) >= touch.at + 1.0
    )


def _note(life: Life, uids: frozenset[str]) -> Note | None:
    event = life.versions[0].object
    about = dig(event, "involvedObject") or dig(event, "regarding")
    if text(about, "uid") not in uids:
        return None
    at, rough = _written(life)
    component = text(event, "source", "component") or text(event, "reportingComponent")
    return Note(
        at,
        rough,
        _WORKERS.get(component, clip(component, 24) or "cluster"),
        text(about, "kind"),
        text(about, "name"),
        text(about, "uid"),
        text(event, "reason"),
        text(event, "message") or text(event, "note"),
        text(event, "type") == "Warning",
        number(life.last, "count") or 1,
    )


def _written(life: Life) -> tuple[float, bool]:
    """When an event was first written down, and whether that is known to the second only."""
    first = life.versions[0]
    event = first.object
    precise = when(event, "eventTime")
    if precise is not None:
        return precise, False
    stamp = when(event, "firstTimestamp")
    if stamp is None:
        stamp = when(event, "lastTimestamp") or created(event) or first.at
        return stamp, True
    suffix = life.name.rpartition(".")[2]
    if 15 <= len(suffix) <= 16 and all(char in "0123456789abcdef" for char in suffix):
        named = int(suffix, 16) / 1e9
        # It is the event's own time only where it agrees with the stamp, and did not come from the future.
        if stamp <= named < stamp + 1.0 and (loose(first) or named <= first.at + 0.05):
            return named, False
    return stamp, True
