"""Claims about time: a pod was deleted and replaced, a bare pod was deleted and stays gone."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from k8s_tutor.checks.causes.absent import absent_trouble
from k8s_tutor.checks.causes.admission import creation_trouble
from k8s_tutor.checks.causes.pods import pod_trouble
from k8s_tutor.checks.causes.trouble import Trouble, Weight
from k8s_tutor.checks.check import Wish, check
from k8s_tutor.checks.deployments import KINDS, fleet_wishes
from k8s_tutor.checks.outcome import Cause, Finding, Outcome, Seen, passed, waiting
from k8s_tutor.checks.reading import (
    alive,
    controller,
    created,
    event_at,
    find,
    going,
    labels_of,
    lives,
    made_by,
    mapping,
    matches,
    name_of,
    pod_ready,
    remembered,
    replicasets,
    uid_of,
)
from k8s_tutor.checks.replacing import Loss, losses, scaled_away
from k8s_tutor.checks.rollout import fleet
from k8s_tutor.checks.words import clip, clock, duration, plural, short_name
from k8s_tutor.kube.record import Life, Object, Record

REPLACE_PATIENCE = 5.0
"""Seconds within which a ReplicaSet makes a new pod for a lost one; it needs milliseconds."""


@check("pod-replaced", kinds=KINDS, wishes=fleet_wishes)
def pod_replaced(record: Record, /, *, deployment: str) -> Outcome:
    """A pod of the Deployment was deleted, and its ReplicaSet made another one, which is ready.

    Seen in the recorded history, else told by the events of the ReplicaSet. Neither scaling down nor a rollout counts.
    """
    rule = f"A pod of Deployment {deployment} was deleted, and its ReplicaSet made another in its place by itself."
    expected = "a pod deleted by somebody, another made later by the same ReplicaSet, and ready"
    found = fleet(record, deployment)
    if found is None:
        return (_all_gone(record, deployment) or absent_trouble(record, "Deployment", deployment)).outcome(
            rule, expected
        )
    lost = losses(record, found.replicaset) if found.replicaset is not None else []
    older = [loss for item in replicasets(record, found.deployment)[:-1] for loss in losses(record, item)]
    for loss in reversed(older + lost):
        if loss.successor is not None and (loss.ready_after is not None or pod_ready(loss.successor)):
            return passed(
                f"{short_name(loss.name)} was replaced by {short_name(name_of(loss.successor))}",
                _told(loss),
                *((f"found in {loss.source}",) if loss.source else ()),
                data={
                    "deleted": {"name": clip(loss.name, 80), "uid": clip(loss.uid, 60), "at": loss.at},
                    "made": {"name": clip(name_of(loss.successor), 80), "uid": clip(uid_of(loss.successor), 60)},
                },
            )
    if lost:
        return _pending(record, lost[-1], found.replicaset, deployment).outcome(rule, expected)
    away = scaled_away(record, found.deployment)
    told = (
        f"{plural(away, 'pod')} went away, but by scaling down or by a rollout" if away else "no pod was deleted so far"
    )
    return Trouble(
        "not-deleted", Weight.WRONG, told,
        "that is the Deployment's own doing: delete a pod yourself" if away else "you have not deleted a pod yet",
        "kubectl get pods, then kubectl delete pod with one of the names", "kubectl get pods",
        tuple(Seen(f"Pod/{clip(name_of(pod), 80)}", "metadata.uid", clip(uid_of(pod), 60)) for pod in found.pods[:10]),
    ).outcome(rule, expected)  # fmt: skip


def _all_gone(record: Record, deployment: str) -> Trouble | None:
    """The Deployment itself was deleted while we watched: its pods went with it, and nobody replaces them."""
    ended = [life for life in lives(record, "Deployment", deployment) if life.gone_at is not None]
    if not ended:
        return None
    last = ended[-1]
    return Trouble(
        "not-replaced", Weight.WRONG,
        f"Deployment {deployment} was deleted {clock(last.gone_at or 0.0)}, and its pods went with it",
        "what replaces a lost pod is the Deployment: without it nobody does",
        "apply its manifest again, wait until it is ready, then delete one of its pods", "kubectl get deployments",
        (Seen(f"Deployment/{deployment}", "metadata.uid", clip(last.uid, 60)),),
    )  # fmt: skip


def _told(loss: Loss) -> str:
    """``pod …-x7k2 deleted 20:14:03.1, its ReplicaSet made …-p9qd 0.04 s later, ready after 0.9 s``."""
    text = f"pod {short_name(loss.name)} deleted {clock(loss.at, tenths=not loss.source)}"
    if loss.successor is None:
        return text
    text += f", its ReplicaSet made {short_name(name_of(loss.successor))}"
    text += f" {duration(loss.made_after)} later" if not loss.source else " after it"
    return text + (f", ready after {duration(loss.ready_after)}" if loss.ready_after is not None else "")


def _pending(record: Record, loss: Loss, replicaset: Object | None, deployment: str) -> Trouble:
    """A pod was deleted, and there is no ready one in its place yet."""
    digest = clip(labels_of(replicaset).get("pod-template-hash"), 40)
    command = f"kubectl get pods -l pod-template-hash={digest}"
    seen = (Seen(f"Pod/{clip(loss.name, 80)}", "metadata.uid", clip(loss.uid, 60)),)
    if loss.successor is not None:
        stuck = pod_trouble(record, loss.successor)
        if stuck is not None:
            return replace(stuck, found=f"{_told(loss)}; {stuck.found}", seen=seen + stuck.seen)
        return Trouble(
            "converging", Weight.PENDING, f"{_told(loss)}; not ready yet", "it is starting", "", command, seen
        )
    refused = creation_trouble(record, replicaset) if replicaset is not None else None
    if refused is not None:
        return refused
    late_at = loss.at + REPLACE_PATIENCE
    late = record.now >= late_at
    return Trouble(
        "not-replaced", Weight.WRONG if late else Weight.PENDING, f"{_told(loss)}; nothing has taken its place",
        f"its ReplicaSet made no pod within {duration(record.now - loss.at)}",
        f"kubectl describe deployment {deployment}", f"kubectl describe deployment {deployment}", seen,
        None if late else late_at,
    )  # fmt: skip


def _bare_wishes(record: Record, params: Mapping[str, Any]) -> Iterable[Wish]:
    name = str(params.get("name") or "")
    return () if find(record, "Pod", name) is not None else (Wish("others", name, {"kind": "Pod"}),)


@check("bare-pod-stays-gone", kinds=("Pod", "Event"), wishes=_bare_wishes)
def bare_pod_stays_gone(record: Record, /, *, name: str, seconds: float = 10, labels: Any = None) -> Outcome:
    """A bare pod was there, was deleted, and nothing came in its place for so many seconds.

    ``labels``: no other bare pod with these may come either. A pod that was never seen proves nothing.
    """
    rule = f"Pod {name} had no controller: once deleted, nobody made it again."
    expected = f"pod {name} deleted, and no pod in its place for {duration(seconds)}"
    gone = _ended(record, name, mapping(labels))
    now_there = find(record, "Pod", name)
    back = _back(record, name, mapping(labels), gone) if gone is not None else None
    if gone is not None and back is not None and not going(back):
        maker = made_by(back)
        return Trouble(
            "bare-pod-returned", Weight.WRONG,
            f"pod {clip(name_of(back), 80)} was made after the deletion" + (f", by {clip(maker, 60)}" if maker else ""),
            "nobody but you makes a bare pod: its manifest was applied again",
            f"kubectl delete pod {clip(name_of(back), 80)}, and leave it for {duration(seconds)}", "kubectl get pods",
            (Seen(f"Pod/{clip(name_of(back), 80)}", "metadata.uid", clip(uid_of(back), 60)),),
        ).outcome(rule, expected)  # fmt: skip
    if gone is not None and now_there is None and back is None:
        told = f"pod {name} deleted {clock(gone)}"
        age = record.now - gone
        if age >= seconds:
            fact = f"{told}, nothing took its place for {duration(age)}"
            return passed(f"pod {name} is gone and nobody brought it back", fact)
        return waiting(
            f"pod {name} is gone; watching whether it stays so",
            Finding(
                rule, expected, f"{told}, and nothing has taken its place so far", "kubectl get pods",
                (Seen(f"Pod/{name}", value="does not exist"),),
                Cause("converging", "whether somebody makes it again shows only with time", "wait"),
            ),
            until=gone + seconds,
        )  # fmt: skip
    if now_there is None:
        return absent_trouble(record, "Pod", name).outcome(
            rule, expected, observed=f"pod {name} is not there, and was not seen before: that proves nothing"
        )
    owner = controller(now_there)
    if going(now_there):
        return Trouble(
            "converging", Weight.PENDING, f"pod {name} is being deleted", "its containers got the end signal", "",
            "kubectl get pods", (Seen(f"Pod/{name}", "metadata.deletionTimestamp", "set"),),
        ).outcome(rule, expected)  # fmt: skip
    text = (
        f"it is controlled by {clip(owner.get('kind'), 40)} {clip(owner.get('name'), 80)}"
        if owner
        else "you have not deleted it yet"
    )
    return Trouble(
        "not-deleted", Weight.WRONG, f"pod {name} is still there", text, f"kubectl delete pod {name}",
        "kubectl get pods",
        (Seen(f"Pod/{name}", "metadata.uid", clip(uid_of(now_there), 60)),),
    ).outcome(rule, expected)  # fmt: skip


def _ended(record: Record, name: str, labels: Mapping[str, Any]) -> float | None:
    """When the last bare pod of this name ended (or one with these labels after it); None if none was ever seen.

    By the recorded history, by the kubelet's events, or, for one that only earlier evidence knows, by the
    beginning of the recording: it was gone then at the latest.
    """
    known = lives(record, "Pod", name)
    ends = [life.gone_at for life in known if life.gone_at is not None and not controller(life.last)]
    uids = {life.uid for life in known}
    told: dict[str, float] = dict.fromkeys(remembered(record, "Pod", name) - uids, record.began)
    ends_told: dict[str, float] = {}
    for event in alive(record, "Event"):
        about = mapping(event, "involvedObject")
        uid = about.get("uid")
        if about.get("kind") == "Pod" and about.get("name") == name and isinstance(uid, str) and uid not in uids:
            # A container of the pod may have been killed before (a new image): the last one is the deletion's.
            at = event_at(event) if event.get("reason") == "Killing" else None
            ends_told[uid] = max(ends_told.get(uid, 0.0), at or 0.0)
    told |= {uid: min(at or record.began, record.now) for uid, at in ends_told.items()}
    ends += told.values()
    if not ends:
        return None
    later = [life.gone_at for life in lives(record, "Pod") if _bare_with(life, labels) and life.gone_at is not None]
    return max(ends + [at for at in later if at > max(ends)])


def _bare_with(life: Life, labels: Mapping[str, Any]) -> bool:
    return not controller(life.last) and matches(labels, labels_of(life.last))


def _back(record: Record, name: str, labels: Mapping[str, Any], gone: float) -> Object | None:
    """A bare pod of this name or with these labels that was made after ``gone`` and is there now."""
    for life in lives(record, "Pod"):
        first = life.versions[0]
        born = created(first.object) if life.seen_from_start else first.at
        if life.gone_at is not None or born is None or born <= gone or controller(life.last):
            continue
        if name_of(life.last) == name or matches(labels, labels_of(life.last)):
            return life.last
    return None
