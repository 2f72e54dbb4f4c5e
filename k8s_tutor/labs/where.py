"""Parts of a lab that are told only where a cluster can do something: data in the lab, no copies of its texts.

In a step's Markdown a line ``<!-- where pod-addresses: pod -->`` opens such a part; the next one like it closes that
and opens another, ``<!-- end -->`` closes the last. In ``lab.yaml`` a command or a hint may be
``{where: {pod-addresses: pod}, text: …}``. What a cluster can do comes from outside as plain words.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from k8s_tutor.errors import LabError

Words = Mapping[str, str]
"""What a cluster can do: ability -> its value."""
ABILITIES: Mapping[str, tuple[str, ...]] = {
    "pod-addresses": ("node", "pod"),
    "node-ports": ("node", "localhost", "unknown"),
    "several-nodes": ("yes", "no"),
    "load-balancer": ("no", "yes", "unknown"),
    "control-plane": ("yes", "no"),
    "node-shell": ("yes", "no"),
    "load-images": ("yes", "no"),
}
"""Each ability with its values (those of ``clusters.provider.Abilities.words``); a test holds the two together."""
DEFAULT: Words = {ability: values[0] for ability, values in ABILITIES.items()}
"""Where no cluster is known: as on the tutor's own native one."""
_OPENS = re.compile(r"<!-- where ([^:>]*): ?([^:>]*?) -->\s*")
_ENDS = re.compile(r"<!-- end -->\s*")
_LIKE_ONE = re.compile(r"\s*<!--\s*(where|end)\b")


@dataclass(frozen=True)
class Part:
    """Text that is told where ``where`` holds (always, if that is empty); ``line``: its first one, in its file."""

    text: str
    where: Words = field(default_factory=dict)
    line: int = 0

    def holds(self, words: Words) -> bool:
        """Whether it is told on a cluster of which these words are true."""
        return all(words.get(ability, DEFAULT[ability]) == value for ability, value in self.where.items())


def parts_of(text: str, file: str) -> tuple[Part, ...]:
    """The parts of a step's Markdown. Raises LabError (file, line) for one that is opened, named or closed wrongly."""
    parts: list[Part] = []
    gathered: list[str] = []
    where: Words = {}
    opened, began = 0, 1

    def close(number: int) -> None:
        nonlocal began
        if gathered:
            parts.append(Part("".join(gathered), where, began))
            gathered.clear()
        began = number + 1

    for number, line in enumerate(text.splitlines(keepends=True), 1):
        opens, ends = _OPENS.fullmatch(line), _ENDS.fullmatch(line)
        if opens is not None:
            close(number)
            where, opened = {opens[1].strip(): opens[2].strip()}, number
            trouble = unknown(where)
            if trouble is not None:
                raise LabError(trouble[0], file=file, line=number, remedy=f"one of: {', '.join(trouble[1])}")
        elif ends is not None:
            if not opened:
                raise LabError("<!-- end --> without a <!-- where … --> before it", file=file, line=number)
            close(number)
            where, opened = {}, 0
        elif _LIKE_ONE.match(line):
            raise LabError(
                "this line is not understood",
                file=file,
                line=number,
                remedy="write <!-- where pod-addresses: pod --> or <!-- end -->, alone on a line",
            )
        else:
            gathered.append(line)
    if opened:
        raise LabError("this part is not closed", file=file, line=opened, remedy="close it with <!-- end -->")
    close(0)
    return tuple(parts)


def unknown(where: Words) -> tuple[str, tuple[str, ...]] | None:
    """What is wrong with a condition, and what would be right; None when nothing is."""
    for ability, value in where.items():
        if ability not in ABILITIES:
            return f"there is no ability {ability!r}", tuple(ABILITIES)
        if value not in ABILITIES[ability]:
            return f"{ability} is never {value!r}", ABILITIES[ability]
    return None


def told(parts: Iterable[Part], words: Words) -> str:
    """The text for a cluster."""
    return "".join(part.text for part in parts if part.holds(words))


def chosen(parts: Iterable[Part], words: Words) -> tuple[str, ...]:
    """Those of a list for a cluster."""
    return tuple(part.text for part in parts if part.holds(words))


def cases(parts: Iterable[Part]) -> Iterator[Words]:
    """Every combination of what these parts ask for; one that is empty when they ask for nothing."""
    asked = sorted({ability for part in parts for ability in part.where})
    for values in itertools.product(*(ABILITIES[ability] for ability in asked)):
        yield dict(zip(asked, values, strict=True))
