"""Who answered: told apart, counted since all were ready, with numbers that are true."""

from __future__ import annotations

import random
from dataclasses import replace

from small_lab import lab_of, spec, step
from test_timeline import load

from k8s_tutor.kube.record import LogLine
from k8s_tutor.session.asking import (
    Behind,
    Hit,
    behind,
    chance_of_all,
    expected_draws,
    hit,
    service_for,
    service_of,
    tally,
)

NONCE = "0f0e0d0c-0000-4000-8000-000000000000-7"


def log(path: str = "/", agent: str = "curl/8.5.0", method: str = "GET") -> LogLine:
    return LogLine(
        100.0, f'10.88.0.1 - - [26/Nov/2026:00:00:00 +0000] "{method} {path} HTTP/1.1" 200 615 "-" "{agent}" "-"'
    )


def test_requests_are_told_apart():
    assert hit("a", log()) == Hit(100.0, "a", False)
    assert hit("a", log(f"/?k8s-tutor={NONCE}", "k8s-tutor")) == Hit(100.0, "a", True)
    assert hit("a", log(agent="kube-probe/1.37")) is None
    assert hit("a", log(method="POST")) is None
    assert hit("a", LogLine(1.0, "[notice] start worker process 30")) is None


def place(*names: str, since: float = 0.0) -> Behind:
    return Behind("web", "10.0.0.1:80", tuple((name, f"uid-{name}", "web") for name in names), since)


def test_counts_bars_and_after_how_many_all_had_answered():
    hits = [Hit(1, "a", True), Hit(2, "b", False), Hit(3, "a", True), Hit(4, "c", True), Hit(5, "c", False)]
    found = tally(place("a", "b", "c"), reversed(hits))
    assert [(pod.name, pod.own, pod.yours) for pod in found.pods] == [("a", 2, 0), ("b", 0, 1), ("c", 1, 1)]
    assert found.met_after == 4 and found.total == 5 and found.heard == 3


def test_who_has_not_answered_and_what_is_older_or_of_others_is_not_counted():
    hits = [Hit(1, "a", True), Hit(9, "a", True), Hit(9, "gone", True)]
    found = tally(place("a", "b", since=5.0), hits)
    assert found.met_after is None and found.total == 1 and found.heard == 1 and found.earlier == 1


def test_the_coupon_collectors_numbers():
    assert round(expected_draws(10), 1) == 29.3 and round(expected_draws(2), 1) == 3.0 and expected_draws(1) == 1.0
    assert round(chance_of_all(10, 20), 2) == 0.21 and round(chance_of_all(10, 50), 2) == 0.95
    assert chance_of_all(3, 2) == 0.0 and chance_of_all(1, 1) == 1.0
    rng = random.Random(7)
    runs = [len({rng.randrange(5) for _ in range(12)}) == 5 for _ in range(4000)]
    assert abs(sum(runs) / len(runs) - chance_of_all(5, 12)) < 0.03


def test_what_cannot_be_asked_says_why():
    record = load("lab2-scaled")
    assert "no Service web yet" in behind(record, "web").trouble
    assert "no Service yet" in behind(record, "").trouble
    found = behind(record, "nginx-service")
    assert not found.trouble and len(found.pods) == 10 and found.target.endswith(":80") and found.since > 0
    wrong = behind(load("service-wrong-selector"), "nginx-service")
    assert "no ready pod" in wrong.trouble
    life = record.lives["Service"][0]
    item = {**life.last, "spec": {**life.last["spec"], "clusterIP": "None"}}
    headless = replace(life, versions=(replace(life.versions[-1], object=item),))
    assert (
        "headless" in behind(replace(record, lives={**record.lives, "Service": (headless,)}), "nginx-service").trouble
    )


def test_the_service_is_the_steps_else_the_labs_else_the_first_there():
    balances = spec("all", uses="service-balances", params={"name": "web", "deployment": "d"})
    one, two = step("one"), step("two", balances)
    record = load("lab2-scaled")
    assert service_of(two) == "web" and service_of(one) == ""
    assert service_for(lab_of(one, two), one, record) == "web"
    assert service_for(lab_of(one), one, record) == "nginx-service"
