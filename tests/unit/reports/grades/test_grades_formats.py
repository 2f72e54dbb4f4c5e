"""What holds for every format of a class report: valid for every report, and no hidden finding for students."""

from __future__ import annotations

import json

import pytest
from grades_sample import ALONE, BAD, CLASS, EMPTY, LATER, REPORTS, SECRET, TWINS

from k8s_tutor.errors import UsageError
from k8s_tutor.reports.grades.formats import KINDS, documents, file_names, nobody, per_student, reporter

TOLD = ("junit", "github", "github-summary", "github-autograding", "classroom50", "gradescope", "check50")
"""What a student may read."""


def rendered(kind: str, report, **settings) -> str:
    made = reporter(kind, **settings)
    if not per_student(kind):
        return made.render(report)
    students = report.students or (nobody(report),)
    return "".join(made.render_one(graded, report) for graded in students)


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_renders_every_report(kind):
    for report in REPORTS:
        text = rendered(kind, report)
        assert text.endswith("\n") and not text.endswith("\n\n")
        text.encode("utf-8")  # no lone surrogate
        assert "\x1b" not in text and "\u202e" not in text


@pytest.mark.parametrize("kind", KINDS)
def test_rendering_twice_gives_the_same(kind):
    assert rendered(kind, CLASS) == rendered(kind, CLASS)


@pytest.mark.parametrize("kind", TOLD)
def test_students_read_no_hidden_finding(kind):
    for settings in ({}, {"granularity": "lab"}, {"granularity": "step"}):
        for report in (CLASS, ALONE, TWINS):
            assert SECRET not in rendered(kind, report, **settings)
            assert LATER not in rendered(kind, report, **settings, after_due=False)
    assert LATER in rendered(kind, ALONE)


@pytest.mark.parametrize("kind", sorted(set(KINDS) - set(TOLD) - {"csv"}))
def test_instructors_read_every_finding(kind):
    text = rendered(kind, CLASS)
    assert SECRET in text and LATER in text


def test_an_unknown_kind_or_setting_is_refused_with_the_list():
    for broken in (lambda: reporter("yaml"), lambda: per_student("yaml"), lambda: documents("yaml", "-", CLASS)):
        with pytest.raises(UsageError) as caught:
            broken()
        assert "junit" in caught.value.remedy and "gradescope" in caught.value.remedy
    with pytest.raises(UsageError) as caught:
        reporter("json", colour=True)
    assert "after_due" in caught.value.remedy
    with pytest.raises(UsageError):
        reporter("junit", granularity="class")


def test_a_document_for_each_student_or_one_for_the_class():
    assert list(documents("json", "-", CLASS)) == ["-"]
    names = list(documents("gradescope", "out/{student}.json", CLASS))
    assert names[0] == "out/ada.json" and len(names) == len(CLASS.students)
    assert all(name.count("/") == 1 and ".." not in name for name in names)
    with pytest.raises(UsageError):
        documents("gradescope", "-", CLASS)
    assert json.loads(documents("gradescope", "-", EMPTY)["-"])["tests"] == []
    assert list(documents("check50", "-", ALONE)) == ["-"]


def test_students_with_one_file_name_do_not_share_a_file():
    assert file_names(["a b", "a_b", "A b", "", "../x", "x" * 300, "x" * 400]) == [
        "a_b", "a_b-2", "A_b-3", "_", "_x", "x" * 100, "x" * 100 + "-2"
    ]  # fmt: skip
    assert len(documents("check50", "{student}.json", TWINS)) == len(TWINS.students)
    assert BAD.student == "bob"
