"""Give each learner a place on the cluster, and take it away again: objects made and deleted, tokens asked for."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

from k8s_tutor import atomic
from k8s_tutor.clusters import assigned
from k8s_tutor.clusters.provider import Cluster
from k8s_tutor.errors import ClusterError
from k8s_tutor.kube.client import Api
from k8s_tutor.kube.errors import Conflict, NotFound
from k8s_tutor.serving import rights
from k8s_tutor.serving.roster import Learner, learner_dir
from k8s_tutor.session.connection import Namespace, delete_namespace, ensure_namespace
from k8s_tutor.session.tenant import ask_token, kubeconfig_text

KUBECONFIG, ASSIGNED, HOME = "kubeconfig", "assigned.json", "home"
SEEN_AT = Path("/run/k8s-tutor")
"""Where the learner's processes see these files (serving/sandbox.py)."""


def prepare(api: Api) -> None:
    """Make what all learners share; nothing is done twice. Raises TutorError."""
    ensure_namespace(api, rights.SERVER_NAMESPACE)
    for obj in rights.shared():
        api.apply(obj)


def admit(api: Api, cluster: Cluster, learner: Learner, hours: float) -> None:
    """Make the learner's namespace, account and rights, a token for ``hours``, and the folder; again if need be.

    Raises ClusterError when the namespace is there and is not ours.
    """
    labels = rights.namespace_labels(learner)
    found = ensure_namespace(api, learner.namespace, labels)
    if not found.ours or found.labels.get(rights.LEARNER) != learner.id:
        raise ClusterError(
            f"namespace {learner.namespace} is there and is not of this learner",
            remedy=f"delete it, if it may go: kubectl --kubeconfig {cluster.kubeconfig} "
            f"delete namespace {learner.namespace}",
            code="not-ours",
        )
    if any(found.labels.get(key) != value for key, value in labels.items()):
        api.patch(f"api/v1/namespaces/{learner.namespace}", {"metadata": {"labels": labels}})
    for obj in rights.objects(learner):
        api.apply(obj)
    _make_folder(cluster, learner, ask_token(api, rights.SERVER_NAMESPACE, learner.id, hours * 3600))


def _make_folder(cluster: Cluster, learner: Learner, token: str) -> None:
    folder = learner_dir(cluster.name, learner)
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    # Root's own folder: a learner who could write here could lay links in root's way.
    os.chmod(folder, 0o700)
    home = folder / HOME
    home.mkdir(exist_ok=True, mode=0o700)
    os.chown(home, learner.uid, learner.uid, follow_symlinks=False)
    file = folder / KUBECONFIG
    atomic.write_text(file, kubeconfig_text(cluster, learner.id, learner.namespace, token))
    os.chown(file, learner.uid, learner.uid, follow_symlinks=False)
    text = assigned.write_text(cluster, learner.namespace, SEEN_AT / KUBECONFIG)
    atomic.write_text(folder / ASSIGNED, text, mode=0o644)


def dismiss(api: Api, learner: Learner) -> None:
    """Delete what was made for the learner in the cluster, by UID, the namespace with all in it."""
    for path, uid in _made(api, learner.id):
        try:
            api.delete(path, uid=uid)
        except (NotFound, Conflict):
            continue
    try:
        found = api.get(f"api/v1/namespaces/{learner.namespace}")["metadata"]
    except NotFound:
        return
    labels = found.get("labels") or {}
    if labels.get(rights.LEARNER) == learner.id:
        ours = labels.get(rights.MANAGED_BY) == rights.OURS
        delete_namespace(api, Namespace(learner.namespace, str(found["uid"]), ours, labels))


def clear(api: Api) -> None:
    """Delete what all learners shared."""
    for path, uid in _made(api, ""):
        try:
            api.delete(path, uid=uid)
        except (NotFound, Conflict):
            continue
    try:
        found = api.get(f"api/v1/namespaces/{rights.SERVER_NAMESPACE}")["metadata"]
    except NotFound:
        return
    if (found.get("labels") or {}).get(rights.MANAGED_BY) == rights.OURS:
        delete_namespace(api, Namespace(rights.SERVER_NAMESPACE, str(found["uid"]), True, {}))


def forget(cluster: str, learner: Learner) -> None:
    """Remove the learner's folder, with all that the learner wrote. Nothing of the learner's may run any more."""
    shutil.rmtree(learner_dir(cluster, learner), ignore_errors=False, onerror=_fine_if_gone)


def _fine_if_gone(_function: Any, _path: str, error: Any) -> None:
    if not isinstance(error[1], FileNotFoundError):
        raise error[1]


_RBAC = "apis/rbac.authorization.k8s.io/v1"
_ADMISSION = "apis/admissionregistration.k8s.io/v1"


def _made(api: Api, value: str) -> Iterator[tuple[str, str]]:
    """Path and UID of what bears our labels outside the learner's namespace; ``value``: a learner's id, or empty."""
    selector = f"{rights.MANAGED_BY}={rights.OURS},{rights.LEARNER}={value}"
    places = [
        f"{_RBAC}/namespaces/kube-system/rolebindings",
        f"{_RBAC}/namespaces/kube-system/roles",
        f"{_RBAC}/clusterrolebindings",
        f"{_RBAC}/clusterroles",
        f"api/v1/namespaces/{rights.SERVER_NAMESPACE}/serviceaccounts",
    ]
    if not value:
        places += [f"{_ADMISSION}/validatingadmissionpolicybindings", f"{_ADMISSION}/validatingadmissionpolicies"]
    for place in places:
        for item in api.list(place, {"labelSelector": selector})["items"]:
            yield f"{place}/{quote(str(item['metadata']['name']), safe='')}", str(item["metadata"]["uid"])
