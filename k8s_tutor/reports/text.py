"""A report for eyes: 80 columns, a sign and a word for every result, colour only where it was asked for."""

from __future__ import annotations

import textwrap
import unicodedata
from collections.abc import Iterator
from itertools import groupby

from k8s_tutor.checks.outcome import Finding, Status
from k8s_tutor.checks.words import clip, duration, plural
from k8s_tutor.reports.report import Report, Row

WIDTH = 80

SIGNS: dict[Status, tuple[str, str, str]] = {
    Status.PASS: ("✓", "pass", "32"),
    Status.FAIL: ("✗", "fail", "31"),
    Status.ERROR: ("!", "error", "35"),
    Status.SKIPPED: ("–", "skipped", "2"),
    Status.WAITING: ("◐", "waiting", "33"),
}
"""Status -> sign, word, colour (SGR)."""


class TextReporter:
    """Renders plain text; with ``colour`` the sign and the word are coloured."""

    def __init__(self, *, colour: bool = False) -> None:
        self._colour = colour

    def render(self, report: Report) -> str:
        """The lab's steps with their checks, findings below what is not passed, and the sum."""
        lines = list(_wrapped(f"{report.lab} · {clip(report.title, 60)}", 0))
        place = " · ".join(clip(part, 60) for part in (report.cluster, report.namespace) if part)
        lines += list(_wrapped(place, 2)) if place else []
        if report.trouble:
            lines += ["", *_wrapped(f"! {clip(report.trouble, 300)}", 0, 2)]
        for _, rows in groupby(report.rows, key=lambda row: row.step_id):
            step = list(rows)
            lines += ["", *_wrapped(clip(step[0].step_title, 120), 0)]
            for row in step:
                lines += self._row(row)
        lines += ["", *self._sum(report)]
        return "\n".join(line.rstrip() for line in lines) + "\n"

    def _row(self, row: Row) -> Iterator[str]:
        sign, word, colour = SIGNS[row.status]
        title = clip(row.title, 160) + (" (optional)" if row.optional else "")
        head = list(_wrapped(title, 4, first=f"  {sign} {word:<8}", indent=12))
        if self._colour and head:
            head[0] = head[0].replace(f"{sign} {word}", f"\x1b[{colour}m{sign} {word}\x1b[0m", 1)
        yield from head
        outcome = row.outcome
        if outcome.status is Status.PASS:
            for fact in outcome.facts[:6]:
                yield from _wrapped(clip(fact, 300), 12)
        elif outcome.status is Status.SKIPPED:
            yield from _wrapped(clip(outcome.facts[0] if outcome.facts else outcome.summary, 300), 12)
        elif outcome.finding is not None:
            yield from _finding(outcome.finding)
        else:
            yield from _wrapped(clip(outcome.summary, 300), 12)

    def _sum(self, report: Report) -> Iterator[str]:
        counts = [(report.count(status), SIGNS[status]) for status in SIGNS]
        told = ", ".join(f"{number} {word}" for number, (_, word, _) in counts if number) or "no checks"
        yield from _wrapped(
            f"{told} · {report.score} of {plural(report.max_score, 'point')} · {duration(report.seconds)}", 0
        )
        if report.count(Status.ERROR):
            yield from _wrapped("An error is the absence of an observation: it counts neither for nor against you.", 0)


def _finding(finding: Finding) -> Iterator[str]:
    """The parts of a finding, each under its word, as a red result is opened on the screen."""
    parts = [("expected", finding.expected), ("found", finding.observed), ("see", finding.command)]
    if finding.cause is not None:
        parts += [("because", finding.cause.text), ("look at", finding.cause.look_at)]
    for word, told in parts:
        if told:
            yield from _wrapped(clip(told, 600), 0, first=f"      {word:<10}", indent=16)


def _wrapped(told: str, margin: int, hang: int = 0, *, first: str = "", indent: int = 0) -> Iterator[str]:
    """``told`` broken into lines of at most WIDTH columns, whatever it holds."""
    start = first or " " * margin
    below = " " * (indent or margin + hang)
    whole = textwrap.wrap(told, WIDTH, initial_indent=start, subsequent_indent=below) or [start]
    for line in whole:
        yield from _narrow(line, below)


def _narrow(line: str, below: str) -> Iterator[str]:
    """Break a line that has wide characters in it: textwrap counts characters, not columns."""
    part, width = "", 0
    for character in line:
        columns = 2 if unicodedata.east_asian_width(character) in "WF" else 1
        if width + columns > WIDTH:
            yield part
            part, width = below, len(below)
        part, width = part + character, width + columns
    yield part
