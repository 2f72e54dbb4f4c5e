"""Claims about Deployments: the pods that were asked for are there, and scaling kept the older ones."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from itertools import pairwise
from typing import Any

from k8s_tutor.checks import images
from k8s_tutor.checks.causes.absent import absent_trouble
from k8s_tutor.checks.causes.trouble import Trouble, Weight
from k8s_tutor.checks.check import Wish, check
from k8s_tutor.checks.outcome import Outcome, Seen, passed
from k8s_tutor.checks.pods import pod_logs_wanted, shape_trouble
from k8s_tutor.checks.reading import (
    created,
    dig,
    event_at,
    event_text,
    events_of,
    find,
    labels_of,
    lives,
    name_of,
    number,
    order_key,
    owned_by,
    uid_of,
)
from k8s_tutor.checks.rollout import Fleet, fleet, rollout_trouble
from k8s_tutor.checks.words import clip, clock, duration, listed, plural, short_name
from k8s_tutor.kube.record import Object, Record

KINDS = ("Deployment", "ReplicaSet", "Pod", "Event", "ResourceQuota")


def fleet_wishes(record: Record, params: Mapping[str, Any]) -> Iterable[Wish]:
    """Other namespaces while the Deployment is missing; the logs of its pods that crash."""
    name = str(params.get("name") or params.get("deployment") or "")
    if name and find(record, "Deployment", name) is None:
        yield Wish("others", name, {"kind": "Deployment"})
    found = fleet(record, name)
    if found is not None:
        yield from list(pod_logs_wanted(record, found.pods))[:3]


@check("deployment-ready", kinds=KINDS, wishes=fleet_wishes)
def deployment_ready(
    record: Record, /, *, name: str, replicas: int = 0, at_least: int = 0, container: str = "", image: Any = None
) -> Outcome:
    """The Deployment has the ready pods that it asks for, owned through its ReplicaSet.

    ``replicas``: exactly so many; ``at_least``: so many or more; neither: as many as it asks for.
    """
    wanted = images.names(image)
    count = f"{replicas} ready pods" if replicas else f"at least {at_least or 1} ready pods"
    rule = f"Deployment {name} has the ready pods it asks for, all made by its ReplicaSet."
    expected = f"Deployment {name} with {count}" + (f" from image {images.spoken(wanted)}" if wanted else "")
    found = fleet(record, name)
    if found is None:
        return absent_trouble(record, "Deployment", name).outcome(rule, expected)
    shape = shape_trouble(found.deployment, "Deployment", name, container, wanted, "spec", "template", "spec")
    rollout = rollout_trouble(record, found, wanted)
    if shape is not None and rollout is not None and rollout.id.startswith("image-"):
        shape = rollout  # a name that cannot be pulled says more than that it is another name
    trouble = shape or _too_few(found, name, replicas, at_least or 1) or rollout
    if trouble is not None:
        return trouble.outcome(rule, expected)
    names = [short_name(name_of(pod)) for pod in found.ready]
    uids = {f"Deployment/{name}": clip(uid_of(found.deployment), 60)}
    uids |= {f"Pod/{clip(name_of(pod), 80)}": clip(uid_of(pod), 60) for pod in found.ready[:50]}
    digest = clip(labels_of(found.replicaset).get("pod-template-hash"), 40)
    return passed(
        f"{plural(len(found.ready), 'pod')} of {name} ready",
        f"ReplicaSet {clip(name_of(found.replicaset or {}), 80)} (template hash {digest}) controls {listed(names, 10)}",
        data={"uids": uids},
    )


def _too_few(found: Fleet, name: str, exactly: int, at_least: int) -> Trouble | None:
    """A Deployment that asks for another number of pods than the lesson does."""
    want = found.wanted
    if want == exactly or (not exactly and want >= at_least):
        return None
    right = exactly or at_least
    return Trouble(
        "too-few-replicas" if want < right else "field-value", Weight.WRONG,
        f"Deployment {name} asks for {plural(want, 'pod')}, not {right}",
        f"spec.replicas is {want}",
        f"kubectl scale deployment {name} --replicas={right}, or write replicas: {right} in the file and apply it",
        f"kubectl get deployment {name}", (Seen(f"Deployment/{name}", "spec.replicas", str(want)),),
    )  # fmt: skip


@check("scaled-to", kinds=KINDS, wishes=fleet_wishes)
def scaled_to(record: Record, /, *, name: str, replicas: int, kept: int) -> Outcome:
    """The Deployment was scaled to this many ready pods, and those that were there before were kept.

    By its recorded history where there is one, else by the controller's events, else by the pods' ages.
    """
    rule = f"Deployment {name} was scaled to {replicas}: its {kept} older pods went on running, new ones joined them."
    expected = f"{replicas} ready pods, {kept} of them older than the scaling"
    found = fleet(record, name)
    if found is None:
        return absent_trouble(record, "Deployment", name).outcome(rule, expected)
    trouble = _too_few(found, name, replicas, replicas) or rollout_trouble(record, found)
    if trouble is not None:
        return trouble.outcome(rule, expected)
    old, how = _kept(record, found, replicas, kept)
    old_uids = {uid_of(pod) for pod in old}
    new = [pod for pod in found.ready if uid_of(pod) not in old_uids]
    if how:
        span = f"; the oldest is {duration(_age_gap(found.ready))} older than the newest"
        return passed(
            f"{plural(len(found.ready), 'pod')} ready, the older ones kept",
            f"kept: {listed((short_name(name_of(pod)) for pod in old), 10)}{span}",
            f"new: {listed((short_name(name_of(pod)) for pod in new), 10)}",
            how,
            data={"kept": [clip(uid_of(pod), 60) for pod in old], "new": [clip(uid_of(pod), 60) for pod in new]},
        )
    return Trouble(
        "all-new-pods", Weight.WRONG,
        f"{plural(len(found.ready), 'pod')} are ready, but fewer than {kept} of them were there before the scaling",
        "the Deployment was made with all its pods at once, made again, or rolled out anew: then every pod is new",
        f"set replicas to {kept}, wait until they are ready, then scale to {replicas}; change nothing else in the file",
        "kubectl get pods --sort-by=.metadata.creationTimestamp",
        tuple(_age_seen(pod) for pod in found.ready[:12]),
    ).outcome(rule, expected)  # fmt: skip


def _age_seen(pod: Object) -> Seen:
    born = clip(dig(pod, "metadata", "creationTimestamp"), 30)
    return Seen(f"Pod/{clip(name_of(pod), 80)}", "metadata.creationTimestamp", born)


def _kept(record: Record, found: Fleet, replicas: int, kept: int) -> tuple[list[Object], str]:
    """The pods that were there before the scaling, and what tells so; an empty text where nothing does.

    A pod that was deleted since and replaced is no longer there, and does not count against the scaling.
    """
    moment = _scaled_at(record, found, replicas)
    if moment is not None:
        before = [
            life
            for life in lives(record, "Pod")
            if owned_by(life.last, uid_of(found.replicaset or {}))
            and order_key(life.versions[0].object, life.versions[0].at) < moment
            and (life.gone_at is None or life.gone_at > moment[1])
        ]
        there = [life.last for life in before if life.gone_at is None]
        if len(before) >= kept and there:
            return there, f"scaled at {clock(moment[1])}, seen as it happened"
        return [], ""
    told = _scaled_by_event(record, found, replicas)
    if told is not None:
        at, was = told
        # Both times are whole seconds: a pod of the scaling's own second may be on either side of it.
        older = [pod for pod in found.ready if (created(pod) or at) < at]
        there = older or [pod for pod in found.ready if (created(pod) or at + 1) <= at][:kept]
        if was >= kept and there:
            return there, f"scaled from {was} to {replicas} at {clock(at)}, as the Deployment's event tells"
        return [], ""
    return _by_age(found, kept)


def _by_age(found: Fleet, kept: int) -> tuple[list[Object], str]:
    """The older group by creation times (whole seconds): a gap of two seconds or more after the oldest."""
    pods = sorted(found.ready, key=lambda pod: created(pod) or 0.0)
    ages = [created(pod) or 0.0 for pod in pods]
    for index in range(1, len(pods)):
        if ages[index] - ages[index - 1] >= 2:
            younger = sum(age > ages[index] + 2 for age in ages)
            # One of the older may have been replaced since: then it is among the youngest.
            if index == kept or (index < kept <= index + younger):
                return pods[:index], f"the next is {duration(ages[index] - ages[index - 1])} younger, by creation times"
            return [], ""
    return [], ""


def _scaled_at(record: Record, found: Fleet, replicas: int) -> tuple[int, float] | None:
    """When the recorded Deployment's ``spec.replicas`` rose to ``replicas`` for the last time."""
    moment = None
    for life in lives(record, "Deployment", name_of(found.deployment)):
        if life.uid != uid_of(found.deployment):
            continue
        for older, newer in pairwise(life.versions):
            was, now = (number(version.object, "spec", "replicas") for version in (older, newer))
            if was is not None and now is not None and was < replicas <= now:
                moment = order_key(newer.object, newer.at)
    return moment


_SCALED = re.compile(r"Scaled (up|down) replica set (\S{1,253}) from (\d{1,6}) to (\d{1,6})")


def _scaled_by_event(record: Record, found: Fleet, replicas: int) -> tuple[float, int] | None:
    """When the Deployment's event told that the current ReplicaSet was scaled up, and from how many pods.

    None where there is no such event, or where it was a step of a rollout (another ReplicaSet shrank after it).
    """
    up: tuple[float, int] | None = None
    down = 0.0
    mine = name_of(found.replicaset or {})
    for event in events_of(record, "Deployment", name_of(found.deployment), uid_of(found.deployment)):
        match = _SCALED.search(event_text(event))
        at = event_at(event)
        if match is None or at is None or event.get("reason") != "ScalingReplicaSet":
            continue
        was, now = int(match[3]), int(match[4])
        if match[1] == "up" and match[2] == mine and 0 < was < now == replicas:
            up = (at, was)
        elif match[1] == "down" and match[2] != mine:
            down = max(down, at)
    return up if up and up[0] > down else None


def _age_gap(pods: Iterable[Object]) -> float:
    ages = [age for pod in pods if (age := created(pod)) is not None]
    return max(ages) - min(ages) if ages else 0.0
