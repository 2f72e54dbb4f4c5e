"""Follow containers' logs while a check waits for a line in them: the API server tells, nobody asks again and again."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from k8s_tutor.errors import TutorError
from k8s_tutor.kube.client import Api
from k8s_tutor.kube.logs import follow_log, parse_lines
from k8s_tutor.kube.record import Log, LogLine

KEPT = 200
"""Newest lines of a container that the record shows."""
BREATH = 0.05
"""Seconds between two pieces of one log: what writes without end is read no faster than that."""
AGAIN = 1.0
"""Seconds until a log that broke off is followed again."""


@dataclass(frozen=True)
class Source:
    """One container of one pod."""

    pod: str
    uid: str
    container: str


class Follower:
    """Follows what it is told to ``keep``. ``tell`` is called with each newer log, from threads of its own."""

    def __init__(self, api: Api, namespace: str, tell: Callable[[Log], None]) -> None:
        self._api, self._namespace, self._tell = api, namespace, tell
        self._lock = threading.Lock()
        self._running: dict[Source, _Thread] = {}

    def keep(self, wanted: Iterable[Source]) -> None:
        """Follow these and no others."""
        wanted = frozenset(wanted)
        with self._lock:
            ended = [self._running.pop(source) for source in set(self._running) - wanted]
            for source in wanted - set(self._running):
                thread = _Thread(source, self._api, self._namespace, self._tell)
                self._running[source] = thread
                thread.start()
        for thread in ended:
            thread.end()

    def follows(self, source: Source) -> bool:
        """Whether this log is followed now and has been read."""
        with self._lock:
            thread = self._running.get(source)
        return thread is not None and thread.heard.is_set()


class _Thread(threading.Thread):
    def __init__(self, source: Source, api: Api, namespace: str, tell: Callable[[Log], None]) -> None:
        super().__init__(name=f"log-{source.pod}", daemon=True)
        self._source, self._api, self._namespace, self._tell = source, api, namespace, tell
        self._ended = threading.Event()
        self._stream = follow_log(api, namespace, source.pod, source.container, tail=KEPT)
        self.heard = threading.Event()

    def end(self) -> None:
        """Stop; nothing more is told."""
        self._ended.set()
        self._stream.close()

    def run(self) -> None:
        while not self._ended.is_set():
            lines: deque[LogLine] = deque(maxlen=KEPT)
            try:
                for piece in self._stream.pieces():
                    lines += parse_lines(piece.decode("utf-8", "replace"))
                    if self._ended.is_set():
                        return
                    source = self._source
                    self._tell(Log(source.pod, source.uid, source.container, False, tuple(lines)))
                    self.heard.set()
                    if self._ended.wait(BREATH):
                        return
            except TutorError:
                pass  # not started yet, gone, or the link broke: the one who asked is told of that by the watch
            self.heard.clear()
            if self._ended.wait(AGAIN):
                return
            self._stream = follow_log(self._api, self._namespace, self._source.pod, self._source.container, tail=KEPT)
