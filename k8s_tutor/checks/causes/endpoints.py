"""Why a Service does not lead to the pods it should: selector, port, strangers, readiness."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from k8s_tutor.checks.causes.pods import worst
from k8s_tutor.checks.causes.trouble import Trouble, Weight
from k8s_tutor.checks.outcome import Seen
from k8s_tutor.checks.reading import (
    Mapped,
    alive,
    container_ports,
    controller,
    going,
    items,
    labels_of,
    mapping,
    matches,
    name_of,
    pod_ready,
    text,
    uid_of,
)
from k8s_tutor.checks.words import clip, did_you_mean, listed, plural
from k8s_tutor.kube.record import Object, Record


@dataclass(frozen=True)
class Endpoint:
    """One address behind a Service: the pod it belongs to (empty name: none is told) and whether it is ready."""

    pod: str
    uid: str
    address: str
    ready: bool


def endpoints(record: Record, service: str) -> list[Endpoint]:
    """The endpoints of all EndpointSlices of this Service; ending ones are not ready."""
    found: dict[tuple[str, str], Endpoint] = {}
    for piece in alive(record, "EndpointSlice"):
        if labels_of(piece).get("kubernetes.io/service-name") != service or going(piece):
            continue
        for item in items(piece, "endpoints"):
            state, about = mapping(item, "conditions"), mapping(item, "targetRef")
            addresses = item.get("addresses")
            address = addresses[0] if isinstance(addresses, list) and addresses else ""
            ready = state.get("ready") is not False and state.get("terminating") is not True
            name = text(about, "name") if about.get("kind") in (None, "Pod") else ""
            one = Endpoint(name, text(about, "uid"), clip(address, 60), ready)
            if (one.pod, one.address) not in found or ready:
                found[one.pod, one.address] = one
    return list(found.values())


def ready_names(record: Record, service: str) -> frozenset[str]:
    """The names of the pods that are ready endpoints of the Service."""
    return frozenset(one.pod or one.address for one in endpoints(record, service) if one.ready)


def headless(service: Object) -> bool:
    """Whether the Service has no address of its own."""
    return mapping(service, "spec").get("clusterIP") == "None"


def service_trouble(record: Record, service: Object, pods: Sequence[Object], labels: Mapped) -> Trouble | None:
    """What keeps the Service from leading to exactly the ready ones of ``pods``; None where nothing does.

    ``labels`` are those that every such pod has (of the template), for a selector that finds none of them.
    """
    return (
        _headless(service)
        or _selector(service, labels, pods)
        or _target_port(record, service, pods)
        or _strangers(record, service, pods)
        or _missing(record, service, pods)
    )


def _command(service: Object) -> str:
    return f"kubectl get endpointslices -l kubernetes.io/service-name={clip(name_of(service), 80)} -o yaml"


def _headless(service: Object) -> Trouble | None:
    name = clip(name_of(service), 80)
    if not headless(service):
        return None
    return Trouble(
        "headless", Weight.WRONG, f"Service {name} has no address of its own (clusterIP: None)",
        "a headless Service only gives the pods' names to DNS, nothing stands before them",
        f"take clusterIP: None out, delete Service {name} and make it again", f"kubectl get service {name}",
        (Seen(f"Service/{name}", "spec.clusterIP", "None"),),
    )  # fmt: skip


def _selector(service: Object, labels: Mapped, pods: Sequence[Object]) -> Trouble | None:
    name, selector = clip(name_of(service), 80), mapping(service, "spec", "selector")
    shown = listed((f"{key}={value}" for key, value in selector.items()), 4) or "nothing"
    if selector and all(matches(selector, labels_of(pod)) for pod in pods) and (pods or matches(selector, labels)):
        return None
    near = [f"{did_you_mean(str(key), [str(own) for own in labels]) or key}" for key in selector if key not in labels]
    wrong = [str(key) for key, value in selector.items() if key in labels and labels.get(key) != value]
    hint = listed(f"{key}={labels.get(key)}" for key in [*near, *wrong] if key in labels)
    has = listed((f"{key}={value}" for key, value in labels.items() if key != "pod-template-hash"), 4) or "no labels"
    return Trouble(
        "selector-misses-pods", Weight.WRONG, f"Service {name} selects {shown}; the pods have {has}",
        f"the Service's selector and the pods' labels differ{f': {hint} is meant' if hint else ''}",
        f"correct spec.selector of Service {name}: it must name labels that the pods have",
        "kubectl get pods --show-labels",
        (Seen(f"Service/{name}", "spec.selector", shown), Seen("the pods", "metadata.labels", has)),
    )  # fmt: skip


def _target_port(record: Record, service: Object, pods: Sequence[Object]) -> Trouble | None:
    """A targetPort that no container declares; one that nothing is declared against is left to the probe."""
    sample = record.samples.get(name_of(service))
    if sample is not None and any(request.status == 200 for request in sample.requests):
        return None
    declared = [port for pod in pods for port in container_ports(pod)]
    if not declared:
        return None
    names = {port.get("name") for port in declared}
    numbers = {port.get("containerPort") for port in declared}
    for index, port in enumerate(items(service, "spec", "ports")):
        target = port.get("targetPort", port.get("port"))
        if target in (names if isinstance(target, str) else numbers):
            continue
        return target_port_trouble(service, index, target, declared)
    return None


def target_port_trouble(service: Object, index: int, target: object, declared: Sequence[Mapped]) -> Trouble:
    """The trouble of a Service port that goes to where no container listens."""
    name = clip(name_of(service), 80)
    number = clip(declared[0].get("containerPort"), 20) if declared else ""
    own = clip(declared[0].get("name"), 40) if declared else ""
    listens = f"the pods listen on {number}" + (f' ("{own}")' if own else "") if number else "nothing listens there"
    return Trouble(
        "wrong-target-port", Weight.WRONG, f"Service {name} sends to port {clip(target, 40)}; {listens}",
        f"the Service sends to port {clip(target, 40)} (spec.ports[{index}].targetPort), {listens}",
        f"write targetPort: {number or 'the port that the container listens on'} in the Service and apply it",
        f"kubectl describe service {name}",
        (
            Seen(f"Service/{name}", f"spec.ports[{index}].targetPort", clip(target, 40)),
            Seen("the pods", "spec.containers[].ports[].containerPort", f"{number} {own}".strip()),
        ),
    )  # fmt: skip


def _strangers(record: Record, service: Object, pods: Sequence[Object]) -> Trouble | None:
    """Ready endpoints that are none of the pods."""
    name = clip(name_of(service), 80)
    own = {name_of(pod) for pod in pods}
    there = {name_of(pod): pod for pod in alive(record, "Pod")}
    others = sorted(one for one in ready_names(record, name_of(service)) if one not in own)
    if not others:
        return None
    first = there.get(others[0])
    if first is None:
        # Ended a moment ago: the slices follow.
        return Trouble(
            "converging", Weight.PENDING, f"{clip(others[0], 80)} is still an endpoint of {name}",
            "the pod is gone, the endpoints follow within a second", "", _command(service),
        )  # fmt: skip
    owner = controller(first)
    if owner.get("kind") == "ReplicaSet" and any(controller(pod).get("kind") == "ReplicaSet" for pod in pods):
        about = f"it belongs to ReplicaSet {clip(owner.get('name'), 80)}"
    elif owner:
        about = f"it belongs to {clip(owner.get('kind'), 40)} {clip(owner.get('name'), 80)}"
    else:
        about = "it is a bare pod with the same label"
    who = listed(others, 4)
    labels = listed((f"{key}={value}" for key, value in mapping(service, "spec", "selector").items()), 3)
    return Trouble(
        "stray-pod", Weight.WRONG, f"Service {name} also leads to {who}",
        f"pod {clip(others[0], 80)} is not of the Deployment, but the selector {labels} catches it: {about}",
        f"kubectl get pods -l {labels}" if owner else f"kubectl delete pod {clip(others[0], 80)}",
        _command(service),
        tuple(Seen(f"Pod/{clip(one, 80)}", "metadata.labels", labels) for one in others[:4]),
    )  # fmt: skip


def _missing(record: Record, service: Object, pods: Sequence[Object]) -> Trouble | None:
    """Ready pods that are no endpoints yet, or no ready pod at all."""
    name = clip(name_of(service), 80)
    found = ready_names(record, name_of(service))
    ready = [pod for pod in pods if pod_ready(pod)]
    absent = [name_of(pod) for pod in ready if name_of(pod) not in found]
    if absent:
        return Trouble(
            "converging", Weight.PENDING,
            f"{plural(len(absent), 'ready pod')} not yet behind {name}: {listed(absent, 4)}",
            "the endpoints follow the pods within a second", "", _command(service),
            (Seen(f"Service/{name}", "ready endpoints", str(len(found))),),
        )  # fmt: skip
    if ready:
        return None
    stuck = worst(record, pods)
    if stuck is not None:
        return Trouble(
            stuck.id if stuck.weight is Weight.WRONG else "no-endpoints", stuck.weight,
            f"Service {name} has no ready endpoint: {stuck.found}",
            stuck.text, stuck.look_at, stuck.command, stuck.seen, stuck.turns,
        )  # fmt: skip
    return Trouble(
        "no-endpoints", Weight.WRONG, f"Service {name} has no endpoint: there is no pod behind it",
        "no pod with the labels of the selector exists", "kubectl get pods --show-labels", _command(service),
        (Seen(f"Service/{name}", "ready endpoints", "0"),),
    )  # fmt: skip


def selected(record: Record, service: Object) -> list[Object]:
    """The pods that the Service's selector finds, those being deleted left out."""
    selector = mapping(service, "spec", "selector")
    return [pod for pod in alive(record, "Pod") if matches(selector, labels_of(pod)) and not going(pod) and uid_of(pod)]
