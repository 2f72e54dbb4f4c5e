"""Around the replay: roster, folders, what is kept, room on the nodes, answers of another cluster, who is alike."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from k8s_tutor import __version__
from k8s_tutor.checks.outcome import Cause, Finding, Outcome, Seen, Status, passed
from k8s_tutor.errors import UsageError
from k8s_tutor.grading import rules
from k8s_tutor.grading.alike import alike
from k8s_tutor.grading.capacity import Room, most_pods, quantity
from k8s_tutor.grading.collect import collect, only_lab
from k8s_tutor.grading.elsewhere import by_form
from k8s_tutor.grading.roster import parse
from k8s_tutor.grading.store import Store
from k8s_tutor.grading.submission import Submission, read
from k8s_tutor.labs.loader import load
from k8s_tutor.reports.grades.report import Deed, Graded, Notice
from k8s_tutor.reports.report import Report, Row

LAB1, LAB2 = load("lab1"), load("lab2")


# The roster.


@pytest.mark.parametrize(
    "text",
    ["name,username\nAda,ada\n", "name;username\r\nAda;ada\r\n", "\ufeffname\tusername\nAda\tada\n".lstrip("\ufeff")],
)
def test_a_roster_is_read_whatever_its_separator(text: str) -> None:
    roster = parse(text, "r.csv")
    assert roster.columns == ("name", "username")
    assert roster.rows == {"ada": {"name": "Ada", "username": "ada"}}


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "r.csv is empty"),
        ("a,a\n1,2\n", "r.csv:1: a column without a name, or two of one name"),
        ("name,username\nAda\n", "r.csv:2: 1 columns, the header has 2"),
        ("name,username\nAda,ada\nBen,ada\n", "r.csv:3: ada stands there twice"),
        ("name,username\nAda,\n", "r.csv:2: the column username is empty"),
    ],
)
def test_what_is_wrong_with_a_roster_is_told_by_its_line(text: str, words: str) -> None:
    with pytest.raises(UsageError) as error:
        parse(text, "r.csv")
    assert words in error.value.message


# The folders.


def make(base: Path, *students: str, lab: str = "lab1") -> None:
    for student in students:
        (base / student / lab).mkdir(parents=True)
        (base / student / lab / "nginx-pod.yaml").write_text("kind: Pod\n")


def test_a_path_is_one_student_or_many(tmp_path: Path) -> None:
    make(tmp_path, "ben", "ada")
    assert [found.student for found in collect([tmp_path], LAB1)] == ["ada", "ben"]
    assert [found.student for found in collect([tmp_path / "ben"], LAB1)] == ["ben"]
    assert [found.student for found in collect([tmp_path / "ben/lab1"], LAB1)] == ["lab1"]


def test_the_roster_orders_and_knows_who_is_missing(tmp_path: Path) -> None:
    make(tmp_path, "ada", "guest")
    found = collect([tmp_path], LAB1, parse("username\ncy\nada\n", "r"))
    assert [(each.student, each.folder is not None) for each in found] == [
        ("cy", False),
        ("ada", True),
        ("guest", True),
    ]


def test_two_of_one_name_and_none_at_all_are_errors(tmp_path: Path) -> None:
    make(tmp_path / "a", "ada")
    make(tmp_path / "b", "ada")
    with pytest.raises(UsageError, match="two submissions are named ada"):
        collect([tmp_path / "a", tmp_path / "b"], LAB1)
    (tmp_path / "none").mkdir()
    with pytest.raises(UsageError, match="no submission"):
        collect([tmp_path / "none"], LAB1)
    with pytest.raises(UsageError, match="is no folder"):
        collect([tmp_path / "nowhere"], LAB1)


def test_a_link_to_another_students_folder_is_nobodys_submission(tmp_path: Path) -> None:
    make(tmp_path, "ada")
    (tmp_path / "eve").symlink_to(tmp_path / "ada")
    assert [found.student for found in collect([tmp_path], LAB1)] == ["ada"]


def test_the_lab_is_the_one_that_was_handed_in(tmp_path: Path) -> None:
    make(tmp_path, "ada", lab="lab2")
    assert only_lab([tmp_path], ("lab1", "lab2")) == "lab2"
    make(tmp_path, "ben")
    with pytest.raises(UsageError, match="several labs"):
        only_lab([tmp_path], ("lab1", "lab2"))


# What is kept.


def a_result(submission: Submission) -> Graded:
    finding = Finding(
        "r", "e", "o", "kubectl get pods", (Seen("f.yaml", "spec", "1", 3),), Cause("wrong-image", "t", "l")
    )
    rows = (
        Row("s", "S", "good", "Good", passed("yes", "fact", data={"n": 1})),
        Row("s", "S", "bad", "Bad", Outcome(Status.FAIL, "no", finding), points=2, visibility="hidden"),
    )
    report = Report("lab1", "A Pod", LAB1.hash, "c", "ns", 1.0, 2.0, rows, __version__)
    return Graded(
        submission.student,
        report,
        (Notice("f.yaml", 3, "m", "r", True),),
        (Deed("s", "apply", 0, "ok", 0.1),),
        submission.digest,
    )


@pytest.fixture
def submission(tmp_path: Path) -> Submission:
    make(tmp_path, "ada")
    return read(tmp_path / "ada", LAB1, "ada")


def test_a_result_comes_back_as_it_was(tmp_path: Path, submission: Submission) -> None:
    store = Store(LAB1, [tmp_path], tmp_path / "kept")
    store.keep(a_result(submission))
    again = store.kept(submission, {"section": "A"})
    assert again == replace(a_result(submission), roster={"section": "A"})


def test_a_result_of_another_submission_lab_or_version_does_not(
    tmp_path: Path, submission: Submission, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = Store(LAB1, [tmp_path], tmp_path / "kept")
    store.keep(a_result(submission))
    assert store.kept(replace(submission, digest="f" * 64), {}) is None
    assert Store(replace(LAB1, hash="other"), [tmp_path], tmp_path / "kept").kept(submission, {}) is None
    monkeypatch.setattr("k8s_tutor.grading.store.__version__", "0.0.0")
    assert store.kept(submission, {}) is None


def test_what_broke_is_graded_again_and_a_torn_file_is_none(tmp_path: Path, submission: Submission) -> None:
    store = Store(LAB1, [tmp_path], tmp_path / "kept")
    whole = a_result(submission)
    store.keep(replace(whole, report=replace(whole.report, trouble="no cluster")))
    assert store.kept(submission, {}) is None
    store.keep(whole)
    (file,) = store.folder.iterdir()
    file.write_text(file.read_text()[:100])
    assert store.kept(submission, {}) is None
    assert file.stat().st_mode & 0o077 == 0


# Room.


@pytest.mark.parametrize(
    ("text", "value"), [("250m", 0.25), ("2", 2.0), ("16Mi", 16 * 2**20), ("1k", 1000.0), ("x", 0.0), (None, 0.0)]
)
def test_quantities(text: Any, value: float) -> None:
    assert quantity(text) == value


def test_never_more_side_by_side_than_fits() -> None:
    assert most_pods(LAB2) == 10
    whole = Room(pods=200, cpu=2.0, memory=2**34, cores=2.0, each=14)
    assert (whole.fits, whole.jobs) == (14, 10)
    assert replace(whole, pods=100).jobs == 7
    assert replace(whole, cpu=0.06).fits == 2
    assert replace(whole, memory=2**29).fits == 2
    assert replace(whole, pods=3).jobs == 1


# Answers that only the student's own cluster could tell.


def spec(check: str) -> Any:
    return next(each for each in LAB1.checks if each.id == check)


@pytest.mark.parametrize(
    ("check", "answer", "status"),
    [
        ("pod-ip", "10.244.0.7", "pass"),
        ("pod-ip", "http://[fd00::7]/", "pass"),
        ("pod-ip", "0.0.0.0", "fail"),
        ("pod-ip", "nginx-pod", "fail"),
        ("pod-ip", "", "fail"),
        ("age-gap", "1m15s", "pass"),
        ("age-gap", "0", "fail"),
        ("age-gap", "soon", "fail"),
        ("pod-event", "Pulling", "pass"),
        ("pod-event", "Evicted", "fail"),
    ],
)  # fmt: skip
def test_their_form_is_judged(check: str, answer: str, status: str) -> None:
    outcome = by_form(spec(check), answer)
    assert outcome is not None and outcome.status == status
    assert status == "fail" or "only the student's own cluster could tell" in outcome.facts[0]


def test_all_others_are_left_to_the_cluster() -> None:
    assert by_form(spec("container-name"), "web") is None
    assert by_form(spec("pod-ready"), None) is None


# Who is alike.


def test_a_copy_is_listed_and_the_labs_own_words_are_not(tmp_path: Path) -> None:
    own = LAB1.manifests[0].text
    copied = own.replace("name: nginx-pod", "name: nginx-pod # my very own remark").replace(
        "app: nginx", "app: nginx\n    colour: teal\n    year: 'one'"
    )
    for student, text in {"ada": own, "ben": own, "cy": own, "eve": copied, "fay": copied + "\n"}.items():
        (tmp_path / student / "lab1").mkdir(parents=True)
        (tmp_path / student / "lab1/nginx-pod.yaml").write_text(text)
    pairs = alike([read(tmp_path / each, LAB1, each) for each in ("ada", "ben", "cy", "eve", "fay")], LAB1)
    assert [(pair.one, pair.other) for pair in pairs] == [("eve", "fay")]
    assert pairs[0].share == 1.0


# What a submission's namespace is given.


def test_every_object_lies_in_the_namespace_and_goes_with_it() -> None:
    made = rules.objects("ns")
    assert {item["metadata"]["namespace"] for item in made} == {"ns"}
    assert [item["kind"] for item in made] == [
        "ServiceAccount", "Role", "RoleBinding", "ResourceQuota", "LimitRange", "NetworkPolicy",
    ]  # fmt: skip
    labels = rules.namespace_labels("run")
    assert labels["pod-security.kubernetes.io/enforce"] == "baseline"
    assert labels["pod-security.kubernetes.io/warn"] == "restricted"
    verbs = {verb for rule in rules.WORK_RULES for verb in rule["verbs"] if "pods/exec" in rule["resources"]}
    assert not verbs
