"""Why a ReplicaSet may not make its pods: quota, Pod Security, and what else refuses them."""

from __future__ import annotations

from dataclasses import replace

from k8s_tutor.checks.causes.trouble import Trouble, Weight
from k8s_tutor.checks.outcome import Seen
from k8s_tutor.checks.reading import condition, event_at, event_text, name_of, newest_event, text
from k8s_tutor.checks.words import clip
from k8s_tutor.kube.record import Object, Record

FRESH = 600.0
"""Seconds for which a refusal that only an event tells is taken for true; the controller tries again and tells anew."""


def creation_trouble(record: Record, replicaset: Object) -> Trouble | None:
    """What refuses the pods of this ReplicaSet, by its condition ReplicaFailure or its FailedCreate events."""
    failure = condition(replicaset, "ReplicaFailure")
    message = text(failure, "message") if failure.get("status") == "True" else ""
    turns = None
    if not message:
        event = newest_event(record, "ReplicaSet", replicaset, "FailedCreate", "SuccessfulCreate")
        at = event_at(event) if event else None
        if event is None or event.get("reason") != "FailedCreate" or (at is not None and record.now >= at + FRESH):
            return None
        turns = None if at is None else at + FRESH
        message = event_text(event)
    name, told = clip(name_of(replicaset), 80), clip(message, 300)
    seen = (Seen(f"ReplicaSet/{name}", "status.conditions[ReplicaFailure].message", told),)
    return replace(refusal(told, seen, f"kubectl describe replicaset {name}"), turns=turns)


def refusal(told: str, seen: tuple[Seen, ...], command: str) -> Trouble:
    """The cause behind the API server's refusal to create a pod, from its message."""
    low = told.lower()
    found = f"the API server refuses the pods: {told}"
    if "podsecurity" in low:
        return Trouble(
            "pod-security",
            Weight.WRONG,
            found,
            "the namespace's Pod Security level forbids something in the pod template",
            "the message names the field after 'violates PodSecurity'; take it out of the manifest",
            command,
            seen,
        )
    if "serviceaccount" in low or "service account" in low:
        return Trouble(
            "converging",
            Weight.BUSY,
            found,
            "the namespace is so new that its ServiceAccount is missing",
            "",
            command,
            seen,
        )
    if "quota" in low or "maximum" in low or "minimum" in low or "limitrange" in low:
        return Trouble(
            "quota",
            Weight.WRONG,
            found,
            "the namespace's quota or limits leave no room for these pods",
            "kubectl describe resourcequotas,limitranges; ask for fewer replicas or less per pod",
            command,
            seen,
        )
    if "timeout" in low or "connection refused" in low or "failed calling webhook" in low:
        return Trouble("converging", Weight.BUSY, found, "the cluster itself could not decide", "", command, seen)
    return Trouble(
        "field-value",
        Weight.WRONG,
        found,
        "something in the pod template is not accepted",
        "read the message",
        command,
        seen,
    )
