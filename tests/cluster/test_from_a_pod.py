"""Where only pods reach pod addresses: the commands that the lessons offer there, run for real, turn their checks.

A native cluster is taken as one of which nothing is known: its network is not entered, as on minikube or a context.
"""

from __future__ import annotations

import os
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

from k8s_tutor.checks.outcome import Status
from k8s_tutor.clusters.provider import Abilities, Cluster, Reach
from k8s_tutor.labs.loader import load
from k8s_tutor.session.connection import delete_namespace
from k8s_tutor.session.session import Session


def run(cluster: Cluster, namespace: str, command: str) -> str:
    """A command as a learner's shell, outside of the cluster's network, runs it."""
    path = f"{cluster.bin_dir}:{os.environ['PATH']}"
    env = {"PATH": path, "HOME": "/nonexistent", "KUBECONFIG": str(cluster.kubeconfig)}
    command = command.replace("kubectl ", f"kubectl --namespace={namespace} ")
    ran = subprocess.run(
        ["bash", "-c", command], env=env, capture_output=True, text=True, timeout=120, check=False,
        stdin=subprocess.DEVNULL,
    )  # fmt: skip
    assert ran.returncode == 0, ran.stderr
    return ran.stdout


@pytest.mark.parametrize(
    ("lab_id", "step_id", "check_id", "sees"),
    [
        ("lab1", "request", "page-fetched", "Welcome to nginx!"),
        ("lab2", "everyone", "everyone-answers", "GET / HTTP"),
    ],
)
def test_what_the_lesson_offers_works_from_outside(
    cluster: Cluster, tmp_path: Path, lab_id: str, step_id: str, check_id: str, sees: str
) -> None:
    outside = replace(cluster, netns=None, can=Abilities())
    namespace = f"from-a-pod-{lab_id}"
    lab = load(lab_id)
    with Session(lab, outside, namespace=namespace, folder=tmp_path, keep=False, eager=True) as session:
        try:
            fitted = session.lab.step(step_id)
            assert fitted is not None and fitted.commands != lab.step(step_id).commands
            for step in session.lab.steps:
                if step.id == step_id:
                    break
                if step.solution and not any(action.do == "answer" for action in step.solution):
                    session.solve(step.id)
            shown = "".join(run(outside, namespace, command) for command in fitted.commands)
            assert sees in shown
            session.settle(60, only=[check_id])
            found = next(check for check in session.state().checks if check.spec.id == check_id)
            assert found.outcome.status is Status.PASS, found.outcome
        finally:
            delete_namespace(session.connection.api, session.connection.namespace, wait=False)


def test_on_the_native_cluster_the_texts_are_the_labs_own(cluster: Cluster) -> None:
    assert cluster.can.pod_addresses is Reach.NODE and cluster.netns is not None
    for name in ("lab1", "lab2"):
        lab = load(name)
        assert lab.fitted(cluster.can.words()) == lab
