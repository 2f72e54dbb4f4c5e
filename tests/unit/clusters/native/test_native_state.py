"""The state file: whole or not there; and the names that make it expendable."""

from __future__ import annotations

from pathlib import Path

import pytest

from k8s_tutor.clusters.native import names, state
from k8s_tutor.clusters.node.material import Material
from k8s_tutor.errors import UsageError


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    return tmp_path


def example(name: str = "dev") -> state.ClusterState:
    return state.ClusterState(
        name=name,
        stage=state.STARTING,
        created=1.0,
        nodes=2,
        egress=False,
        node_range="172.29.0.0/24",
        pod_range="10.244.0.0/16",
        service_range="10.96.0.0/16",
        token="abcdef.0123456789abcdef",
        links=["ktaaaaaa"],
        sysctls={"vm/overcommit_memory": "0"},
    )


def test_what_is_saved_is_loaded() -> None:
    material = Material(Path("/b"), Path("/c"), Path("/s"), Path("/r"), "v1.37.2", {"pause": "p:1"}, {"nginx": "truth"})
    before = state.made_of(example(), material)
    state.save(before)
    assert state.load("dev") == before
    after = state.load("dev")
    assert after is not None
    assert after.restored_material() == material
    assert str(after.ranges.node(2)) == "172.29.0.3"


def test_the_file_is_private() -> None:
    state.save(example())
    assert (names.cluster_dir("dev") / state.FILE).stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("torn", ["", "{", '{"name": "dev"}', "[]", '{"name": "dev", "stage": 3, "other": 1}'])
def test_a_torn_file_is_none_and_not_a_crash(torn: str) -> None:
    state.save(example())
    (names.cluster_dir("dev") / state.FILE).write_text(torn)
    assert state.load("dev") is None
    assert state.all_names() == ["dev"]


def test_half_of_a_file_is_none() -> None:
    state.save(example())
    path = names.cluster_dir("dev") / state.FILE
    path.write_text(path.read_text()[: path.stat().st_size // 2])
    assert state.load("dev") is None


def test_a_state_of_another_cluster_is_not_taken_for_ours() -> None:
    state.save(example("other"))
    (names.cluster_dir("dev")).mkdir(parents=True)
    (names.cluster_dir("other") / state.FILE).rename(names.cluster_dir("dev") / state.FILE)
    assert state.load("dev") is None


def test_forgetting_removes_everything_and_follows_no_link(home: Path) -> None:
    state.save(example())
    keep = home / "keep"
    keep.mkdir()
    (keep / "file").touch()
    (names.cluster_dir("dev") / "nodes").mkdir()
    (names.cluster_dir("dev") / "link").symlink_to(keep)
    state.forget("dev")
    assert not names.cluster_dir("dev").exists()
    assert (keep / "file").exists()
    state.forget("dev")


@pytest.mark.parametrize("good", ["a", "dev", "t-123", "a" * 22, "0-9"])
def test_good_names(good: str) -> None:
    assert names.validate(good) == good


@pytest.mark.parametrize("bad", ["", "A", "-a", "a-", "a" * 23, "a_b", "a/b", "..", "a b", "dev\n", "é"])
def test_bad_names_are_refused_with_a_remedy(bad: str) -> None:
    with pytest.raises(UsageError) as caught:
        names.validate(bad)
    assert caught.value.remedy


def test_interface_names_fit_the_kernel_and_differ(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    longest = "a" * 22
    assert len(names.veth(longest, names.MAX_NODES)) <= 15
    assert names.bridge("a") != names.bridge("b")
    here = names.bridge("a")
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "another-user"))
    assert names.bridge("a") != here
