"""Argument lists, configuration, locks, state: what kind is given, and what is kept."""

from __future__ import annotations

import base64
import json
from pathlib import Path

import pytest
from kind_fakes import Program, container

from k8s_tutor.clusters.kind import config, kubeconfig, names, program, state
from k8s_tutor.clusters.kind.engine import parse_inspect
from k8s_tutor.clusters.kind.progress import FIRST_GUESS, Teller
from k8s_tutor.clusters.kind.trouble import remedy_for
from k8s_tutor.clusters.native.follow import Guess
from k8s_tutor.errors import ClusterError, UsageError
from k8s_tutor.phases import silent


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("KUBECONFIG", str(tmp_path / "users"))
    return tmp_path


def teller() -> Teller:
    return Teller(silent, Guess("make-1", FIRST_GUESS, file="kind-times.json"))


def test_every_call_names_our_kubeconfig_and_our_cluster(home: Path) -> None:
    ours, file = names.kind_name("dev"), str(home / "state/k8s-tutor/kind/dev/kind.kubeconfig")
    made = program.create_argv("kind", "dev", Path("/c.yaml"))
    assert made[:3] == ["kind", "create", "cluster"] and "--retain" in made
    assert made[made.index("--wait") + 1] == "0s"
    for argv in (made, program.delete_argv("kind", "dev")):
        assert argv[argv.index("--kubeconfig") + 1] == file
    for argv in (made, program.delete_argv("kind", "dev"), program.export_argv("kind", "dev", Path("/l")),
                 program.load_argv("kind", "dev", Path("/a.tar"))):  # fmt: skip
        assert argv[argv.index("--name") + 1] == ours
    assert "image-archive" in program.load_argv("kind", "dev", Path("/a.tar"))


def test_our_names_are_short_ours_and_differ_between_state_folders(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    name = names.kind_name("a" * 22)
    assert name.startswith(names.PREFIX) and len(name) <= 50
    monkeypatch.setenv("XDG_STATE_HOME", str(home / "another"))
    assert names.kind_name("a" * 22) != name
    with pytest.raises(UsageError):
        names.validate("../x")


def test_the_configuration_is_json_and_binds_to_loopback_alone() -> None:
    document = json.loads(config.cluster("k8s-tutor-dev", 3, image="k8s-tutor/node:x", cgroup_v1=True, nftables=True))
    assert [node["role"] for node in document["nodes"]] == ["control-plane", "worker", "worker"]
    assert {node["image"] for node in document["nodes"]} == {"k8s-tutor/node:x"}
    assert document["networking"]["apiServerAddress"] == "127.0.0.1"
    assert document["networking"]["kubeProxyMode"] == "nftables"
    mappings = document["nodes"][0]["extraPortMappings"]
    assert {entry["listenAddress"] for entry in mappings} == {"127.0.0.1"}
    assert tuple(entry["containerPort"] for entry in mappings) == config.NODE_PORTS
    patches = [json.loads(patch) for patch in document["kubeadmConfigPatches"]]
    assert patches[0]["failCgroupV1"] is False
    arguments = {patch["apiVersion"]: patch["scheduler"]["extraArgs"] for patch in patches if "apiVersion" in patch}
    assert arguments["kubeadm.k8s.io/v1beta3"] == {"leader-elect": "false"}
    assert arguments["kubeadm.k8s.io/v1beta4"] == [{"name": "leader-elect", "value": "false"}]
    plain = json.loads(config.cluster("k8s-tutor-dev", 1))
    assert "image" not in plain["nodes"][0]
    kinds = [json.loads(patch)["kind"] for patch in plain["kubeadmConfigPatches"]]
    assert "KubeProxyConfiguration" not in kinds and "failCgroupV1" not in plain["kubeadmConfigPatches"][0]


def test_a_run_tells_its_steps_and_hides_the_users_kubeconfig(home: Path) -> None:
    kind, docker = Program(home / "bin", "kind"), Program(home / "bin", "docker")
    kind.answer("create", err=" • Preparing nodes 📦  ...\n ✓ Preparing nodes 📦\n")
    seen: list[str] = []
    argv = program.create_argv(str(kind.path), "dev", home / "c.yaml")
    program.run(argv, docker.engine(), teller(), patience=20, on_step=lambda step: seen.append(step.phase))
    assert seen == ["nodes", "nodes"]
    assert kind.calls()[0]["env"] == {"KUBECONFIG": None, "KIND_EXPERIMENTAL_PROVIDER": None}


def test_a_failure_tells_kinds_own_words_without_control_characters(home: Path) -> None:
    kind, docker = Program(home / "bin", "kind"), Program(home / "bin", "docker")
    kind.answer(
        "create", code=1, err="Creating cluster\nERROR: failed\x1b[2J to create\nCommand Output: too many open files\n"
    )
    with pytest.raises(ClusterError, match="kind create cluster failed: ERROR: failed") as caught:
        program.run(program.create_argv(str(kind.path), "dev", home / "c"), docker.engine(), teller(), patience=20)
    assert "\x1b" not in caught.value.message
    assert "max_user_instances" in remedy_for(caught.value.message)


def test_a_program_that_hangs_is_ended(home: Path) -> None:
    slow = home / "kind"
    slow.write_text("#!/bin/sh\nexec sleep 60\n")
    slow.chmod(0o755)
    with pytest.raises(ClusterError, match="has not finished"):
        program.run([str(slow), "create", "cluster"], Program(home, "docker").engine(), teller(), patience=0.3)


def test_a_lock_that_a_killed_kind_left_is_removed_only_from_our_folder(home: Path) -> None:
    lock = home / "state/k8s-tutor/kind/dev/kind.kubeconfig.lock"
    lock.parent.mkdir(parents=True)
    lock.touch()
    users = home / "users.lock"
    users.touch()
    assert program.drop_stale_lock("dev") is True
    assert not lock.exists() and users.exists()
    assert program.drop_stale_lock("dev") is False


@pytest.mark.parametrize(
    ("said", "part"),
    [
        ("OCI runtime create failed: unable to apply caps: operation not permitted", "--provider native"),
        ("bind: PORT IS ALREADY ALLOCATED", "same command again"),
        ("all fine", ""),
    ],
)
def test_known_failures_have_their_remedy(said: str, part: str) -> None:
    assert part in remedy_for(said) and bool(remedy_for(said)) == bool(part)


def example() -> state.KindState:
    return state.KindState("dev", state.STARTING, 1.0, 2, "docker", "/usr/bin/docker", "/k/kind", ports={"30080": 4})


def test_what_is_saved_is_loaded_and_private() -> None:
    state.save(example())
    assert state.load("dev") == example()
    assert (names.cluster_dir("dev") / state.FILE).stat().st_mode & 0o777 == 0o600
    assert state.all_names() == ["dev"]
    state.forget("dev")
    state.tidy()
    assert state.all_names() == [] and not names.clusters_dir().exists()


@pytest.mark.parametrize("torn", ["", "{", "[]", '{"name": "dev"}', '{"name": "dev", "stage": 3, "other": 1}'])
def test_a_torn_file_is_none_and_not_a_crash(torn: str) -> None:
    state.save(example())
    (names.cluster_dir("dev") / state.FILE).write_text(torn)
    assert state.load("dev") is None and state.all_names() == ["dev"]


def kinds_own(name: str, server: str = "https://127.0.0.1:36185") -> None:
    data = base64.b64encode(b"secret").decode()
    file = names.kubeconfig_path(name)
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(
        f"clusters:\n- cluster:\n    certificate-authority-data: {data}\n    server: {server}\n  name: kind-x\n"
        f"users:\n- user:\n    client-certificate-data: {data}\n    client-key-data: {data}\n"
    )


def test_the_learners_kubeconfig_is_made_of_kinds_own() -> None:
    kinds_own("dev")
    first = parse_inspect(json.dumps([container("x-control-plane")]))[0]
    assert kubeconfig.write("dev", first) == "https://127.0.0.1:36185", "the node's network cannot be entered"
    text = kubeconfig.path("dev").read_text()
    assert "namespace: learner" in text and "current-context: k8s-tutor-dev" in text
    assert kubeconfig.path("dev").stat().st_mode & 0o777 == 0o600
    assert kubeconfig.server("dev") == "https://127.0.0.1:36185"
    assert not kubeconfig.answers("dev", 0.3)


@pytest.mark.parametrize("server", ["http://127.0.0.1:1", "https://127.0.0.1:1 --evil", ""])
def test_a_kubeconfig_that_is_not_whole_is_an_error(server: str) -> None:
    kinds_own("dev", server)
    first = parse_inspect(json.dumps([container("x-control-plane")]))[0]
    with pytest.raises(ClusterError, match="left no kubeconfig"):
        kubeconfig.write("dev", first)
    assert not kubeconfig.path("dev").exists()
