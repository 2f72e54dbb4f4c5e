from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any, cast

import pytest

from k8s_tutor.kube.client import Api
from k8s_tutor.kube.errors import ApiUnreachable
from k8s_tutor.kube.record import Log
from k8s_tutor.session import following
from k8s_tutor.session.following import Follower, Source

WEB = Source("web", "uid-1", "c")


class Written:
    """A log that a test writes: what is put comes out; None ends it, an exception breaks it."""

    def __init__(self) -> None:
        self.put: queue.Queue[bytes | Exception | None] = queue.Queue()
        self.closed = threading.Event()

    def pieces(self) -> Iterator[bytes]:
        while (piece := self.put.get(timeout=20)) is not None:
            if isinstance(piece, Exception):
                raise piece
            yield piece

    def close(self) -> None:
        self.closed.set()
        self.put.put(None)


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch) -> list[Written]:
    made: list[Written] = []

    def follow(*_args: Any, **_more: Any) -> Written:
        made.append(Written())
        return made[-1]

    monkeypatch.setattr(following, "follow_log", follow)
    monkeypatch.setattr(following, "AGAIN", 0.01)
    return made


def eventually(fact: Callable[[], object]) -> None:
    until = time.monotonic() + 20
    while not fact():
        assert time.monotonic() < until, "it did not come true"
        threading.Event().wait(0.005)


def texts(told: list[Log]) -> list[str]:
    return [line.text for line in told[-1].lines] if told else []


def test_each_line_is_told_with_those_before_it(opened: list[Written]) -> None:
    told: list[Log] = []
    follower = Follower(cast("Api", None), "learner", told.append)
    follower.keep([WEB])
    opened[0].put.put(b"2026-01-02T03:04:05Z one\n2026-01-02T03:04:05Z two")
    eventually(lambda: texts(told) == ["one", "two"])
    opened[0].put.put(b"2026-01-02T03:04:06Z three")
    eventually(lambda: texts(told) == ["one", "two", "three"])
    assert (told[-1].pod, told[-1].uid, told[-1].container, told[-1].previous) == ("web", "uid-1", "c", False)
    assert follower.follows(WEB)
    follower.keep([WEB])
    assert len(opened) == 1, "what is followed is not opened twice"
    follower.keep([])


def test_what_breaks_is_followed_again_from_its_newest_lines(opened: list[Written]) -> None:
    told: list[Log] = []
    follower = Follower(cast("Api", None), "learner", told.append)
    follower.keep([WEB])
    opened[0].put.put(b"old")
    eventually(lambda: texts(told) == ["old"])
    opened[0].put.put(ApiUnreachable("gone"))
    eventually(lambda: len(opened) == 2)
    opened[1].put.put(b"old\nnew")
    eventually(lambda: texts(told) == ["old", "new"])
    follower.keep([])


def test_what_is_no_longer_wanted_ends_and_tells_nothing(opened: list[Written]) -> None:
    told: list[Log] = []
    follower = Follower(cast("Api", None), "learner", told.append)
    other = Source("other", "uid-2", "c")
    follower.keep([WEB, other])
    follower.keep([other])
    eventually(lambda: sum(item.closed.is_set() for item in opened) == 1)
    left = next(item for item in opened if not item.closed.is_set())
    left.put.put(b"hello")
    eventually(lambda: texts(told) == ["hello"])
    assert {log.pod for log in told} == {"other"}
    follower.keep([])
    assert all(item.closed.is_set() for item in opened)


def test_an_endless_log_is_bounded(opened: list[Written], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(following, "BREATH", 0.0)
    told: list[Log] = []
    follower = Follower(cast("Api", None), "learner", told.append)
    follower.keep([WEB])
    for number in range(30):
        opened[0].put.put(b"\n".join(b"line %d" % (number * 100 + row) for row in range(100)))
    eventually(lambda: texts(told)[-1:] == ["line 2999"])
    assert len(told[-1].lines) == following.KEPT
    follower.keep([])
