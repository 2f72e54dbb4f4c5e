from __future__ import annotations

import fcntl
import json
import os
import threading
import time
from collections import namedtuple
from pathlib import Path

import pytest

from k8s_tutor import paths
from k8s_tutor.clusters.node import prepare as room
from k8s_tutor.clusters.node.store import link_copy
from k8s_tutor.errors import EXIT_ENVIRONMENT, EnvironmentFault
from k8s_tutor.phases import Phase

Usage = namedtuple("Usage", "total used free")


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    # Nothing listens on port 1: no release can be had, as on a machine without a network.
    monkeypatch.setenv("K8S_TUTOR_DOWNLOAD_BASE", "http://127.0.0.1:1")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    return paths.cache_dir()


def fill(stand_ins: dict[str, str] | None = None) -> Path:
    """Material as prepare() leaves it."""
    folder = room._folder(room.load_lock())
    for name in ("bin", "cni", "store", "registry"):
        (folder / name).mkdir(parents=True)
    (folder / "stamp.json").write_text(json.dumps({"stand_ins": stand_ins or {}}))
    return folder


def test_inspect_of_nothing_makes_nothing(tmp_path: Path) -> None:
    assert room.inspect() is None
    assert list(tmp_path.iterdir()) == []


def test_inspect_tells_what_is_there() -> None:
    folder = fill({"nginx:1.20.1": "a stand-in"})
    material = room.inspect()
    assert material is not None
    assert material.store_dir == folder / "store" and material.bin_dir == folder / "bin"
    assert material.kubernetes_version == "v1.37.2"
    assert material.images["pause"] == "registry.k8s.io/pause:3.10.2"
    assert material.stand_ins == {"nginx:1.20.1": "a stand-in"}


def test_inspect_trusts_neither_a_missing_folder_nor_a_broken_stamp() -> None:
    folder = fill()
    (folder / "store").rmdir()
    assert room.inspect() is None
    (folder / "store").mkdir()
    assert room.inspect() is not None
    (folder / "stamp.json").write_text("{")
    assert room.inspect() is None


def test_what_is_there_is_not_made_again() -> None:
    fill()
    told: list[Phase] = []
    started = time.monotonic()
    assert room.prepare(told.append) == room.inspect()
    assert time.monotonic() - started < 0.3
    assert told == []


def test_low_disk_is_said_before_anything_is_made(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(room.shutil, "disk_usage", lambda _: Usage(100 << 30, 97 << 30, 3 << 30))
    with pytest.raises(EnvironmentFault) as error:
        room.prepare()
    assert error.value.exit_code == EXIT_ENVIRONMENT and error.value.code == "disk"
    assert "3.0 GB free" in error.value.message and "10 GB" in error.value.message
    assert "XDG_CACHE_HOME" in error.value.remedy
    assert list(tmp_path.iterdir()) == []


def test_without_root_nothing_is_made(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    monkeypatch.setattr(room.shutil, "disk_usage", lambda _: Usage(100 << 30, 0, 100 << 30))
    with pytest.raises(EnvironmentFault) as error:
        room.prepare()
    assert error.value.code == "root" and "--context" in error.value.remedy
    assert list(tmp_path.iterdir()) == []


def test_two_at_once_make_it_once(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    monkeypatch.setattr(room.shutil, "disk_usage", lambda _: Usage(100 << 30, 0, 100 << 30))
    monkeypatch.setattr(room, "_make", lambda *_: pytest.fail("made a second time"))
    root = room.root_dir()
    root.mkdir(parents=True)
    told: list[Phase] = []
    waits = threading.Event()

    def report(phase: Phase) -> None:
        told.append(phase)
        waits.set()

    got: list[object] = []
    with (root / "lock").open("w") as other:
        fcntl.flock(other, fcntl.LOCK_EX)
        thread = threading.Thread(target=lambda: got.append(room.prepare(report)))
        thread.start()
        assert waits.wait(10)
        fill()
    thread.join(10)
    assert got == [room.inspect()] and got[0] is not None
    assert told[0].id == "turn"


def test_a_failure_leaves_nothing_half_made(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    monkeypatch.setattr(room.shutil, "disk_usage", lambda _: Usage(100 << 30, 0, 100 << 30))
    monkeypatch.setattr(room, "reachable", lambda *_: False)
    monkeypatch.setattr(room, "ensure_packages", lambda *_: None)
    monkeypatch.setattr(room, "assemble", lambda *_: {})
    monkeypatch.setattr(room, "root_file_system", lambda *_: None)

    def fails(*_: object) -> None:
        raise EnvironmentFault("the compiler says no")

    monkeypatch.setattr(room, "ensure_binaries", fails)
    with pytest.raises(EnvironmentFault, match="the compiler says no"):
        room.prepare()
    assert room.inspect() is None
    assert list((room.root_dir() / "material").iterdir()) == []


def test_prune_keeps_what_is_new_or_in_use(cache: Path) -> None:
    new = fill()
    old, used = new.with_name("v1.36.0-old"), new.with_name("v1.36.0-used")
    for folder in (old, used):
        (folder / "registry").mkdir(parents=True)
    part = room.root_dir() / "bin" / "runc-1.0.0-12345678"
    part.mkdir(parents=True)
    assert room.prune([used / "registry"]) == 0, "made today: another checkout may use it"
    for folder in (old, used, part):
        os.utime(folder, (0, 0))
    assert room.prune([used / "registry"]) == 2
    assert not old.exists() and not part.exists()
    assert new.exists() and used.exists()


def test_a_version_that_is_handed_out_counts_as_used(cache: Path) -> None:
    stamp = fill() / "stamp.json"
    os.utime(stamp, (0, 0))
    room.prepare()
    assert time.time() - stamp.stat().st_mtime < 3600


def test_a_link_copy_shares_files_and_copies_databases(tmp_path: Path) -> None:
    store = tmp_path / "store"
    (store / "snapshots" / "1" / "fs").mkdir(parents=True)
    (store / "snapshots" / "1" / "fs" / "program").write_text("x")
    (store / "snapshots" / "1" / "fs" / "link").symlink_to("program")
    (store / "meta.db").write_text("old")
    (store / "snapshots").chmod(0o700)
    copy = tmp_path / "copy"
    link_copy(store, copy)
    assert (copy / "snapshots/1/fs/program").samefile(store / "snapshots/1/fs/program")
    assert (copy / "snapshots/1/fs/link").readlink() == Path("program")
    assert (copy / "snapshots").stat().st_mode & 0o777 == 0o700
    (copy / "meta.db").write_text("new")
    assert (store / "meta.db").read_text() == "old"
