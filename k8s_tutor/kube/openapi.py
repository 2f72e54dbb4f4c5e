"""What the cluster's own OpenAPI v3 says about kinds and their fields: pure lookups in documents that were fetched.

A ``Schemas`` holds the schemas of some group-versions (``apps/v1``); a ``Field`` is one place in such a schema with
its references followed. Custom resources are there like built-in kinds. Schemas are text of strangers: whatever is
malformed in them is taken as unknown, never as an error.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from k8s_tutor.kube.resources import KNOWN

MAX_FOLLOW = 8
"""References followed in a row; the real ones are one or two deep."""
_SCALARS = frozenset({"string", "integer", "number", "boolean"})
Raw = Mapping[str, Any]


@dataclass(frozen=True)
class Field:
    """One place in a schema: ``raw`` with its references followed, ``all`` the schemas it may refer to.

    ``name`` is what the schema that it refers to is called (``Container``); empty if it refers to none.
    """

    raw: Raw
    all: Raw = field(repr=False)
    name: str = ""

    @cached_property
    def properties(self) -> Mapping[str, Raw]:
        """The fields below this one by name."""
        return _map(self.raw.get("properties"))

    @property
    def required(self) -> tuple[str, ...]:
        """The names below that must be there."""
        names = self.raw.get("required")
        return tuple(str(name) for name in names) if isinstance(names, list) else ()

    @property
    def enum(self) -> tuple[Any, ...]:
        """The values that are allowed; empty if any is."""
        values = self.raw.get("enum")
        return tuple(values) if isinstance(values, list) else ()

    @property
    def description(self) -> str:
        """What it is for, as its authors wrote it."""
        text = self.raw.get("description")
        return text if isinstance(text, str) else ""

    @property
    def open(self) -> bool:
        """Whether fields that the schema does not name are kept."""
        more = self.raw.get("additionalProperties")
        return (
            bool(self.raw.get("x-kubernetes-preserve-unknown-fields"))
            or more is True
            or not (self.properties or isinstance(more, Mapping))
        )

    @property
    def types(self) -> frozenset[str]:
        """The JSON types a value may have; empty if the schema does not say."""
        if self.raw.get("x-kubernetes-int-or-string") or self.raw.get("format") == "int-or-string":
            return frozenset({"integer", "string"})
        own = self.raw.get("type")
        if isinstance(own, str):
            return frozenset({own})
        if self.properties:
            return frozenset({"object"})
        for word in ("oneOf", "anyOf"):
            several = self.raw.get(word)
            if isinstance(several, list):
                found = [item.get("type") if isinstance(item, Mapping) else None for item in several]
                named = frozenset(item for item in found if isinstance(item, str))
                return named if len(found) == len([item for item in found if isinstance(item, str)]) else frozenset()
        return frozenset()

    @property
    def type_words(self) -> str:
        """The type as ``kubectl explain`` writes it: ``string``, ``[]Container``, ``map[string]string``."""
        types = self.types
        below: Field | None
        if "array" in types:
            below = self.child(0)
            return f"[]{below.type_words if below else '?'}"
        if self.name:
            return self.name
        if "object" in types and not self.properties:
            below = self.child("*")
            return f"map[string]{below.type_words}" if below and (below.types or below.name) else "Object"
        return " or ".join(sorted(types)).replace("object", "Object") or "any value"

    def child(self, step: str | int) -> Field | None:
        """The field below: a name, or a number for the items of a list. None if the schema has none."""
        below: Any
        if isinstance(step, int):
            below = self.raw.get("items")
        else:
            below = self.properties.get(step, self.raw.get("additionalProperties"))
        return _field(below, self.all) if isinstance(below, Mapping) else None

    def at(self, path: tuple[str | int, ...]) -> Field | None:
        """The field at the end of a path; None where the schema ends before."""
        here: Field | None = self
        for step in path:
            here = here.child(step) if here is not None else None
        return here


@dataclass(frozen=True)
class Schemas:
    """Schemas by apiVersion, and the names of all apiVersions the server has (None: not known)."""

    documents: Mapping[str, Raw] = field(default_factory=dict, repr=False)
    versions: frozenset[str] | None = None

    def kind(self, api_version: str, kind: str) -> Field | None:
        """The schema of a kind; None if it is not there, or its apiVersion was not fetched."""
        document = self.documents.get(api_version, {})
        found = next((raw for name, raw in _kinds(document, api_version) if name == kind), None)
        return _field(found, document) if found is not None else None

    def kinds(self, api_version: str) -> tuple[str, ...]:
        """The kinds of an apiVersion that one can write a manifest of, sorted."""
        document = self.documents.get(api_version, {})
        names = {name for name, raw in _kinds(document, api_version) if "metadata" in _map(raw.get("properties"))}
        return tuple(sorted(name for name in names if not name.endswith(("List", "Options"))))

    def all_kinds(self) -> tuple[str, ...]:
        """All kinds that are known here, of whatever apiVersion."""
        found = {kind for version, kind in KNOWN if self.versions is None or version in self.versions}
        return tuple(sorted(found.union(*(self.kinds(version) for version in self.documents))))

    def home(self, kind: str) -> str:
        """An apiVersion that has this kind, as far as is known here; empty if none."""
        for known in KNOWN:
            if known[1] == kind and (self.versions is None or known[0] in self.versions):
                return known[0]
        return next((version for version in self.documents if kind in self.kinds(version)), "")


def api_version_of(path: str) -> str:
    """``v1`` for ``api/v1``, ``apps/v1`` for ``apis/apps/v1``; empty for other paths of the index."""
    steps = path.strip("/").split("/")
    if steps[0] == "api" and len(steps) == 2:
        return steps[1]
    return f"{steps[1]}/{steps[2]}" if steps[0] == "apis" and len(steps) == 3 else ""


def _kinds(document: Raw, api_version: str) -> Iterator[tuple[str, Raw]]:
    group, _, version = api_version.rpartition("/")
    for raw in document.values():
        names = raw.get("x-kubernetes-group-version-kind") if isinstance(raw, Mapping) else None
        for name in names if isinstance(names, list) else ():
            if isinstance(name, Mapping) and (name.get("group"), name.get("version")) == (group, version):
                yield str(name.get("kind")), raw


def _field(raw: Raw, schemas: Raw) -> Field:
    """Follow ``$ref`` and the ``allOf`` that Kubernetes wraps around one to describe it."""
    own: dict[str, Any] = {}
    name = ""
    for _ in range(MAX_FOLLOW):
        inner = raw.get("allOf")
        wrapped = next((i for i in inner if isinstance(i, Mapping)), {}) if isinstance(inner, list) else {}
        reference = raw.get("$ref") or wrapped.get("$ref")
        # What stands nearer to the field describes it better than what it refers to.
        own = {**{k: v for k, v in raw.items() if k not in ("$ref", "allOf")}, **own}
        if not isinstance(reference, str):
            return Field({**wrapped, **own}, schemas, name)
        name = name or reference.rpartition("/")[2].rpartition(".")[2]
        target = schemas.get(reference.rpartition("/")[2])
        if not isinstance(target, Mapping):
            return Field(own, schemas, name)
        raw = target
    return Field({}, schemas)


def _map(value: object) -> Mapping[str, Any]:
    return {k: v for k, v in value.items() if isinstance(v, Mapping)} if isinstance(value, Mapping) else {}
