"""Deployments, healing and scaling on records of a real cluster, both ways."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from check_records import added, cause, edited, judge, load, without

from k8s_tutor.kube.record import Evidence, Record

THREE = {"name": "nginx-deployment", "replicas": 3, "container": "web", "image": "nginx"}
TEN = {"name": "nginx-deployment", "replicas": 10, "kept": 3}
HEAL = {"deployment": "nginx-deployment"}
GONE = {"name": "nginx-pod", "labels": {"app": "nginx"}}


def test_three_ready_pods_of_its_replicaset_pass() -> None:
    outcome = judge(load("lab2-ready"), "deployment-ready", **THREE)
    assert cause(outcome) == "pass"
    assert "648fb66cc5" in outcome.facts[0]
    assert len([key for key in outcome.data["uids"] if key.startswith("Pod/")]) == 3
    assert "Pod/nginx-pod" not in outcome.data["uids"], "Lab 1's pod has the label, not the owner"


def test_at_least_is_kept_when_it_is_scaled() -> None:
    more = {"name": "nginx-deployment", "at_least": 3}
    assert cause(judge(load("lab2-scaled"), "deployment-ready", **more)) == "pass"
    assert cause(judge(load("lab2-scaled"), "deployment-ready", **THREE)) == "fail:field-value"
    assert (
        cause(judge(load("lab2-ready"), "deployment-ready", name="nginx-deployment", at_least=5))
        == "fail:too-few-replicas"
    )


def test_no_deployment_and_one_under_another_name() -> None:
    assert cause(judge(load("lab1-pod-ready"), "deployment-ready", **THREE)) == "fail:not-applied"
    renamed = edited(load("lab2-ready"), "Deployment", "", lambda item: item["metadata"].update(name="nginx-deploy"))
    assert cause(judge(renamed, "deployment-ready", **THREE)) == "fail:wrong-name"


def test_a_rollout_under_way_is_waited_for_with_its_count() -> None:
    outcome = judge(load("lab2-scaling"), "deployment-ready", name="nginx-deployment", at_least=3)
    assert cause(outcome) == "waiting:converging"
    assert outcome.summary.startswith("3 of 10 pods ready")


def test_a_change_that_the_controller_has_not_seen_yet_is_waited_for() -> None:
    record = edited(load("lab2-ready"), "Deployment", "", lambda item: item["metadata"].update(generation=9))
    assert cause(judge(record, "deployment-ready", **THREE)) == "waiting:converging"


@pytest.mark.parametrize(
    ("recorded", "expected"),
    [("deploy-quota", "fail:quota"), ("deploy-pod-security", "fail:pod-security")],
)
def test_what_refuses_the_pods_is_named(recorded: str, expected: str) -> None:
    outcome = judge(load(recorded), "deployment-ready", **THREE)
    assert cause(outcome) == expected
    assert outcome.finding is not None and "forbidden" in outcome.finding.observed


def test_a_paused_rollout_is_named() -> None:
    ask = {"name": "nginx-deployment", "image": "nginx:1.20.1"}
    assert cause(judge(load("deploy-paused"), "deployment-ready", **ask)) == "fail:paused-rollout"


def test_a_typo_in_the_template_is_found_through_its_pods() -> None:
    def typo(item: dict[str, Any]) -> None:
        for status in item.get("status", {}).get("containerStatuses", ()):
            message = "docker.io/library/nginx:1.20.l: not found"
            status.update(
                ready=False, image="nginx:1.20.l", state={"waiting": {"reason": "ErrImagePull", "message": message}}
            )
        for condition in item.get("status", {}).get("conditions", ()):
            if condition["type"] in ("Ready", "ContainersReady"):
                condition["status"] = "False"
        item["spec"]["containers"][0]["image"] = "nginx:1.20.l"

    name = load("lab2-ready").lives["Pod"][1].name
    record = edited(load("lab2-ready"), "Pod", name, typo)
    outcome = judge(record, "deployment-ready", name="nginx-deployment")
    assert cause(outcome) == "fail:image-not-found"
    assert outcome.summary.startswith("2 of 3 pods ready")


def test_container_and_image_of_the_template() -> None:
    record = load("lab2-ready")
    assert cause(judge(record, "deployment-ready", **{**THREE, "container": "nginx"})) == "fail:wrong-container-name"
    assert cause(judge(record, "deployment-ready", **{**THREE, "image": "httpd"})) == "fail:wrong-image"


# Healing.


def test_a_deleted_pod_and_its_successor_are_seen_with_times() -> None:
    outcome = judge(load("lab2-healed"), "pod-replaced", **HEAL)
    assert cause(outcome) == "pass"
    assert "its ReplicaSet made" in outcome.facts[0] and "ready after" in outcome.facts[0]
    assert outcome.data["deleted"]["uid"] != outcome.data["made"]["uid"]


def test_it_is_found_in_events_where_there_is_no_history() -> None:
    outcome = judge(load("lab2-healed-listed"), "pod-replaced", **HEAL)
    assert cause(outcome) == "pass"
    assert outcome.facts[1] == "found in the events of the ReplicaSet"


def test_until_the_new_pod_is_ready_it_is_waited_for() -> None:
    outcome = judge(load("lab2-deleted"), "pod-replaced", **HEAL)
    assert outcome.status.value == "waiting"
    assert "its ReplicaSet made" in outcome.summary


@pytest.mark.parametrize("recorded", ["lab2-ready", "deploy-at-once", "deploy-rollout", "deploy-scaled-down"])
def test_nothing_deleted_rolled_out_or_scaled_down_is_no_healing(recorded: str) -> None:
    assert cause(judge(load(recorded), "pod-replaced", **HEAL)) == "fail:not-deleted"


def test_scaling_down_is_told_from_deleting() -> None:
    outcome = judge(load("deploy-scaled-down"), "pod-replaced", **HEAL)
    assert "scaling down" in outcome.summary


def test_scaling_down_is_no_loss_even_without_its_events() -> None:
    assert cause(judge(without(load("deploy-scaled-down"), "Event"), "pod-replaced", **HEAL)) == "fail:not-deleted"


def _lost_only() -> Record:
    """A pod of the ReplicaSet ended and nothing came in its place."""
    record = load("lab2-healed")
    (lost,) = [life for life in record.lives["Pod"] if life.gone_at is not None]
    kept = [life for life in record.lives["Pod"] if life.seen_from_start or life.versions[0].at < lost.gone_at]
    assert lost.gone_at is not None
    begun = next(version.at for version in lost.versions if version.object["metadata"].get("deletionTimestamp"))
    kept = [life for life in kept if life.versions[0].at < begun]
    return replace(record, lives={**record.lives, "Pod": tuple(kept), "Event": ()}, now=begun + 1)


def test_a_loss_that_nobody_makes_good_is_waited_for_and_then_told() -> None:
    record = _lost_only()
    early = judge(record, "pod-replaced", **HEAL)
    assert cause(early) == "waiting:not-replaced"
    assert early.turns is not None and record.now < early.turns <= record.now + 5
    late = judge(replace(record, now=early.turns), "pod-replaced", **HEAL)
    assert cause(late) == "fail:not-replaced" and late.turns is None


# The bare pod.


def test_a_bare_pod_that_was_never_seen_proves_nothing() -> None:
    record = without(without(load("lab1-pod-ready"), "Pod"), "Event")
    assert cause(judge(record, "bare-pod-stays-gone", **GONE)) == "fail:not-applied"
    assert cause(judge(load("lab1-pod-ready"), "bare-pod-stays-gone", **GONE)) == "fail:not-deleted"


def test_ten_seconds_must_pass_first() -> None:
    record = load("lab2-bare-deleted")
    outcome = judge(record, "bare-pod-stays-gone", **GONE)
    assert outcome.status.value == "waiting"
    assert outcome.until is not None and 0 < outcome.until - record.now <= 10
    later = replace(record, now=outcome.until + 0.01)
    assert cause(judge(later, "bare-pod-stays-gone", **GONE)) == "pass"
    short = judge(record, "bare-pod-stays-gone", **GONE, seconds=0.5)
    assert cause(short) == "pass"


@pytest.mark.parametrize("recorded", ["lab2-scaled", "lab2-scaled-listed"])
def test_a_bare_pod_that_stays_gone_passes_with_history_and_by_events(recorded: str) -> None:
    assert cause(judge(load(recorded), "bare-pod-stays-gone", **GONE)) == "pass"


def test_evidence_of_an_earlier_run_knows_that_it_existed() -> None:
    record = without(without(load("lab2-scaled-listed"), "Pod"), "Event")
    kept = {"exists": Evidence("exists", 1.0, data={"uids": {"Pod/nginx-pod": "uid-of-then"}})}
    record = replace(record, evidence=kept, now=record.began + 3)
    assert judge(record, "bare-pod-stays-gone", **GONE).status.value == "waiting"
    assert cause(judge(replace(record, now=record.began + 11), "bare-pod-stays-gone", **GONE)) == "pass"


@pytest.mark.parametrize(("name", "labels"), [("nginx-pod", {}), ("web-again", {"app": "nginx"})])
def test_a_bare_pod_that_comes_in_its_place_is_found(name: str, labels: dict[str, str]) -> None:
    record = load("lab2-scaled")
    item = {"metadata": {"name": name, "uid": "new", "labels": labels}, "spec": {}, "status": {}}
    gone = max(life.gone_at or 0 for life in record.lives["Pod"] if life.name == "nginx-pod")
    back = added(record, "Pod", item, at=gone + 4)
    assert cause(judge(back, "bare-pod-stays-gone", **GONE)) == "fail:bare-pod-returned"


def test_a_pod_of_the_deployment_with_the_label_is_no_return() -> None:
    assert cause(judge(load("lab2-scaled"), "bare-pod-stays-gone", **GONE)) == "pass"
    assert sum(life.gone_at is None for life in load("lab2-scaled").lives["Pod"]) == 10


# Scaling.


@pytest.mark.parametrize("recorded", ["lab2-scaled", "lab2-scaled-listed"])
def test_three_kept_and_seven_new_pass_with_history_and_by_events(recorded: str) -> None:
    outcome = judge(load(recorded), "scaled-to", **TEN)
    assert cause(outcome) == "pass"
    assert (len(outcome.data["kept"]), len(outcome.data["new"])) == (3, 7)


def test_ages_alone_tell_it_too() -> None:
    outcome = judge(without(load("lab2-scaled-listed"), "Event"), "scaled-to", **TEN)
    assert cause(outcome) == "pass"
    assert "younger" in outcome.facts[-1]


@pytest.mark.parametrize("events", [True, False])
def test_ten_at_once_are_all_new(events: bool) -> None:
    record = load("deploy-at-once")
    record = record if events else without(record, "Event")
    assert cause(judge(record, "scaled-to", **TEN)) == "fail:all-new-pods"


def test_before_and_during_the_scaling() -> None:
    assert cause(judge(load("lab2-ready"), "scaled-to", **TEN)) == "fail:too-few-replicas"
    assert cause(judge(load("lab2-scaling"), "scaled-to", **TEN)) == "waiting:converging"


def test_a_pod_healed_before_the_scaling_is_one_of_the_three() -> None:
    outcome = judge(load("lab2-scaled"), "scaled-to", **TEN)
    assert outcome.data["kept"], "the recorded learner deleted one of the three before scaling"
    healed = judge(load("lab2-scaled"), "pod-replaced", **HEAL).data["made"]["uid"]
    assert healed in outcome.data["kept"]


def test_ten_at_once_of_which_one_healed_are_still_all_new() -> None:
    record = without(load("deploy-at-once"), "Event")
    last = record.lives["Pod"][-1]
    late = replace(
        last, versions=tuple(replace(v, object=_born(v.object, "2026-11-24T01:00:00Z")) for v in last.versions)
    )
    record = replace(record, lives={**record.lives, "Pod": (*record.lives["Pod"][:-1], late)})
    assert cause(judge(record, "scaled-to", **TEN)) == "fail:all-new-pods"


def _born(item: Any, at: str) -> dict[str, Any]:
    return {**item, "metadata": {**item["metadata"], "creationTimestamp": at}}


def test_a_deployment_deleted_with_its_pods_replaces_nobody() -> None:
    record = load("lab2-ready")
    (life,) = [life for life in record.lives["Deployment"] if life.name == "nginx-deployment"]
    lives = {**record.lives, "Deployment": (replace(life, gone_at=record.now - 1),), "ReplicaSet": (), "Pod": ()}
    outcome = judge(replace(record, lives=lives), "pod-replaced", **HEAL)
    assert cause(outcome) == "fail:not-replaced"
    never = replace(record, lives={**lives, "Deployment": ()})
    assert cause(judge(never, "pod-replaced", **HEAL)) == "fail:not-applied"


def test_a_misspelt_image_that_cannot_be_pulled_is_told_as_that() -> None:
    typo = edited(load("lab2-scaling"), "Deployment", "", _misspelt_template)
    assert cause(judge(typo, "deployment-ready", **{**THREE, "replicas": 10})) == "fail:wrong-image"
    stuck = edited(typo, "Pod", "", _pull_failed)
    assert cause(judge(stuck, "deployment-ready", **{**THREE, "replicas": 10})) == "fail:image-not-found"


def _misspelt_template(item: dict[str, Any]) -> None:
    item["spec"]["template"]["spec"]["containers"][0]["image"] = "nginx:lates"


def _pull_failed(item: dict[str, Any]) -> None:
    item["spec"]["containers"][0]["image"] = "nginx:lates"
    message = "failed to resolve image: docker.io/library/nginx:lates: not found"
    item["status"]["conditions"] = [{"type": "Ready", "status": "False"}]
    item["status"]["containerStatuses"] = [
        {"name": "web", "ready": False, "state": {"waiting": {"reason": "ErrImagePull", "message": message}}}
    ]
