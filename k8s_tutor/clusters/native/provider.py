"""The native provider: plan, start, follow, remove. The work is in the modules beside this one."""

from __future__ import annotations

import builtins
import time
from collections.abc import Iterator
from pathlib import Path

from k8s_tutor.clusters.native import config, host, kubeconfig, names, node, texts
from k8s_tutor.clusters.native import logs as node_logs
from k8s_tutor.clusters.native import state as states
from k8s_tutor.clusters.native.locks import locked
from k8s_tutor.clusters.native.state import ClusterState
from k8s_tutor.clusters.provider import Cluster, NodeInfo
from k8s_tutor.errors import ClusterError, UsageError
from k8s_tutor.phases import Phase, PhaseState, Report, silent

_PATIENCE = 900.0
"""Seconds to wait for another k8s-tutor that works on the same cluster; its first build of a node takes long."""
_STATUS_SECONDS = 1.5


class NativeProvider:
    """Makes, finds and removes clusters of the tutor's own on this machine."""

    name = "native"

    def up(self, name: str, *, nodes: int = 1, egress: bool = False, report: Report = silent) -> Cluster:
        """Return when the cluster is ready; resume what an earlier call left; do nothing if it is ready.

        ``nodes`` counts the control plane. Raises UsageError (name, number of nodes, a running cluster that is
        different), EnvironmentFault (the machine), ClusterError (the bring-up failed; what it logged is kept).
        """
        from k8s_tutor.clusters.native import bring  # half of what this module would load, and only `up` needs it

        names.validate(name)
        if not 1 <= nodes <= names.MAX_NODES:
            raise UsageError(
                f"A cluster has 1 to {names.MAX_NODES} nodes, not {nodes}.", remedy="--nodes 2", code="nodes"
            )
        with locked(_lock(name), patience=_PATIENCE, waiting=lambda: report(_waiting())):
            state = bring.up(name, nodes=nodes, egress=egress, report=report)
            return self._cluster(state, ready=True)

    def down(self, name: str, *, report: Report = silent) -> bool:
        """Remove every trace; false if there was nothing. Raises ClusterError naming what resists."""
        names.validate(name)
        started = time.monotonic()
        if not host.anything_of(name):
            if _lock(name).exists():
                # Of a call that was killed before it made anything.
                with locked(_lock(name), patience=_PATIENCE):
                    pass
                states.tidy()
            return False
        with locked(_lock(name), patience=_PATIENCE, waiting=lambda: report(_waiting())):
            report(_removing(PhaseState.RUNNING, started))
            host.remove(name)
            report(_removing(PhaseState.DONE, started))
        states.tidy()
        return True

    def status(self, name: str) -> Cluster | None:
        """What is there now, None if nothing. Changes nothing, takes at most two seconds."""
        names.validate(name)
        state = states.load(name)
        if state is None:
            return self._broken(name) if names.cluster_dir(name).is_dir() else None
        return self._cluster(state, ready=None)

    def list(self) -> list[Cluster]:
        """All clusters of this user, also broken ones."""
        found = [self.status(name) for name in states.all_names()]
        return [cluster for cluster in found if cluster is not None]

    def load_images(self, name: str, archive: Path, *, report: Report = silent) -> None:
        """Put the images of an archive onto every node, by its own containerd.

        Raises UsageError when there is no such file, ClusterError when a node does not run or does not take it.
        """
        from k8s_tutor.clusters.native import images

        images.load(self._known(name), archive, report)

    def logs(self, name: str, component: str = "") -> Iterator[str]:
        """Lines of what the nodes' parts logged; UsageError for a component that there is not."""
        self._known(name)
        return node_logs.lines(name, component)

    def components(self, name: str) -> builtins.list[str]:
        """What ``logs`` can be asked for."""
        return node_logs.components(name)

    def shell_argv(self, name: str) -> builtins.list[str]:
        """A shell on the control plane's node. Raises ClusterError when it does not run."""
        state = self._known(name)
        process = node.process(name, 1)
        if process is None:
            raise ClusterError(
                f"Cluster {name} does not run.", remedy=f"k8s-tutor cluster up --name {name}", code="not-running"
            )
        path = f"{state.bin_dir}:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
        enter = ["nsenter", "-t", str(process.pid), "-n", "-m", "-p", "-u", "-i", "--wd=/"]
        return [*enter, "env", f"PATH={path}", "KUBECONFIG=/etc/kubernetes/admin.conf", "bash"]

    def _known(self, name: str) -> ClusterState:
        state = states.load(names.validate(name))
        if state is None:
            raise ClusterError(
                f"There is no cluster {name}.", remedy=f"k8s-tutor cluster up --name {name}", code="no-cluster"
            )
        return state

    def _cluster(self, state: ClusterState, *, ready: bool | None) -> Cluster:
        processes = {index: node.process(state.name, index) for index in range(1, state.nodes + 1)}
        nodes = tuple(
            NodeInfo(
                name=names.node_name(index),
                pid=process.pid if process else None,
                address=str(state.ranges.node(index)),
                running=process is not None,
            )
            for index, process in processes.items()
        )
        first = processes[1]
        trouble = _trouble(state, [info.name for info in nodes if not info.running])
        if ready is None and not trouble and not kubeconfig.answers(state, _STATUS_SECONDS):
            trouble = "The API server does not answer."
        return Cluster(
            name=state.name,
            provider=self.name,
            kubeconfig=kubeconfig.path(state.name),
            namespace=config.NAMESPACE,
            owned=True,
            server=kubeconfig.server(state),
            version=state.material.get("kubernetes_version", ""),
            nodes=nodes,
            netns=Path(f"/proc/{first.pid}/ns/net") if first else None,
            bin_dir=state.bin_dir,
            running=first is not None,
            ready=not trouble,
            started_at=first.started_at() if first else None,
            trouble=trouble,
            egress=state.egress,
            stand_ins=dict(state.stand_ins),
        )

    def _broken(self, name: str) -> Cluster:
        return Cluster(
            name=name,
            provider=self.name,
            kubeconfig=kubeconfig.path(name),
            namespace=config.NAMESPACE,
            owned=True,
            trouble=f"Its state file is lost. Remove the rest: k8s-tutor cluster down --name {name}",
        )


def _trouble(state: ClusterState, dead: list[str]) -> str:
    if state.stage == states.REMOVING:
        return f"Its removal was interrupted. Go on: k8s-tutor cluster down --name {state.name}"
    if state.stage == states.STARTING:
        return f"It has not come up yet. Go on: k8s-tutor cluster up --name {state.name}"
    if dead:
        return f"{', '.join(dead)} does not run. Boot it: k8s-tutor cluster up --name {state.name}"
    return ""


def _lock(name: str) -> Path:
    return names.clusters_dir() / f".{name}.lock"


def _waiting() -> Phase:
    return Phase("lock", "waiting", "another k8s-tutor works on this cluster", PhaseState.RUNNING)


def _removing(state: PhaseState, started: float) -> Phase:
    return Phase("remove", "removing", texts.EXPLAINS_DOWN, state, seconds=time.monotonic() - started)
