"""Whether the cluster's network enforces NetworkPolicies, found out by trying: many a plugin takes no notice.

Two places as submissions have them, a pod in each; one asks the other for its page, which its policy forbids. That the
page can be had at all is tried from beside it, else silence would prove nothing.
"""

from __future__ import annotations

import time
from collections.abc import Callable

from k8s_tutor.clusters.provider import Cluster
from k8s_tutor.errors import TutorError
from k8s_tutor.grading.place import place
from k8s_tutor.kube.client import Api
from k8s_tutor.kube.record import Object

IMAGE = "nginx"
SECONDS = 60.0
PAUSE = 0.5
ASKS = 4
"""Seconds that a request may take: a policy that is enforced drops it."""


def enforced(api: Api, cluster: Cluster, run: str) -> bool | None:
    """True where the policy holds, False where it does not, None where that could not be found out."""
    until = time.monotonic() + SECONDS
    try:
        with place(api, cluster, run, SECONDS) as one, place(api, cluster, run, SECONDS) as other:
            _make(api, one.namespace, "server", [])
            address = _await(api, one.namespace, "server", until, _address)
            if not address:
                return None
            for namespace in (one.namespace, other.namespace):
                _make(api, namespace, "asker", ["curl", "-s", "-o", "/dev/null", "-m", str(ASKS), f"http://{address}"])
            beside = _await(api, one.namespace, "asker", until, _ended)
            across = _await(api, other.namespace, "asker", until, _ended)
    except TutorError:
        return None
    if beside != "0" or not across:
        return None
    return across != "0"


def _make(api: Api, namespace: str, name: str, command: list[str]) -> None:
    container: dict[str, object] = {"name": name, "image": IMAGE, "imagePullPolicy": "IfNotPresent"}
    if command:
        container["command"] = command
    pod: Object = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name, "namespace": namespace},
        "spec": {"containers": [container], "restartPolicy": "Never", "terminationGracePeriodSeconds": 0},
    }
    api.create(f"api/v1/namespaces/{namespace}/pods", pod)


def _await(api: Api, namespace: str, name: str, until: float, seen: Callable[[Object], str]) -> str:
    """What ``seen`` says of the pod as soon as it says something; empty at the end of the time."""
    while time.monotonic() < until:
        found = seen(api.get(f"api/v1/namespaces/{namespace}/pods/{name}"))
        if found:
            return found
        time.sleep(PAUSE)
    return ""


def _address(pod: Object) -> str:
    status = pod.get("status") or {}
    ready = any(item.get("type") == "Ready" and item.get("status") == "True" for item in status.get("conditions") or ())
    return str(status.get("podIP") or "") if ready else ""


def _ended(pod: Object) -> str:
    for container in (pod.get("status") or {}).get("containerStatuses") or ():
        ended = (container.get("state") or {}).get("terminated")
        if ended:
            return str(ended.get("exitCode"))
    return ""
