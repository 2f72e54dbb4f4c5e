"""What a cluster consists of on this host, in one file that is written before each thing is made.

Every name follows from the cluster's (``names``), so that ``down`` can do its work even when the file is lost.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, field, replace
from ipaddress import IPv4Network
from pathlib import Path

from k8s_tutor.clusters import keeping
from k8s_tutor.clusters.keeping import FILE
from k8s_tutor.clusters.native import names
from k8s_tutor.clusters.native.network import Ranges
from k8s_tutor.clusters.node.material import Material

__all__ = [
    "FILE", "READY", "REMOVING", "STARTING", "ClusterState", "all_names", "forget", "load", "made_of", "save", "tidy",
]  # fmt: skip

STARTING, READY, REMOVING = "starting", "ready", "removing"


@dataclass(frozen=True)
class ClusterState:
    """One cluster as planned or made.

    ``stage`` is starting, ready (it was, once) or removing. ``nodes`` is their number; names, addresses, links and
    cgroups of each follow from its index. ``links``, ``cgroups`` and ``folders`` list what ``down`` removes, a node's
    process is in the ``pid.json`` of its folder. ``sysctls`` are the machine's values before the first cluster.
    ``token`` is the secret by which workers join.
    """

    name: str
    stage: str
    created: float
    nodes: int
    egress: bool
    node_range: str
    pod_range: str
    service_range: str
    token: str
    links: list[str] = field(default_factory=list)
    cgroups: list[str] = field(default_factory=list)
    folders: list[str] = field(default_factory=list)
    sysctls: dict[str, str] = field(default_factory=dict)
    material: dict[str, str] = field(default_factory=dict)
    images: dict[str, str] = field(default_factory=dict)
    stand_ins: dict[str, str] = field(default_factory=dict)

    @property
    def ranges(self) -> Ranges:
        """The address ranges."""
        return Ranges(IPv4Network(self.node_range), IPv4Network(self.pod_range), IPv4Network(self.service_range))

    def networks(self) -> list[IPv4Network]:
        """What others must keep clear of."""
        return [IPv4Network(self.node_range), IPv4Network(self.pod_range), IPv4Network(self.service_range)]

    def at(self, stage: str) -> ClusterState:
        """The same at another stage."""
        return replace(self, stage=stage)

    @property
    def bin_dir(self) -> Path | None:
        """Programs of the cluster's own version."""
        return Path(self.material["bin_dir"]) if self.material.get("bin_dir") else None

    def restored_material(self) -> Material:
        """The material that the nodes were made of."""
        return Material(
            bin_dir=Path(self.material["bin_dir"]),
            cni_dir=Path(self.material["cni_dir"]),
            store_dir=Path(self.material["store_dir"]),
            registry_dir=Path(self.material["registry_dir"]),
            kubernetes_version=self.material["kubernetes_version"],
            images=dict(self.images),
            stand_ins=dict(self.stand_ins),
        )


def made_of(state: ClusterState, material: Material) -> ClusterState:
    """The state with this material written into it."""
    places = {
        "bin_dir": str(material.bin_dir),
        "cni_dir": str(material.cni_dir),
        "store_dir": str(material.store_dir),
        "registry_dir": str(material.registry_dir),
        "kubernetes_version": material.kubernetes_version,
    }
    return replace(state, material=places, images=dict(material.images), stand_ins=dict(material.stand_ins))


def save(state: ClusterState) -> None:
    """Write the state in one step."""
    keeping.write(names.cluster_dir(state.name), asdict(state))


def load(name: str) -> ClusterState | None:
    """The state as last written; None when there is no file, or when it cannot be read as one."""
    try:
        state = ClusterState(**keeping.read(names.cluster_dir(name)))
        state.networks()
    except (OSError, ValueError, TypeError):
        return None
    return state if state.name == name else None


def all_names() -> list[str]:
    """Names of all clusters with a folder, also of broken ones."""
    return keeping.all_names(names.clusters_dir())


def forget(name: str) -> None:
    """Remove the cluster's folder, the state file last. Raises OSError."""
    keeping.forget(names.cluster_dir(name))


def tidy() -> None:
    """Remove the folders of all clusters if nothing is in them."""
    keeping.tidy(names.clusters_dir())
