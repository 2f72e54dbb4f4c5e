from __future__ import annotations

from pathlib import Path

from small_lab import lab_of, spec, step

from k8s_tutor.session.met import Met
from k8s_tutor.session.progress import Past
from k8s_tutor.session.summary import at_work, ours, save, sealed, summarise
from k8s_tutor.session.workspace import Workspace

LAB = lab_of(step("one", spec("a"), hints=("x", "y")), step("two", spec("b")), step("three"))
PAST = Past(
    done={"one": 160.0, "two": 100_020.0},
    hints={"one": 2},
    solved={"two": 100_010.0},
    met=(Met("a", "c", "because of it", "8080", 120.0, 150.0), Met("b", "c", "", "nothing", 100_001.0)),
    visits=((100.0, 200.0), (100_000.0, 100_030.0)),
    evidence={"a": ("a pod came",)},
    where={"provider": "native", "name": "learner", "version": "v1.37.2"},
)


def test_a_summary_counts_time_at_work_and_no_night_between():
    found = summarise(LAB, PAST, 100_040.0)
    assert [line.seconds for line in found.steps] == [60.0, 60.0, None]
    assert [line.done_at for line in found.steps] == [160.0, 100_020.0, None]
    assert found.done == 2 and found.hints == 2 and found.solved == 1 and found.seconds == 130.0
    assert found.sentence.startswith("2 of 3 steps done in 2 min 10 s at work, 2 hints used, 1 step done by the tutor")
    assert found.cluster == "native learner, Kubernetes v1.37.2"
    assert found.steps[0].facts == ("a pod came",)
    assert [(item.check, item.seconds) for item in found.mistakes] == [("title of a", 30.0), ("title of b", None)]


def test_nothing_remembered_is_a_summary_too():
    found = summarise(LAB, Past(), 5.0)
    assert found.done == 0 and found.seconds == 0 and found.began is None and not found.mistakes


def test_at_work_is_what_lies_within():
    assert at_work(((0, 10), (20, 30)), 5, 25) == 10
    assert at_work((), 0, 9) == 0


def test_files_are_written_anew_but_never_over_what_the_learner_changed(tmp_path: Path):
    place = Workspace(LAB, tmp_path)
    first = save(place, summarise(LAB, PAST, 100_040.0))
    assert [path.name for path in first.files] == ["summary.md", "summary.html"] and not first.aside
    assert all(ours(place.read(path.name)) for path in first.files)
    again = save(place, summarise(LAB, PAST, 100_050.0))
    assert again.files == first.files
    text = (tmp_path / "summary.md").read_text() + "my own note\n"
    (tmp_path / "summary.md").write_text(text)
    third = save(place, summarise(LAB, PAST, 100_060.0))
    assert third.aside == ("summary.md",)
    assert third.files[0].name.startswith("summary-1970") and third.files[1].name == "summary.html"
    assert (tmp_path / "summary.md").read_text() == text
    fourth = save(place, summarise(LAB, PAST, 100_060.0))
    assert fourth.files[0] != third.files[0] and third.files[0].exists()


def test_a_seal_is_broken_by_any_change():
    from k8s_tutor.kube.record import File

    text = sealed("hello\n")
    assert ours(File("x", text))
    for changed in (text + "x", text.replace("hello", "hallo"), "x" + text, "", "hello\n"):
        assert not ours(File("x", changed))
    assert not ours(File("x", None))
