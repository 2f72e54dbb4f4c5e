"""A cluster that somebody else gave to this process: one kubeconfig, one namespace, and nothing else is looked for.

``k8s-tutor serve`` starts each learner's tutor so. What was given stands in one small file, named by an environment
variable; the guard judges the kubeconfig that it names as it judges any other.
"""

from __future__ import annotations

import builtins
import json
import os
from collections.abc import Iterator, Sequence
from pathlib import Path

from k8s_tutor.clusters import guard
from k8s_tutor.clusters.context import read_kubeconfig
from k8s_tutor.clusters.provider import Abilities, Cluster, NodeInfo, NodePorts, Reach
from k8s_tutor.errors import ClusterError, UsageError
from k8s_tutor.phases import Report

VARIABLE = "K8S_TUTOR_ASSIGNED"
LARGEST = 64 * 1024
_TEXTS = ("name", "namespace", "kubeconfig", "version", "bin_dir")
_CAN = Abilities(pod_addresses=Reach.NODE, node_ports=NodePorts.NODE, load_balancer=False)
HERE = Path("/proc/self/ns/net")
"""The network that this process is in: the node's own, for the server started it there."""


def write_text(cluster: Cluster, namespace: str, kubeconfig: Path) -> str:
    """What the file says: this namespace of ``cluster``, by the credentials in ``kubeconfig``."""
    return json.dumps(
        {
            "name": cluster.name,
            "namespace": namespace,
            "kubeconfig": str(kubeconfig),
            "version": cluster.version,
            "bin_dir": str(cluster.bin_dir or ""),
            "nodes": [node.name for node in cluster.nodes],
            "stand_ins": cluster.stand_ins,
        },
        indent=1,
    )


def assigned() -> AssignedProvider | None:
    """What this process was given, None if nothing was."""
    named = os.environ.get(VARIABLE, "")
    return AssignedProvider(Path(named)) if named else None


class AssignedProvider:
    """Gives the one cluster of the file; makes, finds and removes none."""

    name = "assigned"

    def __init__(self, file: Path) -> None:
        self._file = file

    @property
    def cluster(self) -> Cluster:
        """The cluster. Raises ClusterError for a file that is not as the server writes it, or what the guard refuses.

        Whether it answers is the session's to find out.
        """
        try:
            with self._file.open("rb") as file:
                document = json.loads(file.read(LARGEST))
            texts = {key: document[key] for key in _TEXTS}
            nodes, stand_ins = document["nodes"], document["stand_ins"]
            if not all(isinstance(text, str) for text in (*texts.values(), *nodes, *stand_ins, *stand_ins.values())):
                raise TypeError("something in it is not a text")
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
            raise ClusterError(
                f"{self._file} does not say which cluster was given: {getattr(error, 'strerror', None) or error}",
                remedy=f"unset {VARIABLE}, or ask whoever runs k8s-tutor serve",
                code="assigned",
            ) from error
        kubeconfig = Path(texts["kubeconfig"])
        server = _judged(kubeconfig)
        return Cluster(
            name=texts["name"],
            provider=self.name,
            kubeconfig=kubeconfig,
            namespace=texts["namespace"],
            owned=False,
            tenant=True,
            server=server,
            version=texts["version"],
            nodes=tuple(NodeInfo(name) for name in nodes),
            netns=HERE,
            bin_dir=Path(texts["bin_dir"]) if texts["bin_dir"] else None,
            running=True,
            ready=True,
            stand_ins=dict(stand_ins),
            can=_CAN,
        )

    def up(self, name: str, *, nodes: int = 1, egress: bool = False, report: Report) -> Cluster:
        """The cluster as it is. Raises UsageError for another one."""
        self._mine(name)
        return self.cluster

    def down(self, name: str, *, report: Report) -> bool:
        """Not the learner's to remove. Raises UsageError."""
        raise UsageError(f"cluster {name[:40]!r} is shared: whoever runs the server stops it", code="assigned")

    def remains(self, name: str) -> builtins.list[str]:
        """Nothing is the learner's to remove."""
        return []

    def status(self, name: str) -> Cluster | None:
        """The cluster, None for another name."""
        cluster = self.cluster
        return cluster if cluster.name == name else None

    def list(self) -> list[Cluster]:
        """The one cluster."""
        return [self.cluster]

    def load_images(self, name: str, archive: Path, *, report: Report) -> None:
        """Not the learner's to fill. Raises UsageError."""
        raise UsageError(f"the nodes of {name[:40]!r} belong to whoever runs the server", code="assigned")

    def logs(self, name: str, component: str = "") -> Iterator[str]:
        """Not the learner's to read. Raises UsageError."""
        raise UsageError(f"the parts of {name[:40]!r} belong to whoever runs the server", code="assigned")

    def shell_argv(self, name: str, command: Sequence[str] = ()) -> builtins.list[str]:
        """Not the learner's to enter. Raises UsageError."""
        raise UsageError(f"the nodes of {name[:40]!r} belong to whoever runs the server", code="assigned")

    def _mine(self, name: str) -> None:
        if self.cluster.name != name:
            raise UsageError(
                f"this tutor was given cluster {self.cluster.name!r}, and uses no other",
                remedy="leave out --cluster and --context",
                code="assigned",
            )


def _judged(kubeconfig: Path) -> str:
    """The server's address in a kubeconfig with one context. Raises EnvironmentFault where the guard refuses it."""
    document = read_kubeconfig(kubeconfig)
    try:
        (context,), (cluster,) = document["contexts"], document["clusters"]
        name, cluster_name, server = context["name"], cluster["name"], cluster["cluster"]["server"]
        if document["current-context"] != name or context["context"]["cluster"] != cluster_name:
            raise ValueError("its context is another one")
        if "proxy-url" in cluster["cluster"]:
            raise ValueError("it goes through a proxy")
    except (KeyError, TypeError, ValueError) as error:
        raise ClusterError(
            f"{kubeconfig} is not the kubeconfig that the server wrote: {error}",
            remedy="ask whoever runs k8s-tutor serve to start it again",
            code="assigned",
        ) from error
    guard.require(str(name), str(cluster_name), str(server))
    return str(server)
