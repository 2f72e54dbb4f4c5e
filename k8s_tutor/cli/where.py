"""The cluster that the options of a command name."""

from __future__ import annotations

import argparse

from k8s_tutor.clusters.provider import Cluster


def cluster_of(options: argparse.Namespace) -> Cluster:
    """The cluster to work on, ready. Raises UsageError, ClusterError with the command that mends it."""
    from k8s_tutor.session.places import find_cluster

    found = [getattr(options, name, None) for name in ("cluster", "context", "provider")]
    return find_cluster(*found)
