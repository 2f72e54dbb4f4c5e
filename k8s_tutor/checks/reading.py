"""Reading objects without trusting their shape: accessors, names, owners, readiness, ages.

Objects are the API server's, but a record may also be old, slimmed or broken: every accessor gives an empty
value of its type where the field is missing or odd, so no check raises on what it reads.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from k8s_tutor.kube.record import Life, Object, Record, Sample

Mapped = Mapping[str, Any]
_MAPS = (dict, Mapping)
"""Nearly always a dict, which is told at a fifth of the cost."""


def dig(value: object, *path: str) -> Any:
    """The value below ``path`` of keys, None where the way ends."""
    for key in path:
        if not isinstance(value, _MAPS):
            return None
        value = value.get(key)
    return value


def text(value: object, *path: str) -> str:
    """The text below ``path``, empty where there is none."""
    found = dig(value, *path)
    return found if isinstance(found, str) else ""


def number(value: object, *path: str) -> int | None:
    """The whole number below ``path``, None where there is none."""
    found = dig(value, *path)
    return found if isinstance(found, int) and not isinstance(found, bool) else None


def mapping(value: object, *path: str) -> Mapped:
    """The mapping below ``path``, empty where there is none."""
    found = dig(value, *path)
    return found if isinstance(found, _MAPS) else {}


def items(value: object, *path: str) -> list[Mapped]:
    """The mappings in the list below ``path``."""
    found = dig(value, *path)
    if not isinstance(found, Sequence) or isinstance(found, str | bytes):
        return []
    return [item for item in found if isinstance(item, _MAPS)]


def when(value: object, *path: str) -> float | None:
    """The time (RFC 3339) below ``path`` as Unix seconds."""
    found = text(value, *path)
    if not found:
        return None
    try:
        return datetime.fromisoformat(found.replace("Z", "+00:00")).timestamp()
    except (ValueError, OverflowError, OSError):
        return None


def name_of(item: Object) -> str:
    """``metadata.name``."""
    return text(item, "metadata", "name")


def uid_of(item: Object) -> str:
    """``metadata.uid``."""
    return text(item, "metadata", "uid")


def labels_of(item: object) -> Mapped:
    """``metadata.labels``."""
    return mapping(item, "metadata", "labels")


def matches(selector: Mapped, labels: Mapped) -> bool:
    """Whether labels satisfy a plain selector; an empty one selects nothing here."""
    return bool(selector) and all(labels.get(key) == value for key, value in selector.items())


def created(item: Object) -> float | None:
    """``metadata.creationTimestamp`` (whole seconds, the API server's clock)."""
    return when(item, "metadata", "creationTimestamp")


def going(item: Object) -> bool:
    """Whether the object is being deleted."""
    return bool(dig(item, "metadata", "deletionTimestamp"))


def alive(record: Record, kind: str) -> Iterator[Object]:
    """The objects of this kind that exist now; a life without a version is passed over."""
    for life in record.lives.get(kind, ()):
        if life.gone_at is None and life.versions and isinstance(life.last, _MAPS):
            yield life.last


def find(record: Record, kind: str, name: str) -> Object | None:
    """The object of this name that exists now."""
    return record.named(kind).get(name)


def lives(record: Record, kind: str, name: str = "") -> list[Life]:
    """The lives of this kind (and name), in the order of their first version."""
    found = [life for life in record.lives.get(kind, ()) if life.versions and isinstance(life.last, Mapping)]
    if name:
        found = [life for life in found if name_of(life.last) == name]
    return sorted(found, key=lambda life: life.versions[0].at)


def controller(item: Object) -> Mapped:
    """The owner reference of the controller, empty for a bare object."""
    for owner in items(item, "metadata", "ownerReferences"):
        if owner.get("controller") is True:
            return owner
    return {}


def owned_by(item: Object, owner_uid: str) -> bool:
    """Whether ``owner_uid`` controls the object."""
    return bool(owner_uid) and controller(item).get("uid") == owner_uid


def replicasets(record: Record, deployment: Object) -> list[Object]:
    """The ReplicaSets that this Deployment controls, newest revision last."""
    mine = [item for item in alive(record, "ReplicaSet") if owned_by(item, uid_of(deployment))]
    return sorted(mine, key=revision)


def revision(item: Object) -> int:
    """The revision that the Deployment controller wrote on a ReplicaSet; 0 where there is none."""
    found = text(item, "metadata", "annotations", "deployment.kubernetes.io/revision")
    return int(found) if found.isascii() and found.isdigit() and len(found) < 12 else 0


def current_replicaset(record: Record, deployment: Object) -> Object | None:
    """The ReplicaSet of the Deployment's present template: the one of the newest revision."""
    mine = replicasets(record, deployment)
    return mine[-1] if mine else None


def pods_of(record: Record, owner: Object | None) -> list[Object]:
    """The pods that exist now and that ``owner`` (a ReplicaSet) controls, oldest first."""
    if owner is None:
        return []
    mine = [pod for pod in alive(record, "Pod") if owned_by(pod, uid_of(owner))]
    return sorted(mine, key=lambda pod: (created(pod) or 0.0, name_of(pod)))


def condition(item: object, kind: str) -> Mapped:
    """The condition of this type in ``status.conditions``."""
    for found in items(item, "status", "conditions"):
        if found.get("type") == kind:
            return found
    return {}


def pod_ready(pod: Object) -> bool:
    """Whether the pod is ready and is not being deleted."""
    return condition(pod, "Ready").get("status") == "True" and not going(pod)


def sent_to(sample: Sample, address: str) -> bool:
    """Whether a sample's requests went to this address, whatever the port: the pod or Service may have another now."""
    host = sample.target.rpartition(":")[0].strip("[]")
    return bool(address) and host == address


def container(pod: object, name: str, *path: str) -> Mapped:
    """The container of this name in a pod's spec (or below ``path`` for a template); by name, never by place."""
    for found in items(pod, *(path or ("spec",)), "containers"):
        if found.get("name") == name:
            return found
    return {}


def container_names(pod: object, *path: str) -> list[str]:
    """The names of the containers."""
    return [text(found, "name") for found in items(pod, *(path or ("spec",)), "containers")]


def container_status(pod: object, name: str) -> Mapped:
    """What the kubelet says about the container of this name."""
    for found in items(pod, "status", "containerStatuses"):
        if found.get("name") == name:
            return found
    return {}


def container_ports(pod: object, *path: str) -> list[Mapped]:
    """All declared ports of all containers."""
    return [port for found in items(pod, *(path or ("spec",)), "containers") for port in items(found, "ports")]


def events_of(record: Record, kind: str, name: str, uid: str = "") -> list[Object]:
    """The events about one object, oldest first; by UID where it is known on both sides."""
    found = []
    for event in record.events_about(kind, name):
        about = mapping(event, "involvedObject") or mapping(event, "regarding")
        if uid and about.get("uid") and about.get("uid") != uid:
            continue
        found.append(event)
    return sorted(found, key=lambda event: event_at(event) or 0.0)


def event_at(event: Object) -> float | None:
    """When the event happened last."""
    for path in (("series", "lastObservedTime"), ("lastTimestamp",), ("eventTime",), ("firstTimestamp",)):
        at = when(event, *path)
        if at is not None:
            return at
    return created(event)


def event_text(event: Object) -> str:
    """The event's message."""
    return text(event, "message") or text(event, "note")


def newest_event(record: Record, kind: str, item: Object, *reasons: str) -> Object | None:
    """The newest event about this very object with one of these reasons."""
    found = [event for event in events_of(record, kind, name_of(item), uid_of(item)) if event.get("reason") in reasons]
    return found[-1] if found else None


def made_by(item: Object) -> str:
    """Who made the object, by its field manager: ``kubectl apply``, ``kubectl create``, ``k8s-tutor``; else empty."""
    found: list[Mapped] = []
    for path in (("metadata", "managedFields"), ("metadata", "managers"), ("managers",)):
        found = found or items(item, *path)
    first = [entry for entry in found if not entry.get("subresource")]
    first.sort(key=lambda entry: when(entry, "time") or 0.0)
    manager = text(first[0], "manager") if first else ""
    known = {
        "kubectl-client-side-apply": "kubectl apply",
        "kubectl": "kubectl",
        "kubectl-create": "kubectl create",
        "kubectl-run": "kubectl run",
        "kubectl-expose": "kubectl expose",
        "kubectl-edit": "kubectl edit",
        "kube-controller-manager": "a controller",
    }
    return known.get(manager, manager)


def order_key(version_object: Object, at: float) -> tuple[int, float]:
    """What sorts versions of all kinds: the resourceVersion (one sequence in the store), else 0 and our clock."""
    found = text(version_object, "metadata", "resourceVersion")
    return (int(found), at) if found.isascii() and found.isdigit() and len(found) < 20 else (0, at)


def remembered(record: Record, kind: str, name: str) -> set[str]:
    """UIDs under which earlier evidence (of any check) knew this object: what outlives a restart of the program."""
    found: set[str] = set()
    for evidence in record.evidence.values():
        uid = dig(evidence.data, "uids", f"{kind}/{name}")
        if isinstance(uid, str):
            found.add(uid)
    return found
