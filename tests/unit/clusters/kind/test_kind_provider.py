"""The provider over fakes of kind and docker: what is removed, what is refused, what a failure leaves."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from kind_fakes import Program, container

from k8s_tutor.clusters.context import ContextProvider
from k8s_tutor.clusters.kind import bring, names, node_image, ready, state
from k8s_tutor.clusters.kind.provider import KindProvider
from k8s_tutor.clusters.native.pid1 import dns
from k8s_tutor.clusters.native.provider import NativeProvider
from k8s_tutor.clusters.node import kind_image, tools
from k8s_tutor.clusters.node.download import Hosts
from k8s_tutor.errors import ClusterError, UsageError
from k8s_tutor.phases import Phase, PhaseState, silent


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Program, Program]:
    """docker and kind on PATH, alone."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:/usr/bin:/bin")
    monkeypatch.delenv("KIND_EXPERIMENTAL_PROVIDER", raising=False)
    monkeypatch.delenv(names.IMAGE_VARIABLE, raising=False)
    docker, kind = Program(tmp_path / "bin", "docker"), Program(tmp_path / "bin", "kind")
    docker.answer("version", "28.2.2\n")
    kind.answer("version", "kind v0.33.0 go1.26 linux/amd64\n")
    return docker, kind


def there(docker: Program, kind: Program, *, stage: str = state.READY, network: bool = True) -> state.KindState:
    made = state.KindState("dev", stage, 1.0, 1, "docker", str(docker.path), str(kind.path), network_there=network)
    state.save(made)
    return made


def test_down_removes_by_our_name_alone_and_the_state_last(machine: tuple[Program, Program]) -> None:
    docker, kind = machine
    there(docker, kind)
    docker.answer("ps --all --no-trunc", "abc\n")
    docker.answer("inspect", json.dumps([container(f"{names.kind_name('dev')}-control-plane")]))
    assert KindProvider().down("dev", report=silent)
    assert [line for line in kind.lines() if line.startswith("delete")] == [
        f"delete cluster --name {names.kind_name('dev')} --kubeconfig {names.kubeconfig_path('dev')}"
    ]
    removed = [line for line in docker.lines() if line.startswith("rm")]
    assert removed == [f"rm --force --volumes {names.kind_name('dev')}-control-plane"]
    filters = [line for line in docker.lines() if line.startswith("ps --all --no-trunc")]
    assert all(f"label={names.LABEL}={names.kind_name('dev')} " in line for line in filters)
    assert not any(line.startswith("network rm") for line in docker.lines()), "kind's network was there before us"
    assert not names.clusters_dir().exists()


def test_kinds_network_goes_with_the_last_of_its_clusters_if_we_brought_it(machine: tuple[Program, Program]) -> None:
    docker, kind = machine
    there(docker, kind, network=False)
    docker.answer("ps --all --quiet", "somebody's\n")
    bring.remove("dev")
    assert not any(line.startswith("network rm") for line in docker.lines())
    there(docker, kind, network=False)
    docker.answer("ps --all --quiet", "")
    bring.remove("dev")
    assert docker.lines()[-1] == "network rm kind"


def test_a_failed_bring_up_keeps_its_logs_removes_its_nodes_and_tells_the_remedy(
    machine: tuple[Program, Program],
) -> None:
    _docker, kind = machine
    kind.answer(
        "create", code=1, err=" • Preparing nodes 📦  ...\n ✗ Preparing nodes 📦\nERROR: failed: too many open files\n"
    )
    told: list[Phase] = []
    with pytest.raises(ClusterError, match=r"did not come up.*too many open files") as caught:
        KindProvider(image="kindest/node:v1.37.0").up("dev", report=told.append)
    assert "max_user_instances" in caught.value.remedy
    verbs = [line.split()[0] for line in kind.lines() if line.split()[0] != "version"]
    assert verbs == ["create", "export", "delete"], "logs first, then the nodes"
    assert told[-1].state is PhaseState.FAILED
    found = KindProvider().status("dev")
    assert found is not None and not found.running and not found.ready
    assert "did not come up" in found.trouble
    again = state.load("dev")
    assert again is not None and again.stage == state.FAILED


def test_what_was_half_made_is_removed_before_it_is_made_anew(machine: tuple[Program, Program]) -> None:
    docker, kind = machine
    there(docker, kind, stage=state.STARTING)
    kind.answer("create", code=1, err="ERROR: enough\n")
    with pytest.raises(ClusterError):
        KindProvider(image="kindest/node:v1.37.0").up("dev", report=silent)
    verbs = [line.split()[0] for line in kind.lines()]
    assert verbs.index("delete") < verbs.index("create")


def test_usage_errors_before_anything_is_asked(machine: tuple[Program, Program]) -> None:
    docker, kind = machine
    provider = KindProvider()
    with pytest.raises(UsageError):
        provider.up("A b", report=silent)
    with pytest.raises(UsageError):
        provider.up("dev", nodes=10, report=silent)
    with pytest.raises(ClusterError, match="no kind cluster"):
        provider.shell_argv("dev")
    assert provider.status("dev") is None and provider.list() == []
    assert docker.calls() == [] and kind.calls() == []


def test_a_running_cluster_of_another_size_is_not_changed(machine: tuple[Program, Program]) -> None:
    docker, kind = machine
    there(docker, kind)
    docker.answer("ps --all --no-trunc", "abc\n")
    docker.answer("inspect", json.dumps([container(f"{names.kind_name('dev')}-control-plane")]))
    with pytest.raises(UsageError, match="runs with 1 node"):
        KindProvider().up("dev", nodes=3, report=silent)


def test_an_engine_that_does_not_answer_is_trouble_not_a_crash(
    machine: tuple[Program, Program], monkeypatch: pytest.MonkeyPatch
) -> None:
    docker, kind = machine
    there(docker, kind)
    docker.answer("inspect", code=1, err="Cannot connect to the Docker daemon")
    found = KindProvider().status("dev")
    assert found is not None and not found.running and "Cannot connect" in found.trouble
    names.cluster_dir("lost").mkdir(parents=True)
    assert [cluster.name for cluster in KindProvider().list()] == ["dev", "lost"]


def test_stopped_nodes_and_forwarded_ports_are_told(machine: tuple[Program, Program]) -> None:
    docker, kind = machine
    there(docker, kind)
    first, worker = names.nodes("dev", 2)
    assert (first, worker) == (f"{names.kind_name('dev')}-control-plane", f"{names.kind_name('dev')}-worker")
    docker.answer("inspect", json.dumps([container(first, running=False)]))
    found = KindProvider().status("dev")
    assert found is not None and not found.running
    assert f"{first} does not run" in found.trouble and found.netns is None
    docker.answer("inspect", "[]\n", code=1, err=f"Error: No such object: {first}")
    found = KindProvider().status("dev")
    assert found is not None and "containers are gone" in found.trouble


def test_images_are_loaded_as_an_archive_and_where_we_cannot_it_is_said(
    machine: tuple[Program, Program], tmp_path: Path
) -> None:
    docker, kind = machine
    there(docker, kind)
    archive = tmp_path / "a.tar"
    with pytest.raises(UsageError, match="no file"):
        KindProvider().load_images("dev", archive, report=silent)
    archive.touch()
    KindProvider().load_images("dev", archive, report=silent)
    assert kind.lines()[-1] == f"load image-archive {archive} --name {names.kind_name('dev')}"
    kind.answer("load", code=1, err="ERROR: no nodes found\n")
    with pytest.raises(ClusterError, match="no nodes found"):
        KindProvider().load_images("dev", archive, report=silent)
    with pytest.raises(UsageError, match="not k8s-tutor's"):
        ContextProvider(()).load_images("kind-x", archive, report=silent)
    with pytest.raises(ClusterError, match="no cluster"):
        NativeProvider().load_images("nothing", archive, report=silent)


class Online(Hosts):
    def __init__(self, online: bool) -> None:
        super().__init__()
        self.online = online

    def answers(self, url: str) -> bool:
        return self.online


def test_the_node_image_is_what_was_asked_for_else_kinds_own_else_ours(machine: tuple[Program, Program]) -> None:
    docker, kind = machine
    engine, path = docker.engine(), str(kind.path)
    asked = node_image.choose(engine, path, image="kindest/node:v1.36.4")
    assert asked.reference == "kindest/node:v1.36.4" and not asked.ours
    assert node_image.choose(engine, path, kubernetes="1.36.4").reference == "kindest/node:v1.36.4"
    pinned = tools.tool("kind").node_image
    docker.answer("image inspect", code=1)
    assert node_image.choose(engine, path, hosts=Online(True)).reference == pinned
    ours = node_image.choose(engine, path, hosts=Online(False))
    assert ours.ours and ours.reference == kind_image.planned().reference
    docker.answer(f"image inspect {pinned}", "[]")
    assert node_image.choose(engine, path, hosts=Online(False)).reference == pinned
    kind.answer("version", "kind v0.31.0 go1.26 linux/amd64\n")
    assert node_image.choose(engine, path, hosts=Online(True)).reference == "", "that kind knows its own"
    for wrong in ({"image": "--privileged"}, {"kubernetes": "1.36; rm"}, {"image": "a", "kubernetes": "1.2.3"}):
        with pytest.raises(UsageError):
            node_image.choose(engine, path, **wrong)


def test_dns_is_asked_over_tcp_and_only_a_right_answer_counts() -> None:
    asked: list[list[str]] = []

    def on_node(command: list[str], feed: bytes) -> bytes:
        asked.append(command)
        question = feed[2:]
        answer = question[:2] + b"\x81\x80\x00\x01\x00\x01\x00\x00\x00\x00" + question[12:]
        answer += b"\xc0\x0c\x00\x01\x00\x01\x00\x00\x00\x1e\x00\x04\x0a\x60\x00\x01"
        return len(answer).to_bytes(2, "big") + answer

    assert ready.parse_answer(on_node, "10.96.0.10") == ["10.96.0.1"]
    assert asked[0][-1] == "10.96.0.10", "an argument, not a part of the script"
    for said in (b"", b"\x00", b"\x00\x05hello"):
        with pytest.raises(ValueError):
            ready.parse_answer(lambda _command, _feed, said=said: said, "10.96.0.10")
    assert dns.question("a.b", 1)
