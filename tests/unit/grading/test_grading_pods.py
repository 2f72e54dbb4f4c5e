"""For how long what passes must hold before a grader believes it."""

from __future__ import annotations

from typing import Any

import pytest

from k8s_tutor.grading.pods import LONGEST_RUN, SLOWEST, STEADIER, STEADY, crashed, standing, steady
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


def record(pods: list[dict[str, Any]]) -> Record:
    lives = tuple(Life("Pod", pod["metadata"]["uid"], (Version(0.0, Change.ADDED, pod),)) for pod in pods)
    return Record("learner", 0.0, 1.0, lives={"Pod": lives})


@pytest.mark.parametrize(
    ("pods", "seconds"),
    [
        ([], STEADY),
        ([pod("01"), pod(None)], STEADY),
        ([pod("02"), pod("16")], 8.0),  # the slowest counts: a node that needs so long sees a crash as late
        ([pod("59")], SLOWEST),
        ([pod("40", restarts=1, code=0)], STEADY),  # a new image: when it started says nothing
        ([pod("01", restarts=1, code=1)], STEADIER),
        ([pod("01", restarts=1, code=1, ran=("01", "03"))], STEADIER),
        ([pod("01", restarts=1, code=1, ran=("01", "09"))], 10.0),  # what ended after eight seconds must run for longer
        ([pod("01", restarts=1, code=1, ran=("01", "59"))], LONGEST_RUN),
        ([pod("01", restarts=1, code=0, ran=("01", "59"))], STEADY),
    ],
)
def test_what_holds(pods: list[dict[str, Any]], seconds: float) -> None:
    assert steady(record(pods)) == seconds


def test_who_stands() -> None:
    """A pod that ran and has crashed since, though it runs the same, did not stand; one with a new image is another."""
    before, image = pod("01"), pod("02")
    image["spec"] = {"containers": [{"image": "nginx"}]}
    then = standing(record([before, image, pod("03", restarts=1, code=1)]))
    assert set(then) == {before["metadata"]["uid"], image["metadata"]["uid"]}
    image["spec"] = {"containers": [{"image": "nginx:1.20.1"}]}
    before["status"]["containerStatuses"][0]["lastState"] = {"terminated": {"exitCode": 1}}
    assert crashed(before) and not crashed(image)
    assert standing(record([before, image])).items() & then.items() == set()
