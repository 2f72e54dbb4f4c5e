"""What a cause is before it becomes part of an outcome."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from enum import StrEnum

from k8s_tutor.checks.outcome import Cause, Finding, Outcome, Seen, Status, failed, unobserved, waiting


class Weight(StrEnum):
    """What a trouble means for a verdict.

    ``WRONG``: it does not mend itself. ``PENDING``: on its way, the learner's object decides whether it arrives.
    ``BUSY``: on its way, the infrastructure decides (an image is being pulled): an error at a deadline.
    ``BROKEN``: the infrastructure failed: an error now.
    """

    WRONG = "wrong"
    PENDING = "pending"
    BUSY = "busy"
    BROKEN = "broken"


@dataclass(frozen=True)
class Trouble:
    """One likely cause with its evidence.

    ``found`` is the observation in one clause, ``text`` the cause in one sentence, ``look_at`` the next step,
    ``command`` the read-only command that shows it. ``turns``: the Unix time from which it weighs otherwise though
    nothing changes; None if only a change can do that.
    """

    id: str
    weight: Weight
    found: str
    text: str
    look_at: str = ""
    command: str = ""
    seen: tuple[Seen, ...] = ()
    turns: float | None = None

    def outcome(self, rule: str, expected: str, *, observed: str = "", summary: str = "") -> Outcome:
        """The verdict on a claim that this trouble stands in the way of."""
        finding = Finding(
            rule=rule,
            expected=expected,
            observed=observed or self.found,
            command=self.command,
            seen=self.seen,
            cause=Cause(self.id, self.text, self.look_at),
        )
        line = summary or observed or self.found
        if self.weight is Weight.WRONG:
            told = failed(line, finding)
        elif self.weight is Weight.BROKEN:
            told = unobserved(line, finding)
        else:
            told = waiting(line, finding, at_deadline=Status.ERROR if self.weight is Weight.BUSY else Status.FAIL)
        return replace(told, turns=self.turns)


_ORDER = {Weight.WRONG: 0, Weight.BROKEN: 1, Weight.BUSY: 2, Weight.PENDING: 3}


def heaviest(troubles: Iterable[Trouble]) -> Trouble | None:
    """The weightiest, the first of equals; it turns when the first of all turns. None where there is none."""
    found = list(troubles)
    if not found:
        return None
    most = min(found, key=lambda trouble: _ORDER[trouble.weight])
    return replace(most, turns=min((each.turns for each in found if each.turns is not None), default=None))
