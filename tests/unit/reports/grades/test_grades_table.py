from __future__ import annotations

import csv
import io
from dataclasses import replace

from grades_sample import CLASS, CUT, EMPTY, REPORTS, TWINS

from k8s_tutor.reports.grades.table import TableReporter


def read(report) -> list[list[str]]:
    text = TableReporter().render(report)
    assert text.endswith("\r\n") and "\n" not in text.replace("\r\n", "")
    return list(csv.reader(io.StringIO(text, newline=""), strict=True))


def test_the_roster_comes_first_then_the_points():
    head, ada, bob, *_ = read(CLASS)
    assert head == [
        "id", "group", "'=cmd()", "name", "student", "status", "score", "max_score",
        "lab2-ready", "lab2-service", "lab2-hidden", "lab2-late", "lab2-lb", "notices", "submission", "seed",
    ]  # fmt: skip
    line = dict(zip(head, ada, strict=True))
    assert (line["id"], line["student"], line["status"], line["score"]) == ("id-ada", "ada", "pass", "15")
    assert dict(zip(head, bob, strict=True))["lab2-ready"] == "0"


def test_what_was_not_observed_is_empty_never_nought():
    head, *lines = read(CLASS)
    found = {line[head.index("student")]: dict(zip(head, line, strict=True)) for line in lines}
    assert found["dan"]["lab2-ready"] == found["dan"]["score"] == "" and found["dan"]["status"] == "error"
    assert found["eve"]["lab2-service"] == "" and found["eve"]["lab2-ready"] == "1"
    assert found["hal"]["status"] == "not graded" and found["hal"]["score"] == ""
    assert "pod.yaml:12: hostPath is not allowed" in found["fay"]["notices"]


def test_every_line_has_as_many_cells_and_none_is_a_formula():
    for report in REPORTS:
        lines = read(report)
        assert len({len(line) for line in lines}) == 1
        assert len(lines) == 1 + len(report.students) + len(report.unfinished)
        assert not [cell for line in lines for cell in line if cell[:1] in ("=", "+", "-", "@", "\t", "\r")]
    wicked = read(CLASS)[7]
    assert wicked[1:3] == ["'+1", "'@SUM(1)"]


def test_an_empty_class_has_a_head():
    assert read(EMPTY)[0][:2] == ["student", "status"]
    assert read(CUT)[1][:2] == ["ada", "not graded"]
    assert len(read(TWINS)) == 7


def test_a_seed_is_told_once_and_only_where_somebody_has_one():
    head, ada, *_ = read(CLASS)
    assert (head[-1], ada[-1]) == ("seed", "7f3a")
    assert "seed" not in read(TWINS)[0]
    ada = replace(CLASS.students[0], roster={"Seed": "7f3a"})
    assert read(replace(CLASS, students=(ada,)))[0].count("seed") == 0
