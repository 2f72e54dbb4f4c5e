"""What a kind cluster consists of, in one file that is written before each thing is made."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field, replace

from k8s_tutor.clusters import keeping
from k8s_tutor.clusters.keeping import FILE
from k8s_tutor.clusters.kind import names

__all__ = [
    "FAILED",
    "FILE",
    "READY",
    "REMOVING",
    "STARTING",
    "KindState",
    "all_names",
    "forget",
    "load",
    "save",
    "tidy",
]

STARTING, READY, FAILED, REMOVING = "starting", "ready", "failed", "removing"


@dataclass(frozen=True)
class KindState:
    """One cluster as planned or made.

    ``stage``: starting, ready (it was, once), failed (its containers are gone, its logs are kept) or removing.
    ``engine`` and ``program``: the container engine's kind and its command; ``kind``: the kind program.
    ``image`` is empty for the program's own node image. ``network_there``: whether the engine had kind's network
    before us. ``registry``: the nodes are of the image that we make, with a registry inside. ``ports``: a node's
    port -> the port on 127.0.0.1.
    """

    name: str
    stage: str
    created: float
    nodes: int
    engine: str
    program: str
    kind: str
    image: str = ""
    version: str = ""
    network_there: bool = True
    ports: dict[str, int] = field(default_factory=dict)
    stand_ins: dict[str, str] = field(default_factory=dict)
    registry: bool = False
    trouble: str = ""

    def at(self, stage: str, trouble: str = "") -> KindState:
        """The same at another stage."""
        return replace(self, stage=stage, trouble=trouble)


def save(state: KindState) -> None:
    """Write the state in one step."""
    keeping.write(names.cluster_dir(state.name), asdict(state))


def load(name: str) -> KindState | None:
    """The state as last written; None when there is no file, or when it cannot be read as one."""
    try:
        state = KindState(**keeping.read(names.cluster_dir(name)))
        whole = {str(key): int(value) for key, value in state.ports.items()}
    except (OSError, ValueError, TypeError, AttributeError):
        return None
    return replace(state, ports=whole) if state.name == name else None


def all_names() -> list[str]:
    """Names of all clusters with a folder, also of broken ones."""
    return keeping.all_names(names.clusters_dir())


def forget(name: str) -> None:
    """Remove the cluster's folder, the state file last. Raises OSError."""
    keeping.forget(names.cluster_dir(name))


def tidy() -> None:
    """Remove the folders of all clusters if nothing is in them."""
    keeping.tidy(names.clusters_dir())
