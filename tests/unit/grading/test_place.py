"""A submission's place goes, also where the API server is slow to hear of it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from k8s_tutor.clusters.provider import Cluster
from k8s_tutor.grading import place as place_module
from k8s_tutor.grading.place import clear, place, sweep
from k8s_tutor.grading.rules import GRADE, GRADER
from k8s_tutor.kube.errors import ApiUnreachable, NotFound
from k8s_tutor.session.connection import MANAGED_BY, OURS


class SlowApi:
    """Knows one namespace; lets so many requests of a kind go unanswered, some of them only seemingly in vain."""

    def __init__(self, **silent: int) -> None:
        self.silent = silent
        self.there: dict[str, Any] | None = None
        self.asked: list[str] = []

    def _hear(self, verb: str) -> None:
        self.asked.append(verb)
        if self.silent.get(verb, 0):
            self.silent[verb] -= 1
            raise ApiUnreachable("no answer within 10 s")

    def get(self, path: str) -> dict[str, Any]:
        self._hear("get")
        if self.there is None:
            raise NotFound(404, "NotFound", f"there is no {path}")
        return self.there

    def create(self, _path: str, obj: dict[str, Any]) -> dict[str, Any]:
        labels = {MANAGED_BY: OURS}
        self.there = {**obj, "metadata": {"name": obj["metadata"]["name"], "uid": "u", "labels": labels}}
        self._hear("create")
        return self.there

    def apply(self, obj: dict[str, Any]) -> dict[str, Any]:
        self.create("", obj)
        return obj

    def delete(self, _path: str, **_how: Any) -> None:
        self._hear("delete")
        self.there = None

    def list(self, _path: str) -> dict[str, Any]:
        self._hear("list")
        return {"items": []}


@pytest.fixture
def cluster(tmp_path: Path) -> Cluster:
    """Nobody asks it anything."""
    return Cluster(name="mine", provider="native", kubeconfig=tmp_path / "kubeconfig", namespace="", owned=True)


@pytest.fixture(autouse=True)
def hurry(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(place_module, "LEAVE_SECONDS", 0.5)
    monkeypatch.setattr(place_module, "LEAVE_AGAIN", 0.01)


@pytest.mark.parametrize("silent", [{"create": 1}, {"create": 1, "delete": 3}, {"create": 1, "list": 2}])
def test_what_was_made_unseen_goes(cluster: Cluster, silent: dict[str, int]) -> None:
    """The server made the namespace and its answer was lost: nobody else would take it away before the run's end."""
    api = SlowApi(**silent)
    with pytest.raises(ApiUnreachable), place(api, cluster, "run", 60.0):  # type: ignore[arg-type]
        raise AssertionError("there is no place without an answer")
    assert api.there is None


def test_a_server_that_stays_silent_is_given_up(cluster: Cluster) -> None:
    api = SlowApi(create=1, delete=10**9)
    with pytest.raises(ApiUnreachable), place(api, cluster, "run", 60.0):  # type: ignore[arg-type]
        raise AssertionError("there is no place without an answer")
    assert api.asked.count("delete") > 3


class Deletions:
    """A dead run in the cluster: its own namespace and one of a submission. Writes down what is deleted."""

    def __init__(self, **more: str) -> None:
        self.deleted: list[str] = []
        self.more = more

    def list(self, path: str, _query: object = None) -> dict[str, Any]:
        if "policies" in path or "policybindings" in path:
            return {"items": [{"metadata": {"name": "shared", "uid": "s"}}]}
        if not path.endswith("namespaces"):
            return {"items": []}
        own, other = {GRADE: "dead", GRADER: "dead"}, {GRADE: "dead"}
        return {
            "items": [
                {"metadata": {"name": name, "uid": name, "labels": {MANAGED_BY: OURS, **labels}, **self.more}}
                for name, labels in (("k8s-tutor-grade-dead", own), ("k8s-tutor-grade-dead-1", other))
            ]
        }

    def delete(self, path: str, **_how: Any) -> None:
        self.deleted.append(path)


def test_a_dead_run_in_the_cluster_loses_its_rights_before_its_pods_and_places() -> None:
    """Its pod would else go on with the next submission, or with the same one, in a place that nobody sweeps."""
    api = Deletions()
    assert sweep(api, 0.0) == ["k8s-tutor-grade-dead", "k8s-tutor-grade-dead-1"]  # type: ignore[arg-type]
    kinds = [path.rsplit("/", 2)[-2] if not path.endswith("/jobs") else "jobs" for path in api.deleted]
    assert kinds[0] == "clusterrolebindings"
    assert kinds.index("clusterroles") < kinds.index("jobs") < kinds.index("namespaces")
    assert "api/v1/namespaces/k8s-tutor-grade-dead-1" in api.deleted


def test_what_is_shared_goes_though_a_dead_runs_places_are_still_going() -> None:
    """Those that somebody still works in keep it."""
    going, alive = Deletions(deletionTimestamp="2026-11-27T02:00:00Z"), Deletions()
    clear(going, "mine")  # type: ignore[arg-type]
    clear(alive, "mine")  # type: ignore[arg-type]
    assert [path.rsplit("/", 2)[-2] for path in going.deleted] == [
        "validatingadmissionpolicybindings",
        "validatingadmissionpolicies",
    ]
    assert alive.deleted == []
