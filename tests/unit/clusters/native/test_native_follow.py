"""Events become phases, with a guess of the time left."""

from __future__ import annotations

import json
import time
from pathlib import Path

import pytest

from k8s_tutor.clusters.native import follow, texts
from k8s_tutor.clusters.native.pid1 import events
from k8s_tutor.clusters.native.pid1.events import Events
from k8s_tutor.phases import Phase, PhaseState


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tmp_path


def run(
    path: Path, *, alive: str = "", patience: float = 5, others: list[Path] | None = None
) -> tuple[follow.Outcome, list[Phase]]:
    told: list[Phase] = []
    outcome = follow.follow(
        [path, *(others or [])],
        follow.Guess("make-1"),
        told.append,
        started=time.time() - 1,
        alive=lambda: alive,
        patience=patience,
    )
    return outcome, told


def test_every_phase_has_a_name_and_teaches() -> None:
    for phase in events.ORDER:
        assert texts.TITLES[phase]
        assert len(texts.EXPLAINS[phase]) > 10


def test_a_bring_up_is_told_in_order_and_whole(tmp_path: Path) -> None:
    said = Events(tmp_path / "events")
    for phase in events.ORDER:
        said.say(phase, events.RUNNING)
        said.say(phase, events.DONE)
    outcome, told = run(tmp_path / "events")
    assert outcome.ready
    assert not outcome.failed
    assert [phase.id for phase in told] == list(events.ORDER)
    assert all(phase.state is PhaseState.DONE and phase.explains for phase in told)


def test_a_failure_is_told_with_its_reason(tmp_path: Path) -> None:
    said = Events(tmp_path / "events")
    said.say(events.NODE, events.DONE)
    said.say(events.ETCD, events.RUNNING)
    said.say(events.READY, events.FAILED, "the API server is not ready")
    outcome, told = run(tmp_path / "events")
    assert outcome.failed == "the API server is not ready"
    assert {phase.id: phase.state for phase in told}[events.ETCD] is PhaseState.FAILED


def test_a_dead_node_ends_the_wait(tmp_path: Path) -> None:
    Events(tmp_path / "events").say(events.NODE, events.RUNNING)
    outcome, _ = run(tmp_path / "events", alive="node1 has ended")
    assert outcome.failed == "node1 has ended"


def test_a_cluster_that_was_ready_before_its_node_died_is_told_so(tmp_path: Path) -> None:
    Events(tmp_path / "events").say(events.READY, events.DONE)
    outcome, _ = run(tmp_path / "events", alive="node1 has ended")
    assert outcome.ready


def test_the_wait_has_an_end(tmp_path: Path) -> None:
    said = Events(tmp_path / "events")
    said.say(events.READY, events.RUNNING, "node1 is not Ready: no CNI")
    outcome, _ = run(tmp_path / "events", patience=0.1)
    assert outcome.failed == "node1 is not Ready: no CNI"


def test_a_worker_must_be_up_too_and_its_failure_counts(tmp_path: Path) -> None:
    Events(tmp_path / "one").say(events.READY, events.DONE)
    second = Events(tmp_path / "two")
    outcome, _ = run(tmp_path / "one", others=[tmp_path / "two"], patience=0.1)
    assert outcome.failed
    second.say(events.KUBELET, events.DONE)
    outcome, _ = run(tmp_path / "one", others=[tmp_path / "two"])
    assert outcome.ready and not outcome.failed
    second.say(events.READY, events.FAILED, "kubeadm join ended with 1")
    outcome, _ = run(tmp_path / "one", others=[tmp_path / "two"])
    assert outcome.failed == "kubeadm join ended with 1"


def test_torn_and_foreign_lines_are_passed_over(tmp_path: Path) -> None:
    path = tmp_path / "events"
    good = json.dumps({"t": 1.0, "phase": "node", "state": "done", "detail": ""})
    path.write_text(f'nonsense\n[]\n{{"t": 1}}\n{good}\n{good[:-5]}')
    journal = follow.Journal(path)
    assert [event["phase"] for event in journal.new()] == ["node"]
    with path.open("a") as file:
        file.write(good[-5:] + "\n")
    assert len(journal.new()) == 1
    assert journal.new() == []


def test_a_phase_says_each_thing_once_and_is_never_undone(tmp_path: Path) -> None:
    said = Events(tmp_path / "events")
    said.say(events.DNS, events.RUNNING)
    said.say(events.DNS, events.RUNNING)
    said.say(events.DNS, events.DONE)
    said.say(events.DNS, events.RUNNING, "late")
    assert [json.loads(line)["state"] for line in (tmp_path / "events").read_text().splitlines()] == ["running", "done"]
    assert said.is_done(events.DNS)


def test_the_guess_learns_and_is_never_negative_nor_full() -> None:
    guess = follow.Guess("make-1")
    assert guess.left(events.READY, 0.0) > 5
    assert guess.left(events.READY, 1e6) == 0.0
    assert guess.share(events.READY, 1e6) < 1.0
    guess.learn({events.READY: 42.0, events.NODE: 1.0})
    assert follow.Guess("make-1").left(events.READY, 2.0) == pytest.approx(40.0)
    assert follow.Guess("boot-1").left(events.READY, 2.0) != pytest.approx(40.0)


@pytest.mark.parametrize("torn", ["", "{", "[]", '{"make-1": 3}', '{"make-1": {"ready": "x"}}'])
def test_a_torn_memory_of_times_is_no_harm(home: Path, torn: str) -> None:
    guess = follow.Guess("make-1")
    guess.learn({events.READY: 42.0})
    (home / "cache" / "k8s-tutor" / "native-times.json").write_text(torn)
    assert follow.Guess("make-1").left(events.READY, 0.0) > 0


def test_running_phases_say_how_much_is_left(tmp_path: Path) -> None:
    Events(tmp_path / "events").say(events.ETCD, events.RUNNING)
    _, told = run(tmp_path / "events", patience=0.05)
    running = [phase for phase in told if phase.id == events.ETCD and phase.state is PhaseState.RUNNING]
    assert running
    assert running[0].seconds_left is not None
    assert running[0].fraction is not None and 0 < running[0].fraction < 1
