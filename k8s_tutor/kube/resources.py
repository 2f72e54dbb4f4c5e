"""From an object's apiVersion and kind to the path it lives at."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import quote

from k8s_tutor.kube.record import KINDS


@dataclass(frozen=True)
class Resource:
    """One resource type of the API: ``plural`` is its name in paths, ``namespaced`` whether it lives in a namespace."""

    api_version: str
    kind: str
    plural: str
    namespaced: bool = True

    @property
    def group_path(self) -> str:
        """``api/v1`` or ``apis/<group>/<version>``."""
        return f"apis/{self.api_version}" if "/" in self.api_version else f"api/{self.api_version}"

    def collection(self, namespace: str = "") -> str:
        """The path of all of them, in one namespace or (empty) in the whole cluster."""
        middle = f"namespaces/{quote(namespace, safe='')}/" if namespace and self.namespaced else ""
        return f"{self.group_path}/{middle}{self.plural}"

    def item(self, name: str, namespace: str = "") -> str:
        """The path of one of them."""
        return f"{self.collection(namespace)}/{quote(name, safe='')}"


# What every supported server has, so that no discovery is asked for: the kinds of the labs and their companions.
_KNOWN = (
    Resource("v1", "Namespace", "namespaces", namespaced=False),
    Resource("v1", "Node", "nodes", namespaced=False),
    Resource("v1", "ConfigMap", "configmaps"),
    Resource("v1", "Secret", "secrets"),
    Resource("v1", "ServiceAccount", "serviceaccounts"),
)


def _from_kinds() -> dict[tuple[str, str], Resource]:
    known = {(item.api_version, item.kind): item for item in _KNOWN}
    for kind, path in KINDS.items():
        prefix, _, plural = path.rpartition("/")
        api_version = prefix.split("/", 1)[1]
        known[api_version, kind] = Resource(api_version, kind, plural)
    return known


KNOWN: dict[tuple[str, str], Resource] = _from_kinds()
BY_KIND: dict[str, Resource] = {item.kind: item for item in KNOWN.values()}
"""The known resources by kind alone (each kind is there once)."""
