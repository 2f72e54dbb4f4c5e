"""The grader on a real cluster: right submissions get every point, wrong ones lose what they deserve, hostile nothing.

Each lab's cases are one class, graded side by side as a class is.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
from corpus import Case
from corpus_hostile import HOSTILE
from corpus_right import RIGHT
from corpus_wrong import WRONG
from native_helpers import Kubectl

from k8s_tutor.clusters.provider import Cluster
from k8s_tutor.grading.collect import collect
from k8s_tutor.grading.rules import GRADE
from k8s_tutor.grading.run import ClassRun, Wanted
from k8s_tutor.grading.store import Store
from k8s_tutor.labs.loader import load
from k8s_tutor.reports.grades.report import Graded

Grade = Callable[[Sequence[Case]], dict[str, Graded]]
MANY = 10
"""Side by side: most of a wrong submission's time is waiting."""


def graded(cluster: Cluster, cases: Sequence[Case], folder: Path) -> dict[str, Graded]:
    """The class of these cases, by name."""
    lab = load(cases[0].lab)
    for case in cases:
        case.write(folder / "class")
    wanted = Wanted(lab, collect([folder / "class"], lab), jobs=MANY)
    run = ClassRun(wanted, Store(lab, [folder], folder / "store"), lambda _progress: None, lambda _note: None)
    report = run.run(cluster)
    assert not report.unfinished
    return {each.student: each for each in report.students}


def lost(result: Graded, case: Case) -> dict[str, str]:
    """The checks that do not pass, each with the cause that is told, or its status."""
    found = {}
    for row in result.report.rows:
        if row.status != "pass" and not row.optional and row.check_id not in case.unsure:
            finding = row.outcome.finding
            found[row.check_id] = finding.cause.id if finding and finding.cause else str(row.status)
    return found


def same(found: dict[str, str], wanted: Case) -> bool:
    """``a|b`` in what is wanted: two causes are true, and which is told first is a matter of time."""
    return found.keys() == wanted.lost.keys() and all(found[key] in wanted.lost[key].split("|") for key in found)


@pytest.mark.parametrize("lab", ["lab1", "lab2"])
def test_right_and_wrong_submissions_get_what_they_deserve(cluster: Cluster, tmp_path: Path, lab: str) -> None:
    """Not one point more or less, each loss with its reason; the points add up."""
    cases = [case for case in (*RIGHT, *WRONG) if case.lab == lab]
    results = graded(cluster, cases, tmp_path)
    wrong = {}
    for case in cases:
        result = results[case.name]
        found = lost(result, case)
        if not same(found, case) or result.report.trouble:
            wrong[case.name] = {"found": found, "wanted": dict(case.lost), "trouble": result.report.trouble}
    assert not wrong
    for case in cases:
        result = results[case.name]
        if not case.lost:
            assert (result.word, result.score) == ("pass", result.max_score), case.name
        elif not case.unsure:
            assert result.score == result.max_score - len(case.lost), case.name
        assert result.digest
        assert result.report.namespace


def test_hostile_submissions_are_refused_and_harm_nobody(cluster: Cluster, tmp_path: Path) -> None:
    """Among them sits somebody who did everything right. Nothing of it all is left."""
    admin = Kubectl(cluster, "default")
    before = admin("get", "clusterroles,clusterrolebindings,nodes,namespaces", "-o", "name")
    for lab in ("lab1", "lab2"):
        innocent = next(case for case in RIGHT if case.lab == lab)
        cases = [case for case in HOSTILE if case.lab == lab]
        results = graded(cluster, [*cases, innocent], tmp_path / lab)
        assert (results[innocent.name].word, results[innocent.name].score) == ("pass", results[innocent.name].max_score)
        for case in cases:
            result = results[case.name]
            told = [f"{notice.where}: {notice.message}" for notice in result.notices]
            for words in case.refused:
                assert any(words in each for each in told), (case.name, words, told)
            assert not result.report.trouble, (case.name, result.report.trouble)
            assert all(text.isprintable() for text in told), case.name
    left = admin("get", "namespaces", "-l", GRADE, "--field-selector=status.phase=Active", "-o", "name")
    assert left.split() == []
    after = admin("get", "clusterroles,clusterrolebindings,nodes", "-o", "name").split()
    assert not set(after) - set(before.split())


def test_the_corpus_is_as_large_as_it_says() -> None:
    """At least forty right, sixty wrong, thirty hostile; no two of one name."""
    assert (len(RIGHT) >= 40, len(WRONG) >= 60, len(HOSTILE) >= 30) == (True, True, True)
    names = [(case.lab, case.name) for case in (*RIGHT, *WRONG, *HOSTILE)]
    assert len(set(names)) == len(names)
