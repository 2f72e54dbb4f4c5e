"""Why a pod has no node, or a node that is gone."""

from __future__ import annotations

from k8s_tutor.checks.causes.trouble import Trouble, Weight
from k8s_tutor.checks.outcome import Seen
from k8s_tutor.checks.reading import condition, event_text, items, mapping, name_of, newest_event, text
from k8s_tutor.checks.words import clip, listed
from k8s_tutor.kube.record import Object, Record

_ASKED = "kubectl get pod {name} -o yaml"


def scheduling_trouble(record: Record, pod: Object) -> Trouble | None:
    """The trouble of a pod that the scheduler has not placed; None where it has a node that is there and ready."""
    name = clip(name_of(pod), 80)
    node = text(pod, "spec", "nodeName")
    if node:
        return _node_trouble(record, pod, name, node)
    placed = condition(pod, "PodScheduled")
    message = text(placed, "message")
    if not message:
        event = newest_event(record, "Pod", pod, "FailedScheduling")
        message = event_text(event) if event else ""
    if placed.get("status") == "True" or (placed.get("reason") != "Unschedulable" and not message):
        return None
    seen: tuple[Seen, ...] = (Seen(f"Pod/{name}", "status.conditions[PodScheduled].message", clip(message, 300)),)
    command = f"kubectl describe pod {name}"
    found = f"no node takes the pod: {clip(message, 260)}"
    low = message.lower()
    if "not-ready" in low or "unreachable" in low or "no nodes available" in low:
        return Trouble(
            "converging",
            Weight.BUSY,
            found,
            "the cluster's node is not ready itself",
            "kubectl get nodes",
            command,
            seen,
        )
    if "node affinity" in low or "node selector" in low or "nodeselector" in low:
        asked = mapping(pod, "spec", "nodeSelector")
        want = listed(f"{key}={value}" for key, value in asked.items()) or "its affinity"
        seen = (*seen, Seen(f"Pod/{name}", "spec.nodeSelector", want))
        return Trouble(
            "unschedulable-selector",
            Weight.WRONG,
            found,
            f"the pod asks for a node with {want}, and no node has that",
            "compare spec.nodeSelector with: kubectl get nodes --show-labels",
            command,
            seen,
        )
    if "insufficient" in low or "too many pods" in low:
        return Trouble(
            "unschedulable-resources",
            Weight.WRONG,
            found,
            f"the pod requests more than any node has left ({_requests(pod) or 'see the message'})",
            "lower resources.requests, or compare with: kubectl describe nodes",
            command,
            seen + _request_seen(pod, name),
        )
    if "taint" in low:
        return Trouble(
            "unschedulable-taint",
            Weight.WRONG,
            found,
            "every node has a taint that the pod does not tolerate",
            "kubectl describe nodes shows the taints; spec.tolerations of the pod must name them",
            command,
            seen,
        )
    if "persistentvolumeclaim" in low or "volume" in low:
        return Trouble(
            "config-missing",
            Weight.WRONG,
            found,
            "a volume that the pod asks for is not there",
            "kubectl get pvc; compare with spec.volumes",
            command,
            seen,
        )
    if "host ports" in low or "free ports" in low:
        return Trouble(
            "unschedulable-resources",
            Weight.WRONG,
            found,
            "the hostPort that the pod asks for is taken on every node",
            "take hostPort out of the manifest",
            command,
            seen,
        )
    return Trouble("converging", Weight.PENDING, found, "the scheduler found no node yet", "", command, seen)


def _node_trouble(record: Record, pod: Object, name: str, node: str) -> Trouble | None:
    """A pod whose node does not exist, or does not answer the control plane."""
    if not record.nodes:
        return None
    seen = (Seen(f"Pod/{name}", "spec.nodeName", clip(node, 80)),)
    item = next((found for found in record.nodes if name_of(found) == node), None)
    if item is None:
        return Trouble(
            "unschedulable-selector",
            Weight.WRONG,
            f"the pod is bound to node {clip(node, 80)}, which does not exist",
            "spec.nodeName names a node that the cluster does not have, and the scheduler is not asked",
            "take spec.nodeName out of the manifest; kubectl get nodes",
            _ASKED.format(name=name),
            seen,
        )
    ready = condition(item, "Ready")
    if ready and ready.get("status") != "True":
        return Trouble(
            "converging",
            Weight.BROKEN,
            f"node {clip(node, 80)} is not ready: {clip(text(ready, 'message'), 160)}",
            "the node of the pod does not answer the control plane",
            "k8s-tutor doctor; kubectl get nodes",
            "kubectl get nodes",
            seen,
        )
    return None


def _requests(pod: Object) -> str:
    return listed(found.value for found in _request_seen(pod, ""))


def _request_seen(pod: Object, name: str) -> tuple[Seen, ...]:
    """What each container requests, as it stands in the pod."""
    found = []
    for item in items(pod, "spec", "containers"):
        asked = mapping(item, "resources", "requests")
        if asked:
            words = ", ".join(f"{clip(key, 40)} {clip(value, 40)}" for key, value in list(asked.items())[:6])
            found.append(
                Seen(f"Pod/{name}", f"spec.containers[{clip(text(item, 'name'), 63)}].resources.requests", words)
            )
    return tuple(found)
