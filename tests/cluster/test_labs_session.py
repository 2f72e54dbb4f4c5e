"""A session on a real cluster: it sees by itself, fast, outlives the API server's silence, leaves nothing behind."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from native_helpers import Kubectl
from relay import relayed

from k8s_tutor.checks.outcome import Status
from k8s_tutor.clusters.provider import Cluster
from k8s_tutor.errors import TutorError
from k8s_tutor.labs.loader import load
from k8s_tutor.session.session import Session
from k8s_tutor.session.state import LabState, Link, check_state


@pytest.fixture(autouse=True)
def _own_folders(cluster: Cluster, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # After the cluster: its own files lie in the state folder as it was.
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.setenv("K8S_TUTOR_HOME", str(tmp_path / "home"))


@pytest.fixture
def here(cluster: Cluster, namespace: str) -> Cluster:
    """The cluster with this test's own namespace as the learner's."""
    return replace(cluster, namespace=namespace)


@pytest.fixture
def session(here: Cluster) -> Iterator[Session]:
    with Session(load("lab1"), here) as opened:
        yield opened


def passes(check_id: str) -> Callable[[LabState], bool]:
    def holds(state: LabState) -> bool:
        check = check_state(state, check_id)
        return check is not None and check.passed

    return holds


def test_checks_turn_by_themselves_as_the_learner_works(session: Session, kubectl: Kubectl):
    assert session.state().link is Link.LIVE
    assert not passes("pod-file")(session.state())
    # The learner's own editor writes the file: nobody tells the session.
    (session.workspace.folder / "nginx-pod.yaml").write_text(session.workspace.manifest("nginx-pod.yaml"))
    assert session.wait_for(passes("pod-file"), 10)
    kubectl("create", "-f", str(session.workspace.folder / "nginx-pod.yaml"))
    assert session.wait_for(passes("pod-exists"), 10)
    assert session.wait_for(passes("pod-ready"), 60)
    kubectl("delete", "pod", "nginx-pod", "--now")
    assert session.wait_for(lambda state: check_state(state, "pod-ready").undone, 60)  # type: ignore[union-attr]
    assert passes("pod-exists")(session.state()), "what was seen to happen stays seen"


def test_a_verdict_follows_its_event_at_once(session: Session):
    """From the arrival of an event to the verdict on it; the median of several, because the machine is shared."""
    lags = []
    for number in range(7):
        seen = threading.Event()
        at = [0.0]

        def told(state: LabState, name: str = f"n{number}", seen: threading.Event = seen, at: list[float] = at) -> None:
            if name in {pod["metadata"]["name"] for pod in state.record.alive("Pod")}:
                at[0] = at[0] or time.time()
                seen.set()

        end = session.subscribe(told)
        pod = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": f"n{number}"}}
        spec = {"containers": [{"name": "c", "image": "nginx"}], "nodeSelector": {"no": "where"}}
        session.connection.api.apply({**pod, "spec": spec}, namespace=session.namespace)
        assert seen.wait(10)
        end()
        life = next(life for life in session.state().record.lives["Pod"] if life.name == f"n{number}")
        lags.append(at[0] - life.versions[0].at)
    assert sorted(lags)[len(lags) // 2] < 0.1, lags


def test_closing_leaves_no_thread_and_no_second(here: Cluster):
    before = set(threading.enumerate())
    session = Session(load("lab2"), here)
    assert len(threading.enumerate()) > len(before)
    started = time.monotonic()
    session.close()
    took = time.monotonic() - started
    session.close()
    assert set(threading.enumerate()) - before == set()
    assert took < 1.5


def test_the_api_servers_silence_keeps_what_was_seen_and_its_return_is_noticed(here: Cluster, tmp_path: Path):
    through, relay = relayed(here, tmp_path)
    with Session(load("lab1"), through) as session:
        session.solve("write")
        session.solve("apply")
        assert session.wait_for(passes("pod-ready"), 60)
        relay.die()
        assert session.wait_for(lambda state: state.link is Link.LOST, 15)
        lost = session.state()
        assert lost.trouble
        assert passes("pod-ready")(lost), "kept as it was last seen"
        assert lost.heard <= time.time()
        assert Status.WAITING not in {check.outcome.status for check in session.verdict().checks}
        assert check_state(session.verdict(), "pod-ready").outcome.status is Status.ERROR  # type: ignore[union-attr]
        # Files can be judged without a cluster.
        session.save_file("nginx-pod.yaml", "kind: [")
        assert session.wait_for(lambda state: not passes("pod-file")(state), 10)
        relay.revive()
        assert session.wait_for(lambda state: state.link is Link.LIVE, 60)
        assert session.wait_for(passes("pod-ready"), 10)
    relay.die()


def test_evidence_is_there_after_a_restart_and_a_second_instance_reads_only(here: Cluster):
    lab = load("lab1")
    with Session(lab, here) as first:
        first.solve("write")
        first.solve("apply")
        assert first.wait_for(passes("pod-exists"), 10)
        with Session(lab, here) as second:
            assert any("Another k8s-tutor" in note for note in second.state().notes)
            assert passes("pod-exists")(second.state())
        first.connection.api.delete(f"api/v1/namespaces/{first.namespace}/pods/nginx-pod", grace=0)
        assert first.wait_for(lambda state: state.record.get("Pod", "nginx-pod") is None, 30)
    with Session(lab, here) as again:
        assert again.state().notes == ()
        assert passes("pod-exists")(again.state())


def test_a_namespace_made_anew_by_somebody_inherits_no_evidence(here: Cluster, kubectl: Kubectl):
    with Session(load("lab1"), here) as session:
        session.solve("write")
        session.solve("apply")
        assert session.wait_for(passes("pod-exists"), 10)
        kubectl("delete", "namespace", here.namespace)
        kubectl("create", "namespace", here.namespace)
        assert session.wait_for(lambda state: not passes("pod-exists")(state), 30)
        assert passes("pod-file")(session.state())


def test_a_reset_empties_the_namespace_and_keeps_the_files_aside(here: Cluster, kubectl: Kubectl):
    with Session(load("lab1"), here) as session:
        session.solve("write")
        session.solve("apply")
        session.hint("apply")
        lines = session.reset()
        assert any("was made anew" in line for line in lines)
        assert not any(check.passed for check in session.state().checks)
        assert session.state().steps[4].hints_shown == 0
        assert kubectl("get", "pods", "-o", "name") == ""
        aside = [path for path in session.workspace.folder.iterdir() if path.is_dir()]
        assert [sorted(item.name for item in path.iterdir()) for path in aside] == [["nginx-pod.yaml"]]
        # And it goes on from there.
        session.solve("write")
        session.solve("apply")
        assert session.wait_for(passes("pod-exists"), 10)


def test_a_namespace_that_is_not_ours_is_not_even_opened(here: Cluster, kubectl: Kubectl):
    kubectl("create", "configmap", "precious")
    with pytest.raises(TutorError, match="not k8s-tutor's"), Session(load("lab1"), replace(here, owned=False)):
        pytest.fail("nothing is opened in somebody else's namespace")
    kubectl("label", "namespace", here.namespace, "app.kubernetes.io/managed-by=k8s-tutor")
    with Session(load("lab1"), replace(here, owned=False)) as session:
        assert not session.connection.may_reset, "the namespace itself stays, whoever labelled it"
    assert kubectl.get("configmap", "precious")["metadata"]["name"] == "precious"


def test_apply_says_what_happened_and_what_is_wrong_with_its_line(session: Session):
    session.save_file("a.yaml", session.workspace.manifest("nginx-pod.yaml"))
    assert session.apply("a.yaml") == ["pod/nginx-pod created"]
    assert session.wait_for(passes("pod-ready"), 60), "scheduler and kubelet write into it, too, until then"
    assert session.apply("a.yaml") == ["pod/nginx-pod unchanged"]
    session.save_file("a.yaml", session.workspace.manifest("nginx-pod.yaml").replace("containers:", "containerz:"))
    with pytest.raises(TutorError, match=r"a\.yaml:\d+.*containerz"):
        session.apply("a.yaml")
    with pytest.raises(TutorError, match="is not there"):
        session.apply("missing.yaml")
