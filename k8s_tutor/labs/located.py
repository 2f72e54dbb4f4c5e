"""YAML with line numbers: plain data, and for each place in it the line where it is written."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import yaml

from k8s_tutor.errors import LabError

Loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # libyaml's parser is some ten times faster
Place = tuple[str | int, ...]
"""A path into the data: ``("steps", 0, "title")``."""
MOST_PLACES = 20_000
"""No lab is larger; aliases that multiply each other are."""


@dataclass(frozen=True)
class Located:
    """Data of a YAML document, and the line (1-based) of every key and item by its place."""

    data: Any
    lines: dict[Place, int]

    def line(self, *place: str | int) -> int:
        """The line of this place, or of the nearest place above that is written down; 0 if there is none."""
        for length in range(len(place), -1, -1):
            if place[:length] in self.lines:
                return self.lines[place[:length]]
        return 0


def parse(text: str, file: str) -> Located:
    """Parse one YAML document. Raises LabError with the line for a syntax error, a key given twice or a loop."""
    loader = Loader(text)
    try:
        node = loader.get_single_node()
        lines: dict[Place, int] = {}
        if node is not None:
            _walk(node, (), lines, file, set())
        return Located(None if node is None else loader.construct_document(node), lines)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        raise LabError(
            f"not valid YAML: {error.problem or error.context}"
            + (f" (column {mark.column + 1})" if mark else "")
            + ("; YAML is indented with spaces, never with tabs" if mark and _has_tab(text, mark.line) else ""),
            file=file,
            line=mark.line + 1 if mark else 0,
            remedy="correct this line; its cause may be the line before",
        ) from error
    except (yaml.YAMLError, ValueError, TypeError) as error:
        raise LabError(f"not valid YAML: {error}", file=file) from error
    finally:
        loader.dispose()


def _has_tab(text: str, line: int) -> bool:
    rows = text.splitlines()
    return line < len(rows) and "\t" in rows[line][: len(rows[line]) - len(rows[line].lstrip())]


def _walk(node: Any, place: Place, lines: dict[Place, int], file: str, above: set[int]) -> None:
    """Note the lines below this node; a mapping's value gets the line of its key."""
    lines.setdefault(place, node.start_mark.line + 1)
    if len(lines) > MOST_PLACES:
        raise LabError(f"more than {MOST_PLACES} values (aliases count each time)", file=file)
    if id(node) in above:
        raise LabError("an alias (*) refers to what contains it", file=file, line=node.start_mark.line + 1)
    above = above | {id(node)}
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            name = str(key.value) if isinstance(key, yaml.ScalarNode) else ""
            row = key.start_mark.line + 1
            if (*place, name) in lines:
                raise LabError(
                    f"the key {name!r} is given twice (first in line {lines[(*place, name)]})",
                    file=file,
                    line=row,
                    remedy="keep one of them",
                )
            lines[(*place, name)] = row
            _walk(value, (*place, name), lines, file, above)
    elif isinstance(node, yaml.SequenceNode):
        for index, item in enumerate(node.value):
            _walk(item, (*place, index), lines, file, above)
