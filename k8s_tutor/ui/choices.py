"""Which clusters there are to learn on: our own, and local ones of the user's kubeconfig; why others are not used.

Only looks. May block for some seconds (a stopped API server is asked, a host name resolved): a job's work.
"""

from __future__ import annotations

import os
from dataclasses import dataclass

from k8s_tutor.clusters.choose import Chosen
from k8s_tutor.clusters.provider import Cluster
from k8s_tutor.errors import TutorError

MOST_CONTEXTS = 40
"""Contexts of a kubeconfig that are judged; a company's file may hold hundreds."""


@dataclass(frozen=True)
class Choice:
    """One cluster of the list. ``context`` is its name in the kubeconfig, empty for our own.

    ``provider``: what made our own, or would. ``cluster`` is None where there is nothing yet. ``why_not``: why it
    may not be used; empty if it may.
    """

    name: str
    context: str = ""
    cluster: Cluster | None = None
    why_not: str = ""
    provider: str = "native"

    @property
    def own(self) -> bool:
        """Whether it is one that we make and remove."""
        return not self.context


@dataclass(frozen=True)
class Ground:
    """What a new cluster needs: whether its parts are made, and what stands in the way (empty: nothing)."""

    made: bool = True
    obstacle: str = ""


def choices(meant: Chosen) -> tuple[Choice, ...]:
    """Our own clusters (the one that is meant, or would be started, first), then the contexts that are there."""
    from k8s_tutor.clusters import choose

    own = {(cluster.name, cluster.provider): cluster for cluster in choose.clusters()}
    first = (meant.name, meant.provider.name)
    found = [Choice(key[0], cluster=own.get(key), provider=key[1]) for key in dict.fromkeys((first, *sorted(own)))]
    return (*found, *contexts())


def contexts() -> tuple[Choice, ...]:
    """The contexts of the user's kubeconfig: those that may be used first, then the others with the reason."""
    from k8s_tutor.clusters.context import ContextProvider

    provider = ContextProvider()
    try:
        names = provider.names()[:MOST_CONTEXTS]
        allowed = {cluster.name: cluster for cluster in provider.list()}
    except TutorError as error:
        return (Choice("kubeconfig", context="kubeconfig", why_not=error.message),)
    usable = [Choice(name, context=name, cluster=allowed[name]) for name in names if name in allowed]
    others = [Choice(name, context=name, why_not=_refusal(name)) for name in names if name not in allowed]
    return (*usable, *others)


def ground(provider: str) -> Ground:
    """Whether a cluster of this provider could be started here, and how long it would take."""
    if provider != "native":
        # An engine answers, or it would not be this provider; what it must load is said when it is loaded.
        return Ground()
    from k8s_tutor.clusters.node.prepare import inspect

    made = inspect() is not None
    if os.geteuid() != 0:
        return Ground(made, "only root can make a cluster's nodes: sudo k8s-tutor, or choose a local cluster")
    return Ground(made)


def _refusal(name: str) -> str:
    from k8s_tutor.clusters.context import ContextProvider

    try:
        ContextProvider().inspect(name)
    except TutorError as error:
        return error.message.rpartition("refused: ")[2]
    return "it cannot be used"
