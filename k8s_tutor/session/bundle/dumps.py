"""What the API server has of the learner's work and of the nodes, as lists without what is nobody's business.

Secrets are never asked for. Values of environment variables and of ConfigMaps are taken out by their place, for they
may be anything; so are ``managedFields`` and what kubectl keeps of a whole manifest.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import quote

from k8s_tutor.clusters.doctor.asking import Asking
from k8s_tutor.errors import TutorError

MOST = 200
"""Objects of a list."""
_LAST_APPLIED = "kubectl.kubernetes.io/last-applied-configuration"
_CLUSTER = {
    "nodes": "api/v1/nodes",
    "namespaces": "api/v1/namespaces",
    "kube-system-pods": "api/v1/namespaces/kube-system/pods",
    "kube-system-events": "api/v1/namespaces/kube-system/events",
}
_NAMESPACE = {
    "pods": "api/v1/namespaces/{}/pods",
    "services": "api/v1/namespaces/{}/services",
    "configmaps": "api/v1/namespaces/{}/configmaps",
    "events": "api/v1/namespaces/{}/events",
    "resourcequotas": "api/v1/namespaces/{}/resourcequotas",
    "limitranges": "api/v1/namespaces/{}/limitranges",
    "deployments": "apis/apps/v1/namespaces/{}/deployments",
    "replicasets": "apis/apps/v1/namespaces/{}/replicasets",
    "endpointslices": "apis/discovery.k8s.io/v1/namespaces/{}/endpointslices",
}


def sources(namespace: str) -> dict[str, str]:
    """File name -> path at the API server."""
    found = {f"dumps/{name}.json": path for name, path in _CLUSTER.items()}
    quoted = quote(namespace, safe="")
    return found | {f"dumps/namespace/{name}.json": path.format(quoted) for name, path in _NAMESPACE.items()}


def fetch(server: Asking, path: str) -> tuple[dict[str, Any], list[str]]:
    """A list and the values that were taken out of it. Raises TutorError when the server does not give it."""
    answer = server.ask("GET", f"{path}?limit={MOST}", timeout=5.0)
    if not answer.ok:
        raise TutorError(answer.words)
    items = answer.items
    taken: list[str] = []
    cleaned = [clean(item, taken) for item in items[:MOST]]
    more = answer.body.get("metadata", {}).get("remainingItemCount") if isinstance(answer.body, dict) else None
    kind = str(answer.body.get("kind", "")) if isinstance(answer.body, dict) else ""
    return {"kind": kind, "left_out": int(more or 0), "items": cleaned}, taken


def clean(obj: Mapping[str, Any], taken: list[str]) -> dict[str, Any]:
    """A copy of an object without values; those of environment variables are noted in ``taken``."""
    whole = dict(obj)
    metadata = dict(whole.get("metadata") or {})
    metadata.pop("managedFields", None)
    annotations = metadata.get("annotations")
    if isinstance(annotations, dict) and _LAST_APPLIED in annotations:
        metadata["annotations"] = {**annotations, _LAST_APPLIED: "[redacted: the manifest as applied]"}
    if metadata:
        whole["metadata"] = metadata
    for key in ("data", "binaryData", "stringData"):
        if isinstance(whole.get(key), dict):
            taken += [str(value) for value in whole[key].values()]
            whole[key] = {name: f"[redacted: {len(str(value))} letters]" for name, value in whole[key].items()}
    return {key: _without_env(value, taken) for key, value in whole.items()}


def _without_env(value: Any, taken: list[str]) -> Any:
    if isinstance(value, list):
        return [_without_env(item, taken) for item in value]
    if not isinstance(value, dict):
        return value
    result = {}
    for key, inner in value.items():
        if key == "env" and isinstance(inner, list):
            result[key] = list(_variables(inner, taken))
        else:
            result[key] = _without_env(inner, taken)
    return result


def _variables(entries: list[Any], taken: list[str]) -> Iterator[Any]:
    for entry in entries:
        if isinstance(entry, dict) and entry.get("value"):
            taken.append(str(entry["value"]))
            yield {**entry, "value": "[redacted: env]"}
        else:
            yield entry
