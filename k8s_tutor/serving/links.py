"""One-time links and the cookies they are exchanged for: kept as hashes, for the server and for ``serve link`` alike.

A file under a lock, so that a new link works while the server runs. Who reads the file can enter nowhere.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import hmac
import json
import os
import secrets
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

from k8s_tutor import atomic
from k8s_tutor.errors import EnvironmentFault

LARGEST = 4 << 20
LONGEST = 100
"""Characters of a secret that is looked at; ours have 43."""


class Verdict(StrEnum):
    """What comes of a link."""

    GOOD = "good"
    USED = "used"
    EXPIRED = "expired"
    UNKNOWN = "unknown"


@dataclass(frozen=True)
class Exchange:
    """What a link was exchanged for: the learner's id and the cookie's secret, if it was good."""

    verdict: Verdict
    learner: str = ""
    cookie: str = ""


class Links:
    """The store in one file. Each call stands for itself; several processes may use it."""

    def __init__(self, file: Path, now: Callable[[], float] = time.time) -> None:
        self._file = file
        self._now = now

    def new(self, learner: str, seconds: float) -> str:
        """A new secret for a link of this learner; a link that was not used yet is good no more."""
        secret = secrets.token_urlsafe(32)
        with self._change() as document:
            links = document["links"]
            for key in [key for key, link in links.items() if link["learner"] == learner and not link["used"]]:
                del links[key]
            links[_hash(secret)] = {"learner": learner, "until": self._now() + seconds, "used": 0}
        return secret

    def exchange(self, secret: str) -> Exchange:
        """Use a link: once. The learner's earlier cookie is good no more."""
        with self._change() as document:
            key = _find(document["links"], secret)
            if key is None:
                return Exchange(Verdict.UNKNOWN)
            link = document["links"][key]
            if link["used"]:
                return Exchange(Verdict.USED)
            if link["until"] < self._now():
                return Exchange(Verdict.EXPIRED)
            link["used"] = self._now()
            cookies = document["cookies"]
            for old in [old for old, cookie in cookies.items() if cookie["learner"] == link["learner"]]:
                del cookies[old]
            cookie = secrets.token_urlsafe(32)
            cookies[_hash(cookie)] = {"learner": link["learner"], "until": link["until"]}
            return Exchange(Verdict.GOOD, link["learner"], cookie)

    def who(self, cookie: str) -> str:
        """The id of the learner who has this cookie, empty if nobody has."""
        cookies = self._read()["cookies"]
        key = _find(cookies, cookie)
        if key is None or cookies[key]["until"] < self._now():
            return ""
        return str(cookies[key]["learner"])

    def prolong(self, seconds: float) -> None:
        """Let the cookies that hold now hold for so long; those of an ended lesson stay ended."""
        with self._change() as document:
            for cookie in document["cookies"].values():
                if cookie["until"] >= self._now():
                    cookie["until"] = max(cookie["until"], self._now() + seconds)

    def forget(self, learner: str) -> None:
        """End all links and cookies of a learner."""
        with self._change() as document:
            for part in document.values():
                for key in [key for key, item in part.items() if item["learner"] == learner]:
                    del part[key]

    @contextlib.contextmanager
    def _change(self) -> Iterator[dict[str, dict[str, Any]]]:
        self._file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        lock = os.open(self._file.with_suffix(".lock"), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX)
            document = self._read()
            # Used links are remembered for a day, so that their second use can be told what happened.
            for part in document.values():
                for key in [key for key, item in part.items() if item["until"] < self._now() - 86400]:
                    del part[key]
            before = json.dumps(document)
            yield document
            if json.dumps(document) != before:
                atomic.write_text(self._file, json.dumps(document, indent=1) + "\n")
        finally:
            os.close(lock)

    def _read(self) -> dict[str, dict[str, Any]]:
        try:
            with self._file.open("rb") as file:
                document = json.loads(file.read(LARGEST))
            found = {part: dict(document[part]) for part in ("links", "cookies")}
            for items in found.values():
                for item in items.values():
                    item["learner"], item["until"] = str(item["learner"]), float(item["until"])
                    item.setdefault("used", 0)
            return found
        except FileNotFoundError:
            return {"links": {}, "cookies": {}}
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
            raise EnvironmentFault(
                f"{self._file} cannot be read: {error}", remedy=f"rm {self._file}, then start the server again"
            ) from error


def _hash(secret: str) -> str:
    # 256 random bits: nothing to guess, so nothing slow is needed.
    return hashlib.sha256(secret.encode("utf-8", "replace")).hexdigest()


def _find(items: dict[str, Any], secret: str) -> str | None:
    """The key of a secret; every key is compared, in a time that tells nothing."""
    wanted = _hash(secret[:LONGEST])
    found = None
    for key in items:
        if hmac.compare_digest(key.encode("ascii", "replace"), wanted.encode()):
            found = key
    return found
