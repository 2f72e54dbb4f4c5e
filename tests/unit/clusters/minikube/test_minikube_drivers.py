"""With what minikube could make a node: looked at on a machine of our own making."""

from __future__ import annotations

import os
import platform
from pathlib import Path

import pytest

from k8s_tutor.clusters.kind.engine import Engine
from k8s_tutor.clusters.minikube import drivers


@pytest.fixture
def bin_dir(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty PATH on Linux, with a /dev/kvm that may be used, for a user who is not root."""
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv(drivers.CHOICE, raising=False)
    monkeypatch.setattr(platform, "system", lambda: "Linux")
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    monkeypatch.setattr(drivers, "_KVM", tmp_path)
    return tmp_path


def program(folder: Path, name: str) -> None:
    (folder / name).write_text("")
    (folder / name).chmod(0o755)


def test_without_anything_there_is_no_driver(bin_dir: Path) -> None:
    assert drivers.able() == ""


def test_a_virtual_machine_needs_its_program_and_kvm(bin_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program(bin_dir, "qemu-system-x86_64")
    assert drivers.able() == "qemu"
    program(bin_dir, "virsh")
    assert drivers.able() == "kvm2"
    monkeypatch.setattr(drivers, "_KVM", bin_dir / "nothing")
    assert drivers.able() == ""
    program(bin_dir, "VBoxManage")
    assert drivers.able() == "virtualbox", "it brings its own"


def test_a_mac_needs_no_kvm(bin_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(platform, "system", lambda: "Darwin")
    program(bin_dir, "vfkit")
    assert drivers.able() == "vfkit"
    monkeypatch.setattr(platform, "system", lambda: "Plan9")
    assert drivers.able() == ""


def test_containers_need_an_engine_and_a_user_who_is_not_root(bin_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    docker = Engine("docker", "/usr/bin/docker")
    assert drivers.able(docker) == "docker"
    assert drivers.able(Engine("nerdctl", "/usr/bin/nerdctl")) == ""
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    assert drivers.able(docker) == "", "DRV_AS_ROOT"


def test_the_users_word_counts_unless_it_needs_an_engine_that_is_silent(
    bin_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program(bin_dir, "virsh")
    monkeypatch.setenv(drivers.CHOICE, "vmware")
    assert drivers.able() == "vmware"
    monkeypatch.setenv(drivers.CHOICE, "docker")
    assert drivers.able() == ""
