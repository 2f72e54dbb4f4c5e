"""What the pods of a run say of themselves: why one does not begin, why one failed. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from k8s_tutor.grading.problem import plain
from k8s_tutor.grading.shards.objects import INDEX, OTHER_LAB

Pod = Mapping[str, Any]

IMAGE_SECONDS = 15.0
"""Patience with an image that cannot be pulled: a second attempt comes after ten."""
ROOM_SECONDS = 300.0
"""Patience with nodes that have no room: others end, or a node is added."""
LONGEST = 300
_IMAGE = ("ErrImagePull", "ImagePullBackOff", "ErrImageNeverPull", "InvalidImageName", "RegistryUnavailable")
_NEVER = ("CreateContainerConfigError", "CreateContainerError", "RunContainerError")


@dataclass(frozen=True)
class Stuck:
    """Why a pod does not begin, what mends it, and how long that may be waited for (seconds)."""

    why: str
    remedy: str
    patience: float


def index_of(pod: Pod) -> int | None:
    """The index of a pod's shard."""
    labels = (pod.get("metadata") or {}).get("labels") or {}
    text = str(labels.get(INDEX, ""))
    return int(text) if text.isdigit() and len(text) < 7 else None


def active(pod: Pod) -> bool:
    """Whether a pod is still to begin or runs."""
    return (pod.get("status") or {}).get("phase") in (None, "Pending", "Running")


def running(pod: Pod) -> bool:
    """Whether a pod grades."""
    return (pod.get("status") or {}).get("phase") == "Running"


def stuck(pod: Pod) -> Stuck | None:
    """Why a pod does not begin, as far as it can be told; None for one that may be on its way."""
    spec = pod.get("spec") or {}
    image = plain(next((str(each.get("image")) for each in spec.get("containers") or ()), ""), 200)
    node = plain(str(spec.get("nodeName") or "no node"), 80)
    for status in _statuses(pod):
        waiting = (status.get("state") or {}).get("waiting") or {}
        reason, said = str(waiting.get("reason", "")), plain(str(waiting.get("message", "")), LONGEST)
        if reason in _IMAGE:
            remedy = (
                f"put it onto every node (k8s-tutor images load FILE; docs/grading.md says what makes it), "
                f"or name one that the nodes can pull: --image (now {image})"
            )
            return Stuck(f"node {node} has no image {image} and cannot pull it ({reason})", remedy, IMAGE_SECONDS)
        if reason in _NEVER:
            return Stuck(f"node {node} cannot start image {image}: {said or reason}", "name another: --image", 20.0)
    for condition in (pod.get("status") or {}).get("conditions") or ():
        if condition.get("type") == "PodScheduled" and condition.get("reason") == "Unschedulable":
            said = plain(str(condition.get("message", "")), LONGEST)
            return Stuck(f"no node takes a pod of the grader: {said}", "fewer at once: --jobs", ROOM_SECONDS)
    return None


def other_lab(pod: Pod) -> str:
    """What a pod says whose image holds another version or lab, with what mends it; empty for every other pod."""
    for each in _statuses(pod):
        ended = (each.get("state") or {}).get("terminated") or {}
        if ended.get("exitCode") == OTHER_LAB:
            said = plain(str(ended.get("message") or "the image is of another version").strip(), LONGEST)
            return f"{said}: make the image anew from the version that grades here, or name the right one: --image"
    return ""


def failure(pods: list[Pod]) -> str:
    """Why the newest of a shard's failed pods failed, in one bounded line; empty where none did."""
    failed = [pod for pod in pods if (pod.get("status") or {}).get("phase") == "Failed"]
    failed.sort(key=lambda pod: str((pod.get("metadata") or {}).get("creationTimestamp")))
    if not failed:
        return ""
    status = failed[-1].get("status") or {}
    words = [str(status[key]) for key in ("reason", "message") if status.get(key)]
    for each in _statuses(failed[-1]):
        ended = (each.get("state") or {}).get("terminated") or {}
        last = [line.strip() for line in str(ended.get("message") or "").splitlines() if line.strip()][-3:]
        words += [f"exit {ended.get('exitCode')} {ended.get('reason') or ''}".strip(), *last]
    return plain("; ".join(words), LONGEST)


def _statuses(pod: Pod) -> Iterator[Mapping[str, Any]]:
    for status in (pod.get("status") or {}).get("containerStatuses") or ():
        if isinstance(status, Mapping):
            yield status
