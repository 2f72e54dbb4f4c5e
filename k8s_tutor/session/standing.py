"""Whether a cluster that we did not make may be worked on: its own facts, asked read-only before anything is written.

The guard judges by name and address when the kubeconfig is read; here its verdict is made whole. What it does not
allow needs the user's consent for this very cluster (``clusters/consent.py``).
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from k8s_tutor.clusters import consent, guard
from k8s_tutor.clusters.consent import UNKNOWN, Consent
from k8s_tutor.clusters.context import read_kubeconfig
from k8s_tutor.clusters.guard import Facts, Node
from k8s_tutor.clusters.provider import Cluster
from k8s_tutor.errors import ClusterError
from k8s_tutor.kube.client import Api
from k8s_tutor.kube.errors import ApiRefused, Unauthorized

MOST = 500
"""Objects of a kind that are counted; more are told as so many."""


@dataclass(frozen=True)
class Known:
    """A context with all that is known of its cluster: as the kubeconfig names it, and its own facts."""

    context: str
    cluster: str
    server: str
    user: str
    proxy: str
    ca: str
    facts: Facts

    @property
    def consent(self) -> Consent:
        """What consent to it would say."""
        return Consent(self.context, self.server, self.user, self.ca, self.facts.uid or UNKNOWN)

    @property
    def consented(self) -> bool:
        """Whether the user consented to this very cluster."""
        return any(each.is_for(self.server, self.ca, self.facts.uid) for each in consent.load())

    def verdict(self, resolve: guard.Resolve | None = None) -> guard.Verdict:
        """What the guard says, consent left aside."""
        return guard.decide(self.context, self.cluster, self.server, self.facts, proxy=self.proxy, resolve=resolve)


def admit(api: Api, cluster: Cluster) -> None:
    """Raise EnvironmentFault unless this cluster may be written to; sends nothing but GET.

    A cluster that we made, or that was given to this learner by a server of ours, is not asked about.
    """
    if cluster.owned or cluster.tenant:
        return
    known = look(api, cluster.kubeconfig)
    verdict = known.verdict()
    if verdict.allowed or known.consented:
        return
    others = [each for each in consent.load() if each.context == known.context]
    again = (
        f" (you consented to another one under this name: kube-system {others[-1].uid[:40]}, now {known.consent.uid})"
        if others
        else ""
    )
    raise guard.refusal(known.context, verdict.reason + again)


def look(api: Api, kubeconfig: Path) -> Known:
    """What is known of the cluster of a private copy. Raises ClusterError when its API server does not answer."""
    document = read_kubeconfig(kubeconfig)
    try:
        (context,), (cluster,), (user,) = document["contexts"], document["clusters"], document["users"]
        entry = cluster["cluster"]
        names = str(context["name"]), str(cluster["name"]), str(entry["server"]), str(user["name"])
    except (KeyError, TypeError, ValueError) as error:
        raise ClusterError(f"{kubeconfig} is not a copy that the tutor wrote", code="context") from error
    proxy = str(entry.get("proxy-url") or "")
    return Known(names[0], names[1], names[2], names[3], proxy, api.ca_fingerprint, facts(api))


def facts(api: Api) -> Facts:
    """The cluster's own facts, as far as these credentials may read them. Raises ClusterError without an answer."""
    system = _one(api, "api/v1/namespaces/kube-system")
    version = _one(api, "version")
    nodes, _ = _some(api, "api/v1/nodes")
    _, namespaces = _some(api, "api/v1/namespaces")
    return Facts(
        uid=str((system.get("metadata") or {}).get("uid", "")),
        version=str(version.get("gitVersion", "")),
        nodes=None if nodes is None else tuple(_node(item) for item in nodes),
        namespaces=namespaces,
    )


def _node(item: dict[str, Any]) -> Node:
    metadata, spec = item.get("metadata") or {}, item.get("spec") or {}
    return Node(
        str(metadata.get("name", "")),
        str(spec.get("providerID") or ""),
        frozenset(map(str, metadata.get("labels") or ())),
    )


def _one(api: Api, path: str) -> dict[str, Any]:
    try:
        return api.get(path)
    except Unauthorized:
        raise
    except ApiRefused:
        return {}


def _some(api: Api, path: str) -> tuple[list[dict[str, Any]] | None, int | None]:
    """The first objects of a collection, and how many there are in all; None where it may not be listed."""
    try:
        answer = api.list(path, {"limit": MOST})
    except Unauthorized:
        raise
    except ApiRefused:
        return None, None
    left = (answer.get("metadata") or {}).get("remainingItemCount") or 0
    return [item for item in answer["items"] if isinstance(item, dict)], len(answer["items"]) + int(left)
