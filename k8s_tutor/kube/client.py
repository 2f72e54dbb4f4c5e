"""Requests to one API server, in dicts: bounded in time and size, and the answer is data or an error."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode

from k8s_tutor.errors import ClusterError
from k8s_tutor.kube.access import file_stamp, read_access
from k8s_tutor.kube.errors import ApiRefused, ApiUnreachable, FieldProblem, Forbidden, NotFound
from k8s_tutor.kube.resources import KNOWN, Resource
from k8s_tutor.kube.stream import Stream
from k8s_tutor.kube.transport import READ_TIMEOUT, Answer, Transport, parse, raise_for

FIELD_MANAGER = "k8s-tutor"
Query = Mapping[str, str | int | bool]


@dataclass(frozen=True)
class Identity:
    """Which cluster this is: UID of kube-system, SHA-256 of its CA (hex), version like ``v1.37.2``."""

    uid: str
    ca_fingerprint: str
    version: str


def connect(kubeconfig: Path, context: str | None = None) -> Api:
    """An Api for a context of this kubeconfig file (its current one if None). Sends nothing yet.

    Raises ClusterError when the file cannot be used.
    """
    return Api(Transport(read_access(kubeconfig, context)))


class Api:
    """One API server. Safe for many threads. Paths are those below the server's URL (``api/v1/pods``).

    Every method raises ApiUnreachable when nothing sensible was said, ApiRefused (NotFound, Conflict,
    Forbidden) when the server said no. Nothing is tried twice, but for credentials that expired.
    """

    def __init__(self, transport: Transport) -> None:
        self._transport = transport
        self._discovered: dict[str, tuple[Resource, ...]] = {}
        self._lock = threading.Lock()

    @property
    def server(self) -> str:
        """The server's URL."""
        return self._transport.access.server

    @property
    def context(self) -> str:
        """The name of the kubeconfig's context in use."""
        return self._transport.access.context

    @property
    def namespace(self) -> str:
        """The context's default namespace (``default`` if it names none)."""
        return self._transport.access.namespace

    @property
    def ca_fingerprint(self) -> str:
        """SHA-256 of the CA certificates that we trust for this server, in hex; empty if none are named."""
        return self._transport.access.ca_fingerprint

    def get(self, path: str, query: Query | None = None, *, timeout: float = READ_TIMEOUT) -> dict[str, Any]:
        """One object."""
        return self._object("GET", path, query, timeout=timeout)

    def list(self, path: str, query: Query | None = None) -> dict[str, Any]:
        """A list as the server sent it (``items``, ``metadata.resourceVersion``); ``items`` is always a list."""
        answer = self._object("GET", path, query)
        if not isinstance(answer.get("items"), list):
            answer["items"] = []
        return answer

    def create(self, path: str, obj: Mapping[str, Any], query: Query | None = None) -> dict[str, Any]:
        """Create an object in a collection; unknown fields are refused."""
        full = {"fieldManager": FIELD_MANAGER, "fieldValidation": "Strict", **(query or {})}
        return self._object("POST", path, full, body=obj)

    def patch(
        self,
        path: str,
        body: Any,
        *,
        content_type: str = "application/merge-patch+json",
        query: Query | None = None,
    ) -> dict[str, Any]:
        """Change an object; unknown fields are refused."""
        full = {"fieldManager": FIELD_MANAGER, "fieldValidation": "Strict", **(query or {})}
        return self._object("PATCH", path, full, body=body, content_type=content_type)

    def delete(
        self, path: str, *, uid: str | None = None, grace: int | None = None, propagation: str | None = None
    ) -> dict[str, Any]:
        """Delete an object, only if it still has this ``uid`` (else Conflict); ``grace`` in seconds."""
        options: dict[str, Any] = {"apiVersion": "v1", "kind": "DeleteOptions"}
        if uid is not None:
            options["preconditions"] = {"uid": uid}
        if grace is not None:
            options["gracePeriodSeconds"] = grace
        if propagation is not None:
            options["propagationPolicy"] = propagation
        return self._object("DELETE", path, None, body=options)

    def apply(
        self, obj: Mapping[str, Any], *, namespace: str = "", force: bool = True, dry_run: bool = False
    ) -> dict[str, Any]:
        """Server-side apply of one object, strict about fields; ``namespace`` is where it goes if it names none.

        ``force`` takes over fields that another manager set: the learner's file is the learner's word.
        A field that does not exist raises ApiRefused whose ``problems`` name it, whatever status the server chose.
        """
        return self.apply_status(obj, namespace=namespace, force=force, dry_run=dry_run)[1]

    def apply_status(
        self, obj: Mapping[str, Any], *, namespace: str = "", force: bool = True, dry_run: bool = False
    ) -> tuple[int, dict[str, Any]]:
        """As ``apply``, and the HTTP status: 201 when the object was made, 200 when it was there."""
        path = self.path_of(obj, namespace)
        query: dict[str, str | int | bool] = {
            "fieldManager": FIELD_MANAGER,
            "fieldValidation": "Strict",
            "force": force,
        }
        if dry_run:
            query["dryRun"] = "All"
        answer = self._request("PATCH", path, query, body=obj, content_type="application/apply-patch+yaml")
        return answer.status, self._dict(answer)

    def path_of(self, obj: Mapping[str, Any], namespace: str = "") -> str:
        """The path of an object by its apiVersion, kind, namespace (else ``namespace``) and name.

        Raises ApiRefused with a problem when the kind does not exist or the name is missing.
        """
        metadata = obj.get("metadata")
        metadata = metadata if isinstance(metadata, Mapping) else {}
        name = metadata.get("name")
        resource = self.resource(str(obj.get("apiVersion") or ""), str(obj.get("kind") or ""))
        if not isinstance(name, str) or not name:
            raise _wrong("metadata.name", "an object needs a name")
        own = metadata.get("namespace")
        return resource.item(name, own if isinstance(own, str) and own else namespace)

    def resource(self, api_version: str, kind: str) -> Resource:
        """The resource type of this apiVersion and kind; asks the server about kinds that we do not know ourselves.

        Raises ApiRefused with a problem at ``kind`` or ``apiVersion`` when the server has no such thing.
        """
        if not api_version:
            raise _wrong("apiVersion", "is missing")
        if not kind:
            raise _wrong("kind", "is missing")
        known = KNOWN.get((api_version, kind))
        if known is not None:
            return known
        for resource in self._discover(api_version):
            if resource.kind == kind:
                return resource
        raise _wrong("kind", f'there is no kind "{kind[:80]}" in apiVersion "{api_version[:80]}"')

    def text(
        self,
        path: str,
        query: Query | None = None,
        *,
        limit: int = 1 << 20,
        timeout: float = READ_TIMEOUT,
        total: float | None = None,
    ) -> str:
        """Plain text (a pod's log), at most ``limit`` bytes of its beginning; bytes that are no UTF-8 are replaced."""
        answer = self._request("GET", path, query, limit=limit, accept="*/*", timeout=timeout, total=total)
        if "html" in answer.headers.get("content-type", ""):
            raise ApiUnreachable(f"{self.server} answered with a page that is no Kubernetes answer")
        return answer.body.decode("utf-8", "replace")

    def stream(
        self,
        path: str,
        query: Query | None = None,
        *,
        read_timeout: float = 75.0,
        on_open: Callable[[], None] | None = None,
    ) -> Stream:
        """A watch that is not opened yet, on a connection of its own: iterate it, ``close`` it from any thread."""
        return Stream(self._transport, self._target(path, query), read_timeout, on_open)

    def close(self) -> None:
        """Close the kept connections."""
        self._transport.close()

    def _discover(self, api_version: str) -> tuple[Resource, ...]:
        with self._lock:
            found = self._discovered.get(api_version)
        if found is not None:
            return found
        group = f"apis/{quote(api_version)}" if "/" in api_version else f"api/{quote(api_version)}"
        try:
            listed = self.get(group).get("resources") or []
        except NotFound as error:
            raise _wrong("apiVersion", f'the cluster has no apiVersion "{api_version[:80]}"') from error
        found = tuple(
            Resource(api_version, str(item.get("kind")), str(item.get("name")), bool(item.get("namespaced")))
            for item in listed
            if isinstance(item, dict) and "/" not in str(item.get("name"))
        )
        with self._lock:
            self._discovered[api_version] = found
        return found

    def _target(self, path: str, query: Query | None) -> str:
        target = self._transport.target(path)
        if query:
            words = {k: str(v).lower() if isinstance(v, bool) else v for k, v in query.items()}
            target += "?" + urlencode(words)
        return target

    def _object(self, method: str, path: str, query: Query | None, **more: Any) -> dict[str, Any]:
        return self._dict(self._request(method, path, query, **more))

    def _dict(self, answer: Answer) -> dict[str, Any]:
        data = parse(self.server, answer)
        if not isinstance(data, dict):
            raise ApiUnreachable(f"{self.server} answered with JSON that is no object")
        return data

    def _request(
        self,
        method: str,
        path: str,
        query: Query | None,
        *,
        body: Any = None,
        content_type: str = "application/json",
        accept: str = "application/json",
        timeout: float = READ_TIMEOUT,
        limit: int | None = None,
        total: float | None = None,
    ) -> Answer:
        headers = {"Accept": accept}
        content = None
        if body is not None:
            headers["Content-Type"] = content_type
            content = json.dumps(body, default=str).encode()
        target = self._target(path, query)
        more: dict[str, Any] = {"total": total} if limit is None else {"total": total, "limit": limit}
        answer = self._transport.request(method, target, headers=headers, body=content, timeout=timeout, **more)
        if answer.status == 401 and self._renew():
            # The request was not carried out, so sending it again is safe.
            answer = self._transport.request(method, target, headers=headers, body=content, timeout=timeout, **more)
        if not 200 <= answer.status < 300:
            raise_for(self._transport.access, answer)
        return answer

    def look_again(self) -> bool:
        """Read the kubeconfig again if it was written since; true if it leads elsewhere or proves another identity.

        For when the server is gone: a cluster that was made anew has other addresses and certificates.
        """
        access = self._transport.access
        return file_stamp(access.kubeconfig) not in ((), access.stamp) and self._renew()

    def drop_idle(self) -> None:
        """Let go of the kept connections; the next request opens its own."""
        self._transport.drop()

    def _renew(self) -> bool:
        """Read the credentials again (a plugin's token runs out, a file is renewed); true if they are others now."""
        before = self._transport.access
        if before.renew is None:
            return False
        try:
            now = before.renew()
        except ClusterError:
            return False  # half-written, or the plugin fails: the refusal stands, and is tried again
        same = (now.server, now.ca_fingerprint, now.credentials)
        changed = same != (before.server, before.ca_fingerprint, before.credentials)
        if changed:
            self._transport.renew(now)
        return changed


def identity(api: Api) -> Identity:
    """Which cluster this is, and its version. Raises as every request."""
    system = api.get("api/v1/namespaces/kube-system")
    version = api.get("version")
    return Identity(
        str(system.get("metadata", {}).get("uid", "")), api.ca_fingerprint, str(version.get("gitVersion", ""))
    )


def _wrong(path: str, message: str) -> ApiRefused:
    return ApiRefused(422, "Invalid", f"{path}: {message}", {"causes": [{"field": path, "message": message}]})


__all__ = [
    "FIELD_MANAGER",
    "Api",
    "ApiRefused",
    "ApiUnreachable",
    "FieldProblem",
    "Forbidden",
    "Identity",
    "NotFound",
    "connect",
    "identity",
]
