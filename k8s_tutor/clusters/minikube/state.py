"""What a minikube cluster consists of, in one file that is written before each thing is made."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace

from k8s_tutor.clusters import keeping
from k8s_tutor.clusters.minikube import names

STARTING, READY, FAILED, REMOVING = "starting", "ready", "failed", "removing"


@dataclass(frozen=True)
class MinikubeState:
    """One cluster as planned or made.

    ``stage``: starting, ready (it was, once), failed (its machines are gone, its logs are kept) or removing.
    ``program``: minikube itself; ``minikube_home``: its ``$MINIKUBE_HOME`` when the cluster was made, by which alone it
    finds the profile again (empty: none was set).
    """

    name: str
    stage: str
    created: float
    nodes: int
    program: str
    minikube_home: str = ""
    version: str = ""
    trouble: str = ""

    def at(self, stage: str, trouble: str = "") -> MinikubeState:
        """The same at another stage."""
        return replace(self, stage=stage, trouble=trouble)


def save(state: MinikubeState) -> None:
    """Write the state in one step."""
    keeping.write(names.cluster_dir(state.name), asdict(state))


def load(name: str) -> MinikubeState | None:
    """The state as last written; None when there is no file, or when it cannot be read as one."""
    try:
        state = MinikubeState(**keeping.read(names.cluster_dir(name)))
        whole = replace(state, nodes=int(state.nodes), created=float(state.created))
    except (OSError, ValueError, TypeError, AttributeError):
        return None
    return whole if state.name == name and 1 <= whole.nodes <= names.MAX_NODES else None
