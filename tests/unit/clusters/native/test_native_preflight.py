"""What is missing on a machine is found before anything is made, and named with its remedy."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from k8s_tutor.clusters.native import cgroups, preflight, tools
from k8s_tutor.clusters.native.provider import NativeProvider
from k8s_tutor.clusters.node.packages import Need
from k8s_tutor.errors import EXIT_ENVIRONMENT, EnvironmentFault, UsageError


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    return tmp_path


def by_id() -> dict[str, preflight.Finding]:
    return {finding.id: finding for finding in preflight.findings()}


def test_every_finding_has_evidence_and_every_bad_one_a_remedy() -> None:
    for finding in preflight.findings():
        assert finding.evidence
        assert finding.ok or finding.remedy


def test_this_machine_is_looked_at_without_a_trace(home: Path) -> None:
    before = set(os.listdir("/sys/class/net"))
    preflight.findings()
    assert set(os.listdir("/sys/class/net")) == before
    assert list(home.iterdir()) == []


def test_not_root(monkeypatch: pytest.MonkeyPatch, home: Path) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    finding = by_id()["root"]
    assert not finding.ok
    assert "sudo" in finding.remedy
    with pytest.raises(EnvironmentFault) as caught:
        preflight.require()
    assert caught.value.exit_code == EXIT_ENVIRONMENT


def test_missing_commands_name_their_packages(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tools, "NEEDED", (Need("no-such-ip", "iproute2"), Need("no-such-nft", "nftables")))
    finding = by_id()["commands"]
    assert not finding.ok
    assert finding.evidence == "Commands are missing: no-such-ip, no-such-nft."
    assert "iproute2" in finding.remedy and "nftables" in finding.remedy


def test_the_administrators_folders_are_looked_in(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/usr/bin:/bin")
    by_id()
    assert os.environ["PATH"].split(":")[-1] == "/sbin"


def test_a_full_disk(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(preflight, "_LOW_DISK", 1 << 60)
    finding = by_id()["disk"]
    assert not finding.ok
    assert "XDG_STATE_HOME" in finding.remedy


def test_a_cgroup_controller_that_is_off(monkeypatch: pytest.MonkeyPatch) -> None:
    trees = [cgroups.Hierarchy(Path("/sys/fs/cgroup/cpu"), 1, ("cpu", "cpuset", "pids"))]
    monkeypatch.setattr(cgroups, "hierarchies", lambda mounts=None: trees)
    finding = by_id()["cgroups"]
    assert not finding.ok
    assert "memory" in finding.evidence
    assert "cgroup_enable=memory" in finding.remedy


def test_a_kernel_that_refuses_namespaces(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    fake = tmp_path / "bin"
    fake.mkdir()
    for name in ("ip", "nft", "nsenter", "mount", "umount"):
        (fake / name).symlink_to("/bin/true")
    (fake / "unshare").write_text("#!/bin/sh\necho 'unshare: unshare failed: Operation not permitted' >&2\nexit 1\n")
    (fake / "unshare").chmod(0o755)
    monkeypatch.setenv("PATH", f"{fake}:{os.environ['PATH']}")
    found = by_id()
    for name in ("namespaces", "links", "nftables", "overlay"):
        assert not found[name].ok
        assert "Operation not permitted" in found[name].evidence


def test_up_stops_before_anything_is_made(monkeypatch: pytest.MonkeyPatch, home: Path) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    with pytest.raises(EnvironmentFault):
        NativeProvider().up("dev")
    left = [path for path in home.rglob("*") if path.is_file()]
    assert left == []
    assert NativeProvider().list() == []


def test_wrong_numbers_and_names_are_usage_errors() -> None:
    with pytest.raises(UsageError):
        NativeProvider().up("dev", nodes=0)
    with pytest.raises(UsageError):
        NativeProvider().up("../x")
    with pytest.raises(UsageError):
        NativeProvider().down("A")


def test_what_is_not_there_is_none_and_false() -> None:
    assert NativeProvider().status("dev") is None
    assert NativeProvider().down("dev") is False
    assert NativeProvider().list() == []
