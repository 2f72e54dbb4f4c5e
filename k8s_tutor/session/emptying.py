"""Empty a namespace that is ours, but not ours to delete, for a lab to begin anew in it."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator
from urllib.parse import quote

from k8s_tutor.errors import TutorError
from k8s_tutor.kube.client import Api
from k8s_tutor.kube.errors import Conflict, Forbidden, NotFound, Unauthorized
from k8s_tutor.session.journal import Journal, kubectl

WHY = "start the lab over"
EMPTY_SECONDS = 60.0
_MADE = {
    "deployment": "apis/apps/v1/namespaces/{namespace}/deployments",
    "statefulset": "apis/apps/v1/namespaces/{namespace}/statefulsets",
    "replicaset": "apis/apps/v1/namespaces/{namespace}/replicasets",
    "job": "apis/batch/v1/namespaces/{namespace}/jobs",
    "service": "api/v1/namespaces/{namespace}/services",
    "pod": "api/v1/namespaces/{namespace}/pods",
    "configmap": "api/v1/namespaces/{namespace}/configmaps",
}
"""Kinds that a learner may make on a shared cluster (serving/rights.py), owners before what they own."""
_SYSTEM = ("kube-root-ca.crt",)


def empty(api: Api, namespace: str, journal: Journal) -> None:
    """Delete what labs make in a namespace, by UID, and wait until it is gone. Raises TutorError when something stays.

    For a namespace that is ours, but not ours to delete: others share the cluster, and its rights and limits would go
    with it. Owners go first, or they would make their pods anew.
    """
    with journal.deed(kubectl("delete", ",".join(_MADE), "--all", f"--namespace={namespace}"), WHY):
        deadline = time.monotonic() + EMPTY_SECONDS
        while left := list(_in(api, namespace)):
            if time.monotonic() > deadline:
                raise TutorError(
                    f"{left[0][0]} in namespace {namespace} was not removed within {EMPTY_SECONDS:g} s",
                    remedy="see what holds it: kubectl get all -o yaml",
                    code="stuck-objects",
                )
            for _name, path, uid, going in left:
                if not going:
                    with contextlib.suppress(NotFound, Conflict):
                        api.delete(path, uid=uid, grace=0, propagation="Background")
            time.sleep(0.2)


def contents(api: Api, namespace: str) -> list[tuple[str, str]]:
    """What ``empty`` would delete: ``kind/name`` and UID."""
    return [(name, uid) for name, _path, uid, _going in _in(api, namespace)]


def _in(api: Api, namespace: str) -> Iterator[tuple[str, str, str, bool]]:
    """What is there: ``kind/name``, path, UID, and whether it is on its way out."""
    for kind, collection in _MADE.items():
        path = collection.format(namespace=quote(namespace, safe=""))
        try:
            items = api.list(path)["items"]
        except Unauthorized:
            raise
        except Forbidden:
            continue  # who may not see them could not make them either
        for item in items:
            metadata = item.get("metadata") or {}
            name = str(metadata.get("name"))
            if name in _SYSTEM:
                continue
            going = bool(metadata.get("deletionTimestamp")) and kind != "pod"
            yield f"{kind}/{name}", f"{path}/{quote(name, safe='')}", str(metadata.get("uid")), going
