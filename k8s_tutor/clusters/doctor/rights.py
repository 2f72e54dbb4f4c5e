"""What the credentials may do: each right that the labs use, asked of the API server itself."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from k8s_tutor.clusters.doctor.asking import Asking, part, silent
from k8s_tutor.clusters.doctor.finding import CLUSTER, Finding, Topic
from k8s_tutor.clusters.provider import Cluster

PERMISSIONS = Topic(
    "permissions", "rights", "what the labs do is allowed", "SelfSubjectAccessReview, one a right", (CLUSTER,),
    "https://kubernetes.io/docs/reference/access-authn-authz/authorization/",
)  # fmt: skip
TOPICS = (PERMISSIONS,)


@dataclass(frozen=True)
class Right:
    """A verb on a resource: in the learner's namespace, or (``namespaced`` false) in the cluster."""

    verb: str
    resource: str
    group: str = ""
    namespaced: bool = True

    def __str__(self) -> str:
        """As ``kubectl auth can-i`` takes it."""
        resource = self.resource + (f".{self.group}" if self.group else "")
        return f"{self.verb} {resource}"


def needed() -> tuple[Right, ...]:
    """What the labs use: their objects are made, changed, watched and deleted; logs are read."""
    found = [Right("get", "pods/log"), Right("list", "events"), Right("list", "nodes", namespaced=False)]
    for group, resource in (("", "pods"), ("", "services"), ("apps", "deployments")):
        found += [Right(verb, resource, group) for verb in ("list", "watch", "create", "patch", "delete")]
    found += [Right("list", "replicasets", "apps"), Right("list", "endpointslices", "discovery.k8s.io")]
    return tuple(found)


def look(server: Asking, cluster: Cluster, rights: Sequence[Right] | None = None) -> list[Finding]:
    """Ask for each right; a review is stored nowhere."""
    wanted = needed() if rights is None else tuple(rights)
    refused: list[Right] = []
    for right in wanted:
        resource, _, below = right.resource.partition("/")
        attributes = {"verb": right.verb, "resource": resource, "group": right.group}
        if below:
            attributes["subresource"] = below
        if right.namespaced:
            attributes["namespace"] = cluster.namespace
        answer = server.ask(
            "POST",
            "apis/authorization.k8s.io/v1/selfsubjectaccessreviews",
            {
                "apiVersion": "authorization.k8s.io/v1",
                "kind": "SelfSubjectAccessReview",
                "spec": {"resourceAttributes": attributes},
            },
        )
        if not answer.ok:
            return [silent(PERMISSIONS, answer)]
        if part(answer.body, "status", "allowed") is not True:
            refused.append(right)
    where = f"in namespace {cluster.namespace}"
    if refused:
        first = refused[0]
        place = f" -n {cluster.namespace}" if first.namespaced else ""
        names = ", ".join(str(right) for right in refused)
        command = f"kubectl --kubeconfig {cluster.kubeconfig} auth can-i {first}{place}"
        return [
            PERMISSIONS.lack(
                f"not allowed {where}: {names}",
                f"ask the cluster's administrator for them; then: {command}",
            )
        ]
    return [PERMISSIONS.ok(f"all {len(wanted)} that the labs use are allowed {where}")]
