"""Who learns on this server: names as they were given, and what follows from each. Kept, so that ids stay the same."""

from __future__ import annotations

import json
import os
import pwd
import re
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from types import MappingProxyType

from k8s_tutor import atomic, paths
from k8s_tutor.clusters.native.names import tag, validate
from k8s_tutor.errors import EnvironmentFault, UsageError

MOST = 60
"""Learners on one cluster: a node holds about four times as many pods."""
LONGEST_NAME = 60
LARGEST = 1 << 20
FIRST_UID = 1_900_000_000
"""systemd keeps 1879048192 to 2147483647 free of everything that it gives out itself (its UIDS-GIDS document)."""
UIDS = 200
"""Ids set apart for each cluster."""


@dataclass(frozen=True)
class Learner:
    """One learner: ``name`` as given (never markup, never a path), ``id`` made of it (letters, digits, hyphens).

    ``uid``: the numeric user (and group) that all of the learner's processes run as, and nothing else does.
    ``seed``: of the learner's variant of each lab that they have not begun yet; empty for the plain one.
    """

    name: str
    id: str
    uid: int
    seed: str = ""

    @property
    def namespace(self) -> str:
        """The namespace that is the learner's."""
        return f"learner-{self.id}"


def base_dir(cluster: str) -> Path:
    """Where all that is served of this cluster is kept (0700)."""
    return paths.state_dir() / "serve" / validate(cluster)


def learner_dir(cluster: str, learner: Learner) -> Path:
    """The folder of one learner: root's own, with the learner's home in it."""
    return base_dir(cluster) / "learners" / learner.id


def names_from(text: str) -> list[str]:
    """The names of a roster, one a line; empty lines and those that begin with # do not count. Raises UsageError."""
    names = [" ".join(line.split()) for line in text.splitlines()]
    found = [name for name in names if name and not name.startswith("#")]
    for name in found:
        if len(name) > LONGEST_NAME or not name.isprintable():
            raise UsageError(
                f"{name[:80]!r} cannot be a learner's name: at most {LONGEST_NAME} printable characters",
                remedy="one name a line",
                code="roster",
            )
    twice = sorted({name for name in found if found.count(name) > 1})
    if twice:
        raise UsageError(f"named twice in the roster: {', '.join(twice)[:200]}", code="roster")
    if not 1 <= len(found) <= MOST:
        raise UsageError(f"a server has 1 to {MOST} learners, not {len(found)}", code="roster")
    return found


def numbered(count: int) -> list[str]:
    """The names ``1`` to ``count``."""
    return names_from("\n".join(str(number) for number in range(1, count + 1)))


def load(cluster: str) -> list[Learner]:
    """Everybody who was ever enrolled here and not removed. Raises EnvironmentFault for a broken file."""
    file = base_dir(cluster) / "roster.json"
    try:
        with file.open("rb") as stream:
            document = json.loads(stream.read(LARGEST))
        return [
            Learner(str(item["name"]), _checked(str(item["id"])), int(item["uid"]), str(item.get("seed", "")))
            for item in document
        ]
    except FileNotFoundError:
        return []
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise EnvironmentFault(
            f"{file} cannot be read: {error}", remedy=f"k8s-tutor serve down --name {cluster}", code="roster"
        ) from error


def enrol(cluster: str, names: Iterable[str], seeds: Mapping[str, str] = MappingProxyType({})) -> list[Learner]:
    """The learners of these names; who is new is added to the roster. Raises UsageError when there is no room.

    ``seeds``: by name; who has none there keeps what they had.
    """
    known = {learner.name: learner for learner in load(cluster)}
    names = list(names)
    for name in names:
        if name not in known:
            there = list(known.values())
            known[name] = Learner(name, _new_id(name, {each.id for each in there}), _new_uid(cluster, there))
        if seeds.get(name):
            known[name] = replace(known[name], seed=seeds[name])
    found = [known[name] for name in names]
    text = json.dumps([asdict(learner) for learner in known.values()], indent=1, ensure_ascii=False)
    atomic.write_text(base_dir(cluster) / "roster.json", text + "\n")
    os.chmod(base_dir(cluster), 0o700)
    return found


def find(cluster: str, name: str) -> Learner:
    """The learner of this name or id. Raises UsageError."""
    known = load(cluster)
    for learner in known:
        if name in (learner.name, learner.id):
            return learner
    raise UsageError(
        f"there is no learner {name[:60]!r} on cluster {cluster}",
        remedy=f"k8s-tutor serve list --name {cluster}",
        code="no-learner",
    )


def _checked(text: str) -> str:
    if not re.fullmatch(r"[a-z0-9]([a-z0-9-]{0,38}[a-z0-9])?", text):
        raise ValueError(f"{text[:60]!r} is no id")
    return text


def _new_id(name: str, taken: set[str]) -> str:
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().lower()
    word = re.sub(r"[^a-z0-9]+", "-", plain).strip("-")[:32].strip("-") or "learner"
    number = 1
    while (made := word if number == 1 else f"{word}-{number}") in taken:
        number += 1
    return made


def _new_uid(cluster: str, known: list[Learner]) -> int:
    first = FIRST_UID + int(tag(cluster), 16) % 1_000_000 * UIDS
    taken = {learner.uid for learner in known}
    for uid in range(first, first + UIDS):
        if uid not in taken and not _is_somebody(uid):
            return uid
    raise UsageError(
        f"{UIDS} learners were enrolled on cluster {cluster}, and there is no room for more", code="roster"
    )


def _is_somebody(uid: int) -> bool:
    try:
        pwd.getpwuid(uid)
    except KeyError:
        return False
    return True
