"""The versions of one object, bounded: what a check could ask about is kept, repetition is let go."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from k8s_tutor.kube.record import Change, Life, Object, Version

VERSION_LIMIT = 64


def slim(obj: Mapping[str, Any]) -> dict[str, Any]:
    """The object with ``metadata.managedFields`` (most of its bytes) replaced by ``metadata.managers``: who, when."""
    metadata = obj.get("metadata")
    if not isinstance(metadata, Mapping) or "managedFields" not in metadata:
        return dict(obj)
    managers = [
        {key: entry[key] for key in ("manager", "operation", "time", "subresource") if key in entry}
        for entry in metadata["managedFields"] or ()
        if isinstance(entry, Mapping)
    ]
    kept = {key: value for key, value in metadata.items() if key != "managedFields"}
    return {**obj, "metadata": {**kept, "managers": managers}}


def turning_point(obj: Object) -> tuple[Any, ...]:
    """What makes a version worth keeping: two versions with equal values differ in nothing that a check asks about."""
    metadata = _map(obj.get("metadata"))
    spec = _map(obj.get("spec"))
    status = _map(obj.get("status"))
    containers = tuple(
        (item.get("name"), item.get("containerID"), item.get("ready"), item.get("restartCount"))
        for item in status.get("containerStatuses") or ()
        if isinstance(item, Mapping)
    )
    conditions = tuple(
        (item.get("type"), item.get("status")) for item in status.get("conditions") or () if isinstance(item, Mapping)
    )
    counts = tuple(status.get(key) for key in ("replicas", "readyReplicas", "availableReplicas", "updatedReplicas"))
    return (
        metadata.get("deletionTimestamp"),
        metadata.get("generation"),
        spec.get("replicas"),
        status.get("phase"),
        counts,
        conditions,
        containers,
    )


class History:
    """One object from first to last sight; ``life`` is its frozen view, ``kept`` until a change."""

    def __init__(self, kind: str, uid: str, name: str) -> None:
        self.kind = kind
        self.uid = uid
        self.name = name
        self.gone_at: float | None = None
        self._versions: list[Version] = []
        self._points: list[tuple[Any, ...]] = []
        self.kept: Life | None = None

    @property
    def last(self) -> Version:
        """The newest version."""
        return self._versions[-1]

    def add(self, version: Version) -> None:
        """Append a version and let go of what is more than the limit."""
        self._versions.append(version)
        self._points.append(turning_point(version.object))
        if version.change is Change.DELETED:
            self.gone_at = version.at
        if len(self._versions) > VERSION_LIMIT:
            self._let_go()
        self.kept = None

    def thin(self) -> bool:
        """Let go of one version between the first and the last; false if there is none."""
        if len(self._versions) <= 2:
            return False
        self._let_go()
        self.kept = None
        return True

    def life(self) -> Life:
        """The frozen view."""
        if self.kept is None:
            self.kept = Life(self.kind, self.uid, tuple(self._versions), self.gone_at)
        return self.kept

    def _let_go(self) -> None:
        """Drop the oldest version that changed nothing of note; if all did, the oldest but the first."""
        for index in range(1, len(self._versions) - 1):
            if self._points[index] == self._points[index - 1]:
                break
        else:
            index = 1
        del self._versions[index], self._points[index]


def _map(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}
