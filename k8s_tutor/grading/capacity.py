"""How many submissions fit on a cluster side by side: from its nodes' room for pods."""

from __future__ import annotations

from dataclasses import dataclass

from k8s_tutor.grading.rules import GRADE
from k8s_tutor.kube.client import Api
from k8s_tutor.kube.record import Object
from k8s_tutor.labs.model import Lab

SPARE = 4
"""Pods of one submission beside the lab's own: the surge of an update, a bare pod, those on their way out."""
FEWEST = 3
MOST_JOBS = 64


@dataclass(frozen=True)
class Room:
    """``pods`` that nodes still take (of all that are ready and take any), ``each`` a submission may have at once."""

    pods: int
    each: int

    @property
    def jobs(self) -> int:
        """How many submissions fit; one at least, for with less nothing could be graded."""
        return max(1, min(MOST_JOBS, self.pods // self.each))


def room(api: Api, lab: Lab) -> Room:
    """Look at nodes and pods. Raises ClusterError."""
    nodes = [node for node in api.list("api/v1/nodes")["items"] if _usable(node)]
    names = {node["metadata"]["name"] for node in nodes}
    ours = {item["metadata"]["name"] for item in api.list("api/v1/namespaces", {"labelSelector": GRADE})["items"]}
    whole = sum(_number((node.get("status") or {}).get("allocatable", {}).get("pods")) for node in nodes)
    taken = sum(
        (pod.get("spec") or {}).get("nodeName") in names
        and pod["metadata"]["namespace"] not in ours
        and (pod.get("status") or {}).get("phase") not in ("Succeeded", "Failed")
        for pod in api.list("api/v1/pods")["items"]
    )
    return Room(max(0, whole - taken), most_pods(lab) + SPARE)


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


def _number(text: object) -> int:
    value = str(text)
    return int(value) if value.isdigit() else int(value[:-1]) * 1000 if value[:-1].isdigit() and value[-1] == "k" else 0
