"""``k8s-tutor cluster …``: bring clusters up, look at them, take them down."""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import threading
import time
from typing import TextIO

from k8s_tutor.clusters.provider import Cluster
from k8s_tutor.errors import EXIT_ENVIRONMENT, EXIT_PASS, ClusterError
from k8s_tutor.phases import Phase, PhaseState


class Narrator:
    """Tells phases on stderr: one line each when it ends; on a terminal the running one is redrawn in place.

    Where there is no terminal (CI's log) a long phase tells every 20 s how far it is.
    """

    QUIET_SECONDS = 20.0

    def __init__(self, stream: TextIO | None = None) -> None:
        """Speak to ``stream`` (default: stderr as it is now)."""
        self._stream = stream or sys.stderr
        self._live = self._stream.isatty() and os.environ.get("TERM", "") != "dumb"
        self._told: dict[str, PhaseState] = {}
        self._lock = threading.Lock()
        self._drawn = 0.0

    def __call__(self, phase: Phase) -> None:
        """Take one change of one phase (from any thread)."""
        with self._lock:
            before = self._told.get(phase.id)
            self._told[phase.id] = phase.state
            if phase.state in (PhaseState.DONE, PhaseState.FAILED):
                if before is not phase.state:
                    mark = "✓" if phase.state is PhaseState.DONE else "✗"
                    tail = f": {phase.detail}" if phase.state is PhaseState.FAILED and phase.detail else ""
                    self._line(f"{mark} {phase.title}  {phase.seconds:.1f} s{tail}")
            elif phase.state is PhaseState.RUNNING:
                if self._live:
                    if before is not phase.state or time.monotonic() - self._drawn > 0.1:
                        self._drawn = time.monotonic()
                        self._stream.write("\r\x1b[K" + _running(phase)[: _width() - 1])
                        self._stream.flush()
                elif before is not phase.state:
                    self._drawn = time.monotonic()
                    self._line(f"… {phase.title}" + (f": {phase.explains}" if phase.explains else ""))
                elif time.monotonic() - self._drawn > self.QUIET_SECONDS:
                    self._drawn = time.monotonic()
                    self._line(_running(phase))

    def _line(self, text: str) -> None:
        self._stream.write(("\r\x1b[K" if self._live else "") + _plain(text) + "\n")
        self._stream.flush()


def _running(phase: Phase) -> str:
    parts = [f"… {phase.title}"]
    if phase.fraction is not None:
        parts.append(f"{phase.fraction * 100:.0f}%")
    if phase.seconds_left is not None:
        parts.append(f"{phase.seconds_left:.0f} s left")
    tail = phase.detail or phase.explains
    return _plain("  ".join(parts) + (f": {tail}" if tail else ""))


def _plain(text: str) -> str:
    return "".join(letter if letter.isprintable() else " " for letter in text)


def _width() -> int:
    try:
        return os.get_terminal_size(2).columns
    except OSError:
        return 80


def up(options: argparse.Namespace) -> int:
    """Make a cluster or resume it; says on stdout how to use it."""
    from k8s_tutor.clusters import choose
    from k8s_tutor.session.places import chosen

    meant = chosen(options.name, options.provider)
    provider = meant.provider
    if options.image or options.kubernetes:
        provider = choose.fitted(provider.name, options.image or "", options.kubernetes or "")
    print(f"{provider.name}: {meant.why}", file=sys.stderr)
    started = time.monotonic()
    cluster = provider.up(meant.name, nodes=options.nodes, egress=options.egress, report=Narrator())
    print(f"cluster {cluster.name} is ready ({cluster.version or 'version unknown'}, "
          f"{time.monotonic() - started:.1f} s): k8s-tutor, or eval \"$(k8s-tutor env)\"")  # fmt: skip
    _tell_stand_ins(cluster)
    return EXIT_PASS


def _tell_stand_ins(cluster: Cluster) -> None:
    for image, truth in cluster.stand_ins.items():
        print(f"note: {image}: {truth}", file=sys.stderr)


def down(options: argparse.Namespace) -> int:
    """Remove every trace of a cluster."""
    from k8s_tutor.session.places import chosen

    meant = chosen(options.name, options.provider)
    if options.dry_run:
        remains = meant.provider.remains(meant.name)
        print("\n".join(_plain(line) for line in remains) or f"there is no cluster {meant.name}")
        print("nothing was changed", file=sys.stderr)
        return EXIT_PASS
    there = meant.provider.down(meant.name, report=Narrator())
    print(f"cluster {meant.name} is removed" if there else f"there is no cluster {meant.name}")
    return EXIT_PASS


def status(options: argparse.Namespace) -> int:
    """Say what is there now; exit 0 when the cluster can be used, else 3."""
    from k8s_tutor.session.places import chosen

    meant = chosen(options.name, options.provider)
    name, cluster = meant.name, meant.cluster
    if options.output == "json":
        print(json.dumps(_plain_cluster(cluster) if cluster else None, indent=1))
    elif cluster is None:
        print(f"there is no cluster {name}; k8s-tutor cluster up makes it")
    else:
        _show(cluster)
    return EXIT_PASS if cluster is not None and cluster.ready else EXIT_ENVIRONMENT


def list_all(options: argparse.Namespace) -> int:
    """List the clusters of this machine, and the local contexts that could be used."""
    from k8s_tutor.clusters import choose
    from k8s_tutor.clusters.context import ContextProvider
    from k8s_tutor.errors import TutorError

    clusters = choose.clusters()
    try:
        clusters += ContextProvider().list()
    except TutorError as error:
        print(f"note: {error.message}", file=sys.stderr)
    if options.output == "json":
        print(json.dumps([_plain_cluster(cluster) for cluster in clusters], indent=1))
    else:
        for cluster in clusters:
            how = f"--context {cluster.name}" if cluster.provider == "context" else f"--cluster {cluster.name}"
            print(f"{cluster.name:20} {cluster.provider:10} {_state(cluster):10} {how}")
        if not clusters:
            print("no clusters; k8s-tutor cluster up makes one", file=sys.stderr)
    return EXIT_PASS


def load_images(options: argparse.Namespace) -> int:
    """Put the images of an archive onto every node."""
    from pathlib import Path

    from k8s_tutor.session.places import chosen

    meant = chosen(options.name, options.provider)
    meant.provider.load_images(meant.name, Path(options.archive), report=Narrator())
    print(f"the images of {options.archive} are on every node of cluster {meant.name}")
    return EXIT_PASS


def logs(options: argparse.Namespace) -> int:
    """Print what the cluster's parts logged."""
    from k8s_tutor.session.places import chosen

    meant = chosen(options.name, options.provider)
    for line in meant.provider.logs(meant.name, options.component):
        print(line)
    return EXIT_PASS


def shell(options: argparse.Namespace) -> int:
    """Open a shell on the first node (or run one command there) and hand on its exit code."""
    from k8s_tutor.session.places import chosen

    meant = chosen(options.name, options.provider)
    argv = meant.provider.shell_argv(meant.name, options.argv)
    return subprocess.run(argv, check=False).returncode


def kubeconfig(options: argparse.Namespace) -> int:
    """Print the path of the cluster's own kubeconfig."""
    from k8s_tutor.session.places import chosen

    meant = chosen(options.name, options.provider)
    if meant.cluster is None:
        raise ClusterError(f"there is no cluster {meant.name!r}", remedy=f"k8s-tutor cluster up --name {meant.name}")
    print(meant.cluster.kubeconfig)
    return EXIT_PASS


def _state(cluster: Cluster) -> str:
    return "ready" if cluster.ready else "running" if cluster.running else "stopped"


def _show(cluster: Cluster) -> None:
    print(
        f"cluster {cluster.name} ({cluster.provider}): {_state(cluster)}"
        + (f" ({cluster.trouble})" if cluster.trouble else "")
    )
    print(f"  Kubernetes {cluster.version or '?'} at {cluster.server or '?'}")
    for node in cluster.nodes:
        where = f"PID {node.pid}" if node.pid else "no process"
        print(f"  node {node.name}: {'running' if node.running else 'stopped'}, {node.address or '?'}, {where}")
    print(f"  kubeconfig {cluster.kubeconfig}")
    for port, host in cluster.node_ports.items():
        print(f"  node port {port} is 127.0.0.1:{host}")
    for image, truth in cluster.stand_ins.items():
        print(f"  image {image}: {truth}")


def _plain_cluster(cluster: Cluster) -> dict[str, object]:
    return {
        "name": cluster.name,
        "provider": cluster.provider,
        "state": _state(cluster),
        "trouble": cluster.trouble,
        "version": cluster.version,
        "server": cluster.server,
        "namespace": cluster.namespace,
        "kubeconfig": str(cluster.kubeconfig),
        "owned": cluster.owned,
        "egress": cluster.egress,
        "started_at": cluster.started_at,
        "nodes": [
            {"name": node.name, "pid": node.pid, "address": node.address, "running": node.running}
            for node in cluster.nodes
        ],
        "stand_ins": dict(cluster.stand_ins),
        "node_ports": {str(port): host for port, host in cluster.node_ports.items()},
    }
