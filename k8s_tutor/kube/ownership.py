"""Fields that ``kubectl apply`` set and that are ours from now on: so that one taken out of the file goes away.

What kubectl's own ``--server-side`` does with them (client-go csaupgrade); ``fieldsV1`` is described in the API
reference of ``managedFields``: ``f:name`` a field, ``k:{…}`` a list's item by its keys, ``v:…`` an item by its value,
``.`` the thing itself.
"""

from __future__ import annotations

import copy
import json
from collections.abc import Mapping
from typing import Any

from k8s_tutor.kube.client import FIELD_MANAGER, Api

_KUBECTL = "kubectl-client-side-apply"
_SERVER_SET = frozenset({"apiVersion", "kind", "metadata", "status"})
Tree = Mapping[str, Any]


def take_over(api: Api, path: str, before: Mapping[str, Any]) -> None:
    """Let the fields that ``kubectl apply`` set on the object at ``path`` belong to us. Raises as every request."""
    metadata = before.get("metadata", {})
    entries = [dict(entry) for entry in metadata.get("managedFields") or ()]
    theirs = [entry for entry in entries if _is_kubectls(entry)]
    if not theirs:
        return
    ours = next((entry for entry in entries if _is_ours(entry)), None)
    if ours is None:
        ours = {**theirs[0], "manager": FIELD_MANAGER, "operation": "Apply"}
        entries.append(ours)
    for entry in theirs:
        ours["fieldsV1"] = _union(ours.get("fieldsV1") or {}, entry.get("fieldsV1") or {})
        entries.remove(entry)
    api.patch(
        path,
        [
            {"op": "replace", "path": "/metadata/managedFields", "value": entries},
            {"op": "replace", "path": "/metadata/resourceVersion", "value": metadata.get("resourceVersion")},
        ],
        content_type="application/json-patch+json",
    )


def as_if_taken_over(api: Api, path: str, before: Mapping[str, Any], after: dict[str, Any]) -> dict[str, Any]:
    """What ``after``, a dry run's result, would be had ``take_over`` been done before it: changes nothing either.

    A dry run cannot build on another one. So what only kubectl set and the file does not have any more is taken out
    here, and the server is asked, dry again, what it makes of that (it fills in defaults). Raises as every request.
    """
    left = without_theirs(after)
    if left == after:
        return after
    patch: list[dict[str, Any]] = []
    for place, old, new in (("", before, left), ("/metadata", _metadata(before), _metadata(left))):
        keys = ("labels", "annotations") if place else sorted((old.keys() | new.keys()) - _SERVER_SET)
        for key in keys:
            step = f"{place}/{key.replace('~', '~0').replace('/', '~1')}"
            if key in new:
                patch.append({"op": "add", "path": step, "value": new[key]})
            elif key in old:
                patch.append({"op": "remove", "path": step})
    return api.patch(path, patch, content_type="application/json-patch+json", query={"dryRun": "All"})


def without_theirs(obj: Mapping[str, Any]) -> dict[str, Any]:
    """A copy without the fields that ``kubectl apply`` alone owns (by the object's own ``managedFields``)."""
    left = copy.deepcopy(dict(obj))
    theirs: dict[str, Any] = {}
    others: dict[str, Any] = {}
    for entry in _metadata(obj).get("managedFields") or ():
        fields = entry.get("fieldsV1") if isinstance(entry, Mapping) else None
        if isinstance(fields, Mapping):
            if _is_kubectls(entry):
                theirs = _union(theirs, fields)
            else:
                others = _union(others, fields)
    _prune(left, theirs, others)
    return left


def _prune(value: Any, theirs: Tree, others: Tree) -> None:
    for key, below in theirs.items():
        place = _find(value, key)
        if place is None:
            continue
        if key in others:
            _prune(value[place], below, others[key])
        elif key.startswith("f:") and below and "." not in below:
            _prune(value[place], below, {})  # the thing around is there for others too
        else:
            del value[place]


def _find(value: Any, key: str) -> Any:
    """Where in ``value`` the thing is that a key of ``fieldsV1`` names; None if it is not there."""
    kind, _, name = key.partition(":")
    if kind == "f" and isinstance(value, dict):
        return name if name in value else None
    if kind in ("k", "v") and isinstance(value, list):
        try:
            wanted = json.loads(name)
        except ValueError:
            return None
        for index, item in enumerate(value):
            if item == wanted if kind == "v" else _has(item, wanted):
                return index
    return None


def _has(item: Any, wanted: Any) -> bool:
    return (
        isinstance(item, dict)
        and isinstance(wanted, dict)
        and all(key in item and item[key] == value for key, value in wanted.items())
    )


def _is_kubectls(entry: Mapping[str, Any]) -> bool:
    return entry.get("manager") == _KUBECTL and not entry.get("subresource")


def _is_ours(entry: Mapping[str, Any]) -> bool:
    return entry.get("manager") == FIELD_MANAGER and entry.get("operation") == "Apply"


def _metadata(obj: Mapping[str, Any]) -> Mapping[str, Any]:
    found = obj.get("metadata")
    return found if isinstance(found, Mapping) else {}


def _union(one: Tree, other: Tree) -> dict[str, Any]:
    merged = dict(one)
    for key, value in other.items():
        merged[key] = _union(merged[key], value) if key in merged else value
    return merged
