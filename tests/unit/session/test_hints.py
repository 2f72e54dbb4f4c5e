from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from small_lab import NOW, lab_of, record, spec, step

from k8s_tutor.checks.outcome import Cause, Finding, Outcome, Status, failed, passed, skipped, unobserved, waiting
from k8s_tutor.session.engine import Memory, judge
from k8s_tutor.session.hints import ladder, next_hint, state_hint, without_cluster
from k8s_tutor.session.progress import Progress
from k8s_tutor.session.state import CheckState, StepState

WRONG = Finding(
    "rule", "three pods", "two pods are ready", "kubectl get pods", cause=Cause("x", "one cannot be pulled", "look")
)


@pytest.fixture(autouse=True)
def _own_state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))


def state_of(*outcomes: Outcome, optional: tuple[int, ...] = ()) -> StepState:
    specs = [spec(f"c{number}", optional=number in optional) for number in range(len(outcomes))]
    checks = tuple(CheckState(one, outcome) for one, outcome in zip(specs, outcomes, strict=True))
    return StepState(step("one", *specs, hints=("first", "second")), checks, done=False)


def test_hints_come_in_order_after_the_one_of_the_state_and_the_last_is_repeated():
    lab = lab_of(step("read"), step("one", spec("a"), hints=("first", "second")))
    looked = judge(lab, record(), Memory(), NOW)
    shown = [next_hint(lab, look=lambda: looked) for _ in range(4)]
    assert [(hint.number, hint.total, hint.last) for hint in shown] == [
        (1, 3, False),
        (2, 3, False),
        (3, 3, True),
        (3, 3, True),
    ]
    assert shown[0].text == state_hint(looked.steps[1])
    assert [hint.text for hint in shown[1:]] == ["first", "second", "second"]
    assert shown[0].step.id == "one"


def test_the_cluster_is_looked_at_for_the_first_hint_only_and_when_the_progress_is_free():
    lab = lab_of(step("one", spec("a"), hints=("first",)))
    looks = []

    def look():
        progress = Progress(lab.id, "")
        looks.append(progress.read_only)
        progress.close()
        return without_cluster(lab)

    next_hint(lab, look=look)
    next_hint(lab, look=look)
    assert looks == [False]


def test_a_step_to_read_gives_number_zero():
    assert next_hint(lab_of(step("one"))).number == 0


def test_a_step_can_be_named():
    lab = lab_of(step("one", spec("a"), hints=("x",)), step("two", spec("b"), hints=("y",)))
    next_hint(lab, lab.steps[1])
    assert next_hint(lab, lab.steps[1]).text == "y"


def test_the_hint_of_the_state_says_what_is_lacking_what_was_found_and_how_to_see_it():
    told = state_hint(state_of(passed("fine"), failed("bad", WRONG), skipped("later", "x")))
    assert told.startswith("1 of 3 is proven. Not there yet: title of c1.")
    assert "Found: two pods are ready. The likely reason: one cannot be pulled." in told
    assert told.endswith("See for yourself: `kubectl get pods`")


def test_a_question_in_the_hint_of_the_state_ends_with_its_own_mark():
    cause = Cause("image-not-found", "no image ngnix; did you mean nginx?")
    asked = replace(WRONG, observed="ErrImagePull.", cause=cause)
    told = state_hint(state_of(failed("bad", asked)))
    assert "Found: ErrImagePull. The likely reason: no image ngnix; did you mean nginx? See for yourself" in told


def test_the_hint_of_the_state_speaks_of_what_waits_and_of_what_could_not_be_seen_as_such():
    assert state_hint(state_of(waiting("soon", WRONG))).startswith("On its way: title of c0.")
    assert state_hint(state_of(unobserved("?", WRONG))).startswith("Could not be looked at: title of c0.")
    assert "comes later: first a" in state_hint(state_of(Outcome(Status.SKIPPED, "first a")))


def test_the_hint_of_the_state_changes_with_it_and_what_is_optional_does_not_keep_it():
    before, after = state_of(failed("bad", WRONG)), state_of(passed("fine"), failed("bad", WRONG), optional=(1,))
    assert state_hint(before) != state_hint(after) == "Everything this step asks for is there."
    assert ladder(after)[1:] == ("first", "second")
