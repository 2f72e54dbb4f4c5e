"""What an apply would change: a dry run's result against what is there, without the server's own bookkeeping."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from typing import Any

from k8s_tutor.kube.apply import LAST_APPLIED

ROWS = 2_000
ALIGNED = 4_000
"""Lines of both sides up to which rows are aligned with care; beyond, that could take minutes."""
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
    if before.get("kind") == after.get("kind") == "Secret":
        before, after = _masked(before, after), _masked(after, before, "after")
    old, new = _yaml(before), _yaml(after)
    if old == new:
        return ()
    if len(old) + len(new) <= ALIGNED:
        rows = list(difflib.unified_diff(old, new, lineterm="", n=3))[2:]
    else:
        rows = _coarse(old, new)
    if len(rows) > ROWS:
        rows = [*rows[:ROWS], f"… and {len(rows) - ROWS} more rows"]
    return tuple(rows)


def _coarse(old: list[str], new: list[str]) -> list[str]:
    """What is equal at both ends left out, and all that is between as taken out and put in."""
    start = 0
    while start < min(len(old), len(new)) and old[start] == new[start]:
        start += 1
    end = 0
    while end < min(len(old), len(new)) - start and old[-1 - end] == new[-1 - end]:
        end += 1
    out, put = old[start : len(old) - end], new[start : len(new) - end]
    head = f"@@ -{start + 1},{len(out)} +{start + 1},{len(put)} @@"
    rows = [head, *(" " + row for row in old[max(0, start - 3) : start])]
    return [*rows, *("-" + row for row in out[:ROWS]), *("+" + row for row in put[:ROWS])]


def _masked(obj: Mapping[str, Any], other: Mapping[str, Any], when: str = "before") -> dict[str, Any]:
    """A Secret whose values are not shown, only that they differ (as ``kubectl diff`` does)."""
    kept = dict(obj)
    for part in ("data", "stringData"):
        own, theirs = obj.get(part), other.get(part)
        if isinstance(own, dict):
            theirs = theirs if isinstance(theirs, dict) else {}
            kept[part] = {
                key: "***" if key not in theirs or theirs[key] == value else f"*** ({when})"
                for key, value in own.items()
            }
    return kept


def _yaml(obj: Mapping[str, Any]) -> list[str]:
    import yaml

    class Dumper(getattr(yaml, "CSafeDumper", yaml.SafeDumper)):  # type: ignore[misc]
        """Writes text of several lines as lines."""

    def text(dumper: Any, value: str) -> Any:
        style = "|" if "\n" in value else None
        return dumper.represent_scalar("tag:yaml.org,2002:str", value, style=style)

    Dumper.add_representer(str, text)
    Dumper.ignore_aliases = lambda *_: True
    told = yaml.dump(_content(obj), Dumper=Dumper, sort_keys=False, default_flow_style=False, width=10_000)
    return str(told).splitlines()


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
