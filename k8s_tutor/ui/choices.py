"""Which clusters there are to learn on: our own, and local ones of the user's kubeconfig; why others are not used.

Only looks. May block for some seconds (a stopped API server is asked, a host name resolved): a job's work.
"""

from __future__ import annotations

import os
import shlex
from dataclasses import dataclass

from k8s_tutor.clusters.provider import Cluster
from k8s_tutor.errors import TutorError, UsageError

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


@dataclass(frozen=True)
class Pick:
    """Which cluster is worked on: a ``context``, or (it is empty) our own one ``name``; ``told`` says why, for home.

    ``name`` and ``provider`` are set in either case: what would be started if the learner turned to our own.
    """

    name: str
    context: str = ""
    told: str = ""
    provider: str = "native"

    @property
    def called(self) -> str:
        """How it is called, with what makes it: ``native tutor``, ``context kind-x``. What is remembered of it."""
        return f"context {self.context}" if self.context else f"{self.provider} {self.name}"


def pick(remembered: object) -> Pick:
    """The cluster that was chosen the last time (``Pick.called``), if it can still be used; else as without one."""
    from k8s_tutor.clusters import choose

    own = choose.clusters(choose.wish(None))
    kind, _, chosen = remembered.partition(" ") if isinstance(remembered, str) else ("", "", "")
    if any((cluster.provider, cluster.name) == (kind, chosen) for cluster in own):
        return Pick(chosen, told=f"{chosen} is used: your choice", provider=kind)
    name, provider, told = _without_choice(own)
    lost = ""
    if kind in choose.names() and chosen and chosen != name:
        lost = "is not there any more"
    elif kind == "context" and chosen:
        lost = _lost(chosen)
        if not lost:
            return Pick(name, chosen, f"{chosen} is used: your choice", provider)
    told = f"{chosen}, your choice, {lost}; {name} is used instead" if lost else told
    return Pick(name, told=told, provider=provider)


def _without_choice(own: list[Cluster]) -> tuple[str, str, str]:
    """Name, provider and the reason where nothing was chosen: the only one there is, else what would be made."""
    from k8s_tutor.clusters import choose

    if len(own) == 1:
        only = own[0]
        return only.name, only.provider, f"{only.name} is used: the only one of the tutor's own"
    try:
        found = choose.choose(choose.DEFAULT_NAME)
    except TutorError as error:
        return choose.DEFAULT_NAME, "native", error.message
    other = found.cluster is None and found.provider.name != "native"
    told = f"a {found.provider.name} cluster is made: {found.why}" if other else ""
    return found.name, found.provider.name, told


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


def choices(name: str, provider: str) -> tuple[Choice, ...]:
    """Our own clusters (the named one, that would be started, first), then the contexts that are there."""
    from k8s_tutor.clusters import choose

    own = {(cluster.name, cluster.provider): cluster for cluster in choose.clusters()}
    keys = dict.fromkeys(((name, provider), *sorted(own)))
    return (*(Choice(key[0], cluster=own.get(key), provider=key[1]) for key in keys), *contexts())


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
        # An engine answers, or minikube has a driver, or it would not be this provider; what it must load is said when
        # it is loaded.
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
        command = shlex.join(("k8s-tutor", "cluster", "consent", name[:100]))
        way_in = f". Yours to learn on all the same? {command}" if error.code == "context-refused" else ""
        return error.message.rpartition("refused: ")[2] + way_in
    return "it cannot be used"
