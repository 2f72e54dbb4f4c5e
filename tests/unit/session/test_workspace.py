from __future__ import annotations

import os
import threading
from pathlib import Path

import pytest

from k8s_tutor.errors import UsageError
from k8s_tutor.labs.model import Lab
from k8s_tutor.session.workspace import LARGEST, Workspace


@pytest.fixture
def workspace(asking_lab: Lab, tmp_path: Path) -> Workspace:
    made = Workspace(asking_lab, tmp_path / "work")
    made.make()
    return made


def test_a_manifest_is_handed_out_once_and_never_over_the_learners_own(workspace: Workspace):
    assert workspace.hand_out("nginx-pod.yaml")
    (workspace.folder / "nginx-pod.yaml").write_text("mine")
    assert not workspace.hand_out("nginx-pod.yaml")
    assert workspace.read("nginx-pod.yaml").text == "mine"
    assert sorted(os.listdir(workspace.folder)) == ["nginx-pod.yaml"]


def test_an_unknown_manifest_lists_those_there_are(workspace: Workspace):
    with pytest.raises(UsageError) as caught:
        workspace.hand_out("other.yaml")
    assert "nginx-pod.yaml" in caught.value.remedy


@pytest.mark.parametrize("name", ["../x.yaml", "/etc/passwd", "a/b.yaml", "", ".hidden", "x\0.yaml", "a" * 200])
def test_no_name_leads_out_of_the_folder(workspace: Workspace, name: str):
    for act in (workspace.read, workspace.path, lambda n: workspace.write(n, "x")):
        with pytest.raises(UsageError):
            act(name)


def test_files_are_read_bounded_and_what_cannot_be_read_says_why(workspace: Workspace):
    (workspace.folder / "good.yaml").write_text("kind: Pod")
    (workspace.folder / "big.yaml").write_text("x" * (LARGEST + 1))
    (workspace.folder / "latin.yaml").write_bytes(b"\xff\xfe\xfa")
    (workspace.folder / "folder.yaml").mkdir()
    os.mkfifo(workspace.folder / "pipe.yaml")
    (workspace.folder / "notes.txt").write_text("not a manifest")
    files = workspace.files()
    assert sorted(files) == ["big.yaml", "folder.yaml", "good.yaml", "latin.yaml", "pipe.yaml"]
    assert files["good.yaml"].text == "kind: Pod"
    troubles = {name: file.trouble for name, file in files.items() if file.text is None}
    assert "larger than 256 KiB" in troubles["big.yaml"]
    assert "not UTF-8" in troubles["latin.yaml"]
    assert "not a regular file" in troubles["folder.yaml"]
    assert "not a regular file" in troubles["pipe.yaml"]


def test_a_file_of_exactly_the_limit_is_read(workspace: Workspace):
    (workspace.folder / "full.yaml").write_text("x" * LARGEST)
    assert len(workspace.files()["full.yaml"].text or "") == LARGEST


def test_no_folder_is_no_files_and_no_answers(asking_lab: Lab, tmp_path: Path):
    none = Workspace(asking_lab, tmp_path / "missing")
    assert none.files() == {}
    assert none.answers() == {}
    assert none.back_up() is None
    assert not none.folder.exists()


def test_an_answer_is_written_with_the_questions_around_it_and_read_again(workspace: Workspace):
    workspace.answer("what-ip", "10.1.2.3")
    text = (workspace.folder / "answers.yaml").read_text()
    assert "# Which IP\n# has it?" in text
    assert workspace.answers() == {"what-ip": "10.1.2.3"}
    workspace.answer("what-name", "web")
    workspace.answer("what-ip", "10.1.2.4")
    assert workspace.answers() == {"what-ip": "10.1.2.4", "what-name": "web"}


def test_what_the_learner_wrote_around_an_answer_stays(workspace: Workspace):
    (workspace.folder / "answers.yaml").write_text("# my notes\nother: 5\nwhat-ip: old # why\n")
    workspace.answer("what-ip", "new")
    text = (workspace.folder / "answers.yaml").read_text()
    assert text.startswith("# my notes\nother: 5\n")
    assert workspace.answers() == {"other": "5", "what-ip": "new"}


def test_a_block_value_is_replaced_and_the_old_file_kept(workspace: Workspace):
    (workspace.folder / "answers.yaml").write_text("what-ip: |\n  two\n  lines\nwhat-name: web\n")
    workspace.answer("what-ip", "one")
    assert workspace.answers() == {"what-ip": "one", "what-name": "web"}
    assert "two\n" in (workspace.folder / "answers.yaml.before").read_text()


@pytest.mark.parametrize(
    "text", ["'", '"', "a: b", "# no", "&x *x", "!!python/object:os.system", "- 1", "\\u0041", "é😀"]
)
def test_no_answer_becomes_structure(workspace: Workspace, text: str):
    workspace.answer("what-ip", text)
    assert workspace.answers() == {"what-ip": text}


def test_control_characters_do_not_reach_the_file(workspace: Workspace):
    workspace.answer("what-ip", "10.0\x00.\x1b[31m0.1\x7f")
    assert workspace.answers() == {"what-ip": "10.0.[31m0.1"}


def test_a_question_that_is_not_there_and_a_file_that_is_no_mapping_are_refused(workspace: Workspace):
    with pytest.raises(UsageError) as caught:
        workspace.answer("../../etc", "x")
    assert "what-ip" in caught.value.remedy
    (workspace.folder / "answers.yaml").write_text("- a list\n")
    with pytest.raises(UsageError):
        workspace.answer("what-ip", "x")
    assert (workspace.folder / "answers.yaml").read_text() == "- a list\n"


def test_numbers_dates_and_booleans_stay_the_text_they_are(workspace: Workspace):
    (workspace.folder / "answers.yaml").write_text("what-ip: 010\nwhat-name: yes\nempty: ''\nnested: {a: b}\n")
    assert workspace.answers() == {"what-ip": "010", "what-name": "yes"}


def test_a_back_up_moves_everything_into_a_dated_folder_once(workspace: Workspace):
    workspace.hand_out("nginx-pod.yaml")
    workspace.answer("what-ip", "1")
    aside = workspace.back_up()
    assert aside is not None
    assert sorted(os.listdir(aside)) == ["answers.yaml", "nginx-pod.yaml"]
    assert workspace.files() == {}
    assert workspace.back_up() is None
    workspace.hand_out("nginx-pod.yaml")
    second = workspace.back_up()
    assert second is not None
    assert second != aside


def test_answers_given_at_once_are_all_kept(workspace: Workspace):
    questions = [question.check for step in workspace.lab.steps for question in step.questions]
    threads = [threading.Thread(target=workspace.answer, args=(check, f"text {check}")) for check in questions]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert workspace.answers() == {check: f"text {check}" for check in questions}


def test_a_file_put_aside_is_kept_and_never_over_another(workspace: Workspace):
    assert workspace.put_aside("a.yaml") == ""
    names = []
    for number in range(3):
        workspace.write("a.yaml", f"n: {number}")
        names.append(workspace.put_aside("a.yaml"))
    assert names == ["a.yaml.mine", "a.yaml.mine-2", "a.yaml.mine-3"]
    assert [(workspace.folder / name).read_text() for name in names] == ["n: 0", "n: 1", "n: 2"]
    assert workspace.files() == {}
