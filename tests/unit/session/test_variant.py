"""A learner's own variant: given once, kept over restarts, never changed under work that was done in another one."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from k8s_tutor.errors import EnvironmentFault, UsageError
from k8s_tutor.kube.record import Evidence
from k8s_tutor.labs import loader
from k8s_tutor.session.engine import Memory
from k8s_tutor.session.progress import Progress
from k8s_tutor.session.variant import GIVEN, own, remembered
from k8s_tutor.session.workspace import Workspace
from k8s_tutor.ui.desk import Desk


@pytest.fixture(autouse=True)
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.setenv("K8S_TUTOR_HOME", str(tmp_path / "home"))
    return tmp_path / "state/k8s-tutor/progress"


def test_without_a_seed_the_lab_is_the_plain_one(state: Path) -> None:
    assert own("lab2") == loader.load("lab2")
    assert not state.exists()


def test_a_seed_is_given_once(state: Path) -> None:
    assert own("lab2", "7f3a") == loader.load("lab2", seed="7f3a")
    assert own("lab2") == loader.load("lab2", seed="7f3a")
    assert (state / "lab2.seed").read_text() == "7f3a\n"
    assert own("lab1").seed == "" and remembered("lab1") == ""
    # Nothing was done yet: a seed that was mistyped is corrected.
    assert own("lab2", "7f3b").seed == own("lab2").seed == "7f3b"


def test_a_class_is_given_its_seeds_by_the_environment(state: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(GIVEN, "7f3a")
    assert own("lab2") == loader.load("lab2", seed="7f3a")
    monkeypatch.setenv(GIVEN, "7f3b")
    assert own("lab2").seed == "7f3a", "remembered"
    (state / "lab2.seed").unlink()
    assert own("lab2", "mine").seed == own("lab2").seed == "mine", "what was typed counts more"
    monkeypatch.setenv(GIVEN, "no seed at all")
    with pytest.raises(UsageError, match="K8S_TUTOR_SEED"):
        own("lab1")


@pytest.mark.parametrize("by", ["a manifest", "evidence"])
def test_the_environment_changes_no_lab_that_was_begun_without_a_seed(
    state: Path, monkeypatch: pytest.MonkeyPatch, by: str
) -> None:
    worked(by)
    monkeypatch.setenv(GIVEN, "7f3a")
    assert own("lab2") == loader.load("lab2")
    assert not (state / "lab2.seed").exists()


def test_the_tutors_desk_opens_it_too(state: Path) -> None:
    seed = next(each for each in map(str, range(99)) if loader.load("lab2", seed=each).variant["second"] == 8)
    own("lab2", seed)
    desk = Desk(None, None)
    assert "scale to eight" in next(card.summary for card in desk.cards() if card.id == "lab2")
    (state / "lab2.seed").write_text("no seed at all")
    assert "is no seed" in next(card.trouble for card in desk.cards() if card.id == "lab2")


def worked(by: str) -> None:
    lab = loader.load("lab2")
    if by == "a manifest":
        Workspace(lab).write("nginx-deploy.yaml", "kind: Deployment\n")
    elif by == "an answer":
        Workspace(lab).answer("strategy", "RollingUpdate")
    elif by == "commands":
        Workspace(lab).write("commands.txt", "kubectl get pods\n")
    else:
        memory = Memory(read=frozenset({"write"}), hints={"write": 1})
        if by == "evidence":
            memory = replace(memory, evidence={"pod-replaced": Evidence("pod-replaced", 5.0, ("it was",), {})})
        elif by == "a step":
            memory = replace(memory, earlier=frozenset({"apply"}))
        progress = Progress("lab2", "uid")
        progress.update(memory)
        progress.close()


@pytest.mark.parametrize("by", ["a manifest", "an answer", "commands", "evidence", "a step"])
def test_work_is_not_put_under_another_variant(by: str) -> None:
    own("lab2", "one")
    worked(by)
    with pytest.raises(UsageError, match="you have begun lab2 in another variant") as caught:
        own("lab2", "two")
    assert "k8s-tutor reset lab2" in caught.value.remedy and "--seed two" in caught.value.remedy
    assert own("lab2", "one").seed == own("lab2").seed == "one"


def test_work_in_the_plain_lab_counts_as_well() -> None:
    worked("a manifest")
    with pytest.raises(UsageError, match=r"nginx-deploy\.yaml is in"):
        own("lab2", "one")
    assert own("lab2").seed == ""


def test_what_was_only_read_is_no_work() -> None:
    own("lab2", "one")
    worked("reading")
    assert own("lab2", "two").seed == "two"


def test_after_a_reset_the_seed_stays_and_another_may_be_given() -> None:
    own("lab2", "one")
    worked("a step")
    worked("a manifest")
    progress = Progress("lab2", "uid")
    progress.clear()
    progress.close()
    Workspace(loader.load("lab2")).back_up()
    assert own("lab2").seed == "one"
    assert own("lab2", "two").seed == "two"


def test_what_can_be_no_seed_is_refused(state: Path) -> None:
    with pytest.raises(UsageError, match="is no seed"):
        own("lab2", "a seed")
    with pytest.raises(UsageError, match="is no seed"):
        own("lab2", "")
    assert not state.exists()
    state.mkdir(parents=True)
    (state / "lab2.seed").write_text("a\nb")
    with pytest.raises(UsageError) as caught:
        own("lab2")
    assert str(state / "lab2.seed") in caught.value.message and "delete it" in caught.value.remedy


def test_a_lab_without_variants_takes_no_seed(tmp_path: Path) -> None:
    folder = tmp_path / "small"
    (folder / "steps").mkdir(parents=True)
    (folder / "steps/01.md").write_text("Read.\n")
    (folder / "lab.yaml").write_text(
        "id: small\ntitle: S\nsummary: S.\nminutes: 1\nsteps:\n  - {id: a, title: A, text: steps/01.md}\n"
    )
    with pytest.raises(UsageError, match="small has no variants"):
        own(folder, "one")
    assert own(folder).seed == ""


def test_where_it_cannot_be_remembered_it_is_said(state: Path) -> None:
    state.parent.mkdir(parents=True)
    state.write_text("in the way")
    assert own("lab2").seed == ""
    with pytest.raises(EnvironmentFault, match="the seed cannot be remembered in"):
        own("lab2", "one")
