"""Who has which variant, and that all of a run goes by it: what is read, replayed, kept, counted, compared, told."""

from __future__ import annotations

import csv
import io
from dataclasses import replace
from pathlib import Path

import pytest

from k8s_tutor import __version__
from k8s_tutor.checks.outcome import passed
from k8s_tutor.cli import main as cli
from k8s_tutor.errors import LabError, UsageError
from k8s_tutor.grading.alike import alike
from k8s_tutor.grading.capacity import most_pods
from k8s_tutor.grading.collect import Found
from k8s_tutor.grading.judge import row_of
from k8s_tutor.grading.plan import Apply, Run, plan
from k8s_tutor.grading.roster import parse
from k8s_tutor.grading.run import Wanted
from k8s_tutor.grading.store import Store
from k8s_tutor.grading.submission import Submission, read
from k8s_tutor.grading.variants import Variants, read_secret
from k8s_tutor.labs import vary
from k8s_tutor.labs.loader import find, load
from k8s_tutor.labs.model import Lab
from k8s_tutor.labs.vary import seed_of
from k8s_tutor.reports.grades.report import ClassReport, Graded
from k8s_tutor.reports.report import Report

SECRET = b"a secret of the class"
LAB1, LAB2 = load("lab1"), load("lab2")
SEEDS = [str(number) for number in range(300)]


def seeds_of(lab: str, number: int, **values: object) -> list[str]:
    """Seeds that choose these values."""
    variation = vary.read(find(lab).read_text(), lab)
    found = [seed for seed in SEEDS if values.items() <= variation.variant(lab, seed).chosen.items()]
    assert len(found) >= number
    return found[:number]


# Who has which.


def test_a_secret_gives_each_student_a_seed() -> None:
    variants = Variants(LAB2, SECRET)
    assert variants.seed("ada") == seed_of(SECRET, "ada") != variants.seed("ben")
    assert variants.lab("ada") == load("lab2", seed=variants.seed("ada"))
    assert variants.lab("ada") is variants.lab("ada")
    assert Variants(LAB2, b"another secret of it").seed("ada") != variants.seed("ada")
    # One seed for all labs of a course: the student types the same one.
    assert Variants(LAB1, SECRET).seed("ada") == variants.seed("ada")


def test_the_roster_gives_seeds_where_there_is_no_secret() -> None:
    roster = parse("username,Seed,group\nada,s-1,A\nben,,A\n", "r.csv")
    told = Variants(LAB2, roster=roster)
    assert [told.lab(student).seed for student in ("ada", "ben", "guest")] == ["s-1", "", ""]
    assert told.lab("ben") is LAB2
    assert Variants(LAB2, SECRET, roster).seed("ada") == seed_of(SECRET, "ada")


def test_without_secret_and_seeds_everybody_has_the_lab_itself() -> None:
    plain = Variants(LAB2, roster=parse("username\nada\n", "r.csv"))
    assert plain.lab("ada") is LAB2
    assert Wanted(LAB2, [Found("ada", None)]).lab_of("ada") is LAB2


def test_a_roster_with_a_seed_that_is_none_is_refused() -> None:
    with pytest.raises(UsageError, match="the roster's seed of ada: 'a b' is no seed"):
        Variants(LAB2, roster=parse("username,seed\nada,a b\n", "r.csv"))


@pytest.mark.parametrize(
    ("content", "words"),
    [(None, "cannot be read"), (b"", "has 0 characters"), (b" fifteen letters \n", "15 characters")],
)
def test_a_secret_that_is_none_is_refused(tmp_path: Path, content: bytes | None, words: str) -> None:
    path = tmp_path / "secret"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(UsageError, match=words):
        read_secret(path)


def test_blanks_around_a_secret_do_not_count(tmp_path: Path) -> None:
    (tmp_path / "secret").write_bytes(b"\n" + SECRET + b" \r\n")
    assert read_secret(tmp_path / "secret") == SECRET


def test_a_lab_without_variants_takes_no_secret() -> None:
    with pytest.raises(UsageError, match="lab1 has no variants"):
        Variants(replace(LAB1, variant={}), SECRET)
    # A roster may have such a column for other reasons.
    assert Variants(replace(LAB1, variant={}), roster=parse("id,seed\nada,a b\n", "r")).seed("ada") == ""


def test_a_lab_that_broke_meanwhile_is_told(tmp_path: Path) -> None:
    with pytest.raises(LabError):
        Variants(replace(LAB1, folder=tmp_path), SECRET).lab("ada")


# What goes by it.


def handed_in(base: Path, student: str, lab: Lab, files: dict[str, str]) -> Submission:
    (base / student / lab.id).mkdir(parents=True)
    for name, text in files.items():
        (base / student / lab.id / name).write_text(text)
    return read(base / student, lab, student)


def right(lab: Lab, **edits: str) -> dict[str, str]:
    """Lab 2 as its variant asks for it; ``scaled`` puts the last count into the file as well."""
    given = lab.variant
    commands = [
        f"kubectl run {given['pod']} --image=nginx --labels=app=nginx",
        f"kubectl delete pod {given['pod']}",
        f"kubectl scale deployment {given['deployment']} --replicas={given['second']}",
        f"kubectl expose deployment {given['deployment']} --name={given['service']} "
        f"--port={given['port']} --target-port=80",
    ]
    return {"nginx-deploy.yaml": lab.manifests[0].text, "commands.txt": "\n".join(commands), **edits}


def test_a_replay_begins_with_the_variants_own_value(tmp_path: Path) -> None:
    """The file as it is in the end has the second count; what is applied first has the student's first one."""
    (seed,) = seeds_of("lab2", 1, first=5, second=8)
    lab = load("lab2", seed=seed)
    scaled = lab.manifests[0].text.replace("replicas: 5", "replicas: 8")
    submission = handed_in(tmp_path, "ada", lab, right(lab, **{"nginx-deploy.yaml": scaled}))
    assert submission.problems == () or all("answers" in each.file for each in submission.problems)
    turns = {turn.step.id: turn.deeds for turn in plan(lab, submission)}
    (first,) = turns["apply"]
    assert isinstance(first, Apply) and '"replicas": 5' in first.text
    assert [do.command.argv[0] for do in turns["bare"] if isinstance(do, Run)] == ["run", "delete"]
    assert [do.command.argv[0] for do in turns["scale"] if isinstance(do, Run)] == ["scale"]
    assert [do.command.argv[0] for do in turns["expose"] if isinstance(do, Run)] == ["expose"]


def test_room_is_counted_by_the_largest_variant() -> None:
    assert [most_pods(load("lab2", seed=seeds_of("lab2", 1, second=many)[0])) for many in (8, 9, 10)] == [8, 9, 10]


def a_result(lab: Lab, submission: Submission) -> Graded:
    rows = tuple(
        row_of(lab, step.id, step.title, spec, passed("it is so", "fact")) for step in lab.steps for spec in step.checks
    )
    report = Report(lab.id, lab.title, lab.hash, "c", "ns", 1.0, 1.0, rows, __version__)
    return Graded(submission.student, report, digest=submission.digest, seed=lab.seed)


def test_a_result_of_another_variant_is_not_kept(tmp_path: Path) -> None:
    lab = load("lab2", seed="one")
    submission = handed_in(tmp_path, "ada", lab, right(lab))
    store = Store(LAB2, [tmp_path], tmp_path / "kept")
    result = a_result(lab, submission)
    store.keep(result)
    assert store.kept(submission, {}, "one") == result
    assert store.kept(submission, {}, "two") is None
    assert store.kept(submission, {}) is None


def test_what_a_variant_asks_for_makes_nobody_alike(tmp_path: Path) -> None:
    """Five of one variant did as the lab says; two more have a remark in common, and other variants."""
    (few,) = seeds_of("lab2", 1, deployment="front-deployment", first=4)
    (other,) = seeds_of("lab2", 1, deployment="store-deployment", first=5)
    labs = {name: load("lab2", seed=few) for name in ("a", "b", "c", "d", "e", "eve")}
    labs |= {"fay": load("lab2", seed=other), "gil": LAB2}
    found = []
    for student, lab in labs.items():
        files = right(lab)
        if student in ("eve", "fay"):
            own = "\n".join(f"# a thought of mine, number {number}" for number in range(6))
            files["nginx-deploy.yaml"] = f"{own}\n{files['nginx-deploy.yaml']}"
        found.append(handed_in(tmp_path, student, lab, files))
    pairs = alike(found, LAB2, labs)
    assert [(pair.one, pair.other, pair.share) for pair in pairs] == [("eve", "fay", 1.0)]
    # Compared without the variants, the names that were given look like a copy.
    told = {(pair.one, pair.other) for pair in alike([found[0], found[1], *found[6:]], LAB2)}
    assert ("a", "b") in told


def test_a_report_tells_the_class_the_plain_titles_and_the_student_their_own(tmp_path: Path) -> None:
    (seed,) = seeds_of("lab2", 1, first=5, second=9)
    lab = load("lab2", seed=seed)
    graded = a_result(lab, handed_in(tmp_path, "ada", lab, right(lab)))
    titles = {spec.id: (step.title, spec.title) for step in LAB2.steps for spec in step.checks}
    report = ClassReport("lab2", "t", "h", "v", "c", "u", "k", 0.0, 1.0, (graded,), titles=titles)
    assert next(row for row in report.checks if row.check_id == "scaled").title == "Three pods were kept, seven are new"
    assert next(row for row in report.checks if row.check_id == "scaled").step_title == "Ten of them"
    assert (
        next(row for row in graded.report.rows if row.check_id == "scaled").title == "Five pods were kept, four are new"
    )


# The command lines.


@pytest.fixture
def course(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    (tmp_path / "secret").write_bytes(SECRET)
    (tmp_path / "roster.csv").write_text("name,username\nAda,ada\nBen,ben\n=x,=cmd\n")
    (tmp_path / "ada/lab2").mkdir(parents=True)
    return tmp_path


def test_seeds_prints_what_each_student_is_given(course: Path, capsys: pytest.CaptureFixture[str]) -> None:
    argv = ["seeds", "lab2", "--vary", str(course / "secret"), "--roster", str(course / "roster.csv")]
    assert cli.main(argv) == 0
    told = capsys.readouterr().out
    rows = list(csv.DictReader(io.StringIO(told, newline="")))
    assert list(rows[0]) == ["student", "seed", "deployment", "service", "pod", "port", "first", "second"]
    assert [row["student"] for row in rows] == ["ada", "ben", "'=cmd"]
    assert rows[0]["seed"] == seed_of(SECRET, "ada")
    lab = load("lab2", seed=rows[0]["seed"])
    assert {name: rows[0][name] for name in lab.variant} == {name: str(value) for name, value in lab.variant.items()}
    # It serves as a roster by itself, without the secret.
    assert Variants(LAB2, roster=parse(told, "seeds.csv")).seed("ben") == seed_of(SECRET, "ben")


def test_grade_says_what_is_wrong_with_a_secret(course: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (course / "short").write_text("short")
    assert cli.main(["grade", str(course / "ada"), "--lab", "lab2", "--vary", str(course / "short")]) == 2
    said = capsys.readouterr().err
    assert "has 5 characters; it needs 16 at least" in said and "openssl rand -hex 32" in said
