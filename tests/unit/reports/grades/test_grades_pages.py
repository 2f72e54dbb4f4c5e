"""What instructors read: Markdown and the HTML page."""

from __future__ import annotations

import base64
import hashlib
import re
import time
from dataclasses import replace
from html.parser import HTMLParser

import pytest
from grades_sample import ALONE, CLASS, CUT, EMPTY, NASTY, REPORTS, TWINS, big
from markdown_it import MarkdownIt

from k8s_tutor.reports.grades.github import SummaryReporter
from k8s_tutor.reports.grades.html import HtmlReporter
from k8s_tutor.reports.grades.markdown import MarkdownReporter
from k8s_tutor.reports.grades.report import Alike

VOID = {"meta", "br", "input", "rect"}


class Page(HTMLParser):
    """Collects what a page has; fails where its tags do not balance."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.open: list[str] = []
        self.attributes: list[tuple[str, str, str]] = []
        self.text: dict[str, str] = {}
        self.feed(text)
        self.close()
        assert not self.open

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        names = [name for name, _ in attrs]
        assert len(set(names)) == len(names), (tag, names)
        self.attributes += [(tag, name, value or "") for name, value in attrs]
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        assert tag in VOID
        self.handle_starttag(tag, attrs)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        where = self.open[-1] if self.open else ""
        self.text[where] = self.text.get(where, "") + data

    def values(self, name: str) -> list[str]:
        return [value for _, attribute, value in self.attributes if attribute == name]


@pytest.mark.parametrize("report", REPORTS)
def test_a_page_balances_needs_nothing_else_and_leads_nowhere_else(report):
    page = Page(HtmlReporter().render(report))
    for name in ("src", "srcset", "action", "style", "data", "xlink:href"):
        assert not page.values(name), name
    assert all(re.fullmatch(r"#(s\d+(c\d+)?|map|checks|students|alike)", target) for target in page.values("href"))
    assert not [name for _, name, _ in page.attributes if name.startswith("on")]
    assert not {"link", "iframe", "object", "embed", "img", "base"} & set(page.tags)
    ids = page.values("id")
    assert len(set(ids)) == len(ids)
    assert {target[1:] for target in page.values("href")} <= set(ids), "no link into nothing"
    assert "url(" not in page.text["style"] and "@import" not in page.text["style"]


def test_the_policy_allows_this_script_and_this_style_only():
    page = Page(HtmlReporter().render(CLASS))
    (policy,) = [value for value in page.values("content") if "default-src" in value]
    assert policy.startswith("default-src 'none';") and "unsafe" not in policy
    for tag in ("style", "script"):
        assert page.tags.count(tag) == 1
        digest = base64.b64encode(hashlib.sha256(page.text[tag].encode()).digest()).decode()
        assert f"{tag}-src 'sha256-{digest}'" in policy


def renamed(text: str):
    student = replace(CLASS.students[6], student=text)
    return replace(
        CLASS,
        students=(*CLASS.students[:6], student),
        alike=(Alike("ada", text, 0.9), Alike(text, text, 1.0)),
        unfinished=(text,),
        title=text,
        notes=(text,),
        trouble=text,
    )


def test_nasty_text_makes_no_tag_and_no_attribute():
    plain, nasty = Page(HtmlReporter().render(renamed("zoe"))), Page(HtmlReporter().render(renamed(NASTY)))
    assert plain.tags == nasty.tags
    assert [item[:2] for item in plain.attributes] == [item[:2] for item in nasty.attributes]
    text = HtmlReporter().render(CLASS)
    assert "<script>alert" not in text and "</style></summary>" not in text
    assert text.count("<script>") == 1 and "x" * 1000 not in text


def test_the_page_says_what_an_instructor_asks():
    text = HtmlReporter().render(CLASS)
    for piece in (
        "10 students: 1 pass, 3 fail, 4 not fully observed, 2 not graded",
        "sha256:ab", "v1.36.1", "6f1c0ad2", "stops most students", "hidden from students", "shown after the due date",
        "the Service sends to port 8080", "wrong-target-port", "line 9", "hostPath is not allowed", "left out",
        "apply -f nginx.yaml", "97 %", "hal", "needs lab2-ready", "7f3a", "replayed 2 times",
    ):  # fmt: skip
        assert piece in text, piece
    for sign in "✓✗?·":
        assert f">{sign}" in text
    assert "prefers-color-scheme: dark" in text and "@media print" in text


def test_each_cell_that_is_no_pass_leads_to_its_finding():
    page = Page(HtmlReporter().render(ALONE))
    assert {"#s0c0", "#s0c1", "#s0c2", "#s0c3", "#s0c4"} <= set(page.values("href"))
    assert {"s0c0", "s0c1", "s0c2", "s0c3", "s0c4"} <= set(page.values("id"))


@pytest.mark.parametrize("text", ["", "<&>\"'" * 300, "名" * 500])
def test_a_large_class_is_small_enough_and_quick(text):
    report = big(text=text)
    began = time.process_time()
    page = HtmlReporter().render(report)
    assert time.process_time() - began < 15
    assert len(page.encode()) < 3_000_000
    Page(page)


@pytest.mark.parametrize("report", REPORTS)
def test_markdown_is_text_whatever_it_holds(report):
    text = MarkdownReporter().render(report)
    assert "<" not in text and "[x](" not in text and "**b**" not in text and "@everyone" not in text
    assert "https://" not in text
    for line in text.splitlines():
        assert not line or line[0] in "#-|* 1234567890ANS", line
    assert "x" * 1000 not in text


@pytest.mark.parametrize("reporter", [MarkdownReporter, SummaryReporter])
def test_a_reader_of_markdown_finds_no_structure_in_a_students_text(reporter):
    tokens = MarkdownIt("commonmark").enable("table").parse(reporter().render(CLASS))
    kinds = {child.type for token in tokens for child in token.children or ()} | {token.type for token in tokens}
    assert {"table_open", "bullet_list_open", "heading_open"} <= kinds
    forbidden = {"link_open", "image", "html_inline", "code_inline", "em_open", "fence", "code_block", "hardbreak"}
    assert not kinds & forbidden
    html = {token.content.strip() for token in tokens if token.type == "html_block"}
    assert all(re.fullmatch(r"<details><summary>[^<>]*</summary>|</details>", block) for block in html)


def test_markdown_tables_keep_their_cells():
    counts: list[set[int]] = [set()]
    for line in MarkdownReporter().render(CLASS).splitlines():
        if line.startswith("|"):
            counts[-1].add(line.replace("\\|", "").count("|"))
        elif counts[-1]:
            counts.append(set())
    assert [found for found in counts if found] == [{6}, {5}, {4}]


def test_markdown_names_what_blocks_the_class_first():
    text = MarkdownReporter().render(CLASS)
    blocked = text[text.index("## What blocks the class") :].splitlines()
    assert "lab2\\-ready" in blocked[4] and "lab2\\-service" in blocked[5]
    assert not any("lab2\\-lb" in line for line in blocked[:9]), "an optional check stops nobody"
    assert "labels are right \\(hidden\\) |" in text
    assert "## Not graded" in text and "97 %" in text and "? error" in text
    assert "The run broke" in MarkdownReporter().render(CUT) and MarkdownReporter().render(EMPTY).startswith("# ")
    assert MarkdownReporter().render(TWINS).count("### bob") == 3
