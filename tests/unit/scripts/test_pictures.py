"""The recording and the pictures of the documents: what writes them, and what lies there."""

from __future__ import annotations

import importlib
import itertools
import json
import re
import socket
import sys
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture(scope="module", autouse=True)
def _scripts():
    sys.path.insert(0, str(ROOT / "scripts"))
    yield
    sys.path.remove(str(ROOT / "scripts"))


@pytest.fixture
def cast() -> Any:
    return importlib.import_module("pictures.cast")


def test_bytes_become_a_recording_that_is_one(cast: Any):
    pieces = [
        (10.0, b"$ k"),
        (10.5, b"8s\xe2\x9c"),
        (11.0, b"\x93 done\r\n"),
        (30.0, b"\x1b[3"),
        (30.1, b"1mred\x1b[0m"),
    ]
    events = list(cast.paced(cast.texts(pieces)))
    assert events == [(0.0, "$ k"), (0.5, "8s"), (1.0, "✓ done\r\n"), (3.0, "\x1b[31mred\x1b[0m")]
    text = cast.written(events, (120, 34), "a title")
    assert cast.problems(text) == []
    header, *rest = [json.loads(line) for line in text.splitlines()]
    assert (header["version"], header["width"], header["height"]) == (2, 120, 34)
    assert rest == [[at, "o", said] for at, said in events]


def test_a_pause_is_shortened_and_time_never_goes_back(cast: Any):
    events = list(cast.paced([(5.0, "a"), (4.0, "b"), (5.5, "c"), (99.0, "d")], idle=2.0))
    assert events == [(0.0, "a"), (0.0, "b"), (0.5, "c"), (2.5, "d")]


def test_what_is_asked_of_the_terminal_is_left_out_and_what_is_shown_is_kept(cast: Any):
    asked = "\x1b[?1003h\x1b[?1006h\x1b[?2004h\x1b[?2026$p\x1b[>1u\x1b[<u\x1b[c\x1b[?u\x1b]11;?\x07\x1b]0;a title\x1b\\"
    shown = "\x1b[?1049h\x1b[?25l\x1b[2J\x1b[3;4H\x1b[38;2;1;2;3mtext\x1b[0m\x1b[?25h\x1b[?1049l"
    whole = (asked + shown).encode()
    for cut in range(len(whole)):
        pieces = [(0.0, whole[:cut]), (0.1, whole[cut:])]
        assert "".join(text for _, text in cast.texts(pieces)) == shown, f"cut at byte {cut}"


def test_what_is_no_recording_is_told(cast: Any):
    good = cast.written([(0.0, "a"), (1.0, "b")], (80, 24), "t")
    assert cast.problems(good) == []
    assert cast.problems(good.rstrip("\n")) == ["the last line does not end"]
    assert "no header" in cast.problems(good.replace('"version": 2', '"version": 1'))[0]
    assert "no size" in cast.problems(good.replace('"width": 80', '"width": 0'))[0]
    assert "line 3 goes back" in cast.problems(good.replace("[0.0,", "[2.0,"))[0]
    assert "line 2 is no event of output" in cast.problems(good.replace('[0.0, "o"', '[0.0, "i"'))[0]
    assert "not JSON" in cast.problems(good + "[\n")[0]


def test_the_recording_of_the_documents_is_one_and_tells_nothing_of_the_machine(cast: Any):
    text = (ROOT / "docs" / "recording.cast").read_bytes().decode("utf-8")
    assert cast.problems(text) == []
    header, *events = [json.loads(line) for line in text.splitlines()]
    assert (header["width"], header["height"]) == (120, 34)
    times = [event[0] for event in events]
    assert 60 <= times[-1] <= 150
    assert max(later - sooner for sooner, later in itertools.pairwise(times)) <= cast.IDLE + 0.01
    # Colours and places between the letters would hide a path.
    shown = re.sub(r"\x1b\[[0-?]*[ -/]*[@-~]", "", "".join(event[2] for event in events))
    for told in ("/root", "/home/", "/Users/", "/tmp/", str(ROOT)):
        assert told not in shown, told
    host = socket.gethostname()
    assert len(host) < 4 or not re.search(rf"(?<![\w.-]){re.escape(host)}(?![\w-])", shown)
    assert not re.search(r"\w+@[\w.-]+[:~]", shown), "a shell's prompt with a user and a host"


def test_the_recording_shows_parts_of_both_labs():
    text = (ROOT / "docs" / "recording.cast").read_text("utf-8")
    shown = re.sub(r"\x1b\[[0-?]*[ -/]*[@-~]", "", "".join(json.loads(line)[2] for line in text.splitlines()[1:]))
    for words in ("A Pod", "apiserver", "✓ done", "A Deployment", "ReplicaSet", "requests", "summary.md"):
        assert words in shown, words


def test_every_picture_of_the_page_is_there_and_no_other():
    captions = importlib.import_module("pictures.captions")
    images = ROOT / "docs" / "images"
    assert sorted(path.name for path in images.iterdir()) == sorted(f"{item.name}.png" for item in captions.CAPTIONS)
    assert all(path.read_bytes().startswith(b"\x89PNG\r\n\x1a\n") for path in images.iterdir())
    assert sum(path.stat().st_size for path in images.iterdir()) < 3_000_000
    assert (ROOT / "docs" / "screens.md").read_text("utf-8") == captions.page()


def test_words_of_a_picture_stand_where_they_stood():
    svg = importlib.import_module("pictures.svg")
    found = svg.placed('<text class="a" x="0" y="9" textLength="122" clip="c">&#160;ab&#160;&#160;&lt;c&gt;</text>')
    assert re.findall(r'x="([\d.]+)"', found) == ["15.25", "76.25"]
    assert ">ab</text>" in found and ">&lt;c&gt;</text>" in found
