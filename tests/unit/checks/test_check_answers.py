"""Answers: every equivalent form passes, a wrong one is told what is wrong and never what is right."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from check_records import cause, judge, load, without

from k8s_tutor.checks.answers import seconds_of
from k8s_tutor.checks.check import all_checks, bound, find
from k8s_tutor.kube.record import Record

POD, DEPLOYMENT = {"pod": "nginx-pod"}, {"deployment": "nginx-deployment"}
_IP_RIGHT = ["10.244.1.17", " 10.244.1.17\n", "http://10.244.1.17/"]
_IP_WRONG = ["10.244.1.18", "172.29.0.2", "x", "::1"]
_FIELD_RIGHT = [
    "name",
    "containers[].name",
    "spec.containers.name",
    "pod.spec.containers.name",
    ".name",
    "name <string>",
]
_FIELD_WRONG = ["image", "metadata.name", "containers", "command", ""]
_GAP_RIGHT = ["25", "25s", "0m25s", "25 seconds", "24", "26s", "00:00:25"]
_HASH_RIGHT = ["648fb66cc5", "pod-template-hash=648fb66cc5", "nginx-deployment-648fb66cc5"]
_HASH_WRONG = ["648fb66cc6", "nginx-deployment-648fb66cc5-tslvr"]
_IMAGE_RIGHT = ["nginx", "nginx:latest", "docker.io/library/nginx"]
_EVENT_RIGHT = ["Scheduled", "pulled", "Created", "'Started'"]
_STRATEGY_RIGHT = ["RollingUpdate", "rolling update", "rollingupdate"]
CONTAINERS = {"kind": "Pod", "path": "spec.containers"}
CASES: list[tuple[str, dict[str, Any], str, list[str], list[str]]] = [
    ("answer-pod-ip", POD, "lab1-pod-ready", _IP_RIGHT, _IP_WRONG),
    ("answer-container-name", POD, "lab1-pod-ready", ["web", '"web"', "web."], ["nginx-pod", "nginx", "Web server"]),
    ("answer-image", POD, "lab1-pod-ready", _IMAGE_RIGHT, ["nginx:1.20.1", "httpd", "", "a b"]),
    ("answer-event", POD, "lab1-pod-ready", _EVENT_RIGHT, ["Normal", "kubelet", "Killed"]),
    ("answer-required-field", CONTAINERS, "lab1-pod-ready", _FIELD_RIGHT, _FIELD_WRONG),
    ("answer-age-gap", POD, "lab1-image-changed", _GAP_RIGHT, ["23", "1m25s", "soon", "2h"]),
    ("answer-strategy", DEPLOYMENT, "lab2-ready", _STRATEGY_RIGHT, ["Recreate", "BlueGreen"]),
    ("answer-template-hash", DEPLOYMENT, "lab2-ready", _HASH_RIGHT, _HASH_WRONG),
]
IDS = [case[0] for case in CASES]


def answered(record: Record, answer: str) -> Record:
    return replace(record, answers={"the-question": answer})


@pytest.mark.parametrize(("uses", "params", "recorded", "right", "wrong"), CASES, ids=IDS)
def test_right_answers_in_every_form_pass_and_wrong_ones_do_not(
    uses: str, params: dict[str, Any], recorded: str, right: list[str], wrong: list[str]
) -> None:
    record = load(recorded)
    for answer in right:
        assert cause(judge(answered(record, answer), uses, **params)) == "pass", answer
    for answer in wrong:
        expected = "fail:wrong-answer" if answer else "fail:no-answer"
        assert cause(judge(answered(record, answer), uses, **params)) == expected, answer


@pytest.mark.parametrize(("uses", "params", "recorded", "right", "wrong"), CASES, ids=IDS)
def test_a_wrong_answer_does_not_give_the_right_one_away(
    uses: str, params: dict[str, Any], recorded: str, right: list[str], wrong: list[str]
) -> None:
    record = load(recorded)
    expected = find(uses).expected_answer
    assert expected is not None
    told = expected(record, params)
    assert told and cause(judge(answered(record, told), uses, **params)) == "pass"
    outcome = judge(answered(record, "zzz"), uses, **params)
    assert outcome.finding is not None and outcome.finding.cause is not None
    if uses not in ("answer-container-name", "answer-required-field", "answer-image"):  # words of the question
        assert told not in " ".join(
            (outcome.finding.observed, outcome.finding.cause.text, outcome.finding.cause.look_at)
        )


@pytest.mark.parametrize(("uses", "params", "recorded", "right", "wrong"), CASES, ids=IDS)
def test_no_answer_yet_and_no_object_yet(
    uses: str, params: dict[str, Any], recorded: str, right: list[str], wrong: list[str]
) -> None:
    assert cause(judge(load(recorded), uses, **params)) == "fail:no-answer"
    if uses != "answer-required-field":
        nothing = without(without(load(recorded), "Pod"), "Deployment")
        assert cause(judge(answered(nothing, right[0]), uses, **params)) == "fail:not-applied"
        answer = find(uses).expected_answer
        assert answer is not None and answer(nothing, params) is None


def test_the_question_is_the_checks_own_id_unless_another_is_named() -> None:
    check = find("answer-pod-ip")
    assert bound(check, "my-id", POD)["question"] == "my-id"
    assert bound(check, "my-id", {**POD, "question": "other"})["question"] == "other"
    assert "question" not in bound(find("pod-ready"), "my-id", {"name": "a"})
    assert all(found.asks == name.startswith("answer-") for name, found in all_checks().items())


def test_the_live_schema_decides_what_is_required() -> None:
    item = {"required": ["image"], "properties": {"image": {"type": "string"}, "name": {"type": "string"}}}
    spec = {"properties": {"containers": {"type": "array", "items": item}}}
    schema = {"properties": {"spec": spec}}
    record = replace(load("lab1-pod-ready"), schema={"Pod": schema})
    assert cause(judge(answered(record, "image"), "answer-required-field")) == "pass"
    assert cause(judge(answered(record, "name"), "answer-required-field")) == "fail:wrong-answer"


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("75", 75), ("75s", 75), ("1m15s", 75), ("1 min 15 s", 75), ("1m 15", 75), ("0:01:15", 75), ("1:15", 75),
        ("1h", 3600),
        ("1.5m", 90), ("1,5 minutes", 90), ("2 days", 172800), ("about 75 seconds", 75),
        ("1 minute and 15 seconds", 75),
        ("", None), ("x", None), ("75 apples", None), ("m", None), ("-5", None), ("9" * 400, None),
    ],
)  # fmt: skip
def test_lengths_of_time(text: str, seconds: float | None) -> None:
    assert seconds_of(text) == seconds
