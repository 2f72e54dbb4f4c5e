"""Mistakes that were met: each red finding that stood long enough to be read, and when it was mended."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from k8s_tutor.checks.outcome import Status
from k8s_tutor.checks.words import clip
from k8s_tutor.session.state import CheckState

MOST = 100
"""Findings that are remembered; mended ones are forgotten first, the oldest first."""
READ_SECONDS = 1.0
"""A finding that was mended sooner was on its way to something else, and nobody has read it."""
NOT_BEGUN = frozenset(
    {
        "file-missing",
        "field-missing-all",
        "not-applied",
        "no-answer",
        "no-request-seen",
        "not-deleted",
        "not-replaced",
        "no-endpoints-yet",
    }
)
"""Causes that only say the learner has not done it yet: no mistake."""


@dataclass(frozen=True)
class Met:
    """One red finding: of which check, its likely cause (id and words), what was found; Unix times.

    ``until`` is None while it stands.
    """

    check: str
    cause: str
    because: str
    found: str
    at: float
    until: float | None = None


def meet(known: tuple[Met, ...], checks: Iterable[CheckState], now: float) -> tuple[Met, ...]:
    """The findings met so far, with what these checks show at ``now``; the same object when nothing is new."""
    states = {check.spec.id: check for check in checks}
    red = {name: cause for name, check in states.items() if (cause := _red(check)) is not None}
    result = []
    for met in known:
        if met.until is None and met.check in states and _is_over(met, states[met.check], red.get(met.check)):
            if now - met.at < READ_SECONDS:
                continue
            met = replace(met, until=now)
        result.append(met)
    standing = {(met.check, met.cause) for met in result if met.until is None}
    for name, cause in red.items():
        if (name, cause) not in standing:
            finding = states[name].outcome.finding
            because = finding.cause.text if finding is not None and finding.cause is not None else ""
            found = finding.observed if finding is not None else states[name].outcome.summary
            result.append(Met(name, cause, clip(because, 300), clip(found, 300), now))
    while len(result) > MOST:
        result.remove(next((met for met in result if met.until is not None), result[0]))
    return known if tuple(result) == known else tuple(result)


def _red(check: CheckState) -> str | None:
    """The cause of a red finding (empty: none is named), None where nothing was found wrong."""
    if check.outcome.status is not Status.FAIL or check.spec.optional or check.untouched:
        return None
    cause = check.outcome.finding.cause if check.outcome.finding is not None else None
    if cause is not None and cause.id in NOT_BEGUN and not check.undone:
        return None
    return cause.id if cause is not None else ""


def _is_over(met: Met, check: CheckState, red: str | None) -> bool:
    """Mended: it passes, or something else is wrong now. What waits or was not seen says nothing yet."""
    if check.passed:
        return True
    return check.outcome.status is Status.FAIL and red != met.cause
