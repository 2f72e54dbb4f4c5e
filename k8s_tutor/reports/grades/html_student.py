"""A student's part of the HTML page: every finding, what was wrong with what was handed in, what was done with it."""

from __future__ import annotations

import html

from k8s_tutor.checks.outcome import Finding, Status
from k8s_tutor.checks.words import clip, duration, plural
from k8s_tutor.reports.grades import shown
from k8s_tutor.reports.grades.report import Graded
from k8s_tutor.reports.report import Row

SIGN_CLASS = {Status.PASS: "p", Status.FAIL: "f", Status.WAITING: "f", Status.SKIPPED: "s", Status.ERROR: "e"}
WORDS = {"pass": ("✓", "pass"), "fail": ("✗", "fail"), "error": ("?", "not fully observed")}


def safe(value: str, limit: int = 300) -> str:
    """One bounded line that is no HTML, neither between tags nor in an attribute."""
    return html.escape(clip(value, limit), quote=True)


def student(number: int, graded: Graded, room: int) -> str:
    """The student's block, of about ``room`` bytes at most: what does not fit is counted, and is in the JSON report."""
    sign, word = WORDS[graded.word]
    name = safe(shown.student_name(graded), 120)
    head = (
        f'<details class="student {graded.word}" id="s{number}" open><summary><span class="sign">{sign}</span> '
        f'<b>{name}</b> <span class="n">{shown.standing(graded)}</span> <span class="soft">{word}</span></summary>'
    )
    parts = [_facts(graded), _roster(graded)]
    if graded.report.trouble:
        parts.append(f'<p class="trouble"><b>? Not graded.</b> {safe(graded.report.trouble, 600)}</p>')
    parts += _within([_notice(graded)], room // 4)
    rows = graded.report.rows
    found = [(place, row) for place, row in enumerate(rows) if row.status is not Status.PASS]
    spent = sum(len(part.encode()) for part in parts)
    left = room - spent - _DEEDS_LEAST
    for place, row in found:
        full = finding(number, place, row)
        size = len(full.encode())
        if size > left:
            full = finding(number, place, row, brief=True)
            size = len(full.encode())
        parts.append(full)
        left -= size
    passed = [row for row in rows if row.status is Status.PASS]
    if passed:
        names = ", ".join(f"<code>{safe(row.check_id, 60)}</code>" for row in passed[:60])
        parts.append(
            f'<p class="passed"><span class="sign">✓</span> {plural(len(passed), "check")} passed: {names}</p>'
        )
    parts.append(_deeds(graded, max(left, 0) + _DEEDS_LEAST))
    return head + "\n".join(part for part in parts if part) + "</details>"


_DEEDS_LEAST = 1500


def finding(number: int, place: int, row: Row, *, brief: bool = False) -> str:
    """One check that has not passed, with all that is known of why. ``brief``: its summary only, there is no room."""
    said = row.outcome.facts[0] if row.status is Status.SKIPPED and row.outcome.facts else row.outcome.summary
    notes = [
        row.status.value,
        plural(row.points, "point"),
        "optional" if row.optional else "",
        {"hidden": "hidden from students", "after_due": "shown after the due date"}.get(row.visibility, ""),
    ]
    head = (
        f'<article class="finding {SIGN_CLASS[row.status]}" id="s{number}c{place}"><h4><span class="sign">'
        f"{shown.SIGNS[row.status]}</span> {safe(row.title or row.check_id, 60 if brief else 300)} "
        f'<code>{safe(row.check_id, 60)}</code> <span class="soft">{" · ".join(filter(None, notes))}</span></h4>'
    )
    if brief:
        return f'{head}<p>{safe(said, 80)} <span class="soft">More in the JSON report.</span></p></article>'
    told = _terms(row.outcome.finding) if row.outcome.finding is not None else ""
    lab = f'<p class="soft place">{safe(row.file, 200)}:{row.line}</p>' if row.file else ""
    return f"{head}<p>{safe(said, 400)}</p>{told}{lab}</article>"


def _terms(found: Finding) -> str:
    cause = found.cause
    terms = [("rule", safe(found.rule)), ("expected", safe(found.expected)), ("found", safe(found.observed, 600))]
    if cause is not None:
        terms += [
            ("because", f"{safe(cause.text)} <code>{safe(cause.id, 60)}</code>"),
            ("look at", safe(cause.look_at)),
        ]
    if found.command:
        terms.append(("see", f"<code>{safe(found.command, 400)}</code>"))
    seen = "".join(f"<li><code>{safe(shown.seen_text(each), 240)}</code></li>" for each in found.seen[:8])
    if len(found.seen) > 8:
        seen += f'<li class="soft">and {len(found.seen) - 8} more</li>'
    terms.append(("where", f"<ul>{seen}</ul>" if seen else ""))
    return "<dl>" + "".join(f"<dt>{word}</dt><dd>{text}</dd>" for word, text in terms if text) + "</dl>"


def _facts(graded: Graded) -> str:
    """Where, when and from what the grade was made."""
    report = graded.report
    facts = [
        f"namespace <code>{safe(report.namespace, 63)}</code>" if report.namespace else "",
        f"{shown.at_text(report.started)}, {duration(report.seconds)}",
        f"replayed {graded.attempts} times" if graded.attempts > 1 else "",
        f"submission <code>{safe(graded.digest, 64)}</code>" if graded.digest else "nothing was handed in",
        f"seed <code>{safe(graded.seed, 80)}</code>" if graded.seed else "",
    ]
    return f'<p class="soft facts">{" · ".join(filter(None, facts))}</p>'


def _roster(graded: Graded) -> str:
    pairs = [f"{safe(key, 60)}: {safe(value, 120)}" for key, value in list(graded.roster.items())[:12] if value]
    return f'<p class="soft facts">{" · ".join(pairs)}</p>' if pairs else ""


def _notice(graded: Graded) -> str:
    if not graded.notices:
        return ""
    items = [
        f'<li><span class="flag">{"left out" if each.refused else "notice"}</span> '
        f"<code>{safe(each.where, 200) or 'submission'}</code> {safe(each.message)}"
        f"{f' <span class=soft>{safe(each.remedy, 240)}</span>' if each.remedy else ''}</li>"
        for each in graded.notices[:30]
    ]
    if len(graded.notices) > 30:
        items.append(f'<li class="soft">and {len(graded.notices) - 30} more</li>')
    return f'<ul class="notices">{"".join(items)}</ul>'


def _within(parts: list[str], room: int) -> list[str]:
    """The parts, or a word in their place where they are too much."""
    if sum(len(part.encode()) for part in parts) <= room:
        return parts
    return ['<p class="soft">Notices: in the JSON report.</p>']


def _deeds(graded: Graded, room: int) -> str:
    """What the grader did, in its order, folded."""
    if not graded.deeds:
        return ""
    rows: list[str] = []
    for place, deed in enumerate(graded.deeds):
        kind, sign = ("p", "✓") if deed.code == 0 else ("f", "✗")
        row = (
            f"<tr><td>{safe(deed.step, 60)}</td><td><code>{safe(deed.command, 200)}</code></td>"
            f'<td class="{kind}">{sign} {deed.code}</td><td>{safe(deed.said, 200)}</td>'
            f'<td class="n">{duration(deed.seconds)}</td></tr>'
        )
        room -= len(row.encode())
        if room < 0:
            rows.append(
                f'<tr><td colspan="5" class="soft">{len(graded.deeds) - place} more: in the JSON report</td></tr>'
            )
            break
        rows.append(row)
    return (
        f'<details class="deeds"><summary>What was done with it ({plural(len(graded.deeds), "command")})</summary>'
        '<table><thead><tr><th scope="col">Step</th><th scope="col">kubectl</th><th scope="col">Code</th>'
        f'<th scope="col">Said</th><th scope="col">Took</th></tr></thead><tbody>'
        f"{''.join(rows)}</tbody></table></details>"
    )
