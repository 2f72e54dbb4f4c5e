"""What an apply would change: a dry run's result against what is there, without the server's own bookkeeping."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from typing import Any

from k8s_tutor.kube.apply import LAST_APPLIED

ROWS = 2_000
_BOOKKEEPING = frozenset(
    {
        "managedFields",
        "resourceVersion",
        "generation",
        "creationTimestamp",
        "deletionTimestamp",
        "uid",
        "selfLink",
    }
)


def unified(before: Mapping[str, Any], after: Mapping[str, Any]) -> tuple[str, ...]:
    """Rows of a unified diff, each with its sign (``+``, ``-``, blank, ``@@``); empty when nothing would change."""
    old, new = _yaml(before), _yaml(after)
    if old == new:
        return ()
    rows = list(difflib.unified_diff(old, new, lineterm="", n=3))[2:]
    if len(rows) > ROWS:
        rows = [*rows[:ROWS], f"… and {len(rows) - ROWS} more rows"]
    return tuple(rows)


def _yaml(obj: Mapping[str, Any]) -> list[str]:
    import yaml

    dumper = getattr(yaml, "CSafeDumper", yaml.SafeDumper)
    text = yaml.dump(_content(obj), Dumper=dumper, sort_keys=False, default_flow_style=False, width=10_000)
    return str(text).splitlines()


def _content(obj: Mapping[str, Any]) -> dict[str, Any]:
    kept = {key: value for key, value in obj.items() if key != "status"}
    metadata = kept.get("metadata")
    if isinstance(metadata, dict):
        metadata = {key: value for key, value in metadata.items() if key not in _BOOKKEEPING}
        annotations = metadata.pop("annotations", None)
        if isinstance(annotations, dict):
            left = {key: value for key, value in annotations.items() if key != LAST_APPLIED}
            metadata |= {"annotations": left} if left else {}
        kept["metadata"] = metadata
    return kept
