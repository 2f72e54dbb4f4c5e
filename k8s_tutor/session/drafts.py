"""Typed text that is not saved yet, kept beside the learner's files: a killed tutor offers it at the next start.

One JSON file for each instance at work on a lab, written whole or not at all, locked while its instance lives. Who
comes next takes over what ended ones left behind; the learner's own files are never touched here.
"""

from __future__ import annotations

import fcntl
import json
import os
import threading
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from k8s_tutor import atomic, paths
from k8s_tutor.errors import EnvironmentFault
from k8s_tutor.session.workspace import LARGEST

SLOTS = 8
"""Instances at work on one lab whose text is kept."""
MOST = 50
"""Files of one lab whose text is kept."""


@dataclass(frozen=True)
class Draft:
    """Text typed for the file ``name`` over the disk's text ``base`` (None: no file was there)."""

    name: str
    text: str
    base: str | None


class Drafts:
    """The unsaved texts of one lab. Safe for several threads; ``close`` it."""

    def __init__(self, lab: str, *, folder: Path | None = None, keep: bool = True) -> None:
        """Take a place of one's own; ``keep=False``, or no place left, remembers nothing."""
        self._stem = (folder or paths.state_dir() / "drafts") / lab
        self._lock = threading.Lock()
        self._held: int | None = None
        self._slot = 0
        self._written: str | None = None
        for slot in range(1, SLOTS + 1) if keep else ():
            held = self._take(slot)
            if held is not None:
                self._held, self._slot = held, slot
                break

    def load(self) -> tuple[Draft, ...]:
        """What instances that have ended left behind; what cannot be read is passed over. May block."""
        found: dict[str, Draft] = {}
        with self._lock:
            if self._held is None:
                return ()
            for slot in range(SLOTS, 0, -1):
                held = self._held if slot == self._slot else self._take(slot)
                if held is None:
                    continue  # its instance is at work
                found |= {draft.name: draft for draft in _read(self._file(slot))}
                if slot != self._slot:
                    os.close(held)
        return tuple(found.values())

    def keep(self, drafts: Iterable[Draft]) -> None:
        """Keep these and no others (none: the file goes). Raises EnvironmentFault when the disk does not take it."""
        known = sorted(drafts, key=lambda draft: draft.name)[:MOST]
        text = json.dumps([asdict(draft) for draft in known]) if known else ""
        with self._lock:
            if not self._slot or text == self._written:
                return
            try:
                if text:
                    atomic.write_text(self._file(self._slot), text)
                else:
                    self._file(self._slot).unlink(missing_ok=True)
                # Taken over, or given up: nobody offers them again.
                for slot in range(1, SLOTS + 1):
                    held = None if slot == self._slot else self._take(slot)
                    if held is not None:
                        self._file(slot).unlink(missing_ok=True)
                        os.close(held)
            except OSError as error:
                raise EnvironmentFault(f"unsaved text cannot be kept: {error.strerror}", code="drafts") from error
            self._written = text

    def close(self) -> None:
        """Leave the place to others; what is kept stays. May be called twice."""
        with self._lock:
            if self._held is not None:
                os.close(self._held)
                self._held = None

    def _file(self, slot: int) -> Path:
        return self._stem.with_name(f"{self._stem.name}-{slot}.json")

    def _take(self, slot: int) -> int | None:
        """The lock of a place, None if somebody has it (or there is no folder to be had)."""
        try:
            self._stem.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            handle = os.open(self._file(slot).with_suffix(".lock"), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError:
            return None
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            os.close(handle)
            return None
        return handle


def _read(path: Path) -> list[Draft]:
    try:
        if path.stat().st_size > MOST * LARGEST:
            return []
        document: Any = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return []
    found = []
    for item in document if isinstance(document, list) else []:
        if isinstance(item, dict):
            name, text, base = item.get("name"), item.get("text"), item.get("base")
            if isinstance(name, str) and isinstance(text, str) and isinstance(base, str | None):
                found.append(Draft(name, text, base))
    return found
