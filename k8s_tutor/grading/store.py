"""What is graded already, on disk: an interrupted run goes on where it was, and repeats nothing that is finished."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Iterable, Mapping
from dataclasses import asdict, replace
from pathlib import Path

from k8s_tutor import __version__, atomic, paths
from k8s_tutor.grading.shape import shaped
from k8s_tutor.grading.submission import Submission
from k8s_tutor.labs.model import Lab
from k8s_tutor.reports.grades.report import Graded

SCHEMA = 1


class Store:
    """Finished results of one class and lab, a file each. Writing may be done from several threads."""

    def __init__(self, lab: Lab, folders: Iterable[Path], base: Path | None = None) -> None:
        """``folders``: the paths that were given; the same ones are the same class."""
        told = "\0".join([lab.id, *sorted(str(folder.resolve()) for folder in folders)])
        key = hashlib.sha256(told.encode("utf-8", "surrogateescape")).hexdigest()[:16]
        self._lab = lab
        self.folder = (base or paths.state_dir() / "grading" / "results") / f"{lab.id}-{key}"

    def clear(self) -> None:
        """Forget everything."""
        shutil.rmtree(self.folder, ignore_errors=True)

    def keep(self, graded: Graded) -> None:
        """Keep a result. Raises OSError."""
        self.folder.mkdir(parents=True, exist_ok=True)
        atomic.write_text(self._path(graded.student), text_of(graded), mode=0o600)

    def kept(self, submission: Submission, roster: Mapping[str, str], seed: str = "") -> Graded | None:
        """The result of just this submission by just this lab, variant and version; None if none, or if it broke."""
        try:
            found = graded_of(self._path(submission.student).read_text("utf-8"))
        except (OSError, ValueError, RecursionError):
            return None
        same = (found.student, found.digest, found.seed) == (submission.student, submission.digest, seed)
        now = (found.report.hash, found.report.version) == (self._lab.hash, __version__)
        return replace(found, roster=dict(roster)) if same and now and not found.broken else None

    def _path(self, student: str) -> Path:
        # A student's name is no file name.
        return self.folder / f"{hashlib.sha256(student.encode('utf-8', 'surrogateescape')).hexdigest()[:24]}.json"


def text_of(graded: Graded) -> str:
    """A result as a document; ``graded_of`` reads it."""
    document = {"schema": SCHEMA, "graded": asdict(graded)}
    return json.dumps(document, ensure_ascii=True, default=str)


def graded_of(text: str) -> Graded:
    """The result in a document, whoever wrote it. Raises ValueError for one that is not as it must be."""
    document = json.loads(text, parse_constant=_no_number)
    if not isinstance(document, dict) or document.get("schema") != SCHEMA:
        raise ValueError("it is of another schema")
    graded = shaped(Graded, document.get("graded"))
    assert isinstance(graded, Graded)
    return graded


def _no_number(text: str) -> float:
    raise ValueError(f"{text} is no number")
