"""What one student hands in for one lab: manifests, answers and commands, read from a folder that is not trusted.

A folder holds ``lab1/…`` and ``lab2/…``, or the files of one lab themselves. Everything is bounded, no link is
followed, and nothing of it is executed here.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import re
import stat
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from k8s_tutor.grading import commands as command_lines
from k8s_tutor.grading.commands import COMMANDS, Command
from k8s_tutor.grading.manifests import MOST_OBJECTS, refusals
from k8s_tutor.grading.problem import Problem, plain
from k8s_tutor.kube.manifest import Document, ManifestError, objects_of, parse_manifest
from k8s_tutor.labs.images import needed
from k8s_tutor.labs.model import Lab

ANSWERS = "answers.yaml"
LARGEST = 256 * 1024
MOST_FILES = 100
MOST_ENTRIES = 1000
LONGEST_ANSWER = 2000
_MANIFEST = (".yaml", ".yml", ".json")
_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,99}")


@dataclass(frozen=True)
class Expected:
    """What a lab asks for: names of manifests, ids of the checks that ask a question, whether commands are needed."""

    manifests: tuple[str, ...]
    questions: tuple[str, ...]
    commands: bool


@dataclass(frozen=True)
class Manifest:
    """One file that may be applied: its text as handed in, and its documents with the line of every field."""

    name: str
    text: str
    documents: tuple[Document, ...]


@dataclass(frozen=True)
class HandedIn:
    """A folder as it was read, before anything of it is understood: the files that count (name -> text), what is not
    among them and why.
    """

    files: Mapping[str, str] = field(default_factory=dict)
    problems: tuple[Problem, ...] = ()


@dataclass(frozen=True)
class Submission:
    """One student's work for one lab. ``digest`` (hex) covers every file that was read, whatever is wrong with it.

    What ``problems`` say was refused or cannot be read is in none of the other fields, but for ``handed_in``, of which
    ``understood`` makes the same again elsewhere.
    """

    student: str
    lab: str
    folder: Path
    manifests: tuple[Manifest, ...] = ()
    answers: Mapping[str, str] = field(default_factory=dict)
    commands: tuple[Command, ...] = ()
    problems: tuple[Problem, ...] = ()
    digest: str = ""
    handed_in: HandedIn = field(default_factory=HandedIn)


def expected(lab: Lab) -> Expected:
    """What this lab asks for, read from its steps: what their solutions apply, ask and do by kubectl."""
    required = [step for step in lab.steps if not step.checks or not all(check.optional for check in step.checks)]
    actions = [action for step in required for action in step.solution]
    files = [str(action.args["file"]) for action in actions if action.do == "apply"]
    imperative = {"scale", "expose", "set", "run", "create"}
    return Expected(
        manifests=tuple(dict.fromkeys(files)),
        questions=tuple(question.check for step in lab.steps for question in step.questions),
        commands=any(
            action.do == "kubectl" and next(iter(action.args.get("args", ())), "") in imperative for action in actions
        ),
    )


def read(folder: Path, lab: Lab, student: str = "") -> Submission:
    """Read what a student handed in for a lab. Never raises for what stands there: that is told in ``problems``."""
    inner = folder / lab.id
    place = inner if _is_folder(inner) else folder
    problems: list[Problem] = []
    files = _files(place, problems)
    return understood(HandedIn(files, tuple(problems)), lab, student or folder.name, place)


def understood(handed_in: HandedIn, lab: Lab, student: str, place: Path) -> Submission:
    """What these files say, as of a lab; ``place``: the folder where they lay. Never raises for what they say."""
    files, problems = handed_in.files, list(handed_in.problems)
    manifests: list[Manifest] = []
    images = frozenset(needed(lab))
    for name, text in files.items():
        if name.endswith(_MANIFEST) and name != ANSWERS:
            manifest = _manifest(name, text, images, problems)
            if manifest is not None:
                manifests.append(manifest)
    wanted = expected(lab)
    known = {manifest.name for manifest in manifests}
    answers = _answers(files, wanted, problems)
    told, wrong = command_lines.parse(files.get(COMMANDS, ""), frozenset(known), images)
    problems += wrong
    problems += _missing(wanted, {*files, *(problem.file for problem in problems)})
    digest = hashlib.sha256(lab.id.encode())
    for name in sorted(files):
        content = files[name].encode("utf-8", "surrogateescape")
        digest.update(f"\0{name}\0{len(content)}\0".encode() + content)
    return Submission(
        student=student,
        lab=lab.id,
        folder=place,
        manifests=tuple(manifests),
        answers=answers,
        commands=told,
        problems=tuple(problems),
        digest=digest.hexdigest(),
        handed_in=handed_in,
    )


def _is_folder(path: Path) -> bool:
    try:
        return stat.S_ISDIR(path.lstat().st_mode)
    except (OSError, ValueError):
        return False


def _files(place: Path, problems: list[Problem]) -> dict[str, str]:
    """The files that count, by name. Opened below the folder's own handle and never through a link."""
    if not _is_folder(place):
        problems.append(Problem(plain(place.name), 0, "there is no such folder", "hand in a folder"))
        return {}
    found: dict[str, str] = {}
    try:
        handle = os.open(place, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    except OSError as error:
        problems.append(Problem(plain(place.name), 0, f"it cannot be read: {error.strerror}"))
        return {}
    try:
        names = sorted(os.listdir(handle))
        if len(names) > MOST_ENTRIES:
            problems.append(Problem(plain(place.name), 0, f"more than {MOST_ENTRIES} files", "hand in the lab's only"))
            names = names[:MOST_ENTRIES]
        for name in names:
            if len(found) >= MOST_FILES:
                problems.append(Problem(plain(place.name), 0, f"more than {MOST_FILES} files: the rest is not read"))
                break
            if name.startswith(".") or not (name.endswith(_MANIFEST) or name == COMMANDS):
                continue
            if not _NAME.fullmatch(name):
                what = "a name of plain letters, digits, dots and dashes is needed"
                problems.append(Problem(plain(name), 0, what, "look for letters that only look alike", refused=True))
                continue
            text, trouble = _text(handle, name)
            if trouble:
                problems.append(Problem(name, 0, trouble, refused="link" in trouble))
            else:
                found[name] = text
    finally:
        os.close(handle)
    return found


def _text(folder: int, name: str) -> tuple[str, str]:
    """A file's text, or why there is none."""
    try:
        # A pipe would be waited for, a device answer for ever.
        handle = os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK, dir_fd=folder)
    except OSError as error:
        with contextlib.suppress(OSError):
            if stat.S_ISLNK(os.stat(name, dir_fd=folder, follow_symlinks=False).st_mode):
                return "", "it is a link; hand in the file itself"
        return "", f"it cannot be read: {error.strerror}"
    if not stat.S_ISREG(os.fstat(handle).st_mode):
        os.close(handle)
        return "", "it is no file"
    with os.fdopen(handle, "rb") as file:
        data = file.read(LARGEST + 1)
    if len(data) > LARGEST:
        return "", f"it is larger than {LARGEST // 1024} KiB"
    try:
        return data.decode("utf-8"), ""
    except UnicodeDecodeError as error:
        return "", f"it is no UTF-8 text (byte {error.start})"


def _manifest(name: str, text: str, images: frozenset[str], problems: list[Problem]) -> Manifest | None:
    try:
        documents = parse_manifest(text)
    except ManifestError as error:
        problems.append(Problem(name, error.line, plain(error.message)))
        return None
    except RecursionError:
        problems.append(Problem(name, 0, "it is nested too deeply"))
        return None
    if not documents:
        problems.append(Problem(name, 0, "there is no object in it"))
        return None
    wrong = [problem for document in documents for problem in refusals(name, document, images)]
    objects = sum(1 for document in documents for _ in objects_of(document))
    if objects > MOST_OBJECTS:
        what = f"{objects} objects in one file: {MOST_OBJECTS} are the most"
        wrong.append(Problem(name, 0, what, "hand in the lab's objects only", refused=True))
    problems += wrong
    # All or nothing: half a file would be graded as something that nobody handed in.
    return None if wrong else Manifest(name, text, tuple(documents))


def _answers(files: Mapping[str, str], wanted: Expected, problems: list[Problem]) -> dict[str, str]:
    text = files.get(ANSWERS, "")
    if not text.strip():
        return {}
    try:
        documents = parse_manifest(text)
    except (ManifestError, RecursionError) as error:
        problems.append(
            Problem(ANSWERS, getattr(error, "line", 0), plain(str(error)), "one line each: question: answer")
        )
        return {}
    if not documents:
        return {}
    told = documents[0].object
    if len(documents) != 1 or not isinstance(told, dict):
        problems.append(Problem(ANSWERS, 1, "it is no list of question: answer", "one line each: question: answer"))
        return {}
    answers: dict[str, str] = {}
    for key, value in told.items():
        line = documents[0].where((key,))[0] if isinstance(key, str) else 0
        if key not in wanted.questions:
            asked = ", ".join(wanted.questions) or "none"
            problems.append(Problem(ANSWERS, line, f"{plain(key, 60)!r} is no question of this lab", f"asked: {asked}"))
        elif isinstance(value, dict | list):
            problems.append(Problem(ANSWERS, line, f"the answer to {key} is no text"))
        elif value is not None:
            answers[str(key)] = str(value)[:LONGEST_ANSWER]
    return answers


def _missing(wanted: Expected, there: set[str]) -> list[Problem]:
    found = [
        Problem(name, 0, "it was not handed in", f"k8s-tutor submit makes the folder; {name} belongs into it")
        for name in wanted.manifests
        if name.rpartition(".")[0] not in {each.rpartition(".")[0] for each in there if each.endswith(_MANIFEST)}
    ]
    if wanted.questions and ANSWERS not in there:
        found.append(Problem(ANSWERS, 0, "the answers were not handed in", "k8s-tutor answer writes them"))
    return found
