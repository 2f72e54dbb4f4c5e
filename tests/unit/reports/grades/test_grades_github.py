from __future__ import annotations

import re
from dataclasses import replace
from html.parser import HTMLParser

from grades_sample import ALONE, CLASS, EMPTY, NASTY, REPORTS, WICKED, big

from k8s_tutor.reports.grades.github import MOST, ROOM, AnnotationsReporter, SummaryReporter, annotation

# Workflow commands of GitHub Actions: properties hold no ":" "," and no line end, the message no line end.
COMMAND = re.compile(
    r"::(error|warning|notice)( (?:(?:file|line|title)=[^:,\r\n]*)(?:,(?:file|line|title)=[^:,\r\n]*)*)?::(.*)"
)


def test_escaping_is_that_of_workflow_commands():
    assert annotation("error", "50 %\nnext", title="a: b, c", file="x,y.yaml", line=9) == (
        "::error file=x%2Cy.yaml,line=9,title=a%3A b%2C c::50 %25%0Anext"
    )
    assert annotation("notice", "plain") == "::notice::plain"
    assert annotation("error", "no file", line=3) == "::error::no file"


def test_every_line_is_one_command_and_few_of_a_kind():
    wide = replace(CLASS, students=tuple(replace(WICKED, student=f"s{n}") for n in range(50)))
    for report in (*REPORTS, big(30, 40), wide):
        lines = AnnotationsReporter().render(report).splitlines()
        kinds = []
        for line in lines:
            match = COMMAND.fullmatch(line)
            assert match, line
            assert not re.search(r"%(?!25|0A|0D|3A|2C)", line), line
            kinds.append(match[1])
        assert lines and kinds[-1] == "notice"
        assert all(kinds.count(kind) <= MOST for kind in kinds)
    assert "31 more are not shown" in AnnotationsReporter().render(big(30, 40))


def test_one_students_failure_points_into_the_file():
    lines = AnnotationsReporter().render(ALONE).splitlines()
    assert lines[0].startswith(
        "::error file=nginx-service.yaml,line=9,title=lab2-ready%3A three pods are ready::2 of 3"
    )
    assert "%0Aexpected: 10 pods answer" in lines[0]
    assert not any("lab2-lb" in line for line in lines), "an optional check is no error"


def test_a_class_is_gathered_by_check():
    text = AnnotationsReporter().render(CLASS)
    errors = [line for line in text.splitlines() if line.startswith("::error")]
    service = next(line for line in errors if "lab2-service" in line)
    assert "2 students: cleo and fay" in service
    assert "not graded: hal" in text and "file=pod.yaml,line=12" in text
    assert "::notice title=k8s-tutor lab2::10 students: 1 pass, 3 fail" in text


def test_a_file_is_named_from_where_the_instructor_stands():
    report = replace(ALONE, students=(replace(ALONE.students[0], folder="class/bob/lab2"),))
    places = {line.split("file=")[1].partition(",")[0] for line in AnnotationsReporter().render(report).splitlines()
              if "file=" in line}  # fmt: skip
    assert "class/bob/lab2/nginx-service.yaml" in places
    assert all("/" in place for place in places)


class Folds(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.seen: set[str] = set()

    def handle_starttag(self, tag, attrs):
        assert not attrs
        self.seen.add(tag)
        self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag


def test_a_summary_starts_small_folds_and_stays_text():
    for report in REPORTS:
        text = SummaryReporter().render(report)
        assert text.startswith("### ") and "\n# " not in text and "\n## " not in text
        folds = Folds()
        folds.feed(text)
        assert not folds.open and folds.seen <= {"details", "summary"}
        assert "https://evil" not in text and "@everyone" not in text
    assert "<details><summary>bob: 0/15</summary>" in SummaryReporter().render(CLASS)
    assert "?" in SummaryReporter().render(EMPTY).splitlines()[0]


def test_a_summary_is_bounded_in_bytes_and_says_what_is_left_out():
    report = big(2000, text="名" * 300)
    text = SummaryReporter().render(report)
    assert len(text.encode()) <= ROOM
    assert re.search(r"\n\d+ more\n", text)
    folds = Folds()
    folds.feed(text)
    assert not folds.open
    tiny = SummaryReporter(room=4000).render(report)
    assert len(tiny.encode()) <= 4000 and " more | | |" in tiny


def test_a_table_keeps_its_cells():
    rows = [line for line in SummaryReporter().render(CLASS).splitlines() if line.startswith("|")]
    assert {line.replace("\\|", "").count("|") for line in rows} == {5}
    assert NASTY not in "".join(rows)
