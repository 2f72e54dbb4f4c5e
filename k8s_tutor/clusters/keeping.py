"""What every provider keeps of its clusters: a folder each with one state file, written before each thing is made.

And the few phases and errors that all of them tell alike.
"""

from __future__ import annotations

import contextlib
import json
import shutil
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from k8s_tutor import atomic
from k8s_tutor.clusters.provider import Cluster
from k8s_tutor.errors import ClusterError, UsageError
from k8s_tutor.phases import Phase, PhaseState

FILE = "state.json"
NAMESPACE = "learner"
"""The learner's namespace on a cluster of ours."""


def write(folder: Path, document: Mapping[str, Any]) -> None:
    """Write a cluster's state in one step."""
    atomic.write_text(folder / FILE, json.dumps(document, indent=1) + "\n")


def read(folder: Path) -> dict[str, Any]:
    """The state as last written. Raises OSError, ValueError when there is none that can be read."""
    content = json.loads((folder / FILE).read_text(encoding="utf-8"))
    if not isinstance(content, dict):
        raise ValueError("not a mapping")
    return content


def all_names(clusters: Path) -> list[str]:
    """Names of all clusters with a folder in ``clusters``, also of broken ones."""
    if not clusters.is_dir():
        return []
    return sorted(entry.name for entry in clusters.iterdir() if entry.is_dir() and not entry.name.startswith("."))


def forget(folder: Path) -> None:
    """Remove a cluster's folder, the state file last. Raises OSError."""
    if not folder.is_dir():
        return
    for entry in folder.iterdir():
        if entry.name == FILE:
            continue
        if entry.is_dir() and not entry.is_symlink():
            shutil.rmtree(entry)
        else:
            entry.unlink()
    (folder / FILE).unlink(missing_ok=True)
    folder.rmdir()


def tidy(clusters: Path) -> None:
    """Remove the folder of all clusters, and the one above, if nothing is in them."""
    for empty in (clusters, clusters.parent):
        with contextlib.suppress(OSError):
            empty.rmdir()


def lock(clusters: Path, name: str) -> Path:
    """The lock under which one cluster is made, resumed or removed."""
    return clusters / f".{name}.lock"


def creation_lock(clusters: Path) -> Path:
    """The lock under which a provider makes any cluster, where two at once would race."""
    return clusters / ".create.lock"


def check_nodes(nodes: int, most: int) -> None:
    """Raise UsageError unless a cluster may have so many nodes."""
    if not 1 <= nodes <= most:
        raise UsageError(f"A cluster has 1 to {most} nodes, not {nodes}.", remedy="--nodes 2", code="nodes")


def different(name: str, nodes: int) -> UsageError:
    """A running cluster cannot become one with another number of nodes."""
    return UsageError(
        f"Cluster {name} runs with {nodes} node(s).",
        remedy=f"k8s-tutor cluster down --name {name}, then up as you want it; or another --name.",
        code="different",
    )


def unknown(name: str, what: str) -> ClusterError:
    """There is no cluster of that name; ``what`` is like ``kind cluster``."""
    return ClusterError(f"There is no {what} {name}.", remedy=f"k8s-tutor cluster up --name {name}", code="no-cluster")


def not_running(name: str) -> ClusterError:
    """The cluster does not run, and what is wanted needs it."""
    return ClusterError(
        f"Cluster {name} does not run.", remedy=f"k8s-tutor cluster up --name {name}", code="not-running"
    )


def broken(name: str, provider: str, kubeconfig: Path) -> Cluster:
    """A cluster of which no more than its folder is known."""
    return Cluster(
        name=name,
        provider=provider,
        kubeconfig=kubeconfig,
        namespace=NAMESPACE,
        owned=True,
        trouble=f"Its state file is lost. Remove the rest: k8s-tutor cluster down --name {name}",
    )


def interrupted(name: str, *, removing: bool = False) -> str:
    """What is wrong with a cluster whose making (or removal) did not come to its end."""
    if removing:
        return f"Its removal was interrupted. Go on: k8s-tutor cluster down --name {name}"
    return f"It has not come up yet. Go on: k8s-tutor cluster up --name {name}"


def require_archive(archive: Path) -> None:
    """Raise UsageError unless the archive is a file."""
    if not archive.is_file():
        raise UsageError(f"There is no file {archive}.", code="archive")


def waiting() -> Phase:
    """Another k8s-tutor holds the cluster's lock."""
    return Phase("lock", "waiting", "another k8s-tutor works on this cluster", PhaseState.RUNNING)


def removing(explains: str, state: PhaseState, started: float) -> Phase:
    """The one phase of ``down``; ``started`` is of time.monotonic."""
    return Phase("remove", "removing", explains, state, seconds=time.monotonic() - started)


def loading(archive: Path, state: PhaseState, started: float, detail: str = "") -> Phase:
    """The one phase of ``load_images``."""
    explains = f"{archive.name[:60]} into every node"
    return Phase("load", "loading images", explains, state, seconds=time.monotonic() - started, detail=detail)
