"""Events: the newest at the bottom, warnings marked, repeated ones counted."""

from __future__ import annotations

from operator import attrgetter

from textual.content import Content

from k8s_tutor.kube.record import Life
from k8s_tutor.ui.picture.fields import count, event_object, mapping, tail, word
from k8s_tutor.ui.picture.model import Entry, Model
from k8s_tutor.ui.picture.row import Row, Rows, Target, heading, said
from k8s_tutor.ui.text import DIM, WAIT, clock, line, plain

MOST = 2_000
"""The newest are listed; what is older says little, and the API server forgets it after an hour."""


def times(event: object) -> int:
    """How often it happened."""
    found = mapping(event)
    return max(1, count(found.get("count")), count(mapping(found.get("series")).get("count")))


def event_line(life: Life, at: float, wide: bool) -> Content:
    """Time, reason, object, message; ``!`` before a warning, ``×3`` after what was repeated."""
    event = life.last
    bad = event.get("type") == "Warning"
    kind, name = event_object(event)
    again = times(event)
    note = plain(event.get("message") or event.get("note") or "", 300)
    about = f"{word(kind, 30).lower()}/{word(name)}" if wide else word(tail(name), 60)
    return line(
        (clock(at) if at else "--:--:--", DIM),
        " ",
        (("! " if bad else "  " if wide else "") + word(event.get("reason") or "", 40), WAIT if bad else ""),
        (f" ×{again}" if again > 1 else "", WAIT if bad else ""),
        f" {about}",
        (f"  {note}", DIM),
    )


def newest(model: Model, most: int) -> list[Entry]:
    """The newest events, oldest of them first."""
    return sorted(model.shelf("Event").alive, key=attrgetter("at"))[-most:]


def event_row(rows: Rows, entry: Entry, wide: bool) -> Row:
    """The row of an event; it stands for the object that the event is about."""

    def target() -> Target | None:
        kind, name = event_object(entry.object)
        return Target(kind.lower(), name) if kind and name else None

    return rows.get(("event", entry.life.uid), target, lambda _now: (entry.life, entry.at, wide), event_line)


def events(rows: Rows, model: Model, now: float) -> list[Row]:
    """All rows of the Events view."""
    shelf = model.shelf("Event")
    if not shelf.alive:
        why = model.unobserved.get("Event")
        return [said(line((f"events cannot be seen: {plain(why)}" if why else "no events yet", DIM)), "none", str(why))]
    found = newest(model, MOST)
    left = len(shelf.alive) - len(found)
    older = [heading(f"{left} older ones are not listed", "older", str(left))] if left else []
    return older + [event_row(rows, entry, True) for entry in found]
