"""Checks of pods on records of a real cluster, and on those records with one thing changed."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from check_records import added, cause, edited, judge, load, without

from k8s_tutor.checks.check import find
from k8s_tutor.kube.record import Evidence

READY = {"name": "nginx-pod", "container": "web", "image": ["nginx", "nginx:1.20.1"]}
CHANGED = {"name": "nginx-pod", "container": "web", "image": "nginx:1.20.1"}


def test_the_pod_exists_and_its_maker_is_told() -> None:
    outcome = judge(load("lab1-pod-ready"), "object-exists", kind="Pod", name="nginx-pod")
    assert cause(outcome) == "pass"
    assert "by kubectl apply" in outcome.facts[0]
    assert list(outcome.data["uids"]) == ["Pod/nginx-pod"]


def test_a_missing_pod_is_looked_for_elsewhere_and_under_other_names() -> None:
    record = load("lab1-pod-ready")
    empty = without(record, "Pod")
    ask = {"kind": "Pod", "name": "nginx-pod"}
    assert cause(judge(empty, "object-exists", **ask)) == "fail:not-applied"
    other = replace(empty, others={"Pod/nginx-pod": ("default",)})
    found = judge(other, "object-exists", **ask)
    assert cause(found) == "fail:wrong-namespace"
    assert "default" in found.summary
    renamed = edited(record, "Pod", "nginx-pod", lambda item: item["metadata"].update(name="ngnix-pod"))
    assert cause(judge(renamed, "object-exists", **ask)) == "fail:wrong-name"


def test_other_namespaces_are_asked_only_while_the_object_is_missing() -> None:
    wishes = find("object-exists").wishes
    assert wishes is not None
    ask = {"kind": "Pod", "name": "nginx-pod"}
    assert not list(wishes(load("lab1-pod-ready"), ask))
    (wish,) = wishes(without(load("lab1-pod-ready"), "Pod"), ask)
    assert (wish.kind, wish.name, wish.params["kind"]) == ("others", "nginx-pod", "Pod")


def test_a_ready_pod_passes_and_is_level() -> None:
    outcome = judge(load("lab1-pod-ready"), "pod-ready", **READY)
    assert cause(outcome) == "pass"
    assert outcome.facts[0].startswith("1/1 containers ready")
    assert cause(judge(without(load("lab1-pod-ready"), "Pod"), "pod-ready", **READY)) == "fail:not-applied"


@pytest.mark.parametrize(
    ("recorded", "expected", "words"),
    [
        ("pod-image-typo", "fail:image-not-found", "did you mean nginx?"),
        ("pod-tag-typo", "fail:image-not-found", "nginx:1.20.l"),
        ("pod-image-invalid", "fail:image-not-found", "no image name"),
        ("pod-crash", "fail:crash-loop", "cannot open /etc/page"),
        ("pod-bad-command", "fail:crash-loop", "runtime refuses"),
        ("pod-readiness", "fail:readiness-failing", "GET /nosuch on port 80"),
        ("pod-cpu", "fail:unschedulable-resources", "cpu 64"),
        ("pod-selector", "fail:unschedulable-selector", "disktype=ssd"),
        ("pod-configmap", "fail:config-missing", "ConfigMap or Secret"),
        ("pod-secret-volume", "fail:config-missing", "volume"),
        ("pod-init", "fail:crash-loop", "prepare"),
    ],
)
def test_what_keeps_a_real_pod_from_being_ready_is_named(recorded: str, expected: str, words: str) -> None:
    outcome = judge(load(recorded), "pod-ready", **READY)
    assert cause(outcome) == expected
    assert outcome.finding is not None and outcome.finding.cause is not None
    assert words in outcome.finding.cause.text


def test_the_kubelets_message_is_quoted() -> None:
    outcome = judge(load("pod-image-typo"), "pod-ready", **READY)
    assert outcome.finding is not None
    assert "docker.io/library/ngnix:latest: not found" in outcome.finding.observed


def _waiting(message: str, reason: str = "ErrImagePull") -> Any:
    def change(item: dict[str, Any]) -> None:
        for status in item.get("status", {}).get("containerStatuses", ()):
            status["state"] = {"waiting": {"reason": reason, "message": message}}

    return change


@pytest.mark.parametrize(
    ("message", "image", "expected"),
    [
        ("dial tcp: lookup registry-1.docker.io: no such host", "nginx", "error:image-network"),
        ("dial tcp: lookup ngnix.io: no such host", "ngnix.io/nginx", "fail:image-network"),
        ("429 Too Many Requests - toomanyrequests: rate limit", "nginx", "error:image-network"),
        ("failed to authorize: 401 Unauthorized", "private/web", "fail:image-credentials"),
        ("pull access denied, repository does not exist or may require authorization", "ngnix", "fail:image-not-found"),
        ("docker.io/library/nginx:latest: not found", "nginx", "error:image-not-found"),
        ("something nobody foresaw", "nginx", "waiting:pulling"),
        ("something nobody foresaw", "ngnix", "fail:image-not-found"),
    ],
)
def test_a_failed_pull_is_the_learners_fault_only_where_it_is(message: str, image: str, expected: str) -> None:
    record = edited(load("pod-image-typo"), "Pod", "nginx-pod", _waiting(message))

    def of_image(item: dict[str, Any]) -> None:
        for part in (item["spec"].get("containers", ()), item["status"].get("containerStatuses", ())):
            for container in part:
                container.update(image=image)

    record = edited(record, "Pod", "", of_image)
    assert cause(judge(without(record, "Event"), "pod-ready", **READY)) == expected


def test_while_an_image_is_pulled_nobody_is_blamed_even_at_the_deadline() -> None:
    record = load("pod-image-typo")
    life = record.lives["Event"][0]
    event = {**life.last, "reason": "Pulling", "message": 'Pulling image "nginx"'}
    record = edited(record, "Pod", "", _waiting("", "ContainerCreating"))
    record = added(without(record, "Event"), "Event", {**event, "metadata": {"name": "e", "uid": "e"}})
    outcome = judge(record, "pod-ready", **READY)
    assert cause(outcome) == "waiting:pulling"
    assert outcome.settled().status.value == "error"


def test_a_taint_and_a_node_that_is_gone() -> None:
    def taint(item: dict[str, Any]) -> None:
        for condition in item.get("status", {}).get("conditions", ()):
            if condition["type"] == "PodScheduled":
                condition["message"] = "0/1 nodes are available: 1 node(s) had untolerated taint {gpu: true}."

    assert cause(judge(edited(load("pod-cpu"), "Pod", "", taint), "pod-ready", **READY)) == "fail:unschedulable-taint"
    record = load("pod-readiness")
    down = [dict(node) for node in record.nodes]
    down[0] = {**down[0], "status": {"conditions": [{"type": "Ready", "status": "Unknown", "message": "silent"}]}}
    assert cause(judge(replace(record, nodes=tuple(down)), "pod-ready", **READY)) == "error:converging"
    other = tuple({**node, "metadata": {"name": "node9"}} for node in record.nodes)
    assert cause(judge(replace(record, nodes=other), "pod-ready", **READY)) == "fail:unschedulable-selector"


def test_a_probe_that_fails_only_at_the_start_is_waited_for() -> None:
    record = load("pod-readiness")
    outcome = judge(replace(record, now=record.now - 22), "pod-ready", **READY)
    assert cause(outcome) == "waiting:readiness-failing"
    assert outcome.settled().status.value == "fail"


def test_a_container_is_found_by_name_never_by_place() -> None:
    def sidecar(item: dict[str, Any]) -> None:
        item["spec"]["containers"].insert(0, {"name": "side", "image": "busybox"})
        if "containerStatuses" in item.get("status", {}):
            item["status"]["containerStatuses"].insert(0, {"name": "side", "ready": True, "image": "busybox"})

    record = edited(load("lab1-image-changed"), "Pod", "nginx-pod", sidecar)
    assert cause(judge(record, "pod-ready", **READY)) == "pass"
    assert cause(judge(record, "image-changed", **CHANGED)) == "pass"


def test_another_container_name_and_another_image() -> None:
    record = load("lab1-pod-ready")
    assert cause(judge(record, "pod-ready", **{**READY, "container": "nginx"})) == "fail:wrong-container-name"
    assert cause(judge(record, "pod-ready", **{**READY, "image": "httpd"})) == "fail:wrong-image"
    assert cause(judge(record, "pod-ready", **{**READY, "image": "docker.io/library/nginx:latest"})) == "pass"


@pytest.mark.parametrize("recorded", ["lab1-image-changed", "lab1-image-changed-listed"])
def test_a_new_container_in_the_same_pod_passes_with_history_and_without(recorded: str) -> None:
    outcome = judge(load(recorded), "image-changed", **CHANGED)
    assert cause(outcome) == "pass"
    assert any("took its place" in fact for fact in outcome.facts)
    assert any(fact.endswith("s later") for fact in outcome.facts)


def test_before_the_change_and_with_another_image() -> None:
    assert cause(judge(load("lab1-pod-ready"), "image-changed", **CHANGED)) == "fail:wrong-image"
    assert (
        cause(judge(load("lab1-image-changed"), "image-changed", **{**CHANGED, "image": "httpd"})) == "fail:wrong-image"
    )
    wrong_name = {**CHANGED, "container": "nginx"}
    assert cause(judge(load("lab1-image-changed"), "image-changed", **wrong_name)) == "fail:wrong-container-name"


def test_a_pod_made_anew_is_another_pod() -> None:
    assert cause(judge(load("pod-made-anew"), "image-changed", **CHANGED)) == "fail:new-pod"


def test_a_crash_does_not_pass_for_a_changed_image() -> None:
    def crashed(item: dict[str, Any]) -> None:
        item["metadata"]["generation"] = 1
        item["spec"]["containers"][0]["image"] = "nginx:1.20.1"
        for status in item.get("status", {}).get("containerStatuses", ()):
            status["image"] = "docker.io/library/nginx:1.20.1"

    record = edited(load("lab1-image-changed"), "Pod", "nginx-pod", crashed)
    assert cause(judge(record, "image-changed", **CHANGED)) == "fail:new-pod"


def test_until_the_kubelet_has_changed_the_container_it_is_waited_for() -> None:
    record = load("lab1-image-changed")
    (life,) = record.lives["Pod"]
    cut = [
        version
        for version in life.versions
        if version.object["spec"]["containers"][0]["image"] == "nginx"
        or version.object["status"]["containerStatuses"][0].get("restartCount") == 0
    ]
    early = replace(record, lives={**record.lives, "Pod": (replace(life, versions=tuple(cut)),)})
    assert early.lives["Pod"][0].last["spec"]["containers"][0]["image"] == "nginx:1.20.1"
    assert judge(early, "image-changed", **CHANGED).status.value == "waiting"


def test_evidence_of_earlier_runs_keeps_uids() -> None:
    from k8s_tutor.checks.reading import remembered

    kept = Evidence("a", 1.0, data={"uids": {"Pod/nginx-pod": "u1"}})
    assert remembered(replace(load("lab1-pod-ready"), evidence={"a": kept}), "Pod", "nginx-pod") == {"u1"}


def test_a_status_that_speaks_of_the_image_before_is_waited_out() -> None:
    def corrected(item: dict[str, Any]) -> None:
        item["spec"]["containers"][0]["image"] = "nginx"

    record = edited(load("pod-image-typo"), "Pod", "nginx-pod", corrected)
    assert cause(judge(record, "pod-ready", **READY)) == "waiting:pulling"
