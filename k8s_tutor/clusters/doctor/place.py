"""The learner's namespace: whether it would take the pods of a lab. Nothing is made: the server is asked dry."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from urllib.parse import quote

from k8s_tutor.clusters.doctor.asking import Answer, Asking, part, parts, silent
from k8s_tutor.clusters.doctor.finding import CLUSTER, Finding, Topic
from k8s_tutor.clusters.provider import Cluster

_SUBJECT = "namespace"
_ADMISSION = "https://kubernetes.io/docs/concepts/security/pod-security-admission/"
NAMESPACE = Topic(
    "namespace", _SUBJECT, "the learner's namespace is there, or can be made; its default ServiceAccount too",
    "GET the Namespace, its ServiceAccount", (CLUSTER,),
)  # fmt: skip
ADMITS = Topic(
    "pod-admission", _SUBJECT, "a pod such as the labs' would be taken (Pod Security, quota, limits, webhooks)",
    "POST of a Pod with dryRun=All: nothing is made", (CLUSTER,), _ADMISSION,
)  # fmt: skip
QUOTA = Topic(
    "quota", _SUBJECT, "ResourceQuotas leave room for the pods of the largest lab", "GET ResourceQuotas", (CLUSTER,),
    "https://kubernetes.io/docs/concepts/policy/resource-quotas/",
)  # fmt: skip
LIMITS = Topic(
    "limit-range", _SUBJECT, "what LimitRanges set for containers that name nothing", "GET LimitRanges", (),
    "https://kubernetes.io/docs/concepts/policy/limit-range/",
)  # fmt: skip
TOPICS = (NAMESPACE, ADMITS, QUOTA, LIMITS)
MOST_PODS = 10
"""Lab 2 scales to so many."""


def look(server: Asking, cluster: Cluster, images: Sequence[str]) -> list[Finding]:
    """All of it."""
    base = f"api/v1/namespaces/{quote(cluster.namespace, safe='')}"
    there = server.ask("GET", base)
    if there.status == 404:
        why = f"namespace {cluster.namespace} is not there yet: the tutor makes it when a lab is opened"
        return [NAMESPACE.ok(why), *(topic.beyond(why) for topic in (ADMITS, QUOTA, LIMITS))]
    if not there.ok:
        return [silent(topic, there) for topic in TOPICS]
    return [
        _namespace(there, server.ask("GET", f"{base}/serviceaccounts/default"), cluster),
        _admits(server, base, cluster, there, images),
        _quota(server.ask("GET", f"{base}/resourcequotas"), cluster),
        _limits(server.ask("GET", f"{base}/limitranges")),
    ]


def _namespace(there: Answer, account: Answer, cluster: Cluster) -> Finding:
    name = cluster.namespace
    if part(there.body, "metadata", "deletionTimestamp"):
        told = f"namespace {name} is being deleted: {_stuck(there.body)}"
        return NAMESPACE.lack(told, f"kubectl get namespace {name} -o yaml")
    if account.status == 404:
        told = f"namespace {name} has no ServiceAccount default: every pod would be refused"
        return NAMESPACE.lack(told, f"wait a moment; else see: kubectl -n {name} get serviceaccounts")
    return NAMESPACE.ok(f"namespace {name} is there, with its default ServiceAccount")


def _stuck(namespace: Any) -> str:
    words = [
        str(condition.get("message", ""))
        for condition in parts(namespace, "status", "conditions")
        if condition.get("status") == "True"
    ]
    return "; ".join(words) or "it waits for what is in it"


def _admits(server: Asking, base: str, cluster: Cluster, there: Answer, images: Sequence[str]) -> Finding:
    labels = part(there.body, "metadata", "labels") or {}
    level = labels.get("pod-security.kubernetes.io/enforce", "") if isinstance(labels, dict) else ""
    pod = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"generateName": "k8s-tutor-doctor-"},
        "spec": {"containers": [{"name": "web", "image": next(iter(images), "nginx")}]},
    }
    answer = server.ask("POST", f"{base}/pods?dryRun=All", pod)
    enforced = f"Pod Security enforces {level}" if level else "no Pod Security level of its own"
    if answer.ok:
        return ADMITS.ok(f"a pod such as the labs' would be taken ({enforced})")
    told = f"a pod such as the labs' would be refused ({enforced}): {answer.words}"
    if answer.status >= 500:
        return ADMITS.unseen(told)
    if "PodSecurity" in answer.words:
        remedy = f"kubectl label namespace {cluster.namespace} pod-security.kubernetes.io/enforce=baseline --overwrite"
    elif "quota" in answer.words:
        remedy = f"kubectl -n {cluster.namespace} describe resourcequota"
    else:
        remedy = f"kubectl -n {cluster.namespace} run test --image=nginx --dry-run=server"
    return ADMITS.lack(told, remedy)


def _quota(answer: Answer, cluster: Cluster) -> Finding:
    if not answer.ok:
        return silent(QUOTA, answer)
    if not answer.items:
        return QUOTA.ok("no ResourceQuota")
    tight, told = [], []
    for item in answer.items:
        name = str(part(item, "metadata", "name"))
        hard, used = part(item, "status", "hard") or {}, part(item, "status", "used") or {}
        for resource in ("pods", "count/pods"):
            left = _left(hard.get(resource), used.get(resource))
            if left is not None:
                told.append(f"{name}: {left} more pods")
                if left < MOST_PODS:
                    tight.append(f"{name} leaves {left} of {hard[resource]} pods; a lab needs {MOST_PODS}")
        told += [f"{name}: {key} {used.get(key, '0')} of {hard[key]}" for key in sorted(hard) if "pods" not in key]
    if tight:
        return QUOTA.note("; ".join(tight), f"kubectl -n {cluster.namespace} describe resourcequota")
    return QUOTA.ok("; ".join(told) or "no quota of pods")


def _left(hard: object, used: object) -> int | None:
    try:
        return int(str(hard)) - int(str(used or 0))
    except ValueError:
        return None


def _limits(answer: Answer) -> Finding:
    if not answer.ok:
        return silent(LIMITS, answer)
    told = []
    for item in answer.items:
        for limit in parts(item, "spec", "limits"):
            if limit.get("type") == "Container":
                told.append(f"default {limit.get('default')}, requests {limit.get('defaultRequest')}")
    return LIMITS.ok("; ".join(told).replace("'", "") or "no LimitRange for containers")
