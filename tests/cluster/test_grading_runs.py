"""A class's run as an instructor meets it: reports, an interruption, a kill, how far a student's credentials reach."""

from __future__ import annotations

import csv
import io
import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import jsonschema
import pytest
from corpus import POD, Case, lab1
from grading_helpers import finish, grading, spaces
from native_helpers import Kubectl, until

from k8s_tutor.clusters.provider import Cluster
from k8s_tutor.grading import place
from k8s_tutor.grading.rules import GRADE
from k8s_tutor.kube.client import connect
from k8s_tutor.reports.grades.json import schema

STUDENTS = ("ada", "ben", "cy")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A class of three; each has handed in Lab 1 as it should be."""
    for student in STUDENTS:
        case = lab1("x")
        Case(student, "lab1", case.files).write(tmp_path / "class")
    return tmp_path


def test_a_class_with_its_roster_in_several_reports(cluster: Cluster, folder: Path) -> None:
    """Who handed in nothing is there; the roster's columns come first; the JSON fits its schema; exit 1."""
    (folder / "class/cy/lab1/nginx-pod.yaml").write_text(POD.replace("app: nginx", "app: web"))
    (folder / "roster.csv").write_text("name,username,section\nAda L,ada,A\nDana,dana,B\nBen,ben,A\nCy,cy,A\n")
    options = [
        *("--roster", str(folder / "roster.csv")),
        *(f"--report={kind}={folder / f'out.{kind}'}" for kind in ("json", "csv", "junit", "markdown")),
        f"--report=gradescope={folder}/each/{{student}}.json",
    ]
    with grading(cluster, folder, *options) as process:
        code, out, err = finish(process)
    assert code == 1, err
    document = json.loads((folder / "out.json").read_text())
    jsonschema.validate(document, schema())
    assert [(each["student"], each["result"], each["score"]) for each in document["students"]] == [
        ("ada", "pass", 11),
        ("dana", "fail", 0),
        ("ben", "pass", 11),
        ("cy", "fail", 10),
    ]
    assert document["cluster"]["uid"] and document["cluster"]["kubernetes"] and len(document["lab"]["hash"]) == 64
    # The native cluster's network plugin (ptp) knows no policies, and the report does not hide it.
    assert document["notes"] == [
        "NetworkPolicies are not enforced on this cluster: pods of two submissions can reach each other"
    ]
    rows = list(csv.DictReader(io.StringIO((folder / "out.csv").read_text(), newline="")))
    assert list(rows[0])[:4] == ["name", "username", "section", "student"]
    assert [row["score"] for row in rows] == ["11", "0", "11", "10"]
    assert "pod-file" in rows[3] and rows[3]["pod-file"] == "0"
    assert sorted(path.name for path in (folder / "each").iterdir()) == [
        f"{name}.json" for name in ("ada", "ben", "cy", "dana")
    ]
    assert "ada" in out and "[4/4]" in err
    assert spaces(cluster) == []
    policies = Kubectl(cluster, "default")("get", "validatingadmissionpolicies", "-l", GRADE, "-o", "name")
    assert policies == ""


def test_an_interrupted_run_reports_and_goes_on_where_it_was(cluster: Cluster, folder: Path) -> None:
    """Ctrl-C: exit 130, a valid report of who is finished, no namespace left. ``--resume`` repeats nothing."""
    report = folder / "out.json"
    with grading(cluster, folder, "--jobs=1", f"--report=json={report}") as process:
        assert process.stderr is not None
        for line in process.stderr:
            if line.startswith("[1/3]"):
                break
        until(lambda: bool(spaces(cluster)), within=30, what="the second submission's namespace")
        os.kill(process.pid, signal.SIGINT)
        code, _, err = finish(process)
    assert code == 130, err
    document = json.loads(report.read_text())
    jsonschema.validate(document, schema())
    assert [each["student"] for each in document["students"]] == ["ada"]
    assert document["unfinished"] == ["ben", "cy"]
    assert spaces(cluster) == []
    first = document["students"][0]
    with grading(cluster, folder, "--resume", f"--report=json={report}") as process:
        code, _, err = finish(process)
    assert code == 0, err
    document = json.loads(report.read_text())
    assert [each["result"] for each in document["students"]] == ["pass"] * 3
    assert document["students"][0] == first
    assert "ada: pass 11/11 (kept)" in err


def test_what_a_killed_run_left_goes_at_the_next_start(cluster: Cluster, folder: Path) -> None:
    """SIGKILL leaves a namespace; another run deletes it, but not that of a run that lives."""
    assert spaces(cluster) == []
    with grading(cluster, folder, "--jobs=1") as process:
        until(lambda: bool(spaces(cluster)), within=60, what="a submission's namespace")
        left = spaces(cluster)
        process.kill()
        process.wait(timeout=30)
    assert set(left) & set(spaces(cluster))
    api = connect(cluster.kubeconfig)
    try:
        with place.Holder() as living, place.place(api, cluster, living.run, 600) as own:
            with grading(cluster, folder, "--jobs=1") as process:
                code, _, err = finish(process)
            assert code == 0, err
            assert "namespaces of a run that had died were deleted" in err
            assert spaces(cluster) == [own.namespace]
    finally:
        api.close()
    assert spaces(cluster) == []


def test_a_students_credentials_reach_no_further_than_their_namespace(cluster: Cluster) -> None:
    """RBAC, Pod Security, quota and admission policy each refuse what is theirs."""
    api = connect(cluster.kubeconfig)
    try:
        place.prepare(api)
        with place.Holder() as holder, place.place(api, cluster, holder.run, 600) as own:
            student = Kubectl(own.student, own.namespace)
            yes = [
                "create pods",
                "delete pods",
                "create deployments.apps",
                "patch deployments.apps --subresource=scale",
                "get pods --subresource=log",
            ]
            no = [
                "create pods --subresource=exec",
                "create roles.rbac.authorization.k8s.io",
                "create serviceaccounts --subresource=token",
                "create endpointslices.discovery.k8s.io",
                "patch resourcequotas",
                "delete networkpolicies.networking.k8s.io",
                "get nodes",
                "list namespaces",
                "create namespaces",
                "get secrets -n kube-system",
                "create pods -n default",
            ]
            for words in yes + no:
                told = student.run("auth", "can-i", *words.split(), check=False)
                assert told.stdout.strip() == ("yes" if words in yes else "no"), words
            pod = {
                "apiVersion": "v1", "kind": "Pod", "metadata": {"name": "x"},
                "spec": {"containers": [{"name": "x", "image": "nginx"}]},
            }  # fmt: skip
            for change, words in (
                ({"nodeName": "somewhere"}, "the scheduler chooses"),
                ({"tolerations": [{"operator": "Exists"}]}, "tolerations"),
                ({"serviceAccountName": "student"}, "default account"),
                ({"hostNetwork": True}, "baseline"),
            ):
                text = json.dumps({**pod, "spec": {**pod["spec"], **change}})  # type: ignore[dict-item]
                told = student.run("create", "-f", "-", check=False, stdin=text)
                assert told.returncode and words in told.stderr, (change, told.stderr)
            service = student.run("create", "service", "loadbalancer", "x", "--tcp=80", check=False)
            assert service.returncode and "ClusterIP or NodePort" in service.stderr
    finally:
        api.close()


def test_the_bench_of_a_class_in_small(cluster: Cluster) -> None:
    """What bench/grade.py measures with 200 is true with three: all full marks, little memory. Times are not tested."""
    root = Path(__file__).resolve().parents[2]
    argv = [sys.executable, str(root / "bench/grade.py"), "--number", "3", "--leave", "--cluster", cluster.name]
    done = subprocess.run(argv, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    figures = {
        line.split("|")[1].strip(): line.split("|")[2].strip() for line in done.stdout.splitlines() if "|" in line
    }
    assert figures["full marks"] == "3 of 3"
    assert figures["kinds of submissions; of those with unlike grades"] == "3; 0"
    assert 20 < float(figures["memory of the grader, at most"].removesuffix(" MB")) < 300
    assert float(figures["throughput of the grader, of that"]) > 0
