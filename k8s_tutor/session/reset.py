"""Begin a lab anew: an empty namespace of the same name, the learner's files kept aside, strays removed."""

from __future__ import annotations

import contextlib

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


def renew(connection: Connection, lab: Lab, workspace: Workspace) -> tuple[Namespace, list[str]]:
    """Delete the session's namespace and make it anew; returns the new one, and lines that say what was done.

    Raises TutorError, before anything is touched, unless the namespace is ours on a cluster of ours.
    """
    old = connection.namespace
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
    aside = workspace.back_up()
    if aside is not None:
        lines.append(f"your files are in {aside}")
    lines.append(f"progress of {lab.id} is cleared")
    return new, lines


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
