"""A lab file against ``schema.json``: each problem with its file, its line and what is allowed there."""

from __future__ import annotations

import difflib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Any

from k8s_tutor.errors import LabError
from k8s_tutor.labs.located import Located, Place

_TYPES = {
    "object": "a mapping (key: value)",
    "array": "a list",
    "string": "text",
    "integer": "a whole number",
    "number": "a number",
    "boolean": "true or false",
    "null": "nothing",
}


@dataclass(frozen=True)
class Problem:
    """One thing that is wrong in a lab: ``line`` is 1-based (0 if unknown), ``allowed`` the values that would do."""

    file: str
    line: int
    message: str
    allowed: tuple[str, ...] = ()

    def __str__(self) -> str:
        """One line, as compilers write it."""
        where = f"{self.file}:{self.line}" if self.line else self.file
        return f"{where}: {self.message}" + (f" (allowed: {', '.join(self.allowed)})" if self.allowed else "")

    def error(self) -> LabError:
        """This problem as the error that ends a command (exit 2)."""
        text = self.message + (f"; allowed: {', '.join(self.allowed)}" if self.allowed else "")
        remedy = "see docs/writing-a-lab.md; `k8s-tutor lab lint` lists every problem"
        return LabError(text, file=self.file, line=self.line, remedy=remedy)


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """``; did you mean 'x'?`` for the nearest known word, or nothing."""
    near = difflib.get_close_matches(word, list(known), n=1, cutoff=0.6)
    return f"; did you mean {near[0]!r}?" if near else ""


@cache
def schema() -> Mapping[str, Any]:
    """The JSON Schema of ``lab.yaml``."""
    loaded: Mapping[str, Any] = json.loads(resources.files("k8s_tutor.labs").joinpath("schema.json").read_text("utf-8"))
    return loaded


def problems(located: Located, file: str) -> list[Problem]:
    """Every way in which this data breaks the schema, in the order of lines."""
    import jsonschema  # a tenth of a second that `check` must not pay for

    validator = jsonschema.Draft202012Validator(schema())
    found = [each for error in validator.iter_errors(located.data) for each in _tell(error, located, file)]
    return sorted(set(found), key=lambda problem: (problem.line, problem.message))


def _tell(error: Any, located: Located, file: str) -> Iterable[Problem]:
    place: Place = tuple(error.absolute_path)
    name = _name(place)
    value, rule, limit = error.instance, error.validator, error.validator_value
    line = located.line(*place)
    if rule == "additionalProperties":
        allowed = tuple(error.schema["properties"])
        for key in value:
            if key not in allowed:
                yield Problem(
                    file,
                    located.line(*place, str(key)),
                    f"{name} has no key {str(key)!r}{did_you_mean(str(key), allowed)}",
                    allowed,
                )
    elif rule == "required":
        strange = [str(key) for key in value if key not in error.schema["properties"]]
        for key in limit:
            # A misspelt key is one problem, told where it is written, not also a missing one.
            if key not in value and not difflib.get_close_matches(key, strange, n=1):
                yield Problem(file, line, f"{name} lacks the key {key!r}", tuple(error.schema["properties"]))
    elif rule == "enum":
        allowed = tuple(str(each) for each in limit)
        yield Problem(file, line, f"{name} is {value!r}{did_you_mean(str(value), allowed)}", allowed)
    elif rule == "type":
        yield Problem(file, line, f"{name} must be {_TYPES.get(limit, limit)}, not {_shown(value)}")
    elif rule == "pattern":
        yield Problem(file, line, f"{name} is {_shown(value)}, {_pattern(limit)}")
    elif rule in ("maxLength", "minLength", "maxItems", "minItems", "minProperties", "maxProperties"):
        yield Problem(file, line, _size(name, rule, limit, value, error.schema))
    elif rule in ("minimum", "exclusiveMinimum", "maximum"):
        words = {"minimum": "at least", "exclusiveMinimum": "more than", "maximum": "at most"}
        yield Problem(file, line, f"{name} is {value}; it must be {words[rule]} {limit}")
    else:
        yield Problem(file, line, f"{name}: {error.message}")


def _name(place: Place) -> str:
    """How an author would speak of this place: ``steps[2].checks[0].mode``."""
    text = "".join(f"[{part + 1}]" if isinstance(part, int) else f".{part}" for part in place).lstrip(".")
    return text or "the lab"


def _shown(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False, default=str)
    return text if len(text) <= 60 else text[:57] + "…"


def _pattern(pattern: str) -> str:
    if ".md" in pattern.replace("\\", ""):
        return "not the name of a Markdown file in the lab's folder (like steps/01-write.md)"
    if pattern.startswith("^[a-z]"):
        return "not an id: small letters, digits and single hyphens, a letter first"
    if "n]*" in pattern and pattern.startswith("^[^"):
        return "which must be one line"
    if pattern.startswith("^[A-Z0-9]+"):
        return "not a point of the lesson (like 1.4 or A3)"
    return "not a plain file name: letters, digits, dot, hyphen and underscore"


def _size(name: str, rule: str, limit: int, value: Any, rules: Mapping[str, Any]) -> str:
    if rule.endswith("Properties") and name.endswith(".where"):
        return f"{name} must name an ability; one of: {', '.join(rules['properties'])}"
    if rule.endswith("Properties"):
        words = ", ".join(rules.get("properties", {}))
        return f"{name} must have exactly one key, the action's name, not {len(value)}; one of: {words}"
    if rule == "minItems" or (rule == "minLength" and limit == 1):
        return f"{name} must not be empty"
    what = "characters" if rule.endswith("Length") else "items"
    return f"{name} has {len(value)} {what}; at most {limit} are allowed"
