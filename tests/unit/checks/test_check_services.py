"""Services: what stands behind them and who answers, with the mutations that must fail."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from check_records import cause, edited, judge, load, sample, without

from k8s_tutor.checks.causes.endpoints import ready_names
from k8s_tutor.checks.check import find
from k8s_tutor.kube.record import Record

SELECTS = {"name": "nginx-service", "deployment": "nginx-deployment", "port": 80}
BALANCES = {"name": "nginx-service", "deployment": "nginx-deployment"}
TARGET = "10.96.6.12:80"


def pods() -> list[str]:
    return sorted(ready_names(load("lab2-scaled"), "nginx-service"))


def sampled(record: Record, counts: dict[str, int] | None = None, **how: Any) -> Record:
    counts = counts if counts is not None else {pod: 3 + number for number, pod in enumerate(pods())}
    return replace(record, samples={"nginx-service": sample("nginx-service", TARGET, counts, at=record.now, **how)})


def service(change: Callable[[dict[str, Any]], object]) -> Record:
    return edited(load("lab2-scaled"), "Service", "nginx-service", change)


def test_ten_endpoints_that_are_the_ten_pods_pass() -> None:
    outcome = judge(load("lab2-scaled"), "service-selects", **SELECTS)
    assert cause(outcome) == "pass"
    assert outcome.summary == "nginx-service leads to 10 ready pods"


def test_lab_1s_pod_is_named_as_the_stray() -> None:
    outcome = judge(load("lab2-stray"), "service-selects", **SELECTS)
    assert cause(outcome) == "fail:stray-pod"
    assert outcome.finding is not None and outcome.finding.cause is not None
    assert "nginx-pod" in outcome.finding.cause.text
    assert outcome.finding.cause.look_at == "kubectl delete pod nginx-pod"


@pytest.mark.parametrize(
    ("recorded", "expected", "words"),
    [
        ("service-wrong-target-port", "fail:wrong-target-port", 'the pods listen on 80 ("web")'),
        ("service-wrong-port-name", "fail:wrong-target-port", "port http"),
        ("service-wrong-selector", "fail:selector-misses-pods", "app=nginx is meant"),
    ],
)
def test_each_broken_service_of_a_real_cluster_is_explained(recorded: str, expected: str, words: str) -> None:
    outcome = judge(load(recorded), "service-selects", **SELECTS)
    assert cause(outcome) == expected
    assert outcome.finding is not None and outcome.finding.cause is not None
    assert words in outcome.finding.cause.text
    assert cause(judge(load(recorded), "service-balances", **BALANCES)) == expected


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (lambda item: item["spec"].update(type="NodePort"), "fail:wrong-service-type"),
        (lambda item: item["spec"].update(clusterIP="None"), "fail:headless"),
        (lambda item: item["spec"]["ports"][0].update(port=8080), "fail:wrong-port"),
        (lambda item: item["spec"].pop("selector"), "fail:selector-misses-pods"),
        (lambda item: item["spec"].update(selector={"ap": "nginx"}), "fail:selector-misses-pods"),
        (lambda item: item["metadata"].update(name="nginx-servic"), "fail:wrong-name"),
        (lambda item: item["spec"]["ports"][0].update(targetPort="web"), "pass"),
    ],
)
def test_changed_services(change: Callable[[dict[str, Any]], object], expected: str) -> None:
    assert cause(judge(service(change), "service-selects", **SELECTS)) == expected


def test_other_types_may_be_allowed() -> None:
    record = service(lambda item: item["spec"].update(type="LoadBalancer"))
    assert cause(judge(record, "service-selects", **SELECTS, type=["ClusterIP", "LoadBalancer"])) == "pass"


def test_no_service_and_no_deployment() -> None:
    assert cause(judge(load("lab2-ready"), "service-selects", **SELECTS)) == "fail:not-applied"
    assert cause(judge(load("lab1-pod-ready"), "service-selects", **SELECTS)) == "fail:not-applied"


def test_endpoints_that_lag_behind_are_waited_for() -> None:
    def fewer(item: dict[str, Any]) -> None:
        item["endpoints"] = (item.get("endpoints") or [])[1:]

    record = edited(load("lab2-scaled"), "EndpointSlice", "", fewer)
    assert cause(judge(record, "service-selects", **SELECTS)) == "waiting:converging"
    none = edited(load("lab2-scaled"), "EndpointSlice", "", lambda item: item.update(endpoints=None))
    assert cause(judge(none, "service-selects", **SELECTS)) == "waiting:converging"


def test_an_endpoint_that_is_not_ready_or_ends_does_not_count() -> None:
    def change(item: dict[str, Any]) -> None:
        item["endpoints"][0]["conditions"] = {"ready": False}
        item["endpoints"][1]["conditions"] = {"ready": True, "terminating": True}
        item["endpoints"][2]["conditions"] = {}

    record = edited(
        load("lab2-scaled"),
        "EndpointSlice",
        "",
        lambda item: change(item) if len(item["endpoints"] or ()) > 2 else None,
    )
    assert len(ready_names(record, "nginx-service")) == 8


def test_every_pod_answered_and_the_counts_are_told() -> None:
    outcome = judge(sampled(load("lab2-scaled")), "service-balances", **BALANCES)
    assert cause(outcome) == "pass"
    assert outcome.summary == "10 of 10 pods answered"
    assert "not in turn" in outcome.facts[-1] and "3 to 12 times" in outcome.facts[-1]
    assert sum(outcome.data["answered"].values()) == outcome.data["requests"] == 75


def test_without_a_sample_it_waits_and_is_no_fail_at_the_deadline() -> None:
    for uses, ask in (("service-balances", BALANCES), ("service-reachable", {"name": "nginx-service"})):
        outcome = judge(load("lab2-scaled"), uses, **ask)
        assert cause(outcome) == "waiting:converging"
        assert outcome.settled().status.value == "error"


def mutation(name: str) -> Record:
    """The mutations of a load-balancing check that must never pass."""
    record, all_pods = load("lab2-scaled"), pods()
    if name == "one-silent":
        return sampled(record, dict.fromkeys(all_pods[1:], 17), expected=all_pods, requests=153)
    if name == "too-few-requests":
        return sampled(record, dict.fromkeys(all_pods[1:], 2), expected=all_pods, requests=18)
    if name == "cut-short":
        return sampled(record, complete=False)
    if name == "changed-under-it":
        return sampled(record, after=all_pods[1:])
    if name == "others-now":
        return sampled(record, dict.fromkeys(all_pods[1:], 5), expected=all_pods[1:])
    if name == "stranger":
        return sampled(record, {**dict.fromkeys(all_pods, 15), "?": 4}, expected=all_pods)
    if name == "one-pod-only":
        return sampled(record, {all_pods[0]: 153}, expected=all_pods)
    if name == "refused":
        return sampled(record, {}, expected=all_pods, requests=153, status=None, error="connection refused")
    if name == "lost":
        return sampled(record, {}, expected=all_pods, requests=153, status=None, error="timed out")
    if name == "old-address":
        return replace(
            record, samples={"nginx-service": sample("nginx-service", "10.96.9.9:80", dict.fromkeys(all_pods, 9))}
        )
    if name == "session-affinity":
        return sampled(
            service(lambda item: item["spec"].update(sessionAffinity="ClientIP")), {all_pods[0]: 153}, expected=all_pods
        )
    if name == "headless":
        return sampled(service(lambda item: item["spec"].update(clusterIP="None")))
    if name == "unobserved":
        return replace(record, unobserved={"sample:nginx-service": "the node's network cannot be entered"})
    raise AssertionError(name)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("one-silent", "fail:no-endpoints"),
        ("too-few-requests", "error:converging"),
        ("cut-short", "error:converging"),
        ("changed-under-it", "error:converging"),
        ("others-now", "waiting:converging"),
        ("stranger", "fail:stray-pod"),
        ("one-pod-only", "fail:no-endpoints"),
        ("refused", "fail:wrong-target-port"),
        ("lost", "error:api-unreachable"),
        ("old-address", "waiting:converging"),
        ("session-affinity", "fail:session-affinity"),
        ("headless", "fail:headless"),
        ("unobserved", "error:api-unreachable"),
    ],
)
def test_no_mutation_passes_for_load_balancing(name: str, expected: str) -> None:
    assert cause(judge(mutation(name), "service-balances", **BALANCES)) == expected


def test_the_pods_that_never_answered_are_counted() -> None:
    outcome = judge(mutation("one-silent"), "service-balances", **BALANCES)
    assert outcome.finding is not None
    assert outcome.finding.observed.startswith("9 of 10 pods answered 153 requests")


def test_one_answer_makes_a_service_reachable() -> None:
    ask = {"name": "nginx-service"}
    assert cause(judge(sampled(load("lab2-scaled")), "service-reachable", **ask)) == "pass"
    assert cause(judge(mutation("refused"), "service-reachable", **ask)) == "fail:wrong-target-port"
    assert cause(judge(mutation("lost"), "service-reachable", **ask)) == "error:api-unreachable"
    assert cause(judge(load("service-wrong-selector"), "service-reachable", **ask)) == "fail:selector-misses-pods"
    assert cause(judge(load("service-wrong-target-port"), "service-reachable", **ask)) == "fail:wrong-target-port"
    assert cause(judge(load("lab2-ready"), "service-reachable", **ask)) == "fail:not-applied"


def test_a_sample_is_wished_for_only_where_it_can_say_something() -> None:
    wishes = find("service-balances").wishes
    assert wishes is not None
    assert [wish.key for wish in wishes(load("lab2-scaled"), BALANCES)] == ["sample:nginx-service"]
    assert not [wish for wish in wishes(load("service-wrong-selector"), BALANCES) if wish.kind == "sample"]
    assert not [wish for wish in wishes(mutation("headless"), BALANCES) if wish.kind == "sample"]


def _balancer(address: str) -> Record:
    def change(item: dict[str, Any]) -> None:
        item["spec"]["type"] = "LoadBalancer"
        item["status"] = {"loadBalancer": {"ingress": [{"ip": address}]} if address else {}}

    return service(change)


def test_an_address_outside_passes_and_none_is_skipped_with_the_reason() -> None:
    ask = {"name": "nginx-service"}
    assert cause(judge(_balancer("192.0.2.7"), "service-external", **ask)) == "pass"
    pending = _balancer("")
    skipped = judge(pending, "service-external", **ask)
    assert skipped.status.value == "skipped" and "no load balancer" in skipped.facts[0]
    early = judge(replace(pending, now=pending.now - 20), "service-external", **ask)
    assert early.status.value == "waiting"
    assert cause(judge(load("lab2-scaled"), "service-external", **ask)) == "fail:wrong-service-type"
    assert cause(judge(without(load("lab2-scaled"), "Service"), "service-external", **ask)) == "fail:not-applied"
