"""Keeps a sink up to date with one kind: lists and watches, and comes back after every break.

Ours, because the official client's informer has no back-off and its watch hangs or replays
(docs/design.md, decisions). The rules: one request lists and watches where the server can do that; every
silence is bounded; after a break the watch goes on where it was; after "410 Gone" everything is listed again
and the sink finds out what it missed.
"""

from __future__ import annotations

import contextlib
import random
import threading
import time
from collections.abc import Mapping
from typing import Any, Protocol

from k8s_tutor.errors import TutorError
from k8s_tutor.kube.client import Api
from k8s_tutor.kube.compact import Compactor
from k8s_tutor.kube.errors import ApiRefused, ApiUnreachable, refused
from k8s_tutor.kube.record import Change
from k8s_tutor.kube.stream import Stream

WATCH_SECONDS = 300
READ_TIMEOUT = 75.0  # the server sends a bookmark about once a minute
FIRST_DELAY = 0.1
LAST_DELAY = 30.0
_CHANGES = {"ADDED": Change.ADDED, "MODIFIED": Change.MODIFIED, "DELETED": Change.DELETED}
_INITIAL_END = "k8s.io/initial-events-end"


class Sink(Protocol):
    """Who is told. Called from the reflector's thread; must return at once."""

    def sync(self, kind: str, objects: list[Mapping[str, Any]]) -> None:
        """All objects that exist."""
        ...

    def feed(self, kind: str, change: Change, obj: Mapping[str, Any]) -> None:
        """One change."""
        ...

    def heard(self, kind: str) -> None:
        """The server accepted the watch, or said something."""
        ...

    def lost(self, kind: str, error: TutorError) -> None:
        """An attempt failed; the next one comes by itself."""
        ...


class Reflector:
    """One kind in one thread. ``stop`` ends it within a second and leaves neither thread nor socket.

    ``due``: after a failure, when it is tried again (Unix time).
    """

    def __init__(self, api: Api, kind: str, path: str, sink: Sink, *, query: Mapping[str, str] | None = None) -> None:
        self.kind = kind
        self._api = api
        self._path = path
        self._query = dict(query or {})
        self._sink = sink
        self._stopping = threading.Event()
        self._hurry = threading.Event()
        self.due = 0.0
        self._lock = threading.Lock()
        self._stream: Stream | None = None
        self._version: str | None = None
        self._one_request = True
        self._progress = False
        self._anew = False
        self._compactor = Compactor()
        self._random = random.Random()  # noqa: S311 - spreads load, guards nothing
        self._thread = threading.Thread(target=self._run, name=f"watch-{kind}", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def cut(self) -> None:
        """Begin to stop; returns at once."""
        self._stopping.set()
        self._again()

    def nudge(self, *, anew: bool = False) -> None:
        """Open the watch again now, where it was (``anew``: list everything again); returns at once."""
        self._anew = self._anew or anew
        self._again()

    def _again(self) -> None:
        self._hurry.set()
        with self._lock:
            if self._stream is not None:
                self._stream.close()

    def stop(self) -> None:
        """End the watch and wait for its thread."""
        self.cut()
        if self._thread.is_alive():
            self._thread.join(1.0)

    @property
    def running(self) -> bool:
        """Whether the thread is there."""
        return self._thread.is_alive()

    def _run(self) -> None:
        failures = 0
        while not self._stopping.is_set():
            self._progress = False
            error: TutorError | None = None
            try:
                if self._anew:
                    self._anew, self._version = False, None
                self._once()
                if not self._progress and not self._stopping.is_set() and not self._hurry.is_set():
                    error = ApiUnreachable("the watch ended at once, without a word")
            except (ApiRefused, ApiUnreachable) as told:
                error = self._after(told)
            except Exception as fault:
                # A fault of ours or of a subscriber: told like a lost link, because a silent end would be a lie.
                self._version = None
                error = TutorError(f"a fault in the watch: {type(fault).__name__}: {fault}")
            if self._stopping.is_set():
                return
            # A watch that ends at once without a word is no better than one that fails.
            failures = 0 if self._progress else failures + 1
            asked = error.retry_after if isinstance(error, ApiRefused) else None
            delay = max(asked or 0.0, self._delay(failures))
            self.due = time.time() + delay
            if error is not None:
                self._lost(error)
            if delay and self._hurry.wait(delay):
                failures = 0
            self._hurry.clear()

    def _delay(self, failures: int) -> float:
        ceiling = min(LAST_DELAY, FIRST_DELAY * 2 ** min(failures - 1, 12)) if failures else 0.0
        return ceiling * (0.5 + self._random.random() / 2)

    def _after(self, error: ApiRefused | ApiUnreachable) -> TutorError | None:
        """Draw the consequences of a failure; returns what is to be told of it, None if it is part of the way."""
        if isinstance(error, ApiUnreachable):
            self._progress = False
            return error
        if error.status == 410:
            self._version = None
            return None
        if error.status in (400, 422) and self._one_request and self._version is None:
            self._one_request = False  # a server without streaming lists
            self._progress = True
            return None
        self._progress = False
        if error.status not in (401, 429):
            self._version = None
        return error

    def _lost(self, error: TutorError) -> None:
        # A subscriber's fault must not end the thread: the next attempt tells the same again.
        with contextlib.suppress(Exception):
            self._sink.lost(self.kind, error)

    def _once(self) -> None:
        if self._version is None and not self._one_request:
            listed = self._api.list(self._path, self._query)
            self._sink.sync(self.kind, [item for item in listed["items"] if isinstance(item, dict)])
            self._version = str(_metadata(listed).get("resourceVersion") or "")
            self._progress = True
            self._sink.heard(self.kind)
        self._watch()

    def _watch(self) -> None:
        listing = self._version is None
        query: dict[str, str | int | bool] = {
            **self._query,
            "watch": True,
            "allowWatchBookmarks": True,
            "timeoutSeconds": self._random.randint(WATCH_SECONDS * 9 // 10, WATCH_SECONDS),
        }
        if listing:
            query |= {"sendInitialEvents": True, "resourceVersionMatch": "NotOlderThan"}
        else:
            query["resourceVersion"] = self._version or ""
        # A listing is told only when it is whole: until then the watch is open but nothing is known.
        opened = None if listing else lambda: self._sink.heard(self.kind)
        stream = self._api.stream(self._path, query, read_timeout=READ_TIMEOUT, on_open=opened)
        with self._lock:
            if self._stopping.is_set():
                return
            self._stream = stream
        initial: list[Mapping[str, Any]] | None = [] if listing else None
        began = time.monotonic()
        try:
            for event in stream:
                initial = self._event(event, initial)
            if initial is not None and not self._stopping.is_set():
                raise ApiUnreachable("the list broke off before its end")
            self._progress = self._progress or time.monotonic() - began > 1.0
        finally:
            with self._lock:
                self._stream = None
            stream.close()

    def _event(
        self, event: Mapping[str, Any], initial: list[Mapping[str, Any]] | None
    ) -> list[Mapping[str, Any]] | None:
        """Take one line of the watch; returns the initial list as far as it goes, None once it is over."""
        kind, obj = event.get("type"), event.get("object")
        if not isinstance(obj, dict):
            raise ApiUnreachable("the watch sent an event without an object")
        if kind == "ERROR":
            code = obj.get("code")
            raise refused(code if isinstance(code, int) else 500, obj)
        version = _metadata(obj).get("resourceVersion")
        if kind == "BOOKMARK":
            annotations = _metadata(obj).get("annotations")
            if initial is not None:
                if not (isinstance(annotations, dict) and annotations.get(_INITIAL_END) == "true"):
                    return initial
                self._sink.sync(self.kind, initial)
            self._told(version)
            return None
        change = _CHANGES.get(str(kind))
        if change is None:
            return initial
        obj = self._compactor.compact(obj)
        if initial is not None:
            initial.append(obj)
            return initial
        self._sink.feed(self.kind, change, obj)
        self._told(version)
        return None

    def _told(self, version: Any) -> None:
        if isinstance(version, str) and version:
            self._version = version
        self._progress = True
        self._sink.heard(self.kind)


def _metadata(obj: Mapping[str, Any]) -> Mapping[str, Any]:
    metadata = obj.get("metadata")
    return metadata if isinstance(metadata, Mapping) else {}
