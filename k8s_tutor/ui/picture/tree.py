"""The tree: Deployment → ReplicaSet → Pods → the Service that finds them, then what nobody looks after, then events.

Owners are followed by UID, never by name; Services by their endpoints, never by their selectors alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import islice

from textual.content import Content

from k8s_tutor.kube.record import Life
from k8s_tutor.ui.picture.events import event_row, newest
from k8s_tutor.ui.picture.fields import items, mapping, word
from k8s_tutor.ui.picture.model import NOBODY, Entry, Model, fits, template_labels
from k8s_tutor.ui.picture.pods import Note, pod_rows, serving_notes
from k8s_tutor.ui.picture.row import BLANK, Row, Rows, Target, heading, said
from k8s_tutor.ui.text import DIM, GOOD, STRONG, WAIT, line, plain

LAST_EVENTS = 4
NAMES = 8
"""Names that one line of a Service holds."""


def tree(rows: Rows, model: Model, now: float) -> list[Row]:
    """All rows, top to bottom."""
    owned: dict[str | None, list[Entry]] = {}
    for pod in model.shelf("Pod"):
        owned.setdefault(pod.owner, []).append(pod)
    sets: dict[str | None, list[Entry]] = {}
    for item in model.shelf("ReplicaSet").alive:
        sets.setdefault(item.owner, []).append(item)
    deployments = model.shelf("Deployment").alive
    services = model.shelf("Service").alive
    homes = {service.life.uid: _home(model, service, deployments, sets, owned) for service in services}
    strays = frozenset(
        name
        for service in services
        if (home := homes[service.life.uid]) is not None
        for name in _strays(model, service, home, sets, owned)
    )
    notes = serving_notes(model, strays)
    found: list[Row] = []
    for deployment in deployments:
        uid = deployment.life.uid
        found.append(_deployment(rows, deployment))
        for item in sets.get(uid, ()):
            found += _replica_set(rows, item, deployment.name, owned, notes, now)
        for service in services:
            if homes[service.life.uid] is deployment:
                found += _service(rows, model, service, "  └ Service ", "      ", strays)
    uids = {item.life.uid for item in deployments}
    for owner, loose in sets.items():
        if owner not in uids:
            for item in loose:
                found += _replica_set(rows, item, "", owned, notes, now)
    found += _bare(rows, sets, owned, notes, now, titled=bool(found))
    if not found:
        found = _nothing(model)
    others = [service for service in services if homes[service.life.uid] is None]
    if others:
        found += [BLANK, heading("Services")]
        for service in others:
            found += _service(rows, model, service, "", "  └ ", strays)
    last = newest(model, LAST_EVENTS)
    if last:
        found += [BLANK, heading("Events")] + [event_row(rows, entry, False) for entry in last]
    return found


def _nothing(model: Model) -> list[Row]:
    hidden = [kind for kind in ("Pod", "Deployment") if kind in model.unobserved]
    if hidden:
        why = plain(model.unobserved[hidden[0]])
        return [said(line((f"{hidden[0]}s cannot be seen: {why}", DIM)), "hidden", why)]
    return [
        said(line(("nothing here yet", DIM)), "nothing"),
        said(line(("what you apply appears by itself", DIM)), "appears"),
    ]


def _deployment(rows: Rows, entry: Entry) -> Row:
    def target() -> Target:
        return Target("deployment", entry.name)

    return rows.get(("deployment", entry.life.uid), target, lambda _now: (entry.life,), deployment_line)


def deployment_line(life: Life) -> Content:
    """Name and how many of the wanted pods are ready."""
    wanted = mapping(life.last.get("spec")).get("replicas", 1)
    ready = mapping(life.last.get("status")).get("readyReplicas") or 0
    mark, colour = ("●", GOOD) if ready == wanted else ("◐", WAIT)
    said_of = f"{plain(ready, 9)}/{plain(wanted, 9)} ready"
    return line((mark, colour), " ", (word(life.name), STRONG), "  ", (said_of, colour))


def _replica_set(
    rows: Rows, entry: Entry, parent: str, owned: dict[str | None, list[Entry]], notes: Note, now: float
) -> list[Row]:
    def target() -> Target:
        return Target("replicaset", entry.name)

    pods = owned.get(entry.life.uid, [])
    row = rows.get(
        ("replicaset", entry.life.uid), target, lambda _now: (entry.life, parent, bool(pods)), replica_set_line
    )
    return [row, *pod_rows(rows, pods, "tree", "    ", now, entry.name, notes)]


def replica_set_line(life: Life, parent: str, peopled: bool) -> Content:
    """Its name without the Deployment's, and how many pods it wants."""
    wanted = mapping(life.last.get("spec")).get("replicas", 0)
    rest = life.name.removeprefix(f"{parent}-") if parent else life.name
    what = f"wants {plain(wanted, 9)}" if wanted or peopled else "0, kept for a roll back"
    return line(("  └ ReplicaSet ", DIM), word(rest), (f"  {what}", DIM))


def _bare(
    rows: Rows,
    sets: dict[str | None, list[Entry]],
    owned: dict[str | None, list[Entry]],
    notes: Note,
    now: float,
    *,
    titled: bool,
) -> list[Row]:
    """Pods of nobody, and pods whose owner is not there (any more) or of a kind that is not watched."""
    known = {item.life.uid for group in sets.values() for item in group}
    loose = [pod for owner, pods in owned.items() if owner not in known for pod in pods]
    found = pod_rows(rows, loose, "tree", "", now, "", notes)
    return [BLANK, heading("Pods that nobody looks after"), *found] if found and titled else found


def _service(rows: Rows, model: Model, entry: Entry, lead: str, indent: str, strays: frozenset[str]) -> list[Row]:
    name, uid = entry.name, entry.life.uid

    def target() -> Target:
        return Target("service", name)

    row = rows.get(("service", uid), target, lambda _now: (entry.life, lead), service_line)
    found = [row]
    now = model.behind.get(name, NOBODY)
    if not now.ready and not now.others:
        return [*found, said(line((indent, DIM), ("◐ no pod behind it", WAIT)), "empty", uid, indent)]
    ready = [pod for pod in now.ready if pod not in strays]
    caught = [pod for pod in now.ready if pod in strays]
    found.append(said(ready_line(len(now.ready), ready, caught, indent), "ready", uid))
    if now.others:
        found.append(said(line((indent, DIM), (f"◐ {len(now.others)} not ready", WAIT)), "others", uid))
    return found


def service_line(life: Life, lead: str) -> Content:
    """Name, address, ports and type."""
    spec = mapping(life.last.get("spec"))
    ports = ",".join(plain(port.get("port", ""), 8) for port in items(spec.get("ports")))
    address = plain(spec.get("clusterIP") or "no address", 45)
    kind = plain(spec.get("type") or "ClusterIP", 20)
    return line((lead, DIM), (word(life.name), STRONG), (f"  {address}:{ports} {kind}", DIM))


def ready_line(total: int, ready: Sequence[str], strays: Sequence[str], indent: str) -> Content:
    """How many are behind a Service and who; a stray one is named."""
    names = " ".join(word(pod.rsplit("-", 1)[-1] if pod.count("-") > 1 else pod, 40) for pod in islice(ready, NAMES))
    more = f" and {len(ready) - NAMES} more" if len(ready) > NAMES else ""
    caught = f"  ! stray: {' '.join(word(pod, 60) for pod in strays[:3])}" if strays else ""
    colour = GOOD if total else WAIT
    return line((indent, DIM), (f"● {total} ready", colour), (f"  {names}{more}", DIM), (caught, WAIT))


def _home(
    model: Model,
    service: Entry,
    deployments: Sequence[Entry],
    sets: dict[str | None, list[Entry]],
    owned: dict[str | None, list[Entry]],
) -> Entry | None:
    """The one Deployment whose pods this Service finds; None if there is none, or more than one."""
    selector = mapping(mapping(service.object.get("spec")).get("selector"))
    if selector:
        found = [item for item in deployments if fits(service.object, template_labels(item.object))]
        if found:
            return found[0] if len(found) == 1 else None
    behind = model.behind.get(service.name, NOBODY)
    if not behind.ready and not behind.others:
        return None
    found = [item for item in deployments if not _names(item, sets, owned).isdisjoint((*behind.ready, *behind.others))]
    return found[0] if len(found) == 1 else None


def _names(
    deployment: Entry, sets: dict[str | None, list[Entry]], owned: dict[str | None, list[Entry]]
) -> frozenset[str]:
    """The pods of a Deployment."""
    return frozenset(pod.name for item in sets.get(deployment.life.uid, ()) for pod in owned.get(item.life.uid, ()))


def _strays(
    model: Model,
    service: Entry,
    home: Entry,
    sets: dict[str | None, list[Entry]],
    owned: dict[str | None, list[Entry]],
) -> frozenset[str]:
    """Pods behind the Service that are none of the Deployment that it is for."""
    behind = model.behind.get(service.name, NOBODY)
    return frozenset({*behind.ready, *behind.others} - _names(home, sets, owned))
