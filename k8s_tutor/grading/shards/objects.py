"""A run in the cluster as Kubernetes objects: its own namespace, the grader's account and rights, shards, Job. Pure.

All of it is gone with the namespace: what is not in it (the rights) is owned by it, so that whoever sweeps the
namespace of a run that died has swept everything.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Mapping

from k8s_tutor import __version__
from k8s_tutor.grading.rules import GRADE, GRADER, WORK_RULES
from k8s_tutor.grading.shards.parcel import Shard
from k8s_tutor.session.connection import MANAGED_BY, OURS
from k8s_tutor.session.tenant import LOOK, Object, rule

NAME = "k8s-tutor-grader"
JOB = "grader"
IMAGE = f"k8s-tutor-grader:{__version__}"
SHARD = "k8s-tutor/shard"
"""Label on a result: the index of its shard."""
STUDENT = "k8s-tutor/student"
"""Label on a result: the student's place in the shard."""
INDEX = "batch.kubernetes.io/job-completion-index"
RETRIES = 2
OTHER_LAB = 42
"""The exit code of a pod whose image holds another version or lab: another pod of it does no better."""
KEPT_SECONDS = 3600
"""How long the Job's pods stay when it is done and nobody takes them away."""
GRACE_SECONDS = 30
LOST = 60
"""Seconds after which a pod on a node that is not heard of is made again elsewhere (Kubernetes' default is 300)."""
MEMORY = "512Mi"
SCRATCH = "256Mi"
USER = 65532
MODULE = "k8s_tutor.grading.shards.worker"

RIGHTS: tuple[Object, ...] = (
    rule("", "namespaces", [*LOOK, "create", "patch", "delete"]),
    rule("", "serviceaccounts resourcequotas limitranges", [*LOOK, "create", "patch"]),
    rule("", "serviceaccounts/token", ["create"]),
    rule("rbac.authorization.k8s.io", "roles rolebindings", ["get", "create", "patch"]),
    rule("networking.k8s.io", "networkpolicies", ["get", "create", "patch"]),
    rule("", "nodes", LOOK),
    *WORK_RULES,
)
"""What a pod that grades needs in the cluster: a place for each submission, what a student is granted there (nobody can
grant more than their own), and to watch it."""


def namespace_labels(run: str) -> dict[str, str]:
    """The labels of the run's own namespace."""
    return {GRADE: run, GRADER: run, "pod-security.kubernetes.io/enforce": "restricted"}


def rights(namespace: str, uid: str) -> list[Object]:
    """The grader's account, its ClusterRole and binding; these two go when the namespace of this UID is gone."""
    group = "rbac.authorization.k8s.io"
    metadata = _owned(namespace, uid)
    return [
        {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": _named(NAME, namespace)},
        {"apiVersion": f"{group}/v1", "kind": "ClusterRole", "metadata": metadata, "rules": list(RIGHTS)},
        {
            "apiVersion": f"{group}/v1",
            "kind": "ClusterRoleBinding",
            "metadata": metadata,
            "roleRef": {"apiGroup": group, "kind": "ClusterRole", "name": namespace},
            "subjects": [{"kind": "ServiceAccount", "name": NAME, "namespace": namespace}],
        },
    ]


def limits(namespace: str, uid: str, run: str) -> list[Object]:
    """What RBAC cannot say: the grader's account writes in namespaces of its own run only. Owned like the rights."""
    version = "admissionregistration.k8s.io/v1"
    whole = {
        "apiGroups": ["*"],
        "apiVersions": ["*"],
        "operations": ["CREATE", "UPDATE", "DELETE"],
        "resources": ["*/*"],
    }
    user = f"system:serviceaccount:{namespace}:{NAME}"
    same = (
        f"(object == null || {_of_run('object', run)}) && (oldObject == null || {_of_run('oldObject', run)})"
        f" || request.kind.kind != 'Namespace'"
    )
    inside = f"namespaceObject == null || {_of_run('namespaceObject', run)}"
    message = "the grader's account may only write in namespaces of its own run"
    return [
        {
            "apiVersion": version,
            "kind": "ValidatingAdmissionPolicy",
            "metadata": _owned(namespace, uid),
            "spec": {
                "failurePolicy": "Fail",
                "matchConstraints": {"resourceRules": [whole]},
                "matchConditions": [{"name": "by-the-grader", "expression": f"request.userInfo.username == '{user}'"}],
                "validations": [{"expression": told, "message": message} for told in (inside, same)],
            },
        },
        {
            "apiVersion": version,
            "kind": "ValidatingAdmissionPolicyBinding",
            "metadata": _owned(namespace, uid),
            "spec": {"policyName": namespace, "validationActions": ["Deny"]},
        },
    ]


def _of_run(what: str, run: str) -> str:
    """CEL: an object bears the label of the run."""
    labels = f"{what}.metadata.labels"
    return f"(has({labels}) && '{GRADE}' in {labels} && {labels}['{GRADE}'] == '{run}')"


def _owned(namespace: str, uid: str) -> Object:
    owner = {"apiVersion": "v1", "kind": "Namespace", "name": namespace, "uid": uid}
    return {"name": namespace, "labels": {MANAGED_BY: OURS}, "ownerReferences": [owner]}


def shard_name(index: int) -> str:
    """The name of a shard's Secret."""
    return f"shard-{index}"


def shard(namespace: str, index: int, parcel: Shard) -> Object:
    """A shard as a Secret."""
    return _secret(namespace, shard_name(index), {}, parcel.data)


def result(namespace: str, index: int, place: int, data: Mapping[str, bytes]) -> Object:
    """One student's result as a Secret; written once."""
    return _secret(namespace, f"result-{index}-{place}", {SHARD: str(index), STUDENT: str(place)}, data)


def place_of(secret: Mapping[str, object]) -> tuple[int, int] | None:
    """Whose result a Secret is: shard and place in it; None for one that is no result."""
    metadata = secret.get("metadata")
    labels = metadata.get("labels") if isinstance(metadata, Mapping) else None
    found = [str(labels.get(name, "")) for name in (SHARD, STUDENT)] if isinstance(labels, Mapping) else [""]
    if not all(re.fullmatch(r"\d{1,6}", text) for text in found):
        return None
    return int(found[0]), int(found[1])


def data_of(secret: Mapping[str, object]) -> dict[str, bytes]:
    """A Secret's data. Raises ValueError for what is none."""
    data = secret.get("data")
    if not isinstance(data, Mapping):
        raise ValueError("it holds no data")
    try:
        return {str(key): base64.b64decode(str(value), validate=True) for key, value in data.items()}
    except binascii.Error as error:
        raise ValueError(f"its data cannot be read: {error}") from error


def job(namespace: str, image: str, shards: int, jobs: int, seconds: float) -> Object:
    """The Indexed Job: a pod a shard, ``jobs`` at once, ended by Kubernetes itself after ``seconds``."""
    container: Object = {
        "name": JOB,
        "image": image,
        "imagePullPolicy": "IfNotPresent",
        "command": ["python3", "-m", MODULE],
        "workingDir": "/tmp",  # noqa: S108 - in the container, a volume of its own
        "env": [{"name": name, "value": "/tmp"} for name in ("HOME", "TMPDIR", "XDG_STATE_HOME")],  # noqa: S108
        "resources": {
            "requests": {"cpu": "100m", "memory": "128Mi", "ephemeral-storage": "16Mi"},
            "limits": {"memory": MEMORY, "ephemeral-storage": SCRATCH},
        },
        "securityContext": {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        },
        # Its last words say why, also when it was the interpreter's.
        "terminationMessagePolicy": "FallbackToLogsOnError",
        "volumeMounts": [{"name": "scratch", "mountPath": "/tmp"}],  # noqa: S108
    }
    spec: Object = {
        "serviceAccountName": NAME,
        "restartPolicy": "Never",
        "terminationGracePeriodSeconds": GRACE_SECONDS,
        "enableServiceLinks": False,
        "securityContext": {
            "runAsNonRoot": True,
            "runAsUser": USER,
            "runAsGroup": USER,
            "fsGroup": USER,
            "seccompProfile": {"type": "RuntimeDefault"},
        },
        "tolerations": [
            {
                "key": f"node.kubernetes.io/{what}",
                "effect": "NoExecute",
                "operator": "Exists",
                "tolerationSeconds": LOST,
            }
            for what in ("not-ready", "unreachable")
        ],
        "topologySpreadConstraints": [
            {
                "maxSkew": 1,
                "topologyKey": "kubernetes.io/hostname",
                "whenUnsatisfiable": "ScheduleAnyway",
                "labelSelector": {"matchLabels": {"app.kubernetes.io/name": NAME}},
            }
        ],
        "containers": [container],
        "volumes": [{"name": "scratch", "emptyDir": {"sizeLimit": SCRATCH}}],
    }
    return {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": _named(JOB, namespace),
        "spec": {
            "completionMode": "Indexed",
            "completions": shards,
            "parallelism": min(jobs, shards),
            "backoffLimitPerIndex": RETRIES,
            "activeDeadlineSeconds": max(1, int(seconds)),
            "ttlSecondsAfterFinished": KEPT_SECONDS,
            # Not only when it has ended: on a node that is lost it never does.
            "podReplacementPolicy": "TerminatingOrFailed",
            "template": {"metadata": {"labels": {"app.kubernetes.io/name": NAME, MANAGED_BY: OURS}}, "spec": spec},
        },
    }


def indexes(text: object) -> set[int]:
    """The indexes in a Job's status (``1,3-5``), a bounded number of them."""
    found: set[int] = set()
    for part in str(text or "").split(","):
        ends = re.fullmatch(r"(\d{1,6})(?:-(\d{1,6}))?", part.strip())
        if ends:
            found.update(range(int(ends[1]), int(ends[2] or ends[1]) + 1))
    return found


def _secret(namespace: str, name: str, labels: Mapping[str, str], data: Mapping[str, bytes]) -> Object:
    metadata = _named(name, namespace)
    metadata["labels"].update(labels)
    packed = {key: base64.b64encode(value).decode() for key, value in data.items()}
    return {"apiVersion": "v1", "kind": "Secret", "metadata": metadata, "immutable": True, "data": packed}


def _named(name: str, namespace: str) -> Object:
    return {"name": name, "namespace": namespace, "labels": {MANAGED_BY: OURS}}
