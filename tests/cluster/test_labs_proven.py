"""Every shipped lab, proven: fails before, passes by its solution, each mistake for its reason, and after a reset."""

from __future__ import annotations

import signal
import subprocess
import sys
import time

import pytest
from native_helpers import Kubectl, until

from k8s_tutor.clusters.provider import Cluster
from k8s_tutor.labs.loader import labs, load
from k8s_tutor.session.prove import Line, prove


@pytest.mark.parametrize("lab_id", [info.id for info in labs()])
def test_a_lab_is_proven(lab_id: str, cluster: Cluster):
    lab = load(lab_id)

    def tell(line: Line) -> None:
        print(f"{line.seconds:7.1f} s  {'ok  ' if line.ok else 'FAIL'}  {line.text}", flush=True)

    proof = prove(lab, cluster, tell=tell)
    assert [line.text for line in proof.lines if not line.ok] == []
    assert proof.ok
    assert [result.id for result in proof.mistakes] == [item.id for step in lab.steps for item in step.mistakes]


def test_both_labs_together_know_at_least_25_mistakes():
    assert sum(len(step.mistakes) for info in labs() for step in load(info.id).steps) >= 25


def test_a_lab_whose_claims_are_false_is_not_proven(cluster: Cluster):
    """The proof must be able to say no: a mistake that does not fail, and a cause that is not the one."""
    from dataclasses import replace

    from k8s_tutor.session import prove as proving

    lab = load("lab1")
    write = next(step for step in lab.steps if step.id == "write")
    harmless = replace(write.mistakes[0], id="harmless", actions=write.solution)
    misnamed = replace(write.mistakes[0], id="misnamed", because="quota")
    steps = tuple(replace(s, mistakes=(harmless, misnamed) if s.id == "write" else ()) for s in lab.steps)
    before, proving.MISTAKE_SECONDS = proving.MISTAKE_SECONDS, 2.0
    try:
        proof = prove(replace(lab, steps=steps), cluster, only=frozenset({"harmless", "misnamed"}))
    finally:
        proving.MISTAKE_SECONDS = before
    assert not proof.ok
    assert {result.id: result.ok for result in proof.mistakes} == {"harmless": False, "misnamed": False}


def test_an_interrupted_proof_ends_at_once_and_leaves_nothing(cluster: Cluster):
    command = [sys.executable, "-m", "k8s_tutor", "lab", "test", "lab2", "--cluster", cluster.name]
    proof = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert proof.stdout is not None
    first = proof.stdout.readline()
    assert "ok" in first, first
    proof.send_signal(signal.SIGINT)
    asked = time.monotonic()
    out, err = proof.communicate(timeout=60)
    assert time.monotonic() - asked < 15, "every wait is cut short"
    assert proof.returncode == 130, err
    assert "interrupted" in err
    assert "FAIL" not in out, "what was cut short is no failure"
    kubectl = Kubectl(cluster, "default")
    until(
        lambda: "k8s-tutor-proof" not in kubectl.run("get", "namespaces", "-o", "name", check=False).stdout,
        within=60,
        what="the namespaces of the proof are gone",
    )
