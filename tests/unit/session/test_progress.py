from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

from k8s_tutor.kube.record import Evidence
from k8s_tutor.session.engine import Memory
from k8s_tutor.session.progress import Progress
from k8s_tutor.session.progress_file import SCHEMA

MEMORY = Memory(
    evidence={"healed": Evidence("healed", 5.0, ("pod x went", "pod y came"), {"uids": ["x", "y"]})},
    passed_at={"healed": 5.0},
    read=frozenset({"intro"}),
    hints={"heal": 2},
    earlier=frozenset({"heal"}),
)


def test_what_was_learnt_is_there_after_a_restart(tmp_path: Path):
    first = Progress("lab9", "uid-1", folder=tmp_path)
    first.update(MEMORY)
    first.close()
    again = Progress("lab9", "uid-1", folder=tmp_path)
    assert again.memory == MEMORY
    assert again.notes == []
    assert oct((tmp_path / "lab9.json").stat().st_mode & 0o777) == "0o600"


def test_another_namespace_inherits_no_evidence_but_what_the_learner_did(tmp_path: Path):
    first = Progress("lab9", "uid-1", folder=tmp_path)
    first.update(MEMORY)
    first.close()
    other = Progress("lab9", "uid-2", folder=tmp_path)
    assert other.memory.evidence == {}
    assert other.memory.passed_at == {}
    assert other.memory.earlier == {"heal"}
    assert other.memory.hints == {"heal": 2}
    other.update(other.memory)
    other.move("uid-1")
    assert other.memory.evidence == MEMORY.evidence


def test_a_second_instance_reads_says_so_and_loses_nothing(tmp_path: Path):
    first = Progress("lab9", "uid-1", folder=tmp_path)
    first.update(MEMORY)
    second = Progress("lab9", "uid-1", folder=tmp_path)
    assert second.read_only
    assert "Another k8s-tutor" in second.notes[0]
    assert second.memory == MEMORY
    before = (tmp_path / "lab9.json").read_text()
    second.update(Memory())
    assert second.memory == Memory()
    assert (tmp_path / "lab9.json").read_text() == before
    first.close()
    third = Progress("lab9", "uid-1", folder=tmp_path)
    assert not third.read_only
    third.close()


def test_a_second_instance_takes_over_when_the_first_has_ended(tmp_path: Path, monkeypatch):
    monkeypatch.setattr("k8s_tutor.session.progress.RETRY_SECONDS", 0.0)
    first = Progress("lab9", "uid-1", folder=tmp_path)
    second = Progress("lab9", "uid-1", folder=tmp_path)
    second.update(Memory(read=frozenset({"mine"}), hints={"heal": 1}))
    first.update(MEMORY)
    assert not second.retry() and second.notes
    first.close()
    assert second.retry() and not second.notes and not second.read_only
    assert second.memory.read == MEMORY.read | {"mine"} and second.memory.evidence == MEMORY.evidence
    assert second.memory.hints["heal"] == 2
    second.close()
    assert Progress("lab9", "uid-1", folder=tmp_path).memory.read == MEMORY.read | {"mine"}


def test_a_killed_instance_leaves_no_lock_behind(tmp_path: Path):
    code = (
        "import os, signal, sys; from pathlib import Path; from k8s_tutor.session.progress import Progress\n"
        "Progress('lab9', 'uid-1', folder=Path(sys.argv[1])); os.kill(os.getpid(), signal.SIGKILL)"
    )
    ended = subprocess.run([sys.executable, "-c", code, str(tmp_path)], check=False)
    assert ended.returncode == -9
    assert not Progress("lab9", "uid-1", folder=tmp_path).read_only


def test_a_broken_file_is_moved_aside_with_a_note_and_nothing_is_lost(tmp_path: Path):
    broken = [
        "{",
        "[]",
        '{"schema": 1, "lab": "lab9", "hints": {"a": true}}',
        '{"schema": 1, "lab": "lab9", "places": {"u": {"evidence": {"c": {"at": "x"}}}}}',
        '{"schema": 1, "lab": "other"}',
        '{"schema": 1, "lab": "lab9", "read": {"a": NaN}}',
    ]
    for text in broken:
        (tmp_path / "lab9.json").write_text(text)
        progress = Progress("lab9", "uid-1", folder=tmp_path)
        assert progress.memory == Memory(), text
        assert "moved to" in progress.notes[0], text
        aside = [path for path in tmp_path.iterdir() if "broken" in path.name]
        assert [path.read_text() for path in aside] == [text]
        progress.update(MEMORY)
        progress.close()
        assert Progress("lab9", "uid-1", folder=tmp_path).memory == MEMORY
        for path in tmp_path.iterdir():
            path.unlink()


def test_a_newer_schema_is_left_as_it_is(tmp_path: Path):
    text = json.dumps({"schema": SCHEMA + 1, "lab": "lab9", "what": "ever"})
    (tmp_path / "lab9.json").write_text(text)
    progress = Progress("lab9", "uid-1", folder=tmp_path)
    progress.update(MEMORY)
    assert "newer" in progress.notes[0]
    assert (tmp_path / "lab9.json").read_text() == text


def test_a_disk_that_takes_nothing_is_a_note_not_a_crash(tmp_path: Path, monkeypatch):
    progress = Progress("lab9", "uid-1", folder=tmp_path)

    def full(*_args, **_more):
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr("k8s_tutor.atomic.write_text", full)
        progress.update(Memory())
        progress.update(MEMORY)
        (note,) = progress.notes
        assert note.startswith("Progress could not be saved: No space left on device.") and "tried again" in note
    progress.retry()
    assert progress.notes, "not before its time"
    monkeypatch.setattr("k8s_tutor.session.progress.RETRY_SECONDS", 0.0)
    progress.retry()
    assert progress.notes == [] and progress.again is None
    progress.close()
    assert Progress("lab9", "uid-1", folder=tmp_path).memory == MEMORY


def test_a_folder_that_cannot_be_made_is_a_note(tmp_path: Path):
    (tmp_path / "file").write_text("")
    progress = Progress("lab9", "uid-1", folder=tmp_path / "file" / "deep")
    assert progress.read_only
    progress.update(MEMORY)
    assert progress.memory == MEMORY


def test_clearing_keeps_how_many_hints_were_ever_used(tmp_path: Path):
    progress = Progress("lab9", "uid-1", folder=tmp_path)
    progress.update(MEMORY)
    progress.clear()
    assert progress.memory == Memory()
    kept = json.loads((tmp_path / "lab9.json").read_text())
    assert kept["hints_ever"] == {"heal": 2}
    assert kept["places"] == {}


def test_only_the_newest_namespaces_are_kept(tmp_path: Path):
    progress = Progress("lab9", "uid-0", folder=tmp_path)
    for number in range(30):
        progress.move(f"uid-{number}")
        progress.update(MEMORY)
    places = json.loads((tmp_path / "lab9.json").read_text())["places"]
    assert len(places) <= 21
    assert "uid-29" in places


def test_without_keeping_nothing_is_written(tmp_path: Path):
    progress = Progress("lab9", "uid-1", folder=tmp_path, keep=False)
    progress.update(MEMORY)
    assert progress.memory == MEMORY
    assert os.listdir(tmp_path) == []


def test_mistakes_solutions_and_times_at_work_are_kept(tmp_path: Path):
    from k8s_tutor.session.met import Met

    memory = replace(MEMORY, met=(Met("a", "c", "b", "f", 3.0, 4.0), Met("b", "", "", "f", 5.0)), solved={"heal": 9.0})
    where = {"name": "learner", "provider": "native", "version": "v1.37.2"}
    first = Progress("lab9", "uid-1", folder=tmp_path, where=where)
    first.update(memory)
    first.close()
    again = Progress("lab9", "", folder=tmp_path)
    past = again.past
    again.close()
    assert past.met == memory.met and past.solved == {"heal": 9.0} and past.where == where
    assert past.evidence == {"healed": ("pod x went", "pod y came")} and past.hints == {"heal": 2}
    assert len(past.visits) == 1 and past.visits[0][0] <= past.visits[0][1]
    second = Progress("lab9", "uid-1", folder=tmp_path)
    assert second.memory == memory
    second.update(replace(memory, read=frozenset({"x"})))
    second.close()
    assert len(Progress("lab9", "", folder=tmp_path).past.visits) in (1, 2)


def test_a_file_of_the_first_schema_is_read_and_grows(tmp_path: Path):
    old = {"schema": 1, "lab": "lab9", "read": {"intro": 1.0}, "hints": {}, "done": {"heal": 2.0}, "places": {}}
    (tmp_path / "lab9.json").write_text(json.dumps(old))
    progress = Progress("lab9", "uid-1", folder=tmp_path)
    assert progress.notes == [] and progress.memory.earlier == {"heal"} and progress.memory.met == ()
    progress.update(progress.memory)
    assert json.loads((tmp_path / "lab9.json").read_text())["schema"] == SCHEMA == 2


def test_a_broken_mistake_or_visit_is_set_aside_too(tmp_path: Path):
    for broken in ({"met": ["x"]}, {"met": [{"check": "a"}]}, {"visits": [[1]]}, {"visits": 3}, {"solved": {"a": "x"}}):
        (tmp_path / "lab9.json").write_text(json.dumps({"schema": 2, "lab": "lab9", **broken}))
        progress = Progress("lab9", "uid-1", folder=tmp_path)
        assert progress.memory == Memory() and "moved to" in progress.notes[0], broken
        progress.close()


def test_what_was_done_for_the_learner_and_begun_again_is_there_after_a_restart(tmp_path: Path):
    first = Progress("lab9", "uid-1", folder=tmp_path)
    first.update(Memory(solved={"heal": 9.0}, redone={"pod-replaced": 5.0}))
    first.close()
    again = Progress("lab9", "uid-1", folder=tmp_path)
    assert again.memory.solved == {"heal": 9.0} and again.memory.redone == {"pod-replaced": 5.0}
    again.close()
    elsewhere = Progress("lab9", "uid-2", folder=tmp_path)
    assert elsewhere.memory.solved == {"heal": 9.0} and elsewhere.memory.redone == {}
    elsewhere.close()
