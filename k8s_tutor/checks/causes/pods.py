"""The one likely cause that keeps a pod from being ready, the first in the order of a pod's life."""

from __future__ import annotations

from collections.abc import Sequence

from k8s_tutor.checks.causes.pulling import PULL_REASONS, image_trouble, pulling_trouble
from k8s_tutor.checks.causes.running import (
    CONFIG_REASONS,
    config_trouble,
    crash_trouble,
    mount_trouble,
    readiness_trouble,
)
from k8s_tutor.checks.causes.scheduling import scheduling_trouble
from k8s_tutor.checks.causes.trouble import Trouble, Weight, heaviest
from k8s_tutor.checks.images import same
from k8s_tutor.checks.outcome import Seen
from k8s_tutor.checks.reading import Mapped, going, items, mapping, name_of, pod_ready, text
from k8s_tutor.checks.words import clip
from k8s_tutor.kube.record import Object, Record


def pod_trouble(record: Record, pod: Object, images: Sequence[str] = ()) -> Trouble | None:
    """What keeps this pod from being ready; None where it is ready.

    ``images`` are those that the lab allows: a pull of one of them that fails is not the learner's fault.
    """
    if pod_ready(pod):
        return None
    name = clip(name_of(pod), 80)
    if going(pod):
        return Trouble(
            "converging",
            Weight.PENDING,
            f"pod {name} is being deleted",
            "the pod got its end signal and has not ended yet",
            "",
            f"kubectl get pod {name}",
            (Seen(f"Pod/{name}", "metadata.deletionTimestamp", text(pod, "metadata", "deletionTimestamp")),),
        )
    placing = scheduling_trouble(record, pod)
    if placing is not None:
        return placing
    specs = {
        text(item, "name"): item for item in items(pod, "spec", "initContainers") + items(pod, "spec", "containers")
    }
    for group in ("initContainerStatuses", "containerStatuses"):
        found = heaviest(
            trouble
            for status in items(pod, "status", group)
            if (trouble := _container_trouble(record, pod, status, specs, images, init=group.startswith("init")))
        )
        if found is not None:
            return found
    phase = text(pod, "status", "phase")
    if phase == "Failed":
        told = clip(f"{text(pod, 'status', 'reason')} {text(pod, 'status', 'message')}", 240)
        evicted = "Evicted" in told
        return Trouble(
            "crash-loop",
            Weight.BROKEN if evicted else Weight.WRONG,
            f"the pod failed: {told or 'no reason is told'}",
            "the node put the pod out because it ran short of disk or memory" if evicted else "the pod ended for good",
            "k8s-tutor doctor" if evicted else f"kubectl describe pod {name}",
            f"kubectl describe pod {name}",
            (Seen(f"Pod/{name}", "status.phase", "Failed"),),
        )
    return mount_trouble(record, pod) or Trouble(
        "converging",
        Weight.PENDING,
        f"pod {name} is {clip(phase, 40) or 'new'}, not ready yet",
        "the cluster is still working on it"
        if text(pod, "spec", "nodeName")
        else "the scheduler has not placed it yet",
        "",
        f"kubectl get pod {name}",
        (Seen(f"Pod/{name}", "status.phase", clip(phase, 40)),),
    )


def worst(record: Record, pods: Sequence[Object], images: Sequence[str] = ()) -> Trouble | None:
    """The weightiest trouble among several pods; None where all are ready."""
    return heaviest(trouble for pod in pods if (trouble := pod_trouble(record, pod, images)))


def _container_trouble(
    record: Record, pod: Object, status: Mapped, specs: dict[str, Mapped], images: Sequence[str], *, init: bool
) -> Trouble | None:
    """What keeps one container from running and being ready; None where nothing does."""
    container = text(status, "name")
    state = mapping(status, "state")
    if init and (mapping(state, "terminated").get("exitCode") == 0 or mapping(state, "running")):
        # Running init containers are work under way; sidecars (restartPolicy Always) are judged by the pod's Ready.
        return None
    if status.get("ready") is True:
        return None
    waiting = mapping(state, "waiting")
    reason = text(waiting, "reason")
    image = text(specs.get(container, {}), "image")
    if reason in PULL_REASONS and _of_another_image(text(status, "image"), image):
        return Trouble(
            "pulling", Weight.BUSY, f"the kubelet has not told of image {clip(image, 120)} yet",
            "its last word was about the image before", "wait a moment",
            f"kubectl describe pod {clip(name_of(pod), 80)}",
        )  # fmt: skip
    if reason in PULL_REASONS:
        return image_trouble(record, pod, container, image, waiting, images)
    if reason in CONFIG_REASONS:
        return config_trouble(pod, container, waiting)
    crashed = crash_trouble(record, pod, container, status)
    if crashed is not None:
        return crashed
    if mapping(state, "running") and not init:
        return readiness_trouble(record, pod, container, status)
    return mount_trouble(record, pod) or pulling_trouble(record, pod, container, image)


def _of_another_image(told: str, image: str) -> bool:
    """Whether a status speaks of another image than the spec asks for now: it is yesterday's news."""
    return bool(told) and told != image and not same(told, image)
