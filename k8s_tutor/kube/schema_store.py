"""The cluster's OpenAPI documents, fetched when a manifest asks for them and kept on disk by the server's own hash.

The index (``/openapi/v3``) names a hash for each group-version: a custom resource that is new or changed has another
one, so a kept document is never stale. Everything is bounded: one document, all in memory, all on disk.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import threading
import time
from collections.abc import Callable, Collection, Mapping
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, quote, urlsplit

from k8s_tutor import atomic
from k8s_tutor.kube.client import Api
from k8s_tutor.kube.errors import ApiRefused, ApiUnreachable
from k8s_tutor.kube.openapi import Schemas, api_version_of

DOCUMENT_LIMIT = 8 << 20
"""Bytes of one document; the largest built-in one (``apps/v1``) has about 1 MB."""
IN_MEMORY = 12
ON_DISK = 48
"""Documents kept; those used least recently go first."""
INDEX_SECONDS = 20.0
"""How long an index is good while everything asked for is in it; it is only read when somebody types."""
MISSING_SECONDS = 2.0
"""And while something asked for is not in it: it may just have been made."""
AFTER_TROUBLE = 3.0
"""Seconds in which a server that did not answer is left alone."""


Asking = Callable[[str], AbstractContextManager[object]]
"""Told of each request (its path, like ``openapi/v3/apis/apps/v1``): the request is made inside what it returns."""


class SchemaStore:
    """Documents of one API server; safe for many threads. ``folder`` is the cache on disk."""

    def __init__(self, api: Api, folder: Path, asking: Asking | None = None) -> None:
        self._api = api
        self._asking = asking or (lambda _path: contextlib.nullcontext())
        # By CA: a cluster that lies about its hashes spoils nobody's documents but its own.
        own = api.ca_fingerprint or hashlib.sha256(api.server.encode()).hexdigest()
        self._folder = folder / own[:16]
        self._lock = threading.Lock()
        self._work = threading.Lock()
        self._hashes: dict[str, tuple[str, str]] = {}
        self._read_at = self._trouble_at = float("-inf")
        self._kept: dict[str, tuple[str, Mapping[str, Any]]] = {}

    def known(self) -> Schemas:
        """What is in memory now; returns at once."""
        with self._lock:
            versions = frozenset(self._hashes) if self._hashes else None
            return Schemas({version: raw for version, (_, raw) in self._kept.items()}, versions)

    def wanted(self, api_versions: Collection[str]) -> Schemas:
        """What is known once these apiVersions were looked for; may take a second the first time.

        What cannot be had (no such apiVersion, not allowed, server gone) is left out; nothing is raised.
        """
        with self._work:
            if time.monotonic() - self._trouble_at >= AFTER_TROUBLE:
                try:
                    self._read_index(api_versions)
                    for version in list(dict.fromkeys(api_versions))[:IN_MEMORY]:
                        self._load(version)
                except (ApiRefused, ApiUnreachable):
                    self._trouble_at = time.monotonic()
        return self.known()

    def _read_index(self, wanted: Collection[str]) -> None:
        age = time.monotonic() - self._read_at
        if age < (INDEX_SECONDS if all(version in self._hashes for version in wanted) else MISSING_SECONDS):
            return
        paths = self._get("openapi/v3", {}).get("paths")
        found: dict[str, tuple[str, str]] = {}
        for path, item in paths.items() if isinstance(paths, dict) else ():
            version = api_version_of(str(path))
            if version and isinstance(item, dict):
                query = parse_qs(urlsplit(str(item.get("serverRelativeURL", ""))).query)
                found[version] = (str(path), query.get("hash", [""])[0])
        with self._lock:
            self._hashes = found
            self._read_at = time.monotonic()
            # A custom resource whose definition was deleted is none any more.
            self._kept = {version: kept for version, kept in self._kept.items() if version in found}

    def _load(self, version: str) -> None:
        path, mark = self._hashes.get(version, ("", ""))
        kept = self._kept.get(version)
        if not path or (kept is not None and kept[0] == mark):
            return
        file = self._folder / (hashlib.sha256(f"{version} {mark}".encode()).hexdigest()[:40] + ".json")
        schemas = _from_disk(file) if mark else None
        if schemas is None:
            answer = self._get(f"openapi/v3/{quote(path)}", {"hash": mark} if mark else {})
            components = answer.get("components")
            found = components.get("schemas") if isinstance(components, dict) else None
            schemas = found if isinstance(found, dict) else {}
            if mark:
                self._to_disk(file, schemas)
        with self._lock:
            self._kept.pop(version, None)
            self._kept[version] = (mark, schemas)
            while len(self._kept) > IN_MEMORY:
                self._kept.pop(next(iter(self._kept)))

    def _get(self, path: str, query: Mapping[str, str]) -> dict[str, Any]:
        with self._asking(path):
            text = self._api.text(path, query, limit=DOCUMENT_LIMIT)
        try:
            found = json.loads(text)
        except (ValueError, RecursionError) as error:
            raise ApiUnreachable(f"{path} is no JSON, or larger than {DOCUMENT_LIMIT >> 20} MiB") from error
        return found if isinstance(found, dict) else {}

    def _to_disk(self, file: Path, schemas: Mapping[str, Any]) -> None:
        # A cache that cannot be written is only slower.
        with contextlib.suppress(OSError):
            atomic.write_text(file, json.dumps(schemas), mode=0o600)
            kept = sorted(self._folder.parent.glob("*/*.json"), key=lambda item: item.stat().st_mtime, reverse=True)
            for old in kept[ON_DISK:]:
                old.unlink(missing_ok=True)


def _from_disk(file: Path) -> dict[str, Any] | None:
    with contextlib.suppress(OSError, ValueError, RecursionError):
        if file.stat().st_size <= DOCUMENT_LIMIT:
            found = json.loads(file.read_text("utf-8"))
            if isinstance(found, dict) and found:
                file.touch()
                return found
    return None
