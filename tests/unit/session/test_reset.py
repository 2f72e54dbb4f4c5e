"""Starting over: what happens when it is cut short, and when the cluster is slow to make the namespace anew."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from loopback_api import Handler, error_page, eventually, reset
from loopback_cluster import LEARNER, NAMESPACES, OURS, LoopbackCluster
from small_lab import lab_of, spec, step

from k8s_tutor.errors import ClusterError, TutorError
from k8s_tutor.kube.client import connect
from k8s_tutor.labs.model import Lab
from k8s_tutor.session import connection
from k8s_tutor.session.connection import delete_namespace, ensure_namespace, find_namespace
from k8s_tutor.session.journal import How
from k8s_tutor.session.reset import renew
from k8s_tutor.session.session import Session
from k8s_tutor.session.workspace import Workspace

ACCOUNTS = f"{LEARNER}/serviceaccounts"


@pytest.fixture
def cluster() -> Iterator[LoopbackCluster]:
    made = LoopbackCluster()
    yield made
    made.api.close()


@pytest.fixture
def lab() -> Lab:
    return lab_of(step("one", spec("there", uses="exists")), step("read"))


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection, "ACCOUNT_SECONDS", 0.3)
    monkeypatch.setattr(connection, "OLDER_ACCOUNT_SECONDS", 0.2)
    monkeypatch.setattr(connection, "GONE_SECONDS", 0.3)


def fail(cluster: LoopbackCluster, method: str, path: str, how: Callable[[Handler], None] = error_page) -> None:
    cluster.api.routes[method, path] = how


def half_way(session: Session) -> TutorError:
    with pytest.raises(TutorError) as caught:
        session.reset()
    error = caught.value
    assert error.code == "reset-unfinished" and error.exit_code == 3
    assert error.message.startswith("starting lab9 over stopped half-way: ")
    assert error.remedy.startswith("k8s-tutor reset lab9 --cluster learn goes on from there")
    return error


def read(session: Session) -> list[str]:
    return [each.step.id for each in session.state().steps if each.read]


def begun(session: Session, folder: Path) -> None:
    """Something that a reset takes away: a step that was read, a file."""
    session.mark_read("read")
    session.save_file("mine.yaml", "kind: Pod\n")
    assert read(session) == ["read"] or session.wait_for(lambda _state: read(session) == ["read"], 10)
    assert (folder / "work" / "mine.yaml").exists()


def aside(folder: Path) -> list[str]:
    return [path.name for path in (folder / "work").glob("before-reset-*/*")]


def test_a_reset_makes_the_namespace_anew_and_clears_files_and_progress(
    cluster: LoopbackCluster, lab: Lab, tmp_path: Path
) -> None:
    with cluster.session(lab, tmp_path) as session:
        begun(session, tmp_path)
        before = session.connection.namespace.uid
        lines = session.reset()
        assert (cluster.deleted, cluster.made) == (1, 1)
        assert session.connection.namespace.uid != before and session.connection.namespace.ours
        assert lines[0] == "namespace learner was made anew, empty" and lines[-1] == "progress of lab9 is cleared"
        assert aside(tmp_path) == ["mine.yaml"]
        assert session.wait_for(lambda _state: not read(session), 10)
        assert not session.state().notes
    with cluster.session(lab, tmp_path) as session:
        assert read(session) == [] and not session.state().notes


@pytest.mark.parametrize(
    ("method", "path", "left"),
    [
        ("DELETE", LEARNER, ["delete namespace learner", "make it anew"]),
        ("GET", f"{LEARNER}/pods", ["delete namespace learner", "make it anew"]),
        ("POST", NAMESPACES, ["make it anew"]),
    ],
)
def test_one_that_breaks_says_what_is_left_and_the_next_goes_on(
    cluster: LoopbackCluster, lab: Lab, tmp_path: Path, method: str, path: str, left: list[str]
) -> None:
    with cluster.session(lab, tmp_path) as session:
        begun(session, tmp_path)
        real = cluster.api.routes.get((method, path))
        fail(cluster, method, path)
        error = half_way(session)
        told = error.message.rpartition("Still to do: ")[2].split("; ")
        assert told == [*left, "move your files aside", "clear the progress of lab9"]
        assert aside(tmp_path) == [] and (tmp_path / "work" / "mine.yaml").exists()
        assert read(session) == ["read"], "nothing of it is forgotten before all is done"
        if real is None:
            del cluster.api.routes[method, path]
        else:
            cluster.api.routes[method, path] = real
        assert session.reset()[-1] == "progress of lab9 is cleared"
        assert cluster.namespace is not None and "deletionTimestamp" not in cluster.namespace["metadata"]
        assert aside(tmp_path) == ["mine.yaml"]
        assert session.wait_for(lambda _state: not read(session), 10)


def test_one_that_was_cut_short_is_told_at_the_next_start_and_finished_by_the_command(
    cluster: LoopbackCluster, lab: Lab, tmp_path: Path
) -> None:
    with cluster.session(lab, tmp_path) as session:
        begun(session, tmp_path)
        real = cluster.api.routes["POST", NAMESPACES]
        fail(cluster, "POST", NAMESPACES, reset)
        half_way(session)
        assert not session.state().notes, "who made the mistake was told already"
        cluster.api.routes["POST", NAMESPACES] = real
    with cluster.session(lab, tmp_path) as session:
        (note,) = session.state().notes
        assert "not finished" in note and "k8s-tutor reset lab9" in note
        assert read(session) == ["read"]
        session.reset()
        assert session.wait_for(lambda state: not state.notes, 10)
    with cluster.session(lab, tmp_path) as session:
        assert not session.state().notes and read(session) == []


def test_a_disk_that_does_not_take_the_files_is_told_as_what_is_left(
    cluster: LoopbackCluster, lab: Lab, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with cluster.session(lab, tmp_path) as session:
        begun(session, tmp_path)

        def full() -> None:
            raise OSError(28, "No space left on device")

        monkeypatch.setattr(session.workspace, "back_up", full)
        error = half_way(session)
        assert "No space left on device" in error.message
        assert error.message.endswith("Still to do: move your files aside; clear the progress of lab9")


def test_what_is_not_ours_is_refused_before_anything_is_touched(lab: Lab, tmp_path: Path) -> None:
    cluster = LoopbackCluster(labels={})
    try:
        with cluster.session(lab, tmp_path, namespace="learner") as session:
            object.__setattr__(session.connection.cluster, "owned", False)
            with pytest.raises(TutorError) as caught:
                session.reset()
            assert caught.value.code == "not-ours" and cluster.deleted == 0
        with cluster.session(lab, tmp_path) as session:
            assert not session.state().notes
    finally:
        cluster.api.close()


def test_what_is_deleted_is_what_is_there_now_not_what_was_there_at_the_beginning(
    cluster: LoopbackCluster, lab: Lab, tmp_path: Path
) -> None:
    link = connection.open_connection(cluster.cluster(tmp_path))
    cluster.end()
    ensure_namespace(link.api, "learner")
    new, _lines = renew(link, lab, Workspace(lab, tmp_path / "work"))
    assert (cluster.deleted, cluster.made) == (1, 2) and new.uid != link.namespace.uid
    link.close()


# The namespace: gone, there, with its ServiceAccount.


def test_the_new_one_is_made_only_when_the_old_one_is_wholly_gone(
    cluster: LoopbackCluster, lab: Lab, tmp_path: Path
) -> None:
    cluster.lingers = True
    with cluster.session(lab, tmp_path) as session:
        lines: list[str] = []
        watches = cluster.asked("GET", NAMESPACES)
        thread = threading.Thread(target=lambda: lines.extend(session.reset()))
        thread.start()
        eventually(lambda: cluster.deleted and cluster.asked("GET", NAMESPACES) > watches)
        assert cluster.deleted == 1 and cluster.made == 0 and thread.is_alive()
        cluster.end()
        thread.join(10)
        assert cluster.made == 1 and lines[0] == "namespace learner was made anew, empty"


def test_one_that_does_not_go_is_told_with_the_command_that_shows_what_holds_it(
    cluster: LoopbackCluster, lab: Lab, tmp_path: Path, impatient: None
) -> None:
    cluster.lingers = True
    with cluster.session(lab, tmp_path) as session:
        error = half_way(session)
        assert "was not removed within 0.3 s" in error.message and "Still to do: delete namespace" in error.message
        assert "kubectl get namespace learner -o yaml" in error.remedy
        assert cluster.made == 0
        cluster.end()
        session.reset()
        assert (cluster.deleted, cluster.made) == (1, 1)


def test_pods_are_ended_in_the_namespace_that_is_deleted_and_in_no_other_of_its_name(
    cluster: LoopbackCluster, tmp_path: Path
) -> None:
    api = connect(cluster.api.kubeconfig(tmp_path))
    old = find_namespace(api, "learner")
    assert old is not None
    cluster.end()
    ensure_namespace(api, "learner")
    cluster.api.put("new-pod")
    delete_namespace(api, old)
    assert cluster.asked("DELETE", f"{LEARNER}/pods/new-pod") == 0 and cluster.deleted == 0
    cluster.lingers = True
    present = find_namespace(api, "learner")
    assert present is not None
    delete_namespace(api, present, wait=False)
    assert cluster.asked("DELETE", f"{LEARNER}/pods/new-pod") == 1
    delete_namespace(api, present, wait=False)
    assert cluster.asked("DELETE", f"{LEARNER}/pods/new-pod") == 2, "also where an earlier try began to delete it"
    api.close()


def test_a_new_namespace_is_ready_when_its_default_account_is_there(cluster: LoopbackCluster, tmp_path: Path) -> None:
    cluster.end()
    cluster.accounts = False
    api = connect(cluster.api.kubeconfig(tmp_path))
    found: list[Any] = []
    thread = threading.Thread(target=lambda: found.append(ensure_namespace(api, "learner")))
    thread.start()
    cluster.api.wait_request(lambda seen: seen[1] == ACCOUNTS and seen[2].get("watch") == "1")
    assert cluster.made == 1 and thread.is_alive()
    cluster.give_account()
    thread.join(10)
    assert found[0].ours and not found[0].trouble
    api.close()


def test_without_an_account_a_reset_says_so_with_its_evidence_and_the_next_one_makes_it_anew(
    cluster: LoopbackCluster, lab: Lab, tmp_path: Path, impatient: None
) -> None:
    with cluster.session(lab, tmp_path) as session:
        begun(session, tmp_path)
        cluster.accounts = False
        error = half_way(session)
        assert "got no default ServiceAccount within 0.3 s" in error.message
        assert "kubectl get serviceaccounts --namespace=learner" in error.remedy
        assert "component=kube-controller-manager" in error.remedy
        assert "Still to do: make it anew; " in error.message
        cluster.accounts = True
        session.reset()
        assert (cluster.deleted, cluster.made) == (2, 2), "the one that never got an account is not kept"
        assert session.wait_for(lambda state: not state.notes, 10)


def test_a_lab_opens_where_the_account_never_came_and_says_so_until_there_is_a_pod(
    cluster: LoopbackCluster, lab: Lab, tmp_path: Path, impatient: None
) -> None:
    cluster.account = False
    with cluster.session(lab, tmp_path) as session:
        (note,) = session.state().notes
        assert "namespace learner got no default ServiceAccount within 0.2 s" in note
        assert "kubectl get serviceaccounts --namespace=learner" in note
        cluster.api.put("nginx-pod")
        assert session.wait_for(lambda state: not state.notes, 10)


def test_in_a_namespace_of_somebody_else_or_without_the_right_nobody_asks_for_the_account(
    cluster: LoopbackCluster, tmp_path: Path, impatient: None
) -> None:
    api = connect(cluster.api.kubeconfig(tmp_path))
    cluster.account = False
    with pytest.raises(ClusterError, match="ServiceAccount"):
        ensure_namespace(api, "learner")
    fail(cluster, "GET", f"{ACCOUNTS}/default", lambda handler: handler.status(403, "Forbidden", "no rights"))
    assert not ensure_namespace(api, "learner").trouble
    assert cluster.namespace is not None
    cluster.namespace["metadata"]["labels"] = {}
    number = cluster.asked("GET", f"{ACCOUNTS}/default")
    assert not ensure_namespace(api, "learner").ours
    assert cluster.asked("GET", f"{ACCOUNTS}/default") == number
    api.close()


def test_one_that_somebody_else_deletes_is_made_again_with_its_labels(
    cluster: LoopbackCluster, lab: Lab, tmp_path: Path
) -> None:
    assert cluster.namespace is not None
    cluster.namespace["metadata"]["labels"] = {**OURS, "pod-security.kubernetes.io/enforce": "baseline"}
    with cluster.session(lab, tmp_path) as session:
        session.reset()
        (body,) = [json.loads(seen[4]) for seen in cluster.api.seen if seen[:2] == ("POST", NAMESPACES)]
        assert body["metadata"]["labels"]["pod-security.kubernetes.io/enforce"] == "baseline"


def test_what_it_did_stands_in_the_journal(cluster: LoopbackCluster, lab: Lab, tmp_path: Path) -> None:
    with cluster.session(lab, tmp_path) as session:
        session.reset()
        eventually(lambda: any(entry.how is How.DONE for entry in session.journal.entries()))
        commands = [entry.command for entry in session.journal.entries() if entry.how is How.DONE]
        assert "kubectl delete namespace learner" in commands
        assert any(command.startswith("kubectl create namespace learner") for command in commands)
