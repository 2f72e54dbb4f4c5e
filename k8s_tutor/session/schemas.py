"""Schemas of the built-in kinds, kept in the cache by Kubernetes version: asked for once, not at every check.

They belong to the version, not to the cluster. Asking costs 0.2 s and a megabyte, which a ``check`` would feel.
"""

from __future__ import annotations

import contextlib
import json
import re
from pathlib import Path
from typing import Any

from k8s_tutor import atomic, paths
from k8s_tutor.kube.client import Api
from k8s_tutor.kube.look import schema
from k8s_tutor.kube.resources import BY_KIND
from k8s_tutor.session.journal import Journal, kubectl

_VERSION = re.compile(r"v\d+\.\d+\.\d+")
_KIND = re.compile(r"[A-Za-z]{1,63}")
_known: dict[Path, dict[str, Any]] = {}
"""What this process has read: a class's sessions share it, and what is made of it."""


def kept_schema(api: Api, kind: str, version: str, journal: Journal | None = None) -> dict[str, Any]:
    """The schema of a kind on a server of this version (empty if that is not known: then it is always asked for)."""
    if not (_VERSION.fullmatch(version) and _KIND.fullmatch(kind)):
        return _asked(api, kind, journal)
    path = paths.cache_dir() / "schemas" / version / f"{kind}.json"
    if path in _known:
        return _known[path]
    with contextlib.suppress(OSError, ValueError):
        found = json.loads(path.read_text("utf-8"))
        if isinstance(found, dict) and found:
            return _known.setdefault(path, found)
    found = _asked(api, kind, journal)
    if found:
        found = _known.setdefault(path, found)
        # A cache that cannot be written is only slower.
        with contextlib.suppress(OSError):
            atomic.write_text(path, json.dumps(found), mode=0o644)
    return found


def _asked(api: Api, kind: str, journal: Journal | None) -> dict[str, Any]:
    if journal is None:
        return schema(api, kind)
    command = kubectl("get", "--raw", f"/openapi/v3/{BY_KIND[kind].group_path}")
    with journal.deed(command, f"which fields has a {kind}?", again=True):
        return schema(api, kind)
