"""What a learner may do on a shared cluster, as Kubernetes objects. Pure.

In the namespace of their own: what the labs need. Elsewhere: look at nodes, and at the pods of kube-system, for the
lesson looks there. Nothing else, and no way to more: Pod Security keeps pods from the node (a privileged pod, or one
with a hostPath, is root on this machine), and nobody makes ServiceAccounts, Roles, Secrets (a Secret can hold a token
that never ends) or EndpointSlices (they could lead another's Service astray).
"""

from __future__ import annotations

from k8s_tutor.serving.roster import Learner
from k8s_tutor.session import tenant
from k8s_tutor.session.tenant import LOOK, Object, forbidden, rule

SERVER_NAMESPACE = "k8s-tutor-serve"
"""Holds the learners' ServiceAccounts: in their own namespaces their pods could take them on."""
MANAGED_BY = "app.kubernetes.io/managed-by"
OURS = "k8s-tutor"
LEARNER = "k8s-tutor/learner"
"""Label on everything that is made for a learner; its value is the learner's id."""
QUOTA = {"pods": "40", "services": "20", "configmaps": "50", "count/deployments.apps": "20", "count/jobs.batch": "20"}

WORK_RULES: tuple[Object, ...] = (
    *tenant.WORK_RULES,
    rule("", "pods/exec pods/attach pods/portforward", ["create", "get"]),
    *tenant.LOOK_RULES,
)
"""In the learner's namespace. Those to look at are what ``kubectl get all`` and ``describe`` ask for."""


def namespace_labels(learner: Learner) -> dict[str, str]:
    """The labels of the learner's namespace; the learner cannot change them.

    ``baseline`` and not ``restricted``: the labs' nginx runs as root in its container.
    """
    return {
        MANAGED_BY: OURS,
        LEARNER: learner.id,
        "pod-security.kubernetes.io/enforce": "baseline",
        "pod-security.kubernetes.io/enforce-version": "latest",
    }


def objects(learner: Learner) -> list[Object]:
    """Everything for one learner but the namespace, in an order in which each can be made."""
    name = f"k8s-tutor-{learner.namespace}"
    account = _object("v1", "ServiceAccount", learner.id, learner, SERVER_NAMESPACE)
    # Nothing runs as this account: it only speaks for the learner.
    account["automountServiceAccountToken"] = False
    look = _object("rbac.authorization.k8s.io/v1", "ClusterRole", name, learner)
    look["rules"] = [rule("", "nodes", LOOK), rule("", "namespaces", LOOK, [learner.namespace])]
    work = _object("rbac.authorization.k8s.io/v1", "Role", "k8s-tutor-learner", learner, learner.namespace)
    work["rules"] = list(WORK_RULES)
    quota = _object("v1", "ResourceQuota", "k8s-tutor-learner", learner, learner.namespace)
    quota["spec"] = {"hard": dict(QUOTA)}
    return [
        account,
        look,
        _bound(learner, "ClusterRoleBinding", name, "ClusterRole", name),
        work,
        _bound(learner, "RoleBinding", "k8s-tutor-learner", "Role", "k8s-tutor-learner", learner.namespace),
        _bound(learner, "RoleBinding", name, "Role", "k8s-tutor-onlooker", "kube-system"),
        quota,
    ]


def shared() -> list[Object]:
    """What all learners share: who may look at kube-system's pods, and what no learner's object may say."""
    onlooker: Object = {
        "apiVersion": "rbac.authorization.k8s.io/v1",
        "kind": "Role",
        "metadata": {
            "name": "k8s-tutor-onlooker",
            "namespace": "kube-system",
            "labels": {MANAGED_BY: OURS, LEARNER: ""},
        },
        "rules": [rule("", "pods", LOOK)],
    }
    return [
        onlooker,
        # A Service's externalIPs take traffic that is meant for others, the API server's too (CVE-2020-8554).
        *_policy("k8s-tutor-serve-services", "services", "externalIPs"),
        # A pod of a system priority drives others' pods from the node.
        *_policy("k8s-tutor-serve-pods", "pods", "priorityClassName"),
    ]


def _policy(name: str, resource: str, field: str) -> list[Object]:
    expression = f"!has(object.spec.{field}) || size(object.spec.{field}) == 0"
    message = f"spec.{field} is not for learners: this cluster is shared"
    return forbidden(name, resource, {expression: message}, LEARNER, {MANAGED_BY: OURS, LEARNER: ""})


def _object(api_version: str, kind: str, name: str, learner: Learner, namespace: str = "") -> Object:
    metadata: Object = {"name": name, "labels": {MANAGED_BY: OURS, LEARNER: learner.id}}
    if namespace:
        metadata["namespace"] = namespace
    return {"apiVersion": api_version, "kind": kind, "metadata": metadata}


def _bound(learner: Learner, kind: str, name: str, role_kind: str, role: str, namespace: str = "") -> Object:
    made = _object("rbac.authorization.k8s.io/v1", kind, name, learner, namespace)
    made["roleRef"] = {"apiGroup": "rbac.authorization.k8s.io", "kind": role_kind, "name": role}
    made["subjects"] = [{"kind": "ServiceAccount", "name": learner.id, "namespace": SERVER_NAMESPACE}]
    return made
