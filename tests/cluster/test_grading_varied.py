"""A class in which each student has a variant: right work gets every point, somebody else's is found to be that."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import pytest
from corpus import Case, answers, edited

from k8s_tutor import paths
from k8s_tutor.cli import main as cli
from k8s_tutor.clusters.provider import Cluster
from k8s_tutor.grading.collect import collect
from k8s_tutor.grading.run import ClassRun, Wanted
from k8s_tutor.grading.store import Store
from k8s_tutor.grading.variants import Variants
from k8s_tutor.labs.loader import load
from k8s_tutor.labs.model import Lab
from k8s_tutor.reports.grades.report import ClassReport

SECRET = b"a secret of the class"
GREETING = Path(__file__).parents[1] / "fixtures" / "labs" / "greeting"
NAMES = [f"student-{number}" for number in range(200)]


def who(lab: str | Path, **chosen: object) -> str:
    """A student whose variant has these values."""
    variants = Variants(load(lab), SECRET)
    return next(name for name in NAMES if chosen.items() <= variants.lab(name).variant.items())


def pod(lab: Lab) -> dict[str, str]:
    """Lab 1 as this variant has it in the end."""
    return {
        "nginx-pod.yaml": edited(lab.manifests[0].text, ("image: nginx ", "image: nginx:1.20.1 ")),
        "answers.yaml": answers("lab1"),
    }


def deployment(lab: Lab) -> dict[str, str]:
    """Lab 2 as this variant has it in the end: scaled in the file, the rest by commands."""
    given = lab.variant
    commands = [
        f"kubectl delete pod {given['deployment']}-648fb66cc5-zppz4",
        f"kubectl run {given['pod']} --image=nginx --labels=app=nginx",
        f"kubectl delete pod {given['pod']}",
        f"kubectl expose deployment {given['deployment']} --name={given['service']} "
        f"--port={given['port']} --target-port=80",
    ]
    counts = (f"replicas: {given['first']} ", f"replicas: {given['second']} ")
    return {
        "nginx-deploy.yaml": edited(lab.manifests[0].text, counts),
        "answers.yaml": answers("lab2"),
        "commands.txt": "\n".join(commands),
    }


def graded(cluster: Cluster, lab: str | Path, cases: Sequence[Case], folder: Path) -> ClassReport:
    """The class of these cases, each by the variant of its own."""
    whole = load(lab)
    for case in cases:
        case.write(folder / "class")
    variants = Variants(whole, SECRET)
    wanted = Wanted(whole, collect([folder / "class"], whole), variants=variants)
    store = Store(whole, [folder], folder / "store")
    report = ClassRun(wanted, store, lambda _progress: None, lambda _note: None).run(cluster)
    assert not report.unfinished and not report.trouble
    assert {each.student: each.seed for each in report.students} == {
        case.name: variants.seed(case.name) for case in cases
    }
    assert {each.report.hash for each in report.students} == {whole.hash}
    return report


def lost(report: ClassReport) -> dict[str, dict[str, str]]:
    """Student -> required checks that do not pass, each with the cause that is told, or its status."""
    found: dict[str, dict[str, str]] = {}
    for each in report.students:
        found[each.student] = {
            row.check_id: row.outcome.finding.cause.id
            if row.outcome.finding and row.outcome.finding.cause
            else str(row.status)
            for row in each.report.rows
            if row.status != "pass" and not row.optional
        }
    return found


def test_lab1_each_by_the_name_that_was_given(cluster: Cluster, tmp_path: Path) -> None:
    """Three are right under three names; who handed in another's file has a Pod that nobody asked for."""
    right = [who("lab1", pod=name) for name in ("nginx-pod", "front-pod", "hello-pod")]
    copier = who("lab1", pod="store-pod")
    variants = Variants(load("lab1"), SECRET)
    cases = [Case(name, "lab1", pod(variants.lab(name))) for name in right]
    cases.append(Case(copier, "lab1", pod(variants.lab(right[1]))))
    report = graded(cluster, "lab1", cases, tmp_path)
    found = lost(report)
    assert [found.pop(name) for name in right] == [{}, {}, {}]
    # Right in the file but for its name; and nobody has seen the Pod that was asked for.
    after = ("pod-ready", "container-name", "container-image", "pod-event", "pod-ip", "page-fetched", "age-gap")
    skipped = dict.fromkeys((*after, "image-changed"), "skipped")
    assert found == {copier: {"pod-file": "wrong-name", "pod-exists": "not-applied", **skipped}}
    result = next(each for each in report.students if each.student == copier)
    assert (result.score, result.max_score) == (1, 11)
    told = next(row.outcome.finding for row in result.report.rows if row.check_id == "pod-file")
    assert told is not None and told.cause is not None
    assert told.cause.text == "the Pod is named front-pod, not store-pod"


def test_lab2_each_by_names_and_counts(cluster: Cluster, tmp_path: Path) -> None:
    """One is right; one took another's counts and port over under the names of their own."""
    right = who("lab2", first=4, second=8, port=8080)
    copier = who("lab2", first=5, second=10, port=80)
    variants = Variants(load("lab2"), SECRET)
    files = deployment(variants.lab(right))
    own, others = variants.lab(copier).variant, variants.lab(right).variant
    names = [(str(others[key]), str(own[key])) for key in ("deployment", "service", "pod")]
    copied = dict(files)
    for name, text in files.items():
        for old, new in names:
            copied[name] = copied[name].replace(old, new) if old in text else copied[name]
    report = graded(cluster, "lab2", [Case(right, "lab2", files), Case(copier, "lab2", copied)], tmp_path)
    found = lost(report)
    assert found.pop(right) == {}
    # Five were asked for, then ten; the file says eight. What it says before it was scaled is taken for right.
    fewer = dict.fromkeys(("scaled", "ten-ready"), "too-few-replicas")
    assert found == {copier: {"deploy-file": "field-value", **fewer, "service-selects": "wrong-port"}}
    result = next(each for each in report.students if each.student == copier)
    assert result.score == result.max_score - 4
    told = next(row.outcome.finding for row in result.report.rows if row.check_id == "deploy-file")
    assert told is not None and told.cause is not None
    assert told.cause.text == "spec.replicas is 8, not 5 or 10"
    row = next(row for row in result.report.rows if row.check_id == "scaled")
    assert row.title == "Five pods were kept, five are new"


def test_each_serves_the_page_that_was_given(cluster: Cluster, tmp_path: Path) -> None:
    """A lab of an author's own in which what the page says varies: another student's page is found to be that."""
    greetings = [f"Welcome to the {place}!" for place in ("house", "river", "shore")]
    right = [who(GREETING, greeting=greeting) for greeting in greetings]
    variants = Variants(load(GREETING), SECRET)
    copier = next(
        name for name in NAMES if name not in right and variants.lab(name).variant["greeting"] == greetings[2]
    )
    files = {
        name: {manifest.name: manifest.text for manifest in variants.lab(name).manifests} for name in (*right, copier)
    }
    files[copier] = files[right[1]]
    report = graded(cluster, GREETING, [Case(name, "greeting", files[name]) for name in files], tmp_path)
    found = lost(report)
    assert [found.pop(name) for name in right] == [{}, {}, {}]
    assert found == {copier: {"page": "other-page"}}
    result = next(each for each in report.students if each.student == copier)
    assert (result.score, result.max_score) == (1, 3)
    told = next(row.outcome.finding for row in result.report.rows if row.check_id == "page")
    assert told is not None
    assert told.expected == "“Welcome to the shore!” in the answer of pod web"
    assert told.observed == "it begins “Welcome to the river!”"


def test_a_result_is_kept_for_its_seed_only(
    cluster: Cluster, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """By the command line, with seeds in the roster: the report bears them, ``--resume`` takes over what they allow."""
    known = paths.state_dir() / "clusters"
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    paths.state_dir().mkdir(parents=True)
    (paths.state_dir() / "clusters").symlink_to(known)
    seeds = [f"s-{number}" for number in range(99)]
    front, store = (
        next(seed for seed in seeds if load("lab1", seed=seed).variant["pod"] == name)
        for name in ("front-pod", "store-pod")
    )
    Case("ada", "lab1", pod(load("lab1", seed=front))).write(tmp_path / "class")
    argv = ["grade", str(tmp_path / "class"), "--lab", "lab1", "--cluster", cluster.name, "--resume"]
    argv += ["--roster", str(tmp_path / "roster.csv"), "--report", f"json={tmp_path / 'out.json'}"]
    told = []
    for seed in (front, front, store):
        (tmp_path / "roster.csv").write_text(f"username,seed\nada,{seed}\n")
        code = cli.main(argv)
        (student,) = json.loads((tmp_path / "out.json").read_text())["students"]
        assert student["seed"] == seed
        told.append((code, student["score"], "(kept)" in capsys.readouterr().err))
    assert told == [(0, 11, False), (0, 11, True), (1, 1, False)]
