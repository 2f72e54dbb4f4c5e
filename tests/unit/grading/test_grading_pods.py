"""For how long what passes must hold before a grader believes it."""

from __future__ import annotations

import copy
from datetime import datetime
from typing import Any

import pytest

from k8s_tutor.grading.pods import LATELY, LONGEST_RUN, SLOWEST, STEADIER, STEADY, crashed, shaken, standing, steady
from k8s_tutor.kube.record import Change, Life, Record, Version

MADE = "2026-11-27T02:00:00Z"


def pod(
    started: str | None, *, restarts: int = 0, code: int | None = None, ran: tuple[str, str] | None = None
) -> dict[str, Any]:
    container: dict[str, Any] = {"name": "web", "restartCount": restarts}
    if started:
        container["state"] = {"running": {"startedAt": f"2026-11-27T02:00:{started}Z"}}
    if code is not None:
        container["lastState"] = {"terminated": {"exitCode": code}}
    if ran is not None:
        began, ended = (f"2026-11-27T02:00:{seconds}Z" for seconds in ran)
        container["lastState"]["terminated"] |= {"startedAt": began, "finishedAt": ended}
    metadata = {"name": f"p{started}{restarts}", "uid": f"u{started}{restarts}", "creationTimestamp": MADE}
    return {"kind": "Pod", "metadata": metadata, "status": {"containerStatuses": [container]}}


NOON = datetime.fromisoformat(MADE).timestamp()


def record(pods: list[dict[str, Any]], at: float = 0.0) -> Record:
    """Pods of which we heard ``at`` so many seconds after they were made."""
    lives = tuple(Life("Pod", pod["metadata"]["uid"], (Version(NOON + at, Change.ADDED, pod),)) for pod in pods)
    return Record("learner", 0.0, 1.0, lives={"Pod": lives})


@pytest.mark.parametrize(
    ("pods", "seconds"),
    [
        ([], STEADY),
        ([pod("01"), pod(None)], STEADY),
        ([pod("01", restarts=1, code=1)], STEADIER),
        ([pod("01", restarts=1, code=1, ran=("01", "03"))], STEADIER),
        ([pod("01", restarts=1, code=1, ran=("01", "09"))], 12.0),  # what ended after eight seconds must run for longer
        ([pod("01", restarts=1, code=1, ran=("01", "59"))], LONGEST_RUN),
        ([pod("01", restarts=1, code=0, ran=("01", "59"))], STEADY),
    ],
)
def test_what_holds(pods: list[dict[str, Any]], seconds: float) -> None:
    assert steady(record(pods), NOON) == seconds


@pytest.mark.parametrize(
    ("pods", "heard", "seconds"),
    [
        ([pod("10")], 11.0, STEADY),  # that it took ten seconds to start says nothing
        ([pod("12"), pod("04")], 12.0, 12.0),  # the latest word counts: a crash would be told as late
        ([pod("01")], 59.0, SLOWEST),
        ([pod("20")], 3.0, STEADY),  # the cluster's clock is before ours
        ([pod("04", restarts=1, code=0)], 8.0, 6.0),  # a new image, too, has to start
        ([pod(None)], 8.0, STEADY),
        # It ran for six seconds and ended; that it runs again was told after four: its end would be, too.
        ([pod("16", restarts=1, code=1, ran=("01", "07"))], 20.0, 12.0),
    ],
)
def test_a_slow_word_of_a_start(pods: list[dict[str, Any]], heard: float, seconds: float) -> None:
    assert steady(record(pods, heard), NOON + heard) == seconds


def test_a_slow_word_counts_for_longer_than_it_makes_wait() -> None:
    """But not for ever: one pod that the node was slow to tell of does not slow all later steps down."""
    late = record([pod("12")], 30.0)
    assert steady(late, NOON + 30 + SLOWEST) == SLOWEST
    assert steady(late, NOON + 30 + LATELY) == SLOWEST
    assert steady(late, NOON + 31 + LATELY) == STEADY
    assert LATELY > SLOWEST


@pytest.mark.parametrize(
    ("first", "seconds"),
    [
        (Version(NOON + 6, Change.MODIFIED, pod("02")), 6.0),
        (Version(NOON + 6, Change.SEEN, pod("02")), STEADY),  # it ran already when we came
        (Version(NOON + 6, Change.MODIFIED, pod("02"), relisted=True), STEADY),  # told while the link was away
    ],
)
def test_the_first_word_of_a_start_counts(first: Version, seconds: float) -> None:
    """Not what came before it, nor what the pod's status told later; nor one that was not heard as it happened."""
    versions = (Version(NOON, Change.ADDED, pod(None)), first, Version(NOON + 30, Change.MODIFIED, pod("02")))
    life = Life("Pod", "u", versions)
    assert steady(Record("learner", 0.0, 1.0, lives={"Pod": (life,)}), NOON) == seconds
    gone = Life("Pod", "u", versions, gone_at=NOON + 31)
    assert steady(Record("learner", 0.0, 1.0, lives={"Pod": (gone,)}), NOON) == STEADY


def test_who_stands() -> None:
    """A pod that ran and has crashed since, though it runs the same, did not stand; one with a new image is another."""
    before, image = pod("01"), pod("02")
    image["spec"] = {"containers": [{"image": "nginx"}]}
    then = standing(record([before, image, pod("03", restarts=1, code=1)]))
    assert set(then) == {before["metadata"]["uid"], image["metadata"]["uid"]}
    assert not shaken(record([before, image]), then)
    image["spec"] = {"containers": [{"image": "nginx:1.20.1"}]}
    crash(image)
    assert not shaken(record([before, image]), then)
    crash(before)
    assert crashed(before) and shaken(record([before, image]), then)


def test_between_two_ends() -> None:
    """What had crashed and ran again when it was believed must not crash once more."""
    again = pod("03", restarts=1, code=1)
    assert standing(record([again])) == {}
    then = standing(record([again]), also_crashed=True)
    assert not shaken(record([again]), then)
    ended = copy.deepcopy(again)
    ended["status"]["containerStatuses"][0]["state"] = {"terminated": {"exitCode": 1}}
    assert shaken(record([ended]), then)
    crash(again)
    assert shaken(record([again]), then)


def crash(item: dict[str, Any]) -> None:
    """It has ended with an error, and runs again."""
    status = item["status"]["containerStatuses"][0]
    status["restartCount"] += 1
    status["lastState"] = {"terminated": {"exitCode": 1}}
