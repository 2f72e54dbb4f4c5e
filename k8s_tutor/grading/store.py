"""What is graded already, on disk: an interrupted run goes on where it was, and repeats nothing that is finished."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Iterable, Mapping
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from k8s_tutor import __version__, atomic, paths
from k8s_tutor.checks.outcome import Cause, Finding, Outcome, Seen, Status
from k8s_tutor.grading.submission import Submission
from k8s_tutor.labs.model import Lab
from k8s_tutor.reports.grades.report import Deed, Graded, Notice
from k8s_tutor.reports.report import Report, Row

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
        document = {"schema": SCHEMA, "graded": asdict(graded)}
        text = json.dumps(document, ensure_ascii=True, default=str)
        atomic.write_text(self._path(graded.student), text, mode=0o600)

    def kept(self, submission: Submission, roster: Mapping[str, str], seed: str = "") -> Graded | None:
        """The result of just this submission by just this lab, variant and version; None if none, or if it broke."""
        try:
            document = json.loads(self._path(submission.student).read_text("utf-8"))
            if document["schema"] != SCHEMA:
                return None
            found = _graded(document["graded"])
        except (OSError, ValueError, KeyError, TypeError, AttributeError):
            return None
        same = (found.student, found.digest, found.seed) == (submission.student, submission.digest, seed)
        now = (found.report.hash, found.report.version) == (self._lab.hash, __version__)
        return replace(found, roster=dict(roster)) if same and now and not found.broken else None

    def _path(self, student: str) -> Path:
        # A student's name is no file name.
        return self.folder / f"{hashlib.sha256(student.encode('utf-8', 'surrogateescape')).hexdigest()[:24]}.json"


def _graded(told: Mapping[str, Any]) -> Graded:
    report = dict(told["report"])
    report["rows"] = tuple(_row(each) for each in report["rows"])
    return Graded(
        **{
            **told,
            "report": Report(**report),
            "notices": tuple(Notice(**each) for each in told["notices"]),
            "deeds": tuple(Deed(**each) for each in told["deeds"]),
        }
    )


def _row(told: Mapping[str, Any]) -> Row:
    outcome = dict(told["outcome"])
    finding = outcome["finding"]
    if finding is not None:
        cause = finding["cause"]
        seen = tuple(Seen(**each) for each in finding["seen"])
        finding = Finding(**{**finding, "seen": seen, "cause": Cause(**cause) if cause else None})
    status = Status(outcome["status"])
    deadline = Status(outcome["at_deadline"])
    facts = tuple(outcome["facts"])
    made = Outcome(**{**outcome, "status": status, "finding": finding, "facts": facts, "at_deadline": deadline})
    return Row(**{**told, "outcome": made})
