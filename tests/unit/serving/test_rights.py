"""What a learner may do, read as the API server reads it: every right is named here, so that none comes in unseen."""

from __future__ import annotations

from itertools import product
from typing import Any

from k8s_tutor.serving import rights
from k8s_tutor.serving.roster import Learner

ANNA = Learner("Anna", "anna", 2_000_000_001)
LOOK = {"get", "list", "watch"}


def granted(rules: list[dict[str, Any]]) -> set[tuple[str, str]]:
    return {pair for rule in rules for pair in product(rule["resources"], rule["verbs"])}


def of_kind(kind: str) -> list[dict[str, Any]]:
    return [item for item in rights.objects(ANNA) if item["kind"] == kind]


def test_nothing_that_leads_to_more_rights_or_to_the_node() -> None:
    (role,) = of_kind("Role")
    may = granted(role["rules"])
    changes = {(resource, verb) for resource, verb in may if verb not in LOOK}
    assert {resource for resource, _ in changes} == {
        "pods", "services", "configmaps", "pods/exec", "pods/attach", "pods/portforward", "deployments", "replicasets",
        "statefulsets", "deployments/scale", "replicasets/scale", "statefulsets/scale", "jobs",
    }  # fmt: skip
    resources = {resource for resource, _ in may}
    assert not resources & {"secrets", "roles", "rolebindings", "serviceaccounts/token", "daemonsets/finalizers", "*"}
    assert "*" not in {verb for _, verb in may} | {group for rule in role["rules"] for group in rule["apiGroups"]}
    assert not {"bind", "escalate", "impersonate"} & {verb for _, verb in may}


def test_elsewhere_only_looks() -> None:
    (look,) = of_kind("ClusterRole")
    assert granted(look["rules"]) == {(resource, verb) for resource in ("nodes", "namespaces") for verb in LOOK}
    (namespaces,) = [rule for rule in look["rules"] if "namespaces" in rule["resources"]]
    assert namespaces["resourceNames"] == ["learner-anna"]
    (onlooker, *_) = rights.shared()
    assert (onlooker["metadata"]["namespace"], granted(onlooker["rules"])) == (
        "kube-system",
        {("pods", verb) for verb in LOOK},
    )


def test_every_binding_is_for_this_learner_alone() -> None:
    bindings = of_kind("RoleBinding") + of_kind("ClusterRoleBinding")
    assert len(bindings) == 3
    for binding in bindings:
        assert binding["subjects"] == [{"kind": "ServiceAccount", "name": "anna", "namespace": rights.SERVER_NAMESPACE}]
    places = {(binding["metadata"].get("namespace"), binding["roleRef"]["name"]) for binding in bindings}
    assert places == {
        ("learner-anna", "k8s-tutor-learner"), ("kube-system", "k8s-tutor-onlooker"), (None, "k8s-tutor-learner-anna"),
    }  # fmt: skip


def test_the_account_is_where_the_learners_pods_cannot_take_it() -> None:
    (account,) = of_kind("ServiceAccount")
    assert account["metadata"]["namespace"] == rights.SERVER_NAMESPACE != ANNA.namespace
    assert account["automountServiceAccountToken"] is False


def test_pods_are_kept_from_the_node_and_all_is_labelled() -> None:
    labels = rights.namespace_labels(ANNA)
    assert labels["pod-security.kubernetes.io/enforce"] == "baseline"
    for item in [*rights.objects(ANNA), {"metadata": {"labels": labels}}]:
        assert item["metadata"]["labels"][rights.MANAGED_BY] == "k8s-tutor"
        assert item["metadata"]["labels"][rights.LEARNER] == "anna"


def test_policies_bind_to_learners_namespaces_and_fail_closed() -> None:
    shared = {(item["kind"], item["metadata"]["name"]): item for item in rights.shared()}
    policies = [item for (kind, _), item in shared.items() if kind == "ValidatingAdmissionPolicy"]
    assert len(policies) == 2
    for policy in policies:
        assert policy["spec"]["failurePolicy"] == "Fail"
        binding = shared["ValidatingAdmissionPolicyBinding", policy["metadata"]["name"]]
        assert binding["spec"]["validationActions"] == ["Deny"]
        selector = binding["spec"]["matchResources"]["namespaceSelector"]
        assert selector == {"matchExpressions": [{"key": rights.LEARNER, "operator": "Exists"}]}
