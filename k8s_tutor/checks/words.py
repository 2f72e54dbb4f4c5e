"""How checks speak: bounded text from strangers, plurals, times and durations.

Every text that comes from a cluster, a container or a learner passes through :func:`clip` before it stands
in an outcome: it may hold terminal escapes, text-direction overrides or megabytes.
"""

from __future__ import annotations

import difflib
import re
import time
import unicodedata
from collections.abc import Iterable, Sequence
from functools import lru_cache

_ESCAPES = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)?|[@-Z\\-_])")
_UNSAFE = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})
"""Unicode categories that never reach a screen: controls, formats (RTL overrides), surrogates, odd line ends."""


def clip(value: object, limit: int = 240) -> str:
    """One line of ``value``: escapes and controls removed, blanks folded, at most ``limit`` characters."""
    text = value if isinstance(value, str) else "" if value is None else str(value)
    text = _ESCAPES.sub("", text[: limit * 20])
    if not text.isprintable():  # most are, and a class's report holds tens of thousands
        text = "".join(
            " " if character in "\t\n\r\v\f" else "" if unicodedata.category(character) in _UNSAFE else character
            for character in text
        )
    text = " ".join(text.split())
    return text if len(text) <= limit else text[: limit - 1].rstrip() + "…"


def short_name(name: str) -> str:
    """A pod's name with the owner's part left out, as a list shows it: ``…-x7k2d``."""
    name = clip(name, 80)
    parts = name.rsplit("-", 1)
    return f"…-{parts[1]}" if len(parts) == 2 and len(name) > 12 else name


def plural(count: int, word: str, many: str = "") -> str:
    """``1 pod``, ``3 pods``."""
    return f"{count} {word if count == 1 else many or word + 's'}"


def listed(values: Iterable[object], limit: int = 5, *, last: str = "and") -> str:
    """``a, b and c``; after ``limit`` of them ``and 4 more``."""
    values = list(values)
    names = [clip(value, 80) for value in values[:limit]]
    if len(values) > limit:
        return ", ".join(names) + f" {last} {len(values) - limit} more"
    if len(names) < 2:
        return "".join(names)
    return ", ".join(names[:-1]) + f" {last} {names[-1]}"


def duration(seconds: float) -> str:
    """``0.04 s``, ``0.9 s``, ``12 s``, ``4 min 12 s``, ``3 h 5 min``, ``2 d 4 h``."""
    seconds = max(0.0, seconds)
    if seconds < 0.1:
        return f"{seconds:.2f} s"
    if seconds < 10:
        return f"{seconds:.1f} s"
    if seconds < 60:
        return f"{seconds:.0f} s"
    whole = round(seconds)
    if whole < 3600:
        size, small, words = 60, 1, ("min", "s")
    elif whole < 86400:
        size, small, words = 3600, 60, ("h", "min")
    else:
        size, small, words = 86400, 3600, ("d", "h")
    rest = whole % size // small
    return f"{whole // size} {words[0]}" + (f" {rest} {words[1]}" if rest else "")


def clock(at: float, *, tenths: bool = False) -> str:
    """The time of day where the program runs: ``20:14:03`` or ``20:14:03.1``."""
    try:
        text = time.strftime("%H:%M:%S", time.localtime(at))
    except (OverflowError, ValueError, OSError):
        return "an unknown time"
    return f"{text}.{int(at * 10) % 10}" if tenths else text


def did_you_mean(word: str, known: Sequence[str]) -> str:
    """The known word that ``word`` is probably meant to be, or an empty text."""
    lower = {name.lower(): name for name in known}
    if word.lower() in lower:
        return lower[word.lower()]
    wanted = word.lower()
    near = max(((_likeness(wanted, name), name) for name in lower), default=(0.0, ""))
    return lower[near[1]] if near[0] >= _CLOSE else ""


_CLOSE = 0.7


@lru_cache(20_000)
def _likeness(word: str, name: str) -> float:
    """From 0 to 1; 0 where it is below what counts as close. Kept: the same names are asked for at each judgement."""
    # As difflib.get_close_matches compares: the longest common parts, after two bounds that cost less.
    compared = difflib.SequenceMatcher(None, name, word)
    if compared.real_quick_ratio() < _CLOSE or compared.quick_ratio() < _CLOSE:
        return 0.0
    return compared.ratio()
