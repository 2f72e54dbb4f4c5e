"""How many submissions fit on a cluster side by side: from its nodes' room for pods."""

from __future__ import annotations

import re
from dataclasses import dataclass

from k8s_tutor.grading.rules import GRADE, LIMITS
from k8s_tutor.kube.client import Api
from k8s_tutor.kube.record import Object
from k8s_tutor.labs.model import Lab

SPARE = 4
"""Pods of one submission beside the lab's own: the surge of an update, a bare pod, those on their way out."""
FEWEST = 3
MOST_JOBS = 64
JOBS_A_CORE = 5
"""More side by side only make each slower: pods cost the nodes' processors (bench/RESULTS.md, grading)."""


@dataclass(frozen=True)
class Room:
    """What the nodes that take pods have left: ``pods``, processor (``cpu``, cores), ``memory`` (bytes).

    ``cores``: all that they have. ``each``: pods that one submission may have at once. ``most``: submissions that
    whoever grades takes on side by side, whatever fits.
    """

    pods: int
    cpu: float
    memory: float
    cores: float
    each: int
    most: int = MOST_JOBS

    @property
    def fits(self) -> int:
        """How many submissions fit side by side; one at least, for with less nothing could be graded."""
        most = min(
            self.pods / self.each,
            self.cpu / (self.each * quantity(LIMITS["defaultRequest"]["cpu"])),
            self.memory / (self.each * quantity(LIMITS["defaultRequest"]["memory"])),
        )
        return max(1, min(self.most, int(most)))

    @property
    def words(self) -> str:
        """The same in words."""
        left = f"{self.pods} pods, {self.cpu:.1f} cores and {self.memory / 2**30:.1f} GiB are free"
        return f"{left}; {self.each} pods a submission"

    @property
    def jobs(self) -> int:
        """How many are worth it."""
        return max(1, min(self.fits, int(self.cores * JOBS_A_CORE)))


def room(api: Api, *labs: Lab, most: int = MOST_JOBS, beside: int = 0) -> Room:
    """Look at nodes and pods; ``labs``: the variants that are graded, ``beside``: pods of the grader's own for each.

    Raises ClusterError.
    """
    nodes = [node for node in api.list("api/v1/nodes")["items"] if _usable(node)]
    names = {node["metadata"]["name"] for node in nodes}
    ours = {item["metadata"]["name"] for item in api.list("api/v1/namespaces", {"labelSelector": GRADE})["items"]}
    taken = [
        pod
        for pod in api.list("api/v1/pods")["items"]
        if (pod.get("spec") or {}).get("nodeName") in names
        and pod["metadata"]["namespace"] not in ours
        and (pod.get("status") or {}).get("phase") not in ("Succeeded", "Failed")
    ]

    def whole(what: str) -> float:
        return sum(quantity(((node.get("status") or {}).get("allocatable") or {}).get(what)) for node in nodes)

    def asked(what: str) -> float:
        return sum(
            quantity(((container.get("resources") or {}).get("requests") or {}).get(what))
            for pod in taken
            for container in pod["spec"].get("containers") or ()
        )

    return Room(
        pods=max(0, int(whole("pods")) - len(taken)),
        cpu=max(0.0, whole("cpu") - asked("cpu")),
        memory=max(0.0, whole("memory") - asked("memory")),
        cores=whole("cpu"),
        each=max(map(most_pods, labs), default=FEWEST) + SPARE + beside,
        most=most,
    )


def most_pods(lab: Lab) -> int:
    """The most pods that a lab's checks ask for at once."""
    asked = [FEWEST]
    for spec in lab.checks:
        for name in ("replicas", "at_least"):
            value = spec.params.get(name)
            if isinstance(value, int) and not spec.optional:
                asked.append(value)
    return max(asked)


def _usable(node: Object) -> bool:
    spec, status = node.get("spec") or {}, node.get("status") or {}
    ready = any(item.get("type") == "Ready" and item.get("status") == "True" for item in status.get("conditions") or ())
    closed = spec.get("unschedulable") or any(
        taint.get("effect") in ("NoSchedule", "NoExecute") for taint in spec.get("taints") or ()
    )
    return ready and not closed


_SUFFIXES = {
    "m": 1e-3, "k": 1e3, "M": 1e6, "G": 1e9, "T": 1e12, "Ki": 2**10, "Mi": 2**20, "Gi": 2**30, "Ti": 2**40,
}  # fmt: skip
_QUANTITY = re.compile(r"(\d+(?:\.\d+)?)([a-zA-Z]*)")


def quantity(text: object) -> float:
    """A quantity of Kubernetes as a number (``250m`` is 0.25); 0 for what is none.

    https://kubernetes.io/docs/reference/kubernetes-api/common-definitions/quantity/
    """
    match = _QUANTITY.fullmatch(str(text))
    return float(match[1]) * _SUFFIXES.get(match[2], 1 if not match[2] else 0) if match else 0.0
