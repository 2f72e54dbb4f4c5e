"""Claims about Services: what stands behind them, and who really answers."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from k8s_tutor.checks.causes.absent import absent_trouble
from k8s_tutor.checks.causes.endpoints import (
    headless,
    ready_names,
    selected,
    service_trouble,
    target_port_trouble,
)
from k8s_tutor.checks.causes.trouble import Trouble, Weight
from k8s_tutor.checks.check import Wish, check
from k8s_tutor.checks.deployments import fleet_wishes
from k8s_tutor.checks.outcome import Outcome, Seen, passed, skipped
from k8s_tutor.checks.reading import (
    alive,
    container_ports,
    created,
    find,
    going,
    items,
    labels_of,
    mapping,
    name_of,
    pod_ready,
    sent_to,
    text,
    uid_of,
)
from k8s_tutor.checks.rollout import Fleet, fleet
from k8s_tutor.checks.words import clip, duration, listed, plural, short_name
from k8s_tutor.kube.record import Object, Record, Sample

KINDS = ("Service", "EndpointSlice", "Pod", "Deployment", "ReplicaSet", "Event")
ADDRESS_PATIENCE = 15.0
"""Seconds after which a Service without an external address shows that the cluster gives out none."""


def _wishes(record: Record, params: Mapping[str, Any]) -> Iterable[Wish]:
    name = str(params.get("name") or "")
    if name and find(record, "Service", name) is None:
        yield Wish("others", name, {"kind": "Service"})
    if params.get("deployment"):
        yield from fleet_wishes(record, {"name": params["deployment"]})


def _sample_wishes(record: Record, params: Mapping[str, Any]) -> Iterable[Wish]:
    """Ask for a sample only where it can say something: the Service has an address and ready endpoints."""
    yield from _wishes(record, params)
    name = str(params.get("name") or "")
    service = find(record, "Service", name)
    if service is not None and not headless(service) and ready_names(record, name):
        yield Wish("sample", name, {"every": bool(params.get("deployment"))}, needed=True)


@check("service-selects", kinds=KINDS, wishes=_wishes)
def service_selects(
    record: Record,
    /,
    *,
    name: str,
    deployment: str,
    type: Any = "ClusterIP",  # noqa: A002 - the word of the manifest
    port: int = 0,
) -> Outcome:
    """The Service stands before exactly the ready pods of the Deployment."""
    rule = f"Service {name} leads to the ready pods of Deployment {deployment}, to all of them and to no other."
    expected = f"Service {name} of type {_words(type)}, its ready endpoints the ready pods of {deployment}"
    both = _pair(record, name, deployment)
    if isinstance(both, Trouble):
        return both.outcome(rule, expected)
    service, found = both
    trouble = _shape(service, _types(type), port) or _trouble(record, service, found)
    if trouble is not None:
        return trouble.outcome(rule, expected)
    count = len(ready_names(record, name))
    return passed(
        f"{name} leads to {plural(count, 'ready pod')}",
        f"{name} has address {clip(text(service, 'spec', 'clusterIP'), 60)}, {_ports(service)}",
        f"behind it: {listed(sorted(short_name(one) for one in ready_names(record, name)), 10)}",
        data={"uids": {f"Service/{name}": clip(uid_of(service), 60)}},
    )


def _types(value: object) -> tuple[str, ...]:
    return (value,) if isinstance(value, str) else tuple(item for item in value if isinstance(item, str)) if isinstance(
        value, list | tuple
    ) else ()  # fmt: skip


def _words(value: object) -> str:
    return listed(_types(value), last="or") or "any"


def _ports(service: Object) -> str:
    pairs = [
        f"port {clip(port.get('port'), 10)} to {clip(port.get('targetPort', port.get('port')), 40)}"
        for port in items(service, "spec", "ports")[:4]
    ]
    return listed(pairs) or "no port"


def _pair(record: Record, name: str, deployment: str) -> tuple[Object, Fleet] | Trouble:
    """The Service and the Deployment, or why one of them is not there."""
    found = fleet(record, deployment)
    if found is None:
        return absent_trouble(record, "Deployment", deployment)
    service = find(record, "Service", name)
    if service is None:
        return absent_trouble(record, "Service", name, dict(labels_of(found.deployment)))
    return service, found


def _shape(service: Object, types: tuple[str, ...], port: int) -> Trouble | None:
    name, own = clip(name_of(service), 80), text(service, "spec", "type") or "ClusterIP"
    if types and own not in types:
        return Trouble(
            "wrong-service-type", Weight.WRONG,
            f"Service {name} is of type {clip(own, 40)}, not {listed(types, last='or')}",
            f"spec.type is {clip(own, 40)}", f"write type: {types[0]} in the Service and apply it",
            f"kubectl get service {name}",
            (Seen(f"Service/{name}", "spec.type", clip(own, 40)),),
        )  # fmt: skip
    ports = [item.get("port") for item in items(service, "spec", "ports")]
    if port and port not in ports and not headless(service):
        has = listed(ports, 4) or "none"
        return Trouble(
            "wrong-port", Weight.WRONG, f"Service {name} has port {has}, not {port}", "callers use another port number",
            f"write port: {port} in the Service and apply it", f"kubectl get service {name}",
            (Seen(f"Service/{name}", "spec.ports[].port", has),),
        )  # fmt: skip
    return None


def _trouble(record: Record, service: Object, found: Fleet) -> Trouble | None:
    labels = mapping(found.deployment, "spec", "template", "metadata", "labels")
    trouble = service_trouble(record, service, found.pods, labels)
    older = {name_of(pod) for pod in found.others}
    if (
        trouble is not None
        and trouble.id == "stray-pod"
        and older >= {seen.object.removeprefix("Pod/") for seen in trouble.seen}
    ):
        return Trouble(
            "converging",
            Weight.PENDING,
            trouble.found,
            "a rollout is under way, older pods still answer",
            "",
            trouble.command,
        )
    return trouble


@check("service-reachable", kinds=KINDS, wishes=_sample_wishes)
def service_reachable(record: Record, /, *, name: str) -> Outcome:
    """The Service answers at its own address, asked from inside the cluster."""
    rule = f"A request to Service {name}, from inside the cluster, is answered with status 200."
    expected = f"{name} answers 200 at its cluster address"
    service = find(record, "Service", name)
    if service is None:
        return absent_trouble(record, "Service", name).outcome(rule, expected)
    sample = _fresh(record, service)
    good = sum(request.status == 200 for request in sample.requests) if sample else 0
    if sample is not None and good:
        return passed(
            f"{name} answers",
            f"{good} of {plural(len(sample.requests), 'request')} to {clip(sample.target, 80)} answered",
        )
    pods = selected(record, service)
    labels = mapping(service, "spec", "selector") if pods else {}
    trouble = service_trouble(record, service, pods, labels) if pods else _nobody(record, service)
    trouble = trouble or _silent(record, service, sample, pods)
    return trouble.outcome(rule, expected)


def _nobody(record: Record, service: Object) -> Trouble | None:
    """A Service whose selector finds no pod: the labels that pods do have may tell why."""
    if headless(service):
        return service_trouble(record, service, (), {})
    pods = sorted((pod for pod in alive(record, "Pod") if not going(pod)), key=pod_ready, reverse=True)
    if not pods:
        return service_trouble(record, service, (), mapping(service, "spec", "selector"))
    return service_trouble(record, service, pods[:1], labels_of(pods[0]))


def _fresh(record: Record, service: Object) -> Sample | None:
    """The sample, if it was sent to the address that the Service has now."""
    sample = record.samples.get(name_of(service))
    return sample if sample is not None and sent_to(sample, text(service, "spec", "clusterIP")) else None


def _silent(record: Record, service: Object, sample: Sample | None, pods: list[Object]) -> Trouble:
    """A Service that looks right and does not answer, or that was not asked yet."""
    name = clip(name_of(service), 80)
    command = f"kubectl describe service {name}"
    if sample is None or not sample.requests:
        why = clip(sample.reason, 160) if sample else ""
        return Trouble(
            "converging", Weight.BUSY, f"{name} was not asked yet{f': {why}' if why else ''}",
            "the tutor's own requests are still to come", "", command,
        )  # fmt: skip
    errors = sorted({clip(request.error, 100) or f"status {request.status}" for request in sample.requests})
    found = (
        f"0 of {plural(len(sample.requests), 'request')} to {clip(sample.target, 80)} answered 200: {listed(errors, 2)}"
    )
    seen = (Seen(clip(sample.target, 80), value=listed(errors, 2)),)
    refused = any("refused" in error.lower() for error in errors)
    if refused or any(request.status is not None for request in sample.requests):
        port = next(iter(items(service, "spec", "ports")), {})
        declared = [item for pod in pods for item in container_ports(pod)]
        base = target_port_trouble(service, 0, port.get("targetPort", port.get("port")), declared)
        return Trouble(base.id, Weight.WRONG, found, base.text, base.look_at, command, seen + base.seen)
    return Trouble(
        "api-unreachable", Weight.BROKEN, found, "the requests got lost on the way, though the Service looks right",
        "k8s-tutor doctor", command, seen,
    )  # fmt: skip


@check("service-balances", kinds=KINDS, wishes=_sample_wishes)
def service_balances(record: Record, /, *, name: str, deployment: str) -> Outcome:
    """Every ready pod of the Deployment answers through the Service.

    Many requests, each over a new connection, and the pods' own logs tell who answered. kube-proxy draws a pod
    at random: so many requests are sent that an honest Service fails once in a million.
    """
    rule = f"Every ready pod of Deployment {deployment} answers requests sent to Service {name}."
    both = _pair(record, name, deployment)
    if isinstance(both, Trouble):
        return both.outcome(rule, f"every ready pod of {deployment} answers through {name}")
    service, found = both
    expected = f"{plural(len(found.ready), 'pod')} answer on {clip(text(service, 'spec', 'clusterIP'), 60)}"
    trouble = _trouble(record, service, found) or _affinity(service)
    sample = _fresh(record, service)
    if trouble is None:
        trouble = _unproven(record, service, found, sample)
    if trouble is not None or sample is None:
        observed = _counts(found, sample) if sample and trouble and trouble.weight is Weight.WRONG else ""
        trouble = trouble or _silent(record, service, sample, list(found.pods))
        return trouble.outcome(rule, expected, observed=f"{observed}; {trouble.found}" if observed else "")
    counts = {pod: sample.answered.get(pod, 0) for pod in sorted(sample.expected)}
    low, high = min(counts.values()), max(counts.values())
    return passed(
        f"{len(counts)} of {plural(len(counts), 'pod')} answered",
        f"{plural(len(sample.requests), 'request')} to {clip(sample.target, 80)}, each a new connection",
        "answers: " + listed((f"{short_name(pod)} {count}" for pod, count in counts.items()), 12),
        f"not in turn: kube-proxy draws a pod at random for each connection, here {low} to {high} times each",
        data={"answered": {clip(pod, 80): count for pod, count in counts.items()}, "requests": len(sample.requests)},
    )


def _counts(found: Fleet, sample: Sample) -> str:
    names = [name_of(pod) for pod in found.ready]
    heard = sum(sample.answered.get(pod, 0) > 0 for pod in names)
    return f"{heard} of {plural(len(names), 'pod')} answered {plural(len(sample.requests), 'request')}"


def _affinity(service: Object) -> Trouble | None:
    name = clip(name_of(service), 80)
    if text(service, "spec", "sessionAffinity") != "ClientIP":
        return None
    return Trouble(
        "session-affinity", Weight.WRONG, f"Service {name} sends one caller always to the same pod",
        "spec.sessionAffinity is ClientIP: all requests from one address go to one pod",
        "take sessionAffinity: ClientIP out of the Service and apply it", f"kubectl get service {name} -o yaml",
        (Seen(f"Service/{name}", "spec.sessionAffinity", "ClientIP"),),
    )  # fmt: skip


def _unproven(record: Record, service: Object, found: Fleet, sample: Sample | None) -> Trouble | None:
    """Why the sample does not prove the claim; None where it does."""
    name = clip(name_of(service), 80)
    command = (
        f"kubectl logs -l pod-template-hash={clip(labels_of(found.replicaset).get('pod-template-hash'), 40)} --prefix"
    )
    if sample is None:
        return _silent(record, service, None, list(found.pods))
    if not sample.complete:
        told = clip(sample.reason, 160) or "it was cut short"
        return Trouble(
            "converging", Weight.BROKEN, f"the requests to {name} prove nothing: {told}",
            "the tutor could not finish its requests, or not read the logs", "it tries again by itself", command,
        )  # fmt: skip
    if sample.expected != sample.expected_after:
        return Trouble(
            "converging", Weight.BROKEN, f"the pods behind {name} changed while they were asked",
            "a pod came or went during the requests, so they prove nothing", "it tries again by itself", command,
        )  # fmt: skip
    names = frozenset(name_of(pod) for pod in found.ready)
    if sample.expected != names:
        return Trouble(
            "converging", Weight.BUSY, f"the pods behind {name} are others than those that were asked",
            "the pods changed since the requests were sent; they are sent again", "", command,
        )  # fmt: skip
    strangers = {who: count for who, count in sample.answered.items() if who not in sample.expected and count > 0}
    seen = tuple(
        Seen(f"log of {clip(pod, 80)}", value=f"{sample.answered.get(pod, 0)} requests") for pod in sorted(names)[:12]
    )
    if strangers:
        count = sum(strangers.values())
        known = listed((who for who in strangers if who != "?"), 3)
        return Trouble(
            "stray-pod", Weight.WRONG, f"{plural(count, 'answer')} came from {known or 'none of the pods'}",
            "something that is not of the Deployment answers at the Service's address",
            f"kubectl get endpointslices -l kubernetes.io/service-name={name}", command, seen,
        )  # fmt: skip
    silent = sorted(pod for pod in names if not sample.answered.get(pod))
    if not silent:
        return None
    if not any(request.status == 200 for request in sample.requests):
        return _silent(record, service, sample, list(found.pods))
    from k8s_tutor.kube.sample import draws  # with its HTTP client, and only needed to blame somebody

    if len(sample.requests) < draws(len(names)):
        return Trouble(
            "converging", Weight.BROKEN,
            f"{plural(len(sample.requests), 'request')} are too few to say that {listed(silent, 3)} never answers",
            f"with {plural(len(names), 'pod')} drawn at random it takes {draws(len(names))} to be sure",
            "it tries again by itself", command, seen,
        )  # fmt: skip
    return Trouble(
        "no-endpoints", Weight.WRONG, f"{plural(len(silent), 'pod')} never answered: {listed(silent, 4)}",
        f"no connection to {name} reaches {'it' if len(silent) == 1 else 'them'}, though every pod is drawn alike",
        f"kubectl describe service {name}", command, seen,
    )  # fmt: skip


@check("service-external", kinds=("Service", "Deployment"), wishes=_wishes)
def service_external(record: Record, /, *, name: str) -> Outcome:
    """The Service of type LoadBalancer has an address outside the cluster; skipped where the cluster gives out none."""
    rule = f"Service {name} is of type LoadBalancer and has an address outside the cluster."
    expected = f"an address in status.loadBalancer of Service {name}"
    service = find(record, "Service", name)
    if service is None:
        return absent_trouble(record, "Service", name).outcome(rule, expected)
    trouble = _shape(service, ("LoadBalancer",), 0)
    if trouble is not None:
        return trouble.outcome(rule, expected)
    entries = items(service, "status", "loadBalancer", "ingress")
    addresses = [text(entry, "ip") or text(entry, "hostname") for entry in entries]
    addresses = [clip(address, 120) for address in addresses if address]
    if addresses:
        return passed(
            f"{name} has the address {addresses[0]}", f"the cluster's load balancer gave it {listed(addresses, 3)}"
        )
    made = created(service) or record.now
    late_at = made + ADDRESS_PATIENCE
    if record.now >= late_at:
        age = record.now - made
        reason = f"this cluster has no load balancer: none gave {name} an address within {duration(age)}"
        return skipped("no load balancer in this cluster", reason)
    return Trouble(
        "converging", Weight.BUSY, f"{name} has no address outside the cluster yet", "a load balancer must give it one",
        "", f"kubectl get service {name}", (Seen(f"Service/{name}", "status.loadBalancer", "empty"),),
        late_at,
    ).outcome(rule, expected)  # fmt: skip
