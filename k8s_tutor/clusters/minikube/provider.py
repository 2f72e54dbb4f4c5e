"""The minikube provider: clusters whose nodes minikube makes. The work is in the modules beside this one.

Not tried on a real minikube here: its driver follows minikube's source and documents, and is tested against records of
what it prints (docs/clusters.md). ``scripts/try_minikube.py`` tries all of it on a machine that has minikube.
"""

from __future__ import annotations

import builtins
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from k8s_tutor.clusters import keeping, own_kubeconfig
from k8s_tutor.clusters.minikube import logs as node_logs
from k8s_tutor.clusters.minikube import names, program, status
from k8s_tutor.clusters.minikube import state as states
from k8s_tutor.clusters.minikube.state import MinikubeState
from k8s_tutor.clusters.native.locks import locked
from k8s_tutor.clusters.provider import Abilities, Cluster, NodeInfo
from k8s_tutor.errors import ClusterError
from k8s_tutor.phases import PhaseState, Report, silent

_PATIENCE = 1900.0
_STATUS_SECONDS = 1.7
_MORE_SECONDS = 1.0
CAN = Abilities(several_nodes=True, load_balancer=False, control_plane=True, node_shell=True, load_images=True)
"""Where NodePorts answer depends on driver and system; a Service of type LoadBalancer needs ``minikube tunnel``."""
_EXPLAINS_DOWN = "every machine, volume and file of the cluster goes; what minikube downloaded stays with it"


class MinikubeProvider:
    """Makes, finds and removes minikube clusters of the tutor's own; the user's other profiles are never touched."""

    name = "minikube"

    def __init__(self, *, kubernetes: str = "") -> None:
        """``kubernetes``: a version like v1.36.2; empty for minikube's own."""
        self._kubernetes = kubernetes

    def up(self, name: str, *, nodes: int = 1, egress: bool = False, report: Report = silent) -> Cluster:
        """Return when the cluster is ready; resume what an earlier call left; do nothing if it is ready.

        ``nodes`` counts the control plane. ``egress`` changes nothing: a node reaches what its driver lets it reach.
        Raises UsageError (name, number of nodes, a running cluster that is different), EnvironmentFault (no minikube),
        ClusterError (the bring-up failed; what it logged is kept).
        """
        from k8s_tutor.clusters.minikube import bring

        names.validate(name)
        keeping.check_nodes(nodes, names.MAX_NODES)
        with locked(
            keeping.lock(names.clusters_dir(), name), patience=_PATIENCE, waiting=lambda: report(keeping.waiting())
        ):
            state = bring.up(name, nodes=nodes, kubernetes=self._kubernetes, report=report)
            return self._cluster(state, ready=True)

    def down(self, name: str, *, report: Report = silent) -> bool:
        """Remove every trace; false if there was nothing. Raises EnvironmentFault without minikube, ClusterError."""
        from k8s_tutor.clusters.minikube import bring

        names.validate(name)
        started = time.monotonic()
        if not names.cluster_dir(name).exists():
            return False
        with locked(
            keeping.lock(names.clusters_dir(), name), patience=_PATIENCE, waiting=lambda: report(keeping.waiting())
        ):
            report(keeping.removing(_EXPLAINS_DOWN, PhaseState.RUNNING, started))
            try:
                bring.remove(name)
            except BaseException:
                report(keeping.removing(_EXPLAINS_DOWN, PhaseState.FAILED, started))
                raise
            report(keeping.removing(_EXPLAINS_DOWN, PhaseState.DONE, started))
        keeping.tidy(names.clusters_dir())
        return True

    def remains(self, name: str) -> builtins.list[str]:
        """Its profile, with all that minikube made for it, and its folder."""
        names.validate(name)
        folder = names.cluster_dir(name)
        return [f"profile {names.profile(name)} of minikube", f"folder {folder}"] if folder.exists() else []

    def status(self, name: str) -> Cluster | None:
        """What is there now, None if nothing. Changes nothing, takes at most three seconds."""
        names.validate(name)
        state = states.load(name)
        if state is None:
            folder = names.cluster_dir(name)
            return keeping.broken(name, self.name, own_kubeconfig.path(folder)) if folder.is_dir() else None
        return self._cluster(state, ready=None)

    def list(self) -> list[Cluster]:
        """All minikube clusters of this user that the tutor made, also broken ones."""
        found = [self.status(name) for name in keeping.all_names(names.clusters_dir())]
        return [cluster for cluster in found if cluster is not None]

    def load_images(self, name: str, archive: Path, *, report: Report = silent) -> None:
        """Load an archive of images (``docker save`` of one platform) into every node.

        Raises UsageError when there is no such file, ClusterError when a node does not take it.
        """
        state = self._known(name)
        keeping.require_archive(archive)
        started = time.monotonic()
        report(keeping.loading(archive, PhaseState.RUNNING, started))
        argv = program.load_argv(state.program, name, archive)
        try:
            program.load(argv, name, state.minikube_home, names.nodes(name, state.nodes))
        except ClusterError as error:
            report(keeping.loading(archive, PhaseState.FAILED, started, error.message))
            raise
        report(keeping.loading(archive, PhaseState.DONE, started))

    def logs(self, name: str, component: str = "") -> Iterator[str]:
        """Lines of what the first node's parts logged; UsageError for a component that there is not."""
        self._collect(name)
        return node_logs.lines(name, component)

    def components(self, name: str) -> builtins.list[str]:
        """What ``logs`` can be asked for."""
        self._collect(name)
        return node_logs.components(name)

    def shell_argv(self, name: str, command: Sequence[str] = ()) -> builtins.list[str]:
        """A shell on the control plane's node, or one command there. Raises ClusterError when there is no cluster."""
        state = self._known(name)
        return program.ssh_argv(state.program, name, command)

    def _collect(self, name: str) -> None:
        from k8s_tutor.clusters.minikube import bring

        state = self._known(name)
        if state.stage in (states.READY, states.STARTING):
            bring.collect_logs(state)

    def _known(self, name: str) -> MinikubeState:
        state = states.load(names.validate(name))
        if state is None:
            raise keeping.unknown(name, "minikube cluster")
        return state

    def _cluster(self, state: MinikubeState, *, ready: bool | None) -> Cluster:
        folder = names.cluster_dir(state.name)
        trouble = _of_stage(state)
        running = state.stage == states.READY
        nodes = tuple(NodeInfo(name, running=running) for name in names.nodes(state.name, state.nodes))
        if ready is None and running:
            nodes, trouble = _ask(state)
            running = any(node.running for node in nodes[:1])
            if not trouble and not own_kubeconfig.answers(folder, 0.5):
                trouble = "The API server does not answer."
        return Cluster(
            name=state.name,
            provider=self.name,
            kubeconfig=own_kubeconfig.path(folder),
            namespace=keeping.NAMESPACE,
            owned=True,
            server=own_kubeconfig.server(folder),
            version=state.version,
            nodes=nodes,
            running=running,
            ready=not trouble,
            trouble=trouble,
            egress=True,
            can=CAN,
        )


def _ask(state: MinikubeState) -> tuple[tuple[NodeInfo, ...], str]:
    """The nodes as minikube sees them, and what is wrong; it is asked once more, as a whole, where something is."""
    env = program.environment(state.name, state.minikube_home)
    wanted = names.nodes(state.name, state.nodes)
    code, said = program.answer(program.status_argv(state.program, state.name, "nodes"), env, _STATUS_SECONDS)
    if code is None:
        unknown = tuple(NodeInfo(name, running=True) for name in wanted)
        # Whether it runs is then the API server's to say.
        return unknown, "" if own_kubeconfig.answers(
            names.cluster_dir(state.name), 0.5
        ) else "minikube does not answer."
    try:
        found = {node.name: node for node in status.nodes(said)} if code != status.NO_PROFILE else {}
    except ValueError:
        found = {}
    if not found:
        again = f"Make it anew: k8s-tutor cluster down --name {state.name}, then up"
        return tuple(NodeInfo(name, running=False) for name in wanted), f"{_sentence(status.bits(code))} {again}"
    nodes = tuple(NodeInfo(name, running=name in found and found[name].host == "Running") for name in wanted)
    lacks = [found[name].lacks if name in found else f"{name} is gone" for name in wanted]
    lacks = [lack for lack in lacks if lack]
    if not lacks:
        # Bit 4 alone is about minikube's own entry, not about the one that we use.
        return nodes, ""
    _, said = program.answer(program.status_argv(state.program, state.name, "cluster"), env, _MORE_SECONDS)
    whole = status.cluster(said)
    more = [whole.sentence] if whole is not None and whole.sentence else []
    told = " ".join(_sentence(text) for text in [", ".join(lacks), *more])
    return nodes, f"{told} Start it: k8s-tutor cluster up --name {state.name}"


def _of_stage(state: MinikubeState) -> str:
    if state.stage == states.REMOVING:
        return keeping.interrupted(state.name, removing=True)
    if state.stage == states.STARTING:
        return keeping.interrupted(state.name)
    if state.stage == states.FAILED:
        return f"It did not come up: {state.trouble} See: k8s-tutor cluster logs --name {state.name}"
    return ""


def _sentence(text: str) -> str:
    return f"{text[:1].upper()}{text[1:]}."
