"""Up, down, kill, boot: whatever happens, it ends in a ready cluster or in nothing at all."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from native_helpers import Kubectl, tell, until

from k8s_tutor.clusters.native import names, slirp
from k8s_tutor.clusters.native import state as states
from k8s_tutor.clusters.native.processes import ProcessId, identify, read_pid_file
from k8s_tutor.clusters.native.provider import NativeProvider
from k8s_tutor.clusters.provider import Cluster

UP = """
import sys
from k8s_tutor.clusters.native.provider import NativeProvider
print("plan", flush=True)
cluster = NativeProvider().up(
    sys.argv[1], nodes=int(sys.argv[2]), report=lambda phase: print(f"{phase.id}:{phase.state}", flush=True)
)
print("pids", *(node.pid for node in cluster.nodes), flush=True)
"""
HOST_PLACES = (
    "/etc/kubernetes",
    "/etc/cni",
    "/opt/cni",
    "/var/lib/kubelet",
    "/var/lib/containerd",
    "/var/lib/etcd",
    "/var/lib/cni",
    "/var/log/pods",
    "/var/log/containers",
    "/run/containerd",
    "/run/flannel",
    "/run/xtables.lock",
    "/lib/modules",
    "/usr/libexec/kubernetes",
    "/run/k8s-tutor-addresses.lock",
)
SYSCTLS = ("vm/overcommit_memory", "kernel/panic", "kernel/panic_on_oops", "net/ipv4/ip_forward")


@dataclass(frozen=True)
class Traces:
    """What a cluster could leave on the host."""

    processes: frozenset[str]
    mounts: frozenset[str]
    links: frozenset[str]
    cgroups: frozenset[str]
    files: frozenset[str]
    places: frozenset[str]
    netns: frozenset[str]


def traces(name: str, home: Path) -> Traces:
    processes = set()
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            told = (folder / "cmdline").read_text().replace("\0", " ") + (folder / "cgroup").read_text()
            ended = (folder / "stat").read_text().rpartition(")")[2].split()[0] in "ZX"
        except OSError:
            continue
        if ended:
            continue  # the host's own init has yet to take it
        if str(home) in told or names.cgroup(name) in told:
            processes.add(f"{folder.name} {told[:80]}")
    # Which of pytest's own are there does not matter: they do not name the folder.
    mounts = {line for line in Path("/proc/self/mountinfo").read_text().splitlines() if str(home) in line}
    links = {link for link in os.listdir("/sys/class/net") if link.startswith(names.bridge(name))}
    groups = {str(path) for path in Path("/sys/fs/cgroup").rglob(f"{names.cgroup(name)}*")}
    files = {str(path) for path in home.rglob("*")}
    places = {place for place in HOST_PLACES if os.path.lexists(place)}
    netns = set(os.listdir("/run/netns")) if os.path.isdir("/run/netns") else set()
    return Traces(*map(frozenset, (processes, mounts, links, groups, files, places, netns)))


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "state"
    folder.mkdir()
    monkeypatch.setenv("XDG_STATE_HOME", str(folder))
    return folder


@pytest.fixture
def name(home: Path) -> Iterator[str]:
    chosen = f"l-{os.getpid()}"
    try:
        yield chosen
    finally:
        NativeProvider().down(chosen, report=tell)


def start_up(name: str, nodes: int = 1) -> subprocess.Popen[str]:
    return subprocess.Popen([sys.executable, "-c", UP, name, str(nodes)], stdout=subprocess.PIPE, text=True)


def kill_at(name: str, moment: str) -> None:
    """Run ``up`` in a process and kill that when it tells ``moment``."""
    process = start_up(name)
    assert process.stdout is not None
    for line in process.stdout:
        if line.strip().startswith(moment):
            break
    else:
        pytest.fail(f"up ended without {moment}")
    process.send_signal(signal.SIGKILL)
    process.communicate()


def members(cluster: Cluster) -> list[ProcessId]:
    """Every process in the cluster's namespaces. A namespace lives as long as one of them (numbers are used again)."""
    kinds = ("net", "pid", "mnt", "uts", "ipc")
    spaces = {os.readlink(f"/proc/{node.pid}/ns/{kind}") for node in cluster.nodes for kind in kinds}
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            own = {os.readlink(folder / "ns" / kind) for kind in kinds}
        except OSError:
            continue
        process = identify(int(folder.name))
        if own & spaces and process is not None:
            found.append(process)
    return found


def assert_whole(cluster: Cluster) -> None:
    kubectl = Kubectl(cluster, cluster.namespace)
    kubectl("run", "proof", "--image=nginx", "--restart=Never")
    kubectl("wait", "--for=condition=Ready", "pod/proof", "--timeout=90s")


def test_down_leaves_nothing(name: str, home: Path) -> None:
    provider = NativeProvider()
    before = traces(name, home)
    sysctls = [(Path("/proc/sys") / key).read_text() for key in SYSCTLS]
    alone = not list(Path("/sys/fs/cgroup").glob("*/k8s-tutor-*"))
    began = time.monotonic()
    cluster = provider.up(name, report=tell)
    print(f"up: {time.monotonic() - began:.2f} s")
    assert_whole(cluster)
    during = traces(name, home)
    assert during.processes and during.links and during.cgroups and during.files
    assert not during.mounts, "the host sees the node's mounts"
    assert during.places == before.places, "the node made something on the host"
    inside = members(cluster)
    assert len(inside) > 10
    began = time.monotonic()
    assert provider.down(name, report=tell) is True
    print(f"down: {time.monotonic() - began:.2f} s")
    assert traces(name, home) == before
    assert not [process for process in inside if process.alive()]
    assert "nsfs" not in Path("/proc/self/mountinfo").read_text()
    if alone:
        assert [(Path("/proc/sys") / key).read_text() for key in SYSCTLS] == sysctls
    assert provider.down(name, report=tell) is False
    assert provider.status(name) is None


@pytest.mark.parametrize("moment", ["plan", "node:running", "apiserver:running"])
def test_an_interrupted_up_can_be_removed(name: str, home: Path, moment: str) -> None:
    before = traces(name, home)
    kill_at(name, moment)
    NativeProvider().down(name, report=tell)
    assert traces(name, home) == before


def test_an_interrupted_up_is_gone_on_with(name: str, home: Path) -> None:
    kill_at(name, "etcd:done")
    found = NativeProvider().status(name)
    assert found is not None and not found.ready and "up" in found.trouble
    pid = found.nodes[0].pid
    cluster = NativeProvider().up(name, report=tell)
    assert cluster.nodes[0].pid == pid, "the node was made anew though it was coming up"
    assert_whole(cluster)
    # Its state file lost: down finds everything by name.
    (names.cluster_dir(name) / states.FILE).unlink()
    lost = NativeProvider().status(name)
    assert lost is not None and "down" in lost.trouble
    assert NativeProvider().down(name, report=tell)
    assert not traces(name, home).processes


def test_a_node_that_died_half_made_is_made_anew(name: str) -> None:
    kill_at(name, "node:done")
    found = NativeProvider().status(name)
    assert found is not None and found.nodes[0].pid is not None
    os.kill(found.nodes[0].pid, signal.SIGKILL)
    assert_whole(NativeProvider().up(name, report=tell))


def test_two_ups_at_once_are_one_cluster_and_another_stands_beside_it(name: str, home: Path) -> None:
    other = f"{name}-b"
    first, second, third = start_up(name), start_up(name), start_up(other)
    said = [process.communicate(timeout=240)[0].splitlines()[-1] for process in (first, second, third)]
    try:
        assert [process.returncode for process in (first, second, third)] == [0, 0, 0]
        assert said[0].startswith("pids ") and said[0] == said[1] != said[2]
        one, two = states.load(name), states.load(other)
        assert one is not None and two is not None
        assert not any(a.overlaps(b) for a in one.networks() for b in two.networks())
        assert NativeProvider().down(other, report=tell)
        cluster = NativeProvider().status(name)
        assert cluster is not None and cluster.ready
        assert_whole(cluster)
    finally:
        NativeProvider().down(other, report=tell)


def test_a_rebooted_node_really_runs_the_learners_pods_again(name: str) -> None:
    cluster = NativeProvider().up(name, report=tell)
    kubectl = Kubectl(cluster, cluster.namespace)
    kubectl("create", "deployment", "web", "--image=nginx", "--replicas=3")
    kubectl("expose", "deployment", "web", "--port=80")
    kubectl("rollout", "status", "deployment/web", "--timeout=90s")
    uids = {pod["metadata"]["uid"] for pod in kubectl.get("pods")["items"]}
    address = kubectl.get("service", "web")["spec"]["clusterIP"]
    assert cluster.nodes[0].pid is not None
    os.kill(cluster.nodes[0].pid, signal.SIGKILL)
    down = until(
        lambda: (found := NativeProvider().status(name)) and not found.running and found,
        within=10,
        what="the end of the node",
    )
    assert "up" in down.trouble

    began = time.monotonic()
    cluster = NativeProvider().up(name, report=tell)
    ready = time.monotonic() - began
    kubectl = Kubectl(cluster, cluster.namespace)

    def running() -> bool:
        # Not what the API server remembers: processes in the new namespaces.
        members = Path("/sys/fs/cgroup/pids") / names.node_cgroup(name, 1)
        root = members if members.is_dir() else Path("/sys/fs/cgroup") / names.node_cgroup(name, 1)
        masters = 0
        for path in (root / "kubepods").rglob("cgroup.procs"):
            for pid in path.read_text().split():
                masters += "nginx: master" in Path(f"/proc/{pid}/cmdline").read_text()
        return masters == 3

    until(running, within=60, what="three nginx processes")
    until(
        lambda: "nginx" in kubectl.node("curl", "-s", "-m", "2", f"http://{address}/").stdout,
        within=30,
        what="an answer through the Service",
    )
    took = time.monotonic() - began
    print(f"reboot: ready after {ready:.2f} s, the learner's pods answer after {took:.2f} s")
    pods = kubectl.get("pods")["items"]
    assert {pod["metadata"]["uid"] for pod in pods} == uids
    assert took < 25 * slowness()


def test_two_nodes_reach_each_others_pods(name: str) -> None:
    cluster = NativeProvider().up(name, nodes=2, report=tell)
    kubectl = Kubectl(cluster, cluster.namespace)
    assert len(kubectl.get("nodes")["items"]) == 2
    tolerate = '{"spec": {"nodeName": "%s", "tolerations": [{"operator": "Exists"}]}}'
    for node in ("node1", "node2"):
        kubectl("run", f"on-{node}", "--image=nginx", f"--overrides={tolerate % node}")
    kubectl("wait", "--for=condition=Ready", "pod/on-node1", "pod/on-node2", "--timeout=90s")
    where = {pod["metadata"]["name"]: pod["status"]["podIP"] for pod in kubectl.get("pods")["items"]}
    assert where["on-node1"].rsplit(".", 1)[0] != where["on-node2"].rsplit(".", 1)[0]
    for one, other in (("on-node1", "on-node2"), ("on-node2", "on-node1")):
        said = kubectl("exec", one, "--", "curl", "-s", "-m", "5", f"http://{where[other]}/")
        assert "nginx" in said
        assert "kubernetes" in kubectl("exec", one, "--", "getent", "hosts", "kubernetes.default")
    # A pod that needs no special leave goes to the worker.
    kubectl("run", "free", "--image=nginx")
    kubectl("wait", "--for=condition=Ready", "pod/free", "--timeout=60s")
    assert kubectl.get("pod", "free")["spec"]["nodeName"] == "node2"
    # The worker dies and comes back without the control plane noticing more than that.
    first, second = cluster.nodes
    assert second.pid is not None
    os.kill(second.pid, signal.SIGKILL)
    began = time.monotonic()
    again = until(lambda: NativeProvider().up(name, report=tell), within=60, what="the worker's boot")
    print(f"worker back after {time.monotonic() - began:.2f} s")
    assert again.nodes[0].pid == first.pid
    assert again.nodes[1].pid not in (None, second.pid)
    until(
        lambda: kubectl.run("exec", "free", "--", "true", check=False).returncode == 0,
        within=60,
        what="the worker's pod",
    )


def test_egress_is_a_way_out_that_ends_with_the_node(name: str, home: Path) -> None:
    before = traces(name, home)
    cluster = NativeProvider().up(name, egress=True, report=tell)
    assert cluster.egress
    kubectl = Kubectl(cluster, cluster.namespace)
    assert "dev tap0" in kubectl.node("ip", "route", "show", "default").stdout
    folder = names.node_dir(name, 1)
    way_out = read_pid_file(folder / slirp.PID_FILE)
    assert way_out is not None and way_out.alive()
    assert cluster.nodes[0].pid is not None
    os.kill(cluster.nodes[0].pid, signal.SIGKILL)
    until(lambda: not way_out.alive(), within=20, what="the end of slirp4netns")
    assert NativeProvider().down(name, report=tell)
    assert traces(name, home) == before


def slowness() -> float:
    """How much longer things may take here than on a quiet machine with two processors."""
    return max(1.0, os.getloadavg()[0] / (os.cpu_count() or 1))


def test_a_waiting_second_up_is_told_why(name: str, home: Path) -> None:
    from k8s_tutor.clusters.native.locks import locked

    told: list[str] = []
    lock = names.clusters_dir() / f".{name}.lock"
    waiting = threading.Event()

    def report(phase: object) -> None:
        told.append(getattr(phase, "id", ""))
        waiting.set()

    with locked(lock, patience=0):
        (names.cluster_dir(name)).mkdir(parents=True)
        thread = threading.Thread(target=NativeProvider().down, args=(name,), kwargs={"report": report})
        thread.start()
        assert waiting.wait(10)
    thread.join(30)
    assert told[0] == "lock" and told[-1] == "remove"
    assert not names.cluster_dir(name).exists()
