"""From JSON that somebody else wrote to the dataclass that it claims to be, each value of its field's type."""

from __future__ import annotations

import dataclasses
import functools
import types
import typing
from collections.abc import Mapping
from enum import Enum
from typing import Any


def shaped(kind: Any, value: Any) -> Any:
    """``value`` (of ``json.loads``) as a ``kind``: a dataclass, a tuple or mapping of one type, an enum, a plain type.

    Raises ValueError for what has another type, an unknown field, or none where one is needed.
    """
    origin, inner = typing.get_origin(kind), typing.get_args(kind)
    if kind is Any:
        return value
    if origin is types.UnionType:
        if value is None and type(None) in inner:
            return None
        (kind,) = (each for each in inner if each is not type(None))
        return shaped(kind, value)
    if origin is tuple and isinstance(value, list):
        return tuple(shaped(inner[0], each) for each in value)
    if origin is Mapping and isinstance(value, dict):
        return {shaped(inner[0], key): shaped(inner[1], each) for key, each in value.items()}
    if isinstance(kind, type) and dataclasses.is_dataclass(kind) and isinstance(value, dict):
        fields = _fields(kind)
        told = {str(key): shaped(fields.get(key, _Unknown), each) for key, each in value.items()}
        try:
            return kind(**told)
        except TypeError as error:
            raise ValueError(str(error)) from error
    if isinstance(kind, type):
        if issubclass(kind, Enum):
            return kind(value)
        if type(value) is kind:
            return value
        if kind is float and type(value) is int:
            return float(value)
    raise ValueError(f"{type(value).__name__} in place of {getattr(kind, '__name__', kind)}")


class _Unknown:
    """No value has this type."""


@functools.cache
def _fields(kind: type) -> dict[str, Any]:
    return typing.get_type_hints(kind)
