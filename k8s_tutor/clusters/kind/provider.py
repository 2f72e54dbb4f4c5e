"""The kind provider: clusters whose nodes are containers. The work is in the modules beside this one."""

from __future__ import annotations

import builtins
import os
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import datetime
from pathlib import Path

from k8s_tutor.clusters import keeping
from k8s_tutor.clusters.kind import kubeconfig, names
from k8s_tutor.clusters.kind import logs as node_logs
from k8s_tutor.clusters.kind import state as states
from k8s_tutor.clusters.kind.engine import Container, Engine, exec_argv
from k8s_tutor.clusters.kind.state import KindState
from k8s_tutor.clusters.native.locks import locked
from k8s_tutor.clusters.provider import Abilities, Cluster, NodeInfo, NodePorts, Reach
from k8s_tutor.errors import ClusterError, EnvironmentFault
from k8s_tutor.phases import PhaseState, Report, silent

_PATIENCE = 1900.0
_STATUS_SECONDS = 2.0
# Pod addresses are those of the engine's network: whether it can be entered is seen for each cluster.
_CAN = Abilities(
    node_ports=NodePorts.LOCALHOST,
    several_nodes=True,
    load_balancer=False,
    control_plane=True,
    node_shell=True,
    load_images=True,
)
_EXPLAINS_DOWN = "every container, volume and file of the cluster goes; the node image stays with the engine"


class KindProvider:
    """Makes, finds and removes kind clusters of the tutor's own; other kind clusters are never touched."""

    name = "kind"

    def __init__(self, *, image: str = "", kubernetes: str = "") -> None:
        """``image``: the node image (default: ``$K8S_TUTOR_KIND_IMAGE``); ``kubernetes``: a version like v1.36.4."""
        self._image = image or ("" if kubernetes else os.environ.get(names.IMAGE_VARIABLE, ""))
        self._kubernetes = kubernetes

    def up(self, name: str, *, nodes: int = 1, egress: bool = False, report: Report = silent) -> Cluster:
        """Return when the cluster is ready; resume what an earlier call left; do nothing if it is ready.

        ``nodes`` counts the control plane. ``egress`` changes nothing: a node reaches what its engine reaches.
        Raises UsageError (name, number of nodes, a running cluster that is different), EnvironmentFault (no engine,
        no kind, no node image), ClusterError (the bring-up failed; what it logged is kept).
        """
        from k8s_tutor.clusters.kind import bring

        names.validate(name)
        keeping.check_nodes(nodes, names.MAX_NODES)
        with locked(
            keeping.lock(names.clusters_dir(), name), patience=_PATIENCE, waiting=lambda: report(keeping.waiting())
        ):
            state = bring.up(name, nodes=nodes, image=self._image, kubernetes=self._kubernetes, report=report)
            return self._cluster(state, ready=True)

    def down(self, name: str, *, report: Report = silent) -> bool:
        """Remove every trace; false if there was nothing. Raises EnvironmentFault when the engine does not answer."""
        from k8s_tutor.clusters.kind import bring

        names.validate(name)
        started = time.monotonic()
        if not bring.anything_of(name):
            return False
        with locked(
            keeping.lock(names.clusters_dir(), name), patience=_PATIENCE, waiting=lambda: report(keeping.waiting())
        ):
            report(keeping.removing(_EXPLAINS_DOWN, PhaseState.RUNNING, started))
            bring.remove(name)
            report(keeping.removing(_EXPLAINS_DOWN, PhaseState.DONE, started))
        states.tidy()
        return True

    def remains(self, name: str) -> builtins.list[str]:
        """Its containers with their volumes, and its folder. Raises EnvironmentFault when no engine answers."""
        from k8s_tutor.clusters.kind import bring

        names.validate(name)
        return bring.remains(name)

    def status(self, name: str) -> Cluster | None:
        """What is there now, None if nothing. Changes nothing, takes at most three seconds."""
        names.validate(name)
        state = states.load(name)
        if state is None:
            there = names.cluster_dir(name).is_dir()
            return keeping.broken(name, self.name, kubeconfig.path(name)) if there else None
        return self._cluster(state, ready=None)

    def list(self) -> list[Cluster]:
        """All kind clusters of this user that the tutor made, also broken ones."""
        found = [self.status(name) for name in states.all_names()]
        return [cluster for cluster in found if cluster is not None]

    def load_images(self, name: str, archive: Path, *, report: Report = silent) -> None:
        """Load an archive of images (``docker save`` of one platform, or an OCI layout as tar) into every node.

        Raises UsageError when there is no such file, ClusterError when a node does not take it.
        """
        from k8s_tutor.clusters.kind import images, program
        from k8s_tutor.clusters.kind.bring import guess
        from k8s_tutor.clusters.kind.progress import Teller

        state = self._known(name)
        keeping.require_archive(archive)
        started = time.monotonic()
        report(keeping.loading(archive, PhaseState.RUNNING, started))
        argv = program.load_argv(state.kind, name, archive)
        try:
            engine = Engine(state.engine, state.program)
            program.run(argv, engine, Teller(silent, guess(1)), patience=600)
            images.serve(state, engine, archive)
        except ClusterError:
            report(keeping.loading(archive, PhaseState.FAILED, started))
            raise
        report(keeping.loading(archive, PhaseState.DONE, started))

    def logs(self, name: str, component: str = "") -> Iterator[str]:
        """Lines of what the nodes' parts logged; UsageError for a component that there is not."""
        self._export(name)
        return node_logs.lines(name, component)

    def components(self, name: str) -> builtins.list[str]:
        """What ``logs`` can be asked for."""
        self._export(name)
        return node_logs.components(name)

    def shell_argv(self, name: str, command: Sequence[str] = ()) -> builtins.list[str]:
        """A shell on the control plane's node, or one command there. Raises ClusterError when it does not run."""
        state = self._known(name)
        engine = Engine(state.engine, state.program)
        first = next(iter(engine.nodes(names.kind_name(name))), None)
        if first is None or not first.running:
            raise keeping.not_running(name)
        options = ["--interactive", *(["--tty"] if sys.stdin.isatty() and sys.stdout.isatty() else [])]
        return exec_argv(engine, first.name, command or ["bash"], options=options)

    def _export(self, name: str) -> None:
        from k8s_tutor.clusters.kind import bring

        state = self._known(name)
        if state.stage in (states.READY, states.STARTING):
            bring.export_logs(state)

    def _known(self, name: str) -> KindState:
        state = states.load(names.validate(name))
        if state is None:
            raise keeping.unknown(name, "kind cluster")
        return state

    def _cluster(self, state: KindState, *, ready: bool | None) -> Cluster:
        engine = Engine(state.engine, state.program)
        found: builtins.list[Container] = []
        try:
            found = engine.inspect(names.nodes(state.name, state.nodes), _STATUS_SECONDS if ready is None else 30.0)
            trouble = _trouble(state, found)
        except EnvironmentFault as error:
            trouble = error.message
        if ready is None and not trouble and not kubeconfig.answers(state.name, 1.0):
            trouble = "The API server does not answer."
        first = next(iter(found), None)
        local = first.netns() if first is not None else None
        kubectl = names.cluster_dir(state.name) / "bin" / "kubectl"
        return Cluster(
            name=state.name,
            provider=self.name,
            kubeconfig=kubeconfig.path(state.name),
            namespace=keeping.NAMESPACE,
            owned=True,
            server=kubeconfig.server(state.name),
            version=state.version,
            nodes=tuple(
                NodeInfo(item.name, item.pid if local and item.running else None, item.address, item.running)
                for item in found
            ),
            netns=local,
            bin_dir=kubectl.parent if kubectl.is_file() else None,
            running=first is not None and first.running and state.stage == states.READY,
            ready=not trouble,
            started_at=_moment(first.started) if first is not None and first.running else None,
            trouble=trouble,
            egress=not (state.registry or state.stand_ins),
            stand_ins=dict(state.stand_ins),
            node_ports={int(port): host for port, host in state.ports.items() if port.isdigit()},
            can=_CAN if local is None else replace(_CAN, pod_addresses=Reach.NODE),
        )


def _trouble(state: KindState, found: list[Container]) -> str:
    if state.stage == states.REMOVING:
        return keeping.interrupted(state.name, removing=True)
    if state.stage == states.STARTING:
        return keeping.interrupted(state.name)
    if state.stage == states.FAILED:
        return f"It did not come up: {state.trouble} See: k8s-tutor cluster logs --name {state.name}"
    dead = [item.name for item in found if not item.running]
    if not found:
        return f"Its containers are gone. Make it anew: k8s-tutor cluster up --name {state.name}"
    if dead:
        return f"{', '.join(dead)} does not run. Start it: k8s-tutor cluster up --name {state.name}"
    return ""


def _moment(text: str) -> float | None:
    # Nanoseconds, and podman's zone by name: the first part is the same everywhere.
    try:
        return datetime.fromisoformat(text[:19] + "+00:00").timestamp()
    except ValueError:
        return None
