"""How far a Deployment is: its ReplicaSet, its pods by owner, and the one thing in the way."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from k8s_tutor.checks.causes.admission import creation_trouble
from k8s_tutor.checks.causes.pods import worst
from k8s_tutor.checks.causes.trouble import Trouble, Weight
from k8s_tutor.checks.outcome import Seen
from k8s_tutor.checks.reading import (
    condition,
    current_replicaset,
    dig,
    find,
    going,
    name_of,
    number,
    pod_ready,
    pods_of,
    replicasets,
    text,
)
from k8s_tutor.checks.words import clip, plural
from k8s_tutor.kube.record import Object, Record


@dataclass(frozen=True)
class Fleet:
    """A Deployment and the pods that its current ReplicaSet controls now (those being deleted left out)."""

    deployment: Object
    replicaset: Object | None
    pods: tuple[Object, ...]
    others: tuple[Object, ...]

    @property
    def ready(self) -> tuple[Object, ...]:
        """The ready pods of the current ReplicaSet."""
        return tuple(pod for pod in self.pods if pod_ready(pod))

    @property
    def wanted(self) -> int:
        """``spec.replicas``; the API server fills in 1."""
        found = number(self.deployment, "spec", "replicas")
        return 1 if found is None else found


def fleet(record: Record, name: str) -> Fleet | None:
    """The Deployment of this name with its pods, by ownerReferences and never by labels; None if there is none."""
    deployment = find(record, "Deployment", name)
    if deployment is None:
        return None
    current = current_replicaset(record, deployment)
    pods = tuple(pod for pod in pods_of(record, current) if not going(pod))
    old = tuple(
        pod
        for item in replicasets(record, deployment)
        if item is not current
        for pod in pods_of(record, item)
        if not going(pod)
    )
    return Fleet(deployment, current, pods, old)


def rollout_trouble(record: Record, found: Fleet, wanted_images: Sequence[str] = ()) -> Trouble | None:
    """What keeps a Deployment from having exactly the ready pods that it asks for; None where it has them."""
    deployment, name = found.deployment, clip(name_of(found.deployment), 80)
    want, ready = found.wanted, len(found.ready)
    counts = f"{ready} of {plural(want, 'pod')} ready"
    seen = (
        Seen(f"Deployment/{name}", "spec.replicas", str(want)),
        Seen(f"Deployment/{name}", "status.readyReplicas", str(number(deployment, "status", "readyReplicas") or 0)),
    )
    command = f"kubectl rollout status deployment {name} --watch=false"
    generation = number(deployment, "metadata", "generation") or 0
    observed = number(deployment, "status", "observedGeneration") or 0
    if dig(deployment, "spec", "paused") is True and (found.replicaset is None or found.others or not _current(found)):
        return Trouble(
            "paused-rollout", Weight.WRONG, f"{counts}, and the rollout is paused",
            "spec.paused is true: the Deployment does not roll out what it was given",
            f"kubectl rollout resume deployment {name}", f"kubectl get deployment {name} -o yaml",
            (*seen, Seen(f"Deployment/{name}", "spec.paused", "true")),
        )  # fmt: skip
    if observed < generation:
        return Trouble(
            "converging", Weight.PENDING, f"{counts}; the Deployment controller has not seen the newest change yet",
            "the change was stored a moment ago", "", command, seen,
        )  # fmt: skip
    if ready == want and len(found.pods) == want and not found.others:
        return None
    refused = creation_trouble(record, found.replicaset) if found.replicaset is not None else None
    if refused is not None and len(found.pods) < want:
        return refused
    stuck = worst(record, [pod for pod in found.pods if not pod_ready(pod)], wanted_images)
    if stuck is not None and stuck.weight is not Weight.PENDING:
        return Trouble(
            stuck.id, stuck.weight, f"{counts}; {stuck.found}", stuck.text, stuck.look_at, stuck.command, stuck.seen,
            stuck.turns,
        )  # fmt: skip
    progress = condition(deployment, "Progressing")
    if progress.get("status") == "False":
        told = clip(text(progress, "message"), 200)
        return Trouble(
            stuck.id if stuck else "converging", Weight.WRONG, f"{counts}; {told}",
            stuck.text if stuck else "the rollout made no progress within its deadline",
            f"kubectl describe deployment {name}", command, seen + (stuck.seen if stuck else ()),
        )  # fmt: skip
    if found.others and ready >= want:
        what = f"{plural(len(found.others), 'older pod')} still to go"
    elif len(found.pods) > want:
        what = f"{plural(len(found.pods) - want, 'pod')} too many, to be deleted"
    else:
        what = stuck.found if stuck else f"{plural(max(want - len(found.pods), 0), 'pod')} still to be made"
    return Trouble(
        "converging", Weight.PENDING, f"{counts}; {what}", "the rollout is under way", "", command, seen,
        stuck.turns if stuck else None,
    )  # fmt: skip


def _current(found: Fleet) -> bool:
    """Whether the newest ReplicaSet runs the Deployment's present template, by the images of both."""
    mine = dig(found.deployment, "spec", "template", "spec", "containers")
    theirs = dig(found.replicaset, "spec", "template", "spec", "containers")
    return mine is None or theirs is None or mine == theirs
