"""The native provider: plan, start, follow, remove. The work is in the modules beside this one."""

from __future__ import annotations

import builtins
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from k8s_tutor.clusters import keeping
from k8s_tutor.clusters.native import config, host, kubeconfig, names, node, texts
from k8s_tutor.clusters.native import logs as node_logs
from k8s_tutor.clusters.native import state as states
from k8s_tutor.clusters.native.locks import locked
from k8s_tutor.clusters.native.state import ClusterState
from k8s_tutor.clusters.provider import Abilities, Cluster, NodeInfo, NodePorts, Reach
from k8s_tutor.phases import PhaseState, Report, silent

_PATIENCE = 900.0
"""Seconds to wait for another k8s-tutor that works on the same cluster; its first build of a node takes long."""
_STATUS_SECONDS = 1.5
CAN = Abilities(
    pod_addresses=Reach.NODE,
    node_ports=NodePorts.NODE,
    several_nodes=True,
    load_balancer=False,
    control_plane=True,
    node_shell=True,
    load_images=True,
)


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
        keeping.check_nodes(nodes, names.MAX_NODES)
        with locked(
            keeping.lock(names.clusters_dir(), name), patience=_PATIENCE, waiting=lambda: report(keeping.waiting())
        ):
            state = bring.up(name, nodes=nodes, egress=egress, report=report)
            return self._cluster(state, ready=True)

    def down(self, name: str, *, report: Report = silent) -> bool:
        """Remove every trace; false if there was nothing. Raises ClusterError naming what resists."""
        names.validate(name)
        started = time.monotonic()
        if not host.anything_of(name):
            if keeping.lock(names.clusters_dir(), name).exists():
                # Of a call that was killed before it made anything.
                with locked(keeping.lock(names.clusters_dir(), name), patience=_PATIENCE):
                    pass
                states.tidy()
            return False
        with locked(
            keeping.lock(names.clusters_dir(), name), patience=_PATIENCE, waiting=lambda: report(keeping.waiting())
        ):
            report(keeping.removing(texts.EXPLAINS_DOWN, PhaseState.RUNNING, started))
            host.remove(name)
            report(keeping.removing(texts.EXPLAINS_DOWN, PhaseState.DONE, started))
        states.tidy()
        return True

    def remains(self, name: str) -> builtins.list[str]:
        """Its processes, cgroups, links, mounts and its folder, as they are now."""
        names.validate(name)
        return host.remains(name)

    def status(self, name: str) -> Cluster | None:
        """What is there now, None if nothing. Changes nothing, takes at most two seconds."""
        names.validate(name)
        state = states.load(name)
        if state is None:
            there = names.cluster_dir(name).is_dir()
            return keeping.broken(name, self.name, kubeconfig.path(name)) if there else None
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

    def shell_argv(self, name: str, command: Sequence[str] = ()) -> builtins.list[str]:
        """A shell on the control plane's node, or one command there. Raises ClusterError when it does not run."""
        state = self._known(name)
        process = node.process(name, 1)
        if process is None:
            raise keeping.not_running(name)
        path = f"{state.bin_dir}:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
        enter = ["nsenter", "-t", str(process.pid), "-n", "-m", "-p", "-u", "-i", "--wd=/"]
        return [*enter, "env", f"PATH={path}", "KUBECONFIG=/etc/kubernetes/admin.conf", *(command or ["bash"])]

    def _known(self, name: str) -> ClusterState:
        state = states.load(names.validate(name))
        if state is None:
            raise keeping.unknown(name, "cluster")
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
            can=CAN,
        )


def _trouble(state: ClusterState, dead: list[str]) -> str:
    if state.stage == states.REMOVING:
        return keeping.interrupted(state.name, removing=True)
    if state.stage == states.STARTING:
        return keeping.interrupted(state.name)
    if dead:
        return f"{', '.join(dead)} does not run. Boot it: k8s-tutor cluster up --name {state.name}"
    return ""
