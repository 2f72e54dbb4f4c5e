"""Each subject's looks, on machines and servers that are made up."""

from __future__ import annotations

import json
import os
import stat
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from k8s_tutor.clusters.doctor import clock, engine, health, kernel, kubeconfigs, machine, place, programs, rights
from k8s_tutor.clusters.doctor.asking import Answer
from k8s_tutor.clusters.doctor.cluster import Found, tell
from k8s_tutor.clusters.doctor.finding import Finding, State, Topic, settled, well, worst_first
from k8s_tutor.clusters.doctor.looking import Look, Running, Said, ask_program
from k8s_tutor.clusters.doctor.topics import BY_ID, TOPICS
from k8s_tutor.clusters.native import preflight
from k8s_tutor.clusters.provider import Cluster, NodeInfo
from k8s_tutor.errors import ClusterError

LAB = Cluster("lab", "native", Path("/none/kubeconfig"), "learner", True, running=True, ready=True)
TOPIC = Topic("thing", "things", "a thing", "somewhere", ("native",))


class Server:
    """Answers from a table; what is not in it is a 404."""

    def __init__(self, table: Mapping[str, Any], dns: Any = None) -> None:
        self.table = table
        self.dns = dns
        self.asked: list[tuple[str, str]] = []

    def ask(self, method: str, path: str, body: Any = None, *, timeout: float = 3.0) -> Answer:
        self.asked.append((method, path))
        for key, value in self.table.items():
            if path.partition("?")[0].endswith(key):
                found = value(body) if callable(value) else value
                return found if isinstance(found, Answer) else Answer(200, found)
        return Answer(404, {"message": "not found"})

    def resolve(self, name: str, server: str, *, timeout: float = 1.0) -> list[str] | None:
        if isinstance(self.dns, Exception):
            raise self.dns
        return self.dns


def by_id(found: list[Finding]) -> dict[str, Finding]:
    assert len({finding.id for finding in found}) == len(found)
    return {finding.id: finding for finding in found}


def program(folder: Path, name: str, text: str) -> Path:
    folder.mkdir(exist_ok=True)
    file = folder / name
    file.write_text(f"#!/bin/sh\n{text}\n")
    file.chmod(file.stat().st_mode | stat.S_IXUSR)
    return file


def test_ids_are_unique_and_written_alike():
    assert len(BY_ID) == len(TOPICS)
    assert all(id_ == id_.lower() and " " not in id_ for id_ in BY_ID)


def test_what_no_way_needs_is_a_note_and_what_cannot_be_seen_from_here_is_not_counted():
    lack = TOPIC.lack("gone", "mend it")
    assert settled(lack, TOPIC.needed_for, ("native",)).state is State.FAIL
    assert settled(lack, TOPIC.needed_for, ("kind",)).state is State.NOTE
    unseen = settled(TOPIC.unseen("no word"), TOPIC.needed_for, ("native",))
    assert not well([unseen]), "what is needed and was not observed is not there"
    assert well([settled(TOPIC.beyond("no way in"), TOPIC.needed_for, ("native",))])
    order = [finding.state for finding in worst_first([TOPIC.ok("x"), unseen, TOPIC.note("n"), lack])]
    assert order == [State.FAIL, State.UNSEEN, State.NOTE, State.OK]


def test_evidence_is_one_bounded_line():
    finding = TOPIC.lack("a\x1b[31m\nb" + "c" * 9000, "x\ty")
    assert finding.evidence.isprintable() and len(finding.evidence) == 400


def test_a_look_that_hangs_costs_only_its_own_answer_and_one_that_breaks_says_so():
    def broken() -> list[Finding]:
        raise RuntimeError("torn")

    def refused() -> list[Finding]:
        raise ClusterError("no word", remedy="do that")

    other = Topic("other", "things", "another", "there")
    started = time.monotonic()
    found = Running(
        [
            Look(lambda: time.sleep(5) or [], (TOPIC,), 0.3),
            Look(broken, (other,)),
            Look(refused, (other,)),
            Look(lambda: [other.ok("fine")], (other,)),
        ]
    ).findings()
    assert time.monotonic() - started < 2
    assert [finding.state for finding in found] == [State.UNSEEN, State.UNSEEN, State.UNSEEN, State.OK]
    assert "no answer within 0.3 s" in found[0].evidence and "torn" in found[1].evidence
    assert found[2].remedy == "do that"


def test_a_program_that_hangs_is_ended_with_its_children(tmp_path: Path):
    mark = tmp_path / "pid"
    file = program(tmp_path / "bin", "slow", f"sleep 300 & echo $! > {mark}\nwait")
    started = time.monotonic()
    said = ask_program([str(file)], seconds=0.5)
    assert said.late and said.code is None and time.monotonic() - started < 3
    child = int(mark.read_text())
    for _ in range(50):
        path = Path(f"/proc/{child}/stat")
        if not path.exists() or path.read_text().rpartition(")")[2].split()[0] == "Z":
            break
        time.sleep(0.05)
    else:
        pytest.fail("its child still runs")


def test_memory_and_swap_are_read_where_they_stand(tmp_path: Path):
    (tmp_path / "meminfo").write_text("MemTotal: 1000000 kB\nMemAvailable: 400000 kB\n")
    (tmp_path / "swaps").write_text("Filename Type Size Used Priority\n/dev/x partition 1048576 0 -2\n")
    found = by_id(machine.look(tmp_path))
    assert not found["memory"].ok and "1.0 GiB" in found["memory"].evidence
    assert not found["memory-available"].ok
    assert found["swap"].ok and "1.0 GiB of swap" in found["swap"].evidence


def test_a_full_disk_fails_and_one_that_kubelet_would_evict_for_is_a_note(monkeypatch):
    import shutil
    from collections import namedtuple

    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr(shutil, "disk_usage", lambda _path: usage(100 << 30, 99 << 30, 1 << 30))
    found = by_id(machine._disk())
    assert not found["disk"].ok and "XDG_STATE_HOME" in found["disk"].remedy
    assert found["disk-eviction"].state is State.NOTE


def test_inotify_limits_are_told_from_too_few_to_enough(tmp_path: Path):
    folder = tmp_path / "sys/fs/inotify"
    folder.mkdir(parents=True)
    states = []
    for watches, instances in ((8191, 512), (8192, 128), (524288, 512)):
        (folder / "max_user_watches").write_text(f"{watches}\n")
        (folder / "max_user_instances").write_text(f"{instances}\n")
        states.append(kernel._inotify(tmp_path).state)
    assert states == [State.FAIL, State.NOTE, State.OK]
    assert kernel._inotify(tmp_path / "none").state is State.UNSEEN


def test_what_native_needs_is_told_by_its_own_preflight(monkeypatch):
    monkeypatch.setattr(preflight, "findings", lambda: [preflight.Finding("root", False, "user 5", "use sudo")])
    found = by_id(kernel.look_native())
    assert found["root"].remedy == "use sudo" and found["overlay"].state is State.UNSEEN
    monkeypatch.setattr(preflight, "findings", lambda: [preflight.Finding("root", True, "root", "use sudo")])
    assert by_id(kernel.look_native())["root"].remedy == ""


DOCKER = {
    "ServerVersion": "29.0.1", "Driver": "btrfs", "CgroupVersion": "1", "CgroupDriver": "systemd",
    "SecurityOptions": ["name=rootless"], "DockerRootDir": "/var/lib/docker",
}  # fmt: skip


def test_an_engine_is_known_by_its_own_words(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    program(tmp_path / "bin", "docker", f"cat <<'X'\n{json.dumps(DOCKER)}\nX")
    monkeypatch.setenv("PATH", f"{tmp_path}/bin:/usr/bin:/bin")
    monkeypatch.setenv(engine.CHOICE, "docker")
    found = by_id(engine.look())
    assert found["engine"].ok and "docker 29.0.1 answers" in found["engine"].evidence
    assert not found["engine-rootless"].ok, "rootless needs cgroup version 2"
    assert found["engine-storage"].state is State.NOTE and found["engine-cgroup"].state is State.NOTE
    podman = engine.parse(
        "podman",
        "/p",
        Said(
            0,
            json.dumps(
                {"host": {"security": {"rootless": True}, "cgroupVersion": "v2"}, "version": {"Version": "6.0"}}
            ),
        ),
    )
    assert podman.rootless and podman.cgroup_version == "2" and not podman.trouble


def test_a_socket_that_refuses_has_its_remedy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    program(tmp_path / "bin", "docker", "echo 'permission denied while trying to connect to the socket' >&2; exit 1")
    monkeypatch.setenv("PATH", f"{tmp_path}/bin:/usr/bin:/bin")
    monkeypatch.setenv(engine.CHOICE, "docker")
    found = by_id(engine.look())
    assert not found["engine"].ok and "usermod -aG docker" in found["engine-permission"].remedy
    assert "engine-cgroup" not in found


def test_a_hanging_socket_is_told_within_its_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    program(tmp_path / "bin", "docker", "sleep 60")
    program(tmp_path / "bin", "podman", "sleep 60")
    monkeypatch.setenv("PATH", f"{tmp_path}/bin:/usr/bin:/bin")
    monkeypatch.delenv(engine.CHOICE, raising=False)
    started = time.monotonic()
    found = by_id(engine.look())
    assert time.monotonic() - started < 4.5, "side by side, not one after the other"
    assert "docker is there, and does not answer: no answer within 3 s" in found["engine"].evidence


@pytest.mark.parametrize(
    ("client", "server", "state"),
    [("v1.37.2", "v1.36.0", State.OK), ("v1.34.1", "v1.36.0", State.NOTE), ("soon", "v1.36.0", State.UNSEEN)],
)
def test_kubectl_may_be_one_minor_version_apart(client: str, server: str, state: State):
    assert programs.skew(client, server).state is state


def test_a_kind_of_another_release_is_not_called_verified(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    program(tmp_path / "bin", "kind", "echo 'kind v0.33.0 go1.26 linux/amd64'")
    monkeypatch.setenv("PATH", f"{tmp_path}/bin:/usr/bin:/bin")
    found = programs.look_kind()[0]
    assert found.ok and "it is the release" not in found.evidence
    program(tmp_path / "bin", "kind", "echo 'kind v0.10.0 go1.15 linux/amd64'")
    assert programs.look_kind()[0].state is State.NOTE


def test_minikube_is_missed_only_where_it_is_wanted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    assert programs.look_minikube(wanted=False)[0].ok
    assert programs.look_minikube(wanted=True)[0].state is State.FAIL


def test_a_lock_that_somebody_left_beside_the_kubeconfig_is_explained_and_left(monkeypatch, tmp_path: Path):
    monkeypatch.setenv("KUBECONFIG", str(tmp_path / "config"))
    lock = tmp_path / "config.lock"
    lock.touch()
    assert by_id(kubeconfigs.look())["kubeconfig-lock"].ok, "somebody may be writing just now"
    os.utime(lock, (1, 1))
    found = by_id(kubeconfigs.look())["kubeconfig-lock"]
    assert not found.ok and f"rm {lock}" in found.remedy and lock.exists()
    (tmp_path / "config").write_text("a: [")
    assert not by_id(kubeconfigs.look())["kubeconfig"].ok


def test_a_clock_is_compared_within_what_a_header_can_tell():
    date = {"date": "Thu, 26 Nov 2026 10:00:00 GMT"}
    there = 1795687200.0
    assert clock.clock(date, there + 0.2, there + 0.9).ok
    late = clock.clock(date, there - 100, there - 99)
    assert not late.ok and "99 s behind" in late.evidence
    assert "ahead of" in clock.clock(date, there + 60, there + 61).evidence
    assert clock.clock({}, 1, 2).state is State.UNSEEN


def test_a_cluster_that_is_not_ready_names_its_trouble_and_its_dead_node():
    nodes = (NodeInfo("node1", 5, "10.0.0.2"), NodeInfo("node2", None, "10.0.0.3", running=False))
    lab = Cluster("lab", "native", Path("/x"), "learner", True, nodes=nodes, running=True, trouble="node2 is dead")
    found = by_id(tell(Found(lab)))
    assert "node2 is dead" in found["cluster"].evidence and "cluster up --name lab" in found["cluster"].remedy
    assert found["cluster-nodes"].evidence.startswith("node2 does not run")
    assert tell(Found(None, "refused", "do that"))[0].state is State.NOTE


def test_readyz_names_the_checks_that_fail():
    text = "[+]ping ok\n[-]etcd failed: reason withheld\nreadyz check failed\n"
    found = health.api(Server({"readyz": Answer(500, text)}), LAB)
    assert not found.ok and "not ok: etcd" in found.evidence and "cluster logs" in found.remedy
    assert health.api(Server({"readyz": Answer(200, "[+]ping ok\nreadyz check passed\n")}), LAB).ok


def node(name: str = "n1", kubelet: str = "v1.37.2", images: tuple[str, ...] = (), **conditions: str) -> dict[str, Any]:
    told = [{"type": kind, "status": status} for kind, status in {"Ready": "True", **conditions}.items()]
    return {
        "metadata": {"name": name},
        "status": {
            "conditions": told, "nodeInfo": {"kubeletVersion": kubelet}, "images": [{"names": list(images)}],
        },
    }  # fmt: skip


def test_nodes_pressures_versions_and_images_are_told():
    server = Server({"nodes": {"items": [node(kubelet="v1.33.0", DiskPressure="True")]}})
    found = by_id(health.look_nodes(server, LAB, "v1.37.0", ["nginx"]))
    assert "DiskPressure" in found["nodes"].evidence and "df -h" in found["nodes"].remedy
    assert found["node-version"].state is State.NOTE
    assert not found["images"].ok and "reaches no registry" in found["images"].evidence
    there = node(images=("docker.io/library/nginx:latest",))
    found = by_id(health.look_nodes(Server({"nodes": {"items": [there]}}), LAB, "v1.37.0", ["nginx"]))
    assert all(finding.ok for finding in found.values())


def test_what_may_not_be_listed_is_not_counted():
    server = Server({"nodes": Answer(403, {"message": "forbidden"})})
    found = health.look_nodes(server, LAB, "v1.37.0", ["nginx"])
    assert {finding.state for finding in found} == {State.UNSEEN} and not any(finding.needed for finding in found)


def test_an_image_that_would_be_pulled_was_not_tried():
    outside = Cluster("kind-x", "context", Path("/x"), "learner", False, egress=True)
    found = health.look_nodes(Server({"nodes": {"items": [node()]}}), outside, "v1.37.0", ["nginx"])[2]
    assert found.state is State.UNSEEN and not found.needed and "not tried" in found.evidence


SERVICE = {"spec": {"clusterIP": "10.96.0.10"}}


def test_dns_without_endpoints_fails_with_the_remedy_that_fits():
    server = Server(
        {"endpointslices": {"items": []}, "coredns": {"spec": {"replicas": 0}}, "services/kube-dns": SERVICE},
        TimeoutError("timed out"),
    )
    found = by_id(health.look_dns(server, LAB))
    assert not found["dns-server"].ok and "scale deployment coredns --replicas=2" in found["dns-server"].remedy
    assert found["dns"].state is State.FAIL and "scale" in found["dns"].remedy


def test_dns_that_cannot_be_asked_from_here_is_not_observed():
    ready = {"items": [{"endpoints": [{"addresses": ["10.0.0.1"], "conditions": {"ready": True}}]}]}
    table = {"endpointslices": ready, "services/kube-dns": SERVICE}
    found = by_id(health.look_dns(Server(table), LAB))
    assert found["dns-server"].ok and found["dns"].state is State.UNSEEN and not found["dns"].needed
    assert by_id(health.look_dns(Server(table, ["10.96.0.1"]), LAB))["dns"].ok


def test_each_right_is_asked_and_the_missing_ones_are_named():
    def review(body: Any) -> Any:
        return {"status": {"allowed": body["spec"]["resourceAttributes"]["verb"] != "delete"}}

    found = rights.look(Server({"selfsubjectaccessreviews": review}), LAB)[0]
    assert not found.ok and "delete pods" in found.evidence and "delete deployments.apps" in found.evidence
    allowed = Server({"selfsubjectaccessreviews": {"status": {"allowed": True}}})
    assert rights.look(allowed, LAB)[0].ok and len(allowed.asked) == len(rights.needed())


def test_a_namespace_that_would_refuse_the_labs_pods_is_told_and_nothing_is_made():
    refusal = {"message": 'pods "x" is forbidden: violates PodSecurity "restricted:latest"'}
    labels = {"pod-security.kubernetes.io/enforce": "restricted"}
    quota = {"metadata": {"name": "small"}, "status": {"hard": {"pods": "4"}, "used": {"pods": "1"}}}
    server = Server(
        {
            "namespaces/learner": {"metadata": {"labels": labels}},
            "serviceaccounts/default": {},
            "/pods": Answer(403, refusal),
            "resourcequotas": {"items": [quota]},
            "limitranges": {"items": []},
        }
    )
    found = by_id(place.look(server, LAB, ["nginx"]))
    assert not found["pod-admission"].ok and "enforce=baseline" in found["pod-admission"].remedy
    assert found["quota"].state is State.NOTE and "3 of 4 pods" in found["quota"].evidence
    assert [path for method, path in server.asked if method != "GET"] == ["api/v1/namespaces/learner/pods?dryRun=All"]
    missing = by_id(place.look(Server({}), LAB, ["nginx"]))
    assert missing["namespace"].ok and missing["quota"].state is State.UNSEEN and not missing["quota"].needed
