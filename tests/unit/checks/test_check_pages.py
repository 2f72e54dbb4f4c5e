"""Checks of the pages that pods serve, on records of a real cluster, and on those records with one thing changed."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from check_records import cause, judge, load, sample

from k8s_tutor.checks.check import find
from k8s_tutor.kube.record import Log, LogLine, Record, Request

SAYS = {"name": "nginx-pod", "words": "Good morning, Ada & Bob!"}
PAGE = "<html><h1>Good  morning,\n  Ada &amp; Bob!</h1></html>"


def test_the_learners_request_is_found_and_the_tutors_is_not() -> None:
    ask = {"name": "nginx-pod"}
    assert cause(judge(load("lab1-page-only-tutor"), "pod-page-fetched", **ask)) == "fail:no-request-seen"
    outcome = judge(load("lab1-page-fetched"), "pod-page-fetched", **ask)
    assert cause(outcome) == "pass"
    assert "GET / answered 200" in outcome.facts[0] and "curl" in outcome.facts[0]


def _logged(line: str, *, previous: bool = False) -> Record:
    return replace(load("lab1-pod-ready"), logs=(Log("nginx-pod", "", "web", previous, (LogLine(5.0, line),)),))


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ('10.0.0.1 - - [24/Nov/2026:00:00:00 +0000] "GET / HTTP/1.1" 200 615 "-" "curl/8"', "pass"),
        ('10.0.0.1 - - [24/Nov/2026:00:00:00 +0000] "GET / HTTP/1.1" 304 0 "-" "Firefox" "-"', "pass"),
        ('fd00::1 - bob [24/Nov/2026:00:00:00 +0000] "GET /x?y=1 HTTP/1.1" 200 1 "-" "Wget"', "pass"),
        ('10.0.0.1 - - [24/Nov/2026:00:00:00 +0000] "GET / HTTP/1.1" 200 615 "-" "kube-probe/1.37"', "fail"),
        ('10.0.0.1 - - [24/Nov/2026:00:00:00 +0000] "GET /?k8s-tutor=a-1 HTTP/1.1" 200 6 "-" "curl/8"', "fail"),
        ('10.0.0.1 - - [24/Nov/2026:00:00:00 +0000] "GET / HTTP/1.1" 200 615 "-" "k8s-tutor"', "fail"),
        ('10.0.0.1 - - [24/Nov/2026:00:00:00 +0000] "GET /no HTTP/1.1" 404 153 "-" "curl/8"', "fail"),
        ('10.0.0.1 - - [24/Nov/2026:00:00:00 +0000] "HEAD / HTTP/1.1" 200 0 "-" "curl/8"', "fail"),
        ("/docker-entrypoint.sh: Configuration complete", "fail"),
        ("x" * 4096, "fail"),
    ],
)
def test_which_log_lines_are_the_learners(line: str, expected: str) -> None:
    assert judge(_logged(line), "pod-page-fetched", name="nginx-pod").status.value == expected


def test_a_request_to_the_container_before_counts_too() -> None:
    line = '10.0.0.1 - - [24/Nov/2026:00:00:00 +0000] "GET / HTTP/1.1" 200 615 "-" "curl/8"'
    assert cause(judge(_logged(line, previous=True), "pod-page-fetched", name="nginx-pod")) == "pass"


def test_not_reachable_is_told_from_not_done_yet() -> None:
    record = load("lab1-pod-ready")

    def probed(**how: Any) -> str:
        one = sample("pod/nginx-pod", "10.244.1.17:80", {}, requests=1, **how)
        return cause(judge(replace(record, samples={"pod/nginx-pod": one}), "pod-page-fetched", name="nginx-pod"))

    assert probed(status=200) == "fail:no-request-seen"
    assert probed(status=None, error="connection refused") == "fail:wrong-port"
    assert probed(status=None, error="timed out") == "error:api-unreachable"
    assert cause(judge(load("pod-crash"), "pod-page-fetched", name="nginx-pod")) == "fail:crash-loop"
    blind = replace(record, unobserved={"logs:nginx-pod": "forbidden"})
    assert cause(judge(blind, "pod-page-fetched", name="nginx-pod")) == "error:api-unreachable"


def served(body: str = PAGE, *, status: int | None = 200, error: str = "", at: float = 1e12, ip: str = "") -> Record:
    """The record in which our request to the pod was answered so; by default after everything else in it."""
    record = load("lab1-pod-ready")
    pod = record.get("Pod", "nginx-pod")
    assert pod is not None
    address = ip or str(pod["status"]["podIP"])
    one = sample("pod/nginx-pod", f"{address}:80", {}, requests=1)
    one = replace(one, requests=(Request("nonce-0", at, status, error, "nginx", body),))
    return replace(record, samples={"pod/nginx-pod": one})


def test_a_page_says_what_it_should_however_it_is_broken_into_lines() -> None:
    outcome = judge(served(), "pod-page-says", **SAYS)
    assert cause(outcome) == "pass"
    assert outcome.facts[0].startswith("it says “Good morning, Ada & Bob!”")


def test_another_page_is_told_with_how_it_begins() -> None:
    outcome = judge(served("<h1>Welcome to nginx!</h1>" + "x" * 4000), "pod-page-says", **SAYS)
    assert cause(outcome) == "fail:other-page"
    assert "it begins “<h1>Welcome to nginx!</h1>xxx" in outcome.summary
    assert len(outcome.summary) < 200
    missing = judge(served("Not Found", status=404), "pod-page-says", **SAYS)
    assert cause(missing) == "fail:other-page"
    assert "the pod answered 404" in missing.summary
    # Right words in an error's page are no page.
    assert cause(judge(served(status=500), "pod-page-says", **SAYS)) == "fail:other-page"


@pytest.mark.parametrize(
    "record",
    [
        load("lab1-pod-ready"),  # nobody has asked yet
        served(at=1.0),  # it was the container before this one that answered
        served(ip="10.9.9.9"),  # it was another pod
        served(ip="10.244.1.170"),  # so it was, by an address that only begins alike
        served(status=None, error="connection refused", at=1.0),  # nothing listened then
    ],
)
def test_what_answered_before_is_not_the_page(record: Record) -> None:
    assert cause(judge(record, "pod-page-says", **SAYS)) == "waiting:converging"


def test_a_page_that_cannot_be_had_is_told_from_a_wrong_one() -> None:
    assert cause(judge(served(status=None, error="connection refused"), "pod-page-says", **SAYS)) == "fail:wrong-port"
    silent = judge(served(status=None, error="no answer in time"), "pod-page-says", **SAYS)
    assert cause(silent) == "error:api-unreachable"
    assert cause(judge(load("pod-crash"), "pod-page-says", **SAYS)) == "fail:crash-loop"
    blind = replace(load("lab1-pod-ready"), unobserved={"reach:nginx-pod": "the prober did not start"})
    assert cause(judge(blind, "pod-page-says", **SAYS)) == "error:api-unreachable"


def test_no_words_are_on_no_page() -> None:
    assert cause(judge(served(), "pod-page-says", name="nginx-pod", words=" ")) == "fail:other-page"


def test_only_a_ready_pod_is_asked_for_its_page() -> None:
    wishes = find("pod-page-says").wishes
    assert wishes is not None
    assert [wish.key for wish in wishes(load("lab1-pod-ready"), SAYS)] == ["reach:nginx-pod"]
    assert "reach:nginx-pod" not in [wish.key for wish in wishes(load("pod-crash"), SAYS)]
