"""Paths of a lab file into an object: ``spec.containers[web].image``, ``spec.ports[port=80].targetPort``."""

from __future__ import annotations

import re
from collections.abc import Mapping

from k8s_tutor.checks.fields import Path

_STEP = re.compile(r"\.?([^.\[\]]+)|\[([^\]]*)\]")

DEFAULTS: dict[str, object] = {
    "protocol": "TCP",
    "replicas": 1,
    "type": "ClusterIP",
    "restartPolicy": "Always",
    "sessionAffinity": "None",
}
"""What the API server fills in where a manifest is silent, by the last name of the path (labs' kinds only)."""


def walk(value: object, path: str) -> tuple[Path, object, bool]:
    """Where ``path`` leads in ``value``: the real path (indices for list items), the value, whether it is there.

    In brackets stands an item's ``name``, ``key=value`` of an item, or a map's key that has dots in it.
    """
    real: list[str | int] = []
    here = value
    for name, inside in _STEP.findall(path):
        if name or isinstance(here, Mapping):
            key = name or inside
            if not isinstance(here, Mapping) or key not in here:
                return tuple(real), None, False
            real.append(key)
            here = here[key]
            continue
        index = _index(here, inside)
        if index is None or not isinstance(here, list):
            return tuple(real), None, False
        real.append(index)
        here = here[index]
    return tuple(real), here, here is not None


def default(path: str) -> object:
    """What the API server takes where ``path`` is absent; None where that is not known."""
    return DEFAULTS.get(path.rsplit(".", 1)[-1])


def _index(items: object, inside: str) -> int | None:
    key, equals, wanted = inside.partition("=")
    if not equals:
        key, wanted = "name", inside
    for index, item in enumerate(items if isinstance(items, list) else []):
        if isinstance(item, Mapping) and str(item.get(key)) == wanted:
            return index
    return None
