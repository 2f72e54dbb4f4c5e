"""A class as one HTML page for the instructor: which check stops whom, and the finding behind each of them.

The page needs nothing else: no script, style or font from elsewhere, and its Content-Security-Policy allows none. It
works without its small script (which filters and folds), in light and dark, on paper, and without colours.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterator
from functools import cache
from importlib.resources import files

from k8s_tutor.checks.outcome import Status
from k8s_tutor.checks.words import plural
from k8s_tutor.reports.grades import shown
from k8s_tutor.reports.grades.html_student import SIGN_CLASS, WORDS, safe, student
from k8s_tutor.reports.grades.report import ClassReport, Graded
from k8s_tutor.reports.grades.shown import CheckLine, Totals
from k8s_tutor.reports.report import Row

ROOM = 1_800_000
"""Bytes for the students' findings together; each student has the same share of it."""


class HtmlReporter:
    """Renders the page. It shows what hidden checks find: it is for those who grade."""

    def render(self, report: ClassReport) -> str:
        """The page; texts of students and clusters are escaped and bounded."""
        style, script = _asset("grades.css"), _asset("grades.js")
        policy = (
            f"default-src 'none'; style-src '{_digest(style)}'; script-src '{_digest(script)}'; "
            "base-uri 'none'; form-action 'none'"
        )
        title = safe(report.title or report.lab, 160)
        parts = [
            "<!DOCTYPE html>",
            '<html lang="en"><head><meta charset="utf-8">',
            f'<meta http-equiv="Content-Security-Policy" content="{policy}">',
            '<meta name="viewport" content="width=device-width, initial-scale=1">',
            '<meta name="referrer" content="no-referrer">',
            f"<title>{title}: grades</title>",
            f"<style>{style}</style></head>",
            "<body>",
            *_head(report, title),
            "<main>",
            *_heat(report),
            *_checks(report),
            *_students(report),
            *_alike(report),
            "</main>",
            f"<footer>k8s-tutor {safe(report.version, 60)}</footer>",
            f"<script>{script}</script></body></html>",
        ]
        return "\n".join(part for part in parts if part) + "\n"


@cache
def _asset(name: str) -> str:
    return files("k8s_tutor.reports.grades").joinpath(name).read_text(encoding="utf-8").strip()


def _digest(text: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


def _head(report: ClassReport, title: str) -> Iterator[str]:
    totals = shown.totals(report)
    yield f'<header><p class="over">Grades</p><h1>{title}</h1>'
    yield f'<p class="lead">{safe(totals.sentence)}.</p>'
    if report.trouble:
        yield f'<p class="trouble" role="alert"><b>? The run broke.</b> {safe(report.trouble, 600)}</p>'
    yield from _tiles(totals)
    yield '<dl class="provenance">'
    for word, text in shown.provenance(report):
        yield f"<div><dt>{word}</dt><dd>{safe(text, 400)}</dd></div>"
    yield "</dl>"
    if report.unfinished:
        names = ", ".join(safe(name, 120) or "(no name)" for name in report.unfinished)
        yield f'<p class="trouble"><b>· Not graded</b> (the run ended before their turn): {names}</p>'
    if report.notes:
        notes = "".join(f"<li>{safe(note, 600)}</li>" for note in report.notes)
        yield f'<ul class="notes soft">{notes}</ul>'
    parts = [("map", "Students and checks"), ("checks", "What stops the class")] if report.checks else []
    parts += [("students", "Findings by student")]
    parts += [("alike", "Nearly the same")] if report.alike else []
    links = "".join(f'<a href="#{anchor}">{word}</a>' for anchor, word in parts)
    yield f'<nav aria-label="Parts of the page">{links}</nav></header>'


def _tiles(totals: Totals) -> Iterator[str]:
    tiles = [
        ("pass", "✓", str(totals.passed), "pass"),
        ("fail", "✗", str(totals.failed), "fail"),
        ("error", "?", str(totals.broken), "not fully observed"),
        ("skipped", "·", str(totals.unfinished), "not graded"),
    ]
    yield '<ul class="tiles">'
    for kind, sign, count, word in tiles:
        if count != "0" or kind in ("pass", "fail"):
            yield f'<li class="{kind}"><span class="sign">{sign}</span> <b>{count}</b> <span>{word}</span></li>'
    if totals.mean is not None:
        yield f"<li><b>{totals.mean:.1f}</b> <span>of {totals.points} points on average</span></li>"
    yield "</ul>"


def _checks(report: ClassReport) -> Iterator[str]:
    """A bar a check, in the lab's order; the one that stops most students is named."""
    lines = shown.over_class(report)
    if not lines:
        return
    worst = next(iter(shown.blocking(report)), None)
    why = shown.causes(report)
    yield '<section id="checks"><h2>What stops the class</h2>'
    if worst is None:
        yield '<p class="soft">None: nobody fails a check.</p>'
    yield '<table class="checks"><thead><tr><th scope="col">Check</th><th scope="col">Passed by</th>'
    yield '<th scope="col">Most often because</th></tr></thead>'
    for step in dict.fromkeys(line.row.step_id for line in lines):
        rows = [line for line in lines if line.row.step_id == step]
        yield f'<tbody><tr><th colspan="3" scope="rowgroup">{safe(rows[0].row.step_title or step, 160)}</th></tr>'
        for line in rows:
            most = worst is not None and line.row.check_id == worst.row.check_id
            yield _check(line, why.get(line.row.check_id, []), most=most)
        yield "</tbody>"
    yield "</table></section>"


def _check(line: CheckLine, why: list[tuple[str, int]], *, most: bool) -> str:
    row = line.row
    tags = [_points(row), "optional" if row.optional else "", _visibility(row)]
    tags_text = " · ".join(filter(None, tags))
    flag = '<span class="flag">stops most students</span>' if most else ""
    causes = "".join(f"<li>{safe(text, 240)} <span class='n'>({count})</span></li>" for text, count in why[:3])
    rest = f' <span class="soft">and {plural(len(why) - 3, "other cause")}</span>' if len(why) > 3 else ""
    unseen = f' <span class="soft">? {line.broken} not observed</span>' if line.broken else ""
    untried = f' <span class="soft">· {line.skipped} not tried</span>' if line.skipped else ""
    return (
        f"<tr{' class=most' if most else ''}><td><code>{safe(row.check_id, 100)}</code> {safe(row.title, 300)} "
        f'<span class="soft">{tags_text}</span> {flag}</td>'
        f'<td class="share">{_bar(line)}<span class="n">✓ {line.passed} of {line.observed}</span>{unseen}{untried}</td>'
        f"<td>{f'<ul>{causes}</ul>' if causes else ''}{rest}</td></tr>"
    )


def _bar(line: CheckLine) -> str:
    """Passed and not passed; the text beside it says the same."""
    width = 100 * line.share
    if not line.observed:
        return ""
    return (
        '<svg class="bar" viewBox="0 0 100 10" preserveAspectRatio="none" aria-hidden="true">'
        f'<rect class="rest" width="100" height="10"/><rect class="pass" width="{width:.1f}" height="10"/></svg>'
    )


def _points(row: Row) -> str:
    return plural(row.points, "point")


def _visibility(row: Row) -> str:
    return {"hidden": "hidden from students", "after_due": "shown after the due date"}.get(row.visibility, "")


def _heat(report: ClassReport) -> Iterator[str]:
    """Students by checks; a cell leads to its finding."""
    steps = dict.fromkeys(row.step_id for row in report.checks)
    checks = [row for step in steps for row in report.checks if row.step_id == step]
    if not checks:
        return
    yield '<section id="map"><h2>Students and checks</h2>'
    yield '<p class="legend"><span class="p">✓ pass</span> <span class="f">✗ fail</span>'
    yield '<span class="s">· not tried</span> <span class="e">? not observed, costs no points</span></p>'
    yield '<form class="tools" hidden><label>Student <input type="search" id="find" autocomplete="off"></label>'
    yield '<label><input type="checkbox" id="open"> only who has not passed</label></form>'
    yield '<div class="heat" tabindex="0" role="region" aria-label="Students and checks"><table><thead><tr>'
    yield '<th scope="col" rowspan="2" class="who">Student</th><th scope="col" rowspan="2" class="n">Points</th>'
    for step in steps:
        rows = [row for row in checks if row.step_id == step]
        title = safe(rows[0].step_title or step, 160)
        yield f'<th scope="colgroup" colspan="{len(rows)}" class="step" title="{title}"><span>{title}</span></th>'
    yield "</tr><tr>"
    firsts = {next(row.check_id for row in checks if row.step_id == step) for step in steps}
    for row in checks:
        first = " first" if row.check_id in firsts else ""
        name = safe(row.check_id, 60)
        yield f'<th scope="col" class="check{first}" title="{safe(row.title, 200)}"><span>{name}</span></th>'
    yield "</tr></thead><tbody>"
    ids = [row.check_id for row in checks]
    for number, graded in enumerate(report.students):
        yield _line(number, graded, ids, firsts)
    yield '</tbody><tfoot><tr><th scope="row" class="who" colspan="2">Passed by</th>'
    by_check = {line.row.check_id: line for line in shown.over_class(report)}
    for check in ids:
        line = by_check[check]
        share = f"{100 * line.share:.0f}%" if line.observed else "?"
        first = " first" if check in firsts else ""
        yield f'<td class="n{first}" title="{line.passed} of {line.observed}">{share}</td>'
    yield "</tr></tfoot></table></div></section>"


def _line(number: int, graded: Graded, ids: list[str], firsts: set[str]) -> str:
    """A student's line: one text, for there may be thousands of cells."""
    rows = {row.check_id: (place, row) for place, row in enumerate(graded.report.rows)}
    cells = []
    for check in ids:
        first = " first" if check in firsts else ""
        if check not in rows:
            cells.append(f'<td class="s{first}" title="no result"></td>')
            continue
        place, row = rows[check]
        kind, sign = SIGN_CLASS[row.status], shown.SIGNS[row.status]
        tip = f"{safe(check, 60)}: {row.status.value}"
        inner = sign if row.status is Status.PASS else f'<a href="#s{number}c{place}">{sign}</a>'
        cells.append(f'<td class="{kind}{first}" title="{tip}">{inner}</td>')
    name, kind = safe(shown.student_name(graded), 120), graded.word
    sign = WORDS[kind][0]
    points = f"{graded.score}/{graded.max_score}" + (' <span title="not final">?</span>' if graded.broken else "")
    return (
        f'<tr data-n="s{number}" class="{kind}"><th scope="row" class="who"><a href="#s{number}">'
        f'<span class="sign">{sign}</span> {name}</a></th><td class="n">{points}</td>{"".join(cells)}</tr>'
    )


def _students(report: ClassReport) -> Iterator[str]:
    yield '<section id="students"><h2>Findings by student</h2>'
    if not report.students:
        yield '<p class="soft">Nobody was graded.</p>'
    room = ROOM // max(1, len(report.students))
    for number, graded in enumerate(report.students):
        yield student(number, graded, room)
    yield "</section>"


def _alike(report: ClassReport) -> Iterator[str]:
    if not report.alike:
        return
    numbers = {graded.student: number for number, graded in enumerate(report.students)}

    def link(name: str) -> str:
        text = safe(name, 120) or "(no name)"
        return f'<a href="#s{numbers[name]}">{text}</a>' if name in numbers else text

    yield '<section id="alike"><h2>Submissions that are nearly the same</h2>'
    yield '<p class="soft">Alike is a reason to look, never a proof: short manifests are often alike.</p>'
    yield '<table class="alike"><thead><tr><th scope="col">One</th><th scope="col">Other</th><th scope="col">Alike</th>'
    yield "</tr></thead><tbody>"
    for pair in report.alike:
        share = f'<td class="n">{100 * pair.share:.0f} %</td>'
        yield f"<tr><td>{link(pair.one)}</td><td>{link(pair.other)}</td>{share}</tr>"
    yield "</tbody></table></section>"
