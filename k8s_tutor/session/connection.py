"""From a cluster to what a session works with: the API, the namespace that is the learner's, a way to send requests."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any
from urllib.parse import quote

from k8s_tutor.clusters.provider import Cluster
from k8s_tutor.errors import ClusterError, EnvironmentFault, TutorError
from k8s_tutor.kube.client import Api, connect
from k8s_tutor.kube.errors import Conflict, Forbidden, NotFound
from k8s_tutor.kube.probes import NetnsProber, Prober
from k8s_tutor.session.journal import Journal, kubectl

MANAGED_BY = "app.kubernetes.io/managed-by"
OURS = "k8s-tutor"
NAME_LABEL = "kubernetes.io/metadata.name"
PROBE_NAMESPACE = "k8s-tutor-probe"
NAMESPACE_WHY = "a place of its own for the lab's objects"
ACCOUNT_SECONDS = 20.0
"""Patience with the default ServiceAccount of a new namespace; the controller makes it within milliseconds."""
OLDER_ACCOUNT_SECONDS = 3.0
"""And with that of one that was there before: somebody else made it a moment ago, or it does not come any more."""
GONE_SECONDS = 60.0


@dataclass(frozen=True)
class Namespace:
    """A namespace as it was found: ``ours`` when it bears our label, so that we may delete it.

    ``trouble``: in a sentence, why no pod can be made there (its default ServiceAccount does not come).
    """

    name: str
    uid: str
    ours: bool
    labels: Mapping[str, str] = field(default_factory=dict)
    trouble: str = ""


@dataclass
class Connection:
    """An open connection; ``close`` it. The prober is made when it is first wanted."""

    cluster: Cluster
    api: Api
    namespace: Namespace
    journal: Journal = field(default_factory=Journal)
    _prober: Prober | None = None
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _closed: bool = False

    @property
    def may_disrupt(self) -> bool:
        """Whether experiments may delete and scale there: the namespace is the tutor's own."""
        return self.namespace.ours

    @property
    def may_reset(self) -> bool:
        """Whether the namespace may be deleted: ours, on a cluster of ours."""
        return self.namespace.ours and self.cluster.owned

    @property
    def may_empty(self) -> bool:
        """Whether what is in the namespace may be deleted, but not the namespace: ours, on somebody else's cluster."""
        return self.namespace.ours and not self.cluster.owned

    def prober(self) -> Prober:
        """The way to send requests in this cluster. Raises TutorError when there is none."""
        with self._lock:
            if self._closed:
                raise ClusterError("the session is closed")
            if self._prober is None:
                self._prober = self._make_prober()
            return self._prober

    def close(self) -> None:
        """Close the connections and what the prober holds. May be called twice."""
        with self._lock:
            prober, self._prober, self._closed = self._prober, None, True
        if prober is not None:
            prober.close()
        self.api.close()

    def _make_prober(self) -> Prober:
        if self.cluster.netns is not None:
            return NetnsProber(self.cluster.netns)
        from k8s_tutor.kube.probes import PodProber

        # Not in the learner's namespace: its pods are the learner's work and count in the checks.
        ensure_namespace(self.api, PROBE_NAMESPACE, journal=self.journal)
        return PodProber(self.api, PROBE_NAMESPACE)


def open_connection(cluster: Cluster, namespace: str | None = None) -> Connection:
    """Connect, and make the namespace if it is missing.

    Raises ClusterError when the API server does not answer, EnvironmentFault (with nothing written) when the guard
    refuses the cluster, or when on somebody else's cluster a namespace of this name is not the tutor's.
    """
    from k8s_tutor.session.standing import admit

    api, journal = connect(cluster.kubeconfig), Journal()
    try:
        admit(api, cluster)
        if not cluster.owned and not cluster.tenant:
            _not_somebodys(api, namespace or cluster.namespace)
        found = ensure_namespace(api, namespace or cluster.namespace, journal=journal, strict=False)
        if cluster.owned and not found.ours and found.name == cluster.namespace:
            with journal.deed(kubectl("label", "namespace", found.name, f"{MANAGED_BY}={OURS}"), NAMESPACE_WHY):
                found = replace(_adopt(api, found), trouble=found.trouble)
        return Connection(cluster, api, found, journal)
    except BaseException:
        api.close()
        raise


def ensure_namespace(
    api: Api,
    name: str,
    labels: Mapping[str, str] | None = None,
    *,
    journal: Journal | None = None,
    strict: bool = True,
) -> Namespace:
    """The namespace, made with our label if it is missing, and its default ServiceAccount there.

    A Pod that comes before that ServiceAccount is refused, which is not the learner's fault. One that is being
    deleted is waited for until it is gone. Raises ClusterError when it does not go, or when the ServiceAccount does
    not come; unless ``strict``, the latter is the namespace's ``trouble``.
    """
    path = _path(name)
    deadline = time.monotonic() + GONE_SECONDS
    while True:
        try:
            found = api.get(path)
        except NotFound:
            wanted = {MANAGED_BY: OURS, **(labels or {})}
            marks = kubectl("label", "namespace", name, *(f"{key}={value}" for key, value in wanted.items()))
            command = f"{kubectl('create', 'namespace', name)} && {marks}"
            try:
                with (journal or Journal()).deed(command, NAMESPACE_WHY):
                    found = api.create(
                        "api/v1/namespaces",
                        {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": wanted}},
                    )
                    return _with_account(api, _namespace(found), ACCOUNT_SECONDS, strict)
            except Conflict:
                continue  # another instance made it at the same moment
        there = _namespace(found)
        if not (found.get("metadata") or {}).get("deletionTimestamp"):
            # In one of somebody else's it is their business.
            return _with_account(api, there, OLDER_ACCOUNT_SECONDS, strict) if there.ours else there
        # A reset that was cut short: its end has to be waited for.
        _await_gone(api, there, max(deadline - time.monotonic(), 0.0))


def _not_somebodys(api: Api, name: str) -> None:
    """Raise EnvironmentFault when there is a namespace of this name that does not bear our label."""
    try:
        found = find_namespace(api, name)
    except Forbidden:
        return  # then it cannot be made either, and whoever gave it is told so where it is needed
    if found is not None and not found.ours:
        mark = kubectl("label", "namespace", name, f"{MANAGED_BY}={OURS}")
        raise EnvironmentFault(
            f"namespace {name} is there already and is not k8s-tutor's: nothing is done in it",
            remedy=f"if it was made for this: {mark}; else ask for another one",
            code="not-ours",
        )


def _adopt(api: Api, namespace: Namespace) -> Namespace:
    """Label the learner's namespace of a cluster of ours, which the cluster's own start made without a label."""
    return _namespace(api.patch(_path(namespace.name), {"metadata": {"labels": {MANAGED_BY: OURS}}}))


def find_namespace(api: Api, name: str) -> Namespace | None:
    """The namespace of this name as it is now, also one that is being deleted; None if there is none."""
    try:
        return _namespace(api.get(_path(name)))
    except NotFound:
        return None


def _with_account(api: Api, namespace: Namespace, seconds: float, strict: bool) -> Namespace:
    """The namespace, once its default ServiceAccount is there. Raises ClusterError, or tells the trouble."""
    accounts = f"{_path(namespace.name)}/serviceaccounts"

    def there(event: dict[str, Any]) -> bool:
        return event.get("type") in ("ADDED", "MODIFIED")

    try:
        api.get(f"{accounts}/default")
        return namespace
    except Forbidden:
        return namespace  # a right that nothing else here needs
    except NotFound:
        if _watch(api, accounts, "default", there, seconds):
            return namespace
    show = kubectl("get", "serviceaccounts", f"--namespace={namespace.name}")
    maker = kubectl("get", "pods", "--namespace=kube-system", "--selector=component=kube-controller-manager")
    what = f"namespace {namespace.name} got no default ServiceAccount within {seconds:g} s, and without it no pod"
    if strict:
        raise ClusterError(what, remedy=f"look: {show}; who makes it: {maker}", code="no-service-account")
    return replace(namespace, trouble=f"{what} ({show}). Starting the lab over makes the namespace anew.")


def delete_namespace(api: Api, namespace: Namespace, *, wait: bool = True) -> None:
    """Delete a namespace that is ours, by its UID. Raises TutorError when it bears no label of ours."""
    if not namespace.ours:
        raise TutorError(
            f"namespace {namespace.name} is not k8s-tutor's: it has no label {MANAGED_BY}={OURS}",
            remedy=f"delete what you want to be gone yourself: kubectl -n {namespace.name} get all",
            code="not-ours",
        )
    name = namespace.name
    try:
        api.delete(_path(name), uid=namespace.uid)
    except (NotFound, Conflict):
        # Gone, being deleted already, or another one of that name: only in the very one pods are ours to end.
        if _gone(api, namespace):
            return
    # Pods would take up to 30 s to say good-bye; nothing in them is worth it.
    pods = f"{_path(name)}/pods"
    for pod in api.list(pods)["items"]:
        metadata = pod.get("metadata") or {}
        with contextlib.suppress(NotFound, Conflict):
            api.delete(f"{pods}/{quote(str(metadata.get('name')))}", uid=str(metadata.get("uid")), grace=0)
    if wait:
        _await_gone(api, namespace, GONE_SECONDS)


def _gone(api: Api, namespace: Namespace) -> bool:
    """Whether there is no namespace of this name, or another one by now."""
    now = find_namespace(api, namespace.name)
    return now is None or now.uid != namespace.uid


def _await_gone(api: Api, namespace: Namespace, seconds: float) -> None:
    name = namespace.name

    def gone(event: dict[str, Any]) -> bool:
        item = event.get("object") or {}
        other = event.get("type") == "ADDED" and (item.get("metadata") or {}).get("uid") != namespace.uid
        return event.get("type") == "DELETED" or other

    if not _watch(api, "api/v1/namespaces", name, gone, seconds, also=lambda: _gone(api, namespace)):
        raise ClusterError(
            f"namespace {name} was not removed within {seconds:g} s",
            remedy=f"see what holds it: kubectl get namespace {name} -o yaml",
            code="stuck-namespace",
        )


def _watch(
    api: Api,
    path: str,
    name: str,
    wanted: Callable[[dict[str, Any]], bool],
    seconds: float,
    *,
    also: Callable[[], bool] | None = None,
) -> bool:
    """Watch one object from now until an event is as wanted; false at the deadline.

    ``also`` is asked once the initial state is known: it may have happened before the watch began.
    """
    deadline = time.monotonic() + seconds
    while (left := deadline - time.monotonic()) > 0:
        query: dict[str, str | int | bool] = {
            "watch": 1,
            "fieldSelector": f"metadata.name={name}",
            "sendInitialEvents": True,
            "resourceVersionMatch": "NotOlderThan",
            "allowWatchBookmarks": True,
            "timeoutSeconds": max(1, int(left)),
        }
        stream = api.stream(path, query, read_timeout=left + 2)
        ender = threading.Timer(left, stream.close)
        ender.daemon = True
        ender.start()
        try:
            for event in stream:
                if wanted(event):
                    return True
                if also is not None and event.get("type") == "BOOKMARK" and also():
                    return True
        finally:
            ender.cancel()
            stream.close()
    return also is not None and also()


def _namespace(found: dict[str, Any]) -> Namespace:
    metadata = found.get("metadata") or {}
    # The server sets the name's label itself.
    labels = {key: str(value) for key, value in (metadata.get("labels") or {}).items() if key != NAME_LABEL}
    return Namespace(str(metadata.get("name")), str(metadata.get("uid")), labels.get(MANAGED_BY) == OURS, labels)


def _path(name: str) -> str:
    return f"api/v1/namespaces/{quote(name, safe='')}"
