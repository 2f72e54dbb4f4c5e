"""What the parts of a cluster logged, as every provider gives it: files, each of one node's one component."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from k8s_tutor.errors import UsageError

LONGEST = 4000
"""Letters of a line; the rest of a longer one is left out."""
LogFile = tuple[str, str, Path]
"""Node, component, file."""


def components(files: Sequence[LogFile]) -> list[str]:
    """Names of all parts that logged something, sorted."""
    return sorted({component for _, component, _ in files})


def lines(files: Sequence[LogFile], component: str = "") -> Iterator[str]:
    """Lines as ``node component | text``; of one component, or of all. UsageError when there is no such component."""
    chosen = [entry for entry in files if component in ("", entry[1])]
    if component and not chosen:
        raise UsageError(
            f"Nothing called {component[:60]!r} has logged here.",
            remedy=f"There is: {', '.join(components(files)) or 'nothing yet'}",
            code="component",
        )
    return _lines(chosen)


def _lines(files: Sequence[LogFile]) -> Iterator[str]:
    for node, component, path in files:
        try:
            with path.open(encoding="utf-8", errors="replace") as file:
                for line in file:
                    yield f"{node} {component} | {plain(line.rstrip())}"
        except OSError:
            continue  # turned away between the look and the read


def plain(text: str) -> str:
    """One line for a terminal: a container's output is untrusted, so no control characters."""
    return "".join(letter if letter.isprintable() or letter == "\t" else "�" for letter in text[:LONGEST])
