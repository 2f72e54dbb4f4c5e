"""How a submission's pods stand, from the record: what a replay waits for, and when it may believe what it sees."""

from __future__ import annotations

from collections.abc import Mapping

from k8s_tutor.checks.reading import pod_ready, uid_of, when
from k8s_tutor.kube.record import Change, Life, Object, Record

STEADY, STEADIER = 2.0, 6.0
"""Seconds without a change of any pod for which a level check must hold: a container that crashes at once is ready for
a moment, too, and the kubelet tells of its end a second later. The latter where some container has ended with an error.
"""
LONGER, LONGEST_RUN = 4.0, 30.0
"""A container that has ended with an error must run by so many seconds longer than it did then: else it is only between
two ends. By more where the node is slow to tell, see LATE. Up to the latter."""
SLOWEST = 15.0
LATE = 1.5
"""So many times as long as the latest word of a container's start took to come is waited, up to SLOWEST seconds: a node
that is slow to tell of a start is slow to tell of an end. (Not the time that pods take to start: that is mostly the
starting itself, and ten at once took five times as long as the word of it; bench/RESULTS.md, a class graded.)"""
LATELY = 30.0
"""Seconds for which a late word says how the node is: longer than any pod must hold by its own, so each still does. The
kubelet starts nothing while it clears many dead pods away; one pod of then made a submission wait at each step."""


def ports(pod: Object) -> list[int]:
    """The ports that a pod's containers say they listen on."""
    containers = (pod.get("spec") or {}).get("containers") or ()
    told = [port.get("containerPort") for container in containers for port in container.get("ports") or ()]
    return [port for port in told if isinstance(port, int)]


def moving(record: Record) -> bool:
    """Whether some pod is on its way to be ready, and does not say itself that it does not get on."""
    return any(not pod_ready(pod) and not _stuck(pod) for pod in record.alive("Pod"))


def standing(record: Record, *, also_crashed: bool = False) -> dict[str, tuple[str, int]]:
    """The pods of which no container has crashed: UID -> what they run, and how often a container of them has ended.

    ``also_crashed``: those too that run again.
    """
    found = record.alive("Pod")
    return {uid_of(pod): (runs(pod), ends(pod)) for pod in found if also_crashed or not crashed(pod)}


def shaken(record: Record, then: Mapping[str, tuple[str, int]]) -> bool:
    """Whether one of the pods that stood ``then`` runs what it ran and has crashed since."""
    for pod in record.alive("Pod"):
        ran, ended = then.get(uid_of(pod), ("", 0))
        if crashed(pod) and ran == runs(pod) and ends(pod) > ended:
            return True
    return False


def ends(pod: Object) -> int:
    """How often a container of the pod has ended."""
    statuses = (pod.get("status") or {}).get("containerStatuses") or ()
    return sum(
        int(status.get("restartCount") or 0) + bool((status.get("state") or {}).get("terminated"))
        for status in statuses
    )


def runs(pod: Object) -> str:
    """What a pod runs, to be compared: a pod of the same UID may get another image."""
    return repr((pod.get("spec") or {}).get("containers"))


def crashed(pod: Object) -> bool:
    """Whether a container of the pod has ended with an error."""
    return any(
        ((container.get(state) or {}).get("terminated") or {}).get("exitCode")
        for container in (pod.get("status") or {}).get("containerStatuses") or ()
        for state in ("state", "lastState")
    )


def steady(record: Record, now: float) -> float:
    """The seconds for which a level check must hold at ``now`` (Unix seconds), see STEADY."""
    longest = STEADY
    for life in record.lives.get("Pod", ()):
        if life.gone_at is not None:
            continue
        late = min(SLOWEST, LATE * _late_seconds(life, now - LATELY))
        longest = max(longest, late)
        if crashed(life.last):
            longest = max(longest, STEADIER, min(LONGEST_RUN, _ran_seconds(life.last) + max(LONGER, late)))
    return longest


def _ran_seconds(pod: Object) -> float:
    """The longest run of a container of the pod that ended with an error; 0 where there was none."""
    runs = [
        (when(container, state, "terminated", "finishedAt"), when(container, state, "terminated", "startedAt"))
        for container in (pod.get("status") or {}).get("containerStatuses") or ()
        for state in ("state", "lastState")
        if ((container.get(state) or {}).get("terminated") or {}).get("exitCode")
    ]
    return max((ended - began for ended, began in runs if ended and began), default=0.0)


def _late_seconds(life: Life, since: float) -> float:
    """How long after it the latest word of a container's start came, of those that run; 0 where that is not known.

    Of words that came after ``since`` only. Where the cluster's clock is behind ours it is too much, which costs time
    and no more.
    """
    told = ((_told(life, name), began) for name, began in _starts(life.last).items())
    return max((at - began for at, began in told if at >= since), default=0.0)


def _told(life: Life, name: str) -> float:
    """When we heard that this container runs since when it does; 0 where it was so before we listened."""
    began = _starts(life.last)[name]
    first = next(version for version in life.versions if _starts(version.object).get(name) == began)
    return 0.0 if first.relisted or first.change is Change.SEEN else first.at


def _starts(pod: Object) -> dict[str, float]:
    """Since when each container runs that does (Unix seconds)."""
    statuses = (pod.get("status") or {}).get("containerStatuses") or ()
    found = ((str(status.get("name")), when(status, "state", "running", "startedAt")) for status in statuses)
    return {name: began for name, began in found if began}


def again_and_again(pod: Object) -> bool:
    """Whether a container of the pod ends, and not because it was told to."""
    for container in (pod.get("status") or {}).get("containerStatuses") or ():
        waiting = ((container.get("state") or {}).get("waiting") or {}).get("reason")
        if waiting == "CrashLoopBackOff" or int(container.get("restartCount") or 0) > 1:
            return True
    return False


def _stuck(pod: Object) -> bool:
    """Whether the pod says itself that it does not get on."""
    status = pod.get("status") or {}
    if status.get("phase") in ("Failed", "Succeeded"):
        return True
    for item in status.get("conditions") or ():
        if item.get("type") == "PodScheduled" and item.get("status") == "False":
            return True
    for container in (*(status.get("containerStatuses") or ()), *(status.get("initContainerStatuses") or ())):
        state = container.get("state") or {}
        reason = (state.get("waiting") or {}).get("reason", "ContainerCreating")
        if "terminated" in state or reason not in ("ContainerCreating", "PodInitializing"):
            return True
        if "running" in state and container.get("started") and not container.get("ready"):
            return True  # it runs and its readiness probe says no
    return False
