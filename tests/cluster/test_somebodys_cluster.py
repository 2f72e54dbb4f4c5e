"""A real cluster that looks like somebody's production: refused, consented to, worked on and left as it was."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from native_helpers import Kubectl, tell

from k8s_tutor.cli.main import main
from k8s_tutor.clusters.native.processes import identify
from k8s_tutor.clusters.native.provider import NativeProvider
from k8s_tutor.clusters.provider import Cluster

NAME = "prod-eu-1"


@pytest.fixture
def admin(cluster: Cluster) -> Iterator[Kubectl]:
    """The owner of the cluster, in a namespace ``learner`` that was not there before."""
    kubectl = Kubectl(cluster, "learner")
    kubectl.run("delete", "namespace", "learner", "k8s-tutor-probe", "--ignore-not-found", "--timeout=100s")
    yield kubectl
    kubectl.run("delete", "namespace", "learner", "k8s-tutor-probe", "--ignore-not-found", "--timeout=100s")


@pytest.fixture
def theirs(cluster: Cluster, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The user's kubeconfig, with the cluster under a name of their own; the tutor has no cluster of its own."""
    document = yaml.safe_load(cluster.kubeconfig.read_text())
    document["contexts"][0]["name"] = document["current-context"] = NAME
    path = tmp_path / "config"
    path.write_text(yaml.safe_dump(document))
    monkeypatch.setenv("KUBECONFIG", str(path))
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.setenv("K8S_TUTOR_HOME", str(tmp_path / "home"))
    return path


def everything(admin: Kubectl) -> dict[str, str]:
    """Name -> UID of all namespaces and what labs make, anywhere."""
    items = json.loads(admin("get", "namespaces,pods,deployments,services", "-A", "-o", "json"))["items"]
    return {f"{each['kind']}/{each['metadata']['name']}": each["metadata"]["uid"] for each in items}


def test_refused_then_consented_to_then_used_and_emptied_again(
    admin: Kubectl, theirs: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before, config = everything(admin), theirs.read_bytes()
    for command in (["check", "lab1"], ["solve", "lab1"], ["reset", "lab1", "--yes"], ["reset", "lab1", "--dry-run"]):
        assert main([*command, "--context", NAME]) == 3
        assert "looks like a production" in capsys.readouterr().err
    assert everything(admin) == before, "nothing was made"

    assert main(["cluster", "consent", NAME]) == 3
    told = capsys.readouterr().err
    assert NAME in told and "node1" in told and "v1." in told
    assert main(["cluster", "consent", NAME, "--typed", NAME]) == 0
    assert everything(admin) == before, "consent makes nothing either"

    for step in ("write", "apply"):
        assert main(["solve", "lab1", "--step", step, "--context", NAME]) == 0
    made = {name: uid for name, uid in everything(admin).items() if name not in before}
    assert set(made) == {"Namespace/learner", "Pod/nginx-pod"}
    capsys.readouterr()
    assert main(["reset", "lab1", "--dry-run", "--context", NAME]) == 0
    told = capsys.readouterr().out
    assert f"delete pod/nginx-pod (UID {made['Pod/nginx-pod']}) in namespace learner" in told
    assert "delete namespace" not in told and "move aside" in told
    assert set(everything(admin)) == {*before, *made}, "it was only said"

    assert main(["reset", "lab1", "--yes", "--context", NAME]) == 0
    left = everything(admin)
    assert {name for name in left if name not in before} == {"Namespace/learner"}
    assert {name: left[name] for name in before} == before, "what others have there stayed the very same"
    assert theirs.read_bytes() == config


def test_down_says_what_it_would_remove_and_does_it(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    provider, name = NativeProvider(), "dry"
    try:
        provider.up(name, report=tell)
        capsys.readouterr()
        assert main(["cluster", "down", "--name", name, "--provider", "native", "--dry-run"]) == 0
        lines = capsys.readouterr().out.splitlines()
        processes = [line.split() for line in lines if line.startswith("process ")]
        assert {"kube-apiserver", "etcd", "containerd"} <= {words[2] for words in processes}
        there = provider.status(name)
        assert there is not None and there.ready, "nothing was changed"
        folders = [Path(line.split()[1]) for line in lines if line.startswith(("cgroup ", "folder "))]
        assert folders and all(folder.is_dir() for folder in folders)
        assert main(["cluster", "down", "--name", name, "--provider", "native"]) == 0
        assert not any(folder.exists() for folder in folders)
        # A dead one may wait for this test, which started it, to take note.
        found = [identify(int(words[1])) for words in processes]
        assert not [each for each in found if each is not None and each.runs()]
        capsys.readouterr()
        assert main(["cluster", "down", "--name", name, "--provider", "native", "--dry-run"]) == 0
        assert capsys.readouterr().out == f"there is no cluster {name}\n"
    finally:
        provider.down(name, report=tell)
