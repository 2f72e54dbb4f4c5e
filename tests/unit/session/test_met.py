from __future__ import annotations

from small_lab import NOW, finding, spec

from k8s_tutor.checks.outcome import Cause, Finding, Outcome, Status, failed, passed, skipped, waiting
from k8s_tutor.session.met import MOST, Met, meet
from k8s_tutor.session.state import CheckState


def state(check: str, outcome: Outcome, **more: bool) -> CheckState:
    return CheckState(spec(check), outcome, **more)


def red(cause: str = "wrong-port") -> Outcome:
    return failed("no", Finding("rule", "80", "8080", cause=Cause(cause, "the port is another one")))


def test_a_red_finding_is_met_once_and_mended_when_the_check_passes():
    met = meet((), [state("a", red())], NOW)
    assert met == (Met("a", "wrong-port", "the port is another one", "8080", NOW),)
    assert meet(met, [state("a", red())], NOW + 5) is met
    assert meet(met, [state("a", waiting("soon", finding()))], NOW + 6) is met, "what waits says nothing yet"
    assert meet(met, [state("a", skipped("s", "r"))], NOW + 6) is met
    mended = meet(met, [state("a", passed("fine"))], NOW + 9)
    assert mended[0].until == NOW + 9


def test_what_only_was_not_begun_is_no_mistake_but_what_came_undone_is():
    assert meet((), [state("a", red("not-applied"))], NOW) == ()
    assert len(meet((), [state("a", red("not-applied"), undone=True)], NOW)) == 1
    assert meet((), [state("a", Outcome(Status.ERROR, "unseen", finding()))], NOW) == ()


def test_a_finding_that_nobody_could_read_is_dropped():
    met = meet((), [state("a", red())], NOW)
    assert meet(met, [state("a", passed("fine"))], NOW + 0.4) == ()


def test_another_cause_ends_the_first_and_begins_its_own():
    met = meet(meet((), [state("a", red())], NOW), [state("a", red("wrong-image"))], NOW + 3)
    assert [(item.cause, item.until) for item in met] == [("wrong-port", NOW + 3), ("wrong-image", None)]


def test_the_history_is_bounded_and_keeps_what_stands():
    known = (Met("stands", "c", "", "", NOW - 1000), *(Met("a", "c", "", "", NOW - 500, NOW - 400) for _ in range(150)))
    met = meet(known, [state("b", red())], NOW)
    assert len(met) == MOST and met[0].check == "stands" and met[-1].check == "b"
