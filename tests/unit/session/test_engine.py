from __future__ import annotations

from dataclasses import replace

import pytest
from small_lab import NOW, checker, finding, lab_of, record, spec, step

from k8s_tutor.checks.outcome import Cause, Finding, Outcome, Status, failed, passed, unobserved, waiting
from k8s_tutor.kube.record import Evidence
from k8s_tutor.labs.model import Mode
from k8s_tutor.session.engine import Memory, blank, evaluate, hold, judge, next_look, quiet_since

GOOD = passed("fine", "a fact", data={"n": 1})
BAD = failed("not fine", finding())


def statuses(state) -> dict[str, Status]:
    return {check.spec.id: check.outcome.status for check in state.checks}


def test_a_check_whose_need_fails_is_skipped_and_names_it():
    lab = lab_of(step("one", spec("a")), step("two", spec("b", needs=("a",)), spec("c", needs=("b",))))
    state = judge(lab, record(), Memory(), NOW, find_check=checker({"a": BAD, "b": GOOD, "c": GOOD}))
    assert statuses(state) == {"a": Status.FAIL, "b": Status.SKIPPED, "c": Status.SKIPPED}
    assert "a (title of a)" in state.checks[1].outcome.summary
    assert state.current == 0
    assert not state.done


def test_current_is_the_first_step_that_is_not_done_and_reading_steps_wait_for_the_reader():
    lab = lab_of(step("read"), step("one", spec("a")), step("two", spec("b")))
    find = checker({"a": GOOD, "b": BAD})
    assert judge(lab, record(), Memory(), NOW, find_check=find).current == 0
    assert judge(lab, record(), Memory(read=frozenset({"read"})), NOW, find_check=find).current == 2


def test_an_optional_check_keeps_no_step_from_being_done():
    lab = lab_of(step("one", spec("a"), spec("b", optional=True)))
    state = judge(lab, record(), Memory(), NOW, find_check=checker({"a": GOOD, "b": BAD}))
    assert state.done
    assert state.current == 0


def test_a_check_that_raises_is_an_error_with_a_clipped_text_and_never_a_fail():
    lab = lab_of(step("one", spec("a"), spec("b", needs=("a",))))
    find = checker({"a": RuntimeError("x" * 5000), "b": GOOD})
    state = judge(lab, record(), Memory(), NOW, find_check=find)
    assert state.checks[0].outcome.status is Status.ERROR
    found = state.checks[0].outcome.finding
    assert found is not None
    assert found.observed.startswith("RuntimeError: xxx")
    assert len(found.observed) <= 300
    assert state.checks[1].outcome.status is Status.SKIPPED


def test_an_edge_check_keeps_passing_by_its_evidence_and_a_level_check_comes_undone():
    lab = lab_of(step("one", spec("edge", mode=Mode.EDGE), spec("level")))
    first, memory = evaluate(lab, record(), Memory(), NOW, find_check=checker({"edge": GOOD, "level": GOOD}))
    assert first.done
    assert memory.evidence["edge"].facts == ("a fact",)
    assert memory.evidence["edge"].data == {"n": 1}
    later = judge(lab, record(), memory, NOW + 60, find_check=checker({"edge": BAD, "level": BAD}))
    edge, level = later.checks
    assert edge.passed
    assert edge.proven_at == NOW
    assert "a fact" in edge.outcome.summary
    assert level.outcome.status is Status.FAIL
    assert level.undone
    assert not later.done
    assert later.steps[0].done_earlier


def test_a_proven_edge_check_passes_though_what_it_needed_is_gone():
    lab = lab_of(step("one", spec("a"), spec("edge", mode=Mode.EDGE, needs=("a",))))
    memory = Memory(evidence={"edge": Evidence("edge", NOW - 5, ("it happened",))})
    state = judge(lab, record(), memory, NOW, find_check=checker({"a": BAD, "edge": BAD}))
    assert state.checks[1].passed


def test_a_check_that_only_waits_is_not_undone():
    lab = lab_of(step("one", spec("a")))
    memory = Memory(passed_at={"a": NOW - 10})
    find = checker({"a": waiting("coming", finding())})
    assert not judge(lab, record(), memory, NOW, find_check=find).checks[0].undone


def test_stability_counts_from_the_first_pass_and_a_break_begins_it_anew():
    lab = lab_of(step("one", spec("a", stable=5)))
    young = {"metadata": {"creationTimestamp": "2027-01-15T08:00:00Z"}}
    pods = record(young, seen=False)
    state, memory = evaluate(lab, pods, Memory(), NOW, find_check=checker({"a": GOOD}))
    assert state.checks[0].outcome.status is Status.WAITING
    assert state.checks[0].outcome.settled().status is Status.ERROR
    until = next_look(state)
    assert until is not None
    assert NOW < until <= NOW + 5
    state, memory = evaluate(lab, pods, memory, until + 0.01, find_check=checker({"a": GOOD}))
    assert state.checks[0].passed
    _, memory = evaluate(lab, pods, memory, NOW + 6, find_check=checker({"a": BAD}))
    assert memory.since == {}


def test_what_the_cluster_dates_before_we_looked_needs_no_second_wait():
    lab = lab_of(step("one", spec("a", stable=5)))
    old = {
        "metadata": {"creationTimestamp": "2027-01-15T07:59:00Z", "managers": [{"time": "2027-01-15T07:59:30Z"}]},
        "status": {"conditions": [{"type": "Ready", "lastTransitionTime": "2027-01-15T07:59:40Z"}]},
    }
    assert quiet_since(record(old), ("Pod",)) == NOW - 20
    assert judge(lab, record(old), Memory(), NOW, find_check=checker({"a": GOOD})).checks[0].passed
    fresh = {**old, "status": {"conditions": [{"type": "Ready", "lastTransitionTime": "2027-01-15T07:59:58Z"}]}}
    state = judge(lab, record(fresh), Memory(), NOW, find_check=checker({"a": GOOD}))
    assert state.checks[0].outcome.until == pytest.approx(NOW + 3)


def test_while_the_server_is_silent_what_was_seen_is_held_and_files_are_still_judged():
    lab = lab_of(step("one", spec("file"), spec("pod"), spec("more", needs=("pod",))))
    before = judge(lab, record(), Memory(), NOW, find_check=checker({"file": BAD, "pod": GOOD, "more": GOOD}))
    gone = unobserved("silent", finding())
    now = judge(lab, record(), Memory(), NOW + 1, find_check=checker({"file": GOOD, "pod": gone, "more": GOOD}))
    assert statuses(now) == {"file": Status.PASS, "pod": Status.ERROR, "more": Status.SKIPPED}
    held = hold(now, before)
    assert statuses(held) == {"file": Status.PASS, "pod": Status.PASS, "more": Status.PASS}
    assert held.done


def test_a_fail_without_a_finding_gets_one():
    lab = lab_of(step("one", spec("a")))
    find = checker({"a": Outcome(Status.FAIL, "no")})
    found = judge(lab, record(), Memory(), NOW, find_check=find).checks[0].outcome.finding
    assert found is not None
    assert found.observed == "no"


def test_before_anything_is_seen_every_check_waits_and_becomes_an_error_at_a_deadline():
    lab = lab_of(step("one", spec("a")))
    state = blank(lab, record(), Memory(hints={"one": 2}), "connecting")
    assert state.checks[0].outcome.status is Status.WAITING
    assert state.checks[0].outcome.settled().status is Status.ERROR
    assert state.steps[0].hints_shown == 2


def test_equal_inputs_give_equal_verdicts():
    lab = lab_of(step("one", spec("a"), spec("b", mode=Mode.EDGE)))
    find = checker({"a": BAD, "b": GOOD})
    one, two = (judge(lab, record(), Memory(), NOW, find_check=find) for _ in range(2))
    strip = [replace(check, seconds=0) for check in one.checks], [replace(check, seconds=0) for check in two.checks]
    assert strip[0] == strip[1]


def test_waiting_counts_from_when_it_began_to_wait_for_the_same_thing():
    lab = lab_of(step("one", spec("a")))

    def waits(cause: str, observed: str) -> Outcome:
        return waiting("soon", Finding("r", "ready", observed, cause=Cause(cause, "text")))

    def at(now: float, memory: Memory, outcome: Outcome):
        state, memory = evaluate(lab, record(), memory, now, find_check=checker({"a": outcome}))
        return state.checks[0].waiting_since, memory

    since, memory = at(NOW, Memory(), waits("pulling", "1 of 9 MB"))
    assert since == NOW
    since, memory = at(NOW + 5, memory, waits("pulling", "5 of 9 MB"))
    assert since == NOW
    since, memory = at(NOW + 7, memory, waits("converging", "starting"))
    assert since == NOW + 7
    since, memory = at(NOW + 8, memory, GOOD)
    assert since is None and not memory.waits
    since, memory = at(NOW + 9, memory, waits("converging", "starting"))
    assert since == NOW + 9


def test_a_stability_window_waits_since_it_became_true():
    lab = lab_of(step("one", spec("a", stable=10)))
    find = checker({"a": GOOD})
    state, memory = evaluate(lab, record(), Memory(), NOW, find_check=find)
    check = state.checks[0]
    assert check.waiting_since is not None and check.outcome.until == check.waiting_since + 10
    later, _ = evaluate(lab, record(), memory, NOW + 4, find_check=find)
    assert later.checks[0].waiting_since == check.waiting_since


def test_what_a_step_asks_for_is_no_mistake_before_something_is_done_about_it():
    def replicas(found: str) -> Outcome:
        return failed("no", Finding("rule", "10", found, cause=Cause("too-few-replicas", f"it is {found}")))

    few = ("too-few-replicas",)
    lab = lab_of(step("three", spec("a", before=few)), step("look", spec("b")), step("ten", spec("c", before=few)))

    def at(seconds: float, memory: Memory, **verdicts: Outcome):
        return evaluate(lab, record(), memory, NOW + seconds, find_check=checker(verdicts))

    state, memory = at(0, Memory(), a=replicas("0"), b=BAD, c=replicas("3"))
    assert memory.met == () and state.checks[0].untouched and not state.checks[2].untouched
    state, memory = at(3, memory, a=replicas("2"), b=BAD, c=replicas("3"))
    assert [met.check for met in memory.met] == ["a"] and not state.checks[0].untouched
    state, memory = at(6, memory, a=GOOD, b=GOOD, c=replicas("3"))
    assert [met.check for met in memory.met] == ["a"], "its turn has come, and nothing was done yet"
    assert memory.met[0].until == NOW + 6 and state.checks[2].untouched
    state, memory = at(9, memory, a=GOOD, b=GOOD, c=replicas("5"))
    assert [(met.check, met.found) for met in memory.met] == [("a", "2"), ("c", "5")]
    assert not state.checks[2].untouched


def test_a_mistake_of_the_day_before_is_none_that_stood_at_the_turn():
    lab = lab_of(step("one", spec("a", before=("wrong-port",))))
    wrong = failed("no", Finding("rule", "80", "81", cause=Cause("wrong-port", "it is 81")))
    before = evaluate(lab, record(), Memory(turn="one"), NOW, find_check=checker({"a": wrong}))[1]
    state, memory = evaluate(lab, record(), Memory(met=before.met), NOW + 99, find_check=checker({"a": wrong}))
    assert not state.checks[0].untouched and memory.met == before.met and memory.met[0].until is None


def test_what_was_true_once_is_never_called_untouched():
    lab = lab_of(step("one", spec("a")))
    state, memory = evaluate(lab, record(), Memory(passed_at={"a": NOW - 9}), NOW, find_check=checker({"a": BAD}))
    assert state.checks[0].undone and not state.checks[0].untouched and [met.check for met in memory.met] == ["a"]


def test_a_step_that_was_done_out_of_turn_has_its_mistakes():
    wrong = failed("no", Finding("rule", "80", "81", cause=Cause("wrong-port", "it is 81")))
    lab = lab_of(step("one", spec("a")), step("two", spec("b")), step("three", spec("c")))
    memory = evaluate(lab, record(), Memory(), NOW, find_check=checker({"a": BAD, "b": wrong, "c": GOOD}))[1]
    assert [met.check for met in memory.met] == ["a", "b"]
