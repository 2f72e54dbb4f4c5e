"""Questions whose answers the live cluster gives: read by the learner, compared with the cluster at that moment.

A wrong answer is told what is wrong with it, never what the right one is.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from k8s_tutor.checks import images
from k8s_tutor.checks.causes.absent import absent_trouble
from k8s_tutor.checks.causes.trouble import Trouble, Weight
from k8s_tutor.checks.check import Wish, check
from k8s_tutor.checks.fields import BUILT_IN, required_below
from k8s_tutor.checks.outcome import Outcome, Seen, passed
from k8s_tutor.checks.reading import (
    container,
    container_names,
    container_status,
    current_replicaset,
    events_of,
    find,
    items,
    labels_of,
    mapping,
    name_of,
    text,
    uid_of,
    when,
)
from k8s_tutor.checks.words import clip, did_you_mean, duration
from k8s_tutor.kube.record import Object, Record

Params = Mapping[str, Any]


def _judge(
    record: Record, question: str, asks: str, command: str, wrong: Callable[[str], str], fact: str, right: str | None
) -> Outcome:
    """Compare the learner's answer; ``wrong`` says what is wrong with it, empty where it is right."""
    rule = f"Your answer tells {asks}, as the cluster has it now."
    given = clip(record.answers.get(question, ""), 200)
    seen = (Seen("answer", clip(question, 60), given),)
    if not given:
        return Trouble(
            "no-answer", Weight.WRONG, "there is no answer yet", "the question was not answered yet",
            f"find it with: {command}; then answer", command, seen,
        ).outcome(rule, asks)  # fmt: skip
    if right is None:
        return Trouble(
            "converging",
            Weight.PENDING,
            f"the cluster does not tell {asks} yet",
            "the object is still starting",
            "",
            command,
            seen,
        ).outcome(rule, asks)
    told = wrong(given)
    if told:
        return Trouble(
            "wrong-answer",
            Weight.WRONG,
            f"you answered {given!r}: {told}",
            told,
            f"look again: {command}",
            command,
            seen,
        ).outcome(rule, asks)
    return passed(f"{given!r} is right", fact or f"you answered {given}", data={"answer": given})


def _pod(record: Record, name: str, asks: str) -> Object | Outcome:
    pod = find(record, "Pod", name)
    if pod is None:
        return absent_trouble(record, "Pod", name).outcome(f"Your answer tells {asks}.", f"pod {name}, to read it from")
    return pod


def _deployment(record: Record, name: str, asks: str) -> Object | Outcome:
    deployment = find(record, "Deployment", name)
    if deployment is None:
        return absent_trouble(record, "Deployment", name).outcome(f"Your answer tells {asks}.", f"Deployment {name}")
    return deployment


def _own_container(pod: Object, only: str) -> str:
    """The name of the container that is asked about: the given one, else the first."""
    names = [name for name in container_names(pod) if name]
    return only or (names[0] if names else "")


def _plain(answer: str) -> str:
    """An answer without quotes, a leading ``name:`` or a full stop."""
    return answer.strip().strip("\"'`").strip().rstrip(".").strip()


def _expected(
    kind: str, reader: Callable[[Record, Object, Params], str | None]
) -> Callable[[Record, Params], str | None]:
    """The right answer as read from the object that the parameters name; None where it is not there."""

    def answer(record: Record, params: Params) -> str | None:
        item = find(record, kind, str(params.get(kind.lower()) or ""))
        return (reader(record, item, params) or None) if item is not None else None

    return answer


_pod_ip = _expected("Pod", lambda record, pod, params: text(pod, "status", "podIP"))


@check("answer-pod-ip", kinds=("Pod",), expected_answer=_pod_ip)
def answer_pod_ip(record: Record, /, *, pod: str, question: str = "") -> Outcome:
    """The learner tells the pod's IP, as it is now."""
    asks = f"the IP of pod {pod}"
    item = _pod(record, pod, asks)
    if isinstance(item, Outcome):
        return item
    right = text(item, "status", "podIP") or None
    also = {text(entry, "ip") for entry in items(item, "status", "podIPs")} | {right}

    def wrong(answer: str) -> str:
        given = _plain(answer).removeprefix("http://").rstrip("/")
        try:
            address = str(ipaddress.ip_address(given.strip("[]")))
        except ValueError:
            return "that is not an IP address"
        if address in also:
            return ""
        host = text(item, "status", "hostIP")
        return "that is the address of its node" if address == host else "that is not the address the pod has now"

    return _judge(
        record, question, asks, f"kubectl get pod {pod} -o wide", wrong, f"pod {pod} has IP {clip(right, 60)}", right
    )


_name = _expected("Pod", lambda record, pod, params: _own_container(pod, ""))


@check("answer-container-name", kinds=("Pod",), expected_answer=_name)
def answer_container_name(record: Record, /, *, pod: str, question: str = "") -> Outcome:
    """The learner tells the name of a container of the pod."""
    asks = f"the name of the container in pod {pod}"
    item = _pod(record, pod, asks)
    if isinstance(item, Outcome):
        return item
    names = container_names(item)

    def wrong(answer: str) -> str:
        given = _plain(answer)
        if given in names:
            return ""
        if given == pod:
            return "that is the name of the pod, not of its container"
        if any(images.same(given, text(entry, "image")) for entry in items(item, "spec", "containers")):
            return "that is the image that the container is made from"
        return "no container of the pod has that name"

    return _judge(record, question, asks, f"kubectl describe pod {pod}", wrong, "", names[0] if names else None)


def _image_of(record: Record, pod: Object, params: Params) -> str | None:
    return text(container(pod, _own_container(pod, str(params.get("container") or ""))), "image")


@check("answer-image", kinds=("Pod",), expected_answer=_expected("Pod", _image_of))
def answer_image(record: Record, /, *, pod: str, container: str = "", question: str = "") -> Outcome:
    """The learner tells the image of the container, in any form that means the same."""
    asks = f"the image of the container in pod {pod}"
    item = _pod(record, pod, asks)
    if isinstance(item, Outcome):
        return item
    right = _image_of(record, item, {"container": container}) or None
    status = text(container_status(item, _own_container(item, container)), "image")

    def wrong(answer: str) -> str:
        given = _plain(answer)
        if any(images.same(given, own) for own in (right or "", status) if own):
            return ""
        mine, theirs = images.normalise(given), images.normalise(right or "")
        if mine and theirs and mine.repository == theirs.repository:
            return "the image's name is right, its tag is another"
        return "the container is made from another image"

    return _judge(record, question, asks, f"kubectl describe pod {pod}", wrong, "", right)


def _reasons(record: Record, pod: Object) -> list[str]:
    return [
        text(event, "reason") for event in events_of(record, "Pod", name_of(pod), uid_of(pod)) if text(event, "reason")
    ]


_reason = _expected("Pod", lambda record, pod, params: next(iter(_reasons(record, pod)), None))


@check("answer-event", kinds=("Pod", "Event"), expected_answer=_reason)
def answer_event(record: Record, /, *, pod: str, question: str = "") -> Outcome:
    """The learner tells the reason of one of the pod's events."""
    asks = f"the reason of an event of pod {pod}"
    item = _pod(record, pod, asks)
    if isinstance(item, Outcome):
        return item
    reasons = _reasons(record, item)

    def wrong(answer: str) -> str:
        given = _plain(answer)
        if any(given.lower() == reason.lower() for reason in reasons):
            return ""
        if given in ("Normal", "Warning"):
            return "that is the type of an event; its reason stands in the next column"
        if given.lower() in ("kubelet", "default-scheduler"):
            return "that is who told of the event; its reason is one word too"
        return "no event of the pod has that reason"

    return _judge(record, question, asks, f"kubectl describe pod {pod}", wrong, "", reasons[0] if reasons else None)


def _required(record: Record, kind: str, path: str) -> list[str]:
    """The required fields below ``path`` of a kind, by the live schema, else by what is built in."""
    steps = re.findall(r"[^.\[\]]+", path)
    live = mapping(record.schema, kind)
    found = required_below(live, steps) if live else ()
    if found:
        return [str(name) for name in found]
    shape: Any = BUILT_IN.get(kind)
    for step in steps:
        shape = shape[0] if isinstance(shape, list) else shape
        shape = shape.get(step) if isinstance(shape, dict) else None
    shape = shape[0] if isinstance(shape, list) else shape
    return [str(name) for name in shape["!"]] if isinstance(shape, dict) and shape.get("!") else []


def _schema_wish(record: Record, params: Params) -> Iterable[Wish]:
    return (Wish("schema", str(params.get("kind") or "Pod")),)


def _required_answer(record: Record, params: Params) -> str | None:
    found = _required(record, str(params.get("kind") or "Pod"), str(params.get("path") or "spec.containers"))
    return found[0] if found else None


@check("answer-required-field", wishes=_schema_wish, expected_answer=_required_answer)
def answer_required_field(
    record: Record, /, *, kind: str = "Pod", path: str = "spec.containers", question: str = ""
) -> Outcome:
    """The learner tells a field that the API requires below this path: its name alone or its whole path."""
    asks = f"a required field of {kind.lower()}.{path}"
    required = _required(record, kind, path)
    parts = [step.lower() for step in re.findall(r"[^.\[\]]+", path)]

    def wrong(answer: str) -> str:
        # name, .name, containers[].name, spec.containers.name, pod.spec.containers.name: all mean the same.
        given = [
            step for step in re.findall(r"[^.\[\]<>*\s:]+", re.sub(r"\[[^\]]*\]", "", _plain(answer)).lower()) if step
        ]
        if given and given[-1] in ("string", "-required-", "required"):
            given = [step for step in given if step not in ("string", "-required-", "required")]
        if not given:
            return "that names no field"
        *above, last = given
        whole = [kind.lower(), *parts]
        if last in [name.lower() for name in required]:
            return (
                ""
                if above == whole[len(whole) - len(above) :] or not above
                else "a field of that name is meant elsewhere"
            )
        return "the schema does not mark that field as -required-"

    command = f"kubectl explain {kind.lower()}.{path}"
    return _judge(record, question, asks, command, wrong, "", required[0] if required else None)


def _age_gap(pod: Object, only: str) -> float | None:
    """Seconds from the pod's start to the start of its container as it runs now."""
    start = when(pod, "status", "startTime")
    began = when(container_status(pod, _own_container(pod, only)), "state", "running", "startedAt")
    return began - start if start is not None and began is not None else None


def _gap_text(record: Record, pod: Object, params: Params) -> str | None:
    gap = _age_gap(pod, str(params.get("container") or ""))
    return f"{gap:.0f}s" if gap is not None else None


@check("answer-age-gap", kinds=("Pod",), expected_answer=_expected("Pod", _gap_text))
def answer_age_gap(
    record: Record, /, *, pod: str, container: str = "", tolerance: float = 1, question: str = ""
) -> Outcome:
    """The learner tells by how many seconds the pod's start is older than its container's."""
    asks = f"by how much pod {pod} started before its container"
    item = _pod(record, pod, asks)
    if isinstance(item, Outcome):
        return item
    gap = _age_gap(item, container)

    def wrong(answer: str) -> str:
        given = seconds_of(_plain(answer))
        if given is None:
            return "that is no length of time; write 75, 75s or 1m15s"
        if gap is None or abs(given - gap) <= tolerance:
            return ""
        return "that is too long" if given > gap else "that is too short"

    right = f"{gap:.0f}" if gap is not None else None
    fact = f"the pod started {duration(gap)} before its container" if gap is not None else ""
    return _judge(record, question, asks, f"kubectl get pod {pod} -o yaml", wrong, fact, right)


_PART = re.compile(r"(\d+(?:[.,]\d+)?)\s*(days?|d|hours?|hrs?|h|minutes?|mins?|min|m|seconds?|secs?|sec|s)?", re.I)
_SIZES = {"d": 86400, "h": 3600, "m": 60, "s": 1}


def seconds_of(answer: str) -> float | None:
    """A length of time as learners write it: ``75``, ``75s``, ``1m15s``, ``1 min 15 s``, ``00:01:15``; None if none."""
    if len(answer) > 60:
        return None
    clocked = re.fullmatch(r"(?:(\d{1,4}):)?(\d{1,4}):(\d{1,4})", answer.strip())
    if clocked:
        hours, minutes, seconds = (int(part or 0) for part in clocked.groups())
        return float(hours * 3600 + minutes * 60 + seconds)
    rest = re.sub(r"\b(and|about)\b|~", " ", answer.strip().lower())
    total, place = 0.0, 0
    found = False
    for match in _PART.finditer(rest):
        if rest[place : match.start()].strip(" ,"):
            return None
        total += float(match[1].replace(",", ".")) * _SIZES[(match[2] or "s")[0]]
        place, found = match.end(), True
    return total if found and not rest[place:].strip() else None


_strategy = _expected("Deployment", lambda record, item, params: text(item, "spec", "strategy", "type"))


@check("answer-strategy", kinds=("Deployment",), expected_answer=_strategy)
def answer_strategy(record: Record, /, *, deployment: str, question: str = "") -> Outcome:
    """The learner tells the Deployment's update strategy."""
    asks = f"the update strategy of Deployment {deployment}"
    item = _deployment(record, deployment, asks)
    if isinstance(item, Outcome):
        return item
    right = text(item, "spec", "strategy", "type") or None

    def wrong(answer: str) -> str:
        given = re.sub(r"[\s_-]", "", _plain(answer)).lower()
        given = {"rolling": "rollingupdate"}.get(given, given)
        if right and given == right.lower():
            return ""
        known = did_you_mean(given, ["RollingUpdate", "Recreate"])
        return "that is the other strategy" if known else "there is no strategy of that name; it is in StrategyType"

    return _judge(record, question, asks, f"kubectl describe deployment {deployment}", wrong, "", right)


def _hash(record: Record, deployment: Object, params: Params) -> str | None:
    found = labels_of(current_replicaset(record, deployment)).get("pod-template-hash")
    return found if isinstance(found, str) else None


@check("answer-template-hash", kinds=("Deployment", "ReplicaSet"), expected_answer=_expected("Deployment", _hash))
def answer_template_hash(record: Record, /, *, deployment: str, question: str = "") -> Outcome:
    """The learner tells the pod-template-hash of the Deployment's current ReplicaSet."""
    asks = f"the pod template's hash of Deployment {deployment}"
    item = _deployment(record, deployment, asks)
    if isinstance(item, Outcome):
        return item
    current = current_replicaset(record, item)
    right = _hash(record, item, {})

    def wrong(answer: str) -> str:
        given = _plain(answer).rpartition("=")[2]
        if given == right or (current is not None and given == name_of(current)):
            return ""
        if right and given.startswith(f"{name_of(current or {})}-"):
            return "that is the name of a pod: the hash is the part before the last dash"
        return "the pods of the Deployment do not carry that hash"

    return _judge(record, question, asks, "kubectl get pods --show-labels", wrong, "", right)
