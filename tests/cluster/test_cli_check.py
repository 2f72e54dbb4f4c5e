"""The commands on a real cluster: exit codes, documents, experiments, and what happens when the API server goes."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import xml.etree.ElementTree as ET
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from native_helpers import Kubectl, until
from relay import relayed

from k8s_tutor.cli import main as cli
from k8s_tutor.clusters.provider import Cluster
from k8s_tutor.labs.loader import load
from k8s_tutor.reports.json import schema

Run = Callable[..., tuple[int, str, str]]
SLOW_POD = """
apiVersion: v1
kind: Pod
metadata: {name: nginx-pod, labels: {app: nginx}}
spec:
  containers:
    - name: web
      image: nginx
      ports: [{containerPort: 80}]
      readinessProbe: {initialDelaySeconds: 300, httpGet: {path: /, port: 80}}
"""


@pytest.fixture
def here(cluster: Cluster, namespace: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Cluster:
    """The cluster with this test's own namespace as the learner's, found by every command."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.setenv("K8S_TUTOR_HOME", str(tmp_path / "home"))
    found = replace(cluster, namespace=namespace)
    monkeypatch.setattr("k8s_tutor.session.places.find_cluster", lambda *_names: found)
    return found


@pytest.fixture
def run(here: Cluster, capsys: pytest.CaptureFixture[str]) -> Run:
    """Runs a command line; exit code, stdout, stderr."""

    def command(*argv: str) -> tuple[int, str, str]:
        capsys.readouterr()
        code = cli.main(list(argv))
        said = capsys.readouterr()
        return code, said.out, said.err

    return command


def document(text: str) -> dict[str, Any]:
    parsed: dict[str, Any] = json.loads(text)
    jsonschema.validate(parsed, schema())
    return parsed


def statuses(report: dict[str, Any]) -> dict[str, str]:
    return {row["id"]: row["status"] for row in report["checks"]}


def test_a_lab_from_nothing_to_done_and_back(run: Run, tmp_path: Path, kubectl: Kubectl):
    code, out, _ = run("check", "lab1", "--output", "json")
    assert code == 1
    before = document(out)
    assert before["exit_code"] == 1
    assert "pass" not in statuses(before).values()

    code, out, err = run("solve", "lab1")
    assert code == 0, out + err
    code, out, _ = run("check", "lab1", "--output", "json")
    after = document(out)
    assert code == 0
    assert set(statuses(after).values()) == {"pass"}
    assert after["score"] == after["max_score"] > 0

    code, out, _ = run("check", "lab1", "--output", "junit")
    suite = ET.fromstring(out)
    assert code == 0
    assert suite.get("failures") == suite.get("errors") == "0"
    assert suite.get("tests") == str(len(load("lab1").checks))

    code, out, _ = run("check", "lab1", "--step", "apply")
    assert code == 0
    assert "pod-ready" not in out
    assert "\x1b" not in out

    code, out, _ = run("reset", "lab1", "--yes")
    assert code == 0
    assert kubectl("get", "pods", "-o", "name") == ""
    assert list((tmp_path / "home" / "lab1").glob("before-reset-*/nginx-pod.yaml"))
    code, out, _ = run("check", "lab1", "--output", "json")
    assert code == 1
    assert "pass" not in statuses(document(out)).values()


def test_what_fails_says_why_and_whatever_the_learner_uses_passes(run: Run, kubectl: Kubectl, tmp_path: Path):
    kubectl("run", "nginx-pod", "--image=ngnix", "--labels=app=nginx", "--overrides",
            '{"spec": {"containers": [{"name": "web", "image": "ngnix"}]}}')  # fmt: skip
    code, out, _ = run("check", "lab1", "--output", "json", "--step", "running")
    assert code == 1
    row = document(out)["checks"][0]
    assert row["status"] == "fail"
    assert row["finding"]["cause"]["id"] == "image-not-found"
    assert row["finding"]["command"].startswith("kubectl ")
    kubectl("set", "image", "pod/nginx-pod", "web=docker.io/library/nginx:latest")
    kubectl("wait", "--for=condition=Ready", "pod/nginx-pod", "--timeout=90s")
    code, out, _ = run("check", "lab1", "--output", "json", "--step", "running")
    assert code == 0, out


def test_the_healing_experiment_is_run_where_no_evidence_is_and_only_if_it_may(
    run: Run, kubectl: Kubectl, tmp_path: Path
):
    run("answer", "lab2", "strategy", "RollingUpdate")
    kubectl.apply(load("lab2").manifests[0].text)
    kubectl("rollout", "status", "deployment/nginx-deployment", "--timeout=90s")

    def uids() -> set[str]:
        return {pod["metadata"]["uid"] for pod in kubectl.get("pods", "-l", "app=nginx")["items"]}

    before = uids()
    code, out, _ = run("check", "lab2", "--step", "heal", "--no-disrupt", "--output", "json")
    assert statuses(document(out))["pod-replaced"] == "skipped"
    assert code == 0
    assert uids() == before

    code, out, err = run("check", "lab2", "--step", "heal", "--output", "json")
    assert code == 0, out
    assert "no evidence yet" in err
    assert statuses(document(out))["pod-replaced"] == "pass"
    until(lambda: len(uids() & before) == 2, within=60, what="one of three pods is another one")

    # The evidence is kept: nothing is deleted again.
    now = uids()
    code, out, err = run("check", "lab2", "--step", "heal", "--output", "json")
    assert code == 0
    assert "no evidence yet" not in err
    assert uids() == now


def test_the_api_server_gone_before_and_in_the_middle_is_error_and_exit_3(
    run: Run, here: Cluster, kubectl: Kubectl, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    kubectl.apply(SLOW_POD)
    until(lambda: kubectl.get("pod", "nginx-pod")["status"].get("podIP"), within=60, what="the pod runs")
    through, relay = relayed(here, tmp_path)
    monkeypatch.setattr("k8s_tutor.session.places.find_cluster", lambda *_names: through)

    def cut() -> None:
        relay.await_connections(8)
        relay.die()

    cutter = threading.Thread(target=cut)
    cutter.start()
    # The pod does not become ready, so the check is still looking when the server goes.
    code, out, err = run("check", "lab1", "--output", "json", "--timeout", "120")
    cutter.join()
    assert code == 3
    report = document(out)
    assert report["exit_code"] == 3
    assert report["result"] == "error"
    assert report["trouble"]
    assert statuses(report)["pod-ready"] in ("error", "skipped")
    seen_on_cluster = {"pod-exists", "pod-ready", "image-changed", "page-fetched"}
    assert not any(statuses(report)[name] == "fail" for name in seen_on_cluster)
    assert "error: " in err
    assert "remedy: " in err

    code, out, err = run("check", "lab1", "--output", "junit")
    assert code == 3
    assert int(ET.fromstring(out).get("errors") or 0) > 0
    code, out, err = run("check", "lab1")
    assert code == 3
    assert out == ""
    assert err.startswith("error: ")


def test_an_interrupted_check_writes_what_is_known(here: Cluster, kubectl: Kubectl, tmp_path: Path):
    """A real process, a real SIGINT, on a cluster found by the name of a context."""
    kubectl.apply(SLOW_POD)
    kubectl("label", "namespace", here.namespace, "app.kubernetes.io/managed-by=k8s-tutor")
    through, relay = relayed(here, tmp_path, context="k8s-tutor-test")
    env = {**os.environ, "KUBECONFIG": str(through.kubeconfig), "K8S_TUTOR_HOME": str(tmp_path / "home")}
    code = (
        "import sys; import k8s_tutor.clusters.context as c; c.NAMESPACE = sys.argv.pop(1)\n"
        "from k8s_tutor.cli.main import main; sys.exit(main(sys.argv[1:]))"
    )
    argv = [sys.executable, "-c", code, here.namespace, "check", "lab1", "--context", "k8s-tutor-test"]
    process = subprocess.Popen(
        [*argv, "--output", "json", "--timeout", "120"],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=env,
    )  # fmt: skip
    try:
        relay.await_connections(8)
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=60)
    finally:
        process.kill()
        relay.die()
    assert process.returncode == 130, err
    assert {row["id"] for row in document(out)["checks"]} == {spec.id for spec in load("lab1").checks}
    assert "Traceback" not in err


def test_a_cluster_found_by_context_is_checked_and_its_kubeconfig_left_alone(
    cluster: Cluster, namespace: str, kubectl: Kubectl, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys
):
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.setenv("K8S_TUTOR_HOME", str(tmp_path / "home"))
    monkeypatch.setattr("k8s_tutor.clusters.context.NAMESPACE", namespace)
    through, relay = relayed(cluster, tmp_path, context="k8s-tutor-here")
    monkeypatch.setenv("KUBECONFIG", str(through.kubeconfig))
    before = through.kubeconfig.read_bytes()
    kubectl("label", "namespace", namespace, "app.kubernetes.io/managed-by=k8s-tutor")
    kubectl("run", "nginx-pod", "--image=nginx", "--labels=app=nginx")
    try:
        assert cli.main(["check", "lab1", "--context", "k8s-tutor-here", "--step", "apply", "--output", "json"]) == 0
        assert statuses(document(capsys.readouterr().out)) == {"pod-exists": "pass"}
        assert cli.main(["check", "lab1", "--context", "elsewhere"]) == 2
    finally:
        relay.die()
    assert through.kubeconfig.read_bytes() == before
    assert kubectl.get("pod", "nginx-pod")["metadata"]["name"] == "nginx-pod"


def test_doctor_and_env_speak_of_the_cluster(run: Run, here: Cluster, monkeypatch: pytest.MonkeyPatch):
    class Native:
        name = "native"

        def status(self, _name: str) -> Cluster:
            return here

        def list(self) -> list[Cluster]:
            return [here]

    monkeypatch.setattr("k8s_tutor.clusters.choose.providers", lambda _wanted="auto": [Native()])
    code, out, _ = run("doctor", "--output", "json")
    found = {finding["id"]: finding for finding in json.loads(out)["findings"]}
    assert code == 0, out
    assert found["api"]["ok"]
    assert found["dns"]["ok"]
    code, out, _ = run("env")
    assert code == 0
    assert f"export KUBECONFIG={here.kubeconfig}" in out.splitlines()
    said = subprocess.run(
        ["sh", "-c", 'eval "$1"; kubectl config view -o jsonpath={.clusters[0].cluster.server}', "sh", out],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert said.stdout == here.server, said.stderr


def test_the_second_lab_is_solved_and_checked_without_touching_it(run: Run, kubectl: Kubectl):
    code, out, err = run("solve", "lab2")
    assert code == 0, out + err
    before = {pod["metadata"]["uid"] for pod in kubectl.get("pods")["items"]}
    code, out, err = run("check", "lab2", "--no-disrupt", "--output", "json")
    assert code == 0, out
    required = {spec.id for spec in load("lab2").checks if not spec.optional}
    assert {name for name, status in statuses(document(out)).items() if status == "pass"} >= required
    assert {pod["metadata"]["uid"] for pod in kubectl.get("pods")["items"]} == before
