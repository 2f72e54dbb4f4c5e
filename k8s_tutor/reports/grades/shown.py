"""What a student may be shown of a check: the finding, or only that there is one."""

from __future__ import annotations

from k8s_tutor.checks.outcome import Finding, Status
from k8s_tutor.checks.words import clip
from k8s_tutor.reports.report import Row

HIDDEN = "its finding is not shown"


def hidden(row: Row, *, after_due: bool) -> bool:
    """Whether the finding is kept from the student; ``after_due``: the due date has passed."""
    return row.visibility == "hidden" or (row.visibility == "after_due" and not after_due)


def message(row: Row, *, after_due: bool) -> str:
    """One line about the outcome."""
    if hidden(row, after_due=after_due):
        return f"{row.status}; {HIDDEN}"
    return clip(row.outcome.summary or row.status, 600)


def told(row: Row, *, after_due: bool = True) -> list[tuple[str, str]]:
    """The finding as words and texts, in its order; facts where there is none; nothing where it is hidden."""
    if hidden(row, after_due=after_due):
        return []
    finding = row.outcome.finding
    if finding is None:
        return [("seen", clip(fact, 400)) for fact in row.outcome.facts[:10]]
    return [(word, text) for word, text in _lines(finding) if text]


def _lines(finding: Finding) -> list[tuple[str, str]]:
    found = [
        ("rule", clip(finding.rule, 600)),
        ("expected", clip(finding.expected, 600)),
        ("found", clip(finding.observed, 1200)),
        ("see", clip(finding.command, 600)),
    ]
    found += [
        ("where", clip(f"{seen.object}:{seen.line} {seen.field}".rstrip(), 400)) for seen in finding.seen if seen.line
    ][:3]
    if finding.cause is not None:
        found += [
            ("because", clip(f"{finding.cause.text} [{finding.cause.id}]", 700)),
            ("look at", clip(finding.cause.look_at, 600)),
        ]
    return found


def points(row: Row) -> int:
    """What the student got for it."""
    return row.points if row.status is Status.PASS else 0
