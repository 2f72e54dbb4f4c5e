"""Makes what a learner hands in out of the learner's own files of a lab."""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path

from k8s_tutor import atomic
from k8s_tutor.errors import EnvironmentFault, UsageError
from k8s_tutor.grading.commands import COMMANDS
from k8s_tutor.grading.submission import LARGEST, Expected, Submission, expected, read
from k8s_tutor.labs.model import Lab
from k8s_tutor.session.workspace import Workspace

_MARK = ".k8s-tutor-submission"
"""Lies in a folder that was made here: only such a folder is made anew."""


def pack(lab: Lab, workspace: Workspace, target: Path) -> Submission:
    """Make ``target``/<lab> of the learner's manifests, answers and commands in one step; read it as a grader does.

    A ``commands.txt`` to be filled in is put into the workspace when the lab wants one and there is none.
    Raises UsageError when there is nothing to hand in, or when something else stands where it would go;
    EnvironmentFault when it cannot be written.
    """
    wanted = expected(lab)
    files = {name: file.text for name, file in workspace.files().items() if name and file.text is not None}
    if not files:
        raise UsageError(
            f"there is nothing of {lab.id} to hand in: {workspace.folder} holds no manifest",
            remedy=f"k8s-tutor --lab {lab.id}",
            code="submit",
        )
    commands = _commands(lab, workspace, wanted)
    if commands:
        files[COMMANDS] = commands
    folder = target / lab.id
    if folder.is_symlink() or (folder.exists() and not (folder / _MARK).is_file()):
        raise UsageError(
            f"{folder} is there already and was not made by k8s-tutor submit",
            remedy=f"name another folder: k8s-tutor submit {lab.id} --to FOLDER",
            code="submit",
        )
    try:
        _write(folder, files)
    except OSError as error:
        raise EnvironmentFault(f"{folder} cannot be written: {error.strerror}", code="submit") from error
    return read(target, lab, target.name)


def _write(folder: Path, files: dict[str, str]) -> None:
    folder.parent.mkdir(parents=True, exist_ok=True)
    making = Path(tempfile.mkdtemp(dir=folder.parent, prefix=f".{folder.name}-"))
    old = making.with_name(f"{making.name}.old")
    try:
        for name, text in files.items():
            (making / name).write_text(text, encoding="utf-8")
        (making / _MARK).touch()
        making.chmod(0o755)
        if folder.exists():
            os.replace(folder, old)
        os.replace(making, folder)
    finally:
        shutil.rmtree(making, ignore_errors=True)
        shutil.rmtree(old, ignore_errors=True)


def _commands(lab: Lab, workspace: Workspace, wanted: Expected) -> str:
    """The learner's ``commands.txt``; made, with what it is for, where the lab wants one and there is none."""
    path = workspace.folder / COMMANDS
    try:
        with path.open(encoding="utf-8", errors="replace") as file:
            return file.read(LARGEST)
    except FileNotFoundError:
        if not wanted.commands:
            return ""
    except OSError as error:
        raise EnvironmentFault(f"{path} cannot be read: {error.strerror}", code="submit") from error
    text = _blank(lab)
    atomic.write_text(path, text, mode=0o644)
    return text


def _blank(lab: Lab) -> str:
    lines = [
        f"# {lab.title}: the kubectl commands that your manifests do not say, one plain command a line, in order.",
        "# No shell reads them: no pipes, no variables, no loops. Lines that begin with # are left out.",
        "#",
    ]
    for number, step in enumerate(lab.steps, 1):
        if any(action.do == "kubectl" for action in step.solution) and step.task:
            lines.append(f"# step {number}: {step.task}")
    return "\n".join([*lines, ""])
