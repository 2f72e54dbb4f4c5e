from __future__ import annotations

from pathlib import Path

import pytest
from small_lab import lab_of, spec, step

from k8s_tutor.session.hints import next_hint


@pytest.fixture(autouse=True)
def _own_state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))


def test_hints_come_in_order_and_the_last_is_repeated():
    lab = lab_of(step("read"), step("one", spec("a"), hints=("first", "second")))
    shown = [next_hint(lab) for _ in range(3)]
    assert [(hint.number, hint.text, hint.last) for hint in shown] == [
        (1, "first", False),
        (2, "second", True),
        (2, "second", True),
    ]
    assert shown[0].step.id == "one"


def test_a_step_without_hints_gives_number_zero():
    lab = lab_of(step("one", spec("a")))
    assert next_hint(lab).number == 0


def test_a_step_can_be_named():
    lab = lab_of(step("one", spec("a"), hints=("x",)), step("two", spec("b"), hints=("y",)))
    assert next_hint(lab, lab.steps[1]).text == "y"
