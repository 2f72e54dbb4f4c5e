"""The live picture of the learner's namespace: pure rows of text out of a record, and the moment's clock.

Deployment → ReplicaSet → Pods by owner UID (never by name), pods that nobody owns, Services with the pods that
are really behind them, the last events.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from textual.content import Content

from k8s_tutor.kube.record import Life, Object, Record
from k8s_tutor.ui.text import BAD, DIM, GOOD, STRONG, WAIT, clock, line, plain, span

NEW_SECONDS = 15.0
GONE_SECONDS = 20.0
MOST_PODS = 24
MOST_EVENTS = 6


def picture(record: Record, now: float) -> list[Content]:
    """All rows, top to bottom; ``now`` is Unix time, against which ages tick."""
    rows = [*_deployments(record, now), *_bare(record, now)]
    if not rows:
        rows = [line(("nothing here yet", DIM)), line(("what you apply appears by itself", DIM))]
    services = _services(record, now)
    if services:
        rows += [line(), line(("Services", DIM)), *services]
    events = _events(record)
    if events:
        rows += [line(), line(("Events", DIM)), *events]
    return rows


def short(name: str, parent: str = "") -> str:
    """A pod's name without its owner's: ``…-6b95b``."""
    rest = name.removeprefix(parent + "-") if parent else name
    return f"…-{rest}" if rest != name else name


def pod_ready(pod: Object) -> bool:
    """Whether the Ready condition is true and the pod is not being deleted."""
    conditions = _list(_map(pod.get("status")).get("conditions"))
    ready = any(c.get("type") == "Ready" and c.get("status") == "True" for c in conditions)
    return ready and not _meta(pod).get("deletionTimestamp")


def pod_word(pod: Object) -> str:
    """One word as kubectl's STATUS column has it."""
    if _meta(pod).get("deletionTimestamp"):
        return "Terminating"
    status = _map(pod.get("status"))
    for container in [*_list(status.get("initContainerStatuses")), *_list(status.get("containerStatuses"))]:
        state = _map(container.get("state"))
        waiting, ended = _map(state.get("waiting")), _map(state.get("terminated"))
        if waiting.get("reason"):
            return plain(waiting["reason"], 40)
        if ended and container.get("name") in {c.get("name") for c in _list(_map(pod.get("spec")).get("containers"))}:
            return plain(ended.get("reason") or "Terminated", 40)
    phase = plain(status.get("phase") or "Pending", 40)
    return "ready" if pod_ready(pod) else ("not ready" if phase == "Running" else phase)


def _pod_row(life: Life, indent: str, parent: str, record: Record, now: float) -> Content:
    pod = life.last
    word = pod_word(pod)
    mark, colour = ("●", GOOD) if pod_ready(pod) else ("◐", WAIT)
    if any(bad in word for bad in ("BackOff", "Err", "Error", "Invalid", "Failed", "OOM")):
        mark, colour = "✗", BAD
    born = _time(_meta(pod).get("creationTimestamp")) or life.versions[0].at
    restarts = sum(int(c.get("restartCount") or 0) for c in _list(_map(pod.get("status")).get("containerStatuses")))
    fresh = not life.seen_from_start and now - life.versions[0].at < NEW_SECONDS
    parts: list[str | tuple[str, str]] = [
        (indent, DIM),
        (mark, colour),
        " ",
        plain(short(life.name, parent), 80),
        (f"  {span(now - born):<6} ", DIM),
    ]
    if fresh:
        parts.append(("new  ", STRONG))
    parts.append((word, colour))
    if restarts:
        parts.append((f"  {restarts} restart{'s' if restarts > 1 else ''}", DIM))
    return line(*parts)


def _gone_row(life: Life, indent: str, parent: str, now: float) -> Content:
    ago = span(now - (life.gone_at or now))
    return line(
        (indent, DIM), ("✗ ", DIM), (plain(short(life.name, parent), 80), f"{DIM} strike"), (f"  gone {ago} ago", DIM)
    )


def _pods_of(owner_uid: str | None, record: Record, now: float) -> tuple[list[Life], list[Life]]:
    """Pods (there, just gone) of this owner; None: of nobody."""
    there, gone = [], []
    for life in record.lives.get("Pod", ()):
        if _owner(life.last) != owner_uid:
            continue
        if life.gone_at is None:
            there.append(life)
        elif now - life.gone_at < GONE_SECONDS:
            gone.append(life)
    there.sort(key=lambda item: (str(_meta(item.last).get("creationTimestamp") or ""), item.name))
    return there, gone


def _pod_rows(owner_uid: str | None, indent: str, parent: str, record: Record, now: float) -> list[Content]:
    there, gone = _pods_of(owner_uid, record, now)
    if len(there) > MOST_PODS:
        # What is not ready, or new, is what one looks for; the rest is a number.
        there.sort(key=lambda item: (pod_ready(item.last), -item.versions[0].at))
    rows = [_pod_row(life, indent, parent, record, now) for life in there[:MOST_PODS]]
    if len(there) > MOST_PODS:
        ready = sum(pod_ready(life.last) for life in there[MOST_PODS:])
        rows.append(line((f"{indent}… and {len(there) - MOST_PODS} more, {ready} ready", DIM)))
    return rows + [_gone_row(life, indent, parent, now) for life in gone[-4:]]


def _deployments(record: Record, now: float) -> list[Content]:
    rows: list[Content] = []
    for deployment in record.alive("Deployment"):
        meta, status = _meta(deployment), _map(deployment.get("status"))
        name = str(meta.get("name", ""))
        wanted = _map(deployment.get("spec")).get("replicas", 1)
        ready = status.get("readyReplicas") or 0
        whole = ready == wanted
        mark, colour = ("●", GOOD) if whole else ("◐", WAIT)
        rows.append(
            line(
                (mark, colour),
                " ",
                (plain(name, 80), STRONG),
                "  ",
                (f"{plain(ready, 9)}/{plain(wanted, 9)} ready", colour),
            )
        )
        sets = [item for item in record.alive("ReplicaSet") if _owner(item) == meta.get("uid")]
        for item in sets:
            rows += _replica_set(item, name, record, now)
    owned = {_meta(item).get("uid") for item in record.alive("Deployment")}
    for item in record.alive("ReplicaSet"):
        if _owner(item) not in owned:
            rows += _replica_set(item, "", record, now)
    return rows


def _replica_set(item: Object, parent: str, record: Record, now: float) -> list[Content]:
    meta = _meta(item)
    name = str(meta.get("name", ""))
    wanted = _map(item.get("spec")).get("replicas", 0)
    pods = _pod_rows(meta.get("uid"), "    ", name, record, now)
    tail = name.removeprefix(f"{parent}-") if parent else name
    what = "0, kept for a roll back" if not wanted and not pods else f"wants {plain(wanted, 9)}"
    return [line(("  └ ReplicaSet ", DIM), plain(tail, 80), (f"  {what}", DIM)), *pods]


def _bare(record: Record, now: float) -> list[Content]:
    rows = _pod_rows(None, "", "", record, now)
    known = {life.uid for kind in ("ReplicaSet",) for life in record.lives.get(kind, ()) if life.gone_at is None}
    strangers = {_owner(life.last) for life in record.lives.get("Pod", ())} - known - {None}
    for owner in sorted(str(uid) for uid in strangers):
        rows += _pod_rows(owner, "", "", record, now)
    if rows:
        return [line(("Pods that nobody looks after", DIM)), *rows] if list(record.alive("Deployment")) else rows
    return []


def _services(record: Record, now: float) -> list[Content]:
    rows = []
    for service in record.alive("Service"):
        meta, spec = _meta(service), _map(service.get("spec"))
        ports = ",".join(plain(port.get("port", ""), 8) for port in _list(spec.get("ports")))
        address = plain(spec.get("clusterIP") or "no address", 45)
        kind = plain(spec.get("type") or "ClusterIP", 20)
        rows.append(line((plain(meta.get("name", ""), 80), STRONG), (f"  {kind} {address}:{ports}", DIM)))
        ready, others = _behind(record, str(meta.get("name", "")))
        if not ready and not others:
            rows.append(line(("  └ ", DIM), ("◐ no pod behind it", WAIT)))
        else:
            names = " ".join(plain(name.rsplit("-", 1)[-1] if "-" in name else name, 40) for name in ready[:12])
            more = f" and {len(ready) - 12} more" if len(ready) > 12 else ""
            rows.append(
                line(("  └ ", DIM), (f"● {len(ready)} ready", GOOD if ready else WAIT), (f"  {names}{more}", DIM))
            )
            if others:
                rows.append(line(("  └ ", DIM), (f"◐ {len(others)} not ready", WAIT)))
    return rows


def _behind(record: Record, service: str) -> tuple[list[str], list[str]]:
    ready: list[str] = []
    others: list[str] = []
    for item in record.alive("EndpointSlice"):
        labels = _map(_meta(item).get("labels"))
        if labels.get("kubernetes.io/service-name") != service:
            continue
        for endpoint in _list(item.get("endpoints")):
            addresses = endpoint.get("addresses") or ["?"]
            name = str(_map(endpoint.get("targetRef")).get("name") or addresses[0])
            (ready if _map(endpoint.get("conditions")).get("ready") is not False else others).append(name)
    return sorted(set(ready)), sorted(set(others))


def event_time(event: Object) -> float | None:
    """When an event was last seen to happen (Unix seconds)."""
    series = _map(event.get("series"))
    for value in (series.get("lastObservedTime"), event.get("lastTimestamp"), event.get("eventTime")):
        at = _time(value)
        if at is not None:
            return at
    return _time(_meta(event).get("creationTimestamp"))


def event_object(event: Object) -> tuple[str, str]:
    """Kind and name of what an event is about."""
    about = _map(event.get("involvedObject") or event.get("regarding"))
    return str(about.get("kind") or ""), str(about.get("name") or "")


def _events(record: Record) -> list[Content]:
    timed = [(event_time(event) or 0.0, event) for event in record.alive("Event")]
    timed.sort(key=lambda pair: pair[0])
    rows = []
    for at, event in timed[-MOST_EVENTS:]:
        bad = event.get("type") == "Warning"
        _, name = event_object(event)
        tail = name.rsplit("-", 1)[-1] if name.count("-") > 1 else name
        note = plain(event.get("message") or event.get("note") or "", 120)
        rows.append(
            line(
                (clock(at) if at else "--:--:--", DIM),
                " ",
                (("! " if bad else "") + plain(event.get("reason") or "", 40), WAIT if bad else ""),
                f" {plain(tail, 60)}",
                (f"  {note}", DIM),
            )
        )
    return rows


def _owner(item: Object) -> str | None:
    for owner in _list(_meta(item).get("ownerReferences")):
        if owner.get("controller"):
            return str(owner.get("uid"))
    return None


def _time(value: object) -> float | None:
    if not isinstance(value, str):
        return None
    try:
        return datetime.fromisoformat(value.replace("Z", "+00:00")).timestamp()
    except ValueError:
        return None


def _meta(item: Object) -> Mapping[str, Any]:
    return _map(item.get("metadata"))


def _map(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _list(value: object) -> list[Mapping[str, Any]]:
    return [item for item in value if isinstance(item, Mapping)] if isinstance(value, list | tuple) else []
