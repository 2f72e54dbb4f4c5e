"""A session judges again when an outcome says that it turns, and not before."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from loopback_api import eventually
from loopback_cluster import LoopbackCluster
from small_lab import finding, lab_of, spec, step

from k8s_tutor.checks import check as checks
from k8s_tutor.checks.outcome import Outcome, Status, failed, unobserved, waiting
from k8s_tutor.kube.record import Record
from k8s_tutor.session.state import LabState, Link

PATIENCE = 0.4


@pytest.fixture
def cluster() -> Iterator[LoopbackCluster]:
    made = LoopbackCluster()
    yield made
    made.api.close()


class Patient:
    """A check that waits for a while and then says no, whatever the cluster does."""

    def __init__(self) -> None:
        self.times: list[float] = []
        self.silent = False

    def __call__(self, record: Record, /, **_params: Any) -> Outcome:
        self.times.append(record.now)
        if self.silent:
            return unobserved("silent", finding())
        turns = self.times[0] + PATIENCE
        if record.now >= turns:
            return failed("too late", finding())
        return replace(waiting("not yet", finding()), turns=turns)


@pytest.fixture
def patient(monkeypatch: pytest.MonkeyPatch) -> Patient:
    checks.all_checks()
    made = Patient()
    monkeypatch.setitem(checks._registry, "patient", checks.Check("patient", made, ("Pod",), None))
    return made


def status(state: LabState) -> Status:
    return state.checks[0].outcome.status


def test_a_verdict_turns_at_its_time_though_nothing_happens(
    cluster: LoopbackCluster, patient: Patient, tmp_path: Path
) -> None:
    with cluster.session(lab_of(step("one", spec("patient"))), tmp_path, keep=False) as session:
        assert session.wait_for(lambda state: status(state) is Status.FAIL, 10)
        quiet = [at for at in patient.times if at > patient.times[0] + PATIENCE / 2]
        assert len(quiet) <= 2, "it was judged when it turns, not again and again until then"
        number = len(patient.times)
        assert not session.wait_for(lambda _state: len(patient.times) > number, PATIENCE)


def test_settling_waits_for_the_verdict_that_is_to_come(
    cluster: LoopbackCluster, patient: Patient, tmp_path: Path
) -> None:
    with cluster.session(lab_of(step("one", spec("patient"))), tmp_path, keep=False) as session:
        assert status(session.settle(10)) is Status.FAIL


def test_while_the_server_is_silent_what_is_held_has_no_time_to_turn(
    cluster: LoopbackCluster, patient: Patient, tmp_path: Path
) -> None:
    with cluster.session(lab_of(step("one", spec("patient"))), tmp_path, keep=False) as session:
        assert status(session.state()) is Status.WAITING
        patient.silent = True
        cluster.api.close()
        assert session.wait_for(lambda state: state.link is Link.LOST, 30)
        assert status(session.state()) is Status.WAITING and session.state().checks[0].outcome.turns is not None
        eventually(lambda: session._look_again is None)
