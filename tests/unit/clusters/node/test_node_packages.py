from __future__ import annotations

import os
from pathlib import Path

import pytest

from k8s_tutor.clusters.node import packages
from k8s_tutor.clusters.node.packages import Need, ensure_packages, missing
from k8s_tutor.clusters.node.work import Work
from k8s_tutor.errors import EXIT_ENVIRONMENT, EnvironmentFault
from k8s_tutor.phases import Phase

LACKING = (Need("no-such-program-anywhere", "mmdebstrap"), Need("/no/such/file*", "libc6-dev"), Need("sh", "dash"))


def ensure(work: Work, needs: tuple[Need, ...] = LACKING) -> None:
    with work.phase("packages", "Packages") as telling:
        ensure_packages(needs, work, telling)


@pytest.fixture
def tools(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A PATH of its own with an apt-get that keeps what it was asked."""
    folder = tmp_path / "tools"
    folder.mkdir()
    monkeypatch.setenv("PATH", f"{folder}:/usr/bin:/bin")
    return folder


def apt(tools: Path, script: str) -> Path:
    asked = tools / "asked"
    program = tools / "apt-get"
    program.write_text(f'#!/bin/sh\necho "$*" >>{asked}\n{script}\n')
    program.chmod(0o755)
    return asked


def test_each_missing_package_once() -> None:
    assert missing((*LACKING, *LACKING)) == ["mmdebstrap", "libc6-dev"]


def test_nothing_missing_is_nothing_done(work: Work, phases: list[Phase], tools: Path) -> None:
    asked = apt(tools, "exit 1")
    ensure(work, (Need("sh", "dash"), Need("/etc/passw*", "base-passwd")))
    assert not asked.exists()
    assert phases[-1].state == "done"


def test_without_root_the_exact_command_is_named(work: Work, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    with pytest.raises(EnvironmentFault) as error:
        ensure(work)
    assert error.value.exit_code == EXIT_ENVIRONMENT
    assert error.value.message.endswith("mmdebstrap libc6-dev")
    assert error.value.remedy == (
        "sudo sh -c 'apt-get update && apt-get install -y --no-install-recommends mmdebstrap libc6-dev'"
    )


def test_without_apt_it_says_so(work: Work, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(EnvironmentFault, match="no apt-get here: mmdebstrap libc6-dev"):
        ensure(work)


def test_old_lists_are_updated_once_and_it_is_tried_again(
    work: Work, tools: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    made = tmp_path / "made"
    asked = apt(tools, f'case "$*" in *update*) touch {tmp_path}/new;; *) [ -e {tmp_path}/new ] && touch {made};; esac')
    ensure(work, (Need(str(made), "thing"),))
    assert made.exists()
    verbs = ["update" if " update" in line else "install" for line in asked.read_text().splitlines()]
    assert verbs == ["install", "update", "install"]
    assert "--no-install-recommends thing" in asked.read_text()


def test_a_failing_apt_tells_its_words_and_the_command(
    work: Work, tools: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    apt(tools, "echo 'E: no such package'; exit 100")
    with pytest.raises(EnvironmentFault) as error:
        ensure(work)
    assert "E: no such package" in error.value.message
    assert "apt-get install -y --no-install-recommends mmdebstrap libc6-dev" in error.value.remedy


def test_installed_and_still_missing_is_an_error(work: Work, tools: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    apt(tools, "exit 0")
    with pytest.raises(EnvironmentFault, match="mmdebstrap libc6-dev"):
        ensure(work)


def test_the_lists_name_what_their_packages_bring() -> None:
    needs = (*packages.COMPILER, *packages.SECCOMP, *packages.ROOT_FILE_SYSTEMS)
    assert {need.package for need in needs} == {
        "gcc",
        "libc6-dev",
        "libseccomp-dev",
        "pkg-config",
        "mmdebstrap",
        "debian-archive-keyring",
    }
