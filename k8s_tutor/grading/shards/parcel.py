"""What goes into a pod that grades, and what comes back: the bytes of the Secrets between coordinator and pods. Pure.

A shard is a few students' submissions as they were read, and what the whole run has in common. Nothing in it becomes a
path: names are JSON. Both ways the bytes are bounded, and what they say is held to its shape.
"""

from __future__ import annotations

import gzip
import json
import math
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field

from k8s_tutor import __version__
from k8s_tutor.grading.shape import shaped
from k8s_tutor.grading.store import graded_of, text_of
from k8s_tutor.grading.submission import HandedIn, Submission
from k8s_tutor.labs.model import Lab
from k8s_tutor.reports.grades.report import Graded

MOST_BYTES = 900 * 1024
"""Of one Secret's data; the API server takes a mebibyte
(https://kubernetes.io/docs/concepts/configuration/secret/#restriction-data-size)."""
MOST_STUDENTS = 20
WAVES = 2
"""Shards for each pod that runs at once: with more, starting pods costs; with fewer, a slow shard is waited for."""
LARGEST = 32 * 1024 * 1024
"""Of what is unpacked: 100 files of 256 KiB, and room for JSON's own signs."""
_COMMON = "run"
_RESULT = "result"


@dataclass(frozen=True)
class Common:
    """What all shards of a run share. ``lab`` (its id), ``hash`` and ``version`` must be the pod's own as well.

    ``run``: the run's id. ``cluster``, ``kubernetes``, ``egress``, ``stand_ins``: as in ``Cluster``. ``check`` and
    ``submission``: seconds, as in ``Bounds``.
    """

    lab: str
    hash: str
    version: str
    run: str
    cluster: str
    kubernetes: str
    egress: bool
    stand_ins: Mapping[str, str]
    check: float
    submission: float


@dataclass(frozen=True)
class Entry:
    """One student: what was handed in, and the seed of the student's variant of the lab (empty: none)."""

    student: str
    handed_in: HandedIn
    seed: str = ""


@dataclass(frozen=True)
class Shard:
    """The data of one shard's Secret, and its students in their order."""

    students: tuple[str, ...]
    data: Mapping[str, bytes] = field(repr=False)


def pack(entries: Sequence[Entry], common: Common, jobs: int) -> tuple[list[Shard], list[str]]:
    """The shards, in the order of the entries, for ``jobs`` pods at once; and the students who fit into none.

    The same entries give the same bytes.
    """
    most = max(1, min(MOST_STUDENTS, math.ceil(len(entries) / (jobs * WAVES))))
    head = _packed(asdict(common))
    shards: list[Shard] = []
    too_large: list[str] = []
    students: list[str] = []
    parts: list[bytes] = []

    def close() -> None:
        if parts:
            data = {_COMMON: head, **{_key(number): part for number, part in enumerate(parts)}}
            shards.append(Shard(tuple(students), data))
        students.clear()
        parts.clear()

    for entry in entries:
        part = _packed(asdict(entry))
        if len(head) + len(part) > MOST_BYTES:
            too_large.append(entry.student)
            continue
        if len(parts) == most or len(head) + sum(map(len, parts)) + len(part) > MOST_BYTES:
            close()
        students.append(entry.student)
        parts.append(part)
    close()
    return shards, too_large


def opened(data: Mapping[str, bytes]) -> tuple[Common, list[Entry]]:
    """A shard's data read again. Raises ValueError for what is no shard."""
    common = shaped(Common, _unpacked(data.get(_COMMON, b"")))
    entries = [shaped(Entry, _unpacked(data[_key(number)])) for number in range(len(data) - 1) if _key(number) in data]
    if len(entries) != len(data) - 1:
        raise ValueError("a student is missing")
    return common, entries


def result(graded: Graded) -> dict[str, bytes]:
    """One student's result as a Secret's data. Raises ValueError when it is too large for one."""
    packed = gzip.compress(text_of(graded).encode(), mtime=0)
    if len(packed) > MOST_BYTES:
        raise ValueError(f"the result of {graded.student} is too large for a Secret")
    return {_RESULT: packed}


def result_in(data: Mapping[str, bytes]) -> Graded:
    """The result in a Secret's data. Raises ValueError for what is none."""
    try:
        return graded_of(_inflated(data.get(_RESULT, b"")).decode())
    except RecursionError as error:
        raise ValueError("it is nested too deeply") from error


def refused(graded: Graded, submission: Submission, lab: Lab) -> str:
    """Why a result is not that of just this submission by just this student's lab and version; empty where it is."""
    report = graded.report
    if (graded.student, graded.digest, graded.seed) != (submission.student, submission.digest, lab.seed):
        return "it is of another submission"
    if (report.hash, report.version) != (lab.hash, __version__):
        return f"it is by another lab or version ({report.version[:40]}, {report.hash[:12]})"
    if [(row.check_id, row.points, row.optional) for row in report.rows] != [
        (spec.id, spec.points, spec.optional) for spec in lab.checks
    ]:
        return "its checks are not those of the lab"
    return ""


def _key(number: int) -> str:
    return f"student-{number}"


def _packed(value: object) -> bytes:
    return gzip.compress(json.dumps(value, ensure_ascii=True, sort_keys=True).encode(), mtime=0)


def _unpacked(data: bytes) -> object:
    return json.loads(_inflated(data))


def _inflated(data: bytes) -> bytes:
    engine = zlib.decompressobj(wbits=31)
    try:
        found = engine.decompress(data, LARGEST + 1)
    except zlib.error as error:
        raise ValueError(f"it cannot be unpacked: {error}") from error
    if len(found) > LARGEST or not engine.eof:
        raise ValueError("it is cut short, or more than is taken")
    return found
