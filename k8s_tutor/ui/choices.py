"""Which clusters there are to learn on: our own, and local ones of the user's kubeconfig; why others are not used.

Only looks. May block for some seconds (a stopped API server is asked, a host name resolved): a job's work.
"""

from __future__ import annotations

import os
from dataclasses import dataclass

from k8s_tutor.clusters.provider import Cluster
from k8s_tutor.errors import TutorError, UsageError

MOST_CONTEXTS = 40
"""Contexts of a kubeconfig that are judged; a company's file may hold hundreds."""


@dataclass(frozen=True)
class Choice:
    """One cluster of the list. ``context`` is its name in the kubeconfig, empty for our own.

    ``cluster`` is None where there is nothing yet. ``why_not``: why it may not be used; empty if it may.
    """

    name: str
    context: str = ""
    cluster: Cluster | None = None
    why_not: str = ""

    @property
    def own(self) -> bool:
        """Whether it is one that we make and remove."""
        return not self.context


@dataclass(frozen=True)
class Ground:
    """What a new cluster needs: whether its parts are made, and what stands in the way (empty: nothing)."""

    made: bool = True
    obstacle: str = ""


@dataclass(frozen=True)
class Pick:
    """Which cluster is worked on: a ``context``, or (it is empty) our own one ``name``; ``told`` says why, for home.

    ``name`` is set in either case: what would be started if the learner turned to our own.
    """

    name: str
    context: str = ""
    told: str = ""

    @property
    def called(self) -> str:
        """How it is called, with what makes it: ``native tutor``, ``context kind-x``. What is remembered of it."""
        return f"context {self.context}" if self.context else f"native {self.name}"


def pick(remembered: object) -> Pick:
    """The cluster that was chosen the last time (``Pick.called``), if it can still be used; else as without one."""
    from k8s_tutor.session.places import DEFAULT_NAME, native

    own = [cluster.name for cluster in native().list()]
    name = own[0] if len(own) == 1 else DEFAULT_NAME
    told = f"{name} is used: the only one of the tutor's own" if len(own) == 1 else ""
    kind, _, chosen = remembered.partition(" ") if isinstance(remembered, str) else ("", "", "")
    lost = ""
    if kind == "native" and chosen in own:
        return Pick(chosen, told=f"{chosen} is used: your choice")
    if kind == "native" and chosen and chosen != name:
        lost = "is not there any more"
    elif kind == "context" and chosen:
        lost = _lost(chosen)
        if not lost:
            return Pick(name, chosen, f"{chosen} is used: your choice")
    return Pick(name, told=f"{chosen}, your choice, {lost}; {name} is used instead" if lost else told)


def _lost(context: str) -> str:
    """Why a context that was chosen once cannot be used now; empty if it can."""
    from k8s_tutor.clusters.context import ContextProvider

    try:
        ContextProvider().inspect(context)
    except UsageError:
        return "is not in your kubeconfig any more"
    except TutorError as error:
        return f"cannot be used ({error.message})"
    return ""


def choices(name: str) -> tuple[Choice, ...]:
    """Our own clusters (``name``, the one that would be started, among them), then the contexts that are there."""
    from k8s_tutor.session.places import native

    own = {cluster.name: cluster for cluster in native().list()}
    found = [Choice(each, cluster=own.get(each)) for each in dict.fromkeys((name, *sorted(own)))]
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


def ground() -> Ground:
    """Whether a cluster could be started here, and how long it would take."""
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
