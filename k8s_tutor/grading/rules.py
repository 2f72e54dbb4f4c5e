"""What a submission may do and use on the cluster, as Kubernetes objects. Pure.

Everything of it lies in a namespace of its own and goes with it: an account that only speaks for the student, its
rights there, quota, limits, a network policy. Pod Security enforces ``baseline`` and warns of what ``restricted`` would
refuse (the labs' nginx runs as root in its container). A ValidatingAdmissionPolicy refuses what none of these look at.
"""

from __future__ import annotations

from k8s_tutor.session.connection import MANAGED_BY, OURS, PROBE_NAMESPACE
from k8s_tutor.session.tenant import LOOK_RULES, WORK, Object, forbidden, rule

GRADE = "k8s-tutor/grade"
"""Label on every namespace of a run; its value is the run's id."""
GRADER = "k8s-tutor/grader"
"""Label on the namespace in which a run's own pods grade (``shards/``); no student has anything in it."""
EXPIRES = "k8s-tutor/expires"
"""Annotation: the Unix time after which whoever grades next may delete it."""
ACCOUNT = "student"
MOST_PODS = 20
"""Ten replicas with the surge of an update, a bare pod, those that are on their way out."""
QUOTA = {
    "pods": str(MOST_PODS),
    "services": "5",
    "services.loadbalancers": "0",
    "configmaps": "10",
    "secrets": "10",
    "persistentvolumeclaims": "0",
    "count/deployments.apps": "5",
    "count/replicasets.apps": "20",
    "requests.cpu": "4",
    "requests.memory": "4Gi",
    "limits.memory": "8Gi",
}
LIMITS: dict[str, dict[str, str]] = {
    "default": {"cpu": "500m", "memory": "256Mi", "ephemeral-storage": "256Mi"},
    "defaultRequest": {"cpu": "2m", "memory": "16Mi", "ephemeral-storage": "1Mi"},
}
"""For containers that say nothing. There is no ``max``: what asks for too much is pending or over the quota, and the
check says so."""

WORK_RULES: tuple[Object, ...] = (
    rule("", "pods services configmaps secrets", WORK),
    rule("apps", "deployments replicasets", WORK),
    rule("apps", "deployments/scale replicasets/scale", ["get", "update", "patch"]),
    *LOOK_RULES,
)

_SPEC = "object.spec"
_NO_FINALIZERS = (
    "request.operation != 'CREATE' || !has(object.metadata.finalizers) || size(object.metadata.finalizers) == 0"
)
_OWN_NODE = (
    "!has(object.spec.nodeName) || object.spec.nodeName == '' || (request.operation == 'UPDATE' "
    "&& has(oldObject.spec.nodeName) && oldObject.spec.nodeName == object.spec.nodeName)"
)
_USUAL_TOLERATIONS = (
    "!has(object.spec.tolerations) || object.spec.tolerations.all(t, has(t.key) && t.key in "
    "['node.kubernetes.io/not-ready', 'node.kubernetes.io/unreachable'])"
)


def _unless(field: str, *allowed: str) -> str:
    """CEL: the field is not there, empty or one of these."""
    words = ", ".join(f"'{word}'" for word in ("", *allowed))
    return f"!has({_SPEC}.{field}) || {_SPEC}.{field} in [{words}]"


_POD_RULES = {
    _OWN_NODE: "spec.nodeName: the scheduler chooses the node",
    _USUAL_TOLERATIONS: "spec.tolerations may not be set here",
    _unless("priorityClassName"): "spec.priorityClassName: all are equal",
    _unless("serviceAccountName", "default"): "spec.serviceAccountName: a pod may only be the default account",
    _unless("runtimeClassName"): "spec.runtimeClassName may not be set here",
    _NO_FINALIZERS: "metadata.finalizers may not be set here",
}
_SERVICE_RULES = {
    "!has(object.spec.externalIPs) || size(object.spec.externalIPs) == 0": "spec.externalIPs take others' traffic",
    _unless("type", "ClusterIP", "NodePort"): "spec.type: ClusterIP or NodePort",
    _NO_FINALIZERS: "metadata.finalizers may not be set here",
}


def namespace_labels(run: str) -> dict[str, str]:
    """The labels of a submission's namespace; the student cannot change them."""
    return {
        MANAGED_BY: OURS,
        GRADE: run,
        "pod-security.kubernetes.io/enforce": "baseline",
        "pod-security.kubernetes.io/enforce-version": "latest",
        "pod-security.kubernetes.io/warn": "restricted",
        "pod-security.kubernetes.io/warn-version": "latest",
    }


def objects(namespace: str) -> list[Object]:
    """Everything in the namespace, in an order in which each can be made."""
    group = "rbac.authorization.k8s.io"
    account = _object("v1", "ServiceAccount", ACCOUNT, namespace)
    account["automountServiceAccountToken"] = False
    role = _object(f"{group}/v1", "Role", "k8s-tutor-student", namespace)
    role["rules"] = list(WORK_RULES)
    binding = _object(f"{group}/v1", "RoleBinding", "k8s-tutor-student", namespace)
    binding["roleRef"] = {"apiGroup": group, "kind": "Role", "name": "k8s-tutor-student"}
    binding["subjects"] = [{"kind": "ServiceAccount", "name": ACCOUNT, "namespace": namespace}]
    quota = _object("v1", "ResourceQuota", "k8s-tutor-grade", namespace)
    quota["spec"] = {"hard": dict(QUOTA)}
    limits = _object("v1", "LimitRange", "k8s-tutor-grade", namespace)
    limits["spec"] = {"limits": [{"type": "Container", **LIMITS}]}
    return [account, role, binding, quota, limits, network_policy(namespace)]


def network_policy(namespace: str) -> Object:
    """Nobody in and nobody out but for the namespace's own pods, the tutor's prober, graders, and names (DNS)."""
    policy = _object("networking.k8s.io/v1", "NetworkPolicy", "k8s-tutor-grade", namespace)
    own: Object = {"podSelector": {}}
    prober: Object = {"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": PROBE_NAMESPACE}}}
    graders: Object = {"namespaceSelector": {"matchExpressions": [{"key": GRADER, "operator": "Exists"}]}}
    names: Object = {
        "to": [{"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "kube-system"}}}],
        "ports": [{"protocol": "UDP", "port": 53}, {"protocol": "TCP", "port": 53}],
    }
    policy["spec"] = {
        "podSelector": {},
        "policyTypes": ["Ingress", "Egress"],
        "ingress": [{"from": [own, prober, graders]}],
        "egress": [{"to": [own]}, names],
    }
    return policy


def shared() -> list[Object]:
    """What no object of any submission may say, on the whole cluster, in namespaces with our label only."""
    labels = {MANAGED_BY: OURS, GRADE: "shared"}
    return [
        *forbidden("k8s-tutor-grade-pods", "pods", _POD_RULES, GRADE, labels, but=GRADER),
        *forbidden("k8s-tutor-grade-services", "services", _SERVICE_RULES, GRADE, labels, but=GRADER),
    ]


def _object(api_version: str, kind: str, name: str, namespace: str) -> Object:
    metadata: Object = {"name": name, "namespace": namespace, "labels": {MANAGED_BY: OURS}}
    return {"apiVersion": api_version, "kind": kind, "metadata": metadata}
