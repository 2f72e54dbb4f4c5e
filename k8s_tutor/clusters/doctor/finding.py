"""What a look tells: a finding of one topic, with what was seen, where, and the exact remedy.

A topic is one thing that can be looked at, with a stable id; ``topics.py`` lists all of them.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from enum import StrEnum

MOST_EVIDENCE = 400
CLUSTER = "cluster"
"""A way (see ``Topic.needed_for``): a cluster is there, whoever made it."""
ALWAYS = "always"


class State(StrEnum):
    """``fail``: needed, and not as it must be. ``note``: could be better, and nothing needs it. ``not-observed``:
    it could not be looked at; that says nothing about how it is.
    """

    OK = "ok"
    NOTE = "note"
    FAIL = "fail"
    UNSEEN = "not-observed"


@dataclass(frozen=True)
class Finding:
    """One thing looked at.

    ``evidence`` is what was seen (or why nothing was), ``source`` where it was read, ``remedy`` the command that mends
    it, ``link`` a page that explains it. ``needed``: the way the learner works needs it.
    """

    id: str
    state: State
    evidence: str
    remedy: str = ""
    needed: bool = True
    source: str = ""
    link: str = ""
    subject: str = ""

    @property
    def ok(self) -> bool:
        """Whether it was seen to be well."""
        return self.state is State.OK


@dataclass(frozen=True)
class Topic:
    """One thing that can be looked at.

    ``looks``: what at, in half a sentence. ``source``: where it is read. ``needed_for``: the ways of working that
    need it (``always``, ``cluster``: one is there, or a provider's name); none: it is only pleasant.
    """

    id: str
    subject: str
    looks: str
    source: str
    needed_for: tuple[str, ...] = ()
    link: str = ""

    def ok(self, evidence: str, *, source: str = "") -> Finding:
        """Seen, and well."""
        return self._finding(State.OK, evidence, "", source)

    def lack(self, evidence: str, remedy: str, *, source: str = "") -> Finding:
        """Seen, and not as it must be: whether that is a fail or a note is for ``settled`` to say."""
        return self._finding(State.FAIL, evidence, remedy, source)

    def note(self, evidence: str, remedy: str = "", *, source: str = "") -> Finding:
        """Seen; it could be better, and nothing needs it."""
        return self._finding(State.NOTE, evidence, remedy, source)

    def unseen(self, why: str, remedy: str = "", *, source: str = "") -> Finding:
        """Not looked at, and why."""
        return self._finding(State.UNSEEN, why, remedy, source)

    def beyond(self, why: str, remedy: str = "", *, source: str = "") -> Finding:
        """Not looked at, because it cannot be from here: nothing is wrong with that, so it is not counted."""
        return replace(self._finding(State.UNSEEN, why, remedy, source), needed=False)

    def _finding(self, state: State, evidence: str, remedy: str, source: str) -> Finding:
        needed = bool(self.needed_for) and state is not State.NOTE
        where = plain(source or self.source, 200)
        return Finding(self.id, state, plain(evidence), plain(remedy), needed, where, self.link, self.subject)


def settled(finding: Finding, needed_for: tuple[str, ...], ways: Iterable[str]) -> Finding:
    """The finding as it counts where work is done in these ways: what none of them needs is a note at most."""
    needed = finding.needed and bool({ALWAYS, *ways} & set(needed_for))
    state = State.NOTE if finding.state is State.FAIL and not needed else finding.state
    return replace(finding, state=state, needed=needed)


def well(found: Iterable[Finding]) -> bool:
    """Whether everything that is needed was seen to be there: what is needed and was not observed is not there."""
    return all(finding.state in (State.OK, State.NOTE) for finding in found if finding.needed)


def worst_first(found: Iterable[Finding]) -> list[Finding]:
    """Fails first, then what is needed and was not observed, notes, what else was not observed, what is well."""

    def weight(finding: Finding) -> int:
        if finding.state is State.UNSEEN:
            return 1 if finding.needed else 3
        return {State.FAIL: 0, State.NOTE: 2, State.OK: 4}[finding.state]

    return sorted(found, key=weight)


def plain(text: str, limit: int = MOST_EVIDENCE) -> str:
    """One line of printable text, bounded: what programs and servers say is not ours."""
    line = " ".join("".join(letter if letter.isprintable() else " " for letter in text[: 8 * limit]).split())
    return line if len(line) <= limit else line[: limit - 1] + "…"
