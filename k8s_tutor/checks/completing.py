"""What can be written at a place of a manifest, and what the field there is for: pure, over the cluster's schemas."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, replace

from k8s_tutor.checks.words import clip
from k8s_tutor.kube.cursor import Place, place
from k8s_tutor.kube.openapi import Field, Schemas
from k8s_tutor.kube.resources import KNOWN

MOST = 200
_TOP = ("apiVersion", "kind", "metadata", "spec")
_PLAIN = re.compile(r"[A-Za-z_][\w./-]*")
# What YAML reads as something else than text when it stands without quotes.
_NO_TEXT = frozenset({"true", "false", "yes", "no", "on", "off", "y", "n", "null", "~"})


@dataclass(frozen=True)
class Choice:
    """One thing that can be written: ``insert`` takes the place of what is typed. ``note``: its type, ``required``."""

    label: str
    insert: str
    note: str = ""


@dataclass(frozen=True)
class Completion:
    """The choices for the word that begins at ``column`` (from 0) of line ``row``; best first."""

    row: int
    column: int
    choices: tuple[Choice, ...]


@dataclass(frozen=True)
class Explanation:
    """What ``kubectl explain`` says of a field: ``path`` like ``pod.spec.containers``, its type, whether required."""

    path: str
    type: str
    required: bool
    text: str


def complete(text: str, row: int, column: int, schemas: Schemas) -> Completion:
    """What can be written at the cursor (row and column from 0); no choices where nothing is known."""
    here = place(text, row, column)
    if here.typing == "key":
        found = _keys(here, schemas)
    elif here.typing == "value":
        found = _values(here, schemas)
    else:
        found = []
    word = here.word.lower()
    begins = [choice for choice in found if choice.label.lower().startswith(word)]
    holds = [choice for choice in found if word in choice.label.lower() and choice not in begins]
    return Completion(row, here.column, tuple((begins + holds)[:MOST]))


def explain(text: str, row: int, column: int, schemas: Schemas) -> Explanation | None:
    """What the field on this line is for; None where there is none that the schemas know."""
    here = place(text, row, column)
    # A key that is just being typed is explained as soon as it is whole.
    path = (*here.path, here.word) if here.typing == "key" and here.word else here.path
    root = schemas.kind(here.api_version, here.kind)
    field = root.at(path) if root is not None else None
    if root is None or field is None or not path or (here.typing == "key" and not here.word):
        return None
    above = root.at(path[:-1])
    names = ".".join(clip(step, 60) for step in path if isinstance(step, str))
    required = above is not None and str(path[-1]) in above.required
    rows = [clip(line, 1_200) for line in field.description[:6_000].split("\n")]
    if field.enum and "Possible enum values" not in field.description:
        rows.append("One of: " + ", ".join(clip(value, 60) for value in field.enum[:20]) + ".")
    body = "\n".join(line for line in rows if line)[:1_500]
    return Explanation(f"{clip(here.kind, 60).lower()}.{names}", clip(field.type_words, 80), required, body)


def _keys(here: Place, schemas: Schemas) -> list[Choice]:
    root = schemas.kind(here.api_version, here.kind)
    field = root.at(here.path) if root is not None else None
    if root is None and not here.path:
        names = [name for name in _TOP if name not in here.siblings]
        return [Choice(name, f"{name}:\n  " if name in ("metadata", "spec") else f"{name}: ") for name in names]
    # Right below a key whose value is a list: a first item, with its dash.
    items = field.child(0) if field is not None and "array" in field.types else None
    field = items or field
    if field is None:
        return []
    required = set(field.required)
    if not here.path:  # the schema does not say so, the server does
        required |= {"apiVersion", "kind", "metadata"}
    names = [name for name in field.properties if name not in here.siblings and _writable(here, name)]
    names.sort(key=lambda name: (name not in required, name))
    made = [_key(field, name, here.depth + (2 if items else 0), name in required) for name in names]
    return [replace(choice, insert=f"- {choice.insert}") for choice in made] if items else made


def _writable(here: Place, name: str) -> bool:
    return bool(here.path) or name != "status"


def _key(field: Field, name: str, depth: int, required: bool) -> Choice:
    below = field.child(name)
    types = below.types if below is not None else frozenset()
    deeper = "\n" + " " * (depth + 2)
    # A name from a stranger's schema goes into the learner's file: bounded, and in one line.
    label = clip(name, 120)
    word = _quoted(label)
    insert = f"{word}: "
    if "array" in types:
        insert = f"{word}:{deeper}- "
    elif "object" in types:
        insert = f"{word}:{deeper}"
    note = below.type_words if below is not None else ""
    return Choice(label, insert, f"{clip(note, 40)}{' required' if required else ''}")


def _quoted(text: str) -> str:
    """As it must be written in the file to be read as this text."""
    return text if _PLAIN.fullmatch(text) and text.lower() not in _NO_TEXT else json.dumps(text, ensure_ascii=False)


def _values(here: Place, schemas: Schemas) -> list[Choice]:
    if here.path == ("apiVersion",):
        home = schemas.home(here.kind) if here.kind else ""
        versions = sorted(schemas.versions or {version for version, _ in KNOWN}, key=lambda one: (one != home, one))
        return [Choice(clip(one), clip(one), f"has {clip(here.kind, 30)}" if one == home else "") for one in versions]
    if here.path == ("kind",):
        own = schemas.kinds(here.api_version) or schemas.all_kinds()
        return [Choice(name, name) for name in map(clip, own)]
    root = schemas.kind(here.api_version, here.kind)
    field = root.at(here.path) if root is not None else None
    if field is None:
        return []
    values = field.enum or ((True, False) if field.types == {"boolean"} else ())
    return [_value(value) for value in values]


def _value(value: object) -> Choice:
    if isinstance(value, str):
        label = clip(value, 120)
        return Choice(label, _quoted(label))
    text = clip(json.dumps(value, default=str), 120)
    return Choice(text, text)
