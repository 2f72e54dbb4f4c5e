"""The cluster: which one is meant, whether it runs, and what clusters of ours left behind."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from k8s_tutor.clusters.doctor.finding import CLUSTER, Finding, Topic
from k8s_tutor.clusters.native import cgroups
from k8s_tutor.clusters.native import names as native_names
from k8s_tutor.clusters.native import state as native_states
from k8s_tutor.clusters.provider import Cluster
from k8s_tutor.errors import TutorError

_SUBJECT = "cluster"
THERE = Topic("cluster", _SUBJECT, "the cluster that is meant, and whether it is ready", "its state file", (CLUSTER,))
MACHINES = Topic(
    "cluster-nodes", _SUBJECT, "the processes or containers of its nodes run", "process table or engine", (CLUSTER,)
)
LEFTOVERS = Topic(
    "leftovers", _SUBJECT, "clusters of ours that are broken, and traces of some that are gone",
    "state folders, cgroups",
)  # fmt: skip
TOPICS = (THERE, MACHINES, LEFTOVERS)


@dataclass(frozen=True)
class Found:
    """The cluster that is meant; else None, why there is none, and the remedy. ``others``: all of ours, if known."""

    cluster: Cluster | None
    trouble: str = ""
    remedy: str = ""


def up_command(cluster: Cluster) -> str:
    """What brings a cluster back to life."""
    if cluster.provider == "context":
        return f"start {cluster.name} with the tool that made it"
    if cluster.provider == "assigned":
        return "ask whoever runs k8s-tutor serve"
    return f"k8s-tutor cluster up --name {cluster.name}"


def tell(found: Found) -> list[Finding]:
    """What is known of it without asking its API server."""
    cluster = found.cluster
    if cluster is None:
        return [THERE.note(found.trouble or "there is no cluster", found.remedy or "k8s-tutor cluster up")]
    up = up_command(cluster)
    state = "ready" if cluster.ready else cluster.trouble or ("not ready" if cluster.running else "not running")
    told = f"cluster {cluster.name} ({cluster.provider}): {state}"
    first = THERE.ok(told) if cluster.ready else THERE.lack(told, up)
    if not cluster.nodes or cluster.provider == "assigned":
        return [first]
    dead = [node.name for node in cluster.nodes if not node.running]
    names = ", ".join(f"{node.name} ({node.address or 'no address'})" for node in cluster.nodes)
    if dead:
        return [first, MACHINES.lack(f"{', '.join(dead)} does not run (of {names})", up)]
    return [first, MACHINES.ok(f"all run: {names}")]


def look_leftovers(clusters: Callable[[], list[Cluster]]) -> list[Finding]:
    """Broken clusters of ours, and cgroups of a cluster without a process and without a state folder."""
    try:
        broken = [each for each in clusters() if not each.ready and not each.running]
    except TutorError as error:
        return [LEFTOVERS.unseen(error.message, error.remedy)]
    orphans = _orphans()
    if broken:
        first = broken[0]
        told = "; ".join(f"{each.name} ({each.provider}): {each.trouble or 'does not run'}" for each in broken[:4])
        down = f"k8s-tutor cluster down --name {first.name} --provider {first.provider}"
        return [LEFTOVERS.note(f"clusters that do not run: {told}", f"{up_command(first)}; or: {down}")]
    if orphans:
        return [
            LEFTOVERS.note(
                f"cgroups of clusters that are gone: {', '.join(str(path) for path in orphans[:4])}",
                f"find {orphans[0]} -depth -type d -exec rmdir {{}} +",
            )
        ]
    return [LEFTOVERS.ok("no broken cluster, no orphan")]


def _orphans() -> list[Path]:
    # Other users and state folders have clusters here too: what has a process, or one of our folders, is somebody's.
    known = {native_names.cgroup(name) for name in native_states.all_names()}
    found = []
    for tree in cgroups.hierarchies():
        for folder in tree.root.glob("k8s-tutor-*"):
            if folder.name not in known and folder.is_dir() and not _lives(folder):
                found.append(folder)
    return found


def _lives(folder: Path) -> bool:
    for path in folder.rglob("cgroup.procs"):
        try:
            if path.read_text(encoding="ascii").strip():
                return True
        except OSError:
            return True
    return False
