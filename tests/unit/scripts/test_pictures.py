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


def picture(cast: Any, *rows: str, cursor: tuple[int, int] = (0, 0)) -> Any:
    return cast.Picture(rows, cursor, True)


def test_pictures_become_a_recording_that_is_one(cast: Any):
    first, second = picture(cast, "$ k", "✓ done"), picture(cast, "$ k8s", "✓ done", cursor=(5, 0))
    events = list(cast.events([(10.0, first), (10.1, first), (10.5, second)]))
    assert [at for at, _ in events] == [0.0, 0.5], "what did not change is no event"
    assert "$ k" in events[0][1] and "✓ done" in events[0][1]
    assert "$ k8s" in events[1][1] and "done" not in events[1][1], "only rows that differ"
    assert events[1][1].endswith("\x1b[1;6H\x1b[?25h")
    text = cast.written(events, (120, 34), "a title")
    assert cast.problems(text) == []
    header, *rest = [json.loads(line) for line in text.splitlines()]
    assert (header["version"], header["width"], header["height"]) == (2, 120, 34)
    assert rest == [[at, "o", said] for at, said in events]


def test_a_pause_is_shortened_and_time_never_goes_back(cast: Any):
    seen = [(5.0, picture(cast, "a")), (4.0, picture(cast, "b")), (5.5, picture(cast, "c")), (99.0, picture(cast, "d"))]
    assert [at for at, _ in cast.events(seen, idle=2.0)] == [0.0, 0.0, 0.5, 2.5]


def test_each_row_has_the_colours_that_it_needs(cast: Any):
    captured = (
        "\x1b[1m\x1b[38;2;1;2;3m\x1b[48;5;7mbold\n"
        "still\x1b[39m no colour\n"
        "\x1b[0mplain\x1b[7m turned\x1b]8;;http://x\x1b\\ link\x1b[?1003h\n"
        "\x1b[0;31mred"
    )
    assert cast.rows_of(captured) == (
        "\x1b[1m\x1b[38;2;1;2;3m\x1b[48;5;7mbold",
        "\x1b[1m\x1b[38;2;1;2;3m\x1b[48;5;7mstill\x1b[39m no colour",
        "\x1b[1m\x1b[48;5;7m\x1b[0mplain\x1b[7m turned link",
        "\x1b[7m\x1b[0;31mred",
    )


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
    assert len(text) < 1_500_000
    header, *events = [json.loads(line) for line in text.splitlines()]
    assert (header["width"], header["height"]) == (120, 34)
    times = [event[0] for event in events]
    assert 60 <= times[-1] <= 150
    assert max(later - sooner for sooner, later in itertools.pairwise(times)) <= cast.IDLE + 0.001
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
