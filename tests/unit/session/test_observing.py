"""Which steps' checks are observed for."""

from __future__ import annotations

import time
from types import SimpleNamespace
from typing import Any, cast

import pytest
from small_lab import NOW, checker, lab_of, record, spec, step

from k8s_tutor.checks.check import Wish
from k8s_tutor.checks.outcome import Finding, failed, passed
from k8s_tutor.kube.errors import Forbidden
from k8s_tutor.session.engine import Memory, judge
from k8s_tutor.session.observing import Observer


def near(observer: Observer) -> dict[str, bool]:
    """Check id -> whether requests are sent for it, where the second step is the one whose turn it is."""
    lab = lab_of(step("one", spec("a")), step("two", spec("b")), step("three", spec("c")))
    no = failed("no", Finding("rule", "yes", "no"))
    state = judge(lab, record(), Memory(), NOW, find_check=checker({"a": passed("yes"), "b": no, "c": no}))
    return {check.spec.id: near for check, near in observer._worthwhile(state)}


def test_requests_are_sent_for_the_step_whose_turn_it_is_and_for_the_one_on_the_screen() -> None:
    observer = Observer(cast(Any, None), cast(Any, None), lambda: None)
    assert near(observer) == {"a": False, "b": True, "c": False}
    observer.viewed = "three"
    assert near(observer) == {"a": False, "b": True, "c": True}
    observer.focus = frozenset({"one"})
    assert near(observer) == {"a": True, "b": True, "c": True}


def test_other_namespaces_that_may_not_be_read_are_asked_for_once(monkeypatch: pytest.MonkeyPatch) -> None:
    observed: list[dict[str, Any]] = []
    recorder = SimpleNamespace(observe=lambda **what: observed.append(what), observed=lambda key: False)
    observer = Observer(cast(Any, None), cast(Any, recorder), lambda: None)
    asked: list[str] = []

    def refuse(wish: Wish) -> None:
        asked.append(wish.name)
        raise Forbidden(403, "Forbidden", "pods is forbidden at the cluster scope")

    monkeypatch.setattr(observer, "_fulfil", refuse)
    monkeypatch.setattr(observer, "_wishes", lambda check, record: (Wish("others", "nginx-pod", {"kind": "Pod"}),))
    lab = lab_of(step("one", spec("a")))
    no = failed("no", Finding("rule", "yes", "no"))
    state = judge(lab, record(), Memory(), NOW, find_check=checker({"a": no}))
    assert observer.look(state)[0]
    deadline = time.monotonic() + 10
    while not observed and time.monotonic() < deadline:
        time.sleep(0.005)
    assert list(observed[0]["unobserved"]) == ["others:nginx-pod"]
    assert observer.look(state) == (False, None), "nothing is pending, and nothing is to be asked later"
    observer.restart()
    assert observer.look(state)[0]
    observer.close(5.0)
    assert asked == ["nginx-pod"] * 2
