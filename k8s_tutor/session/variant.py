"""A learner's own variant of a lab: the seed is given once and remembered beside the progress of that lab."""

from __future__ import annotations

import json
import os
from pathlib import Path

from k8s_tutor import atomic, paths
from k8s_tutor.errors import EnvironmentFault, UsageError
from k8s_tutor.labs.loader import another, load
from k8s_tutor.labs.model import Lab
from k8s_tutor.labs.vary import checked_seed

LARGEST = 4 * 1024 * 1024
GIVEN = "K8S_TUTOR_SEED"
"""A seed for every lab that has variants and that the learner has not begun: so ``serve`` gives each of a class theirs.
"""


def own(lab: str | Path, seed: str | None = None) -> Lab:
    """The lab as this learner has it: in the variant of ``seed``, else the remembered one, else GIVEN, else plain.

    A seed that is given is remembered. Raises UsageError for a lab that has no variants, for what can be no seed, and
    where the learner has worked on the lab in another variant; EnvironmentFault where it cannot be remembered.
    """
    plain = load(lab)
    if seed is None:
        return another(plain, remembered(plain.id) or _given(plain))
    checked_seed(seed)
    if not plain.variant:
        raise UsageError(f"{plain.id} has no variants, so it takes no seed", remedy="leave --seed out", code="seed")
    if seed != remembered(plain.id):
        done = _worked(plain)
        if done:
            raise UsageError(
                f"you have begun {plain.id} in another variant ({done}); with this seed its names would be others",
                remedy=f"go on without --seed, or begin anew: k8s-tutor reset {plain.id}, and then with --seed {seed}",
                code="seed",
            )
        _remember(plain.id, seed)
    return another(plain, seed)


def remembered(lab_id: str) -> str:
    """The seed of the learner's variant, empty for the plain lab. Raises UsageError for a file that holds none."""
    path = _path(lab_id)
    try:
        with path.open(encoding="utf-8", errors="replace") as file:
            return checked_seed(file.read(200).strip())
    except (FileNotFoundError, NotADirectoryError):
        return ""
    except OSError as error:
        raise EnvironmentFault(f"{path} cannot be read: {error.strerror}", code="seed") from error
    except UsageError as error:
        remedy = f"write the seed that you were given into {path}, or delete it"
        raise UsageError(f"{path}: {error.message}", remedy=remedy, code="seed") from error


def _given(lab: Lab) -> str:
    """The environment's seed, now remembered; empty for none, and for a lab that was begun without one."""
    seed = os.environ.get(GIVEN, "")
    if not seed or not lab.variant or _worked(lab):
        return ""
    try:
        checked_seed(seed)
    except UsageError as error:
        raise UsageError(f"{GIVEN}: {error.message}", remedy=error.remedy or f"unset {GIVEN}", code="seed") from error
    _remember(lab.id, seed)
    return seed


def _remember(lab_id: str, seed: str) -> None:
    path = _path(lab_id)
    try:
        atomic.write_text(path, f"{seed}\n")
    except OSError as error:
        raise EnvironmentFault(f"the seed cannot be remembered in {path}: {error.strerror}", code="seed") from error


def _path(lab_id: str) -> Path:
    return paths.state_dir() / "progress" / f"{lab_id}.seed"


def _worked(lab: Lab) -> str:
    """What the learner has done of a lab, in words; empty for nothing. What was only read does not count."""
    from k8s_tutor.session.progress_file import checked
    from k8s_tutor.session.workspace import Workspace

    workspace = Workspace(lab)
    files = [
        *filter(None, workspace.files()),
        *(["commands.txt"] if (workspace.folder / "commands.txt").is_file() else []),
    ]
    if files:
        return f"{files[0]} is in {workspace.folder}"
    path = paths.state_dir() / "progress" / f"{lab.id}.json"
    try:
        with path.open(encoding="utf-8") as file:
            document = checked(json.loads(file.read(LARGEST)), lab.id)
    except (OSError, ValueError, TypeError, KeyError, RecursionError):
        return ""
    seen = {name for place in document["places"].values() for name in place["evidence"]}
    done = [step.title for step in lab.steps if step.checks and step.id in document["done"]]
    done += [spec.title for spec in lab.checks if spec.id in seen]
    return f"done: {done[0]}" if done else ""
