"""What a cluster changes on the host beyond its own things, and the removal of all of it."""

from __future__ import annotations

import contextlib
import os
import subprocess
import time
from pathlib import Path

from k8s_tutor.clusters.native import cgroups, names, network, node, state
from k8s_tutor.clusters.native.processes import identify
from k8s_tutor.errors import ClusterError

# kubelet sets these for the whole machine when it starts (k8s.io/kubernetes pkg/kubelet/cm, setupKernelTunables).
SYSCTLS = (
    "vm/overcommit_memory",
    "vm/panic_on_oom",
    "kernel/panic",
    "kernel/panic_on_oops",
    "kernel/keys/root_maxkeys",
    "kernel/keys/root_maxbytes",
)


def sysctls_now() -> dict[str, str]:
    """The machine's own values: as the oldest cluster found them, or as they are when there is none."""
    for name in state.all_names():
        known = state.load(name)
        if known and known.sysctls:
            return dict(known.sysctls)
    found = {}
    for key in SYSCTLS:
        with contextlib.suppress(OSError):
            found[key] = (Path("/proc/sys") / key).read_text(encoding="ascii").strip()
    return found


def anything_of(name: str) -> bool:
    """Whether something of this cluster is on the host."""
    trees = any((tree.root / names.cgroup(name)).exists() for tree in cgroups.hierarchies())
    return trees or names.cluster_dir(name).exists() or network.link_exists(names.bridge(name))


def remove(name: str) -> None:
    """Remove every trace of a cluster, its state file last. Raises ClusterError naming what resists.

    Everything is found by its name: a state file that is lost or torn does not matter.
    """
    known = state.load(name)
    if known is not None:
        state.save(known.at(state.REMOVING))
    for index in range(1, names.MAX_NODES + 1):
        node.end(name, index)
    _end_members(name)
    _unmount(names.cluster_dir(name))
    for index in range(1, names.MAX_NODES + 1):
        network.unlink(names.veth(name, index))
    network.unlink(names.bridge(name))
    left = cgroups.remove(names.cgroup(name))
    if left:
        raise ClusterError(
            f"The cgroup {left[0]} cannot be removed: a process is in it.",
            remedy=f"See which: cat {left[0]}/cgroup.procs",
            code="cgroup",
        )
    others = [other for other in state.all_names() if other != name and state.load(other) is not None]
    if known is not None and not others:
        _restore_sysctls(known.sysctls)
    try:
        state.forget(name)
    except OSError as error:
        raise ClusterError(
            f"The cluster's folder cannot be removed: {error}.",
            remedy=f"rm -r {names.cluster_dir(name)}",
            code="folder",
        ) from error


def remains(name: str) -> list[str]:
    """What ``remove`` would remove, one thing a line."""
    pids: set[int] = set()
    lines = []
    for tree in cgroups.hierarchies():
        folder = tree.root / names.cgroup(name)
        pids |= _members(folder)
        if folder.is_dir():
            lines.append(f"cgroup {folder}")
    processes = []
    for pid in sorted(pids - {os.getpid()}):
        with contextlib.suppress(OSError):
            processes.append(f"process {pid} {Path(f'/proc/{pid}/comm').read_text(encoding='utf-8').strip()}")
    links = [names.bridge(name), *(names.veth(name, index) for index in range(1, names.MAX_NODES + 1))]
    lines += [f"link {link}" for link in links if network.link_exists(link)]
    lines += [f"mount {point}" for point in _mounts(names.cluster_dir(name))]
    if names.cluster_dir(name).exists():
        lines.append(f"folder {names.cluster_dir(name)}")
    return processes + lines


def _end_members(name: str) -> None:
    # Whoever is in our cgroup was started by us: a launcher that was interrupted, say.
    deadline = time.monotonic() + 10
    while True:
        members = {pid for tree in cgroups.hierarchies() for pid in _members(tree.root / names.cgroup(name))}
        if not members - {os.getpid()}:
            return
        for pid in members:
            process = identify(pid)
            if process is not None and not process.kill(patience=2) and time.monotonic() > deadline:
                raise ClusterError(
                    f"Process {pid} of the cluster does not end.", remedy=f"cat /proc/{pid}/stack", code="stuck-process"
                )
        if time.monotonic() > deadline:
            return  # zombies: their parent has yet to take them; the cgroup's removal tells if they stay


def _members(folder: Path) -> set[int]:
    found: set[int] = set()
    if folder.is_dir():
        for path in folder.rglob("cgroup.procs"):
            with contextlib.suppress(OSError):
                found |= {int(line) for line in path.read_text(encoding="ascii").split() if int(line) > 0}
    return found


def _mounts(folder: Path) -> list[str]:
    points = []
    for line in Path("/proc/self/mounts").read_text(encoding="utf-8").splitlines():
        point = line.split()[1].encode().decode("unicode_escape")
        if point == str(folder) or point.startswith(f"{folder}/"):
            points.append(point)
    return points


def _unmount(folder: Path) -> None:
    for point in reversed(_mounts(folder)):
        subprocess.run(["umount", "--lazy", point], check=False, capture_output=True)


def _restore_sysctls(values: dict[str, str]) -> None:
    for key, value in values.items():
        if key in SYSCTLS:
            with contextlib.suppress(OSError):
                path = Path("/proc/sys") / key
                if path.read_text(encoding="ascii").strip() != value:
                    path.write_text(value, encoding="ascii")
