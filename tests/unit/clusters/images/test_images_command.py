"""``k8s-tutor images``: what is here, pulled and saved, by the command line, from a registry on loopback."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from test_image_archive import NGINX, OLD, layout_of, silent

from k8s_tutor.cli.main import main
from k8s_tutor.clusters.images import archive, kept
from k8s_tutor.clusters.node import registry
from k8s_tutor.clusters.node.lock import architecture

Capture = pytest.CaptureFixture[str]


@pytest.fixture
def empty(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A machine that has no image."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr(kept, "default_platform", lambda: "linux/amd64")
    return tmp_path


@pytest.fixture
def served(empty: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """And a registry that gives the labs' images."""
    layout = layout_of(empty / "source")
    server = registry.make_server(str(layout.root), "127.0.0.1", 0)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    monkeypatch.setenv("K8S_TUTOR_REGISTRY_BASE", f"http://127.0.0.1:{server.server_address[1]}")
    yield layout.root
    server.shutdown()
    server.server_close()
    thread.join()


def test_nothing_here_says_what_gets_it(empty: Path, capsys: Capture) -> None:
    assert main(["images", "list"]) == 0
    out = capsys.readouterr().out
    assert NGINX in out and OLD in out and "not here for linux/amd64: k8s-tutor images pull" in out
    assert main(["images", "save", str(empty / "class.tar")]) == 3
    said = capsys.readouterr().err
    assert NGINX in said and "remedy: k8s-tutor images pull" in said
    assert not (empty / "class.tar").exists()


def test_pull_save_and_list(served: Path, tmp_path: Path, capsys: Capture) -> None:
    assert main(["images", "pull"]) == 0
    assert main(["images", "pull"]) == 0, "a second time nothing is loaded, and all is said again"
    pulled = capsys.readouterr().out.splitlines()
    assert pulled[:2] == pulled[2:] and pulled[0].startswith(OLD)
    assert main(["images", "list", "lab1", "--output", "json"]) == 0
    rows = {row["ref"]: row for row in json.loads(capsys.readouterr().out)}
    assert set(rows) == {NGINX, OLD} and all(row["here"] and row["where"] == "pulled" for row in rows.values())
    assert rows[OLD]["stand_in"] == "Debian's"
    assert rows[OLD]["labs"]["lab1"][-1] == "image"
    assert main(["images", "save", str(tmp_path / "class.tar"), "lab2"]) == 0
    (only,) = archive.verify(tmp_path / "class.tar", silent)
    assert (only.ref, only.digest) == (NGINX, rows[NGINX]["digest"])


def test_another_platform_is_kept_apart_and_said_to_be_lacking(served: Path, capsys: Capture) -> None:
    assert main(["images", "pull", "--platform", "linux/arm64"]) == 3
    assert "linux/amd64 only, not for linux/arm64" in capsys.readouterr().err
    assert main(["images", "list", "--platform", "linux/arm64"]) == 0
    assert "not here for linux/arm64" in capsys.readouterr().out


def test_a_registry_that_does_not_answer(empty: Path, monkeypatch: pytest.MonkeyPatch, capsys: Capture) -> None:
    monkeypatch.setenv("K8S_TUTOR_REGISTRY_BASE", "http://127.0.0.1:9")
    assert main(["images", "pull"]) == 3
    said = capsys.readouterr().err
    assert "docker.io does not answer" in said and "remedy:" in said


def test_an_archive_for_other_machines_is_refused_before_any_cluster_is_asked(
    served: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Capture
) -> None:
    assert main(["images", "pull"]) == 0
    assert main(["images", "save", str(tmp_path / "class.tar")]) == 0
    monkeypatch.setattr(kept, "default_platform", lambda: "linux/arm64")
    assert main(["images", "load", str(tmp_path / "class.tar")]) == 2
    assert "is for linux/amd64, this machine's nodes are linux/arm64" in capsys.readouterr().err


def test_the_platform_is_this_machines() -> None:
    assert kept.default_platform() == f"linux/{architecture()}"
