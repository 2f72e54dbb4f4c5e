"""What each object of a family went through, as single beats: out of versions, conditions and events.

Three clocks tell of it: the arrival of a version here (milliseconds), the moment at which a component wrote an event
down (its own clock, to the nanosecond: client-go puts it into the event's name), and the API server's stamps (whole
seconds: ``rough``). Owners are followed by UID, never by name.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

from k8s_tutor.checks.reading import (
    condition,
    controller,
    created,
    dig,
    going,
    items,
    number,
    pod_ready,
    text,
    when,
)
from k8s_tutor.checks.words import clip, plural
from k8s_tutor.kube.record import Change, Life
from k8s_tutor.session.family import Family, Note, owner_of
from k8s_tutor.session.touches import Touch, loose

_TOLD_OTHERWISE = frozenset(
    {"Scheduled", "Pulling", "Created", "SuccessfulCreate", "SuccessfulDelete", "ScalingReplicaSet"}
)
_PULLED = re.compile(r"pulled image .{0,300}? in (?P<took>[0-9.hmsµu]+)(?: \(.*?\))?\.?(?: Image size: (?P<size>\d+))?")
_PART = re.compile(r"(\d+(?:\.\d+)?)(h|ms|m|s|µs|us)")
_UNITS = {"h": 3600.0, "m": 60.0, "s": 1.0, "ms": 1e-3, "µs": 1e-6, "us": 1e-6}


@dataclass(frozen=True)
class Beat:
    """One thing done to one object. Beats with the same ``key`` become one row; ``name`` is what it was done to."""

    at: float
    who: str
    what: str
    key: tuple[str, ...]
    name: str = ""
    began: float | None = None
    rough: bool = False
    bad: bool = False
    took: float = 0.0
    count: int = 1
    noted: bool = False


def of_set(life: Life, touch: Touch, family: Family) -> list[Beat]:
    """A ReplicaSet: made, and told another number. The Deployment controller does both."""
    found = []
    first = life.versions[0]
    wanted = number(first.object, "spec", "replicas")
    if life.uid != touch.uid and owner_of(life):
        at, rough = _birth(life, family, "ScalingReplicaSet")
        what = f"made ReplicaSet {_tail(life.name)}" + (f", which is to hold {wanted}" if wanted is not None else "")
        found.append(Beat(at, "deployment ctrl", what, ("set", life.uid), rough=rough))
    for before, after in zip(life.versions, life.versions[1:], strict=False):
        old, new = (number(item.object, "spec", "replicas") for item in (before, after))
        at = family.arrivals.at(after)
        if old != new and (life.uid != touch.uid or abs(at - touch.at) > 1e-6):
            what = f"ReplicaSet {_tail(life.name)} is to hold {new} in place of {old}"
            found.append(Beat(at, "deployment ctrl", what, ("told", life.uid, str(new)), rough=after.relisted))
    return found


def of_pod(life: Life, touch: Touch, family: Family) -> list[Beat]:
    """A pod's way, from made to ready and to gone; each bar begins where the one before it ended."""
    name = _tail(life.name)
    owner = text(controller(life.versions[0].object), "name")
    beats: list[Beat] = []
    if life.uid != touch.uid and owner:
        at, rough = _birth(life, family, "SuccessfulCreate")
        beats.append(Beat(at, "replicaset ctrl", "made {pods} {names}", ("made", owner), name, rough=rough))
    mine = [note for note in family.notes if note.uid == life.uid and not note.warning]
    beats += _turns(life, name, family, mine)
    scheduled_seen = any(beat.key[0] == "node" for beat in beats)
    for note in mine:
        beat = _from_note(note, name, life, scheduled_seen=scheduled_seen)
        if beat is not None:
            beats.append(replace(beat, noted=True))
    beats += _goodbye(life, name, touch, family)
    started = [beat.at for beat in beats if beat.key[0] == "start"]
    # A pod is ready after its containers have started, even where both are stamped with the same second.
    beats = [
        replace(beat, at=max([beat.at, *(at + 1e-6 for at in started if beat.at < at < beat.at + 1.0)]))
        if beat.rough and beat.key[0] == "ready"
        else beat
        for beat in beats
    ]
    beats.sort(key=lambda beat: beat.at)
    whole: list[Beat] = []
    for beat in beats:
        before = whole[-1].at if whole and whole[-1].at >= touch.at else beat.at
        began = max(beat.at - beat.took, touch.at) if beat.took else before if beat.key[0] != "made" else beat.at
        whole.append(replace(beat, began=began, key=(*beat.key, owner)))
    return whole


def _turns(life: Life, name: str, family: Family, mine: Sequence[Note]) -> list[Beat]:
    """What a pod's versions show: the node it got, its network, ready, ready no more, restarts."""
    beats = []
    # The kubelet pulls once a pod has its network, and tells of the network later.
    pulling = min((note.at for note in mine if note.reason in ("Pulling", "Pulled") and not note.rough), default=None)
    node, network, ready, restarts = "", False, False, 0
    for version in life.versions:
        pod = version.object
        at, rough = family.arrivals.at(version), version.relisted
        # What was so before we looked has no time of its own here; the events may have.
        old = version.change is Change.SEEN
        now = text(pod, "spec", "nodeName")
        if now and now != node and not old:
            beats.append(Beat(at, "scheduler", "{names} to " + clip(now, 60), ("node", now), name, rough=rough))
        has = condition(pod, "PodReadyToStartContainers").get("status") == "True"
        if has and not network and not old:
            by = at if pulling is None else min(at, pulling)
            beats.append(Beat(by, "kubelet", "network and address for {names}", ("net",), name, rough=rough))
        is_ready = pod_ready(pod)
        if old and is_ready:
            stamp = when(condition(pod, "Ready"), "lastTransitionTime")
            if stamp is not None:
                beats.append(Beat(stamp, "kubelet", "ready: {names}", ("ready",), name, rough=True))
        elif is_ready and not ready:
            beats.append(Beat(at, "kubelet", "ready: {names}", ("ready",), name, rough=rough))
        elif ready and not is_ready and not going(pod):
            beats.append(Beat(at, "kubelet", "not ready any more: {names}", ("unready",), name, rough=rough, bad=True))
        count = sum(number(item, "restartCount") or 0 for item in items(pod, "status", "containerStatuses"))
        if count > restarts and not old:
            what = f"started a container of {{names}} again (restart {count})"
            beats.append(Beat(at, "kubelet", what, ("again", str(count)), name, rough=rough))
        node, network, ready, restarts = now or node, has or network, is_ready, max(count, restarts)
    return beats


def _from_note(note: Note, name: str, life: Life, *, scheduled_seen: bool) -> Beat | None:
    """What only events tell: pulls, starts, kills; the scheduler's choice where it was not watched."""
    if note.reason == "Scheduled" and not scheduled_seen:
        node = text(life.last, "spec", "nodeName")
        what = "{names} to " + clip(node, 60)
        return Beat(note.at, note.who, what, ("node", node), name, rough=note.rough)
    if note.reason == "Pulled":
        image = clip(note.message.partition('"')[2].partition('"')[0], 60) or "the image"
        found = _PULLED.search(note.message)
        if found is None:
            return Beat(note.at, note.who, f"had {image} already", ("had", image), name, rough=note.rough)
        size = f", {int(found['size']) / 1e6:.0f} MB" if found["size"] else ""
        key, took = ("pull", image, size), _length(found["took"])
        return Beat(
            note.at, note.who, f"pulled {image}{{times}} ({{took}}{size})", key, name, rough=note.rough, took=took
        )
    if note.reason == "Started":
        return Beat(note.at, note.who, "started {containers} of {names}", ("start",), name, rough=note.rough)
    if note.reason == "Killing":
        why = clip(note.message, 90) if "Stopping" not in note.message else "stops {names}"
        return Beat(note.at, note.who, why, ("kill", why), name, rough=note.rough)
    if note.reason in _TOLD_OTHERWISE or note.reason == "Scheduled":
        return None
    what = f"{clip(note.reason, 40)}: {clip(note.message, 160)}"
    return Beat(note.at, note.who, what, ("say", note.reason, note.message), name, rough=note.rough)


def _goodbye(life: Life, name: str, touch: Touch, family: Family) -> list[Beat]:
    beats = []
    asked = next((version for version in life.versions if going(version.object)), None)
    if asked is not None and not (life.uid == touch.uid and touch.verb == "deleted") and not loose(asked):
        owner = text(controller(life.versions[0].object), "name")
        who, what = ("replicaset ctrl", "deleted {names}") if owner else ("apiserver", "{names} is to go")
        beats.append(Beat(family.arrivals.at(asked), who, what, ("going", owner), name))
    if life.gone_at is not None:
        who, what = ("kubelet", "stopped {names}: gone") if asked is not None else ("apiserver", "{names} gone")
        beats.append(Beat(life.gone_at, who, what, ("gone", who), name, rough=life.versions[-1].relisted))
    return beats


def of_deployment(life: Life, touch: Touch, family: Family) -> list[Beat]:
    """When the Deployment's own count says that what is, is what was asked for; and what it complains of."""
    beats = []
    before: tuple[object, ...] | None = None
    for version in life.versions:
        status, wanted = dig(version.object, "status"), number(version.object, "spec", "replicas")
        generation = number(version.object, "metadata", "generation") or 0
        ready = number(status, "readyReplicas") or 0
        whole = (number(status, "observedGeneration") or 0) >= generation and (
            number(status, "updatedReplicas") or 0
        ) == (number(status, "replicas") or 0) == ready == wanted
        now = (whole, generation, wanted)
        if whole and before is not None and before != now and not loose(version):
            what = f"counts {ready} of {plural(wanted or 0, 'pod')} ready: what you asked for"
            key = ("whole", str(version.at))
            beats.append(Beat(family.arrivals.at(version), "deployment ctrl", what, key))
        before = now
    return beats


def of_slice(life: Life, family: Family) -> list[Beat]:
    """How many pods stand behind a Service."""
    beats = []
    before: int | None = None
    for version in life.versions:
        ends = items(version.object, "endpoints")
        ready = sum(
            dig(end, "conditions", "ready") is not False and not dig(end, "conditions", "terminating") for end in ends
        )
        if ready != before:
            what = (
                f"{plural(ready, 'ready pod')} behind it"
                if before is not None
                else f"listed {plural(ready, 'ready pod')} behind it"
            )
            at = (created(version.object) or version.at) if loose(version) else family.arrivals.at(version)
            beats.append(Beat(at, "endpoints ctrl", what, ("slice", str(version.at)), rough=loose(version)))
        before = ready
    return beats


def warnings(family: Family) -> list[Beat]:
    """Warnings of all components about any of the family."""
    found = []
    for note in family.notes:
        if note.warning:
            what = f"{clip(note.reason, 40)}: {clip(note.message, 200)}"
            key = ("warn", note.reason, note.kind)
            found.append(
                Beat(note.at, note.who, what, key, note.name, rough=note.rough, bad=True, count=note.count, noted=True)
            )
    return found


def _birth(life: Life, family: Family, reason: str) -> tuple[float, bool]:
    """When an object came to be: its arrival; where it was there before, what its maker wrote down, else its stamp."""
    first = life.versions[0]
    if not loose(first):
        return family.arrivals.at(first), False
    for note in family.notes:
        if note.reason == reason and re.search(rf"\b{re.escape(life.name)}(?![\w-])", note.message):
            return note.at, note.rough
    return created(first.object) or first.at, True


def _tail(name: str) -> str:
    """The last part of a generated name, other names whole."""
    parts = clip(name, 253).rsplit("-", 2)
    if len(parts) == 3 and len(parts[2]) == 5 and 8 <= len(parts[1]) <= 10:
        return parts[2]
    if len(parts) >= 2 and 8 <= len(parts[-1]) <= 10 and parts[-1].isalnum():
        return parts[-1]
    return clip(name, 253)


def _length(told: str) -> float:
    """Seconds of a Go duration (``1m2.5s``)."""
    return sum(float(value) * _UNITS[unit] for value, unit in _PART.findall(told))
