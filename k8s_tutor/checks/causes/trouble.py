"""What a cause is before it becomes part of an outcome."""

from __future__ import annotations

from dataclasses import dataclass
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
    ``command`` the read-only command that shows it.
    """

    id: str
    weight: Weight
    found: str
    text: str
    look_at: str = ""
    command: str = ""
    seen: tuple[Seen, ...] = ()

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
            return failed(line, finding)
        if self.weight is Weight.BROKEN:
            return unobserved(line, finding)
        return waiting(line, finding, at_deadline=Status.ERROR if self.weight is Weight.BUSY else Status.FAIL)
