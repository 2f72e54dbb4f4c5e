"""``config.toml``: what is taken, what is told, and what ``k8s-tutor config`` prints."""

from __future__ import annotations

import os
import time
import tomllib
from pathlib import Path

import pytest

from k8s_tutor.cli.main import main
from k8s_tutor.ui import settings


@pytest.fixture(autouse=True)
def home(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    (tmp_path / "config" / "k8s-tutor").mkdir(parents=True)
    return tmp_path


def written(text: str) -> Path:
    file = settings.config_file()
    file.write_text(text)
    return file


def test_without_a_file_all_is_as_it_comes() -> None:
    assert settings.load() == settings.Settings()


def test_what_is_right_is_taken() -> None:
    rows = ['theme = "ansi"', 'terminal = "tmux"', 'start = "home"', "split = 50", "split_three = [30, 30]"]
    written("\n".join([*rows, "[keys]", 'hint = "?"', 'help = ["f8", ","]']))
    found = settings.load()
    assert (found.theme, found.terminal, found.start) == ("ansi", "tmux", "home")
    assert (found.split, found.three) == ((50,), (30, 30))
    assert found.keys == {"hint": "question_mark", "help": "f8,comma"} and found.troubles == ()


@pytest.mark.parametrize(
    ("text", "line", "words"),
    [
        ('theme = "pink"', 1, "tutor-dark, tutor-light, ansi"),
        ('\nterminal = "xterm"', 2, "auto, embedded, tmux, suspend"),
        ("split = 90", 1, "15 to 70"),
        ("split = true", 1, "15 to 70"),
        ("split_three = [45, 45]", 1, "leave 15"),
        ("colour = 1", 1, "no such setting 'colour'"),
        ('[keys]\nhunt = "h"', 2, "no such key action 'hunt'"),
        ('[keys]\nhint = "n"', 2, "is the key of next"),
        ("[keys]\nhint = 5", 2, 'a key ("x"'),
        ("keys = 5", 1, "no such setting 'keys'"),
        ('theme = "a', 1, "not TOML"),
    ],
)
def test_what_is_wrong_is_told_with_its_line_and_keeps_its_default(text: str, line: int, words: str) -> None:
    file = written(text)
    found = settings.load()
    assert len(found.troubles) == 1 and found.troubles[0].startswith(f"{file}:{line}: ") and words in found.troubles[0]
    assert found == settings.Settings(troubles=found.troubles)


def test_two_keys_can_be_swapped() -> None:
    written('[keys]\nhint = "n"\nnext = "h"\n')
    assert settings.load().keys == {"hint": "n", "next": "h"}


def test_a_file_that_cannot_be_read_is_told() -> None:
    settings.config_file().write_bytes(b"\xff\xfe")
    assert "cannot be read" in settings.load().troubles[0]
    written("x" * 70_000)
    assert "too large" in settings.load().troubles[0]


def test_the_newer_of_file_and_choice_counts() -> None:
    file = written('theme = "ansi"\n')
    os.utime(file, (1_000, 1_000))
    settings.remember("theme", "tutor-light", time.time())
    settings.remember("split", [60], time.time())
    found = settings.load()
    assert (found.theme, found.split) == ("tutor-light", (60,))
    os.utime(file, (time.time() + 60, time.time() + 60))
    assert settings.load().theme == "ansi"


@pytest.mark.parametrize(
    "text", ["[]", "{", '{"theme": "pink", "at": {"theme": 9e9}}', '{"split": "x", "at": {"split": 9e9}}']
)
def test_what_was_remembered_may_be_broken(text: str, home: Path) -> None:
    settings.remembered_file().parent.mkdir(parents=True)
    settings.remembered_file().write_text(text)
    assert settings.load() == settings.Settings()


def test_config_prints_a_file_to_start_from(capsys: pytest.CaptureFixture[str]) -> None:
    written('theme = "tutor-light"\n[keys]\nhint = "H"\n')
    assert main(["config"]) == 0
    said = capsys.readouterr()
    assert str(settings.config_file()) in said.out and str(settings.config_file()) in said.err
    document = tomllib.loads(said.out)
    assert document == {"theme": "tutor-light", "keys": {"hint": "H"}}
    # Everything uncommented is the same again: what it prints is a file that is taken.
    lines = said.out.splitlines()
    whole = "\n".join(line.removeprefix("# ") if " = " in line else line for line in lines)
    written(whole)
    found = settings.load()
    assert not found.troubles and found.theme == "tutor-light" and found.keys["hint"] == "H"


def test_config_with_a_mistake_says_so(capsys: pytest.CaptureFixture[str]) -> None:
    written("split = 5")
    assert main(["config"]) == 2
    assert "config.toml:1: split = 5" in capsys.readouterr().err
