from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from k8s_tutor.clusters import assigned
from k8s_tutor.clusters.provider import Cluster, NodeInfo
from k8s_tutor.errors import ClusterError, EnvironmentFault, UsageError
from k8s_tutor.phases import silent
from k8s_tutor.session.places import find_cluster


@pytest.fixture
def given(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    kubeconfig(tmp_path / "kubeconfig")
    source = Cluster(
        "class", "native", tmp_path / "admin", "learner", True, version="v1.37.2", nodes=(NodeInfo("node1"),),
        bin_dir=tmp_path / "bin", stand_ins={"nginx": "another one"},
    )  # fmt: skip
    file = tmp_path / "assigned.json"
    file.write_text(assigned.write_text(source, "learner-anna", tmp_path / "kubeconfig"))
    monkeypatch.setenv(assigned.VARIABLE, str(file))
    return file


def kubeconfig(
    path: Path, *, server: str = "https://10.200.0.1:6443", name: str = "k8s-tutor-class", **more: Any
) -> None:
    document = {
        "current-context": name,
        "clusters": [{"name": name, "cluster": {"server": server, **more}}],
        "contexts": [{"name": name, "context": {"cluster": name, "user": "anna", "namespace": "learner-anna"}}],
        "users": [{"name": "anna", "user": {"token": "x"}}],
    }
    path.write_text(json.dumps(document))


def test_what_was_given_is_found_and_nothing_else_is_looked_for(given: Path) -> None:
    cluster = find_cluster()
    assert (cluster.name, cluster.provider, cluster.namespace) == ("class", "assigned", "learner-anna")
    assert (cluster.owned, cluster.tenant, cluster.ready) == (False, True, True)
    assert cluster.kubeconfig == given.with_name("kubeconfig") and cluster.netns == assigned.HERE
    assert cluster.stand_ins == {"nginx": "another one"} and [node.name for node in cluster.nodes] == ["node1"]
    assert find_cluster("class") == cluster
    for name, context in (("tutor", None), (None, "kind-kind")):
        with pytest.raises(UsageError, match="no other"):
            find_cluster(name, context)


def test_it_stops_and_enters_nothing(given: Path) -> None:
    provider = assigned.AssignedProvider(given)
    for deed in (
        lambda: provider.down("class", report=silent),
        lambda: provider.shell_argv("class"),
        lambda: provider.logs("class"),
    ):
        with pytest.raises(UsageError):
            deed()
    assert provider.status("other") is None


@pytest.mark.parametrize(
    ("server", "name"),
    [
        ("https://api.example.com", "k8s-tutor-class"),
        ("https://8.8.8.8", "k8s-tutor-class"),
        ("https://10.0.0.1", "prod"),
    ],
)
def test_the_guard_judges_it_too(given: Path, server: str, name: str) -> None:
    kubeconfig(given.with_name("kubeconfig"), server=server, name=name)
    with pytest.raises(EnvironmentFault, match="refused"):
        find_cluster()


def test_a_proxy_is_refused(given: Path) -> None:
    kubeconfig(given.with_name("kubeconfig"), **{"proxy-url": "http://10.0.0.1"})
    with pytest.raises(ClusterError, match="proxy"):
        find_cluster()


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"name": 3}', "\xff"])
def test_a_broken_file_says_which(given: Path, text: str) -> None:
    given.write_text(text, encoding="latin-1")
    with pytest.raises(ClusterError, match=r"assigned\.json"):
        find_cluster()
