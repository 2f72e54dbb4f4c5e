from __future__ import annotations

from dataclasses import replace

from small_lab import NOW, checker, finding, lab_of, record, spec, step

from k8s_tutor.checks.outcome import Outcome, Status, failed, passed, unobserved
from k8s_tutor.labs.model import Action, Lab
from k8s_tutor.session.checking import Plan, _with_skips, exit_code
from k8s_tutor.session.engine import Memory, judge
from k8s_tutor.session.session import settled
from k8s_tutor.session.state import LabState, Link

GOOD = passed("fine")
BAD = failed("not fine", finding())
BROKEN = unobserved("silent", finding())
DELETE = Action("kubectl", {"args": ["delete", "pod", "x"]})


def state_of(lab: Lab, **outcomes: Outcome) -> LabState:
    return judge(lab, record(), Memory(), NOW, find_check=checker(dict(outcomes)))


def test_exit_codes_of_what_was_seen():
    lab = lab_of(step("one", spec("a"), spec("b"), spec("c", optional=True)))
    plan = Plan(lab)
    assert exit_code(state_of(lab, a=GOOD, b=GOOD, c=BAD), plan) == 0
    assert exit_code(state_of(lab, a=GOOD, b=BAD, c=GOOD), plan) == 1
    assert exit_code(state_of(lab, a=GOOD, b=BROKEN, c=GOOD), plan) == 3
    assert exit_code(state_of(lab, a=BAD, b=BROKEN, c=GOOD), plan) == 1


def test_a_lost_cluster_is_never_a_fail():
    lab = lab_of(step("one", spec("a"), spec("b")))
    lost = replace(state_of(lab, a=BAD, b=BROKEN), link=Link.LOST)
    assert exit_code(lost, Plan(lab)) == 3
    assert exit_code(replace(state_of(lab, a=GOOD, b=GOOD), link=Link.LOST), Plan(lab)) == 0


def test_a_step_whose_need_lies_in_another_step_takes_its_reason_from_there():
    lab = lab_of(step("one", spec("a")), step("two", spec("b", needs=("a",)), spec("c", needs=("b",))))
    plan = Plan(lab, lab.steps[1])
    assert plan.watched == {"a", "b", "c"}
    assert exit_code(state_of(lab, a=BAD, b=GOOD, c=GOOD), plan) == 1
    assert exit_code(state_of(lab, a=BROKEN, b=GOOD, c=GOOD), plan) == 3


def test_what_is_left_out_by_request_and_what_waits_for_it_fails_nobody():
    lab = lab_of(
        step("one", spec("heal", experiment=(DELETE,))), step("two", spec("after", needs=("heal",)), spec("d"))
    )
    plan = Plan(lab, disrupt=False)
    state = _with_skips(state_of(lab, heal=BAD, after=GOOD, d=GOOD), plan, may_disrupt=True)
    assert [check.outcome.status for check in state.checks] == [Status.SKIPPED, Status.SKIPPED, Status.PASS]
    assert exit_code(state, plan) == 0
    state = _with_skips(state_of(lab, heal=BAD, after=GOOD, d=BAD), plan, may_disrupt=True)
    assert exit_code(state, plan) == 1


def test_evidence_that_is_there_is_not_left_out():
    lab = lab_of(step("one", spec("heal", experiment=(DELETE,))))
    plan = Plan(lab, disrupt=False)
    assert _with_skips(state_of(lab, heal=GOOD), plan, may_disrupt=True).checks[0].passed
    assert _with_skips(state_of(lab, heal=BAD), Plan(lab), may_disrupt=True).checks[0].outcome.status is Status.FAIL


def test_an_optional_check_is_waited_for_only_when_nothing_else_is_asked_for():
    lab = lab_of(step("one", spec("a"), spec("b", optional=True)), step("two", spec("c", optional=True, needs=("a",))))
    assert Plan(lab).watched == {"a"}
    assert Plan(lab, lab.steps[1]).watched == {"a", "c"}


def test_settling_leaves_nothing_waiting():
    lab = lab_of(step("one", spec("a")))
    waits = Outcome(Status.WAITING, "soon", finding(), at_deadline=Status.ERROR)
    assert settled(state_of(lab, a=waits)).checks[0].outcome.status is Status.ERROR
