"""How far the learner came, kept over restarts: one JSON file a lab, written whole or not at all.

Evidence belongs to one namespace of one cluster (its UID): another one inherits none of it, because nothing was
seen to happen there. Which steps were done, read and hinted is the learner's own and goes along.
The file is locked while it is open for writing; a second instance reads it and keeps what it learns to itself until
the first one has ended. What a full disk does not take is kept and tried again.
"""

from __future__ import annotations

import fcntl
import json
import os
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from k8s_tutor import atomic, paths
from k8s_tutor.kube.record import Evidence
from k8s_tutor.session.engine import Memory
from k8s_tutor.session.met import MOST, Met
from k8s_tutor.session.progress_file import SCHEMA, checked, empty, plain

LARGEST = 4 * 1024 * 1024
RETRY_SECONDS = 5.0
OTHER_AT_WORK = (
    "Another k8s-tutor works on {lab} now. This one shows everything, "
    "but what it sees is not added to your saved progress until the other one ends."
)
NOT_FINISHED = (
    "Starting {lab} over was begun and not finished: your files and progress may be as they were. "
    "k8s-tutor reset {lab} finishes it."
)
PLACES_KEPT = 20
"""Namespaces whose evidence is kept; the oldest go first."""

VISITS_KEPT = 200
"""Times at work that are kept, the newest."""


@dataclass(frozen=True)
class Past:
    """What is remembered of a lab. Step id -> Unix time (``done``, ``read``, ``solved``), number (``hints`` ever used).

    ``visits``: from when to when somebody was at work on it (Unix seconds). ``evidence``: check id -> facts, of the
    present namespace or the newest one; ``where``: its cluster (name, provider, version).
    """

    done: Mapping[str, float] = field(default_factory=dict)
    read: Mapping[str, float] = field(default_factory=dict)
    hints: Mapping[str, int] = field(default_factory=dict)
    solved: Mapping[str, float] = field(default_factory=dict)
    met: tuple[Met, ...] = ()
    visits: tuple[tuple[float, float], ...] = ()
    evidence: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    where: Mapping[str, str] = field(default_factory=dict)


class Progress:
    """The progress of one lab, open for one namespace.

    ``notes`` are sentences for the learner: a file set aside, another instance at work, a disk that is full.
    """

    def __init__(
        self,
        lab: str,
        namespace_uid: str,
        *,
        folder: Path | None = None,
        keep: bool = True,
        where: Mapping[str, str] | None = None,
    ) -> None:
        """Open (and lock) the progress of ``lab``; ``keep=False`` remembers nothing beyond this object.

        ``namespace_uid`` may be empty where no cluster is at hand: then no evidence is read or kept. ``where``
        names the cluster (name, provider, version), for the summary.
        """
        self.lab = lab
        self.namespace_uid = namespace_uid
        self.path = (folder or paths.state_dir() / "progress") / f"{lab}.json"
        self._where = {str(key): str(value)[:200] for key, value in (where or {}).items()}
        self._began = time.time()
        self._notes: list[str] = []
        self._trouble = ""
        self._tried = 0.0
        self._busy = False
        self._cut_short = False
        self.read_only = not keep
        self._lock: int | None = None
        self._document: dict[str, Any] = empty(lab)
        self._written = ""
        if keep:
            self._take_lock()
            self._load()
        self.memory = self._memory()

    def update(self, memory: Memory) -> None:
        """Keep what is new in ``memory``; writes the file only when something changed."""
        self.memory = memory
        document = self._document
        document["read"] = {step: document["read"].get(step, time.time()) for step in sorted(memory.read)}
        document["hints"] = dict(memory.hints)
        document["done"] = {step: document["done"].get(step, time.time()) for step in sorted(memory.earlier)}
        document["solved"] = dict(memory.solved)
        document["met"] = [asdict(met) for met in memory.met]
        if self.namespace_uid:
            self._was_here(time.time())
            place = document["places"].setdefault(self.namespace_uid, {"first": time.time()})
            place["evidence"] = {name: plain(item) for name, item in memory.evidence.items()}
            place["passed"] = dict(memory.passed_at)
            place["where"] = self._where or place.get("where", {})
            place["redone"] = dict(memory.redone)
        self._write()

    def begin_clearing(self) -> None:
        """Note that the lab is started over, until ``clear``: if that is cut short, the next one is told so."""
        self._document["clearing"] = time.time()
        self._write()

    def clear(self) -> None:
        """Forget this lab: what was done, seen and hinted (its times of hints stay counted as used)."""
        hints_used = self._document.get("hints_ever", {})
        for step, number in self._document["hints"].items():
            hints_used[step] = max(int(number), int(hints_used.get(step, 0)))
        self._document = {**empty(self.lab), "hints_ever": hints_used}
        self._cut_short = False
        self.memory = Memory()
        self._write()

    @property
    def past(self) -> Past:
        """All that is remembered, as a summary reads it."""
        document = self._document
        places = document["places"]
        newest = max(places, key=lambda uid: float(places[uid].get("first", 0)), default="")
        place = places.get(self.namespace_uid or newest, {})
        hints = {**document["hints_ever"]}
        for step, number in document["hints"].items():
            hints[step] = max(int(number), int(hints.get(step, 0)))
        return Past(
            done=dict(document["done"]),
            read=dict(document["read"]),
            hints={step: int(number) for step, number in hints.items()},
            solved=dict(document["solved"]),
            met=tuple(Met(**item) for item in document["met"]),
            visits=tuple((float(begin), float(end)) for begin, end in document["visits"]),
            evidence={name: tuple(item["facts"]) for name, item in place.get("evidence", {}).items()},
            where=dict(place.get("where", {})),
        )

    def _was_here(self, now: float) -> None:
        """The learner is at work: the present visit lasts until now."""
        visits = self._document["visits"]
        if visits and visits[-1][0] <= self._began <= visits[-1][1] + 1.0:
            visits[-1][1] = max(visits[-1][1], now)
        else:
            visits.append([self._began, now])
        del visits[:-VISITS_KEPT]

    def move(self, namespace_uid: str) -> None:
        """Go on in another namespace (made anew by a reset): its evidence is its own."""
        self.namespace_uid = namespace_uid
        self.memory = self._memory()

    @property
    def notes(self) -> list[str]:
        """Sentences for the learner: what stands, and what the disk does not take now."""
        return [
            *self._notes,
            *([NOT_FINISHED.format(lab=self.lab)] if self._cut_short else []),
            *([OTHER_AT_WORK.format(lab=self.lab)] if self._busy else []),
            *filter(None, [self._trouble]),
        ]

    @property
    def again(self) -> float | None:
        """The ``time.monotonic`` at which to call ``retry``; None when nothing is to be tried again."""
        return self._tried + RETRY_SECONDS if self._trouble or self._busy else None

    def retry(self) -> bool:
        """Save what was not taken, or begin to save once the other instance has ended; true if ``memory`` grew by it.

        Does nothing before ``again``.
        """
        again = self.again
        if again is None or time.monotonic() < again:
            return False
        if not self._busy:
            self._write()
            return False
        self._tried = time.monotonic()
        self._take_lock()
        if self._lock is None:
            return False
        self.read_only = False
        self._load()
        known = self._memory()
        hints = {step: max(number, self.memory.hints.get(step, 0)) for step, number in known.hints.items()}
        self.update(
            replace(
                self.memory,
                evidence={**self.memory.evidence, **known.evidence},
                passed_at={**self.memory.passed_at, **known.passed_at},
                read=self.memory.read | known.read,
                hints={**self.memory.hints, **hints},
                earlier=self.memory.earlier | known.earlier,
                met=tuple(sorted({*known.met, *self.memory.met}, key=lambda met: met.at))[-MOST:],
                solved={**self.memory.solved, **known.solved},
                redone={**known.redone, **self.memory.redone},
            )
        )
        return True

    def close(self) -> None:
        """Let another instance write. May be called twice."""
        if self._lock is not None:
            if self.namespace_uid and self._document["visits"]:
                self._was_here(time.time())
                self._write()
            os.close(self._lock)
            self._lock = None
            self.read_only = True
        self._busy = False

    def _take_lock(self) -> None:
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            self._lock = os.open(self.path.with_suffix(".lock"), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            if self._lock is not None:
                os.close(self._lock)
                self._lock = None
            self.read_only = True
            self._busy = isinstance(error, BlockingIOError)
            if not self._busy:
                self._notes.append(f"Progress cannot be saved in {self.path.parent}: {error.strerror}.")
        else:
            self._busy = False

    def _load(self) -> None:
        try:
            if self.path.stat().st_size > LARGEST:
                raise ValueError("it is too large")
            text = self.path.read_text(encoding="utf-8")
        except FileNotFoundError:
            return
        except (OSError, ValueError) as error:
            self._set_aside(str(error))
            return
        try:
            document = json.loads(text)
            if isinstance(document, dict) and isinstance(document.get("schema"), int) and document["schema"] > SCHEMA:
                self.read_only = True
                self._notes.append(f"{self.path.name} was written by a newer k8s-tutor; it is left as it is.")
                return
            self._document = checked(document, self.lab)
            self._cut_short = "clearing" in self._document
            self._written = text
        except (ValueError, TypeError, KeyError, RecursionError) as error:
            self._set_aside(str(error))

    def _set_aside(self, why: str) -> None:
        if self.read_only:
            self._notes.append(f"Saved progress cannot be read ({why[:120]}).")
            return
        aside = self.path.with_name(f"{self.path.name}.broken-{time.strftime('%Y%m%d-%H%M%S')}-{os.getpid()}")
        try:
            os.replace(self.path, aside)
            self._notes.append(f"Saved progress could not be read ({why[:120]}); it was moved to {aside}.")
        except OSError as error:
            self.read_only = True
            self._notes.append(f"Saved progress can neither be read nor moved aside: {error.strerror}.")

    def _memory(self) -> Memory:
        document = self._document
        place = document["places"].get(self.namespace_uid, {})
        evidence = {
            name: Evidence(name, float(item["at"]), tuple(str(fact) for fact in item["facts"]), item["data"])
            for name, item in place.get("evidence", {}).items()
        }
        return Memory(
            evidence=evidence,
            passed_at={name: float(at) for name, at in place.get("passed", {}).items()},
            read=frozenset(document["read"]),
            hints={step: int(number) for step, number in document["hints"].items()},
            earlier=frozenset(document["done"]),
            met=tuple(Met(**item) for item in document["met"]),
            solved=dict(document["solved"]),
            redone={name: float(at) for name, at in place.get("redone", {}).items()},
        )

    def _write(self) -> None:
        if self.read_only:
            return
        places = self._document["places"]
        for stale in sorted(places, key=lambda uid: float(places[uid].get("first", 0)))[:-PLACES_KEPT]:
            if stale != self.namespace_uid:
                del places[stale]
        text = json.dumps(self._document, indent=1, sort_keys=True, default=str) + "\n"
        if text == self._written:
            self._trouble = ""
            return
        self._tried = time.monotonic()
        try:
            atomic.write_text(self.path, text)
            self._written, self._trouble = text, ""
        except OSError as error:
            self._trouble = (
                f"Progress could not be saved: {error.strerror}. It is kept here and tried again every "
                f"{RETRY_SECONDS:.0f} s."
            )
