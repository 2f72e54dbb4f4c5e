"""Which steps' checks are observed for."""

from __future__ import annotations

from typing import Any, cast

from small_lab import NOW, checker, lab_of, record, spec, step

from k8s_tutor.checks.outcome import Finding, failed, passed
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
