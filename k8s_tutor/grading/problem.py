"""What is wrong with a piece of a submission: a finding for that student, never a crash of the run."""

from __future__ import annotations

from k8s_tutor.reports.grades.report import Notice as Problem

__all__ = ["LONGEST", "Problem", "plain"]

LONGEST = 200


def plain(value: object, most: int = LONGEST) -> str:
    """A student's text in a sentence of ours: one line, bounded, nothing that a terminal or a page would act upon."""
    text = value if isinstance(value, str) else repr(value)
    cut = text[:most]
    shown = "".join(letter if letter.isprintable() else "\N{REPLACEMENT CHARACTER}" for letter in cut)
    return shown + ("…" if len(text) > most else "")
