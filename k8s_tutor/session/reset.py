"""Begin a lab anew: an empty namespace of the same name, the learner's files kept aside, strays removed."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence

from k8s_tutor.clusters.provider import Cluster
from k8s_tutor.errors import TutorError
from k8s_tutor.kube.client import Api, connect
from k8s_tutor.kube.errors import ApiRefused, Conflict, NotFound
from k8s_tutor.kube.manifest import ManifestError, parse_manifest
from k8s_tutor.labs.model import Lab
from k8s_tutor.session.connection import (
    Connection,
    Namespace,
    delete_namespace,
    ensure_namespace,
    find_namespace,
)
from k8s_tutor.session.emptying import contents, empty
from k8s_tutor.session.journal import Journal, kubectl, shell
from k8s_tutor.session.standing import admit
from k8s_tutor.session.workspace import Workspace

WHY = "start the lab over"
ELSEWHERE = "default"
"""Where objects land that were applied with the wrong namespace, most of all."""


def renew(connection: Connection, lab: Lab, workspace: Workspace) -> tuple[Namespace, list[str]]:
    """Delete the session's namespace and make it anew; returns the new one, and lines that say what was done.

    Raises TutorError, before anything is touched, unless the namespace is ours on a cluster of ours; and when it
    stops half-way: then it says what is left, and a second call goes on from whatever is there.
    """
    old = connection.namespace
    if connection.may_empty:
        return _emptied(connection, lab, workspace)
    if not connection.may_reset:
        raise not_ours(connection.cluster, old.name)
    api, journal = connection.api, connection.journal
    left = [
        f"delete the lab's objects in namespace {ELSEWHERE}",
        f"delete namespace {old.name}",
        "make it anew",
        "move your files aside",
        f"clear the progress of {lab.id}",
    ]
    with _saying_what_is_left(connection, lab, left):
        strays = remove_strays(api, lab, journal)
        left.pop(0)
        # Not the one of when the session began: a first try may have deleted it, and made another.
        now = find_namespace(api, old.name)
        if now is not None:
            with journal.deed(kubectl("delete", "namespace", now.name), WHY):
                delete_namespace(api, now)
        left.pop(0)
        new = ensure_namespace(api, old.name, old.labels, journal=journal)
        left.pop(0)
        aside = workspace.back_up()
    lines = [f"namespace {new.name} was made anew, empty"]
    lines += [f"removed {stray} from namespace {ELSEWHERE}" for stray in strays]
    if aside is not None:
        lines.append(f"your files are in {aside}")
    lines.append(f"progress of {lab.id} is cleared")
    return new, lines


def _emptied(connection: Connection, lab: Lab, workspace: Workspace) -> tuple[Namespace, list[str]]:
    """Begin anew in the same namespace, on a cluster that others share."""
    namespace = connection.namespace
    left = [f"empty namespace {namespace.name}", "move your files aside", f"clear the progress of {lab.id}"]
    with _saying_what_is_left(connection, lab, left):
        empty(connection.api, namespace.name, connection.journal)
        left.pop(0)
        aside = workspace.back_up()
    moved = [f"your files are in {aside}"] if aside is not None else []
    return namespace, [f"namespace {namespace.name} was emptied", *moved, f"progress of {lab.id} is cleared"]


def preview(cluster: Cluster, lab: Lab, workspace: Workspace) -> list[str]:
    """What a reset would delete and move, one thing a line; only asks, and makes no namespace either.

    Raises TutorError as a reset would where it may not be done.
    """
    api = connect(cluster.kubeconfig)
    try:
        admit(api, cluster)
        found, lines = find_namespace(api, cluster.namespace), []
        if found is not None:
            if not found.ours and not cluster.owned:
                raise not_ours(cluster, found.name)
            if cluster.owned:
                lines.append(f"delete namespace {found.name} (UID {found.uid}) with everything in it, and make it anew")
            lines += [f"delete {what} (UID {uid}) in namespace {found.name}" for what, uid in contents(api, found.name)]
        if cluster.owned:
            lines += [f"delete {name} (UID {uid}) in namespace {ELSEWHERE}" for name, _path, uid in strays(api, lab)]
    finally:
        api.close()
    lines += [f"move aside {path}" for path in workspace.to_move()]
    return [*lines, f"clear the progress of {lab.id}"]


def not_ours(cluster: Cluster, namespace: str) -> TutorError:
    """The error for a namespace that is somebody else's."""
    return TutorError(
        f"namespace {namespace} of cluster {cluster.name} is not k8s-tutor's to delete",
        remedy=f"delete what you made yourself: kubectl --kubeconfig {cluster.kubeconfig} "
        f"-n {namespace} delete deployment,service,pod --all",
        code="not-ours",
    )


def reset_command(lab_id: str, cluster: str = "") -> str:
    """The command that begins a lab anew."""
    return shell(("k8s-tutor", "reset", lab_id, *(("--cluster", cluster) if cluster else ())))


@contextlib.contextmanager
def _saying_what_is_left(connection: Connection, lab: Lab, left: Sequence[str]) -> Iterator[None]:
    """Turn what stops a reset into an error that names what it has not done, and the command that goes on."""
    try:
        yield
    except (TutorError, OSError) as error:
        why = error.message if isinstance(error, TutorError) else str(error)
        look = error.remedy if isinstance(error, TutorError) else ""
        command = reset_command(lab.id, connection.cluster.name)
        raise TutorError(
            f"starting {lab.id} over stopped half-way: {why}. Still to do: {'; '.join(left)}",
            remedy=f"{command} goes on from there" + (f". {look}" if look else ""),
            code="reset-unfinished",
        ) from error


def remove_strays(api: Api, lab: Lab, journal: Journal | None = None) -> list[str]:
    """Delete the lab's own objects from namespace ``default``; what was deleted, as ``Kind/name``.

    Only what bears the kind and name of an object in the lab's manifests, and only on clusters of ours (the
    caller sees to that): nothing else there is the lab's.
    """
    removed = []
    for kind_name, path, uid in strays(api, lab):
        try:
            now = ("--grace-period=0", "--force") if kind_name.startswith("Pod/") else ()
            command = kubectl("delete", kind_name, f"--namespace={ELSEWHERE}", *now)
            with (journal or Journal()).deed(command, WHY):
                api.delete(path, uid=uid, grace=0 if now else None)
            removed.append(kind_name)
        except (NotFound, Conflict):
            continue
    return removed


def strays(api: Api, lab: Lab) -> list[tuple[str, str, str]]:
    """The lab's own objects in namespace ``default``: ``Kind/name``, path and UID."""
    found = []
    for kind_name, path in _own_objects(api, lab):
        with contextlib.suppress(NotFound):
            found.append((kind_name, path, str((api.get(path).get("metadata") or {}).get("uid", ""))))
    return found


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
