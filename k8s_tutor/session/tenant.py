"""A place on a cluster for somebody who is not trusted: rights, a token, a kubeconfig, what no object may say.

Shared by whoever gives places away (a classroom's server, a grader). Pure but for ``ask_token``.
"""

from __future__ import annotations

import json
from typing import Any

from k8s_tutor.clusters.context import read_kubeconfig
from k8s_tutor.clusters.provider import Cluster
from k8s_tutor.errors import ClusterError
from k8s_tutor.kube.client import Api

Object = dict[str, Any]

LOOK = ["get", "list", "watch"]
WORK = [*LOOK, "create", "update", "patch", "delete", "deletecollection"]
SHORTEST_TOKEN = 600
"""Seconds; the API server gives no shorter one."""


def rule(group: str, resources: str, verbs: list[str], names: list[str] | None = None) -> Object:
    """An RBAC rule; ``resources`` with blanks between them, ``names``: only these objects."""
    made: Object = {"apiGroups": [group], "resources": resources.split(), "verbs": verbs}
    return {**made, "resourceNames": names} if names else made


LOOK_RULES: tuple[Object, ...] = (
    rule("", "namespaces", ["get"]),
    rule("", "pods/log", ["get"]),
    rule("", "events endpoints resourcequotas limitranges serviceaccounts replicationcontrollers pods/status", LOOK),
    rule("apps", "daemonsets controllerrevisions", LOOK),
    rule("batch", "cronjobs", LOOK),
    rule("autoscaling", "horizontalpodautoscalers", LOOK),
    rule("discovery.k8s.io", "endpointslices", LOOK),
    rule("events.k8s.io", "events", LOOK),
)
"""In a tenant's namespace: what ``kubectl get all`` and ``describe`` ask for."""

WORK_RULES: tuple[Object, ...] = (
    rule("", "pods services configmaps", WORK),
    rule("apps", "deployments replicasets statefulsets", WORK),
    rule("apps", "deployments/scale replicasets/scale statefulsets/scale", ["get", "update", "patch"]),
    rule("batch", "jobs", WORK),
)
"""In a tenant's namespace: what the labs do."""


def kubeconfig_text(cluster: Cluster, user: str, namespace: str, token: str) -> str:
    """A kubeconfig (JSON, which is YAML): the cluster's own server and CA, this token, this namespace."""
    (admin,) = read_kubeconfig(cluster.kubeconfig)["clusters"]
    name = f"k8s-tutor-{cluster.name}"
    document = {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": name,
        "clusters": [
            {
                "name": name,
                "cluster": {
                    "server": admin["cluster"]["server"],
                    "certificate-authority-data": admin["cluster"]["certificate-authority-data"],
                },
            }
        ],
        "contexts": [{"name": name, "context": {"cluster": name, "user": user, "namespace": namespace}}],
        "users": [{"name": user, "user": {"token": token}}],
    }
    return json.dumps(document, indent=1) + "\n"


def ask_token(api: Api, namespace: str, account: str, seconds: float) -> str:
    """A token of this ServiceAccount. Raises ClusterError."""
    path = f"api/v1/namespaces/{namespace}/serviceaccounts/{account}/token"
    request = {
        "apiVersion": "authentication.k8s.io/v1",
        "kind": "TokenRequest",
        "spec": {"expirationSeconds": max(SHORTEST_TOKEN, int(seconds))},
    }
    token = (api.create(path, request).get("status") or {}).get("token")
    if not isinstance(token, str) or not token:
        raise ClusterError(f"the API server gave no token for {account}", code="credentials")
    return token


def forbidden(
    name: str,
    resource: str,
    rules: dict[str, str],
    label: str,
    labels: dict[str, str],
    *,
    group: str = "",
    but: str = "",
) -> list[Object]:
    """A ValidatingAdmissionPolicy and its binding: what objects of ``resource`` may not say.

    ``rules``: CEL expression that must hold -> message. It holds in every namespace that bears ``label``, and not
    the label ``but``; ``labels`` are the policy's own.
    """
    where = [{"key": label, "operator": "Exists"}]
    if but:
        where.append({"key": but, "operator": "DoesNotExist"})
    version = "admissionregistration.k8s.io/v1"
    return [
        {
            "apiVersion": version,
            "kind": "ValidatingAdmissionPolicy",
            "metadata": {"name": name, "labels": labels},
            "spec": {
                "failurePolicy": "Fail",
                "matchConstraints": {
                    "resourceRules": [
                        {
                            "apiGroups": [group],
                            "apiVersions": ["v1"],
                            "operations": ["CREATE", "UPDATE"],
                            "resources": [resource],
                        }
                    ]
                },
                "validations": [{"expression": told, "message": message} for told, message in rules.items()],
            },
        },
        {
            "apiVersion": version,
            "kind": "ValidatingAdmissionPolicyBinding",
            "metadata": {"name": name, "labels": labels},
            "spec": {
                "policyName": name,
                "validationActions": ["Deny"],
                "matchResources": {"namespaceSelector": {"matchExpressions": where}},
            },
        },
    ]
