"""A test double: a loopback API server with namespaces that are made, deleted and watched, and sessions on it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from loopback_api import Handler, LoopbackApi

from k8s_tutor.clusters.provider import Cluster
from k8s_tutor.labs.model import Lab
from k8s_tutor.session.session import Session

NAMESPACES = "/api/v1/namespaces"
LEARNER = f"{NAMESPACES}/learner"
OURS = {"app.kubernetes.io/managed-by": "k8s-tutor"}


class LoopbackCluster:
    """One namespace, ``learner``, on a loopback API server.

    ``accounts``: a namespace gets its default ServiceAccount at once; ``lingers``: one that is deleted stays
    (terminating) until ``end`` is called. ``made`` and ``deleted`` count.
    """

    def __init__(self, *, there: bool = True, labels: dict[str, str] | None = None) -> None:
        self.api = LoopbackApi()
        self.accounts, self.lingers = True, False
        self.made = self.deleted = 0
        self.namespace: dict[str, Any] | None = None
        self.account = False
        self._events: list[tuple[str, str, dict[str, Any]]] = []
        if there:
            self._make(OURS if labels is None else labels)
        self.made = 0
        route = self.api.routes
        route["GET", NAMESPACES] = lambda handler: self._watch(handler, "Namespace")
        route["POST", NAMESPACES] = self._post
        route["GET", LEARNER] = self._get
        route["PATCH", LEARNER] = self._get
        route["DELETE", LEARNER] = self._delete
        route["GET", f"{LEARNER}/serviceaccounts"] = lambda handler: self._watch(handler, "ServiceAccount")
        route["GET", f"{LEARNER}/serviceaccounts/default"] = self._get_account

    def give_account(self) -> None:
        """The controller has made the default ServiceAccount."""
        with self.api.changed:
            self.account = True
            self._tell("ServiceAccount", "ADDED", {"metadata": {"name": "default", "namespace": "learner"}})

    def end(self) -> None:
        """A namespace that is being deleted is gone."""
        with self.api.changed:
            gone, self.namespace, self.account = self.namespace, None, False
            assert gone is not None
            self._tell("Namespace", "DELETED", gone)
            for name in list(self.api.objects):
                self.api.remove(name)

    def asked(self, method: str, path: str) -> int:
        """How often this was requested."""
        return sum(seen[:2] == (method, path) for seen in list(self.api.seen))

    def cluster(self, folder: Path, **more: Any) -> Cluster:
        kubeconfig = self.api.kubeconfig(folder)
        return Cluster("learn", "native", kubeconfig, "learner", owned=True, running=True, ready=True, **more)

    @contextmanager
    def session(self, lab: Lab, folder: Path, **more: Any) -> Iterator[Session]:
        more = {"folder": folder / "work", "watch_files": False, **more}
        with Session(lab, self.cluster(folder), **more) as session:
            yield session

    def _make(self, labels: dict[str, str]) -> dict[str, Any]:
        with self.api.changed:
            self.made += 1
            self.api.version += 1
            metadata = {"name": "learner", "uid": f"ns-{self.api.version}", "labels": labels}
            self.namespace = {"kind": "Namespace", "metadata": {**metadata, "resourceVersion": str(self.api.version)}}
            self._tell("Namespace", "ADDED", self.namespace)
            if self.accounts:
                self.give_account()
            return self.namespace

    def _tell(self, kind: str, change: str, obj: dict[str, Any]) -> None:
        self._events.append((kind, change, obj))
        self.api.changed.notify_all()

    def _get(self, handler: Handler) -> None:
        if self.namespace is None:
            handler.status(404, "NotFound", 'namespaces "learner" not found')
        else:
            handler.json(200, self.namespace)

    def _get_account(self, handler: Handler) -> None:
        if self.account:
            handler.json(200, {"kind": "ServiceAccount", "metadata": {"name": "default"}})
        else:
            handler.status(404, "NotFound", 'serviceaccounts "default" not found')

    def _post(self, handler: Handler) -> None:
        if self.namespace is not None:
            handler.status(409, "AlreadyExists", 'namespaces "learner" already exists')
        else:
            handler.json(201, self._make(json.loads(handler.body)["metadata"].get("labels") or {}))

    def _delete(self, handler: Handler) -> None:
        wanted = json.loads(handler.body or b"{}").get("preconditions", {}).get("uid")
        if self.namespace is None:
            handler.status(404, "NotFound", "not found")
            return
        metadata = self.namespace["metadata"]
        if wanted not in (None, metadata["uid"]) or metadata.get("deletionTimestamp"):
            handler.status(409, "Conflict", "the UID does not match, or it is being deleted already")
            return
        with self.api.changed:
            self.deleted += 1
            metadata = {**metadata, "deletionTimestamp": "2027-01-15T08:00:00Z"}
            self.namespace = {**self.namespace, "metadata": metadata}
            self._tell("Namespace", "MODIFIED", self.namespace)
        handler.json(200, self.namespace)
        if not self.lingers:
            self.end()

    def _watch(self, handler: Handler, kind: str) -> None:
        with self.api.changed:
            now = self.namespace if kind == "Namespace" else {"metadata": {"name": "default"}} if self.account else None
            seen, version = len(self._events), str(self.api.version)
        if "watch=" not in handler.path:
            handler.json(200, {"kind": "List", "metadata": {"resourceVersion": version}, "items": [now] if now else []})
            return
        handler.open_stream()
        if now is not None and "sendInitialEvents=true" in handler.path:
            handler.event("ADDED", now)
        annotations = {"k8s.io/initial-events-end": "true"}
        handler.event("BOOKMARK", {"metadata": {"resourceVersion": version, "annotations": annotations}})
        while True:
            with self.api.changed:
                while len(self._events) <= seen and not self.api.stopped:
                    self.api.changed.wait(30)
                news, seen = self._events[seen:], len(self._events)
                stopped = self.api.stopped
            for about, change, obj in news:
                if about == kind:
                    handler.event(change, obj)
            if stopped:
                handler.end_stream()
                return
