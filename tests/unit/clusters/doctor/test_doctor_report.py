"""The whole examination with fakes that hang, its document against its schema, and the list in the documentation."""

from __future__ import annotations

import json
import socket
import time
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from k8s_tutor.clusters.doctor import engine, topics
from k8s_tutor.clusters.doctor.asking import Answer
from k8s_tutor.clusters.doctor.cluster import Found
from k8s_tutor.clusters.doctor.examine import LONGEST, Examination, Patient, examine
from k8s_tutor.clusters.doctor.finding import CLUSTER, State, settled
from k8s_tutor.clusters.doctor.report import as_json, as_text, exit_code, schema
from k8s_tutor.clusters.native import preflight
from k8s_tutor.clusters.provider import Cluster
from k8s_tutor.session.doctor import Server

ROOT = Path(__file__).resolve().parents[4]
KUBECONFIG = """current-context: x
clusters: [{{name: x, cluster: {{server: "http://127.0.0.1:{port}"}}}}]
contexts: [{{name: x, context: {{cluster: x}}}}]
"""


@pytest.fixture(autouse=True)
def machine(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(preflight, "findings", list)
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.setenv("KUBECONFIG", str(tmp_path / "none"))


def patient(cluster: Cluster | None, connect: Any = None, provider: str = "") -> Patient:
    return Patient(lambda: Found(cluster), list, connect, lambda: ["nginx"], provider)


def valid(examination: Examination) -> dict[str, Any]:
    document = json.loads(as_json(examination))
    jsonschema.Draft202012Validator.check_schema(schema())
    jsonschema.validate(document, schema())
    return document


def test_a_socket_and_a_server_that_hang_cost_less_than_ten_seconds(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    folder = tmp_path / "bin"
    folder.mkdir()
    for name in ("docker", "podman", "kind"):
        (folder / name).write_text("#!/bin/sh\nsleep 60\n")
        (folder / name).chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}:/usr/bin:/bin")
    with socket.create_server(("127.0.0.1", 0)) as silent:  # takes connections, and says nothing
        file = tmp_path / "kubeconfig"
        file.write_text(KUBECONFIG.format(port=silent.getsockname()[1]))
        cluster = Cluster("lab", "native", file, "learner", True, server="http://127.0.0.1:1", running=True, ready=True)
        started = time.monotonic()
        examination = examine(patient(cluster, lambda each: Server(each.kubeconfig, None)))
        assert time.monotonic() - started < LONGEST + 0.5
    document = valid(examination)
    found = {finding.id: finding for finding in examination.findings}
    assert found["api"].state is State.FAIL and found["dns"].state is State.UNSEEN
    assert "no answer within" in found["engine"].evidence
    assert document["exit_code"] == 3 and examination.findings[0].state is State.FAIL


def test_which_cluster_there_is_may_hang_too(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(engine, "see", lambda _names: [])
    slow = Patient(lambda: time.sleep(30) or Found(None), list, lambda _c: None, list)  # type: ignore[arg-type,return-value]
    started = time.monotonic()
    examination = examine(slow)
    assert time.monotonic() - started < LONGEST
    found = {finding.id: finding for finding in examination.findings}
    assert "could not be told" in found["cluster"].evidence
    valid(examination)


def test_one_of_the_ways_to_make_a_cluster_is_enough(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(preflight, "findings", lambda: [preflight.Finding("root", False, "user 5", "use sudo")])
    monkeypatch.setattr(engine, "see", lambda _names: [])
    alone = examine(patient(None))
    found = {finding.id: finding for finding in alone.findings}
    assert found["root"].state is State.FAIL and found["engine"].state is State.NOTE and exit_code(alone) == 3
    monkeypatch.setattr(engine, "see", lambda _names: [engine.Seen("docker", "/usr/bin/docker", version="29")])
    found = {finding.id: finding for finding in examine(patient(None)).findings}
    assert found["engine"].ok and found["root"].state is State.NOTE
    monkeypatch.setattr(engine, "see", lambda _names: [])
    found = {finding.id: finding for finding in examine(patient(None, provider="kind")).findings}
    assert found["engine"].state is State.FAIL and found["root"].state is State.NOTE


def test_the_schema_refuses_a_fail_without_a_remedy():
    finding = settled(topics.BY_ID["api"].lack("gone", "mend"), topics.BY_ID["api"].needed_for, (CLUSTER,))
    document = json.loads(as_json(Examination((finding,), None, 0.1)))
    jsonschema.validate(document, schema())
    document["findings"][0]["remedy"] = ""
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(document, schema())


def test_text_is_short_wraps_and_begins_with_the_worst():
    api, dns, disk = (topics.BY_ID[name] for name in ("api", "dns", "disk"))
    fail = settled(api.lack("it is gone " * 20, "kubectl get nodes " + "x" * 90), api.needed_for, (CLUSTER,))
    examination = Examination((fail, dns.beyond("no way in"), disk.ok("room")), None, 0.1)
    text = as_text(examination, width=80)
    lines = text.splitlines()
    assert lines[0].startswith("FAIL api: ") and "? " in text and "ok   machine (1)" in text
    assert [line for line in lines if len(line) > 80] == [line for line in lines if "→ kubectl" in line]
    assert "room" not in text and "room" in as_text(examination, width=80, everything=True)


def test_an_answer_that_is_no_answer_is_told():
    assert "HTTP 500" in Answer(500, None).words and Answer(200, {"items": "x"}).items == []


def test_the_documentation_lists_every_topic_as_the_code_has_it():
    text = (ROOT / "docs" / "doctor.md").read_text(encoding="utf-8")
    assert topics.as_markdown() in text, "run: python -m k8s_tutor.clusters.doctor.topics"
