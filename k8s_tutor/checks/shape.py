"""One object of a manifest against the cluster's own schema of its kind: pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from k8s_tutor.checks import places
from k8s_tutor.checks.fields import spell
from k8s_tutor.checks.manifests import selector_mistakes
from k8s_tutor.checks.places import Problem
from k8s_tutor.checks.words import clip, did_you_mean, listed
from k8s_tutor.kube.manifest import Document, Path
from k8s_tutor.kube.openapi import Field, Schemas

DEEP = 40
LOOK_BELOW = 300
"""Fields looked through for the place that a misplaced one belongs to."""
_OWNERS = frozenset({"Deployment", "ReplicaSet", "StatefulSet", "DaemonSet"})
"""Kinds whose selector must match the labels of their own template."""
_WORDS = {
    "string": "text",
    "integer": "a whole number",
    "number": "a number",
    "boolean": "true or false",
    "array": "a list (each item begins with a dash)",
    "object": "a group of fields",
}


@dataclass(frozen=True)
class Judge:
    """Compares an object at ``prefix`` of a document with its schema; ``rows`` is the whole text."""

    document: Document
    prefix: Path
    rows: Sequence[str]
    schemas: Schemas

    def judge(self, obj: Any) -> Iterator[Problem]:
        """All that is wrong, from the outside in."""
        if not isinstance(obj, dict):
            fix = "begin with apiVersion:, kind: and metadata:, each on its own line"
            yield self._tell((), "this is no object with fields", fix)
            return
        version, kind = obj.get("apiVersion"), obj.get("kind")
        for key in ("apiVersion", "kind"):
            if not isinstance(obj.get(key), str) or not obj[key]:
                yield self._without(key, obj)
        if not isinstance(version, str) or not isinstance(kind, str) or not version or not kind:
            return
        metadata = obj.get("metadata")
        if metadata is None or (isinstance(metadata, dict) and not metadata.get("name")):
            named = isinstance(metadata, dict) and "name" in metadata
            where: Path = ("metadata", "name") if named else ("metadata",) if "metadata" in obj else ()
            yield self._tell(where, "metadata has no name", "add name: under metadata")
        root = self.schemas.kind(version, kind)
        if root is not None:
            yield from _Walk(self, root).walk(obj, root, ())
        else:
            yield from self._no_kind(version, kind)
        if kind in _OWNERS and _has_selector(obj):
            for mistake in selector_mistakes(obj):
                told = mistake.text.replace("the Deployment", f"the {kind}")
                yield self._tell(mistake.path, told, mistake.look_at, value=True)

    def written(self, path: Path) -> str:
        """The value of a field as it stands in the file."""
        return places.written(self.rows, *self.document.where((*self.prefix, *path)))[1]

    def _tell(self, path: Path, message: str, fix: str = "", *, value: bool = False) -> Problem:
        line, column = self.document.where((*self.prefix, *path))
        return places.at(self.rows, line, column, message, fix, value=value)

    def _without(self, key: str, obj: Mapping[Any, Any]) -> Problem:
        near = next((str(own) for own in obj if own != key and did_you_mean(str(own), [key])), "")
        if near:
            return self._tell((near,), f"there is no field {clip(near, 40)!r}", f"did you mean {key}?")
        if obj.get(key) not in (None, ""):
            return self._tell((key,), f"{key} must be text", "", value=True)
        version, kind = obj.get("apiVersion"), obj.get("kind")
        fix = f"add {key}:"
        if key == "apiVersion" and isinstance(kind, str) and self.schemas.home(kind):
            fix = f"add apiVersion: {self.schemas.home(kind)}"
        elif key == "kind" and isinstance(version, str) and self.schemas.kinds(version):
            fix = f"add kind: (one of {listed(self.schemas.kinds(version), 5, last='or')})"
        return self._tell((key,) if key in obj else (), f"the object has no {key}", fix)

    def _no_kind(self, version: str, kind: str) -> Iterator[Problem]:
        known = self.schemas.versions
        home = self.schemas.home(kind)
        if known is not None and version not in known:
            near = home or did_you_mean(version, sorted(known))
            fix = f"did you mean {near}?" if near else "kubectl api-versions lists those there are"
            yield self._tell(("apiVersion",), f"the cluster has no apiVersion {clip(version, 80)!r}", fix, value=True)
        elif version in self.schemas.documents:
            told = f"{clip(version, 80)} has no kind {clip(kind, 80)!r}"
            kinds = self.schemas.kinds(version)
            if home:
                yield self._tell(("apiVersion",), told, f"write apiVersion: {home}", value=True)
                return
            near = did_you_mean(kind, kinds)
            elsewhere = "" if near else self._meant_elsewhere(kind)
            fix = f"did you mean {near}?" if near else elsewhere or f"there is {listed(kinds, 8)}"
            yield self._tell(("kind",), told, fix, value=True)

    def _meant_elsewhere(self, kind: str) -> str:
        """A misspelt kind of another apiVersion, and both words that mend it."""
        near = did_you_mean(kind, self.schemas.all_kinds())
        return f"did you mean {near}, with apiVersion: {self.schemas.home(near)}?" if near else ""


@dataclass(frozen=True)
class _Walk:
    """The way through one object, beside the schema that begins at ``root``."""

    judge: Judge
    root: Field

    def walk(self, value: Any, field: Field, path: Path) -> Iterator[Problem]:
        if value is None or len(path) > DEEP:
            return
        wrong = self._type(value, field, path)
        if wrong is not None:
            yield wrong
        elif isinstance(value, dict):
            yield from self._fields(value, field, path)
        elif isinstance(value, list):
            below = field.child(0)
            for index, item in enumerate(value):
                if below is not None:
                    yield from self.walk(item, below, (*path, index))
        elif field.enum and value not in field.enum:
            near = did_you_mean(str(value), [str(one) for one in field.enum])
            fix = f"did you mean {clip(near, 60)}?" if near else f"write {listed(field.enum, 8, last='or')}"
            yield self.judge._tell(path, f"{spell(path)} cannot be {clip(value, 60)!r}", fix, value=True)

    def _type(self, value: Any, field: Field, path: Path) -> Problem | None:
        types, own = field.types, _json_type(value)
        if not types or own in types or ("number" in types and own == "integer"):
            return None
        wanted = " or ".join(_WORDS.get(one, one) for one in sorted(types))
        # What YAML made of it is not what stands there: no, 0644 and 1e3 are read as something else.
        stands = self.judge.written(path) if own not in ("array", "object") else ""
        fix = f"write {wanted}"
        if "string" in types and own in ("integer", "number", "boolean"):
            fix = f'put it in quotes: "{clip(stands or _as_json(value), 60)}"'
        elif "integer" in types and isinstance(value, str) and value.isdecimal():
            fix = f"take the quotes off: {clip(value, 40)}"
        elif "boolean" in types and isinstance(value, str) and value.lower() in ("true", "false"):
            fix = f"take the quotes off: {value.lower()}"
        elif "array" in types and own not in ("array", "object"):
            fix = f"begin each item with a dash and a blank, on the lines below: - {clip(stands or value, 40)}"
        elif "array" in types:
            fix = "begin each item on its own line with a dash and a blank"
        elif "object" in types and own == "array":
            fix = "take the dash away: it makes a list"
        elif "object" in types:
            fix = "write its fields on the lines below, two spaces deeper"
        shown = {"array": "a list", "object": "a group of fields"}.get(own)
        if shown is None:
            shown = f"the text {clip(value, 60)!r}" if own == "string" else clip(stands or _as_json(value), 60)
        told = f"{spell(path) or 'the object'} must be {wanted}, not {shown}"
        return self.judge._tell(path, told, fix, value=True)

    def _fields(self, value: Mapping[Any, Any], field: Field, path: Path) -> Iterator[Problem]:
        known = list(field.properties)
        meant: set[str] = set()
        where = spell(path) or "the object"
        for key, item in value.items():
            name = str(key)
            below = field.child(name)
            if below is not None:
                yield from self.walk(item, below, (*path, name))
            elif not field.open:
                near = did_you_mean(name, [one for one in known if one not in value] or known)
                meant.add(near)
                fix = f"did you mean {near}?" if near else self._elsewhere(field, name, item, path)
                yield self.judge._tell((*path, name), f"{where} has no field {clip(name, 60)!r}", fix)
        for name in field.required:
            # A required name that is only misspelt is told once, as the unknown field.
            if value.get(name) is None and name not in meant:
                at: Path = (*path, name) if name in value else path
                told = f"{where} has no {clip(name, 60)}, which is required"
                yield self.judge._tell(at, told, f"add {clip(name, 60)}:" if name not in value else "give it a value")

    def _elsewhere(self, field: Field, name: str, item: Any, path: Path) -> str:
        """Where a field belongs that stands too high or too deep; else what there is here."""
        if field.name == "ObjectMeta" and not isinstance(item, dict | list):
            return f"a label or annotation goes one level deeper: under labels: or annotations:, {clip(name, 40)}: …"
        if any(char.isspace() and char != " " for char in name):
            return "the blank before it looks like a space and is none: delete it and type it anew"
        steps, items = _below(field, name)
        if steps and items:
            return f"it belongs to an item of {spell(steps)}: indent it as the fields there"
        if steps:
            return f"it belongs under {spell(steps)}: indent it {2 * len(steps)} spaces more"
        for up in range(len(path) - 1, -1, -1):
            above = self.root.at(path[:up])
            if above is not None and name in above.properties:
                return f"it belongs under {spell(path[:up]) or 'the object itself'}: indent it less"
        return f"known here: {', '.join(clip(one, 60) for one in sorted(field.properties)[:10])}"


def _below(field: Field, name: str) -> tuple[tuple[str, ...], bool]:
    """The nearest way from ``field`` down to one that has ``name`` (at most three levels), and if it is a list."""
    level: list[tuple[tuple[str, ...], Field]] = [((), field)]
    looked = 0
    for _ in range(3):
        deeper: list[tuple[tuple[str, ...], Field]] = []
        for steps, here in level:
            for key in here.properties:
                looked += 1
                below = here.child(key)
                listed_ = below is not None and "array" in below.types
                below = below.child(0) if below is not None and listed_ else below
                if below is None or looked > LOOK_BELOW or key in ("status", "managedFields", "ownerReferences"):
                    continue
                if name in below.properties:
                    return (*steps, key), listed_
                deeper.append(((*steps, key), below))
        level = deeper
    return (), False


def _has_selector(obj: Mapping[str, Any]) -> bool:
    spec = obj.get("spec")
    selector = spec.get("selector") if isinstance(spec, dict) else None
    return isinstance(selector, dict) and isinstance(spec.get("template") if isinstance(spec, dict) else None, dict)


def _json_type(value: Any) -> str:
    for kind, word in ((bool, "boolean"), (int, "integer"), (float, "number"), (dict, "object"), (list, "array")):
        if isinstance(value, kind):
            return word
    return "string"  # dates too: Kubernetes reads them as text


def _as_json(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else clip(value, 40)
