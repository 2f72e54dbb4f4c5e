"""The provider over a fake minikube that replays records: what is made, resumed, removed, refused, and left alone."""

from __future__ import annotations

import re
import socketserver
import struct
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from fake_minikube import FakeMinikube, record

from k8s_tutor.clusters import own_kubeconfig, readiness
from k8s_tutor.clusters.minikube import bring, names, program, state
from k8s_tutor.clusters.minikube.door import NodeDoor
from k8s_tutor.clusters.minikube.progress import READY
from k8s_tutor.clusters.minikube.provider import CAN, MinikubeProvider
from k8s_tutor.clusters.provider import Reach
from k8s_tutor.errors import ClusterError, EnvironmentFault, UsageError
from k8s_tutor.phases import Phase, PhaseState, silent


class Answers:
    """An API server that is as a ready one is; ``missing``: what it does not have, by path."""

    missing: tuple[str, ...] = ()
    silent = False

    def ok(self, path: str) -> bool:
        return not self.silent and path not in self.missing

    def call(self, method: str, path: str, body: Any = None, kind: str = "") -> tuple[int, Any]:
        if self.silent:
            raise OSError("no answer")
        if path in self.missing:
            return 404, {}
        if method == "POST":
            return 201, body
        if path == "/version":
            return 200, {"gitVersion": "v1.36.2"}
        if "/services/" in path:
            return 200, {"spec": {"clusterIP": "10.96.0.10" if "kube-dns" in path else "10.96.0.1"}}
        if "/nodes/" in path:
            stamp = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + 60))
            ready = {"type": "Ready", "status": "True", "lastHeartbeatTime": stamp}
            return 200, {"status": {"conditions": [ready]}}
        return 200, {}

    def close(self) -> None:
        """Nothing is open."""


class Door:
    """The node's network, on which all answers."""

    def resolve(self, server: str) -> list[str]:
        return ["10.96.0.1"] if server == "10.96.0.10" else []

    def status_of(self, url: str) -> int:
        return 200 if url == "https://10.96.0.1/readyz" else 0


@pytest.fixture
def api(monkeypatch: pytest.MonkeyPatch) -> Answers:
    found = Answers()
    real = own_kubeconfig.server

    def connect(folder: Path, timeout: float) -> Answers:
        assert timeout <= 3.0
        if not real(folder):
            raise OSError("no kubeconfig")
        return found

    monkeypatch.setattr(own_kubeconfig, "api", connect)
    monkeypatch.setattr(bring, "on_node", lambda _state: Door())
    return found


@pytest.fixture
def minikube(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> FakeMinikube:
    """minikube on PATH, and a user with a kubeconfig and a profile of their own."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:/usr/bin:/bin")
    monkeypatch.setenv("KUBECONFIG", str(tmp_path / "users-kubeconfig"))
    monkeypatch.delenv("MINIKUBE_HOME", raising=False)
    (tmp_path / "users-kubeconfig").write_text("the user's\n")
    (tmp_path / "bin").mkdir()
    return FakeMinikube(tmp_path / "bin", names.profile("dev"))


def made(minikube: FakeMinikube, *, stage: str = state.READY, nodes: int = 1) -> state.MinikubeState:
    """A cluster that is there already."""
    found = state.MinikubeState("dev", stage, 1.0, nodes, str(minikube.path), version="v1.36.2")
    state.save(found)
    names.kubeconfig_path("dev").write_text((minikube.folder / "kubeconfig").read_text())
    own_kubeconfig.write(names.cluster_dir("dev"), "dev", names.kubeconfig_path("dev"))
    return found


def test_up_makes_a_cluster_tells_its_phases_and_touches_nothing_of_the_users(
    minikube: FakeMinikube, api: Answers, tmp_path: Path
) -> None:
    told: list[Phase] = []
    cluster = MinikubeProvider(kubernetes="v1.36.2").up("dev", nodes=2, report=told.append)
    assert (cluster.name, cluster.provider, cluster.version) == ("dev", "minikube", "v1.36.2")
    assert cluster.ready and cluster.running and cluster.owned and cluster.can == CAN
    assert [node.name for node in cluster.nodes] == names.nodes("dev", 2)
    assert minikube.verbs() == ["start"]
    (start,) = [call for call in minikube.calls() if call["argv"][0] == "start"]
    assert start["env"]["KUBECONFIG"] == str(names.kubeconfig_path("dev"))
    assert start["env"]["MINIKUBE_IN_STYLE"] == "false"
    assert start["argv"][-2:] == ["--kubernetes-version", "v1.36.2"]
    assert {phase.id: phase.state for phase in told}[READY] is PhaseState.DONE
    assert {phase.state for phase in {phase.id: phase for phase in told}.values()} == {PhaseState.DONE}
    text = cluster.kubeconfig.read_text()
    assert "namespace: learner" in text and "k8s-tutor-dev" in text and "127.0.0.1:32769" in text
    assert cluster.kubeconfig.stat().st_mode & 0o777 == 0o600
    assert (tmp_path / "users-kubeconfig").read_text() == "the user's\n"


def test_up_of_a_ready_cluster_asks_nothing_of_minikube(minikube: FakeMinikube, api: Answers) -> None:
    made(minikube)
    assert MinikubeProvider().up("dev", report=silent).ready
    assert minikube.calls() == []
    with pytest.raises(UsageError, match="runs with 1 node"):
        MinikubeProvider().up("dev", nodes=2, report=silent)


def test_a_cluster_that_was_stopped_is_started_as_it_was_made(
    minikube: FakeMinikube, api: Answers, monkeypatch: pytest.MonkeyPatch
) -> None:
    made(minikube)
    minikube.replay("start", "start-resumed.jsonl")
    answers = iter([False])
    monkeypatch.setattr(own_kubeconfig, "answers", lambda *_: next(answers, True))
    told: list[Phase] = []
    assert MinikubeProvider().up("dev", report=told.append).ready
    (start,) = [call["argv"] for call in minikube.calls() if call["argv"][0] == "start"]
    assert "--nodes" not in start and "--container-runtime=containerd" not in start
    assert minikube.verbs() == ["start"], "nothing is deleted"
    assert any("Restarting existing" in phase.detail for phase in told)


def test_a_resume_that_fails_removes_nothing(
    minikube: FakeMinikube, api: Answers, monkeypatch: pytest.MonkeyPatch
) -> None:
    made(minikube)
    minikube.replay("start", "start-docker-stopped.jsonl", code=69)
    monkeypatch.setattr(own_kubeconfig, "answers", lambda *_: False)
    with pytest.raises(ClusterError, match=r"did not come up again.*PROVIDER_DOCKER_NOT_RUNNING") as caught:
        MinikubeProvider().up("dev", report=silent)
    assert "Start the Docker service" in caught.value.remedy
    assert minikube.verbs() == ["start"]
    kept = state.load("dev")
    assert kept is not None and kept.stage == state.READY


def test_a_failed_start_keeps_its_logs_removes_its_machines_and_tells_the_remedy(
    minikube: FakeMinikube, api: Answers
) -> None:
    minikube.replay("start", "start-few-cores.jsonl", code=29)
    minikube.answer("logs", record("logs.txt"))
    told: list[Phase] = []
    with pytest.raises(ClusterError, match=r"did not come up.*RSRC_INSUFFICIENT_CORES") as caught:
        MinikubeProvider().up("dev", report=told.append)
    assert "2 processors" in caught.value.remedy and caught.value.code == "bring-up"
    assert minikube.verbs() == ["start", "logs", "delete"], "logs first, then the machines"
    assert told[-1].state is PhaseState.FAILED
    found = MinikubeProvider().status("dev")
    assert found is not None and not found.ready and "did not come up" in found.trouble
    assert any("kubelet" in line for line in MinikubeProvider().logs("dev"))
    assert minikube.verbs() == ["start", "logs", "delete"], "of what is gone only what was kept is read"
    minikube.replay("start", "start.jsonl")
    assert MinikubeProvider().up("dev", report=silent).ready
    assert minikube.verbs()[3:] == ["delete", "start"], "what was half made goes first"


def test_a_removal_that_fails_too_is_said(minikube: FakeMinikube, api: Answers) -> None:
    minikube.replay("start", "start-as-root.jsonl", code=57)
    minikube.answer("delete", '{"type":"io.k8s.sigs.minikube.error","data":{"message":"Failed to delete"}}\n', code=80)
    with pytest.raises(ClusterError, match=r"DRV_AS_ROOT.*still there.*Failed to delete"):
        MinikubeProvider().up("dev", report=silent)


def test_not_ready_in_time_is_an_error_that_says_what_lacks(
    minikube: FakeMinikube, api: Answers, monkeypatch: pytest.MonkeyPatch
) -> None:
    api.missing = ("/api/v1/namespaces/learner/serviceaccounts/default",)
    monkeypatch.setattr(bring, "PATIENCE", 0.3)
    monkeypatch.setattr(readiness, "_PAUSE", 0.05)
    with pytest.raises(ClusterError, match="no ServiceAccount default in namespace learner"):
        MinikubeProvider().up("dev", report=silent)
    assert minikube.verbs() == ["start", "logs", "delete"]


def test_down_removes_our_profile_alone_and_gives_the_users_choice_back(
    minikube: FakeMinikube, api: Answers, tmp_path: Path
) -> None:
    made(minikube)
    minikube.answer("config get profile", "work\n")
    told: list[Phase] = []
    assert MinikubeProvider().down("dev", report=told.append)
    (delete,) = [call for call in minikube.calls() if call["argv"][0] == "delete"]
    assert delete["argv"] == ["delete", "--profile", names.profile("dev"), "--output", "json"]
    assert delete["env"]["KUBECONFIG"] == str(names.kubeconfig_path("dev"))
    assert not names.clusters_dir().exists() and told[-1].state is PhaseState.DONE
    assert not any(call["argv"][:2] == ["config", "set"] for call in minikube.calls()), "it is still set"
    assert not MinikubeProvider().down("dev", report=silent)

    # As minikube's own delete does: it takes away which profile is the user's choice (cmd/delete.go, deleteContext).
    made(minikube)
    script = minikube.path.read_text()
    forget = 'if sys.argv[1] == "delete":\n    answers["config get profile"] = {"out": "", "code": 14}\n'
    forget += '    json.dump(answers, open(here + "/answers", "w"))\n'
    minikube.path.write_text(script.replace("sys.stdout.write(answer", forget + "sys.stdout.write(answer"))
    MinikubeProvider().down("dev", report=silent)
    assert minikube.calls()[-1]["argv"] == ["config", "set", "profile", "work"]


def test_a_lost_state_is_removed_by_name_and_minikube_must_be_there(minikube: FakeMinikube, api: Answers) -> None:
    names.cluster_dir("dev").mkdir(parents=True)
    (names.cluster_dir("dev") / "state.json").write_text('{"name": "dev", "nodes": "many"}')
    (found,) = MinikubeProvider().list()
    assert "state file is lost" in found.trouble
    minikube.replay("delete", "delete-missing.jsonl")
    assert MinikubeProvider().down("dev", report=silent)
    made(minikube)
    minikube.remove()
    with pytest.raises(EnvironmentFault, match="no minikube on PATH"):
        MinikubeProvider().down("dev", report=silent)
    kept = state.load("dev")
    assert kept is not None and kept.stage == state.REMOVING
    trouble = MinikubeProvider().status("dev")
    assert trouble is not None and "removal was interrupted" in trouble.trouble


@pytest.mark.parametrize(
    ("name", "code", "whole", "running", "trouble"),
    [
        ("status-running.json", 0, "", True, ""),
        ("status-misconfigured.json", 4, "", True, ""),
        ("status-stopped.json", 7, "", False, r"is stopped\. Start it: k8s-tutor cluster up --name dev"),
        ("status-paused.json", 2, "status-cluster-paused.json", True, r"is paused\. Minikube says Paused \(418\)\."),
        ("status-disk-full.json", 1, "status-cluster-disk-full.json", False, r"no disk space left\. .*\(507\)"),
        ("status-no-profile.jsonl", 85, "", False, r"does not know its profile any more\. Make it anew"),
        ("status-nothing.json", 7, "", False, r"A machine does not run, Kubernetes does not run"),
    ],
)
def test_status_says_what_minikube_says(
    minikube: FakeMinikube, api: Answers, name: str, code: int, whole: str, running: bool, trouble: str
) -> None:
    made(minikube)
    asked = f"status --profile {minikube.profile} --output json --layout"
    minikube.replay(f"{asked} nodes", name, code=code)
    minikube.answer(f"{asked} cluster", record(whole, minikube.profile) if whole else "panic: index out of range\n")
    found = MinikubeProvider().status("dev")
    assert found is not None and found.running is running and found.ready is not bool(trouble)
    assert re.search(trouble, found.trouble) if trouble else not found.trouble


def test_status_of_a_worker_that_stopped_and_of_an_api_server_that_is_silent(
    minikube: FakeMinikube, api: Answers
) -> None:
    made(minikube, nodes=2)
    asked = f"status --profile {minikube.profile} --output json --layout nodes"
    minikube.replay(asked, "status-worker-stopped.json", code=7)
    found = MinikubeProvider().status("dev")
    assert found is not None and [node.running for node in found.nodes] == [True, False]
    assert "m02 is stopped" in found.trouble and found.running
    minikube.replay(asked, "status-two-nodes.json")
    api.silent = True
    found = MinikubeProvider().status("dev")
    assert found is not None and found.trouble == "The API server does not answer." and not found.ready


def test_status_takes_three_seconds_at_most_also_of_a_minikube_that_hangs(minikube: FakeMinikube, api: Answers) -> None:
    made(minikube)
    minikube.answer(f"status --profile {minikube.profile} --output json --layout nodes", wait=30)
    began = time.monotonic()
    found = MinikubeProvider().status("dev")
    assert time.monotonic() - began < 3.0
    assert found is not None and found.ready, "the API server says that it is"
    api.silent = True
    found = MinikubeProvider().status("dev")
    assert found is not None and "minikube does not answer" in found.trouble


def test_images_count_as_loaded_only_where_minikube_says_so(
    minikube: FakeMinikube, api: Answers, tmp_path: Path
) -> None:
    made(minikube)
    archive = tmp_path / "a.tar"
    with pytest.raises(UsageError, match="no file"):
        MinikubeProvider().load_images("dev", archive, report=silent)
    archive.touch()
    minikube.replay("image load", "image-load.log")
    told: list[Phase] = []
    MinikubeProvider().load_images("dev", archive, report=told.append)
    assert minikube.calls()[-1]["argv"][:3] == ["image", "load", str(archive)]
    assert told[-1].state is PhaseState.DONE
    minikube.replay("image load", "image-load-failed.log")
    with pytest.raises(ClusterError, match="content digest sha256:0000: not found"):
        MinikubeProvider().load_images("dev", archive, report=told.append)
    assert told[-1].state is PhaseState.FAILED
    for silence in ("", "I1126 10:00:09.000001 5470 cache_images.go:262] succeeded pushing to: another\n"):
        minikube.answer("image load", silence)
        with pytest.raises(ClusterError, match="does not take the images"):
            MinikubeProvider().load_images("dev", archive, report=silent)


def test_a_second_node_must_take_the_images_too(minikube: FakeMinikube, api: Answers, tmp_path: Path) -> None:
    made(minikube, nodes=2)
    (tmp_path / "a.tar").touch()
    minikube.replay("image load", "image-load.log")
    with pytest.raises(ClusterError, match="m02 does not take"):
        MinikubeProvider().load_images("dev", tmp_path / "a.tar", report=silent)


def test_logs_and_a_shell(minikube: FakeMinikube, api: Answers) -> None:
    made(minikube)
    minikube.answer("logs", record("logs.txt"))
    assert "etcd" in MinikubeProvider().components("dev")
    assert next(MinikubeProvider().logs("dev", "etcd")).startswith("node etcd | ")
    with pytest.raises(UsageError, match="Nothing called 'audit'"):
        MinikubeProvider().logs("dev", "audit")
    assert MinikubeProvider().shell_argv("dev") == [str(minikube.path), "ssh", "--profile", minikube.profile]
    assert MinikubeProvider().shell_argv("dev", ["ls", "a b"])[-2:] == ["--", "ls 'a b'"]
    minikube.answer("logs", code=85)
    with pytest.raises(ClusterError):
        (names.cluster_dir("dev") / "logs" / "etcd.log").unlink()
        for left in (names.cluster_dir("dev") / "logs").glob("*.log"):
            left.unlink()
        MinikubeProvider().components("dev")


def test_usage_errors_before_anything_is_asked(minikube: FakeMinikube) -> None:
    provider = MinikubeProvider()
    for name, nodes in (("A b", 1), ("dev", 10), ("dev", 0)):
        with pytest.raises(UsageError):
            provider.up(name, nodes=nodes, report=silent)
    with pytest.raises(ClusterError, match="no minikube cluster"):
        provider.shell_argv("dev")
    assert provider.status("dev") is None and provider.list() == [] and not provider.down("dev", report=silent)
    assert minikube.calls() == []


@pytest.mark.parametrize(("said", "why"), [("v1.20.0\n", "v1.20.0"), ("what?\n", "does not tell")])
def test_a_minikube_that_is_too_old_is_refused(minikube: FakeMinikube, said: str, why: str) -> None:
    minikube.answer("version --short", said)
    with pytest.raises(EnvironmentFault, match=why):
        program.require()


def test_what_it_can_is_said_and_true_of_what_it_gives(minikube: FakeMinikube, api: Answers) -> None:
    made(minikube)
    cluster = MinikubeProvider().status("dev")
    assert cluster is not None
    assert (cluster.netns is not None) == (cluster.can.pod_addresses is Reach.NODE)
    assert cluster.can.words()["pod-addresses"] == "pod"


class Resolver(socketserver.BaseRequestHandler):
    """DNS over TCP that knows one name."""

    def handle(self) -> None:
        (length,) = struct.unpack(">H", self.request.recv(2))
        question = self.request.recv(length)
        answer = question[:2] + b"\x81\x80\0\1\0\1\0\0\0\0" + question[12:]
        answer += b"\xc0\x0c" + struct.pack(">HHIH", 1, 1, 5, 4) + bytes([10, 96, 0, 1])
        self.request.sendall(struct.pack(">H", len(answer)) + answer)


@pytest.fixture
def resolver() -> Iterator[int]:
    with socketserver.TCPServer(("127.0.0.1", 0), Resolver) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server.server_address[1]
        server.shutdown()


def test_the_node_is_asked_through_a_terminal_that_changes_line_ends(minikube: FakeMinikube, resolver: int) -> None:
    """The scripts are run for real, as minikube's ssh would: over a shell that gets them in one line."""
    found = made(minikube)
    minikube.on_node("curl", 'case "$*" in *https://10.96.0.1/readyz*) printf 200;; *) printf 000;; esac')
    env = program.environment("dev", "")

    def on_node(command: Any) -> str:
        return program.ask(program.ssh_argv(found.program, "dev", command), env, 10.0)

    door = NodeDoor(on_node, port=resolver)
    assert door.resolve("127.0.0.1") == ["10.96.0.1"]
    assert door.status_of("https://10.96.0.1/readyz") == 200
    assert door.status_of("https://10.96.0.2/") == 0
    with pytest.raises(ValueError):
        NodeDoor(on_node, port=1).resolve("127.0.0.1")
    assert NodeDoor(lambda _: "").status_of("https://10.96.0.1/") == 0
