"""A submission's place on the cluster: made with its rules, left with nothing behind; what a dead run left is swept."""

from __future__ import annotations

import contextlib
import fcntl
import os
import secrets
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from k8s_tutor import atomic, paths
from k8s_tutor.clusters.provider import Cluster
from k8s_tutor.errors import TutorError
from k8s_tutor.grading import rules
from k8s_tutor.kube.client import Api
from k8s_tutor.kube.errors import Conflict, NotFound
from k8s_tutor.session.connection import MANAGED_BY, OURS, Namespace, delete_namespace, ensure_namespace, find_namespace
from k8s_tutor.session.tenant import ask_token, kubeconfig_text

NAME = "k8s-tutor-grade"
SPARE_SECONDS = 600.0
"""How long a namespace may outlive the deadline of its submission before another run sweeps it."""
LEAVE_SECONDS, LEAVE_AGAIN = 60.0, 2.0
"""How long, and how often, it is tried to take a namespace away where the API server does not answer: what stays holds
pods, and makes a node that is slow already slower. After that it stays until the run's end."""


RIGHTS = (
    "apis/rbac.authorization.k8s.io/v1/clusterrolebindings",
    "apis/rbac.authorization.k8s.io/v1/clusterroles",
    "apis/admissionregistration.k8s.io/v1/validatingadmissionpolicybindings",
    "apis/admissionregistration.k8s.io/v1/validatingadmissionpolicies",
)
"""What a run in the cluster has beside its namespaces, in the order in which it goes: from the first on no pod of it
makes anything. Each is named after the run's own namespace."""


@dataclass(frozen=True)
class Place:
    """A namespace, and the cluster as its student's credentials see it (``student.kubeconfig`` is 0600)."""

    namespace: str
    student: Cluster


class Holder:
    """One run's claim on its namespaces: while it lives nobody sweeps them. Close it, or use it in ``with``."""

    def __init__(self) -> None:
        """Take a new run id. Raises OSError where the state folder cannot be written."""
        self.run = secrets.token_hex(4)
        folder = _locks()
        folder.mkdir(parents=True, exist_ok=True)
        self._path = folder / f"{self.run}.lock"
        self._file = self._path.open("w")
        fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)

    def __enter__(self) -> Holder:
        """The holder itself."""
        return self

    def __exit__(self, *_: object) -> None:
        """Give it up."""
        self.close()

    def close(self) -> None:
        """Give it up: what is left of the run may be swept by anybody."""
        self._path.unlink(missing_ok=True)
        self._file.close()


def _locks() -> Path:
    return paths.state_dir() / "grading" / "runs"


def _held(run: str) -> bool:
    """Whether a run of this machine is alive."""
    try:
        with (_locks() / f"{run}.lock").open("r+") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError:
                return True
    except OSError:
        return False
    with contextlib.suppress(OSError):
        (_locks() / f"{run}.lock").unlink()
    return False


def prepare(api: Api) -> None:
    """Make what all submissions share. Raises TutorError."""
    for item in rules.shared():
        api.apply(item)


def clear(api: Api, mine: str) -> None:
    """Delete what all submissions shared, unless another run still has namespaces that it guards. Raises TutorError.

    In one that is being deleted nothing can be made any more: there is nothing to guard.
    """
    spaces = api.list("api/v1/namespaces", {"labelSelector": f"{MANAGED_BY}={OURS},{rules.GRADE}"})["items"]
    others = [item["metadata"] for item in spaces if (item["metadata"].get("labels") or {}).get(rules.GRADE) != mine]
    if any(not metadata.get("deletionTimestamp") for metadata in others):
        return
    for kind in ("validatingadmissionpolicybindings", "validatingadmissionpolicies"):
        path = f"apis/admissionregistration.k8s.io/v1/{kind}"
        selector = {"labelSelector": f"{MANAGED_BY}={OURS},{rules.GRADE}=shared"}
        for item in api.list(path, selector)["items"]:
            with contextlib.suppress(NotFound, Conflict):
                api.delete(f"{path}/{item['metadata']['name']}", uid=str(item["metadata"]["uid"]))


def claim(api: Api, namespace: str, seconds: float) -> None:
    """Keep a namespace from being swept by others for so long. Raises TutorError."""
    expires = str(int(time.time() + seconds))
    api.patch(f"api/v1/namespaces/{namespace}", {"metadata": {"annotations": {rules.EXPIRES: expires}}})


@contextlib.contextmanager
def place(api: Api, cluster: Cluster, run: str, seconds: float) -> Iterator[Place]:
    """A place for one submission, for at most ``seconds``; deleted afterwards, whatever happens. Raises TutorError."""
    name = f"{NAME}-{run}-{secrets.token_hex(3)}"
    handle, file = tempfile.mkstemp(prefix="k8s-tutor-grade-", suffix=".kubeconfig")
    os.close(handle)
    try:
        ensure_namespace(api, name, rules.namespace_labels(run))
        claim(api, name, seconds + SPARE_SECONDS)
        for item in rules.objects(name):
            api.apply(item)
        token = ask_token(api, name, rules.ACCOUNT, seconds + SPARE_SECONDS)
        atomic.write_text(Path(file), kubeconfig_text(cluster, rules.ACCOUNT, name, token), mode=0o600)
        yield Place(name, replace(cluster, kubeconfig=Path(file), namespace=name))
    finally:
        Path(file).unlink(missing_ok=True)
        _leave(api, name)


def _leave(api: Api, name: str) -> None:
    """Take a namespace away; also one of which it is not known whether it was made, for the answer was lost."""
    until = time.monotonic() + LEAVE_SECONDS
    while True:
        try:
            made = find_namespace(api, name)
            if made is not None:
                delete_namespace(api, made, wait=False)
        except TutorError:
            if time.monotonic() + LEAVE_AGAIN > until:
                return
            time.sleep(LEAVE_AGAIN)
        else:
            return


def sweep(api: Api, now: float, *, mine: str = "") -> list[str]:
    """Delete the namespaces of runs that are dead (of this machine) or over (of any); their names.

    ``mine``: the id of the own run, of which everything goes.
    """
    swept = []
    dead: dict[str, bool] = {}
    for item in api.list("api/v1/namespaces", {"labelSelector": f"{MANAGED_BY}={OURS},{rules.GRADE}"})["items"]:
        metadata = item["metadata"]
        run = str((metadata.get("labels") or {}).get(rules.GRADE))
        expires = str((metadata.get("annotations") or {}).get(rules.EXPIRES, ""))
        over = not expires.isdigit() or float(expires) < now
        if run not in dead:  # once a run: to ask takes the lock of a dead one away
            dead[run] = (_locks() / f"{run}.lock").exists() and not _held(run)
        if run != mine and not dead[run] and (_held(run) or not over):
            continue
        namespace = Namespace(str(metadata["name"]), str(metadata["uid"]), True, {})
        with contextlib.suppress(NotFound, Conflict):
            if rules.GRADER in (metadata.get("labels") or {}):
                # Its pod would else begin anew in another namespace when the one that it works in goes.
                delete_rights(api, namespace.name)
                delete_jobs(api, namespace.name)
            delete_namespace(api, namespace, wait=False)
            swept.append(namespace.name)
    return swept


def delete_rights(api: Api, namespace: str) -> None:
    """Take the rights of the pods of a run in the cluster away. What does not go now goes with its namespace."""
    for path in RIGHTS:
        with contextlib.suppress(TutorError):
            api.delete(f"{path}/{namespace}")


def delete_jobs(api: Api, namespace: str) -> None:
    """Delete the Jobs of a namespace and their pods; before the namespace itself, which would wait for minutes.

    A namespace's other objects are deleted when its pods are gone; a Job's pods are not gone before the Job is or lets
    them go (finalizer ``batch.kubernetes.io/job-tracking``). Raises TutorError.
    """
    api.delete(f"apis/batch/v1/namespaces/{namespace}/jobs", propagation="Background")
