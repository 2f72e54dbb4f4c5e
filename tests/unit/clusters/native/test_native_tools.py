"""What the host lacks is installed before a cluster is made, and only where that can help."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from k8s_tutor.clusters.native import cgroups, tools
from k8s_tutor.clusters.native.provider import NativeProvider
from k8s_tutor.clusters.node.packages import Need
from k8s_tutor.errors import EnvironmentFault
from k8s_tutor.phases import Phase, PhaseState


@pytest.fixture
def lacking(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A machine without one program, whose apt-get brings it; the file of what apt-get was asked."""
    for name in ("XDG_STATE_HOME", "XDG_CACHE_HOME"):
        monkeypatch.setenv(name, str(tmp_path / name))
    folder = tmp_path / "bin"
    folder.mkdir()
    asked = tmp_path / "asked"
    apt = folder / "apt-get"
    apt.write_text(f'#!/bin/sh\necho "$*" >>{asked}\nln -sf /bin/true {folder}/only-here\n')
    apt.chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}:{os.environ['PATH']}")
    monkeypatch.setattr(tools, "NEEDED", (Need("only-here", "only-package"), Need("sh", "dash")))
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    return asked


def test_what_is_missing_is_installed_and_told_as_a_phase(lacking: Path) -> None:
    told: list[Phase] = []
    assert tools.installable() == ["only-package"]
    tools.install(told.append)
    assert lacking.read_text().split()[-1] == "only-package"
    assert (told[0].id, told[0].state) == ("packages", PhaseState.RUNNING)
    assert "only-package" in told[0].explains
    assert told[-1].state is PhaseState.DONE
    assert tools.installable() == []


def test_nothing_is_installed_without_root(lacking: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    assert tools.installable() == []
    with pytest.raises(EnvironmentFault):
        NativeProvider().up("dev")
    assert not lacking.exists()


def test_nothing_is_installed_on_a_machine_that_lacks_what_cannot_be(
    lacking: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cgroups, "hierarchies", lambda mounts=None: [cgroups.Hierarchy(Path("/x"), 1, ("cpu",))])
    with pytest.raises(EnvironmentFault) as caught:
        NativeProvider().up("dev")
    assert "memory" in caught.value.message
    assert not lacking.exists()


def test_the_way_out_asks_for_its_program_too(lacking: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tools, "WAY_OUT", (Need("no-such-slirp", "slirp-package"),))
    assert tools.installable() == ["only-package"]
    assert tools.installable(egress=True) == ["only-package", "slirp-package"]
