"""Begin a lab anew: an empty namespace of the same name, the learner's files kept aside, strays removed."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator
from urllib.parse import quote

from k8s_tutor.errors import TutorError
from k8s_tutor.kube.client import Api
from k8s_tutor.kube.errors import ApiRefused, Conflict, NotFound
from k8s_tutor.kube.manifest import ManifestError, parse_manifest
from k8s_tutor.labs.model import Lab
from k8s_tutor.session.connection import Connection, Namespace, delete_namespace, ensure_namespace
from k8s_tutor.session.journal import Journal, kubectl
from k8s_tutor.session.workspace import Workspace

WHY = "start the lab over"
ELSEWHERE = "default"
"""Where objects land that were applied with the wrong namespace, most of all."""
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


def renew(connection: Connection, lab: Lab, workspace: Workspace) -> tuple[Namespace, list[str]]:
    """Delete the session's namespace and make it anew; returns the new one, and lines that say what was done.

    Raises TutorError, before anything is touched, unless the namespace is ours on a cluster of ours.
    """
    old = connection.namespace
    if connection.may_empty:
        empty(connection.api, old.name, connection.journal)
        return old, [f"namespace {old.name} was emptied", *_closing_lines(lab, workspace)]
    if not connection.may_reset:
        raise TutorError(
            f"namespace {old.name} of cluster {connection.cluster.name} is not k8s-tutor's to delete",
            remedy=f"delete what you made yourself: kubectl --kubeconfig {connection.cluster.kubeconfig} "
            f"-n {old.name} delete deployment,service,pod --all",
            code="not-ours",
        )
    journal = connection.journal
    strays = remove_strays(connection.api, lab, journal)
    with journal.deed(kubectl("delete", "namespace", old.name), WHY):
        delete_namespace(connection.api, old)
    new = ensure_namespace(connection.api, old.name, old.labels, journal=journal)
    lines = [f"namespace {new.name} was made anew, empty"]
    lines += [f"removed {stray} from namespace {ELSEWHERE}" for stray in strays]
    return new, lines + _closing_lines(lab, workspace)


def _closing_lines(lab: Lab, workspace: Workspace) -> list[str]:
    aside = workspace.back_up()
    return [*([f"your files are in {aside}"] if aside is not None else []), f"progress of {lab.id} is cleared"]


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


def _in(api: Api, namespace: str) -> Iterator[tuple[str, str, str, bool]]:
    """What is there: ``kind/name``, path, UID, and whether it is on its way out."""
    for kind, collection in _MADE.items():
        path = collection.format(namespace=quote(namespace, safe=""))
        for item in api.list(path)["items"]:
            metadata = item.get("metadata") or {}
            name = str(metadata.get("name"))
            if name in _SYSTEM:
                continue
            going = bool(metadata.get("deletionTimestamp")) and kind != "pod"
            yield f"{kind}/{name}", f"{path}/{quote(name, safe='')}", str(metadata.get("uid")), going


def remove_strays(api: Api, lab: Lab, journal: Journal | None = None) -> list[str]:
    """Delete the lab's own objects from namespace ``default``; what was deleted, as ``Kind/name``.

    Only what bears the kind and name of an object in the lab's manifests, and only on clusters of ours (the
    caller sees to that): nothing else there is the lab's.
    """
    removed = []
    for kind_name, path in _own_objects(api, lab):
        try:
            uid = str((api.get(path).get("metadata") or {}).get("uid", ""))
            now = ("--grace-period=0", "--force") if kind_name.startswith("Pod/") else ()
            command = kubectl("delete", kind_name, f"--namespace={ELSEWHERE}", *now)
            with (journal or Journal()).deed(command, WHY):
                api.delete(path, uid=uid, grace=0 if now else None)
            removed.append(kind_name)
        except (NotFound, Conflict):
            continue
    return removed


def _own_objects(api: Api, lab: Lab) -> list[tuple[str, str]]:
    found = []
    for manifest in lab.manifests:
        with contextlib.suppress(ManifestError):
            for document in parse_manifest(manifest.text):
                if not isinstance(document.object, dict):
                    continue
                with contextlib.suppress(ApiRefused):
                    name = str((document.object.get("metadata") or {}).get("name"))
                    plain = {**document.object, "metadata": {"name": name}}
                    found.append((f"{document.object.get('kind')}/{name}", api.path_of(plain, ELSEWHERE)))
    return found
