"""Claims about single objects and pods: there, ready, given another image."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from k8s_tutor.checks import images
from k8s_tutor.checks.causes.absent import absent_trouble
from k8s_tutor.checks.causes.pods import pod_trouble
from k8s_tutor.checks.causes.trouble import Trouble, Weight
from k8s_tutor.checks.check import Wish, check
from k8s_tutor.checks.outcome import Outcome, Seen, passed
from k8s_tutor.checks.reading import (
    container,
    container_names,
    container_status,
    created,
    event_text,
    events_of,
    find,
    items,
    lives,
    made_by,
    mapping,
    name_of,
    number,
    pod_ready,
    text,
    uid_of,
    when,
)
from k8s_tutor.checks.words import clip, clock, duration, listed, plural
from k8s_tutor.kube.record import Object, Record


def _elsewhere(record: Record, params: Mapping[str, Any]) -> Iterable[Wish]:
    """Look in other namespaces, only while the object is not where it should be."""
    kind, name = str(params.get("kind") or "Pod"), str(params.get("name") or "")
    if not name or find(record, kind, name) is not None:
        return ()
    return (Wish("others", name, {"kind": kind}),)


@check("object-exists", kinds=("Pod", "Deployment", "Service", "ReplicaSet"), wishes=_elsewhere)
def object_exists(record: Record, /, *, kind: str, name: str) -> Outcome:
    """The object exists in the learner's namespace."""
    item = find(record, kind, name)
    if item is None:
        trouble = absent_trouble(record, kind, name)
        return trouble.outcome(f"A {kind} named {name} exists in your namespace.", f"a {kind} named {name}")
    born, maker = created(item), made_by(item)
    facts = [f"{kind} {name}" + (f", made {clock(born)}" if born else "") + (f" by {clip(maker, 60)}" if maker else "")]
    facts.append(f"its UID is {clip(uid_of(item), 60)}")
    return passed(f"{kind} {name} is there", *facts, data={"uids": {f"{kind}/{name}": clip(uid_of(item), 60)}})


def pod_logs_wanted(record: Record, pods: Iterable[Object]) -> Iterator[Wish]:
    """The logs of pods whose containers ended: their last lines say why."""
    for pod in pods:
        for status in items(pod, "status", "containerStatuses") + items(pod, "status", "initContainerStatuses"):
            ended = mapping(status, "lastState", "terminated") or mapping(status, "state", "terminated")
            if ended and status.get("ready") is not True:
                again = bool(mapping(status, "lastState", "terminated"))
                yield Wish("logs", name_of(pod), {"container": text(status, "name"), "previous": again})


def pod_wishes(record: Record, params: Mapping[str, Any]) -> Iterable[Wish]:
    """What says why a pod is not ready: other namespaces while it is not there, logs of what ended."""
    yield from _elsewhere(record, {**params, "kind": "Pod"})
    pod = find(record, "Pod", str(params.get("name") or ""))
    if pod is not None:
        yield from pod_logs_wanted(record, [pod])


@check("pod-ready", kinds=("Pod", "Event"), wishes=pod_wishes)
def pod_ready_check(record: Record, /, *, name: str, container: str = "", image: Any = None) -> Outcome:
    """The pod runs and is ready, with this container and one of these images."""
    wanted = images.names(image)
    rule = f"Pod {name} runs and is ready: every container has started and passes its readiness probe."
    expected = f"pod {name} Ready" + (f", container {container}" if container else "")
    expected += f" from image {images.spoken(wanted)}" if wanted else ""
    pod = find(record, "Pod", name)
    if pod is None:
        return absent_trouble(record, "Pod", name).outcome(rule, expected)
    trouble = pod_trouble(record, pod, wanted) or shape_trouble(pod, "Pod", name, container, wanted)
    if trouble is not None:
        return trouble.outcome(rule, expected)
    statuses = items(pod, "status", "containerStatuses")
    ready = sum(status.get("ready") is True for status in statuses)
    since = when(condition_ready(pod), "lastTransitionTime")
    fact = f"{ready}/{len(statuses)} containers ready" + (f" since {clock(since)}" if since else "")
    uids = {f"Pod/{name}": clip(uid_of(pod), 60)}
    return passed(f"pod {name} is ready", fact, *_container_facts(pod, container), data={"uids": uids})


def condition_ready(pod: Object) -> Mapping[str, Any]:
    """The pod's condition Ready."""
    return next((found for found in items(pod, "status", "conditions") if found.get("type") == "Ready"), {})


def _container_facts(pod: Object, only: str) -> list[str]:
    return [
        f"container {clip(text(item, 'name'), 63)} from image {clip(text(item, 'image'), 120)}"
        for item in items(pod, "spec", "containers")[:4]
        if not only or item.get("name") == only
    ]


def shape_trouble(item: Object, kind: str, name: str, who: str, wanted: tuple[str, ...], *path: str) -> Trouble | None:
    """The container that is asked for is missing or has another image; ``path`` leads to the pod spec."""
    names = container_names(item, *path)
    command = f"kubectl get {kind.lower()} {name} -o yaml"
    where = ".".join(path or ("spec",))
    if who and who not in names:
        has = listed(names, 4) or "none"
        return Trouble(
            "wrong-container-name", Weight.WRONG, f"no container is named {who}; there is {has}",
            f"the container is named {has}, the lesson's is {who}",
            f"write name: {who} in the manifest, delete the pod and apply again"
            if kind == "Pod"
            else f"write name: {who} in the manifest and apply again",
            command, (Seen(f"{kind}/{name}", f"{where}.containers[].name", has),),
        )  # fmt: skip
    own = [container(item, who, *path)] if who else items(item, *(path or ("spec",)), "containers")
    if wanted and not any(images.allowed(text(found, "image"), wanted) for found in own):
        has = listed((text(found, "image") for found in own), 3) or "none"
        near = images.meant(text(own[0], "image"), wanted) if own else ""
        return Trouble(
            "wrong-image", Weight.WRONG, f"the image is {has}, not {images.spoken(wanted)}",
            f"the manifest that was applied says image: {has}", f"write image: {near or wanted[0]} and apply again",
            command, (Seen(f"{kind}/{name}", f"{where}.containers[{clip(who, 63)}].image", has),),
        )  # fmt: skip
    return None


def _change_wishes(record: Record, params: Mapping[str, Any]) -> Iterable[Wish]:
    yield from pod_wishes(record, params)
    pod = find(record, "Pod", str(params.get("name") or ""))
    if pod is not None and pod_ready(pod):
        yield Wish("reach", name_of(pod))


@check("image-changed", kinds=("Pod", "Event"), wishes=_change_wishes)
def image_changed(record: Record, /, *, name: str, container: str, image: Any) -> Outcome:
    """The same pod runs a new container of this image."""
    wanted = images.names(image)
    rule = f"Pod {name} is still the same pod, and its container {container} is a new one from {images.spoken(wanted)}."
    expected = f"a new container {container} from {images.spoken(wanted)} in the same pod"
    pod = find(record, "Pod", name)
    if pod is None:
        return absent_trouble(record, "Pod", name).outcome(rule, expected)
    trouble = _not_changed(record, pod, name, container, wanted)
    if trouble is not None:
        return trouble.outcome(rule, expected)
    status = container_status(pod, container)
    start, began = when(pod, "status", "startTime"), when(status, "state", "running", "startedAt")
    facts = [f"same pod: UID {clip(uid_of(pod), 60)}"]
    old = _id_before(record, pod, container)
    if old:
        facts.append(f"container {old[-12:]} ended, {_id(status)[-12:]} took its place")
    facts.append(
        f"running image {clip(text(status, 'image'), 120)}, {plural(number(status, 'restartCount') or 0, 'restart')}"
    )
    if start is not None and began is not None:
        facts.append(f"the pod started {clock(start)}, its container {clock(began)}: {duration(began - start)} later")
    sample = record.samples.get(f"pod/{name}")
    server = clip(sample.requests[-1].server, 60) if sample and sample.requests and sample.at > (began or 0.0) else ""
    if server:
        facts.append(f"its web server calls itself {server}")
    return passed(f"pod {name} runs a new container", *facts, data={"uids": {f"Pod/{name}": clip(uid_of(pod), 60)}})


def _id(status: Mapping[str, Any]) -> str:
    return clip(text(status, "containerID"), 120)


def _id_before(record: Record, pod: Object, who: str) -> str:
    """The ID of the container that ran in this pod before: from its history, else from its last state."""
    own = container_status(pod, who)
    for life in lives(record, "Pod", name_of(pod)):
        for version in reversed(life.versions) if life.uid == uid_of(pod) else ():
            found = _id(container_status(version.object, who))
            if found and found != _id(own):
                return found
    return clip(text(own, "lastState", "terminated", "containerID"), 120)


def _not_changed(record: Record, pod: Object, name: str, who: str, wanted: tuple[str, ...]) -> Trouble | None:
    shape = shape_trouble(pod, "Pod", name, who, ())
    if shape is not None:
        return shape
    image, status = text(container(pod, who), "image"), container_status(pod, who)
    command = f"kubectl describe pod {name}"
    seen = (
        Seen(f"Pod/{name}", f"spec.containers[{who}].image", clip(image, 120)),
        Seen(f"Pod/{name}", f"status.containerStatuses[{who}].image", clip(text(status, "image"), 120)),
        Seen(f"Pod/{name}", f"status.containerStatuses[{who}].restartCount", str(number(status, "restartCount"))),
    )
    if not images.allowed(image, wanted):
        return Trouble(
            "wrong-image", Weight.WRONG, f"the pod asks for image {clip(image, 120)}, not {images.spoken(wanted)}",
            "the manifest with the new image was not applied yet, or names another image",
            f"write image: {wanted[0] if wanted else ''} in the file, save it, apply it again", command, seen,
        )  # fmt: skip
    stuck = pod_trouble(record, pod, wanted)
    before = _id_before(record, pod, who)
    restarted = bool(before) or (number(status, "restartCount") or 0) > 0
    shown = text(status, "image")
    runs = not shown or shown.startswith("sha256:") or images.allowed(shown, wanted)
    if restarted and stuck is None and runs:
        return None if _changed_in_place(record, pod, who, wanted) else _new_pod(name, command, seen)
    if stuck is not None:
        return stuck
    if not _changed_in_place(record, pod, who, wanted):
        return _new_pod(name, command, seen)
    return Trouble(
        "same-container", Weight.PENDING, f"the new image is asked for, container {who} is still the old one",
        "the kubelet ends the old container and starts the new one within seconds", "wait a moment", command, seen,
    )  # fmt: skip


def _new_pod(name: str, command: str, seen: tuple[Seen, ...]) -> Trouble:
    return Trouble(
        "new-pod", Weight.WRONG, f"pod {name} was made with the new image from the start: it is another pod",
        "the pod was deleted and made again; an image can be changed in a living pod",
        "apply the file with the old image, wait for ready, then change the image and apply again", command, seen,
    )  # fmt: skip


def _changed_in_place(record: Record, pod: Object, who: str, wanted: tuple[str, ...]) -> bool:
    """Whether this very pod once asked for another image.

    Told by its recorded versions, by its generation (counts changes of a pod's spec since Kubernetes 1.35), or by
    the kubelet's event about the container's definition; without any of these a clean restart is taken for it.
    """
    for life in lives(record, "Pod", name_of(pod)):
        for version in life.versions if life.uid == uid_of(pod) else ():
            old = text(container(version.object, who), "image")
            if old and not images.allowed(old, wanted):
                return True
    generation = number(pod, "metadata", "generation")
    if generation is not None:
        return generation > 1
    told = [event_text(event) for event in events_of(record, "Pod", name_of(pod), uid_of(pod))]
    if any("definition changed" in line for line in told):
        return True
    status = container_status(pod, who)
    return number(status, "lastState", "terminated", "exitCode") == 0 and (number(status, "restartCount") or 0) > 0
