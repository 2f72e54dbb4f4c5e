"""kind's own lines, as its source writes them where it has no terminal, become phases of ours."""

from __future__ import annotations

from pathlib import Path

import pytest

from k8s_tutor.clusters.kind import progress
from k8s_tutor.clusters.kind.progress import FIRST_GUESS, Teller, parse
from k8s_tutor.clusters.native.follow import Guess
from k8s_tutor.phases import Phase, PhaseState

# What kind v0.33.0 printed in a pipe, its words unchanged.
GOOD = """Creating cluster "k8s-tutor-dev-7536f3" ...
WARNING: Here be dragons! This is not supported currently.
 • Ensuring node image (kindest/node:v1.37.0) 🖼  ...
 ✓ Ensuring node image (kindest/node:v1.37.0) 🖼
 • Preparing nodes 📦 📦   ...
 ✓ Preparing nodes 📦 📦
 • Writing configuration 📜  ...
 ✓ Writing configuration 📜
 • Starting control-plane 🕹️  ...
 ✓ Starting control-plane 🕹️
 • Installing CNI 🔌  ...
 ✓ Installing CNI 🔌
 • Installing StorageClass 💾  ...
 ✓ Installing StorageClass 💾
 • Joining worker nodes 🚜  ...
 ✓ Joining worker nodes 🚜
Set kubectl context to "kind-k8s-tutor-dev-7536f3"
"""
BAD = """ • Starting control-plane 🕹️  ...
 ✗ Starting control-plane 🕹️
ERROR: failed to create cluster: failed to init node with kubeadm: command "docker exec" failed: exit status 1
Command Output: I1126 06:22:10 initconfiguration.go:123] detected
\x1b[31mtimed out\x1b[0m waiting for the condition
"""


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))


def teller(told: list[Phase]) -> Teller:
    return Teller(told.append, Guess("make-2", FIRST_GUESS, file="kind-times.json"))


def test_each_step_begins_and_ends_once_and_in_order() -> None:
    told: list[Phase] = []
    tell = teller(told)
    for line in GOOD.splitlines():
        tell.line(line)
    order = ["image", "nodes", "config", "control-plane", "cni", "storage", "join"]
    assert [phase.id for phase in told if phase.state is PhaseState.RUNNING] == order
    assert [phase.id for phase in told if phase.state is PhaseState.DONE] == order
    assert all(phase.title and phase.explains for phase in told)
    assert told[0].detail == "Ensuring node image (kindest/node:v1.37.0)"
    assert all(phase.seconds_left is not None for phase in told if phase.state is PhaseState.RUNNING)


def test_every_other_line_is_kept_for_the_day_it_fails() -> None:
    told: list[Phase] = []
    tell = teller(told)
    for line in BAD.splitlines():
        tell.line(line)
    assert told[-1].id == "control-plane" and told[-1].state is PhaseState.FAILED
    assert [line.split(":")[0] for line in tell.last] == ["ERROR", "Command Output", "\x1b[31mtimed out\x1b[0m waiting for the condition"]  # fmt: skip # noqa: E501


@pytest.mark.parametrize(
    ("line", "phase", "state"),
    [
        (" • Preparing nodes 📦  ...", "nodes", PhaseState.RUNNING),
        (" ✓ Configuring the external load balancer ⚖️", "nodes", PhaseState.DONE),
        (" ✗ Joining more control-plane nodes 🎮", "join", PhaseState.FAILED),
        (" • Waiting ≤ 1m0s for control-plane = Ready ⏳  ...", "ready", PhaseState.RUNNING),
        (" • Feeding the cat 🐈  ...", "kind", PhaseState.RUNNING),
    ],
)
def test_lines_that_are_steps(line: str, phase: str, state: PhaseState) -> None:
    step = parse(line)
    assert step is not None and (step.phase, step.state) == (phase, state)


@pytest.mark.parametrize("line", ["", 'Creating cluster "x" ...', "ERROR: no", "•", "  "])
def test_lines_that_are_none(line: str) -> None:
    assert parse(line) is None


def test_what_runs_when_it_fails_has_failed_and_ticks_go_on_until_then() -> None:
    told: list[Phase] = []
    tell = teller(told)
    tell.line(" • Preparing nodes 📦  ...")
    tell.tick()
    assert [phase.state for phase in told] == [PhaseState.RUNNING] * 2
    tell.fail("no space")
    assert told[-1].state is PhaseState.FAILED and told[-1].detail == "no space"
    tell.tick()
    assert len(told) == 3


def test_a_second_bring_up_knows_the_times_of_the_first(tmp_path: Path) -> None:
    tell = teller([])
    tell.line(" • Preparing nodes 📦  ...")
    tell.line(" ✓ Preparing nodes 📦")
    tell.learn()
    again = Guess("make-2", FIRST_GUESS, file="kind-times.json")
    assert again.left("nodes", 0.0) < FIRST_GUESS["nodes"]
    assert again.left("control-plane", 0.0) == FIRST_GUESS["control-plane"]
    assert not (tmp_path / "k8s-tutor" / "native-times.json").exists()
    assert progress.DNS in FIRST_GUESS
