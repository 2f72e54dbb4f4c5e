"""Set fields in a manifest's text, and leave all else as it is written: comments, order, numbered lines."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

import yaml

from k8s_tutor.labs.located import Loader, Place

_STEP = re.compile(r"""\.?(?P<key>[A-Za-z0-9_-]+)|\[(?P<index>\d+)\]|\[(?P<by>[A-Za-z]+)="?(?P<is>[^"\]]*)"?\]"""
                   r"""|\["(?P<quoted>[^"]+)"\]""")  # fmt: skip
_COMMENT = re.compile(r"( +)#")


class NoSuchField(Exception):
    """A field is not there, is there several times, or is no plain value; the text says which."""


def set_fields(text: str, fields: Mapping[str, str | int]) -> str:
    """The text with these fields (``spec.replicas``, ``spec.containers[name="web"].image``) set to these values.

    A comment behind a value stays in its column where there is room. Raises NoSuchField.
    """
    edits = sorted(((_node(text, path), value) for path, value in fields.items()), key=lambda edit: _start(edit[0]))
    lines = text.split("\n")
    for node, value in reversed(edits):
        row, begin, end = node.start_mark.line, node.start_mark.column, node.end_mark.column
        old, rest = lines[row][begin:end], lines[row][end:]
        new = _scalar(value, node.style)
        comment = _COMMENT.match(rest)
        if comment is not None:
            rest = " " * max(1, len(comment[1]) - len(new) + len(old)) + rest[len(comment[1]) :]
        lines[row] = lines[row][:begin] + new + rest
    return "\n".join(lines)


def field_of(text: str, path: str) -> tuple[int, Any]:
    """Line (1-based) and value of this field. Raises NoSuchField."""
    node = _node(text, path)
    return node.start_mark.line + 1, yaml.safe_load(text.split("\n")[node.start_mark.line][_columns(node)])


def with_fields(text: str, fields: Mapping[str, str | int]) -> list[Any]:
    """The objects of a text as they are to be once these fields are set: what ``set_fields`` has to give."""
    documents = list(yaml.safe_load_all(text))
    for path, value in fields.items():
        for node, document in zip(_documents(text), documents, strict=True):
            place = _place(node, path)
            if place is not None:
                here = document
                for step in place[:-1]:
                    here = here[step]
                here[place[-1]] = value
    return documents


def _columns(node: Any) -> slice:
    return slice(node.start_mark.column, node.end_mark.column)


def _start(node: Any) -> tuple[int, int]:
    return node.start_mark.line, node.start_mark.column


def _documents(text: str) -> list[Any]:
    return list(yaml.compose_all(text, Loader=Loader))


def _node(text: str, path: str) -> Any:
    found = [_at(node, place) for node in _documents(text) if (place := _place(node, path)) is not None]
    if len(found) != 1:
        raise NoSuchField(f"has no field {path}" if not found else f"has the field {path} in several documents")
    node = found[0]
    if not isinstance(node, yaml.ScalarNode) or node.start_mark.line != node.end_mark.line or node.style in ("|", ">"):
        raise NoSuchField(f"the field {path} is no value in one line")
    return node


def _place(node: Any, path: str) -> Place | None:
    """Where a field stands below this node, in keys and indices; None where it is not there."""
    place: list[str | int] = []
    position = 0
    while position < len(path):
        step = _STEP.match(path, position)
        if step is None:
            return None
        position = step.end()
        found: str | int | None = step["key"] or step["quoted"]
        if step["index"]:
            found = int(step["index"])
        elif step["by"]:
            found = _item(node, step["by"], step["is"])
        if found is None:
            return None
        node = _child(node, found)
        if node is None:
            return None
        place.append(found)
    return tuple(place) or None


def _at(node: Any, place: Place) -> Any:
    for step in place:
        node = _child(node, step)
    return node


def _child(node: Any, step: str | int) -> Any:
    if isinstance(node, yaml.MappingNode):
        return next((value for key, value in node.value if key.value == step), None)
    inside = isinstance(node, yaml.SequenceNode) and isinstance(step, int) and step < len(node.value)
    return node.value[step] if inside else None


def _item(node: Any, key: str, wanted: str) -> int | None:
    for number, item in enumerate(node.value if isinstance(node, yaml.SequenceNode) else ()):
        value = _child(item, key)
        if isinstance(value, yaml.ScalarNode) and value.value == wanted:
            return number
    return None


def _scalar(value: str | int, style: str | None) -> str:
    """A value as YAML, quoted as the one in whose place it comes. A variant's values have no quotes in them."""
    if style in ("'", '"'):
        return f"{style}{value}{style}"
    return str(value) if yaml.safe_load(str(value)) == value else json.dumps(value)
