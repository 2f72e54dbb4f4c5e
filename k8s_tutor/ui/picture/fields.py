"""Reading objects as the API server sent them: nothing here trusts that a field is there or of its type."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from functools import lru_cache
from typing import Any

from k8s_tutor.kube.record import Object
from k8s_tutor.ui.text import plain

_BAD = ("BackOff", "Err", "Invalid", "Failed", "OOM")


def mapping(value: object) -> Mapping[str, Any]:
    """The value if it is an object, else an empty one."""
    return value if isinstance(value, Mapping) else {}


def items(value: object) -> list[Mapping[str, Any]]:
    """The objects in a list; empty if it is none."""
    return [item for item in value if isinstance(item, Mapping)] if isinstance(value, list | tuple) else []


def meta(item: Object) -> Mapping[str, Any]:
    """``metadata``."""
    return mapping(item.get("metadata"))


def name_of(item: Object) -> str:
    """``metadata.name``."""
    return str(meta(item).get("name") or "")


def count(value: object) -> int:
    """A number, 0 for everything else."""
    return value if isinstance(value, int) else 0


def moment(value: object) -> float | None:
    """A time stamp as Unix seconds; None if it is none."""
    return _moment(value) if isinstance(value, str) else None


@lru_cache(16_384)
def _moment(value: str) -> float | None:
    try:
        return datetime.fromisoformat(value.replace("Z", "+00:00")).timestamp()
    except ValueError:
        return None


def stamp(item: Object, field: str) -> float | None:
    """A time stamp of ``metadata``."""
    return moment(meta(item).get(field))


@lru_cache(16_384)
def _word(text: str, limit: int) -> str:
    return plain(text, limit)


def word(value: object, limit: int = 80) -> str:
    """As ``plain``, remembered: names, reasons and phases come again and again."""
    return _word(str(value), limit)


def owner_of(item: Object) -> str | None:
    """The UID of the controller that looks after it; None if there is none."""
    for owner in items(meta(item).get("ownerReferences")):
        if owner.get("controller"):
            return str(owner.get("uid"))
    return None


def selects(selector: object, labels: object) -> bool:
    """Whether a Service's selector picks these labels. An empty selector picks nothing."""
    wanted, found = mapping(selector), mapping(labels)
    return bool(wanted) and all(found.get(key) == value for key, value in wanted.items())


def pod_ready(pod: Object) -> bool:
    """Whether the Ready condition is true and the pod is not being deleted."""
    if meta(pod).get("deletionTimestamp"):
        return False
    conditions = items(mapping(pod.get("status")).get("conditions"))
    return any(c.get("type") == "Ready" and c.get("status") == "True" for c in conditions)


def pod_word(pod: Object) -> str:
    """One word on how a pod is: ``ready``, ``not ready``, or what holds it up."""
    status = pod_status(pod)
    if status == "Running":
        return "ready" if pod_ready(pod) else "not ready"
    return status


def pod_status(pod: Object) -> str:
    """What kubectl's STATUS column says."""
    if meta(pod).get("deletionTimestamp"):
        return "Terminating"
    status = mapping(pod.get("status"))
    started = items(status.get("initContainerStatuses"))
    for number, container in enumerate(started):
        state = mapping(container.get("state"))
        reason = mapping(state.get("waiting")).get("reason") or mapping(state.get("terminated")).get("reason")
        if mapping(state.get("terminated")).get("exitCode") == 0 or container.get("started"):
            continue
        if reason and reason != "PodInitializing":
            return f"Init:{word(reason, 40)}"
        return f"Init:{number}/{len(started)}"
    found = ""
    for container in items(status.get("containerStatuses")):
        state = mapping(container.get("state"))
        waiting, ended = mapping(state.get("waiting")), mapping(state.get("terminated"))
        if waiting.get("reason"):
            return word(waiting["reason"], 40)
        if ended:
            found = word(ended.get("reason") or "Terminated", 40)
    return found or word(status.get("reason") or status.get("phase") or "Pending", 40)


def is_bad(status: str) -> bool:
    """Whether this word for a pod means that something is wrong, not only on its way."""
    return any(bad in status for bad in _BAD)


def restarts(pod: Object) -> int:
    """How often containers of the pod were started again."""
    return sum(count(c.get("restartCount")) for c in items(mapping(pod.get("status")).get("containerStatuses")))


def event_time(event: Object) -> float | None:
    """When an event was last seen to happen (Unix seconds)."""
    series = mapping(event.get("series"))
    for value in (series.get("lastObservedTime"), event.get("lastTimestamp"), event.get("eventTime")):
        at = moment(value)
        if at is not None:
            return at
    return stamp(event, "creationTimestamp")


def event_object(event: Object) -> tuple[str, str]:
    """Kind and name of what an event is about."""
    about = mapping(event.get("involvedObject") or event.get("regarding"))
    return str(about.get("kind") or ""), str(about.get("name") or "")


def short(name: str, parent: str = "") -> str:
    """A pod's name without its owner's: ``…-6b95b``."""
    rest = name.removeprefix(parent + "-") if parent else name
    return f"…-{rest}" if rest != name else name


def tail(name: str) -> str:
    """A generated name's last part, other names whole: ``…-6b95b``."""
    parts = name.rsplit("-", 2)
    generated = len(parts) == 3 and len(parts[2]) == 5 and 8 <= len(parts[1]) <= 10
    return f"…-{parts[2]}" if generated else name
