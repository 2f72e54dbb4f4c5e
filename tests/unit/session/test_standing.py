"""Whether a cluster that is not ours is worked on: decided before anything is written to it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from loopback_api import Handler, LoopbackApi

from k8s_tutor.cli.main import main
from k8s_tutor.clusters import consent
from k8s_tutor.clusters.context import ContextProvider
from k8s_tutor.errors import EnvironmentFault
from k8s_tutor.phases import silent
from k8s_tutor.session.connection import open_connection

OURS = {"app.kubernetes.io/managed-by": "k8s-tutor"}


class Remote:
    """A loopback API server with facts of its own, named by a context of the user's kubeconfig."""

    def __init__(self, folder: Path) -> None:
        self.api = LoopbackApi()
        self.uid, self.nodes, self.namespaces = "uid-1", [("node1", "")], 4
        self.learner: dict[str, Any] | None = None
        self.unreadable: set[str] = set()
        self.folder = folder
        route = self.api.routes
        route["GET", "/api/v1/namespaces/kube-system"] = lambda to: self._answer(
            to, "system", {"kind": "Namespace", "metadata": {"name": "kube-system", "uid": self.uid}}
        )
        route["GET", "/version"] = lambda to: to.json(200, {"gitVersion": "v1.37.2"})
        route["GET", "/api/v1/nodes"] = lambda to: self._answer(to, "nodes", self._list(self.nodes))
        route["GET", "/api/v1/namespaces"] = lambda to: self._answer(
            to, "namespaces", self._list([(f"ns{at}", "") for at in range(self.namespaces)])
        )
        route["GET", "/api/v1/namespaces/learner"] = self._learner
        route["POST", "/api/v1/namespaces"] = self._make
        route["GET", "/api/v1/namespaces/learner/serviceaccounts/default"] = lambda to: to.json(
            200, {"metadata": {"name": "default"}}
        )

    def context(self, name: str) -> ContextProvider:
        path = self.folder / "theirs"
        document = {
            "contexts": [{"name": name, "context": {"cluster": name, "user": "me"}}],
            "clusters": [{"name": name, "cluster": {"server": self.api.url}}],
            "users": [{"name": "me", "user": {"token": "t"}}],
            "current-context": name,
        }
        path.write_text(yaml.safe_dump(document))
        return ContextProvider((path,))

    @property
    def written(self) -> list[tuple[str, str]]:
        return [(verb, path) for verb, path, *_ in self.api.seen if verb != "GET"]

    def _list(self, named: list[tuple[str, str]]) -> dict[str, Any]:
        items = [{"metadata": {"name": name, "labels": {}}, "spec": {"providerID": text}} for name, text in named]
        return {"kind": "List", "metadata": {"resourceVersion": "1"}, "items": items}

    def _answer(self, to: Handler, what: str, body: dict[str, Any]) -> None:
        if what in self.unreadable:
            to.status(403, "Forbidden", f"{what} is forbidden")
        else:
            to.json(200, body)

    def _learner(self, to: Handler) -> None:
        if self.learner is None:
            to.status(404, "NotFound", 'namespaces "learner" not found')
        else:
            to.json(200, self.learner)

    def _make(self, to: Handler) -> None:
        self.learner = {"kind": "Namespace", "metadata": {"name": "learner", "uid": "ns-1", "labels": OURS}}
        to.json(201, self.learner)


@pytest.fixture
def remote(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Remote]:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.setenv("KUBECONFIG", str(tmp_path / "theirs"))
    made = Remote(tmp_path)
    yield made
    made.api.close()


def test_a_local_cluster_is_used_and_gets_a_namespace_with_our_label(remote: Remote) -> None:
    connection = open_connection(remote.context("kind-lab").up("kind-lab", report=silent))
    assert connection.namespace.ours and connection.may_empty and not connection.may_reset
    assert remote.written == [("POST", "/api/v1/namespaces")]
    connection.close()


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"nodes": [("ip-10-0-0-1", "aws:///eu-west-1a/i-0abc")]}, "aws:///"),
        ({"nodes": [(f"n{at}", "") for at in range(30)]}, "30 nodes"),
        ({"namespaces": 80}, "80 namespaces"),
        ({"unreadable": {"nodes"}}, "nodes may not be read"),
    ],
)
def test_what_only_looks_local_is_refused_before_anything_is_written(
    remote: Remote, change: dict[str, Any], why: str
) -> None:
    for name, value in change.items():
        setattr(remote, name, value)
    cluster = remote.context("kind-lab").up("kind-lab", report=silent)
    with pytest.raises(EnvironmentFault, match=why) as caught:
        open_connection(cluster)
    assert caught.value.remedy.endswith("k8s-tutor cluster consent kind-lab")
    assert remote.written == []


def test_another_name_is_refused_with_nothing_asked_at_all(remote: Remote) -> None:
    with pytest.raises(EnvironmentFault, match="not one that a local tool gives"):
        remote.context("company").up("company", report=silent)
    assert list(remote.api.seen) == [] and not (remote.folder / "state").exists()


def test_consent_is_typed_and_holds_for_that_cluster_alone(remote: Remote, capsys: pytest.CaptureFixture[str]) -> None:
    provider = remote.context("company-prod")
    assert main(["cluster", "consent", "company-prod"]) == 3, "nobody is there to type"
    told = capsys.readouterr().err
    for fact in ("company-prod", remote.api.url, "me", "v1.37.2", "node1", "kube-system uid-1", "looks like a prod"):
        assert fact in told
    assert main(["cluster", "consent", "company-prod", "--typed", "company"]) == 2
    assert consent.load() == () and remote.written == []
    assert main(["cluster", "consent", "company-prod", "--typed", "company-prod"]) == 0
    assert remote.written == [], "consent itself writes nothing there"
    open_connection(provider.up("company-prod", report=silent)).close()
    assert remote.written == [("POST", "/api/v1/namespaces")]
    remote.uid = "uid-2"
    with pytest.raises(EnvironmentFault, match="you consented to another one"):
        open_connection(provider.up("company-prod", report=silent))
    capsys.readouterr()
    assert main(["cluster", "consent"]) == 0
    assert "company-prod" in capsys.readouterr().out
    assert main(["cluster", "consent", "company-prod", "--withdraw"]) == 0
    with pytest.raises(EnvironmentFault, match="refused"):
        provider.up("company-prod", report=silent)


def test_a_namespace_that_is_not_ours_is_left_alone(remote: Remote) -> None:
    remote.learner = {"kind": "Namespace", "metadata": {"name": "learner", "uid": "theirs", "labels": {}}}
    cluster = remote.context("kind-lab").up("kind-lab", report=silent)
    with pytest.raises(EnvironmentFault, match="not k8s-tutor's") as caught:
        open_connection(cluster)
    assert "kubectl label namespace learner" in caught.value.remedy
    assert remote.written == []


def test_who_works_there_stays_there_when_the_context_comes_to_mean_another_cluster(remote: Remote) -> None:
    first = remote.context("kind-lab").up("kind-lab", report=silent).kubeconfig
    before = first.read_text()
    other = Remote(remote.folder)
    try:
        second = other.context("kind-lab").up("kind-lab", report=silent).kubeconfig
        assert first != second and first.read_text() == before
        assert other.api.url in second.read_text()
        provider = other.context("kind-lab")
        assert sorted(provider.remains("kind-lab")) == sorted(f"file {path}" for path in (first, second))
        assert provider.down("kind-lab", report=silent) and not first.exists() and not second.exists()
    finally:
        other.api.close()
