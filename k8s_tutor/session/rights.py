"""What the labs need to be allowed to do, as RBAC rules, each with what needs it; and the manifest that grants it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from k8s_tutor.session.connection import MANAGED_BY, OURS, PROBE_NAMESPACE

GROUP = "rbac.authorization.k8s.io"
LOOK = ("get", "list", "watch")
WORK = (*LOOK, "create", "update", "patch", "delete")
NAME = "k8s-tutor-learner"
"""Of every Role and binding."""

Object = dict[str, Any]


@dataclass(frozen=True)
class Rule:
    """An RBAC rule; ``why``: who needs it. ``names``: only these objects; empty: all."""

    group: str
    resources: tuple[str, ...]
    verbs: tuple[str, ...]
    why: str
    names: tuple[str, ...] = ()

    def plain(self) -> Object:
        """As it stands in a Role."""
        rule: Object = {"apiGroups": [self.group], "resources": [*self.resources], "verbs": [*self.verbs]}
        return {**rule, "resourceNames": [*self.names]} if self.names else rule


LEAST: tuple[Rule, ...] = (
    Rule("", ("pods",), WORK, "lab 1 applies a Pod, lab 2 deletes some; every step watches them"),
    Rule("", ("pods/log",), ("get",), "who answered is read in the pods' logs (lab 1 request, lab 2 everyone)"),
    Rule("", ("pods/exec",), ("create", "get"), "the learner's own kubectl exec"),
    Rule("", ("services",), WORK, "lab 2 exposes the Deployment; its Service is watched"),
    Rule("apps", ("deployments",), WORK, "lab 2 applies and scales a Deployment"),
    Rule("apps", ("deployments/scale",), ("get", "update", "patch"), "kubectl scale (lab 2)"),
    Rule("apps", ("replicasets",), LOOK, "which ReplicaSet made a pod anew (lab 2 heal)"),
    Rule("discovery.k8s.io", ("endpointslices",), LOOK, "which pods a Service leads to (lab 2 expose, everyone)"),
    Rule("", ("events",), LOOK, "likely causes, and kubectl describe (lab 1)"),
    Rule("", ("resourcequotas",), LOOK, "whether a quota refuses a pod"),
    Rule("", ("serviceaccounts",), ("get",), "whether a pod can be made in the namespace yet"),
)
"""In the learner's namespace: without one of these a step of lab 1 or 2 cannot be done or not be seen."""

PROBING: tuple[Rule, ...] = (
    Rule("", ("pods",), ("create", "get", "delete"), "one short-lived pod that sends requests to pods and Services"),
    Rule("", ("pods/log",), ("get",), "what it was answered"),
    Rule("", ("serviceaccounts",), ("get",), "whether it can be made yet"),
)
"""In the prober's namespace: without it nothing asks the pods, and who answers is not seen."""


def cluster_rules(namespaces: Iterable[str]) -> tuple[Rule, ...]:
    """The little that is not in a namespace. Without the nodes the cluster pane shows none; nothing else is lost."""
    return (
        Rule("", ("namespaces",), LOOK, "which cluster and which namespace this is", tuple(namespaces)),
        Rule("", ("nodes",), LOOK, "the nodes in the cluster pane (lab 1 parts); may be left out"),
    )


@dataclass(frozen=True)
class Granted:
    """One object of the manifest; ``rules`` of a Role stand apart, so that each keeps its reason."""

    comment: str
    object: Object
    rules: tuple[Rule, ...] = ()

    def whole(self) -> Object:
        """The object with its rules."""
        return {**self.object, "rules": [rule.plain() for rule in self.rules]} if self.rules else self.object


def manifest(namespace: str, subject: Object) -> list[Granted]:
    """What the owner of a cluster applies for one learner, in an order that can be applied.

    ``subject``: as in a RoleBinding (kind User, Group or ServiceAccount).
    """
    named = dict.fromkeys(("kube-system", namespace, PROBE_NAMESPACE))
    wide = f"{NAME}-{namespace}"
    own = "The learner's namespace. The label lets the tutor work in it; it is emptied, never deleted."
    return [
        Granted(own, _namespace(namespace)),
        Granted("Where one pod at a time sends requests, apart from the learner's own.", _namespace(PROBE_NAMESPACE)),
        Granted("", _made("Role", NAME, namespace), LEAST),
        Granted("", _binding("Role", NAME, namespace, subject)),
        Granted("", _made("Role", wide, PROBE_NAMESPACE), PROBING),
        Granted("", _binding("Role", wide, PROBE_NAMESPACE, subject)),
        Granted("What is not in a namespace.", _made("ClusterRole", wide), cluster_rules(named)),
        Granted("", _binding("ClusterRole", wide, "", subject)),
    ]


def text(namespace: str, subject: Object) -> str:
    """The manifest as YAML, with a comment at each object and each rule."""
    import yaml

    def flow(value: Object) -> str:
        return str(yaml.safe_dump(value, default_flow_style=True, sort_keys=False, allow_unicode=True, width=10_000))

    parts = []
    for found in manifest(namespace, subject):
        lines = [f"# {found.comment}"] if found.comment else []
        lines.append(yaml.safe_dump(found.object, sort_keys=False, allow_unicode=True).rstrip("\n"))
        if found.rules:
            lines.append("rules:")
            for rule in found.rules:
                lines += [f"  # {rule.why}", f"  - {flow(rule.plain()).strip()}"]
        parts.append("\n".join(lines) + "\n")
    return "---\n".join(parts)


def _namespace(name: str) -> Object:
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": {MANAGED_BY: OURS}}}


def _made(kind: str, name: str, namespace: str = "") -> Object:
    metadata: Object = {"name": name, "labels": {MANAGED_BY: OURS}}
    if namespace:
        metadata["namespace"] = namespace
    return {"apiVersion": f"{GROUP}/v1", "kind": kind, "metadata": metadata}


def _binding(role_kind: str, name: str, namespace: str, subject: Object) -> Object:
    made = _made(f"{role_kind}Binding", name, namespace)
    return {**made, "roleRef": {"apiGroup": GROUP, "kind": role_kind, "name": name}, "subjects": [subject]}
