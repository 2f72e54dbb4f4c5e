"""Why an image does not come: a misspelt name, credentials, the network, or only patience."""

from __future__ import annotations

import re
from collections.abc import Sequence

from k8s_tutor.checks import images
from k8s_tutor.checks.causes.trouble import Trouble, Weight
from k8s_tutor.checks.outcome import Seen
from k8s_tutor.checks.reading import Mapped, event_text, events_of, name_of, newest_event, text, uid_of
from k8s_tutor.checks.words import clip
from k8s_tutor.kube.record import Object, Record

PULL_REASONS = frozenset(
    {
        "ErrImagePull",
        "ImagePullBackOff",
        "InvalidImageName",
        "ErrImageNeverPull",
        "ImageInspectError",
        "RegistryUnavailable",
    }
)
"""Waiting reasons of the kubelet that mean: no image (pkg/kubelet/images/types.go)."""

_NETWORK = re.compile(
    r"dial tcp|i/o timeout|no such host|connection refused|network is unreachable|no route to host|TLS handshake"
    r"|x509|toomanyrequests|too many requests|deadline exceeded|connection reset|\bEOF\b|server misbehaving"
    r"|50[0234] (?:Internal|Bad|Service|Gateway)",
    re.I,
)
_MISSING = re.compile(
    r"not found|NotFound|manifest unknown|name unknown|repository does not exist|MANIFEST_UNKNOWN", re.I
)
_CREDENTIALS = re.compile(
    r"unauthorized|authentication required|no basic auth|incorrect username|denied|forbidden|\b40[13]\b", re.I
)


def image_trouble(
    record: Record, pod: Object, container: str, image: str, waiting: Mapped, wanted: Sequence[str]
) -> Trouble:
    """The trouble behind a container that waits for its image (one of PULL_REASONS), in the kubelet's own words."""
    reason = text(waiting, "reason")
    message = _message(record, pod, image, waiting)
    name = name_of(pod)
    shown = clip(image, 120)
    found = f"{reason}: {clip(message, 300)}" if message else f"{reason} for image {shown}"
    seen = (
        Seen(f"Pod/{clip(name, 80)}", f"spec.containers[{clip(container, 63)}].image", shown),
        Seen(f"Pod/{clip(name, 80)}", f"status.containerStatuses[{clip(container, 63)}].state.waiting.reason", reason),
    )
    command = f"kubectl describe pod {clip(name, 80)}"
    near = images.meant(image, wanted)
    expected = images.allowed(image, wanted) and bool(wanted)
    mend = f"write image: {near}" if near and not expected else "correct the image's name or tag"
    if reason == "InvalidImageName":
        return Trouble(
            "image-not-found",
            Weight.WRONG,
            found,
            f"{shown!r} is no image name",
            f"{mend}, then apply the file again",
            command,
            seen,
        )
    if reason == "ErrImageNeverPull":
        return Trouble(
            "image-not-found",
            Weight.WRONG,
            found,
            f"the node has no image {shown} and imagePullPolicy Never forbids to pull it",
            "take imagePullPolicy: Never out of the manifest, or correct the image's name",
            command,
            seen,
        )
    if _NETWORK.search(message):
        return Trouble(
            "image-network",
            Weight.BROKEN if expected or not wanted else Weight.WRONG,
            found,
            f"the node cannot reach the registry of {shown}" + ("" if expected or not wanted else f"; {mend}"),
            "the message names the address that did not answer; see also: k8s-tutor doctor",
            command,
            seen,
        )
    if _MISSING.search(message):
        denied = " (or it is private: the registry does not tell which)" if _CREDENTIALS.search(message) else ""
        if expected:
            return Trouble(
                "image-not-found",
                Weight.BROKEN,
                found,
                f"the cluster's registry does not have {shown}, though the lab asks for it",
                "k8s-tutor doctor",
                command,
                seen,
            )
        guess = f"; did you mean {near}?" if near else ""
        return Trouble(
            "image-not-found",
            Weight.WRONG,
            found,
            f"the registry has no image {shown}{denied}{guess}",
            f"{mend} for container {clip(container, 63)}, then apply the file again",
            command,
            seen,
        )
    if _CREDENTIALS.search(message):
        return Trouble(
            "image-credentials",
            Weight.WRONG,
            found,
            f"the registry gives {shown} only to who logs in, and the pod has no (right) credentials",
            "correct the image's name, or the Secret that spec.imagePullSecrets names",
            command,
            seen,
        )
    if not images.allowed(image, wanted):
        guess = f"; did you mean {near}?" if near else ""
        return Trouble(
            "image-not-found",
            Weight.WRONG,
            found,
            f"{shown} cannot be pulled, and is not what is asked for{guess}",
            f"{mend}, then apply the file again",
            command,
            seen,
        )
    return Trouble(
        "pulling",
        Weight.BUSY,
        found,
        f"the pull of {shown} failed, the kubelet tries again",
        "wait a moment",
        command,
        seen,
    )


def pulling_trouble(record: Record, pod: Object, container: str, image: str) -> Trouble | None:
    """The trouble ``pulling`` while the newest news about the pod's images is that one is being pulled."""
    newest = newest_event(record, "Pod", pod, "Pulling", "Pulled", "Created", "Failed")
    if newest is None or newest.get("reason") != "Pulling":
        return None
    name = clip(name_of(pod), 80)
    return Trouble(
        "pulling",
        Weight.BUSY,
        clip(event_text(newest), 200) or "the image is being pulled",
        f"the node is pulling {clip(image, 120)} from its registry",
        "wait; this can take minutes over a slow line",
        f"kubectl describe pod {name}",
        (Seen(f"Pod/{name}", f"spec.containers[{clip(container, 63)}].image", clip(image, 120)),),
    )


def _message(record: Record, pod: Object, image: str, waiting: Mapped) -> str:
    """The kubelet's message with the registry's reason in it; while it backs off only the events hold that."""
    own = text(waiting, "message")
    if _MISSING.search(own) or _NETWORK.search(own) or _CREDENTIALS.search(own):
        return own
    for event in reversed(events_of(record, "Pod", name_of(pod), uid_of(pod))):
        told = event_text(event)
        if event.get("reason") == "Failed" and image and image in told and "Failed to pull" in told:
            return told
    return own
