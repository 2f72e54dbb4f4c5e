"""The cluster that the options of a command name."""

from __future__ import annotations

import argparse

from k8s_tutor.clusters.provider import Cluster
from k8s_tutor.labs.model import Lab


def as_told(lab: Lab, options: argparse.Namespace) -> Lab:
    """The lab as it is told on the cluster that is meant; as on the tutor's own where there is none yet."""
    from k8s_tutor.session.places import abilities

    can = abilities(*(getattr(options, name, None) for name in ("cluster", "context", "provider")))
    return lab if can is None else lab.fitted(can.words())


def cluster_of(options: argparse.Namespace) -> Cluster:
    """The cluster to work on, ready. Raises UsageError, ClusterError with the command that mends it."""
    from k8s_tutor.session.places import find_cluster

    found = [getattr(options, name, None) for name in ("cluster", "context", "provider")]
    return find_cluster(*found)
