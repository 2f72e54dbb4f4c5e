"""A class in the cluster, without one: shards, results as nobody should write them, the Job, its coordinator."""

from __future__ import annotations

import base64
import gzip
import json
import os
import signal
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import pytest
from shard_api import COMMON, LAB, NS, SEED, Object, ShardApi, entry, graded, noise, submission, write

from k8s_tutor.cli import main as cli
from k8s_tutor.clusters.provider import Cluster
from k8s_tutor.errors import UsageError
from k8s_tutor.grading.judge import Bounds
from k8s_tutor.grading.runner import Cut, Task
from k8s_tutor.grading.shards import coordinator, objects, parcel, pods
from k8s_tutor.grading.shards.coordinator import Shards
from k8s_tutor.grading.shards.parcel import MOST_BYTES, Entry
from k8s_tutor.grading.store import text_of
from k8s_tutor.grading.submission import read, understood
from k8s_tutor.kube.client import Api
from k8s_tutor.kube.errors import ApiUnreachable
from k8s_tutor.labs.loader import load
from k8s_tutor.reports.grades.report import Graded

# Shards.


def test_a_shard_is_read_as_it_was_packed_and_the_same_class_gives_the_same_bytes() -> None:
    entries = [entry("../../etc/passwd"), entry("ädä \N{SNOWMAN}"), replace(entry("seeded"), seed="7")]
    made, too_large = parcel.pack(entries, COMMON, jobs=1)
    assert not too_large
    assert [each for shard in made for each in parcel.opened(shard.data)[1]] == entries
    assert all(parcel.opened(shard.data)[0] == COMMON for shard in made)
    assert parcel.pack(entries, COMMON, jobs=1)[0] == made
    # What a student is called is no name of anything.
    names = {key for shard in made for key in shard.data}
    assert names <= {"run", "student-0", "student-1"}


@pytest.mark.parametrize(
    ("students", "jobs", "sizes"), [(5, 2, [2, 2, 1]), (1, 8, [1]), (100, 1, [20] * 5), (1000, 10, [20] * 50)]
)
def test_as_many_shards_as_the_pods_take(students: int, jobs: int, sizes: list[int]) -> None:
    made, _ = parcel.pack([entry(f"s{number}") for number in range(students)], COMMON, jobs)
    assert [len(shard.students) for shard in made] == sizes
    assert [name for shard in made for name in shard.students] == [f"s{number}" for number in range(students)]


def test_no_shard_is_larger_than_a_secret_and_who_is_larger_alone_is_told() -> None:
    big = noise(700 * 1024)
    huge = entry("e", noise(2 * MOST_BYTES))
    made, too_large = parcel.pack([entry("a", big), huge, entry("b", big), entry("d")], COMMON, jobs=1)
    assert too_large == ["e"]
    assert [shard.students for shard in made] == [("a",), ("b", "d")]
    assert all(sum(map(len, shard.data.values())) <= MOST_BYTES for shard in made)


def test_a_submission_is_the_same_in_a_pod(tmp_path: Path) -> None:
    """Also what could not be read, of which the pod sees nothing."""
    folder = tmp_path / "ada" / "lab1"
    folder.mkdir(parents=True)
    (folder / "nginx-pod.yaml").write_text(LAB.manifests[0].text)
    (folder / "answers.yaml").write_text("container-name: web\n")
    (folder / "link.yaml").symlink_to("/etc/passwd")
    (folder / "latin.yaml").write_bytes(b"\xff\xfe")
    here = read(tmp_path / "ada", LAB, "ada")
    made, _ = parcel.pack([Entry("ada", here.handed_in)], COMMON, 1)
    (there,) = parcel.opened(made[0].data)[1]
    assert replace(understood(there.handed_in, LAB, "ada", Path()), folder=here.folder) == here
    assert {problem.file for problem in here.problems} >= {"link.yaml", "latin.yaml"}


@pytest.mark.parametrize(
    "data",
    [
        {},
        {"run": b"no gzip"},
        {"run": gzip.compress(b'{"lab": "lab1"}')},
        {"run": gzip.compress(json.dumps({"lab": 1}).encode())},
        {"run": gzip.compress(b"0" * (parcel.LARGEST + 10))},
    ],
)
def test_what_is_no_shard_is_refused(data: Mapping[str, bytes]) -> None:
    with pytest.raises(ValueError, match=r"."):
        parcel.opened(data)


# Results.


def test_a_result_comes_back_as_it_was() -> None:
    made = graded(submission())
    assert parcel.result_in(parcel.result(made)) == made
    with pytest.raises(ValueError, match="too large"):
        parcel.result(replace(made, folder=noise(2 * MOST_BYTES)))


def told(change: Callable[[Any], None]) -> bytes:
    document = json.loads(text_of(graded(submission())))
    change(document)
    return gzip.compress(json.dumps(document).encode())


NO_RESULTS = [
    b"",
    b"\x1f\x8b nothing",
    gzip.compress(b"[]"),
    gzip.compress(b"{}"),
    gzip.compress(b"[" * 100_000),
    gzip.compress(b"\xff"),
    gzip.compress(b" " * (parcel.LARGEST + 1)),
    gzip.compress(text_of(graded(submission())).encode())[:-9],
    told(lambda document: document.update(schema=2)),
    told(lambda document: document.update(graded=None)),
    told(lambda document: document["graded"].update(student=["ada"])),
    told(lambda document: document["graded"].update(attempts=True)),
    told(lambda document: document["graded"].update(more="1")),
    told(lambda document: document["graded"].pop("report")),
    told(lambda document: document["graded"]["report"].update(seconds="2")),
    told(lambda document: document["graded"]["report"].update(seconds=float("nan"))),
    told(lambda document: document["graded"]["report"].update(rows={"0": "x"})),
    told(lambda document: document["graded"]["report"]["rows"][0]["outcome"].update(status="perfect")),
    told(lambda document: document["graded"]["report"]["rows"][0].update(points=1e3)),
]


@pytest.mark.parametrize("result", NO_RESULTS, ids=range(len(NO_RESULTS)))
def test_a_result_of_another_shape_is_refused(result: bytes) -> None:
    with pytest.raises(ValueError, match=r"."):
        parcel.result_in({"result": result})


# The Job.


def test_the_job_asks_for_no_right_on_its_node() -> None:
    made = objects.job(NS, "image:1", shards=7, jobs=3, seconds=90.7)
    spec = made["spec"]
    assert (spec["completions"], spec["parallelism"], spec["activeDeadlineSeconds"]) == (7, 3, 90)
    assert (spec["completionMode"], spec["backoffLimitPerIndex"]) == ("Indexed", 2)
    pod = spec["template"]["spec"]
    (container,) = pod["containers"]
    assert pod["securityContext"]["runAsNonRoot"] and pod["securityContext"]["runAsUser"] != 0
    assert container["securityContext"] == {
        "allowPrivilegeEscalation": False, "readOnlyRootFilesystem": True, "capabilities": {"drop": ["ALL"]},
    }  # fmt: skip
    assert container["imagePullPolicy"] == "IfNotPresent"
    assert {"hostNetwork", "hostPID", "hostPath"}.isdisjoint(json.dumps(pod).replace('"', " ").split())
    assert objects.job(NS, "i", shards=2, jobs=64, seconds=1)["spec"]["parallelism"] == 2


def test_the_rights_go_with_the_namespace_and_hold_what_students_are_granted() -> None:
    _, role, binding = objects.rights(NS, "uid-1")
    for item in (role, binding, *objects.limits(NS, "uid-1", "run")):
        assert item["metadata"]["ownerReferences"] == [
            {"apiVersion": "v1", "kind": "Namespace", "name": NS, "uid": "uid-1"}
        ]
    assert binding["subjects"] == [{"kind": "ServiceAccount", "name": "k8s-tutor-grader", "namespace": NS}]
    verbs = {verb for rule in role["rules"] for verb in rule["verbs"]}
    assert {"escalate", "bind", "impersonate", "*"}.isdisjoint(verbs)
    assert not any("*" in rule["resources"] or "pods/exec" in rule["resources"] for rule in role["rules"])


def test_the_indexes_of_a_jobs_status() -> None:
    assert objects.indexes("0,3-5,9") == {0, 3, 4, 5, 9}
    assert objects.indexes(None) == objects.indexes("x,-1,1-99999999") == set()


# Pods.


def pod(index: int = 0, phase: str = "Pending", **status: Any) -> Object:
    labels = {objects.INDEX: str(index)}
    return {
        "kind": "Pod",
        "metadata": {"name": f"grader-{index}", "uid": f"pod-{index}", "labels": labels},
        "spec": {"nodeName": "node2", "containers": [{"image": "grader:1"}]},
        "status": {"phase": phase, **status},
    }


def waits(reason: str) -> list[Object]:
    return [{"state": {"waiting": {"reason": reason, "message": "why"}}}]


def test_why_a_pod_does_not_begin() -> None:
    found = pods.stuck(pod(containerStatuses=waits("ErrImagePull")))
    assert found is not None and "node2 has no image grader:1" in found.why
    assert "images load" in found.remedy and "--image" in found.remedy and found.patience < 60
    full = [{"type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": "0/2 nodes"}]
    found = pods.stuck(pod(conditions=full))
    assert found is not None and "0/2 nodes" in found.why
    assert pods.stuck(pod(containerStatuses=waits("ContainerCreating"))) is None
    assert pods.stuck({}) is None


def test_why_a_pod_failed_is_one_bounded_line() -> None:
    ended = {"exitCode": 3, "reason": "Error", "message": "one\ntwo\nthree\n\x1b[31mfour" + "!" * 5000}
    line = pods.failure([pod(phase="Failed", containerStatuses=[{"state": {"terminated": ended}}])])
    assert line.startswith("exit 3 Error; two; three; ") and "\x1b" not in line and len(line) < 320
    assert pods.failure([pod(phase="Running")]) == ""


# The coordinator.


class Desk:
    def __init__(self) -> None:
        self.done: dict[str, Graded] = {}
        self.begun: list[str] = []
        self.notes: list[str] = []
        self.cut: list[Cut] = []

    def started(self, student: str) -> None:
        self.begun.append(student)

    def finished(self, graded: Graded) -> None:
        self.done[graded.student] = graded

    def note(self, text: str) -> None:
        self.notes.append(text)

    def cut_short(self, why: Cut) -> None:
        self.cut.append(why)


def ends(api: ShardApi, job: Object, kind: str, **status: Any) -> None:
    condition = {"type": kind, "status": "True", "reason": "Because", "message": "it did"}
    job = {**job, "status": {"conditions": [condition], **status}}
    api.put(f"apis/batch/v1/namespaces/{NS}/jobs", job)


def grade(
    on_job: Callable[[ShardApi, Object], None], *students: str, jobs: int = 1, seconds: float | None = None
) -> tuple[Desk, ShardApi]:
    """A whole run over these students."""
    api, desk = ShardApi(on_job), Desk()
    cluster = Cluster("c", "native", Path("/nonexistent"), "learner", owned=True, version="v1")
    end = None if seconds is None else time.monotonic() + seconds
    labs = {student: load("lab1", seed=SEED) if student == "seeded" else LAB for student in students}
    task = Task(LAB, labs, cluster, cast(Api, api), "0a0a0a0a", jobs, Bounds(), end)
    Shards(LAB, "grader:1").grade([submission(student) for student in students], task, desk)
    # Whatever came of it, nothing stays.
    wanted = (
        f"clusterrolebindings/{NS}",
        f"clusterroles/{NS}",
        f"validatingadmissionpolicybindings/{NS}",
        f"validatingadmissionpolicies/{NS}",
        f"namespaces/{NS}/jobs",
        f"namespaces/{NS}",
    )
    deleted = [path for path in api.deleted if "/pods/" not in path]
    assert [next((each for each in wanted if path.endswith(each)), path) for path in deleted] == list(wanted)
    assert not [thread.name for thread in threading.enumerate() if thread.name.startswith("watch-")]
    return desk, api


def test_results_come_as_they_are_written() -> None:
    def work(api: ShardApi, job: Object) -> None:
        def later() -> None:
            api.put(f"api/v1/namespaces/{NS}/pods", pod(phase="Running"))
            for index, place, student in ((0, 1, "ben"), (0, 0, "ada"), (1, 0, "cy")):
                write(api, index, place, graded(submission(student)))

        threading.Timer(0.1, later).start()

    desk, api = grade(work, "ada", "ben", "cy")
    assert {student: each.word for student, each in desk.done.items()} == {"ada": "pass", "ben": "pass", "cy": "pass"}
    assert desk.begun[0] == "ada" and not desk.notes and not desk.cut
    secrets = [each for each in api.made if each["kind"] == "Secret"]
    assert [each["metadata"]["name"] for each in secrets] == ["shard-0", "shard-1"]
    assert api.objects[f"api/v1/namespaces/{NS}"]["metadata"]["annotations"]["k8s-tutor/expires"].isdigit()
    common, entries = parcel.opened({key: base64.b64decode(value) for key, value in secrets[0]["data"].items()})
    assert common.hash == LAB.hash and [each.student for each in entries] == ["ada", "ben"]


@pytest.mark.parametrize(
    ("made", "words"),
    [
        (graded(submission(), hash="f" * 64), "another lab or version"),
        (graded(submission(), version="0.0.0"), "another lab or version"),
        (graded(submission("eve")), "another submission"),
        (replace(graded(submission()), digest="0"), "another submission"),
        (graded(submission(), rows=()), "not those of the lab"),
    ],
)
def test_a_result_by_something_else_is_an_error_and_never_points(made: Graded, words: str) -> None:
    desk, _ = grade(lambda api, _job: write(api, 0, 0, made), "ada")
    assert desk.done["ada"].word == "error" and desk.done["ada"].score == 0
    assert words in desk.done["ada"].report.trouble


def test_each_students_variant_goes_along_and_is_held_against_the_result() -> None:
    def work(api: ShardApi, job: Object) -> None:
        write(api, 0, 0, replace(graded(submission("seeded")), seed=SEED))
        write(api, 1, 0, replace(graded(submission("ben")), seed=SEED))

    desk, api = grade(work, "seeded", "ben", jobs=2)
    assert {student: each.word for student, each in desk.done.items()} == {"seeded": "pass", "ben": "error"}
    secrets = [each for each in api.made if each["kind"] == "Secret"]
    data = [{key: base64.b64decode(value) for key, value in each["data"].items()} for each in secrets]
    assert [parcel.opened(each)[1][0].seed for each in data] == [SEED, ""]


def test_a_shard_that_failed_leaves_its_students_ungraded_with_the_pods_last_words() -> None:
    def work(api: ShardApi, job: Object) -> None:
        ended = {"exitCode": 137, "reason": "OOMKilled", "message": "no memory"}
        api.put(f"api/v1/namespaces/{NS}/pods", pod(0, "Failed", containerStatuses=[{"state": {"terminated": ended}}]))
        write(api, 0, 0, graded(submission("ada")))
        write(api, 1, 0, graded(submission("cy")))
        ends(api, job, "Failed", failedIndexes="0")

    desk, _ = grade(work, "ada", "ben", "cy")
    assert {student: each.word for student, each in desk.done.items()} == {"ada": "pass", "ben": "error", "cy": "pass"}
    assert desk.done["ben"].report.trouble == "exit 137 OOMKilled; no memory"


def test_a_server_that_is_away_when_a_shard_fails_costs_no_result() -> None:
    def work(api: ShardApi, job: Object) -> None:
        whole, away = api.list, [True]

        def listed(path: str, query: Mapping[str, Any] | None = None) -> Object:
            if path.endswith("/secrets") and away:
                away.clear()
                raise ApiUnreachable("away")
            return whole(path, query)

        def later() -> None:
            api.list = listed  # type: ignore[method-assign]
            api.objects.update({f"api/v1/namespaces/{NS}/secrets/result-0-0": secret})
            ends(api, job, "Suspended", failedIndexes="0")
            ends(api, job, "Failed", failedIndexes="0")

        secret = objects.result(NS, 0, 0, parcel.result(graded(submission("ada"))))
        threading.Timer(0.2, later).start()

    desk, _ = grade(work, "ada")
    assert desk.done["ada"].word == "pass"


def test_an_image_that_cannot_be_pulled_is_told_with_its_remedy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pods, "IMAGE_SECONDS", 0.2)
    monkeypatch.setattr(coordinator, "LOOK_SECONDS", 0.05)
    stuck = pod(containerStatuses=waits("ImagePullBackOff"))
    desk, _ = grade(lambda api, _job: api.put(f"api/v1/namespaces/{NS}/pods", stuck), "ada")
    assert "no image grader:1" in desk.notes[0] and "images load" in desk.notes[0]
    assert desk.done["ada"].word == "error"


def test_an_image_of_another_version_ends_the_run_at_once() -> None:
    ended = {"exitCode": objects.OTHER_LAB, "message": "the image holds k8s-tutor 0.0.0\n"}
    failed = pod(0, "Failed", containerStatuses=[{"state": {"terminated": ended}}])
    desk, _ = grade(lambda api, _job: api.put(f"api/v1/namespaces/{NS}/pods", failed), "ada")
    assert "k8s-tutor 0.0.0: make the image anew" in desk.notes[0]
    assert desk.done["ada"].word == "error"


def test_one_node_without_the_image_is_waited_for_while_others_grade(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pods, "IMAGE_SECONDS", 0.2)
    monkeypatch.setattr(coordinator, "LOOK_SECONDS", 0.05)

    def work(api: ShardApi, job: Object) -> None:
        api.put(f"api/v1/namespaces/{NS}/pods", pod(0, containerStatuses=waits("ErrImagePull")))
        api.put(f"api/v1/namespaces/{NS}/pods", pod(1, "Running"))
        threading.Timer(0.5, write, (api, 1, 0, graded(submission("ben")))).start()
        threading.Timer(0.7, api.put, (f"api/v1/namespaces/{NS}/pods", pod(1, "Succeeded"))).start()

    desk, _ = grade(work, "ada", "ben", jobs=2)
    assert {student: each.word for student, each in desk.done.items()} == {"ada": "error", "ben": "pass"}


def test_no_pod_at_all_is_told_with_what_the_cluster_says(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(coordinator, "IDLE_SECONDS", 0.2)
    monkeypatch.setattr(coordinator, "LOOK_SECONDS", 0.05)
    event = {"kind": "Event", "metadata": {"name": "e"}, "message": "quota exceeded"}
    desk, _ = grade(lambda api, _job: api.put(f"api/v1/namespaces/{NS}/events", event), "ada")
    assert "quota exceeded" in desk.done["ada"].report.trouble


def test_the_time_and_ctrl_c_end_it_and_keep_what_is_finished() -> None:
    desk, _ = grade(lambda api, _job: write(api, 0, 0, graded(submission("ada"))), "ada", "ben", "cy", seconds=0.4)
    assert desk.cut == [Cut.TIME] and set(desk.done) == {"ada"}

    def interrupted(api: ShardApi, job: Object) -> None:
        write(api, 0, 0, graded(submission("ada")))
        threading.Timer(0.3, os.kill, (os.getpid(), signal.SIGINT)).start()

    desk, _ = grade(interrupted, "ada", "ben", "cy")
    assert desk.cut == [Cut.INTERRUPTED] and set(desk.done) == {"ada"}


def test_a_lab_of_ones_own_is_in_no_image(tmp_path: Path) -> None:
    with pytest.raises(UsageError) as error:
        Shards(replace(LAB, folder=tmp_path))
    assert "--runner local" in error.value.remedy


def test_an_image_is_for_pods_only(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Said before any cluster is looked for."""
    (tmp_path / "ada" / "lab1").mkdir(parents=True)
    assert cli.main(["grade", str(tmp_path), "--image", "grader:1"]) == 2
    assert "remedy: add --runner kubernetes" in capsys.readouterr().err
