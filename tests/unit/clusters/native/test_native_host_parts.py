"""Locks, processes, cgroups, logs: what the host's side rests on."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from k8s_tutor.clusters.native import cgroups, kubeconfig, logs, names, processes
from k8s_tutor.clusters.native.locks import locked
from k8s_tutor.errors import ClusterError, UsageError


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    return tmp_path


def test_a_lock_leaves_no_file(tmp_path: Path) -> None:
    path = tmp_path / "sub" / "lock"
    with locked(path, patience=0):
        assert path.exists()
    assert not path.exists()


def test_a_held_lock_is_waited_for_and_then_an_error_with_a_remedy(tmp_path: Path) -> None:
    waits: list[int] = []
    with (
        locked(tmp_path / "lock", patience=0),
        pytest.raises(ClusterError) as caught,
        locked(tmp_path / "lock", patience=0.15, waiting=lambda: waits.append(1)),
    ):
        pass
    assert waits
    assert "lock" in caught.value.remedy


def test_many_threads_never_hold_it_together(tmp_path: Path) -> None:
    inside: list[int] = []
    most: list[int] = []

    def work() -> None:
        for _ in range(5):
            with locked(tmp_path / "lock", patience=60):
                inside.append(1)
                most.append(len(inside))
                inside.pop()

    threads = [threading.Thread(target=work) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert max(most) == 1
    assert len(most) == 15


def test_the_kernel_frees_a_killed_holders_lock(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    code = (
        "import sys,pathlib\nfrom k8s_tutor.clusters.native.locks import locked\n"
        f"with locked(pathlib.Path({str(path)!r}), patience=0):\n print('held', flush=True)\n sys.stdin.read()\n"
    )
    child = subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert child.stdout is not None
    assert child.stdout.readline() == b"held\n"
    child.send_signal(signal.SIGKILL)
    child.communicate()
    with locked(path, patience=5):
        assert path.exists()


def test_a_process_is_known_by_its_start_too() -> None:
    child = subprocess.Popen(["sleep", "60"])
    found = processes.identify(child.pid)
    assert found is not None and found.alive()
    assert not processes.ProcessId(child.pid, found.start + 1).alive()
    # Another process with this number would be spared.
    assert processes.ProcessId(child.pid, found.start + 1).kill()
    assert child.poll() is None
    # A zombie, which only its parent can take, counts as gone.
    assert found.kill(patience=5)
    assert child.wait() == -signal.SIGKILL
    assert processes.identify(child.pid) is None


def test_a_pid_file_of_another_boot_or_torn_is_nothing(tmp_path: Path) -> None:
    path = tmp_path / "pid.json"
    me = processes.identify(os.getpid())
    assert me is not None
    path.write_text(processes.pid_text(me))
    assert processes.read_pid_file(path) == me
    path.write_text(processes.pid_text(me).replace(processes.boot_id(), "another-boot"))
    assert processes.read_pid_file(path) is None
    for torn in ("", "{", "[]", '{"pid": 1}', '{"pid": "x", "start": 1, "boot": 1}'):
        path.write_text(torn)
        assert processes.read_pid_file(path) is None
    assert processes.read_pid_file(tmp_path / "none") is None


def test_cgroups_of_both_versions_are_found() -> None:
    hybrid = (
        "cgroup /sys/fs/cgroup/cpu,cpuacct cgroup rw,nosuid,relatime,cpu,cpuacct 0 0\n"
        "cgroup /sys/fs/cgroup/memory cgroup rw,relatime,memory 0 0\n"
        "proc /proc proc rw 0 0\n"
    )
    trees = cgroups.hierarchies(hybrid)
    assert [tree.version for tree in trees] == [1, 1]
    assert {"cpu", "memory"} <= cgroups.controllers(trees)
    assert "pids" not in cgroups.controllers(trees)


def test_version_2_reads_its_controllers(tmp_path: Path) -> None:
    (tmp_path / "cgroup.controllers").write_text("cpuset cpu io memory pids\n")
    trees = cgroups.hierarchies(f"cgroup2 {tmp_path} cgroup2 rw,nosuid 0 0\n")
    assert trees == [cgroups.Hierarchy(tmp_path, 2, ("cpuset", "cpu", "io", "memory", "pids"))]
    assert set(cgroups.NEEDED) <= cgroups.controllers(trees)


@pytest.mark.parametrize(("version", "file", "share"), [(1, "cpu.shares", "128"), (2, "cpu.weight", "12")])
def test_a_cluster_yields_the_processor(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, version: int, file: str, share: str
) -> None:
    """All of them together, by the topmost group; what lies below shares that as it likes."""
    monkeypatch.setattr(cgroups, "hierarchies", lambda: [cgroups.Hierarchy(tmp_path, version, ("cpu",))])
    (tmp_path / "cgroup.subtree_control").write_text("cpu")
    (tmp_path / "ours").mkdir()
    (tmp_path / "ours" / "cgroup.subtree_control").write_text("cpu")
    cgroups.make("ours/node1")
    assert (tmp_path / "ours" / file).read_text() == share
    assert not (tmp_path / "ours" / "node1" / file).exists()


def write_log(name: str, path: str, text: str) -> None:
    file = names.cluster_dir(name) / "nodes" / "node1" / path
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text)


def test_logs_of_processes_and_static_pods_are_one_list() -> None:
    write_log("dev", "logs/kubelet.log", "one\ntwo\n")
    write_log("dev", "pod-logs/kube-system_etcd-node1_123/etcd/0.log", "stored\n")
    write_log("dev", "pod-logs/learner_web_123/web/0.log", "the learner's own\n")
    assert logs.components("dev") == ["etcd", "kubelet"]
    assert list(logs.lines("dev", "kubelet")) == ["node1 kubelet | one", "node1 kubelet | two"]
    assert list(logs.lines("dev")) == ["node1 kubelet | one", "node1 kubelet | two", "node1 etcd | stored"]


def test_a_component_that_is_not_there_is_refused_with_those_that_are() -> None:
    write_log("dev", "logs/kubelet.log", "one\n")
    with pytest.raises(UsageError) as caught:
        logs.lines("dev", "kublet")
    assert "kubelet" in caught.value.remedy


def test_logs_cannot_drive_the_terminal() -> None:
    write_log("dev", "logs/kubelet.log", "a\x1b[2Jb\x07c" + "x" * 10_000 + "\n")
    (line,) = logs.lines("dev")
    assert "\x1b" not in line
    assert "\x07" not in line
    assert len(line) < 5000


def test_a_cluster_without_credentials_is_an_error_with_a_remedy() -> None:
    from test_native_state import example

    with pytest.raises(ClusterError) as caught:
        kubeconfig.write(example())
    assert "cluster down" in caught.value.remedy
