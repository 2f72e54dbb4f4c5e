"""A verdict that turns only because time passes says when: nobody would judge it again otherwise."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from functools import cache
from typing import Any

import pytest
from check_records import added, cause, edited, judge, load, names

from k8s_tutor.checks.check import run
from k8s_tutor.checks.outcome import Outcome, Status
from k8s_tutor.kube.record import Record
from k8s_tutor.labs.loader import labs
from k8s_tutor.labs.loader import load as load_lab
from k8s_tutor.labs.model import CheckSpec

READY = {"name": "nginx-pod", "container": "web", "image": "nginx"}
OFFSETS = (*range(-40, 31), *range(590, 620, 5))
"""Seconds around the moment at which a record was taken."""


@cache
def specs() -> tuple[CheckSpec, ...]:
    return tuple(spec for info in labs() for spec in load_lab(info.id).checks)


def word(outcome: Outcome) -> tuple[Status, str]:
    finding = outcome.finding
    return outcome.status, finding.cause.id if finding and finding.cause else ""


@pytest.mark.parametrize("recorded", names())
def test_no_verdict_on_a_record_that_does_not_change_turns_unannounced(recorded: str) -> None:
    record = load(recorded)
    for spec in specs():
        last: Outcome | None = None
        for offset in OFFSETS:
            now = record.now + offset
            outcome = run(replace(record, now=now), spec.id, spec.uses, spec.params)
            told = [at for at in (outcome.until, outcome.turns) if at is not None]
            assert all(at > now for at in told), f"{spec.id}: what is to come lies behind {outcome}"
            if last is not None and word(last) != word(outcome):
                known = [at for at in (last.until, last.turns) if at is not None]
                assert any(at <= now for at in known), f"{spec.id} turned from {word(last)} to {word(outcome)}"
            last = outcome


def turned(record: Record, uses: str, **params: Any) -> tuple[str, str]:
    """The verdict now, and the one at the time that it names."""
    first = judge(record, uses, **params)
    assert first.turns is not None and first.turns > record.now
    just_before = judge(replace(record, now=first.turns - 0.001), uses, **params)
    assert cause(just_before) == cause(first) and just_before.turns == first.turns
    last = judge(replace(record, now=first.turns), uses, **params)
    assert last.turns is None
    return cause(first), cause(last)


def test_a_readiness_probe_that_fails_turns_red_when_patience_ends() -> None:
    record = load("pod-readiness")
    early = replace(record, now=record.now - 22)
    assert turned(early, "pod-ready", **READY) == ("waiting:readiness-failing", "fail:readiness-failing")

    def slow(item: dict[str, Any]) -> None:
        item["spec"]["containers"][0]["readinessProbe"]["initialDelaySeconds"] = 5

    plain, delayed = (judge(each, "pod-ready", **READY).turns for each in (early, edited(early, "Pod", "", slow)))
    assert plain is not None and delayed == plain + 5


def test_without_a_start_that_is_told_nobody_knows_when() -> None:
    def untold(item: dict[str, Any]) -> None:
        for status in item.get("status", {}).get("containerStatuses", ()):
            status["state"] = {"running": {"startedAt": "soon"}}

    outcome = judge(edited(load("pod-readiness"), "Pod", "", untold), "pod-ready", **READY)
    assert cause(outcome) == "waiting:readiness-failing" and outcome.turns is None


def test_a_service_without_an_address_is_given_up_when_patience_ends() -> None:
    def balancer(item: dict[str, Any]) -> None:
        item["spec"]["type"] = "LoadBalancer"

    record = edited(load("lab2-scaled"), "Service", "nginx-service", balancer)
    early = replace(record, now=record.now - 20)
    assert turned(early, "service-external", name="nginx-service") == ("waiting:converging", "skipped")


def test_of_several_troubles_the_first_that_turns_is_named() -> None:
    from k8s_tutor.checks.causes.trouble import Trouble, Weight, heaviest

    pulling = Trouble("pulling", Weight.BUSY, "found", "text")
    probe = Trouble("readiness-failing", Weight.PENDING, "found", "text", turns=20.0)
    other = replace(probe, turns=10.0)
    assert heaviest(()) is None
    assert heaviest((pulling,)) == pulling
    most = heaviest((probe, pulling, other))
    assert most is not None and (most.id, most.turns) == ("pulling", 10.0)


def test_a_rollout_that_waits_for_a_probe_turns_with_it() -> None:
    record = load("lab2-ready")
    began = record.now - 1

    def failing(item: dict[str, Any]) -> None:
        probe = {"httpGet": {"path": "/nosuch", "port": 80}}
        item["spec"]["containers"][0]["readinessProbe"] = probe
        for status in item.get("status", {}).get("containerStatuses", ()):
            stamp = datetime.fromtimestamp(began, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
            status |= {"ready": False, "state": {"running": {"startedAt": stamp}}}
        for condition in item.get("status", {}).get("conditions", ()):
            condition["status"] = "False" if condition["type"] in ("Ready", "ContainersReady") else "True"

    pod = next(life for life in record.lives["Pod"] if life.name.startswith("nginx-deployment"))
    event = {
        "metadata": {"name": "unhealthy", "namespace": record.namespace},
        "reason": "Unhealthy",
        "message": "Readiness probe failed: HTTP probe failed with statuscode: 404",
        "involvedObject": {"kind": "Pod", "name": pod.name, "uid": pod.uid},
    }
    record = added(edited(record, "Pod", pod.name, failing), "Event", event)
    wanted = {"name": "nginx-deployment", "replicas": 3}
    assert turned(record, "deployment-ready", **wanted) == ("waiting:converging", "fail:readiness-failing")


def test_a_refusal_that_only_an_event_tells_is_old_news_one_day() -> None:
    def untold(item: dict[str, Any]) -> None:
        item["status"]["conditions"] = []

    record = edited(load("deploy-quota"), "ReplicaSet", "", untold)
    wanted = {"name": "nginx-deployment", "replicas": 3}
    before, after = turned(record, "deployment-ready", **wanted)
    assert before == "fail:quota" and after != "fail:quota"
    with_condition = judge(load("deploy-quota"), "deployment-ready", **wanted)
    assert cause(with_condition) == "fail:quota" and with_condition.turns is None
