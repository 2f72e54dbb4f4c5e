from __future__ import annotations

import os
import threading
from pathlib import Path

import pytest

from k8s_tutor.session import files
from k8s_tutor.session.files import FolderWatch


class Told:
    def __init__(self) -> None:
        self.event = threading.Event()
        self.times = 0

    def __call__(self) -> None:
        self.times += 1
        self.event.set()

    def within(self, seconds: float) -> bool:
        reached = self.event.wait(seconds)
        self.event.clear()
        return reached


@pytest.fixture(params=["kernel", "fallback"])
def told(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    if request.param == "fallback":
        monkeypatch.setattr(files, "_inotify", lambda _folder: None)
        monkeypatch.setattr(files, "FALLBACK_SECONDS", 0.02)
    told = Told()
    watch = FolderWatch(tmp_path, told)
    assert watch.native == (request.param == "kernel")
    yield told
    watch.close()


def test_a_new_a_changed_and_a_deleted_file_are_told(told: Told, tmp_path: Path):
    (tmp_path / "a.yaml").write_text("one")
    assert told.within(5)
    (tmp_path / "a.yaml").write_text("two words")
    assert told.within(5)
    (tmp_path / "a.yaml").unlink()
    assert told.within(5)


def test_an_editors_rename_over_the_file_is_told(told: Told, tmp_path: Path):
    (tmp_path / "a.yaml").write_text("one")
    assert told.within(5)
    (tmp_path / ".a.swp").write_text("longer than before")
    os.replace(tmp_path / ".a.swp", tmp_path / "a.yaml")
    assert told.within(5)


def test_closing_ends_the_thread_and_frees_every_descriptor(tmp_path: Path):
    before = set(os.listdir("/proc/self/fd"))
    for _ in range(20):
        watch = FolderWatch(tmp_path, lambda: None)
        watch.close()
        watch.close()
        assert not watch._thread.is_alive()
    assert len(set(os.listdir("/proc/self/fd")) - before) <= 1
