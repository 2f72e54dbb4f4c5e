"""Each student's own variant of the lab: its seed comes from the instructor, never from what was handed in."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from k8s_tutor.errors import UsageError
from k8s_tutor.grading.problem import plain
from k8s_tutor.grading.roster import Roster
from k8s_tutor.labs.loader import another
from k8s_tutor.labs.model import Lab
from k8s_tutor.labs.vary import SHORTEST_SECRET, checked_seed, seed_of

COLUMN = "seed"
"""The roster's column of seeds, in any case; it counts where there is no secret."""
LARGEST = 64 * 1024


class Variants:
    """Student (the folder's name) -> lab. Not for several threads; every variant is loaded once."""

    def __init__(self, lab: Lab, secret: bytes = b"", roster: Roster | None = None) -> None:
        """``secret``: all seeds are made of it; without one those of the roster count; who has none has the plain lab.

        Raises UsageError: a secret for a lab that has no variants, a seed in the roster that can be none.
        """
        if secret and not lab.variant:
            raise UsageError(
                f"{lab.id} has no variants (vary: in its lab.yaml)", remedy="leave --vary out", code="vary"
            )
        self._plain, self._secret = lab, secret
        self._seeds = {} if secret or not lab.variant or roster is None else seeds_in(roster)
        self._labs: dict[str, Lab] = {"": lab}
        self._shared: dict[tuple[tuple[str, str | int], ...], Lab] = {}

    def seed(self, student: str) -> str:
        """The student's seed, empty for the plain lab."""
        return seed_of(self._secret, student) if self._secret else self._seeds.get(student, "")

    def lab(self, student: str) -> Lab:
        """The lab as this student has it. Raises LabError where its files have changed and are broken now."""
        seed = self.seed(student)
        if seed not in self._labs:
            made = another(self._plain, seed)
            # Two seeds may choose the same: a class of hundreds does not keep hundreds of labs.
            shared = self._shared.setdefault(tuple(made.variant.items()), made)
            self._labs[seed] = replace(shared, seed=seed)
        return self._labs[seed]


def read_secret(path: Path) -> bytes:
    """The secret in a file, without blanks around it. Raises UsageError: unreadable, too short or too large."""
    try:
        with path.open("rb") as file:
            secret = file.read(LARGEST + 1).strip()
    except OSError as error:
        raise UsageError(f"{path} cannot be read: {error.strerror}", code="vary") from error
    if not SHORTEST_SECRET <= len(secret) <= LARGEST:
        raise UsageError(
            f"the secret in {path} has {len(secret)} characters; it needs {SHORTEST_SECRET} at least",
            remedy=f"make one, and keep it for the whole course: openssl rand -hex 32 > {path}",
            code="vary",
        )
    return secret


def seeds_in(roster: Roster) -> Mapping[str, str]:
    """The seeds of a roster's column, by student. Raises UsageError for what can be none."""
    column = next((each for each in roster.columns if each.lower() == COLUMN), None)
    found = {}
    for student, row in roster.rows.items():
        seed = row[column] if column is not None else ""
        if seed:
            try:
                found[student] = checked_seed(seed)
            except UsageError as error:
                what = f"the roster's {column} of {plain(student, 60)}: {error.message}"
                raise UsageError(what, remedy=f"correct the column {column}", code="roster") from error
    return found
