"""Submissions that are nearly the same, for the instructor to look at. A lab's own manifests are alike by nature."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Mapping
from itertools import combinations

from k8s_tutor.grading.submission import Submission
from k8s_tutor.labs.model import Lab
from k8s_tutor.reports.grades.report import Alike

LEAST = 0.9
"""Share of what two have in common from which they are listed."""
ENOUGH = 4
"""Marks that a submission must have of its own: what everybody took from the lab's text proves nothing."""
MOST = 200


def alike(submissions: Iterable[Submission], lab: Lab, labs: Mapping[str, Lab] | None = None) -> tuple[Alike, ...]:
    """Pairs of students whose own words are the same for at least ``LEAST``; the nearest first, at most ``MOST``.

    Compared are marks that the lab does not give: comments, the names, values and order of fields that differ from the
    lab's own manifest, wrong answers, the wording of commands. The share is the Jaccard index of the two sets of marks.
    ``labs``: the lab's variant of each student; what it asks for is compared as the lab itself has it.
    """
    common = {mark for manifest in lab.manifests for mark in _text_marks(manifest.text)}
    marks = {
        each.student: set(map(_as_plain((labs or {}).get(each.student, lab), lab), _marks(each))) - common
        for each in submissions
    }
    spread: dict[str, int] = {}
    for own in marks.values():
        for mark in own:
            spread[mark] = spread.get(mark, 0) + 1
    # What a fifth of the class wrote is the lab's way of saying it, not a copy.
    usual = {mark for mark, number in spread.items() if number > max(3, len(marks) // 5)}
    rare = {student: own - usual for student, own in marks.items() if len(own - usual) >= ENOUGH}
    found = []
    for (one, first), (other, second) in combinations(sorted(rare.items()), 2):
        share = len(first & second) / len(first | second)
        if share >= LEAST:
            found.append(Alike(one, other, round(share, 2)))
    return tuple(sorted(found, key=lambda pair: (-pair.share, pair.one, pair.other))[:MOST])


def _as_plain(own: Lab, plain: Lab) -> Callable[[str], str]:
    """Puts the plain lab's values in place of those of a variant; numbers only where one is given to something."""
    values = {str(value): str(plain.variant[name]) for name, value in own.variant.items()}
    differing = sorted((value for value in values if value != values[value]), key=len, reverse=True)
    if not differing:
        return str
    given = [
        rf"(?:(?<=[=:] )|(?<==)){value}" if value.isdigit() else rf"(?<![\w.]){re.escape(value)}" for value in differing
    ]
    found = re.compile(rf"(?:{'|'.join(given)})(?![\w.])")
    return lambda text: found.sub(lambda match: values[match[0]], text)


def _marks(submission: Submission) -> set[str]:
    found = {f"command {command.text}" for command in submission.commands}
    found |= {f"answer {name} {' '.join(text.split()).lower()}" for name, text in submission.answers.items()}
    for manifest in submission.manifests:
        found |= set(_text_marks(manifest.text))
        for document in manifest.documents:
            found |= {f"{manifest.name} {path}" for path in _paths(document.object)}
    return found


def _text_marks(text: str) -> Iterable[str]:
    """The lines as they were typed: comments, blanks at their ends, an indentation of one's own."""
    for line in text.splitlines():
        shown = re.sub(r"\s*#\[\d+\]\s*$", "", line.expandtabs())
        if shown.strip():
            yield f"line {shown}"


def _paths(item: object, path: str = "") -> Iterable[str]:
    if isinstance(item, Mapping):
        yield f"{path} order {json.dumps(list(map(str, item)))}"
        for key, value in item.items():
            yield from _paths(value, f"{path}.{key}")
    elif isinstance(item, list):
        for value in item:
            yield from _paths(value, f"{path}[]")
    else:
        yield f"{path} = {item!r}"
