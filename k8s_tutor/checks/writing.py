"""What is wrong in a manifest while it is being written: pure, over the text and the cluster's own schemas.

Three sources, in this order: ``syntax`` (it is no YAML), ``schema`` (fields that the cluster does not know, wrong
types, missing or not allowed values, and a Deployment's selector), ``server`` (what a dry run was refused for).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from k8s_tutor.checks.fields import spell
from k8s_tutor.checks.manifests import selector_mistakes
from k8s_tutor.checks.words import clip, did_you_mean, listed
from k8s_tutor.kube.apply import Applied
from k8s_tutor.kube.manifest import Document, ManifestError, Path, parse_manifest
from k8s_tutor.kube.openapi import Field, Schemas

MOST = 50
"""Problems told at once."""
DEEP = 40
_WORDS = {
    "string": "text",
    "integer": "a whole number",
    "number": "a number",
    "boolean": "true or false",
    "array": "a list (each item begins with a dash)",
    "object": "a group of fields",
}
# What mends the commonest syntax errors, by libyaml's own words.
_SYNTAX = (
    ("could not find expected ':'", "a key needs a colon and a blank after it: key: value"),
    ("mapping values are not allowed", "one key: value a line; put a value that holds a colon and a blank in quotes"),
    ("did not find expected '-' indicator", "the items of a list begin with a dash, all in the same column"),
    ("did not find expected key", "put it in the same column as the keys that it belongs to"),
    ("block mapping", "put it in the same column as the keys that it belongs to"),
    ("a tab", "put spaces in its place"),
    ("given twice", "take one of the two out"),
    ("unexpected end of stream", "close the quote"),
    ("cannot start any token", "put the value in quotes"),
    ("undefined alias", "put the value in quotes: * begins an alias"),
    ("invisible character", "delete it"),
)


@dataclass(frozen=True)
class Problem:
    """Something wrong at a place of the text: ``line`` and ``column`` from 1, ``length`` in characters.

    ``fix`` says what mends it (may be empty); ``source`` is ``syntax``, ``schema`` or ``server``.
    """

    line: int
    column: int
    length: int
    message: str
    fix: str = ""
    source: str = "schema"


def problems(text: str, schemas: Schemas | None = None) -> tuple[Problem, ...]:
    """What is wrong in ``text``, in the order of its lines; without schemas, only what no cluster would take."""
    if not text.strip():
        return ()
    lines = text.split("\n")
    try:
        documents = parse_manifest(text)
    except ManifestError as error:
        return (_syntax(lines, error),)
    found: list[Problem] = []
    for document in documents:
        for path, obj in _objects(document):
            for item in _Judge(document, path, lines, schemas or Schemas()).judge(obj):
                found.append(item)
                if len(found) >= MOST:
                    return tuple(sorted(found, key=lambda p: (p.line, p.column)))
    return tuple(sorted(found, key=lambda p: (p.line, p.column)))


def api_versions(text: str) -> frozenset[str]:
    """The apiVersions that a text names, also one that is no YAML yet; at most 20."""
    found = re.findall(r"^[ -]*[\"']?apiVersion[\"']?\s*:\s*[\"']?([\w./-]{1,253})", text, re.M)
    return frozenset(list(dict.fromkeys(found))[:20])


def refusals(text: str, applied: list[Applied]) -> tuple[Problem, ...]:
    """What a dry run was refused for, at the lines of the fields that the server names."""
    lines = text.split("\n")
    found: list[Problem] = []
    for item in applied:
        if item.verb != "failed":
            continue
        for told in item.problems:
            message = f"{clip(told.path, 120)}: {clip(told.message, 300)}" if told.path else clip(told.message, 300)
            found.append(_at(lines, told.line or item.line, max(told.column, 1), message, "", "server"))
        if not item.problems:
            found.append(_at(lines, item.line, 1, clip(item.message, 400), "", "server"))
    return tuple(found[:MOST])


def _at(lines: list[str], line: int, column: int, message: str, fix: str, source: str, value: bool = False) -> Problem:
    """A problem at a key (its whole word is marked), or with ``value`` at what stands after it."""
    row = lines[line - 1] if 0 < line <= len(lines) else ""
    rest = row[column - 1 :].split(" #")[0].rstrip()
    after = re.match(r"""("[^"]*"|'[^']*'|[^\s:#]+)\s*:\s+(?=\S)""", rest)
    if value and after:
        return Problem(line, column + after.end(), max(1, len(rest) - after.end()), message, fix, source)
    key = re.match(r"""("[^"]*"|'[^']*'|[^\s:#]+)(?=\s*:(?:\s|$))""", rest)
    return Problem(line, column, max(1, key.end() if key else len(rest)), message, fix, source)


def _syntax(lines: list[str], error: ManifestError) -> Problem:
    fix = next((fix for words, fix in _SYNTAX if words in error.message), "")
    line, column = max(1, min(error.line or 1, len(lines))), max(1, error.column)
    if "could not find expected ':'" in error.message:
        # libyaml tells it where it gave up, one line or more below the word that has no colon.
        for back in range(line - 1, max(0, line - 4), -1):
            row = lines[back - 1].split(" #")[0].strip().removeprefix("- ")
            if row and not row.startswith("#") and ":" not in row:
                line, column = back, lines[back - 1].index(row) + 1
                break
    row = lines[line - 1].rstrip()
    length = max(1, len(row) - column + 1) if "tab" not in error.message else 1
    return Problem(line, column, length, clip(error.message, 200), fix, "syntax")


def _objects(document: Document) -> Iterator[tuple[Path, Any]]:
    obj = document.object
    if isinstance(obj, dict) and obj.get("kind") == "List" and isinstance(obj.get("items"), list):
        for index, item in enumerate(obj["items"]):
            yield ("items", index), item
    else:
        yield (), obj


@dataclass(frozen=True)
class _Judge:
    """Compares one object with the schema of its kind."""

    document: Document
    prefix: Path
    lines: list[str]
    schemas: Schemas

    def _tell(self, path: Path, message: str, fix: str = "", *, value: bool = False) -> Problem:
        line, column = self.document.where((*self.prefix, *path))
        return _at(self.lines, line, column, message, fix, "schema", value)

    def judge(self, obj: Any) -> Iterator[Problem]:
        if not isinstance(obj, dict):
            yield self._tell(
                (), "this is no object with fields", "begin with apiVersion:, kind: and metadata:, each on its own line"
            )
            return
        version, kind = obj.get("apiVersion"), obj.get("kind")
        for key in ("apiVersion", "kind"):
            if not isinstance(obj.get(key), str) or not obj[key]:
                near = next((str(own) for own in obj if did_you_mean(str(own), [key]) and own != key), "")
                if near:
                    yield self._tell((near,), f"there is no field {clip(near, 40)!r}", f"did you mean {key}?")
                else:
                    yield self._tell(
                        (key,) if key in obj else (), f"the object has no {key}", self._which(key, version, kind)
                    )
        if not isinstance(version, str) or not isinstance(kind, str) or not version or not kind:
            return
        metadata = obj.get("metadata")
        if metadata is None or (isinstance(metadata, dict) and not metadata.get("name")):
            where: Path = ("metadata",) if "metadata" in obj else ()
            yield self._tell(where, "metadata has no name", "add name: under metadata")
        field = self.schemas.kind(version, kind)
        if field is not None:
            yield from self._walk(obj, field, ())
        else:
            yield from self._no_kind(version, kind)
        if kind == "Deployment" and _has_selector(obj):
            for mistake in selector_mistakes(obj):
                yield self._tell(mistake.path, mistake.text, mistake.look_at)

    def _which(self, key: str, version: object, kind: object) -> str:
        if key == "apiVersion" and isinstance(kind, str) and self.schemas.home(kind):
            return f"add apiVersion: {self.schemas.home(kind)}"
        kinds = self.schemas.kinds(version) if key == "kind" and isinstance(version, str) else ()
        return f"add {key}:" + (f" (one of {listed(kinds, 5, last='or')})" if kinds else "")

    def _no_kind(self, version: str, kind: str) -> Iterator[Problem]:
        known = self.schemas.versions
        home = self.schemas.home(kind)
        if known is not None and version not in known:
            near = home or did_you_mean(version, sorted(known))
            fix = f"did you mean {near}?" if near else "kubectl api-versions lists those there are"
            yield self._tell(("apiVersion",), f"the cluster has no apiVersion {clip(version, 80)!r}", fix, value=True)
        elif version in self.schemas.documents:
            kinds = self.schemas.kinds(version)
            near = did_you_mean(kind, kinds)
            fix = f"did you mean {near}?" if near else f"it belongs to apiVersion {home}" if home else ""
            fix = fix or f"there is {listed(kinds, 8)}"
            yield self._tell(("kind",), f"{clip(version, 80)} has no kind {clip(kind, 80)!r}", fix, value=True)

    def _walk(self, value: Any, field: Field, path: Path) -> Iterator[Problem]:
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
                    yield from self._walk(item, below, (*path, index))
        elif field.enum and value not in field.enum:
            near = did_you_mean(str(value), [str(one) for one in field.enum])
            fix = f"did you mean {clip(near, 60)}?" if near else f"write {listed(field.enum, 8, last='or')}"
            yield self._tell(path, f"{spell(path)} cannot be {clip(value, 60)!r}", fix, value=True)

    def _type(self, value: Any, field: Field, path: Path) -> Problem | None:
        types = field.types
        if not types or _json_type(value) in types or ("number" in types and _json_type(value) == "integer"):
            return None
        wanted = " or ".join(_WORDS.get(one, one) for one in sorted(types))
        fix = f"write {wanted}"
        if "string" in types and _json_type(value) in ("integer", "number", "boolean"):
            fix = f'put it in quotes: "{_as_written(value)}"'
        elif "integer" in types and isinstance(value, str) and value.isdigit():
            fix = f"take the quotes off: {clip(value, 40)}"
        elif "array" in types:
            fix = "begin each item on its own line with a dash and a blank"
        elif "object" in types:
            fix = "write its fields on the lines below, two spaces deeper"
        shown = {"array": "a list", "object": "a group of fields"}.get(_json_type(value)) or clip(repr(value), 60)
        return self._tell(path, f"{spell(path) or 'the object'} must be {wanted}, not {shown}", fix, value=True)

    def _fields(self, value: Mapping[Any, Any], field: Field, path: Path) -> Iterator[Problem]:
        known = list(field.properties)
        meant: set[str] = set()
        where = spell(path) or "the object"
        for key, item in value.items():
            name = str(key)
            below = field.child(name)
            if below is not None:
                yield from self._walk(item, below, (*path, name))
            elif not field.open:
                near = did_you_mean(name, known)
                meant.add(near)
                fix = f"did you mean {near}?" if near else _elsewhere(field, name)
                yield self._tell((*path, name), f"{where} has no field {clip(name, 60)!r}", fix)
        for name in field.required:
            # A required name that is only misspelt is told once, as the unknown field.
            if value.get(name) is None and name not in meant:
                yield self._tell(path, f"{where} has no {clip(name, 60)}, which is required", f"add {clip(name, 60)}:")


def _elsewhere(field: Field, name: str) -> str:
    """Where a field belongs that stands one level too high, else what there is here."""
    for key in field.properties:
        for steps in ((key,), (key, 0)):
            below = field.at(steps)
            if below is not None and name in below.properties:
                return f"it belongs under {key}: indent it two spaces more"
    return f"known here: {', '.join(sorted(field.properties)[:10])}"


def _has_selector(obj: Mapping[str, Any]) -> bool:
    spec = obj.get("spec")
    selector = spec.get("selector") if isinstance(spec, dict) else None
    return isinstance(selector, dict) and isinstance(spec.get("template") if isinstance(spec, dict) else None, dict)


def _json_type(value: Any) -> str:
    for kind, word in ((bool, "boolean"), (int, "integer"), (float, "number"), (dict, "object"), (list, "array")):
        if isinstance(value, kind):
            return word
    return "string"  # dates too: Kubernetes reads them as text


def _as_written(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else clip(value, 40)
