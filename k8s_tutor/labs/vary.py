"""Variants of a lab: the same lab with other names and numbers, chosen by a seed, so that each student has their own.

``lab.yaml`` declares under ``vary:`` what may differ, and its texts mark the places, ``[[name]]``. Rendering works on
text before YAML is read: lines stay where they are, and ``replicas: [[first]]`` becomes a number. Without a seed every
value is the one of the lesson. What a seed chooses is the same for ever: HMAC-SHA256 of the lab's id and the name.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from k8s_tutor.errors import LabError, UsageError
from k8s_tutor.labs.located import parse

Value = str | int
WORDS = tuple(
    word
    for row in (
        ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve"),
        ("thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen", "twenty"),
    )
    for word in row
)
"""Numbers that ``[[name:word]]`` can say."""
MOST_VALUES = 1000
SHORTEST_SECRET = 16
_BLOCK = re.compile(r"^vary:.*(?:\n(?:[ \t#].*)?)*", re.MULTILINE)
_NAME = re.compile(r"[a-z][a-z0-9]*(?:-[a-z0-9]+)*")
_TEXT = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9 .,!?/_-]*[A-Za-z0-9.!?])?")
_SEED = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
MARKER = re.compile(r"\[\[(?P<name>[a-z][a-z0-9-]*)(?::(?P<form>word|Word)|\?(?P<more>[^\[\]]*))?\]\]")
"""A place in a text; only declared names are meant, ``lab lint`` tells of others.

``[[port? --port={}]]`` is told only where the value is not the plain one; ``{}`` is the value, ``\\n`` ends a line.
"""


@dataclass(frozen=True)
class Entry:
    """One thing that varies: ``options`` of which a seed chooses, ``plain`` without one; ``line`` in lab.yaml.

    Others follow from entries above: ``minus`` (names or numbers: the first less the second), or ``gives`` (what each
    value of the entry ``source`` gives). ``lab``: the lab as whose entry of the same name it is chosen.
    """

    name: str
    line: int
    options: tuple[Value, ...] = ()
    plain: Value = ""
    lab: str = ""
    minus: tuple[Value, ...] = ()
    source: str = ""
    gives: Mapping[str, Value] = field(default_factory=dict)

    def value(self, known: Mapping[str, Value]) -> Value:
        """The value of an entry that follows from those above."""
        if self.minus:
            one, other = (known[each] if isinstance(each, str) else each for each in self.minus)
            assert isinstance(one, int) and isinstance(other, int)
            return one - other
        return self.gives[str(known[self.source])]


@dataclass(frozen=True)
class Variant:
    """A choice of values. ``chosen``: those that a seed chooses; ``values`` has also what follows from them.

    ``other``: names whose value is not the plain one.
    """

    seed: str = ""
    values: Mapping[str, Value] = field(default_factory=dict)
    chosen: Mapping[str, Value] = field(default_factory=dict)
    other: frozenset[str] = frozenset()

    @property
    def plain(self) -> bool:
        """Whether it is the plain lab, whatever its seed."""
        return not self.other

    def render(self, text: str) -> str:
        """The text with every declared marker replaced; each line of the plain lab stays where it is."""
        return MARKER.sub(self._told, text) if self.values else text

    def _told(self, found: re.Match[str]) -> str:
        value = self.values.get(found["name"])
        if value is None:
            return found[0]
        if found["more"] is not None:
            told = found["more"].replace("\\n", "\n").replace("{}", str(value))
            return told if found["name"] in self.other else ""
        if found["form"] is None or not isinstance(value, int) or not 0 <= value < len(WORDS):
            return str(value)
        return WORDS[value].capitalize() if found["form"] == "Word" else WORDS[value]


@dataclass(frozen=True)
class Variation:
    """Everything that a lab varies, in the order of its file; ``end``: the last line (1-based) that declares it."""

    entries: tuple[Entry, ...] = ()
    begin: int = 0
    end: int = 0

    def variant(self, lab_id: str, seed: str = "") -> Variant:
        """The variant of a seed; without one the plain lab. Raises UsageError for what can be no seed."""
        if not seed or not self.entries:
            return self._of({entry.name: entry.plain for entry in self.entries if entry.options})
        checked_seed(seed)
        chosen = {
            entry.name: entry.options[_number(seed, f"{entry.lab or lab_id}\0{entry.name}") % len(entry.options)]
            for entry in self.entries
            if entry.options
        }
        return self._of(chosen, seed)

    def cover(self) -> Iterator[Variant]:
        """A few variants in which every value occurs (of a long range its ends)."""
        options = {
            entry.name: entry.options if len(entry.options) <= 10 else (entry.options[0], entry.options[-1])
            for entry in self.entries
            if entry.options
        }
        for number in range(max((len(each) for each in options.values()), default=0)):
            yield self._of({name: each[number % len(each)] for name, each in options.items()})

    def _of(self, chosen: dict[str, Value], seed: str = "") -> Variant:
        values = self._all(chosen)
        plain = self._all({entry.name: entry.plain for entry in self.entries if entry.options})
        return Variant(seed, values, chosen, frozenset(name for name in values if values[name] != plain[name]))

    def _all(self, chosen: Mapping[str, Value]) -> dict[str, Value]:
        values = dict(chosen)
        for entry in self.entries:
            if not entry.options:
                values[entry.name] = entry.value(values)
        return values


def _number(seed: str, message: str) -> int:
    return int.from_bytes(hmac.digest(seed.encode(), message.encode(), hashlib.sha256)[:8], "big")


def checked_seed(seed: str) -> str:
    """The seed. Raises UsageError for what can be none."""
    if not _SEED.fullmatch(seed):
        raise UsageError(
            f"{seed[:80]!r} is no seed: letters, digits, dots, hyphens and underscores, at most 64",
            remedy="take the one that you were given, as it stands",
            code="seed",
        )
    return seed


def seed_of(secret: bytes, student: str) -> str:
    """The seed of a student, who is known by the folder's name: 16 hex digits, the same for all labs.

    Nobody can tell it, nor the secret, from somebody else's.
    """
    return hmac.digest(secret, student.encode("utf-8", "surrogateescape"), hashlib.sha256).hex()[:16]


def read(text: str, file: str) -> Variation:
    """What this ``lab.yaml`` varies. Raises LabError with the line for a declaration that cannot be meant."""
    block = _BLOCK.search(text)
    if block is None:
        return Variation()
    above = text.count("\n", 0, block.start())
    written = block[0].rstrip()
    located = parse("\n" * above + written, file)
    declared = located.data["vary"]
    if not isinstance(declared, dict) or not declared:
        raise LabError("vary must be a mapping of names", file=file, line=above + 1)
    entries: dict[str, Entry] = {}
    for name, each in declared.items():
        line = located.line("vary", str(name))
        try:
            entries[str(name)] = _entry(name, each, line, entries)
        except _Wrong as wrong:
            raise LabError(f"vary.{name}: {wrong}", file=file, line=line, remedy="see docs/writing-a-lab.md") from None
    return Variation(tuple(entries.values()), above + 1, above + 1 + written.count("\n"))


class _Wrong(Exception):
    """What is wrong with one declaration, in words."""


def _entry(name: object, told: object, line: int, above: Mapping[str, Entry]) -> Entry:
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        raise _Wrong("not a name: small letters, digits and single hyphens, a letter first")
    if not isinstance(told, dict):
        raise _Wrong("must be a mapping: is, with choose or between; or minus; or for and gives")
    keys = {str(key) for key in told}
    if keys == {"minus"}:
        return Entry(name, line, minus=_minus(told["minus"], above))
    if keys == {"for", "gives"}:
        return _table(name, line, told, above)
    if not keys <= {"is", "choose", "between", "as-in"} or "is" not in keys or len(keys & {"choose", "between"}) != 1:
        raise _Wrong(
            f"has {', '.join(sorted(keys)) or 'nothing'}; allowed: is with choose or between; minus; for, gives"
        )
    options = _choose(told["choose"]) if "choose" in told else _between(told["between"])
    plain = told["is"]
    if plain not in options or isinstance(plain, bool):
        shown = ", ".join(map(str, options)) if len(options) <= 10 else f"{options[0]} to {options[-1]}"
        raise _Wrong(f"is {plain!r}, which is none of its values: {shown}")
    lab = told.get("as-in", "")
    if not isinstance(lab, str) or (lab and not _NAME.fullmatch(lab)):
        raise _Wrong(f"as-in names a lab by its id, not {lab!r}")
    return Entry(name, line, options, plain, lab)


def _choose(values: Any) -> tuple[Value, ...]:
    if not isinstance(values, list) or not 2 <= len(values) <= MOST_VALUES:
        raise _Wrong("choose is a list of two values or more")
    for value in values:
        _checked(value)
    if len(set(values)) != len(values) or len({type(value) for value in values}) != 1:
        raise _Wrong("choose has a value twice, or texts and numbers mixed")
    return tuple(values)


def _checked(value: Any) -> Value:
    if isinstance(value, str) and _TEXT.fullmatch(value) and len(value) <= 120:
        return value
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    raise _Wrong(f"{value!r} is neither a whole number nor plain text (letters, digits, blanks and .,!?/_-)")


def _between(ends: Any) -> tuple[Value, ...]:
    if not isinstance(ends, list) or len(ends) != 2 or any(type(each) is not int for each in ends):
        raise _Wrong("between is [lowest, highest], two whole numbers")
    if not 0 < ends[1] - ends[0] < MOST_VALUES:
        raise _Wrong(f"between is [lowest, highest], of at most {MOST_VALUES} numbers")
    return tuple(range(ends[0], ends[1] + 1))


def _minus(parts: Any, above: Mapping[str, Entry]) -> tuple[Value, ...]:
    if not isinstance(parts, list) or len(parts) != 2 or any(type(each) not in (str, int) for each in parts):
        raise _Wrong("minus is [name, name or number]")
    for each in parts:
        if isinstance(each, str):
            entry = _known(each, above)
            if not all(isinstance(value, int) for value in (*entry.options, *entry.gives.values())):
                raise _Wrong(f"{each} is no number")
    return tuple(parts)


def _table(name: str, line: int, told: Mapping[str, Any], above: Mapping[str, Entry]) -> Entry:
    source = _known(told["for"], above)
    gives = told["gives"]
    if not isinstance(gives, dict):
        raise _Wrong("gives is a mapping: a value of the other entry, and what it gives")
    if not source.options:
        raise _Wrong(f"for names an entry that is chosen; {source.name} follows from others")
    known = {str(key): _checked(value) for key, value in gives.items()}
    missing = [str(value) for value in source.options if str(value) not in known]
    if missing or len(known) != len(source.options):
        raise _Wrong(f"gives has not just the values of {source.name}: {', '.join(map(str, source.options))}")
    if len({type(value) for value in known.values()}) != 1:
        raise _Wrong("gives mixes texts and numbers")
    return Entry(name, line, source=source.name, gives=known)


def _known(name: Any, above: Mapping[str, Entry]) -> Entry:
    if name not in above:
        raise _Wrong(f"there is no entry {name!r} above it")
    return above[name]
