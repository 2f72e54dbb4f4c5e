"""Which submissions there are: folders given on the command line, and who of the roster handed in nothing."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from k8s_tutor.errors import UsageError
from k8s_tutor.grading.commands import COMMANDS
from k8s_tutor.grading.problem import plain
from k8s_tutor.grading.roster import Roster
from k8s_tutor.grading.submission import ANSWERS, expected
from k8s_tutor.labs.model import Lab

MOST = 5000


@dataclass(frozen=True)
class Found:
    """A student (the folder's name) and where the submission lies; ``folder`` None: nothing was handed in."""

    student: str
    folder: Path | None


def collect(paths: Iterable[Path], lab: Lab, roster: Roster | None = None) -> tuple[Found, ...]:
    """The submissions in these paths: each is one submission, or a folder of some.

    In the order of the roster, then of the names; who stands in the roster and has no folder is there without one.
    Raises UsageError: a path is no folder, two folders bear one name, there is none at all.
    """
    found: dict[str, Path] = {}
    for path in paths:
        if not path.is_dir():
            raise UsageError(f"{path} is no folder", remedy="name a student's folder, or one that holds them")
        for folder in [path] if _is_submission(path, lab) else _inside(path):
            student = plain(folder.resolve().name, 100)
            if found.setdefault(student, folder).resolve() != folder.resolve():
                raise UsageError(
                    f"two submissions are named {student}: {found[student]} and {folder}",
                    remedy="a student is known by the folder's name: rename one",
                )
    ordered: list[Found] = []
    if roster is not None:
        ordered = [Found(student, found.pop(student, None)) for student in roster.rows]
    ordered += [Found(student, found[student]) for student in sorted(found)]
    if not ordered:
        raise UsageError("there is no submission in these folders", remedy="a folder a student, made by `submit`")
    if len(ordered) > MOST:
        raise UsageError(f"{len(ordered)} submissions: {MOST} are the most of one run", remedy="grade them in parts")
    return tuple(ordered)


def only_lab(paths: Iterable[Path], known: Iterable[str]) -> str:
    """The one lab whose folder stands in these submissions. Raises UsageError: none, or several."""
    names = tuple(known)
    found = sorted(
        name
        for name in names
        if any((folder / name).is_dir() for path in paths if path.is_dir() for folder in (path, *_inside(path)))
    )
    if len(found) != 1:
        what = f"several labs were handed in: {', '.join(found)}" if found else "no folder of a lab was found"
        raise UsageError(what, remedy=f"name one: --lab {(found or names or ('LAB',))[0]}", code="which-lab")
    return found[0]


def _is_submission(path: Path, lab: Lab) -> bool:
    """Whether a folder is one student's: it holds the lab's folder, or something that this lab asks for."""
    inner = path / lab.id
    if inner.is_symlink() or inner.is_dir():
        return True
    wanted = {*expected(lab).manifests, ANSWERS, COMMANDS}
    return any((path / name).exists() or (path / name).is_symlink() for name in wanted)


def _inside(path: Path) -> list[Path]:
    return sorted(
        entry for entry in path.iterdir() if entry.is_dir() and not entry.is_symlink() and entry.name[0] != "."
    )
