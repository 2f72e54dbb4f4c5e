"""The learner's own folder of one lab: manifests and ``answers.yaml``.

Names come from the lab or are checked here; nothing that a file contains is ever taken for a path.
"""

from __future__ import annotations

import os
import re
import stat
import threading
import time
from pathlib import Path

from k8s_tutor import atomic, paths
from k8s_tutor.errors import EnvironmentFault, UsageError
from k8s_tutor.kube.record import KINDS, File, Record
from k8s_tutor.labs.model import Lab

LARGEST = 256 * 1024
MOST_FILES = 100
LONGEST_ANSWER = 2000
ANSWERS = "answers.yaml"
SUFFIXES = (".yaml", ".yml", ".json")
_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,99}")


class Workspace:
    """The files of one lab. Made on first use (0755: they are the learner's to share)."""

    def __init__(self, lab: Lab, folder: Path | None = None) -> None:
        """``folder`` in place of ``~/k8s-tutor/<lab>`` is for proofs and tests."""
        self.lab = lab
        self.folder = folder or paths.workspace_dir() / lab.id
        self._answering = threading.Lock()

    def make(self) -> None:
        """Make the folder. Raises EnvironmentFault when that is not possible."""
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise EnvironmentFault(
                f"the workspace {self.folder} cannot be made: {error.strerror}",
                remedy="name another folder: export K8S_TUTOR_HOME=/path/to/folder",
                code="workspace",
            ) from error

    def path(self, name: str) -> Path:
        """The file of this name. Raises UsageError for a name that could lead elsewhere."""
        if not _NAME.fullmatch(name):
            raise UsageError(f"{name[:100]!r} is not the name of a file in the workspace", code="file-name")
        return self.folder / name

    def hand_out(self, source: str, name: str = "") -> bool:
        """Put the lab's manifest ``source`` there as ``name``; false (and nothing done) when the file exists."""
        text = self.manifest(source)
        self.make()
        target = self.path(name or source)
        temporary = target.with_name(f".{target.name}.{os.getpid()}")
        try:
            temporary.write_text(text, encoding="utf-8")
            # A link fails where a file is: nothing is ever overwritten, not even by a race.
            os.link(temporary, target)
        except FileExistsError:
            return False
        finally:
            temporary.unlink(missing_ok=True)
        return True

    def manifest(self, source: str) -> str:
        """The text of the lab's manifest ``source``. Raises UsageError when the lab has none of this name."""
        for manifest in self.lab.manifests:
            if manifest.name == source:
                return manifest.text
        names = ", ".join(manifest.name for manifest in self.lab.manifests)
        raise UsageError(f"{self.lab.id} has no manifest {source[:100]!r}", remedy=f"one of: {names}")

    def write(self, name: str, text: str) -> None:
        """Replace one file by ``text``. Raises EnvironmentFault when the disk does not take it."""
        self.make()
        try:
            atomic.write_text(self.path(name), text, mode=0o644)
        except OSError as error:
            raise EnvironmentFault(f"{name} cannot be written: {error.strerror}", code="workspace") from error

    def put_aside(self, name: str) -> str:
        """Move one file out of the way; its new name, empty when there is none. Raises EnvironmentFault."""
        path = self.path(name)
        target, number = path.with_name(f"{name}.mine"), 1
        while target.exists():
            number += 1
            target = path.with_name(f"{name}.mine-{number}")
        try:
            path.rename(target)
        except FileNotFoundError:
            return ""
        except OSError as error:
            raise EnvironmentFault(f"{name} cannot be moved: {error.strerror}", code="workspace") from error
        return target.name

    def read(self, name: str) -> File:
        """One file as checks see it; what cannot be read says why."""
        return _read(self.path(name), name)

    def files(self) -> dict[str, File]:
        """Every manifest there (``answers.yaml`` too) by name; at most 100 of at most 256 KiB each."""
        try:
            names = sorted(
                entry.name
                for entry in os.scandir(self.folder)
                if entry.name.endswith(SUFFIXES) and not entry.name.startswith(".")
            )
        except FileNotFoundError:
            return {}
        except OSError as error:
            return {"": File("", None, f"the workspace cannot be read: {error.strerror}")}
        return {name: _read(self.folder / name, name) for name in names[:MOST_FILES]}

    def answers(self) -> dict[str, str]:
        """What ``answers.yaml`` holds: check id -> text; empty when it is missing or broken."""
        return _parse(self.read(ANSWERS).text or "")

    def answer(self, check_id: str, text: str) -> None:
        """Write one answer, leaving the rest of ``answers.yaml`` as the learner has it.

        Raises UsageError for a check that asks nothing, and when the file is there but is no YAML mapping.
        """
        with self._answering:
            self._answer(check_id, text)

    def _answer(self, check_id: str, text: str) -> None:
        text = "".join(letter for letter in text if letter.isprintable() or letter == "\n").strip()[:LONGEST_ANSWER]
        asked = {question.check for step in self.lab.steps for question in step.questions}
        if check_id not in asked:
            raise UsageError(
                f"{self.lab.id} has no question {check_id[:100]!r}", remedy="one of: " + ", ".join(sorted(asked))
            )
        old = self.read(ANSWERS)
        before = old.text if old.text is not None else self._blank()
        if old.text is None and old.trouble and self.path(ANSWERS).exists():
            raise UsageError(f"{ANSWERS} cannot be read: {old.trouble}", remedy=f"look at {self.path(ANSWERS)}")
        known = _parse(before)
        if before.strip() and not known and not _is_mapping(before):
            raise UsageError(f"{ANSWERS} is not a YAML mapping of check to answer", remedy=f"mend {self.path(ANSWERS)}")
        wanted = {**known, check_id: text}
        line = f"{check_id}: {_scalar(text)}"
        pattern = re.compile(rf"^{re.escape(check_id)}:.*$", re.MULTILINE)
        after = pattern.sub(lambda _match: line, before, count=1)
        if after == before and known.get(check_id) != text:
            after = before.rstrip("\n") + ("\n" if before.strip() else "") + line + "\n"
        if _parse(after) != wanted:
            # A value over several lines: write the file anew, the old one stays beside it.
            self.write(f"{ANSWERS}.before", before)
            after = "".join(f"{name}: {_scalar(value)}\n" for name, value in wanted.items())
        self.write(ANSWERS, after)

    def record(self, why: str, now: float) -> Record:
        """A record of files and answers alone; ``why`` is why nothing of a cluster was observed."""
        return Record(
            namespace="",
            began=now,
            now=now,
            files=self.files(),
            answers=self.answers(),
            unobserved=dict.fromkeys(KINDS, why),
        )

    def to_move(self) -> list[Path]:
        """What ``back_up`` moves aside."""
        return [entry for entry in self._entries() if not entry.name.startswith((".", "before-reset-"))]

    def back_up(self) -> Path | None:
        """Move every file into a dated folder inside; None when there is nothing to move."""
        entries = self.to_move()
        if not entries:
            return None
        base = self.folder / f"before-reset-{time.strftime('%Y%m%d-%H%M%S')}"
        target, number = base, 1
        while target.exists():
            number += 1
            target = base.with_name(f"{base.name}-{number}")
        target.mkdir()
        for entry in entries:
            os.replace(entry, target / entry.name)
        return target

    def _entries(self) -> list[Path]:
        return sorted(self.folder.iterdir()) if self.folder.is_dir() else []

    def _blank(self) -> str:
        lines = ["# Your answers: one line a question."]
        for step in self.lab.steps:
            for question in step.questions:
                lines += ["", *(f"# {line}" for line in question.ask.splitlines()), f"{question.check}: ''"]
        return "\n".join(lines) + "\n"


def _read(path: Path, name: str) -> File:
    try:
        # O_NONBLOCK: a named pipe must not hold us.
        handle = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError as error:
        return File(name, None, "it is not there" if isinstance(error, FileNotFoundError) else str(error.strerror))
    try:
        if not stat.S_ISREG(os.fstat(handle).st_mode):
            return File(name, None, "it is not a regular file")
        parts, size = [], 0
        while size <= LARGEST and (part := os.read(handle, LARGEST + 1 - size)):
            parts.append(part)
            size += len(part)
    except OSError as error:
        return File(name, None, str(error.strerror))
    finally:
        os.close(handle)
    if size > LARGEST:
        return File(name, None, f"it is larger than {LARGEST // 1024} KiB")
    try:
        return File(name, b"".join(parts).decode("utf-8"))
    except UnicodeDecodeError as error:
        return File(name, None, f"it is not UTF-8 text (byte {error.start})")


def _parse(text: str) -> dict[str, str]:
    import yaml

    if not text.strip():
        return {}
    try:
        # BaseLoader: an answer is text as typed, never a date or a number; it knows no tags.
        document = yaml.load(text, Loader=getattr(yaml, "CBaseLoader", yaml.BaseLoader))  # noqa: S506
    except (yaml.YAMLError, RecursionError, ValueError):
        return {}
    if not isinstance(document, dict):
        return {}
    return {str(key): value for key, value in document.items() if isinstance(value, str) and value.strip()}


def _is_mapping(text: str) -> bool:
    import yaml

    try:
        return isinstance(yaml.load(text, Loader=yaml.BaseLoader), dict | type(None))  # noqa: S506
    except (yaml.YAMLError, RecursionError, ValueError):
        return False


def _scalar(text: str) -> str:
    import json

    # JSON's strings are YAML's; no character of an answer can become structure.
    return json.dumps(text, ensure_ascii=False)
