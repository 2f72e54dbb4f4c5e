from __future__ import annotations

import os
from pathlib import Path

import pytest

from k8s_tutor.clusters import doctor
from k8s_tutor.clusters.doctor import Finding, findings, well
from k8s_tutor.clusters.kind import engine
from k8s_tutor.clusters.native import preflight
from k8s_tutor.clusters.provider import Cluster, NodeInfo


@pytest.fixture(autouse=True)
def without_engine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine, "find", lambda: None)


def by_id(found: list[Finding]) -> dict[str, Finding]:
    assert len({finding.id for finding in found}) == len(found)
    return {finding.id: finding for finding in found}


def test_what_a_native_cluster_needs_is_needed_only_without_a_context(monkeypatch):
    monkeypatch.setattr(preflight, "findings", lambda: [preflight.Finding("root", False, "user 5", "use sudo")])
    alone = by_id(findings(None))
    assert alone["root"].needed
    assert alone["root"].remedy == "use sudo"
    assert not well(alone.values())
    there = Cluster("kind-x", "context", Path("/none"), "learner", False, running=True, ready=False)
    assert not by_id(findings(there))["root"].needed


def test_one_of_the_two_ways_to_make_a_cluster_is_enough(monkeypatch):
    monkeypatch.setattr(preflight, "findings", lambda: [preflight.Finding("root", False, "user 5", "use sudo")])
    assert not by_id(findings(None))["engine"].ok and not by_id(findings(None))["engine"].needed
    of_kind = Cluster("dev", "kind", Path("/none"), "learner", True)
    assert by_id(findings(of_kind))["engine"].needed and not by_id(findings(of_kind))["root"].needed
    monkeypatch.setattr(engine, "find", lambda: engine.Engine("docker", "/usr/bin/docker"))
    found = by_id(findings(None))
    assert found["engine"].ok and "docker answers" in found["engine"].evidence
    assert not found["root"].needed


def test_a_lock_that_somebody_left_beside_the_kubeconfig_is_explained_and_left(monkeypatch, tmp_path: Path):
    monkeypatch.setattr(preflight, "findings", list)
    monkeypatch.setenv("KUBECONFIG", str(tmp_path / "config"))
    lock = tmp_path / "config.lock"
    lock.touch()
    assert "kubeconfig-lock" not in by_id(findings(None)), "somebody may be writing just now"
    os.utime(lock, (1, 1))
    found = by_id(findings(None))["kubeconfig-lock"]
    assert not found.ok and not found.needed and f"rm {lock}" in found.remedy
    assert lock.exists()


def test_a_remedy_is_shown_only_for_what_is_wrong(monkeypatch):
    monkeypatch.setattr(preflight, "findings", lambda: [preflight.Finding("root", True, "root", "use sudo")])
    assert by_id(findings(None))["root"].remedy == ""


def test_no_cluster_is_told_with_its_remedy_and_is_no_fault_of_the_machine(monkeypatch):
    monkeypatch.setattr(preflight, "findings", list)
    found = by_id(findings(None, "refused because", "do that"))
    assert found["cluster"].evidence == "refused because"
    assert found["cluster"].remedy == "do that"
    assert not found["cluster"].needed


def test_a_cluster_that_is_not_ready_names_its_trouble_and_its_dead_node(monkeypatch, tmp_path: Path):
    monkeypatch.setattr(preflight, "findings", list)
    monkeypatch.setattr(doctor, "_ask", lambda _cluster, _args: ("", "must not be asked"))
    nodes = (NodeInfo("node1", 5, "10.0.0.2"), NodeInfo("node2", None, "10.0.0.3", running=False))
    cluster = Cluster(
        "lab", "native", tmp_path, "learner", True, nodes=nodes, running=True, trouble="node2 does not run"
    )
    found = by_id(findings(cluster))
    assert found["cluster"].evidence == "cluster lab: node2 does not run"
    assert "cluster up --name lab" in found["cluster"].remedy
    assert found["node-node1"].ok
    assert not found["node-node2"].ok
    assert "api" not in found


def test_a_ready_cluster_is_asked_and_silence_is_a_finding(monkeypatch, tmp_path: Path):
    monkeypatch.setattr(preflight, "findings", list)
    answers = {"--raw=/readyz": ("ok", ""), "serviceaccount": ("serviceaccount/default", ""), "pods": ("", "refused")}

    def ask(_cluster: Cluster, args: list[str]) -> tuple[str, str]:
        return answers[args[1]]

    monkeypatch.setattr(doctor, "_ask", ask)
    cluster = Cluster("lab", "native", tmp_path, "learner", True, running=True, ready=True)
    found = by_id(findings(cluster))
    assert found["api"].ok
    assert found["account"].ok
    assert not found["dns"].ok
    assert "refused" in found["dns"].evidence
    assert not well(found.values())
