"""kubeadm's two runs at once: a refusal of one of them is met by doing it again, and told when it stays."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import pytest

from k8s_tutor.clusters.native.pid1 import bringup


class Programs:
    """Ends each kubeadm run with the next code of its kind, and keeps what was asked for."""

    def __init__(self, addon: list[int], objects: list[int]) -> None:
        self.codes = {"addon": addon, "objects": objects}
        self.ran: list[str] = []

    def _next(self, argv: list[str]) -> int:
        kind = "objects" if "addon" in argv[argv.index("--skip-phases") + 1].split(",") else "addon"
        self.ran.append(kind)
        return self.codes[kind].pop(0)

    def start(self, argv: list[str], log: Path) -> int:
        log.write_text("forbidden")
        return self._next(argv)

    def wait(self, code: int, _timeout: float) -> int:
        return code

    def run(self, argv: list[str], log: Path, _timeout: float) -> int:
        log.write_text("forbidden")
        return self._next(argv)


class Place:
    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def log(self, name: str) -> Path:
        return self.folder / f"{name}.log"


def objects(programs: Any, folder: Path) -> None:
    place: Any = Place(folder)
    bringup._objects(place, programs, time.monotonic() + 30)


@pytest.fixture(autouse=True)
def no_pause(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bringup, "_PAUSE", 0.0)


def test_each_runs_once_when_nothing_is_refused(tmp_path: Path) -> None:
    programs = Programs([0], [0])
    objects(programs, tmp_path)
    assert programs.ran == ["addon", "objects"]


def test_what_was_refused_is_done_again(tmp_path: Path) -> None:
    programs = Programs([1, 0], [1, 0])
    objects(programs, tmp_path)
    assert sorted(programs.ran) == ["addon", "addon", "objects", "objects"]


def test_what_is_refused_for_good_is_told_with_kubeadms_last_words(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError, match="forbidden"):
        objects(Programs([1] * 9, [0]), tmp_path)
