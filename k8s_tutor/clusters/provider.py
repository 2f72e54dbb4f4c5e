"""The one interface to whatever runs a cluster. One file or folder an implementation: ``native/``, ``kind/``,
``minikube/``, ``context.py``; ``choose.py`` picks one.

A provider makes, finds and removes clusters; it knows nothing of labs or checks. All methods may block and
are called from a worker thread; none touches the user's kubeconfig or current context.
"""

from __future__ import annotations

import builtins
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Protocol

from k8s_tutor.phases import Report


class Reach(StrEnum):
    """From where an address answers: where the tutor's shell stands (a node's network), or from a pod only."""

    NODE = "node"
    POD = "pod"


class NodePorts(StrEnum):
    """Where the port of a NodePort Service answers; ``UNKNOWN`` where it depends on what we do not see."""

    NODE = "node"
    LOCALHOST = "localhost"
    UNKNOWN = "unknown"


@dataclass(frozen=True)
class Abilities:
    """What can be done with a cluster, as data: texts and screens follow it, and none asks for a provider's name.

    ``pod_addresses``: from where pod and Service addresses answer. ``node_ports``: see NodePorts. ``several_nodes``:
    it may be made with more than one. ``load_balancer``: somebody hands out addresses to Services of that type; None
    where only trying tells. ``control_plane``: its parts may be broken and repaired, for it is ours. ``node_shell``:
    there is a shell on a node. ``load_images``: images come onto the nodes without a registry.
    The defaults are what is true of a cluster of which nothing is known.
    """

    pod_addresses: Reach = Reach.POD
    node_ports: NodePorts = NodePorts.UNKNOWN
    several_nodes: bool = False
    load_balancer: bool | None = None
    control_plane: bool = False
    node_shell: bool = False
    load_images: bool = False

    def words(self) -> dict[str, str]:
        """The same as plain words, as lab texts ask for them (``labs/where.py``)."""
        return {
            "pod-addresses": self.pod_addresses.value,
            "node-ports": self.node_ports.value,
            "several-nodes": _word(self.several_nodes),
            "load-balancer": _word(self.load_balancer),
            "control-plane": _word(self.control_plane),
            "node-shell": _word(self.node_shell),
            "load-images": _word(self.load_images),
        }


def _word(value: bool | None) -> str:
    return "unknown" if value is None else "yes" if value else "no"


@dataclass(frozen=True)
class NodeInfo:
    """One node: its name in Kubernetes, PID 1 as seen from the host (None if not ours), address on the node network."""

    name: str
    pid: int | None = None
    address: str = ""
    running: bool = True


@dataclass(frozen=True)
class Cluster:
    """A cluster that can be used, or whose remains can be removed.

    ``kubeconfig`` is private to us (0600) and has the learner's namespace as its context's default.
    ``netns`` is a path (``/proc/<pid>/ns/net``) in which pod and Service addresses are reachable, None where
    only a pod can reach them. ``owned`` is true only for clusters that we made. ``stand_ins`` maps an image
    as the lab names it to the truth about what is served under that name. ``bin_dir`` holds ``kubectl`` of
    the cluster's own version, None to take it from PATH. ``running`` and ``ready`` are as last observed;
    ``tenant``: others work there too; only the namespace is the learner's, to be emptied but not deleted.
    ``trouble`` says in a sentence what is wrong when it is not ready. ``node_ports``: a port of the first node ->
    the port of 127.0.0.1 at which it answers, where a node's own address may not be reachable. ``can``: what can be
    done with it.
    """

    name: str
    provider: str
    kubeconfig: Path
    namespace: str
    owned: bool
    server: str = ""
    version: str = ""
    nodes: tuple[NodeInfo, ...] = ()
    netns: Path | None = None
    bin_dir: Path | None = None
    running: bool = False
    ready: bool = False
    started_at: float | None = None
    trouble: str = ""
    egress: bool = False
    tenant: bool = False
    stand_ins: dict[str, str] = field(default_factory=dict)
    node_ports: dict[int, int] = field(default_factory=dict)
    can: Abilities = field(default_factory=Abilities)


class Provider(Protocol):
    """Makes, finds and removes clusters of one kind. Errors are ``EnvironmentFault`` with a remedy (exit 3)."""

    name: str

    def up(self, name: str, *, nodes: int = 1, egress: bool = False, report: Report) -> Cluster:
        """Return when the cluster is ready; resume what an earlier call left; do nothing if it is ready."""
        ...

    def down(self, name: str, *, report: Report) -> bool:
        """Remove every trace; false if there was nothing. Works from the state file alone."""
        ...

    def remains(self, name: str) -> builtins.list[str]:
        """What ``down`` would remove, one thing a line, its sort first; changes nothing."""
        ...

    def status(self, name: str) -> Cluster | None:
        """What is there now, None if nothing; never blocks for more than 3 s, never changes anything."""
        ...

    def list(self) -> list[Cluster]:
        """All clusters of this provider, also broken ones."""
        ...

    def load_images(self, name: str, archive: Path, *, report: Report) -> None:
        """Put the images of an archive (docker's or OCI's, one platform) onto every node, without a registry."""
        ...

    def logs(self, name: str, component: str = "") -> Iterator[str]:
        """Lines of what the cluster's parts logged (all, or one of ``components``), without a trailing newline."""
        ...

    def shell_argv(self, name: str, command: Sequence[str] = ()) -> builtins.list[str]:
        """The argument list of a shell on the (first) node, or of one command there."""
        ...
