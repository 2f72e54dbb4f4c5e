"""Steps that are done once more, and what the journal says of the tutor's own deeds, on a real cluster."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from native_helpers import Kubectl

from k8s_tutor.clusters.provider import Cluster
from k8s_tutor.errors import TutorError
from k8s_tutor.labs.loader import load
from k8s_tutor.session.hints import state_hint
from k8s_tutor.session.journal import How
from k8s_tutor.session.session import Session
from k8s_tutor.session.state import step_state


@pytest.fixture(autouse=True)
def _own_folders(cluster: Cluster, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.setenv("K8S_TUTOR_HOME", str(tmp_path / "home"))


@pytest.fixture
def here(cluster: Cluster, namespace: str) -> Cluster:
    return replace(cluster, namespace=namespace)


@pytest.fixture
def lab1(here: Cluster) -> Iterator[Session]:
    with Session(load("lab1"), here) as opened:
        yield opened


def solve(session: Session, *steps: str) -> None:
    for step in steps:
        session.solve(step)
        assert session.wait_step(step, 90).done, f"{step}: {state_hint(step_state(session.state(), step))}"


def again(session: Session, step: str) -> None:
    """Begin the step again: it is open, then its solution does it anew."""
    assert step_state(session.state(), step).solved
    assert session.redo(step), f"{step} counts as done all the same"
    now = step_state(session.state(), step)
    assert not now.done and not now.solved and not now.done_earlier
    solve(session, step)


def test_every_step_of_lab_1_that_can_be_done_once_more_is(lab1: Session):
    solve(lab1, "write", "explain", "apply", "running")
    with pytest.raises(TutorError, match="only looks"):
        lab1.redo("running")
    again(lab1, "apply")
    solve(lab1, "running", "describe", "address", "request", "image")
    for step in ("write", "explain", "address", "request", "image"):
        again(lab1, step)


def test_the_steps_of_lab_2_that_happen_are_seen_to_happen_anew(here: Cluster, kubectl: Kubectl):
    with Session(load("lab2"), here) as session:
        solve(session, "write", "apply", "look", "heal")
        before = step_state(session.state(), "heal").checks[0].outcome
        again(session, "heal")
        after = step_state(session.state(), "heal").checks[0].outcome
        assert before.data["deleted"]["uid"] != after.data["deleted"]["uid"]
        assert " deleted " in after.facts[0] and "its ReplicaSet made" in after.facts[0]
        solve(session, "scale")
        again(session, "scale")
        solve(session, "expose")
        again(session, "expose")
        kept = step_state(session.state(), "heal").checks[0].outcome.facts
    with Session(load("lab2"), here) as session:  # evidence is that of the second time, also after a restart
        assert step_state(session.state(), "heal").checks[0].outcome.facts == kept
        assert not session.redo("heal") or not step_state(session.state(), "heal").done
    with Session(load("lab2"), here) as session:  # what happened before does not count after a restart either
        assert not session.wait_step("heal", 3).done


def test_the_journal_tells_every_deed_as_kubectl(lab1: Session, kubectl: Kubectl):
    solve(lab1, "write", "apply", "running")
    entries = lab1.journal.entries()
    commands = {entry.command: entry for entry in entries}
    assert commands["kubectl get pods --watch"].how is How.OPEN
    applied = next(entry for entry in entries if entry.command.startswith("kubectl apply --server-side"))
    assert applied.command.endswith("-f nginx-pod.yaml") and applied.how is How.DONE
    assert applied.result == "pod/nginx-pod created" and "solution" in applied.why and applied.seconds > 0
    # What it says can be typed: the same apply again changes nothing.
    told = kubectl(*applied.command.split()[1:-1], str(lab1.workspace.folder / "nginx-pod.yaml"))
    assert "nginx-pod serverside-applied" in str(getattr(told, "stdout", told))
    with pytest.raises(TutorError):
        lab1.apply_text("apiVersion: v1\nkind: Pod\nmetadata: {name: x}\nspec: {contianers: []}\n", "x.yaml")
    assert lab1.journal.entries()[-1].how is How.FAILED
