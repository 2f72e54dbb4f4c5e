from __future__ import annotations

from html.parser import HTMLParser

import pytest

from k8s_tutor.errors import UsageError
from k8s_tutor.reports.summary import FORMATS, MistakeLine, StepLine, Summary, rendered
from k8s_tutor.reports.summary_markdown import escaped

NASTY = "<script>alert(1)</script> [x](http://e.x) | **b** `c` & \x1b[31m\u202e # \" ' {{}} \n# head <!-- -->"


def page(text: str = "plain") -> Summary:
    return Summary(
        text, text, (StepLine(1, text, 100.0, 65.0, 1, 3, True, (text,)), StepLine(2, text, None, None, 0, 0, False)),
        (MistakeLine(90.0, text, text, text, text, 12.0), MistakeLine(95.0, text, text, text, "", None)),
        text, text, 50.0, 120.0, 200.0,
    )  # fmt: skip


class _Tags(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.open: list[str] = []

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        if tag not in ("meta", "br"):
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag


@pytest.mark.parametrize("form", FORMATS)
def test_every_format_tells_steps_hints_mistakes_and_where(form):
    text = rendered(page("A lab"), form)
    for piece in ("1 min 5 s", "1 of 3 hints", "done by the tutor", "after 12 s", "till so"):
        assert piece in text.replace("\\", ""), piece
    assert text.endswith("\n")


def test_nasty_text_makes_no_tag_and_no_structure():
    tags = _Tags()
    nasty = rendered(page(NASTY), "html")
    tags.feed(nasty)
    plain = _Tags()
    plain.feed(rendered(page(), "html"))
    assert tags.tags == plain.tags and not tags.open and "script" not in tags.tags
    assert "\x1b" not in nasty and "\u202e" not in nasty
    assert "http" not in rendered(page(), "html").replace("http-equiv", ""), "a page that needs nothing else"


def test_nasty_markdown_stays_text():
    text = rendered(page(NASTY), "markdown")
    assert "<script" not in text and "[x](" not in text and "**b**" not in text
    # the same lines begin the same way, and a table's row has as many cells
    for one, other in zip(text.splitlines(), rendered(page(), "markdown").splitlines(), strict=True):
        assert one[:2] == other[:2]
        assert one.replace("\\|", "").count("|") == other.count("|")


def test_escaped_is_bounded_and_keeps_words():
    assert escaped("two words") == "two words"
    assert escaped("a|b") == "a\\|b"
    assert len(escaped("x" * 9999, 50)) <= 50


def test_another_format_is_refused():
    with pytest.raises(UsageError):
        rendered(page(), "pdf")


def test_text_fits_eighty_columns():
    assert all(len(line) <= 80 for line in rendered(page(NASTY), "text").splitlines())
