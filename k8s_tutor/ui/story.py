"""What happened, as one line after another: made out of the record's versions, conditions and events."""

from __future__ import annotations

from dataclasses import dataclass

from k8s_tutor.kube.record import Change, Life, Record
from k8s_tutor.ui.picture.fields import event_object, event_time, items, mapping, moment, stamp
from k8s_tutor.ui.text import ACCENT, DIM, WAIT, clock, line, plain
from k8s_tutor.ui.widgets.rows import Row

MOST = 400
_KINDS = ("Deployment", "ReplicaSet", "Pod", "Service")
_WORKERS = {
    "default-scheduler": "scheduler",
    "replicaset-controller": "replicaset ctrl",
    "deployment-controller": "deployment ctrl",
    "kubelet": "kubelet",
}


@dataclass(frozen=True)
class Happening:
    """One thing that happened: when (Unix seconds), who did it, to what, what it was."""

    at: float
    who: str
    about: str
    what: str
    bad: bool = False


def happenings(record: Record) -> list[Happening]:
    """Everything known, oldest first, at most ``MOST`` of the newest."""
    found: list[Happening] = []
    for kind in _KINDS:
        for life in record.lives.get(kind, ()):
            found += _of_life(kind, life)
    for event in record.alive("Event"):
        at = event_time(event)
        if at is not None:
            kind, name = event_object(event)
            component = str(mapping(event.get("source")).get("component") or event.get("reportingComponent") or "")
            what = f"{event.get('reason', '')}: {event.get('message') or event.get('note') or ''}"
            times = int(event.get("count") or 1)
            found.append(
                Happening(
                    at,
                    _WORKERS.get(component, component or "cluster"),
                    f"{kind.lower()} {short_name(name)}",
                    what + (f" ({times} times)" if times > 1 else ""),
                    event.get("type") == "Warning",
                )
            )
    return sorted(found, key=lambda item: item.at)[-MOST:]


def short_name(name: str) -> str:
    """A generated name's last part, other names whole: ``…-6b95b``."""
    parts = name.rsplit("-", 2)
    generated = len(parts) == 3 and len(parts[2]) == 5 and 8 <= len(parts[1]) <= 10
    return f"…-{parts[2]}" if generated else name


def _of_life(kind: str, life: Life) -> list[Happening]:
    about = f"{kind.lower()} {short_name(life.name)}"
    born = stamp(life.last, "creationTimestamp")
    # A stamp has whole seconds; an arrival that we saw is finer, unless it came much later.
    first = life.versions[0]
    at = first.at if born is None or (first.change is Change.ADDED and abs(first.at - born) < 3) else born
    found = [Happening(at, "apiserver", about, "stored: it exists from now on")]
    if kind == "Pod":
        for condition in items(mapping(life.last.get("status")).get("conditions")):
            when = moment(condition.get("lastTransitionTime"))
            if when is not None and condition.get("type") == "Ready":
                word = "is ready" if condition.get("status") == "True" else "is not ready"
                found.append(Happening(when, "kubelet", about, word))
    if kind in ("Deployment", "ReplicaSet"):
        before = mapping(first.object.get("spec")).get("replicas")
        for version in life.versions[1:]:
            wanted = mapping(version.object.get("spec")).get("replicas")
            if wanted != before:
                found.append(Happening(version.at, "apiserver", about, f"replicas {before} → {wanted}"))
                before = wanted
    if life.gone_at is not None:
        found.append(Happening(life.gone_at, "apiserver", about, "gone"))
    return found


def story(record: Record) -> list[Row]:
    """Rows for the screen: time, who, what; the time since the row before where it is short."""
    rows = []
    before: float | None = None
    for item in happenings(record):
        gap = "" if before is None or item.at - before > 60 else f"+{item.at - before:.1f}s" if item.at > before else ""
        head = line((clock(item.at), DIM), (f" {gap:>7}  ", DIM), (f"{plain(item.who, 18):<16} ", ACCENT))
        rows.append((head, line(plain(item.about, 90), "  ", (plain(item.what, 240), WAIT if item.bad else DIM))))
        before = item.at
    return rows
