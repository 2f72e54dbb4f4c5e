"""What the tutor's own looks are at the learner's prompt, and what came of them in a few words."""

from __future__ import annotations

import shlex

from k8s_tutor.checks.words import plural
from k8s_tutor.kube.record import KINDS, Sample
from k8s_tutor.kube.resources import BY_KIND
from k8s_tutor.session.journal import kubectl

_CURL = "curl -sS -m 5 -o /dev/null"
SHOWN = 4
"""Pods named in a result."""


ASKER = ("run", "asker", "--rm", "-i", "--restart=Never", "--image=nginx", "--command", "--")
"""A pod that asks, where only pods reach pods, and is gone afterwards: what the tutor's prober pod is."""


def sample_command(service: str, *, from_pod: bool = False) -> str:
    """Requests through a Service, each a new connection, and who answered by the pods' own logs."""
    ask = kubectl("get", "service", service, "-o", "jsonpath={.spec.clusterIP}:{.spec.ports[0].port}")
    pods = kubectl("get", "endpointslices", "-l", f"kubernetes.io/service-name={service}", "-o", _TARGETS)
    many = f'for i in $(seq 30); do {_CURL} "http://$at/"; done'
    if from_pod:
        many = f"{kubectl(*ASKER)} env at=$at sh -c {shlex.quote(many)}"
    return f"at=$({ask}); {many}; for pod in $({pods}); do kubectl logs --since=30s $pod; done"


_TARGETS = "jsonpath={.items[*].endpoints[*].targetRef.name}"


def sample_result(sample: Sample) -> str:
    """How many requests were sent, and who answered them."""
    answered = sum(1 for request in sample.requests if request.status is not None)
    told = f"{plural(len(sample.requests), 'request')}, {answered} answered"
    if sample.service.startswith("pod/") or not sample.answered:
        return told + (f" ({sample.reason})" if sample.reason else "")
    names = sorted(sample.answered, key=lambda name: (-sample.answered[name], name))
    more = f" and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
    return f"{told} by {plural(len(names), 'pod')}: {', '.join(names[:SHOWN])}{more}"


def reach_command(pod: str, *, from_pod: bool = False) -> str:
    """One request to a pod's own address."""
    ask = kubectl("get", "pod", pod, "-o", "jsonpath={.status.podIP}:{.spec.containers[0].ports[0].containerPort}")
    one = f'{_CURL} "http://$({ask})/"'
    return f"{kubectl(*ASKER)} {one}" if from_pod else one


def elsewhere_command(kind: str, name: str) -> str:
    """A look into all namespaces for an object of this name."""
    return kubectl("get", BY_KIND[kind].plural, "--all-namespaces", f"--field-selector=metadata.name={name}")


def log_command(pod: str, container: str, *, previous: bool = False, follow: bool = False) -> str:
    """A container's newest lines (``previous``: of the container before it), or those and each that comes."""
    more = [word for word, wanted in (("--previous", previous), ("--follow", follow)) if wanted]
    return kubectl("logs", pod, "--container", container, "--tail=200", "--timestamps", *more)


def watch_commands(namespace: str) -> tuple[tuple[str, str], ...]:
    """Every watch of a session as (command, what it is for)."""
    own = [(kubectl("get", BY_KIND[kind].plural, "--watch"), f"every change of your {_words(kind)}") for kind in KINDS]
    place = kubectl("get", "namespace", namespace, "--watch")
    return (
        *own,
        (kubectl("get", "nodes", "--watch"), "every change of the nodes"),
        (place, "whether your namespace is made anew"),
    )


def _words(kind: str) -> str:
    return BY_KIND[kind].plural if kind in ("Pod", "Event", "Service") else shlex.quote(f"{kind}s")
