"""A class graded by pods on a cluster of two nodes: the same grades, nothing left, whatever happens on the way."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from corpus import POD, Case, edited, lab1
from grading_helpers import finish, grading, spaces
from native_helpers import Kubectl, tell, until

from k8s_tutor.clusters.native.provider import NativeProvider
from k8s_tutor.clusters.provider import Cluster
from k8s_tutor.grading.rules import GRADE
from k8s_tutor.grading.shards.objects import INDEX
from k8s_tutor.labs.loader import load
from k8s_tutor.reports.grades.json import schema
from k8s_tutor.session.connection import MANAGED_BY, OURS

ROOT = Path(__file__).resolve().parents[2]
NAMED = "K8S_TUTOR_TEST_TWO_NODES"
"""Names a native cluster to use (brought up if it does not run) and to leave alone afterwards."""
RIGHTS = "clusterroles,clusterrolebindings,validatingadmissionpolicies,validatingadmissionpolicybindings"
KUBERNETES = ("--runner=kubernetes", "--check-timeout=90")


@pytest.fixture(scope="module")
def two_nodes(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """Two nodes that take pods, with the grader's image on both."""
    provider, named = NativeProvider(), os.environ.get(NAMED, "")
    name = named or f"w-{os.getpid()}"
    archive = tmp_path_factory.mktemp("image") / "grader.tar"
    # In a process of its own: it installs packages, and neither needs the other.
    making = subprocess.Popen(
        [sys.executable, str(ROOT / "scripts/grader_image.py"), str(archive)], stderr=subprocess.PIPE, text=True
    )
    try:
        cluster = provider.up(name, nodes=2, report=tell)
        _, err = making.communicate(timeout=300)
        assert making.returncode == 0, err
        provider.load_images(name, archive, report=tell)
        admin = Kubectl(cluster, "default")
        admin.run("taint", "nodes", "--all", "node-role.kubernetes.io/control-plane:NoSchedule-", check=False)
        yield cluster
    finally:
        if making.poll() is None:
            making.kill()
        if not named:
            provider.down(name, report=tell)


def hand_in(folder: Path, *students: str) -> Path:
    """Each has handed in Lab 1 as it should be."""
    for student in students:
        Case(student, "lab1", lab1("x").files).write(folder / "class")
    return folder


def pods(cluster: Cluster) -> list[Any]:
    """The run's own pods that nobody is deleting."""
    found = Kubectl(cluster, "default").get("pods", "--all-namespaces", "-l", INDEX)["items"]
    return [each for each in found if not each["metadata"].get("deletionTimestamp")]


def nothing_is_left(cluster: Cluster) -> None:
    """Of a run that is over; what the cluster is deleting is gone in a moment."""
    assert spaces(cluster) == []
    admin = Kubectl(cluster, "default")
    listed = ("get", "namespaces", "-l", GRADE, "-o", "name")
    until(lambda: not admin(*listed), within=60, what="the end of the run's namespaces")
    assert admin("get", RIGHTS, "-l", f"{MANAGED_BY}={OURS}", "-o", "name") == ""


def verdicts(report: Path) -> dict[str, Any]:
    """Of each student: the word, the score, each check's outcome, what was told about the files."""
    document = json.loads(report.read_text())
    jsonschema.validate(document, schema())
    return {
        each["student"]: (
            each["result"],
            each["score"],
            {check["id"]: check["status"] for check in each["checks"]},
            [(notice["file"], notice["message"]) for notice in each["notices"]],
        )
        for each in document["students"]
    }


def test_pods_on_two_nodes_give_the_grades_of_this_machine_also_when_one_is_lost(
    two_nodes: Cluster, tmp_path: Path
) -> None:
    """A pod that is deleted is made again, and what it had finished is not done a second time. Dee has a variant."""
    hand_in(tmp_path, "ada", "ben", "cy", "dee", "eli")
    (tmp_path / "class/ben/lab1/nginx-pod.yaml").write_text(POD.replace("app: nginx", "app: web"))
    (tmp_path / "class/cy/lab1/nginx-pod.yaml").unlink()
    (tmp_path / "class/cy/lab1/nginx-pod.yaml").symlink_to("/etc/passwd")
    own = next(
        lab for lab in (load("lab1", seed=f"s-{number}") for number in range(99)) if lab.variant["pod"] != "nginx-pod"
    )
    changed = edited(own.manifests[0].text, ("image: nginx ", "image: nginx:1.20.1 "))
    (tmp_path / "class/dee/lab1/nginx-pod.yaml").write_text(changed)
    (tmp_path / "roster.csv").write_text(f"username,seed\nada,\nben,\ncy,\nfay,\ndee,{own.seed}\n")
    common = ["--roster", str(tmp_path / "roster.csv"), "--jobs=2"]
    nodes: set[str] = set()
    admin = Kubectl(two_nodes, "default")

    def seen() -> list[Any]:
        found = pods(two_nodes)
        nodes.update(each["spec"]["nodeName"] for each in found if each["spec"].get("nodeName"))
        return found

    with grading(two_nodes, tmp_path, *KUBERNETES, *common, f"--report=json={tmp_path}/pods.json") as process:
        assert process.stderr is not None
        for line in process.stderr:
            if "] ada: " in line:
                break
        until(lambda: len(nodes) == 2 or not seen(), within=30, what="pods on two nodes")
        # The shard of Ada and Ben: she is finished, he is not.
        (victim,) = [each for each in pods(two_nodes) if each["metadata"]["labels"][INDEX] == "0"]
        space, name = victim["metadata"]["namespace"], victim["metadata"]["name"]
        admin("-n", space, "delete", "pod", name, "--wait=false")
        again = until(
            lambda: next(
                (
                    each["metadata"]["name"]
                    for each in seen()
                    if each["metadata"]["labels"][INDEX] == "0"
                    and each["metadata"]["name"] != name
                    and each["status"].get("phase") == "Running"
                ),
                "",
            ),
            within=120,
            what="the pod that takes its place",
        )
        log = until(lambda: admin.run("-n", space, "logs", again, check=False).stdout, within=60, what="its first line")
        assert log.startswith("1/2: was graded before"), log
        code, _, err = finish(process)
    assert code == 1, err
    assert nodes == {node.name for node in two_nodes.nodes}
    nothing_is_left(two_nodes)
    with grading(two_nodes, tmp_path, *common, f"--report=json={tmp_path}/here.json") as process:
        code, _, err = finish(process)
    assert code == 1, err
    found = verdicts(tmp_path / "pods.json")
    assert found == verdicts(tmp_path / "here.json")
    assert {student: each[:2] for student, each in found.items()} == {
        "ada": ("pass", 11), "ben": ("fail", 10), "cy": found["cy"][:2], "fay": ("fail", 0),
        "dee": ("pass", 11), "eli": ("pass", 11),
    }  # fmt: skip
    assert found["cy"][0] == "fail" and any("link" in message for _, message in found["cy"][3])


def test_an_interrupted_run_reports_who_is_finished_and_leaves_nothing(two_nodes: Cluster, tmp_path: Path) -> None:
    """Exit 130 with a valid report; the results that came are kept for ``--resume``."""
    hand_in(tmp_path, "ada", "ben", "cy")
    report = tmp_path / "out.json"
    with grading(two_nodes, tmp_path, *KUBERNETES, "--jobs=1", f"--report=json={report}") as process:
        assert process.stderr is not None
        for line in process.stderr:
            if line.startswith("[1/3]"):
                break
        process.send_signal(signal.SIGTERM)
        code, _, err = finish(process, within=60)
    assert code == 130, err
    assert list(verdicts(report)) == ["ada"]
    assert json.loads(report.read_text())["unfinished"] == ["ben", "cy"]
    nothing_is_left(two_nodes)
    kept = list((tmp_path / "state").rglob("grading/results/*/*.json"))
    assert len(kept) == 1


def test_an_image_that_no_node_has_is_told_within_a_minute(two_nodes: Cluster, tmp_path: Path) -> None:
    """With what puts it there; nobody is given a grade."""
    hand_in(tmp_path, "ada")
    report = tmp_path / "out.json"
    options = ("--image=registry.invalid/grader:1", f"--report=json={report}")
    with grading(two_nodes, tmp_path, *KUBERNETES, *options) as process:
        code, _, err = finish(process, within=100)
    assert code == 3, err
    assert "no image registry.invalid/grader:1" in err and "k8s-tutor images load" in err
    assert verdicts(report)["ada"][0] == "error"
    nothing_is_left(two_nodes)


def test_what_a_killed_run_left_in_the_cluster_goes_at_the_next_start(two_nodes: Cluster, tmp_path: Path) -> None:
    """Its pods and its rights with it. Until then these reach no further than the run's own namespaces."""
    hand_in(tmp_path, "ada")
    admin = Kubectl(two_nodes, "default")
    with grading(two_nodes, tmp_path, *KUBERNETES) as process:
        (pod,) = until(lambda: pods(two_nodes), within=60, what="a pod that grades")
        process.kill()
        process.wait(timeout=30)
    left = pod["metadata"]["namespace"]
    assert left in spaces(two_nodes) and admin("get", "clusterrole", left, "-o", "name")
    grader = f"--as=system:serviceaccount:{left}:k8s-tutor-grader"
    assert admin(grader, "get", "nodes", "-o", "name")
    # The API server takes a second to put a policy into force that was made a moment ago.
    until(
        lambda: admin.run(grader, "create", "configmap", "x", "--dry-run=server", check=False).returncode,
        within=30,
        what="the policy in force",
    )
    for words in (
        ("create", "configmap", "x"),
        ("create", "namespace", "not-of-this-run"),
        ("label", "namespace", "default", f"{GRADE}={left.rpartition('-')[2]}"),
        ("create", "token", "default"),
        ("delete", "pods", "--all", "-n", "kube-system", "--dry-run=server"),
    ):
        refused = admin.run(grader, *words, check=False)
        assert refused.returncode and "only write in namespaces of its own run" in refused.stderr, (words, refused)
    with grading(two_nodes, tmp_path) as process:
        code, _, err = finish(process)
    assert code == 0, err
    assert "of a run that had died were deleted" in err
    until(
        lambda: admin.run("get", "clusterrole", left, check=False).returncode,
        within=60,
        what="the end of the rights that its namespace owned",
    )
    nothing_is_left(two_nodes)
