"""The container engine: which one answers, what it tells, and what kind's environment is."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from kind_fakes import Program, container

from k8s_tutor.clusters.kind import engine as engines
from k8s_tutor.clusters.kind.engine import parse_inspect
from k8s_tutor.errors import EnvironmentFault


@pytest.fixture
def path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("KIND_EXPERIMENTAL_PROVIDER", raising=False)
    return tmp_path


def test_the_first_that_answers_is_taken_not_the_first_that_is_installed(path: Path) -> None:
    docker, podman = Program(path, "docker"), Program(path, "podman")
    docker.answer("version", err="Cannot connect to the Docker daemon", code=1)
    podman.answer("info", "amd64\n")
    found = engines.find()
    assert found is not None and found.name == "podman"
    docker.answer("version", "28.2.2\n")
    found = engines.find()
    assert found is not None and found.name == "docker"


def test_a_client_that_exits_well_without_a_server_does_not_answer(path: Path) -> None:
    Program(path, "docker").answer("version", "\n")
    assert engines.find() is None


def test_the_users_choice_is_the_only_one_looked_at(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    Program(path, "docker").answer("version", "28.2.2\n")
    Program(path, "nerdctl").answer("info", "2.0.0\n")
    monkeypatch.setenv("KIND_EXPERIMENTAL_PROVIDER", "nerdctl")
    found = engines.find()
    assert found is not None and found.name == "nerdctl"
    monkeypatch.setenv("KIND_EXPERIMENTAL_PROVIDER", "podman")
    assert engines.find() is None


def test_none_says_what_was_tried_and_what_to_do(path: Path) -> None:
    with pytest.raises(EnvironmentFault, match="none of docker, podman, nerdctl") as caught:
        engines.require()
    assert "--provider native" in caught.value.remedy
    Program(path, "docker").answer("version", code=1)
    with pytest.raises(EnvironmentFault, match="docker found, and not answering"):
        engines.require()


def test_kinds_environment_is_a_copy_without_the_users_kubeconfig(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KUBECONFIG", "/home/user/.kube/config")
    before = dict(os.environ)
    assert "KUBECONFIG" not in Program(path, "docker").engine().environment()
    assert Program(path, "podman").engine("podman").environment()["KIND_EXPERIMENTAL_PROVIDER"] == "podman"
    assert dict(os.environ) == before


def test_nodes_are_those_of_the_label_control_plane_first(path: Path) -> None:
    docker = Program(path, "docker")
    docker.answer("ps", "b\na\nc\n")
    names = ["x-worker2", "x-worker", "x-control-plane"]
    roles = ["worker", "worker", "control-plane"]
    docker.answer("inspect", json.dumps([container(n, r) for n, r in zip(names, roles, strict=True)]))
    found = docker.engine().nodes("x")
    assert [node.name for node in found] == ["x-control-plane", "x-worker", "x-worker2"]
    assert "label=io.x-k8s.kind.cluster=x" in docker.lines()[0]
    assert found[0].ports == {"6443/tcp": 36185, "30080/tcp": 45569}
    assert found[0].address == "172.18.0.2" and found[0].running


def test_a_process_that_is_not_the_nodes_gives_no_network(path: Path) -> None:
    # Ours: an engine in a virtual machine would tell a number that means some other process here.
    item = container("x-control-plane")
    item["State"]["Pid"] = os.getpid()
    assert parse_inspect(json.dumps([item]))[0].netns() is None


@pytest.mark.parametrize("text", ["", "{", "[1]", '[{"State": {}}]'])
def test_an_answer_that_is_not_understood_is_an_error_of_the_environment(text: str) -> None:
    with pytest.raises(EnvironmentFault, match="not understood"):
        parse_inspect(text)


def test_failing_and_hanging_commands_are_environment_faults(path: Path) -> None:
    docker = Program(path, "docker")
    docker.answer("rm", code=1, err="no such container")
    with pytest.raises(EnvironmentFault, match="no such container"):
        docker.engine().ask("rm", "x")
    (path / "slow").write_text("#!/bin/sh\nexec /bin/sleep 30\n")
    (path / "slow").chmod(0o755)
    with pytest.raises(EnvironmentFault, match="does not answer"):
        engines.Engine("docker", str(path / "slow")).ask("ps", timeout=0.2)
