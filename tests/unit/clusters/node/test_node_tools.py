"""Programs like kind: found if new enough, else the release that is pinned here, else its Go module."""

from __future__ import annotations

import hashlib
import json
import re
from pathlib import Path

import pytest
from node_helpers import Site

from k8s_tutor.clusters.node import tools
from k8s_tutor.clusters.node.lock import MODULES, Component
from k8s_tutor.errors import EnvironmentFault
from k8s_tutor.phases import silent

BODY = b"\x7fELF kind" * 1000


@pytest.fixture
def pinned(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tools.Tool:
    """kind, pinned to the file that the test's server has; nothing on PATH; a build that says it was asked for."""
    data = json.loads(tools.TOOLS_FILE.read_text())
    data["tools"][0]["pinned"] = {tools.platform_name(): hashlib.sha256(BODY).hexdigest()}
    (tmp_path / "tools.json").write_text(json.dumps(data))
    made = tools.tool("kind", tmp_path / "tools.json")
    monkeypatch.setattr(tools, "tool", lambda _name: made)
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    monkeypatch.delenv("K8S_TUTOR_BIN_DIR", raising=False)

    def build(_component: Component, folder: Path, *_: object) -> None:
        (folder / "kind").write_text("built")

    monkeypatch.setattr(tools, "build", build)
    return made


@pytest.fixture
def place(site: Site, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setenv("K8S_TUTOR_DOWNLOAD_BASE", site.url)
    return f"/kubernetes-sigs/kind/releases/download/v0.33.0/kind-{tools.platform_name()}"


def origin(program: Path) -> str:
    return str(json.loads((program.parent / "origin.json").read_text())["origin"])


def test_the_shipped_table_has_a_hash_for_every_platform_and_the_module_of_that_version() -> None:
    kind = tools.tool("kind")
    assert sorted(kind.sha256) == ["darwin-amd64", "darwin-arm64", "linux-amd64", "linux-arm64"]
    assert all(re.fullmatch(r"[0-9a-f]{64}", value) for value in kind.sha256.values())
    assert len(set(kind.sha256.values())) == 4
    assert f"sigs.k8s.io/kind v{kind.component.version}" in (MODULES / "kind" / "go.mod").read_text()
    assert f"sigs.k8s.io/kind v{kind.component.version} h1:" in (MODULES / "kind" / "go.sum").read_text()
    assert re.fullmatch(r"kindest/node:v[\d.]+@sha256:[0-9a-f]{64}", kind.node_image)
    with pytest.raises(KeyError):
        tools.tool("no-such-tool")


def test_a_release_is_loaded_once_and_is_what_was_pinned(
    pinned: tools.Tool, site: Site, place: str, tmp_path: Path
) -> None:
    site.files[place] = BODY
    program = tools.ensure("kind", tmp_path / "root", silent)
    assert program.read_bytes() == BODY and program.stat().st_mode & 0o777 == 0o755
    assert origin(program) == "release"
    asked = len(site.asked)
    assert tools.ensure("kind", tmp_path / "root", silent) == program
    assert len(site.asked) == asked


def test_another_file_than_the_pinned_one_is_refused_whatever_the_server_says_beside_it(
    pinned: tools.Tool, site: Site, place: str, tmp_path: Path
) -> None:
    site.files[place] = b"evil"
    site.files[f"{place}.sha256sum"] = hashlib.sha256(b"evil").hexdigest().encode()
    with pytest.raises(EnvironmentFault) as caught:
        tools.ensure("kind", tmp_path / "root", silent)
    assert caught.value.code == "sha256"
    assert not list((tmp_path / "root" / "bin").rglob("kind"))
    assert f"{place}.sha256sum" not in site.asked


def test_without_a_release_it_is_built(pinned: tools.Tool, site: Site, place: str, tmp_path: Path) -> None:
    program = tools.ensure("kind", tmp_path / "root", silent)
    assert program.read_text() == "built" and origin(program) == "source"


def test_a_platform_without_a_release_is_built_for(
    pinned: tools.Tool, site: Site, place: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tools, "platform_name", lambda: "linux-riscv64")
    assert origin(tools.ensure("kind", tmp_path / "root", silent)) == "source"
    assert site.asked == []


@pytest.mark.parametrize(
    ("says", "taken"),
    [
        ("kind v0.33.0 go1.26.6 linux/amd64", True),
        ("kind v0.24.0 go1.22.4 linux/amd64", True),
        ("kind v0.9.0 go1.15 linux/amd64", False),
        ("kind v0.23.9 go1.22 linux/amd64", False),
        ("something else", False),
    ],
)
def test_what_is_on_path_is_taken_if_it_is_new_enough(
    pinned: tools.Tool, tmp_path: Path, says: str, taken: bool
) -> None:
    program = tmp_path / "bin" / "kind"
    program.parent.mkdir()
    program.write_text(f"#!/bin/sh\necho '{says}'\n")
    program.chmod(0o755)
    assert tools.on_path(pinned) == (program if taken else None)
