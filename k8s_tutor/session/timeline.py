"""What followed from one deed, by component, with times: the timeline of an object, made out of the record alone."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from k8s_tutor.checks.reading import text
from k8s_tutor.checks.words import clip, listed
from k8s_tutor.kube.record import Record
from k8s_tutor.session.beats import Beat, of_deployment, of_pod, of_set, of_slice, warnings
from k8s_tutor.session.family import family_of
from k8s_tutor.session.touches import Arrivals, Touch, touches

MOST_ROWS = 60
EARLY = 0.1
"""Seconds by which a component may be ahead of the news of the deed."""
APART = 5.0
"""Seconds of silence after which the same deed on another pod is a row of its own."""


@dataclass(frozen=True)
class Row:
    """One line: times in seconds after the deed. ``began`` to ``ended`` is what its bar spans, ``at`` is when the
    first of it was done. ``rough``: known to the second only, so its place among its neighbours is not certain.
    """

    at: float
    began: float
    ended: float
    who: str
    what: str
    rough: bool = False
    bad: bool = False


@dataclass(frozen=True)
class Timeline:
    """What followed from ``touch``. ``cut``: rows or pods that are not shown."""

    touch: Touch
    rows: tuple[Row, ...]
    cut: bool = False

    @property
    def length(self) -> float:
        """Seconds from the deed to the last thing that followed."""
        return max((row.ended for row in self.rows), default=0.0)


def timeline(record: Record, touch: Touch, known: Sequence[Touch] = ()) -> Timeline:
    """The rows that follow from ``touch``, up to the next deed on the same family (``known``: all touches)."""
    arrivals = Arrivals(record)
    family = family_of(record, touch, arrivals)
    later = [
        other
        for other in known or touches(record, arrivals)
        if other.uid in family.uids and (other.at, other.order) > (touch.at, touch.order) and other != touch
    ]
    until = min((other.at for other in later), default=float("inf"))
    beats = [beat for life in family.lives["ReplicaSet"] for beat in of_set(life, touch, family)]
    for life in family.lives["Pod"]:
        beats += of_pod(life, touch, family)
    for life in family.lives["Deployment"]:
        beats += of_deployment(life, touch, family)
    for life in family.lives["EndpointSlice"]:
        beats += of_slice(life, family)
    beats += warnings(family)
    # What is known to the second only may be stamped before the deed that it followed, and a component may have
    # written down what it did before the deed's own version was heard of here.
    within = []
    for beat in beats:
        early = 1.0 if beat.rough or touch.rough else EARLY if beat.noted else 0.0
        if touch.at - early < beat.at < until - (EARLY if beat.noted else 0.0):
            within.append(beat)
    rows = [_first(record, touch), *_rows(within, touch)]
    return Timeline(touch, tuple(rows[:MOST_ROWS]), family.cut or len(rows) > MOST_ROWS)


def _first(record: Record, touch: Touch) -> Row:
    """The API server's own part: it took the deed."""
    life = record.life(touch.kind, touch.uid)
    what = "deletion accepted: it is to go" if touch.verb == "deleted" else "accepted, stored"
    if touch.verb != "deleted" and touch.generation is not None and not touch.rough:
        what += f" as generation {touch.generation}"
    if touch.change:
        what += f": {touch.change}"
    address = text(life.last, "spec", "clusterIP") if life is not None and touch.kind == "Service" else ""
    if address and touch.verb in ("made", "applied"):
        what += " without an address (headless)" if address == "None" else f", with the address {clip(address, 60)}"
    return Row(0.0, 0.0, 0.0, "apiserver", what, touch.rough)


def _rows(beats: list[Beat], touch: Touch) -> list[Row]:
    """Beats of one sort, close to each other, as one row; in the order of their first."""
    groups: list[list[Beat]] = []
    open_groups: dict[tuple[str, ...], list[Beat]] = {}
    for beat in sorted(beats, key=lambda item: item.at):
        group = open_groups.get(beat.key)
        if group is not None and beat.name and (beat.bad or beat.at - group[-1].at <= APART):
            group.append(beat)
        else:
            open_groups[beat.key] = [beat]
            groups.append(open_groups[beat.key])
    return [_row(group, touch) for group in groups]


def _row(group: list[Beat], touch: Touch) -> Row:
    names = list(dict.fromkeys(beat.name for beat in group))
    count = len(names)
    took = sorted(beat.took for beat in group)
    values = {
        "names": listed(names, 4),
        "pods": "pod" if count == 1 else f"{count} pods:",
        "containers": "the container" if len(group) == 1 else f"{len(group)} containers",
        "times": f" {len(group)} times" if len(group) > 1 else "",
        "took": span(took[0]) if took[0] == took[-1] else f"{span(took[0])} to {span(took[-1])} each",
    }
    what = _filled(group[0].what, values) if group[0].key[0] != "warn" else group[0].what
    total = sum(beat.count for beat in group)
    if group[0].key[0] == "warn" and total > 1:
        what += f" ({total} times by now)"
    began = min(beat.began if beat.began is not None else beat.at for beat in group) - touch.at
    rough = touch.rough or any(beat.rough for beat in group)
    at, ended = group[0].at - touch.at, group[-1].at - touch.at
    if ended - at > 0.1 and not group[0].bad:
        what += f", the last at {'~' if rough else ''}+{f'{ended:.0f} s' if rough else span(ended)}"
    return Row(max(at, 0.0), max(min(began, at), 0.0), max(ended, 0.0), group[0].who, what, rough, group[0].bad)


def _filled(what: str, values: Mapping[str, str]) -> str:
    """``what`` with its words in braces filled in; text of strangers may hold braces, and keeps them."""
    return re.sub(r"\{(\w+)\}", lambda found: values.get(found[1], found[0]), what)


def span(seconds: float) -> str:
    """``21 ms``, ``1.21 s``, ``34 s``, ``2 min 5 s``."""
    if seconds < 0.9995:
        return f"{seconds * 1000:.0f} ms"
    if seconds < 9.995:
        return f"{seconds:.2f} s"
    if seconds < 59.95:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    return f"{whole // 60} min {whole % 60} s" if whole < 3600 else f"{whole // 3600} h {whole % 3600 // 60} min"


def offset(row: Row) -> str:
    """``+21 ms``; ``~+3 s`` where only whole seconds are known."""
    return f"~+{row.at:.0f} s" if row.rough and row.at < 60 else f"{'~' if row.rough else ''}+{span(row.at)}"


__all__ = ["Row", "Timeline", "Touch", "offset", "span", "timeline", "touches"]
