"""Find the cluster that a session works on: by name, by context, or the only one there is."""

from __future__ import annotations

from k8s_tutor.clusters import choose
from k8s_tutor.clusters.assigned import assigned
from k8s_tutor.clusters.choose import DEFAULT_NAME, Chosen
from k8s_tutor.clusters.provider import Abilities, Cluster
from k8s_tutor.errors import ClusterError, TutorError, UsageError
from k8s_tutor.phases import silent

__all__ = ["DEFAULT_NAME", "abilities", "chosen", "find_cluster"]


def chosen(name: str | None = None, provider: str | None = None) -> Chosen:
    """The cluster of our own that is meant, whether it is there or not, and the provider that has or would make it."""
    return choose.choose(name, provider)


def abilities(name: str | None = None, context: str | None = None, provider: str | None = None) -> Abilities | None:
    """What can be done with the cluster that is meant; None where there is none yet. Changes nothing, refuses nothing.

    For texts that are shown without work on a cluster.
    """
    try:
        given = assigned()
        if given is not None:
            return given.cluster.can
        if context:
            return Abilities()
        there, _ = _there(name, choose.wish(provider))
    except TutorError:
        return None
    return there.can if there is not None else None


def find_cluster(name: str | None = None, context: str | None = None, provider: str | None = None) -> Cluster:
    """The cluster to work on; it runs and is ready, or this raises ClusterError with the command that mends it."""
    if name and context:
        raise UsageError("name either --cluster or --context, not both")
    given = assigned()
    if given is not None:
        return given.up(context or name or given.cluster.name, report=silent)
    if context:
        from k8s_tutor.clusters.context import ContextProvider

        return ContextProvider().up(context, report=silent)
    wanted = choose.wish(provider)
    cluster, known = _there(name, wanted)
    meant = name or (cluster.name if cluster is not None else DEFAULT_NAME)
    option = "" if meant == DEFAULT_NAME else f" --name {meant}"
    if cluster is None and len(known) > 1:
        raise ClusterError(
            f"there are {len(known)} clusters, and none is named {DEFAULT_NAME!r}",
            remedy="name one: " + ", ".join(f"--cluster {each.name}" for each in known),
            code="which-cluster",
        )
    if cluster is None or not cluster.running:
        raise ClusterError(
            f"no cluster named {meant!r} is running" if cluster is None else f"cluster {meant!r} is not running",
            remedy=f"k8s-tutor cluster up{option}",
            code="no-cluster",
        )
    if not cluster.ready:
        raise ClusterError(
            f"cluster {meant!r} is not ready: {cluster.trouble or 'the API server does not answer'}",
            remedy=f"k8s-tutor cluster up{option}",
            code="not-ready",
        )
    return cluster


def _there(name: str | None, wanted: str) -> tuple[Cluster | None, list[Cluster]]:
    """The cluster that is meant, if it is there, and (no name was given) all there are."""
    known = choose.clusters(wanted) if name is None else []
    only = _only(known)
    if only is not None:
        return only, known
    found = choose.find(name or DEFAULT_NAME, wanted)
    return (found.cluster if found is not None else None), known


def _only(known: list[Cluster]) -> Cluster | None:
    return known[0] if len(known) == 1 else None
