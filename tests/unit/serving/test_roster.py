from __future__ import annotations

import re
from pathlib import Path

import pytest

from k8s_tutor.errors import EnvironmentFault, UsageError
from k8s_tutor.serving import roster


@pytest.fixture(autouse=True)
def _own_state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))


def test_a_roster_is_one_name_a_line() -> None:
    assert roster.names_from("# class 3b\nAnna  Maria\n\n Béla\t\n") == ["Anna Maria", "Béla"]
    assert roster.numbered(3) == ["1", "2", "3"]


@pytest.mark.parametrize("text", ["", "# only this\n", "Anna\nAnna\n", "x" * 61, "An\x1b[31mna", "\n".join("abc") * 40])
def test_a_wrong_roster_says_what_is_wrong(text: str) -> None:
    with pytest.raises(UsageError):
        roster.names_from(text)


def test_what_follows_from_a_name_is_safe_and_stays(tmp_path: Path) -> None:
    names = ["Béla Ö.", "../../etc", "Bela O", "名前", "-", "x" * 60, "$(reboot)", "<b>"]
    learners = roster.enrol("class", names)
    assert [learner.name for learner in learners] == names
    assert len({learner.id for learner in learners}) == len({learner.uid for learner in learners}) == len(names)
    for learner in learners:
        assert re.fullmatch(r"learner-[a-z0-9]([a-z0-9-]*[a-z0-9])?", learner.namespace)
        assert len(learner.namespace) <= 63
        folder = roster.learner_dir("class", learner)
        assert folder.parent == tmp_path / "k8s-tutor" / "serve" / "class" / "learners"
        assert roster.FIRST_UID <= learner.uid < 2**31 - 1
    assert roster.enrol("class", [*reversed(names), "Carla"])[:-1] == list(reversed(learners))
    assert roster.find("class", "Béla Ö.") == roster.find("class", "bela-o") == learners[0]
    assert roster.base_dir("class").stat().st_mode & 0o777 == 0o700


def test_a_seed_is_the_learners_until_another_is_given() -> None:
    assert [each.seed for each in roster.enrol("class", ["Anna", "Béla"], {"Anna": "7f3a"})] == ["7f3a", ""]
    assert [each.seed for each in roster.enrol("class", ["Béla", "Anna"], {"Béla": "7f3b"})] == ["7f3b", "7f3a"]
    assert [each.seed for each in roster.load("class")] == ["7f3a", "7f3b"]


def test_two_clusters_have_ids_of_their_own() -> None:
    one, other = roster.enrol("one", roster.numbered(60)), roster.enrol("other", roster.numbered(60))
    assert not {learner.uid for learner in one} & {learner.uid for learner in other}


def test_an_id_of_somebody_is_not_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    first = roster.enrol("class", ["Anna"])[0].uid
    monkeypatch.setattr(roster, "_is_somebody", lambda uid: uid == first + 1)
    assert roster.enrol("class", ["Béla"])[0].uid == first + 2


def test_a_broken_file_and_an_unknown_name(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="Anna"):
        roster.find("class", "Anna")
    roster.enrol("class", ["Anna"])
    file = roster.base_dir("class") / "roster.json"
    file.write_text('[{"name": "Anna", "id": "../anna", "uid": 5}]')
    with pytest.raises(EnvironmentFault, match="no id"):
        roster.load("class")
