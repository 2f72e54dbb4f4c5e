"""Lines of pods, and of pods in great numbers."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import islice

from textual.content import Content

from k8s_tutor.kube.record import Life
from k8s_tutor.ui.picture.fields import is_bad, pod_ready, pod_word, restarts, short, word
from k8s_tutor.ui.picture.model import Entry, Model
from k8s_tutor.ui.picture.row import Row, Rows, Target, said
from k8s_tutor.ui.text import BAD, DIM, GOOD, STRONG, WAIT, line, span

FOLD = 60
"""More pods than these in one place are folded: the first ones, those that are on their way, and a number."""
FIRST, LOOSE = 12, 24
Note = Callable[[Entry], tuple[str, ...]]
"""What is said of a pod at its line's end."""


def pod_sign(life: Life) -> tuple[str, str]:
    """Sign and colour of a pod."""
    if life.gone_at is not None:
        return "✗", DIM
    if pod_ready(life.last):
        return "●", GOOD
    found = pod_word(life.last)
    if found in ("Completed", "Succeeded"):
        return "●", DIM
    return ("✗", BAD) if is_bad(found) else ("◐", WAIT)


def pod_line(life: Life, name: str, indent: str, age: str, fresh: bool, notes: tuple[str, ...]) -> Content:
    """A pod: sign, name, age, how it is, and notes; one that is gone is struck through."""
    mark, colour = pod_sign(life)
    if life.gone_at is not None:
        return line((f"{indent}{mark} ", DIM), (name, f"{DIM} strike"), (f"  gone {age} ago", DIM))
    again = restarts(life.last)
    parts: list[str | tuple[str, str]] = [(indent, DIM), (mark, colour), f" {name}", (f"  {age:<6} ", DIM)]
    if fresh:
        parts.append(("new  ", STRONG))
    parts.append((pod_word(life.last), colour))
    if again:
        parts.append((f"  {again} restart{'s' if again > 1 else ''}", DIM))
    for note in notes:
        parts.append((f"  {note}", WAIT if note.startswith("!") else DIM))
    return line(*parts)


def age_of(entry: Entry, now: float) -> str:
    """How old it is; of one that is gone: for how long."""
    gone = entry.life.gone_at
    return span(now - (entry.born if gone is None else gone))


def pod_row(
    rows: Rows,
    entry: Entry,
    where: str,
    indent: str,
    parent: str = "",
    notes: Note | None = None,
    namespace: str = "",
) -> Row:
    """The row of a pod at this place (``where``: a pod may stand in a view twice)."""

    def target() -> Target:
        return Target("pod", entry.name, namespace)

    def facts(now: float) -> tuple[object, ...]:
        shown = word(short(entry.name, parent))
        said_of = notes(entry) if notes is not None and entry.there else ()
        return entry.life, shown, indent, age_of(entry, now), entry.fresh(now), said_of

    return rows.get(("pod", where, entry.life.uid), target, facts, pod_line)


def pod_rows(
    rows: Rows,
    entries: Sequence[Entry],
    where: str,
    indent: str,
    now: float,
    parent: str = "",
    notes: Note | None = None,
) -> list[Row]:
    """Rows of these pods in their order; of very many the first, those on their way, and how many more there are."""
    if len(entries) <= FOLD:
        return [pod_row(rows, entry, where, indent, parent, notes) for entry in entries]
    loose = (entry for entry in entries[FIRST:] if not entry.ready or entry.fresh(now))
    shown = [*entries[:FIRST], *islice(loose, LOOSE)]
    there = sum(entry.there for entry in entries) - sum(entry.there for entry in shown)
    ready = sum(entry.ready for entry in entries) - sum(entry.ready for entry in shown)
    more = line((f"{indent}… and {there} more, {ready} ready: Tables lists them all", DIM))
    return [pod_row(rows, entry, where, indent, parent, notes) for entry in shown] + [said(more, "more", where)]


def serving_notes(model: Model, strays: frozenset[str]) -> Note:
    """Which Services reach a pod; of a stray one, that it should not be so."""

    def notes(entry: Entry) -> tuple[str, ...]:
        name = entry.name
        found = tuple(f"→ {word(service, 40)}" for service in model.serving(name))
        return (*found, "! stray: a selector caught it") if name in strays else found

    return notes
