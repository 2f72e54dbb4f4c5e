"""Single looks outside the learner's namespace: where else an object of a name is, and what a kind's fields are."""

from __future__ import annotations

from typing import Any

from k8s_tutor.kube.client import Api
from k8s_tutor.kube.resources import BY_KIND


def elsewhere(api: Api, kind: str, name: str, namespace: str) -> tuple[str, ...]:
    """The namespaces other than ``namespace`` that hold an object of this kind and name, sorted.

    Raises ApiRefused when other namespaces may not be read.
    """
    listed = api.list(BY_KIND[kind].collection(), {"fieldSelector": f"metadata.name={name}"})
    found = {str(item.get("metadata", {}).get("namespace", "")) for item in listed["items"] if isinstance(item, dict)}
    return tuple(sorted(found - {namespace, ""}))


def schema(api: Api, kind: str) -> dict[str, Any]:
    """The OpenAPI v3 schema of a known kind, with references to other schemas put in place (cycles end as ``{}``).

    About 0.1 s and 1 MB on the wire for ``api/v1``; ask once. Raises as every request.
    """
    resource = BY_KIND[kind]
    schemas = api.get(f"openapi/v3/{resource.group_path}").get("components", {}).get("schemas", {})
    group, _, version = resource.api_version.rpartition("/")
    for candidate in schemas.values():
        for names in candidate.get("x-kubernetes-group-version-kind") or ():
            if (names.get("group"), names.get("version"), names.get("kind")) == (group, version, kind):
                resolved = _resolve(candidate, schemas, ())
                return resolved if isinstance(resolved, dict) else {}
    return {}


def _resolve(value: Any, schemas: dict[str, Any], above: tuple[str, ...]) -> Any:
    if isinstance(value, list):
        return [_resolve(item, schemas, above) for item in value]
    if not isinstance(value, dict):
        return value
    # Kubernetes writes a described reference as {"allOf": [{"$ref": …}], "description": …}.
    reference = value.get("$ref") or next(
        (item["$ref"] for item in value.get("allOf") or () if isinstance(item, dict) and "$ref" in item), ""
    )
    own = {key: _resolve(item, schemas, above) for key, item in value.items() if key not in ("$ref", "allOf")}
    name = str(reference).rpartition("/")[2]
    if not name or name in above:
        return own
    return {**_resolve(schemas.get(name, {}), schemas, (*above, name)), **own}
