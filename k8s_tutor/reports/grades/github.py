"""A class in GitHub Actions: annotations (workflow commands, for stdout) and a step summary (Markdown).

Annotations: ``::error file=…,line=…,title=…::message``; in what they hold ``%``, CR and LF are escaped, in properties
also ``:`` and ``,``. GitHub shows ten of a kind and step, so they are gathered: one for each check and place, one for
what is left out. A step summary may have 1024 KiB; this one has half of it at most.
"""

from __future__ import annotations

import html
from collections.abc import Callable, Iterable, Iterator, Sequence

from k8s_tutor.checks.outcome import Status
from k8s_tutor.checks.words import clip, duration, listed, plural
from k8s_tutor.reports.grades import shown
from k8s_tutor.reports.grades.report import ClassReport, Graded
from k8s_tutor.reports.grades.shown import SIGNS, md
from k8s_tutor.reports.report import Row

MOST = 10
"""Annotations of a kind in a step that GitHub shows (community discussion 26680)."""
ROOM = 512 * 1024
"""Bytes of a step summary; GitHub refuses one of more than 1024 KiB."""


def annotation(kind: str, text: str, *, title: str = "", file: str = "", line: int = 0) -> str:
    """One workflow command without a line end. ``kind``: error, warning or notice."""
    given = [("file", file), ("line", str(line) if file and line > 0 else ""), ("title", title)]
    properties = ",".join(f"{key}={_property(value)}" for key, value in given if value)
    return f"::{kind}{' ' + properties if properties else ''}::{_data(text)}"


class AnnotationsReporter:
    """Renders workflow commands, one a line; always at least a notice. ``after_due``: the due date has passed."""

    def __init__(self, *, after_due: bool = True) -> None:
        self._after_due = after_due

    def render(self, report: ClassReport) -> str:
        """At most ten errors (what fails), ten warnings (what could not be seen or read), one notice."""
        title = f"k8s-tutor {clip(report.lab, 60)}"
        commands = [
            *_bounded("error", title, list(self._failing(report))),
            *_bounded("warning", title, list(_troubles(report, title))),
            annotation("notice", shown.totals(report).sentence, title=title),
        ]
        return "\n".join(commands) + "\n"

    def _failing(self, report: ClassReport) -> Iterator[str]:
        """One for each check that fails and each place in what was handed in, the most frequent first."""
        groups: dict[tuple[str, str, int], list[tuple[Graded, Row]]] = {}
        for graded in report.students:
            for row in graded.report.rows:
                if row.status in (Status.FAIL, Status.WAITING) and not row.optional:
                    place = shown.where(row) if shown.tells(row, after_due=self._after_due) else ("", 0)
                    groups.setdefault((row.check_id, *place), []).append((graded, row))
        alone = len(report.students) == 1
        for (check, file, line), found in sorted(groups.items(), key=lambda item: -len(item[1])):
            row = found[0][1]
            name = f"{clip(check, 60)}: {clip(row.title, 120)}"
            who = "" if alone else f"{plural(len(found), 'student')}: {listed(g.student for g, _ in found)}"
            told = [who, shown.message(row, after_due=self._after_due, limit=300)]
            told += [f"{word}: {text}" for word, text in shown.told(row, after_due=self._after_due, limit=300)]
            if not alone and len(found) > 1:
                told = told[:2]  # the finding is of one of them
            place = (_from_here(found[0][0], file), line) if file else (row.file, row.line)
            yield annotation("error", "\n".join(filter(None, told)), title=name, file=place[0], line=place[1])


def _troubles(report: ClassReport, title: str) -> Iterator[str]:
    """What is no verdict: a run or a student that broke, what was refused, who was not graded."""
    if report.trouble:
        yield annotation("warning", f"the run broke: {clip(report.trouble, 400)}", title=title)
    if report.unfinished:
        yield annotation("warning", f"not graded: {listed(report.unfinished, 10)}", title=title)
    broken = [graded for graded in report.students if graded.broken]
    if broken:
        text = f"could not be observed, no points lost: {listed((graded.student for graded in broken), 10)}"
        why = next((graded.report.trouble for graded in broken if graded.report.trouble), "")
        yield annotation("warning", text + (f"\n{clip(why, 400)}" if why else ""), title=title)
    alone = len(report.students) == 1
    for graded in report.students:
        for notice in graded.notices[: MOST * 2]:
            who = "" if alone else f"{shown.student_name(graded)}: "
            text = who + clip(notice.message, 400) + (f"\n{clip(notice.remedy, 400)}" if notice.remedy else "")
            yield annotation("warning", text, title=title, file=_from_here(graded, notice.file), line=notice.line)


def _from_here(graded: Graded, file: str) -> str:
    """A file that was handed in, by the path that the annotation needs to stand beside it."""
    return f"{graded.folder}/{file}" if graded.folder and file else file


def _bounded(kind: str, title: str, commands: list[str]) -> list[str]:
    if len(commands) <= MOST:
        return commands
    left = len(commands) - MOST + 1
    return [*commands[: MOST - 1], annotation(kind, f"{left} more are not shown here", title=title)]


def _data(text: str) -> str:
    clean = "\n".join(clip(line, 1000) for line in text.split("\n")[:20])
    return clean.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(clip(text, 300)).replace(":", "%3A").replace(",", "%2C")


class SummaryReporter:
    """Renders Markdown for ``$GITHUB_STEP_SUMMARY``, headings from ``###`` on, details folded.

    ``after_due``: whether the due date has passed. ``room``: bytes at most; what does not fit is left out and counted.
    """

    def __init__(self, *, after_due: bool = True, room: int = ROOM) -> None:
        self._after_due, self._room = after_due, room

    def render(self, report: ClassReport) -> str:
        """The document: totals, a table of students, what each has not reached."""
        head = [f"### {_sign(report)} {md(report.title or report.lab, 120)}", "", md(shown.totals(report).sentence)]
        if report.trouble:
            head += ["", f"**The run broke:** {md(report.trouble)}"]
        if report.unfinished:
            head += ["", f"**Not graded:** {md(listed(report.unfinished, 20), 2000)}"]
        foot = [
            "",
            md(
                f"k8s-tutor {report.version}, lab {report.lab} ({clip(report.hash, 24)}), cluster {report.cluster}, "
                f"Kubernetes {report.kubernetes or 'unknown'}, {duration(report.seconds)}"
            ),
        ]
        room = self._room - _size([*head, *foot]) - 400
        table = ["", "| | student | points | not passed |", "|---|---|--:|---|"]
        lines, room = _fit(report.students, self._line, room - _size(table), "| | {} more | | |")
        blocks, room = _fit([g for g in report.students if _lacks(g)], self._details, room, "\n{} more")
        return "\n".join([*head, *([*table, *lines] if lines else []), *blocks, *foot]) + "\n"

    def _line(self, graded: Graded) -> str:
        missing = [row.check_id for row in graded.report.rows if row.status is not Status.PASS and not row.optional]
        sign = {"pass": "✓", "fail": "✗"}.get(graded.word, "?")
        points = f"{graded.score}/{graded.max_score}" + (" ?" if graded.broken else "")
        return f"| {sign} | {md(shown.student_name(graded), 120)} | {points} | {md(listed(missing, 6), 600)} |"

    def _details(self, graded: Graded) -> str:
        """A folded block for who has not everything."""
        rows = [row for row in graded.report.rows if row.status is not Status.PASS]
        # A line of tags is HTML to Markdown: entities hold there, backslashes do not.
        name = html.escape(shown.student_name(graded)).replace("@", "&#64;").replace("://", "&#58;//")
        told = ["", f"<details><summary>{name}: {shown.standing(graded)}</summary>", ""]
        if graded.report.trouble:
            told += [f"- ? {md(graded.report.trouble)}"]
        told += [f"- ! {md(f'{notice.where}: {notice.message}')}" for notice in graded.notices[:20]]
        for row in rows:
            why = shown.message(row, after_due=self._after_due)
            told.append(f"- {SIGNS[row.status]} {md(row.check_id, 100)}: {md(row.title)} — {md(why, 400)}")
            told += [f"  - {word}: {md(text)}" for word, text in shown.told(row, after_due=self._after_due, limit=300)]
        return "\n".join([*told, "", "</details>"])


def _sign(report: ClassReport) -> str:
    return {0: "✓", 1: "✗"}.get(report.exit_code, "?")


def _size(parts: Iterable[str]) -> int:
    return sum(len(part.encode()) + 1 for part in parts)


def _lacks(graded: Graded) -> bool:
    rows = graded.report.rows
    return bool(graded.notices or graded.report.trouble) or any(row.status is not Status.PASS for row in rows)


def _fit(students: Sequence[Graded], render: Callable[[Graded], str], room: int, more: str) -> tuple[list[str], int]:
    """The students that fit, with a word on those that do not; and the room that is left."""
    kept: list[str] = []
    for number, graded in enumerate(students):
        part = render(graded)
        size = _size([part])
        if size > room:
            return [*kept, more.format(len(students) - number)], 0
        kept.append(part)
        room -= size
    return kept, room
