"""Which pods of a ReplicaSet were lost, and which were made in their place.

Versions of all kinds are put in one order by resourceVersion (one sequence in the store), so that what the
ReplicaSet wanted at the moment of a loss is known exactly, however the watches arrived.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from itertools import pairwise

from k8s_tutor.checks.reading import (
    alive,
    condition,
    created,
    event_at,
    event_text,
    events_of,
    lives,
    mapping,
    name_of,
    number,
    order_key,
    owned_by,
    pod_ready,
    pods_of,
    replicasets,
    uid_of,
    when,
)
from k8s_tutor.kube.record import Life, Object, Record

Moment = tuple[int, float]


@dataclass(frozen=True)
class Loss:
    """A pod that was deleted while its ReplicaSet wanted as many as before.

    ``at`` is when (our clock), ``successor`` what the ReplicaSet made for it (None: nothing so far), ``made_after``
    and ``ready_after`` are seconds from the deletion to its creation and from that to ready. ``source`` tells
    where this was found, empty for our own history.
    """

    name: str
    uid: str
    at: float
    successor: Object | None = None
    made_after: float = 0.0
    ready_after: float | None = None
    source: str = ""


def losses(record: Record, replicaset: Object) -> list[Loss]:
    """The losses of this ReplicaSet, in the order of time: from the history, else from its events."""
    return _from_history(record, replicaset) or _from_events(record, replicaset)


def scaled_away(record: Record, deployment: Object) -> int:
    """How many pods the Deployment's ReplicaSets deleted themselves (scaling down, rollouts), as far as is known."""
    away = 0
    for item in replicasets(record, deployment):
        told = events_of(record, "ReplicaSet", name_of(item), uid_of(item))
        away += sum(event.get("reason") == "SuccessfulDelete" for event in told)
    return away


def _from_history(record: Record, replicaset: Object) -> list[Loss]:
    uid = uid_of(replicaset)
    mine = [life for life in lives(record, "Pod") if owned_by(life.last, uid)]
    deleted_by_it = _named(record, replicaset, "SuccessfulDelete")
    ended = [(moment, life) for life in mine if (moment := _deletion(life)) and name_of(life.last) not in deleted_by_it]
    ended.sort(key=lambda pair: pair[0])
    births = [(_birth(life), life) for life in mine if not life.seen_from_start] if ended else []
    births.sort(key=lambda pair: pair[0])
    found: dict[str, Loss] = {
        life.uid: Loss(name_of(life.last), life.uid, moment[1])
        for moment, life in ended
        if not _shrank_before(record, uid, moment)
    }
    taken: set[str] = set()
    for born, child in births:
        before = [
            (moment, life) for moment, life in ended if moment < born and life.uid in found and life.uid not in taken
        ]
        before = [pair for pair in before if pair[1].uid != child.uid and _steady(record, uid, pair[0], born)]
        if not before:
            continue
        moment, parent = before[-1]
        taken.add(parent.uid)
        found[parent.uid] = Loss(
            name_of(parent.last), parent.uid, moment[1], child.last, max(0.0, born[1] - moment[1]), _ready_after(child)
        )
    # A pod lost while nothing was wanted any more is no loss: then the ReplicaSet itself let it go.
    return sorted(
        (
            loss
            for loss in found.values()
            if loss.successor is not None or (number(replicaset, "spec", "replicas") or 0) > 0
        ),
        key=lambda loss: loss.at,
    )


def _birth(life: Life) -> Moment:
    return order_key(life.versions[0].object, life.versions[0].at)


def _deletion(life: Life) -> Moment | None:
    """When the pod's deletion was asked for: its first version with a deletionTimestamp, else its end."""
    for version in life.versions:
        if mapping(version.object, "metadata").get("deletionTimestamp"):
            return order_key(version.object, version.at)
    if life.gone_at is None:
        return None
    order, _ = order_key(life.last, life.gone_at)
    return (order, life.gone_at)


def _wanted(record: Record, uid: str) -> list[tuple[Moment, int]]:
    """What the ReplicaSet wanted, and from when on."""
    life = next((life for life in lives(record, "ReplicaSet") if life.uid == uid), None)
    if life is None:
        return []
    return [(order_key(v.object, v.at), number(v.object, "spec", "replicas") or 0) for v in life.versions]


def _steady(record: Record, uid: str, start: Moment, end: Moment) -> bool:
    """Whether the ReplicaSet wanted the same number from ``start`` to ``end``."""
    history = _wanted(record, uid)
    before = [count for moment, count in history if moment <= start] or [count for _, count in history[:1]]
    during = [count for moment, count in history if start < moment <= end]
    return all(count == before[-1] for count in during) if before else True


def _shrank_before(record: Record, uid: str, moment: Moment) -> bool:
    """Whether the ReplicaSet had just been told to have fewer pods: then the deletion is its own.

    The controller deletes within milliseconds; two seconds leave room for a busy machine.
    """
    history = _wanted(record, uid)
    for (_, was), (changed, now) in pairwise(history):
        if now < was and changed <= moment and moment[1] - changed[1] < 2.0:
            return True
    return False


def _ready_after(life: Life) -> float | None:
    """Seconds from the pod's first version to its first ready one; None while it never was."""
    for version in life.versions:
        if condition(version.object, "Ready").get("status") == "True":
            return max(0.0, version.at - life.versions[0].at)
    return None


_POD_NAME = re.compile(r"pod: (\S{1,253})")


def _named(record: Record, replicaset: Object, reason: str) -> dict[str, float]:
    """The pods that the ReplicaSet's events of this reason name -> when."""
    found = {}
    for event in events_of(record, "ReplicaSet", name_of(replicaset), uid_of(replicaset)):
        match = _POD_NAME.search(event_text(event)) if event.get("reason") == reason else None
        if match:
            found[match[1]] = event_at(event) or 0.0
    return found


def _from_events(record: Record, replicaset: Object) -> list[Loss]:
    """Losses that only events tell of: made by this ReplicaSet, not there any more, not deleted by it."""
    made, deleted = _named(record, replicaset, "SuccessfulCreate"), _named(record, replicaset, "SuccessfulDelete")
    pods = {name_of(pod): pod for pod in pods_of(record, replicaset)}
    ends: dict[str, tuple[float, str]] = {}
    for event in alive(record, "Event"):
        about = mapping(event, "involvedObject")
        name, at = about.get("name"), event_at(event)
        if event.get("reason") == "Killing" and about.get("kind") == "Pod" and isinstance(name, str) and at is not None:
            ends[name] = max(ends.get(name, (0.0, "")), (at, str(about.get("uid") or "")))
    found, taken = [], set()
    for name, at in made.items():
        if name in pods or name in deleted or name not in ends or ends[name][0] < at:
            continue
        end, uid = ends[name]
        for successor, pod in sorted(pods.items(), key=lambda pair: created(pair[1]) or 0.0):
            born = created(pod)
            # Whole seconds on both sides; the kubelet tells of the end up to some seconds after it was asked for.
            if successor in made and successor not in taken and born is not None and born > at and abs(born - end) <= 5:
                taken.add(successor)
                ready = when(condition(pod, "Ready"), "lastTransitionTime") if pod_ready(pod) else None
                after = max(0.0, ready - born) if ready is not None else None
                found.append(Loss(name, uid, end, pod, max(0.0, born - end), after, "the events of the ReplicaSet"))
                break
    return sorted(found, key=lambda loss: loss.at)
