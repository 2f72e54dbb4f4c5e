"""Find the cluster that a session works on: by name, by context, or the only one there is."""

from __future__ import annotations

from k8s_tutor.clusters.assigned import assigned
from k8s_tutor.clusters.provider import Cluster, Provider
from k8s_tutor.errors import ClusterError, UsageError
from k8s_tutor.phases import silent

DEFAULT_NAME = "tutor"
"""The name of the cluster that is made when none is named."""


def native() -> Provider:
    """The provider that makes clusters on this machine."""
    from k8s_tutor.clusters.native.provider import NativeProvider

    return NativeProvider()


def chosen_name(name: str | None) -> str:
    """The name of the native cluster that is meant: the given one, else the only one there is, else the default."""
    if name:
        return name
    known = [cluster.name for cluster in native().list()]
    return known[0] if len(known) == 1 else DEFAULT_NAME


def find_cluster(name: str | None = None, context: str | None = None) -> Cluster:
    """The cluster to work on; it runs and is ready, or this raises ClusterError with the command that mends it."""
    if name and context:
        raise UsageError("name either --cluster or --context, not both")
    given = assigned()
    if given is not None:
        return given.up(context or name or given.cluster.name, report=silent)
    if context:
        from k8s_tutor.clusters.context import ContextProvider

        return ContextProvider().up(context, report=silent)
    known = native().list() if name is None else []
    cluster = known[0] if len(known) == 1 else native().status(name or DEFAULT_NAME)
    wanted = name or (cluster.name if cluster is not None else DEFAULT_NAME)
    option = "" if wanted == DEFAULT_NAME else f" --name {wanted}"
    if cluster is None and len(known) > 1:
        raise ClusterError(
            f"there are {len(known)} clusters, and none is named {DEFAULT_NAME!r}",
            remedy="name one: " + ", ".join(f"--cluster {each.name}" for each in known),
            code="which-cluster",
        )
    if cluster is None or not cluster.running:
        raise ClusterError(
            f"no cluster named {wanted!r} is running" if cluster is None else f"cluster {wanted!r} is not running",
            remedy=f"k8s-tutor cluster up{option}",
            code="no-cluster",
        )
    if not cluster.ready:
        raise ClusterError(
            f"cluster {wanted!r} is not ready: {cluster.trouble or 'the API server does not answer'}",
            remedy=f"k8s-tutor cluster up{option}",
            code="not-ready",
        )
    return cluster
