"""Text on the screen: everything that comes from a cluster or a learner goes through ``plain`` first.

A name can hold brackets, terminal escapes, right-to-left overrides or 253 characters; none of it may become
markup, move the cursor, reorder a line or flood a pane. Colours are named here, once: green only for proven,
red only for found wrong, amber only for waiting, one accent; a sign and a word always stand beside them.
"""

from __future__ import annotations

import re
import time
import unicodedata
from pathlib import Path

from textual.content import Content

GOOD = "$text-success"
BAD = "$text-error"
WAIT = "$text-warning"
ACCENT = "$primary"
DIM = "$foreground-muted"
STRONG = "bold"

_ESCAPES = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|[\]PX^_][^\x07\x1b]*(?:\x07|\x1b\\)?|[ -/]*[0-~])")
_LINE_ENDS = re.compile(r"\r\n|[\r\u2028\u2029\x0b\x0c\x85]")


def plain(text: object, limit: int = 400) -> str:
    """One harmless line: no escapes, controls or direction marks, at most ``limit`` characters (then ``…``)."""
    return " ".join(block(text, limit=limit, lines=1_000).split("\n"))


def block(text: object, *, limit: int = 8_000, lines: int = 200) -> str:
    """Harmless lines: as ``plain``, but line ends stay; at most ``lines`` lines."""
    raw = str(text)[: limit * 4]
    raw = _LINE_ENDS.sub("\n", _ESCAPES.sub("", raw)).expandtabs(4)
    kept = "".join(char for char in raw if char == "\n" or not _is_control(char))
    if len(kept) > limit:
        kept = kept[: limit - 1] + "…"
    rows = kept.split("\n")
    if len(rows) > lines:
        rows = [*rows[: lines - 1], f"… and {len(rows) - lines + 1} more lines"]
    return "\n".join(rows)


def visible(text: str) -> str:
    """The text with ``�`` in place of each control or direction mark: for an editor, where none may vanish."""
    return "".join("�" if _is_control(char) and char != "\t" else char for char in text)


def _is_control(char: str) -> bool:
    # Cc: controls; Cf: direction overrides, zero-width marks; Cs: lone surrogates; Co: private use.
    # U+FE0F asks for the two-cell emoji form, on whose width terminals disagree.
    return unicodedata.category(char) in ("Cc", "Cf", "Cs", "Co", "Cn") or char == "\ufe0f"


def span(seconds: float) -> str:
    """A length of time as kubectl writes it: ``9s``, ``4m12s``, ``3h05m``, ``2d``."""
    whole = max(0, int(seconds))
    if whole < 60:
        return f"{whole}s"
    if whole < 3600:
        return f"{whole // 60}m{whole % 60:02d}s"
    if whole < 86_400:
        return f"{whole // 3600}h{whole % 3600 // 60:02d}m"
    return f"{whole // 86_400}d"


def tilde(path: Path) -> str:
    """A path as the learner would type it: ``~/k8s-tutor/lab1``."""
    home = Path.home()
    return f"~/{path.relative_to(home)}" if path.is_relative_to(home) else str(path)


def clock(at: float) -> str:
    """The local time of day, ``20:14:03``."""
    return time.strftime("%H:%M:%S", time.localtime(at))


def bar(done: int, total: int, width: int = 15) -> Content:
    """Progress as a bar of ``width`` cells; the numbers stand beside it, so it carries no meaning of its own."""
    full = round(width * done / total) if total else 0
    return Content.assemble(("█" * full, ACCENT), ("░" * (width - full), DIM))


def line(*parts: str | Content | tuple[str, str]) -> Content:
    """Pieces of text, each with its style, as one ``Content``; never markup."""
    return Content.assemble(*parts)


def lines(rows: list[Content]) -> Content:
    """Rows below each other."""
    return Content("\n").join(rows)
