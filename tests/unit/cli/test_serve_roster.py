"""Who is served: a roster of names, or CSV with seeds; what is wrong is told with file and line."""

from __future__ import annotations

from argparse import Namespace
from pathlib import Path

import pytest

from k8s_tutor.cli.serve import _class
from k8s_tutor.errors import UsageError


def class_of(folder: Path, name: str, text: str) -> tuple[list[str], dict[str, str]]:
    file = folder / name
    file.write_text(text, encoding="utf-8")
    names, seeds = _class(Namespace(roster=str(file), learners=None))
    return names, dict(seeds)


def test_names_one_a_line(tmp_path: Path) -> None:
    assert class_of(tmp_path, "class.txt", "Anna, 3b\nBéla\n") == (["Anna, 3b", "Béla"], {})


def test_csv_as_seeds_prints_it(tmp_path: Path) -> None:
    text = "student,seed,pod\nanna,7f3a,pages-pod\nbéla,,nginx-pod\n"
    assert class_of(tmp_path, "seeds.CSV", text) == (["anna", "béla"], {"anna": "7f3a"})
    assert class_of(tmp_path, "names.csv", "student\nanna\n") == (["anna"], {})


@pytest.mark.parametrize(
    ("text", "told"),
    [("student,seed\nanna\n", "class.csv:2"), ("student,seed\nanna,no seed\n", "anna"), ("student\n", "1 to 60")],
)
def test_csv_that_is_wrong_says_where(tmp_path: Path, text: str, told: str) -> None:
    with pytest.raises(UsageError, match=told):
        class_of(tmp_path, "class.csv", text)


def test_a_number_or_those_of_last_time() -> None:
    assert _class(Namespace(roster=None, learners=2)) == (["1", "2"], {})
    assert _class(Namespace(roster=None, learners=None)) == ([], {})
