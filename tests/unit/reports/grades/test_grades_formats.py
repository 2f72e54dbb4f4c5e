"""What holds for every format of a class report: valid for every report, and no hidden finding for students."""

from __future__ import annotations

import csv
import io
import json
import xml.etree.ElementTree as ET
from dataclasses import replace

import jsonschema
import pytest
from grades_sample import ALONE, BAD, CLASS, EMPTY, LATER, PLACE, REPORTS, SECRET, TWINS, one
from hypothesis import given, settings
from hypothesis import strategies as st

from k8s_tutor.checks.outcome import Cause, Finding, Outcome, Seen, Status
from k8s_tutor.errors import UsageError
from k8s_tutor.reports.grades.formats import KINDS, documents, file_names, nobody, per_student, reporter
from k8s_tutor.reports.grades.json import schema
from k8s_tutor.reports.grades.report import Alike, Deed, Notice
from k8s_tutor.reports.report import Row

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
    for chosen in ({}, {"granularity": "lab"}, {"granularity": "step"}):
        for report in (CLASS, ALONE, TWINS):
            assert SECRET not in rendered(kind, report, **chosen)
            assert LATER not in rendered(kind, report, **chosen, after_due=False)
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
    assert names[0] == "out/ada.json" and len(names) == len(CLASS.students) + len(CLASS.unfinished)
    late = json.loads(documents("gradescope", "out/{student}.json", CLASS)[f"out/{CLASS.unfinished[0]}.json"])
    assert "before it was graded" in json.dumps(late)
    assert all(name.count("/") == 1 and ".." not in name for name in names)
    with pytest.raises(UsageError):
        documents("gradescope", "-", CLASS)
    assert json.loads(documents("gradescope", "-", EMPTY)["-"])["tests"] == []
    assert list(documents("check50", "-", ALONE)) == ["-"]


def test_students_with_one_file_name_do_not_share_a_file():
    assert file_names(["a b", "a_b", "A b", "", "../x", "x" * 300, "x" * 400]) == [
        "a_b", "a_b-2", "A_b-3", "_", "_x", "x" * 100, "x" * 100 + "-2"
    ]  # fmt: skip
    assert len(documents("check50", "{student}.json", TWINS)) == len(TWINS.students) + len(TWINS.unfinished)
    assert BAD.student == "bob"


ANY = st.text(st.characters(), max_size=40) | st.sampled_from(
    ["", "\x1b[31m", "]]>", "<&\"'", "\ufffe\uffff\x0b", "\ud800", "名前" * 60, "%0A::error::", "|`*_[](x)", "\n# a"]
)


@settings(max_examples=40, deadline=None)
@given(
    words=st.lists(ANY, min_size=12, max_size=12),
    status=st.sampled_from(Status),
    visibility=st.sampled_from(("visible", "hidden", "after_due")),
)
def test_no_text_breaks_a_format(words, status, visibility):
    finding = Finding(
        words[0], *words[1:4], (Seen(words[4], words[5], words[6], 1),), Cause("odd-cause", words[7], words[8])
    )
    needs = status in (Status.FAIL, Status.ERROR, Status.WAITING)
    outcome = Outcome(status, words[9], replace(finding, rule="a rule") if needs else None, (words[10],))
    row = Row(words[11], words[0], "check", words[1], outcome, **PLACE, visibility=visibility)
    student = one(
        words[2], row, replace(row, optional=True), trouble=words[3], seed=words[4],
        notices=(Notice(words[5], 1, words[6], words[7]),), deeds=(Deed(words[8], words[9], 1, words[10]),),
        roster={words[11]: words[0]},
    )  # fmt: skip
    report = replace(
        CLASS, title=words[1], cluster=words[2], trouble=words[3], students=(student, student), notes=(words[4],),
        unfinished=(words[5],), alike=(Alike(words[6], words[2], 2.0),),
    )  # fmt: skip
    for kind in KINDS:
        rendered(kind, report).encode("utf-8")
    jsonschema.validate(json.loads(rendered("json", report)), schema())
    for granularity in ("lab", "step", "check"):
        root = ET.fromstring(rendered("junit", report, granularity=granularity).encode())
        names = [(case.get("classname"), case.get("name")) for case in root.iter("testcase")]
        assert len(set(names)) == len(names) == int(root.attrib["tests"])
    lines = list(csv.reader(io.StringIO(rendered("csv", report), newline=""), strict=True))
    assert len(lines) == 4 and len({len(line) for line in lines}) == 1
    assert all(line.startswith("::") for line in rendered("github", report).splitlines())
