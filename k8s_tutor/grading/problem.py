"""What is wrong with a piece of a submission: a finding for that student, never a crash of the run."""

from __future__ import annotations

from dataclasses import dataclass

LONGEST = 200


@dataclass(frozen=True)
class Problem:
    """``file`` as the student named it (cleaned), ``line`` 1-based (0 if unknown), what is wrong, what mends it.

    ``refused``: it was left out because it could harm others; else it is missing or cannot be read.
    """

    file: str
    line: int
    message: str
    remedy: str = ""
    refused: bool = False

    @property
    def where(self) -> str:
        """``file:line``."""
        return f"{self.file}:{self.line}" if self.line else self.file


def plain(value: object, most: int = LONGEST) -> str:
    """A student's text in a sentence of ours: one line, bounded, nothing that a terminal or a page would act upon."""
    text = value if isinstance(value, str) else repr(value)
    cut = text[:most]
    shown = "".join(letter if letter.isprintable() else "\N{REPLACEMENT CHARACTER}" for letter in cut)
    return shown + ("…" if len(text) > most else "")
