"""The kind program, run: argument lists only, never a shell, never the user's kubeconfig."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from k8s_tutor.clusters import running
from k8s_tutor.clusters.kind import names
from k8s_tutor.clusters.kind.engine import Engine
from k8s_tutor.clusters.kind.progress import Step, Teller
from k8s_tutor.clusters.telling import plain
from k8s_tutor.errors import ClusterError

CREATE_SECONDS = 1800.0
"""The longest a creation may take: a gigabyte of node image over a slow line is in it."""


def create_argv(kind: str, name: str, config: Path) -> list[str]:
    """Make a cluster; what fails is kept (``--retain``) until its logs are out, and readiness is ours to wait for."""
    return [
        kind, "create", "cluster", "--name", names.kind_name(name), "--config", str(config),
        "--kubeconfig", str(names.kubeconfig_path(name)), "--retain", "--wait", "0s",
    ]  # fmt: skip


def delete_argv(kind: str, name: str) -> list[str]:
    """Remove a cluster; one that is not there is no error."""
    return [
        kind, "delete", "cluster", "--name", names.kind_name(name), "--kubeconfig", str(names.kubeconfig_path(name)),
    ]  # fmt: skip


def export_argv(kind: str, name: str, folder: Path) -> list[str]:
    """Write the nodes' logs into a folder."""
    return [kind, "export", "logs", str(folder), "--name", names.kind_name(name)]


def load_argv(kind: str, name: str, archive: Path) -> list[str]:
    """Load an image archive into every node. ``load docker-image`` breaks on Docker's own image store (kind#3795)."""
    return [kind, "load", "image-archive", str(archive), "--name", names.kind_name(name)]


def drop_stale_lock(name: str) -> bool:
    """Remove the lock file that a killed kind left beside its kubeconfig; the caller holds the cluster's own lock.

    kind makes it anew for each write and waits 150 ms at most: with one that is left every later call fails. In our
    private folder nobody but us runs kind, so while we hold the cluster's lock it can only be stale.
    """
    lock = names.kubeconfig_path(name).with_name(names.kubeconfig_path(name).name + ".lock")
    there = lock.exists()
    lock.unlink(missing_ok=True)
    return there


def run(
    argv: list[str],
    engine: Engine,
    teller: Teller,
    *,
    patience: float,
    on_step: Callable[[Step], None] = lambda _step: None,
) -> None:
    """Run kind to its end, its lines told as phases. Raises ClusterError with its last words when it fails."""

    def take(text: str) -> None:
        step = teller.line(text)
        if step is not None:
            on_step(step)

    env = engine.environment()
    code = running.run(argv, env=env, folder=names.clusters_dir(), patience=patience, line=take, tick=teller.tick)
    if code != 0:
        raise ClusterError(f"kind {argv[1]} {argv[2]} failed: {said(teller)}", code="kind")


def said(teller: Teller) -> str:
    """What kind said when it failed: from its word ERROR on, or its last lines."""
    lines = list(teller.last)
    first = next((number for number, line in enumerate(lines) if line.startswith("ERROR")), max(0, len(lines) - 4))
    return " / ".join(plain(line) for line in lines[first : first + 6])[:900] or "without a word"
