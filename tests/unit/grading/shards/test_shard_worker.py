"""A pod that grades a shard: whose work is left, what it refuses, how it proves who it is."""

from __future__ import annotations

import stat
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import pytest
from shard_api import COMMON, LAB, NS, SEED, Object, ShardApi, entry, graded, noise, submission, write

from k8s_tutor.errors import EnvironmentFault
from k8s_tutor.grading.judge import Judge
from k8s_tutor.grading.shards import objects, parcel
from k8s_tutor.grading.shards import worker as pod
from k8s_tutor.grading.shards.worker import Other, Worker, lab_of, own_kubeconfig
from k8s_tutor.grading.submission import Submission
from k8s_tutor.kube.access import read_access
from k8s_tutor.kube.client import Api
from k8s_tutor.kube.errors import ApiUnreachable, Conflict
from k8s_tutor.reports.grades.report import Graded

SECRETS = f"api/v1/namespaces/{NS}/secrets"


def no_job(_api: ShardApi, _job: Object) -> None:
    raise AssertionError("a pod makes no Job")


@pytest.fixture
def api() -> ShardApi:
    """A server that holds shard 0: Ada, Ben and Cy."""
    made = ShardApi(no_job)
    shard = parcel.pack([entry(name) for name in ("ada", "ben", "cy", "dee", "eli")], COMMON, 1)[0][0]
    assert shard.students == ("ada", "ben", "cy")
    made.create(SECRETS, objects.shard(NS, 0, shard))
    return made


def worker(api: ShardApi) -> Worker:
    return Worker(cast(Api, api), Path("/nonexistent"), NS, 0)


def results(api: ShardApi) -> dict[str, Graded]:
    found = {}
    for path, secret in api.objects.items():
        if objects.place_of(secret):
            found[path.rpartition("/")[2]] = parcel.result_in(objects.data_of(secret))
    return found


@pytest.fixture
def done(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Everybody passes at once; the names, in their order."""
    names: list[str] = []

    def grade(_self: Judge, handed_in: Submission, _roster: object = None) -> Graded:
        names.append(handed_in.student)
        return graded(handed_in)

    monkeypatch.setattr(Judge, "grade", grade)
    return names


def test_each_result_is_written_and_what_is_there_is_not_done_again(api: ShardApi, done: list[str]) -> None:
    write(api, 0, 1, graded(submission("ben")))
    assert worker(api).run()
    assert done == ["ada", "cy"]
    assert {name: each.student for name, each in results(api).items()} == {
        "result-0-0": "ada", "result-0-1": "ben", "result-0-2": "cy",
    }  # fmt: skip
    assert results(api)["result-0-0"] == graded(submission("ada"))
    assert worker(api).run() and len(done) == 2


def test_what_is_cut_short_is_not_written(api: ShardApi, monkeypatch: pytest.MonkeyPatch) -> None:
    mine = worker(api)

    def grade(judge: Judge, handed_in: Submission) -> Graded:
        mine.stop()
        assert judge.cancelled.is_set()
        return graded(handed_in)

    monkeypatch.setattr(Judge, "grade", grade)
    assert not mine.run()
    assert results(api) == {}


def test_a_server_that_is_away_for_a_moment_costs_no_result(
    api: ShardApi, done: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    whole, trouble = api.create, [ApiUnreachable("away"), Conflict(409, "AlreadyExists", "there already")]

    def create(path: str, obj: Object, query: object = None) -> Object:
        if trouble:
            raise trouble.pop(0)
        return whole(path, obj, query)

    monkeypatch.setattr(api, "create", create)
    monkeypatch.setattr(pod.time, "sleep", lambda _seconds: None)
    assert worker(api).run()
    assert sorted(results(api)) == ["result-0-1", "result-0-2"]  # the first was there already


def test_a_result_that_is_too_large_is_an_error_of_that_student(api: ShardApi, monkeypatch: pytest.MonkeyPatch) -> None:
    def grade(_self: Judge, handed_in: Submission) -> Graded:
        made = graded(handed_in)
        return replace(made, folder=noise(2 * parcel.MOST_BYTES)) if handed_in.student == "ben" else made

    monkeypatch.setattr(Judge, "grade", grade)
    assert worker(api).run()
    words = {each.student: each.word for each in results(api).values()}
    assert words == {"ada": "pass", "ben": "error", "cy": "pass"}
    assert results(api)["result-0-1"].digest == submission("ben").digest


def test_a_student_is_judged_by_their_own_variant() -> None:
    lab = lab_of(COMMON, replace(entry("ada"), seed=SEED))
    assert (lab.seed, lab.hash) == (SEED, LAB.hash) and lab.variant != LAB.variant


@pytest.mark.parametrize(
    "other", [{"version": "0.0.0"}, {"hash": "f" * 64}, {"lab": "lab99"}], ids=["version", "hash", "lab"]
)
def test_another_version_or_lab_is_refused(other: dict[str, Any]) -> None:
    assert lab_of(COMMON, entry("ada")).hash == LAB.hash
    with pytest.raises(Other, match="image"):
        lab_of(replace(COMMON, **other), entry("ada"))


def account(folder: Path) -> Path:
    for name, text in (("ca.crt", ""), ("namespace", f"{NS}\n"), ("token", "first")):
        (folder / name).write_text(text)
    return folder


def test_it_proves_who_it_is_by_the_pods_own_account(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KUBERNETES_SERVICE_HOST", "fd00::1")
    monkeypatch.setenv("KUBERNETES_SERVICE_PORT", "6443")
    made = own_kubeconfig(tmp_path, account(tmp_path))
    assert stat.S_IMODE(made.stat().st_mode) == 0o600
    assert "first" not in made.read_text()
    access = read_access(made)
    assert (access.server, access.namespace, access.authorization) == ("https://[fd00::1]:6443", NS, "Bearer first")
    (tmp_path / "token").write_text("second")
    assert access.renew is not None and access.renew().authorization == "Bearer second"


def test_elsewhere_than_in_a_pod_it_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(EnvironmentFault, match="no pod"):
        own_kubeconfig(tmp_path, tmp_path / "none")
    monkeypatch.delenv("KUBERNETES_SERVICE_HOST", raising=False)
    with pytest.raises(EnvironmentFault, match="KUBERNETES_SERVICE_HOST"):
        own_kubeconfig(tmp_path, account(tmp_path))


def test_the_end_of_a_pod_says_why(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.delenv("JOB_COMPLETION_INDEX", raising=False)
    assert pod.main() == 3
    assert "JOB_COMPLETION_INDEX" in capsys.readouterr().err
