"""A manifest file as the learner wrote it: its documents as plain data, and the line of every field.

Stricter than a plain YAML load on purpose: a key given twice, a tab, an alias bomb are told with line and
column, where other tools take the last value, stumble or run out of memory.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from k8s_tutor.errors import TutorError

if TYPE_CHECKING:
    from yaml.nodes import Node

SIZE_LIMIT = 256 * 1024
NODE_LIMIT = 20_000
DEPTH_LIMIT = 64
DOCUMENT_LIMIT = 100

Path = tuple[str | int, ...]
"""Where a value stands in an object: keys and indices."""


class ManifestError(TutorError):
    """The text is no manifest: ``line`` and ``column`` are 1-based (0 if unknown)."""

    def __init__(self, line: int, column: int, message: str) -> None:
        super().__init__(message, code="yaml-syntax")
        self.line = line
        self.column = column


@dataclass(frozen=True)
class Document:
    """One document of a file: ``line`` where it begins (1-based), the data, and where each field's key stands.

    ``object`` is what YAML gives: usually a dict, but a learner can write anything. ``marks``: path -> (line, column).
    """

    line: int
    object: Any
    marks: Mapping[Path, tuple[int, int]] = field(default_factory=dict, repr=False)

    def where(self, path: str | Path) -> tuple[int, int]:
        """Line and column of a field, or of the nearest thing around it that is there.

        Understands the API server's notations: ``.spec.containers[0].image``, ``spec.containers[name="web"]``.
        """
        steps = self._resolve(path) if isinstance(path, str) else path
        while steps and steps not in self.marks:
            steps = steps[:-1]
        return self.marks.get(steps, (self.line, 1))

    def exactly(self, path: str) -> tuple[int, Any] | None:
        """Line and value of just this field; None where the document does not have it."""
        steps = self.path(path)
        if steps is None:
            return None
        here: Any = self.object
        for step in steps:
            here = here[step]
        return self.marks[steps][0], here

    def path(self, text: str) -> Path | None:
        """Where just this field stands, in keys and indices; None where the document does not have it."""
        steps = self._resolve(text)
        return steps if steps and steps in self.marks and len(steps) == len(list(_steps(text))) else None

    def _resolve(self, text: str) -> Path:
        steps: list[str | int] = []
        here: Any = self.object
        for step in _steps(text):
            found: str | int | None = step
            if isinstance(step, str) and step.startswith("{"):
                found = _matching(here, step)
            if found is None:
                break
            steps.append(found)
            try:
                here = here[found]
            except (KeyError, IndexError, TypeError):
                here = None
        return tuple(steps)


def rows_of(text: str) -> list[str]:
    """The lines of a text as YAML counts them, without what ends them."""
    # Nearly every file has none of the rare ends, and for those a plain split is ten times as fast.
    return _LINE_END.split(text) if _RARE_END.search(text) else text.split("\n")


_RARE_END = re.compile("[\r\x85\u2028\u2029]")
_LINE_END = re.compile("\r\n|[\n\r\x85\u2028\u2029]")


def parse_manifest(text: str) -> list[Document]:
    """The documents of a manifest (YAML or JSON), empty ones left out.

    Raises ManifestError with line and column: syntax, a key given twice, a tab, a NUL, too large, too deep.
    """
    import yaml  # 30 ms, and only needed here

    if len(text.encode("utf-8", "surrogatepass")) > SIZE_LIMIT:
        raise ManifestError(0, 0, f"the file is larger than {SIZE_LIMIT // 1024} KiB")
    _refuse_control_characters(text)
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    documents: list[Document] = []
    try:
        _refuse_depth(text, loader)
        reader = loader(text)
        try:
            while reader.check_node():
                node = reader.get_node()
                if node is None:
                    continue
                if len(documents) >= DOCUMENT_LIMIT:
                    raise ManifestError(node.start_mark.line + 1, 1, f"more than {DOCUMENT_LIMIT} documents")
                marks: dict[Path, tuple[int, int]] = {}
                _Walk(marks).visit(node, (), 0)
                value = reader.construct_document(node)
                if value is not None:
                    documents.append(Document(node.start_mark.line + 1, value, marks))
        finally:
            reader.dispose()
    except yaml.YAMLError as error:
        raise _in_words(text, error) from error
    except (ValueError, TypeError, LookupError, ArithmeticError, AttributeError, RecursionError) as error:
        # PyYAML reads what a tag says it is (!!timestamp x) without looking whether it can be.
        raise ManifestError(0, 0, f"a value cannot be read: {error}") from error
    return documents


@lru_cache(maxsize=32)
def parsed(text: str) -> tuple[Document, ...]:
    """The same, kept: a check reads its file at every change in the cluster, and files seldom change.

    Nobody may change what it returns. Raises ManifestError.
    """
    return tuple(parse_manifest(text))


def objects_of(document: Document) -> Iterator[tuple[Path, Any]]:
    """A document's objects with the path to each: itself, or the items of a ``List``."""
    obj = document.object
    if isinstance(obj, dict) and obj.get("kind") == "List" and isinstance(obj.get("items"), list):
        for index, item in enumerate(obj["items"]):
            yield ("items", index), item
    else:
        yield (), obj


class _Walk:
    """Notes where everything stands, counts what aliases would make of it, and refuses what cannot be meant."""

    def __init__(self, marks: dict[Path, tuple[int, int]]) -> None:
        self._marks = marks
        self._count = 0

    def visit(self, node: Node, path: Path, depth: int) -> None:
        self._count += 1
        line, column = node.start_mark.line + 1, node.start_mark.column + 1
        # Counted as often as it is referred to: "billion laughs" is small as text and huge as data.
        if self._count > NODE_LIMIT:
            raise ManifestError(line, column, f"more than {NODE_LIMIT} values (aliases multiply them)")
        if depth > DEPTH_LIMIT:
            raise ManifestError(line, column, f"nested deeper than {DEPTH_LIMIT} levels, or an alias to itself")
        self._marks.setdefault(path, (line, column))
        kind = type(node).__name__
        if kind == "MappingNode":
            self._mapping(node, path, depth)
        elif kind == "SequenceNode":
            for index, item in enumerate(node.value):
                self.visit(item, (*path, index), depth + 1)

    def _mapping(self, node: Node, path: Path, depth: int) -> None:
        for key, value in node.value:
            if key.tag == "tag:yaml.org,2002:merge":
                # What is merged in stands where it was written, unless a key of the mapping's own says otherwise.
                for merged in value.value if type(value).__name__ == "SequenceNode" else [value]:
                    self.visit(merged, path, depth + 1)
        seen: dict[str, int] = {}
        for key, value in node.value:
            line, column = key.start_mark.line + 1, key.start_mark.column + 1
            if key.id != "scalar":
                raise ManifestError(line, column, "a key must be plain text")
            if key.tag == "tag:yaml.org,2002:merge":
                continue
            name = str(key.value)
            if name in seen:
                raise ManifestError(line, column, f'"{name}" is given twice (first in line {seen[name]})')
            seen[name] = line
            self._marks[(*path, name)] = (line, column)
            self.visit(value, (*path, name), depth + 1)


def _refuse_depth(text: str, loader: Any) -> None:
    """Count levels in the flat stream of events first: libyaml composes recursively and 100,000 brackets crash it."""
    import yaml

    depth = 0
    for event in yaml.parse(text, Loader=loader):
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
            if depth > DEPTH_LIMIT:
                mark: Any = event.start_mark
                raise ManifestError(mark.line + 1, mark.column + 1, f"nested deeper than {DEPTH_LIMIT} levels")
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1


def _refuse_control_characters(text: str) -> None:
    for number, line in enumerate(rows_of(text), 1):
        bad = re.search(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff]", line)
        if bad:
            raise ManifestError(number, bad.start() + 1, f"an invisible character (code {ord(bad[0]):#04x})")


def _in_words(text: str, error: Any) -> ManifestError:
    marks = [getattr(error, name, None) for name in ("problem_mark", "context_mark")]
    if "quoted scalar" in str(getattr(error, "context", "")):
        marks.reverse()  # the quote that is never closed, in place of where the file ends
    mark = marks[0] or marks[1]
    line = mark.line + 1 if mark else 0
    column = mark.column + 1 if mark else 0
    problem = str(getattr(error, "problem", "") or "").strip() or str(error).splitlines()[0]
    context = str(getattr(error, "context", "") or "").strip()
    lines = rows_of(text)
    for number in (line, line - 1):
        shown = lines[number - 1] if 0 < number <= len(lines) else ""
        tab = re.match(r"[ ]*(\t)", shown)
        if tab:
            return ManifestError(number, tab.start(1) + 1, "a tab; YAML is indented with spaces only")
    return ManifestError(line, column, f"{context}: {problem}" if context else problem)


# A step of a path: a name, [0], [name="web"] or ["a.dotted/key"].
_STEP = re.compile(r"""\.?([^.\[\]]+)|\[(\d+)\]|\[["']([^"']*)["']\]|\[([^\]]*)\]""")


def _steps(text: str) -> Iterator[str | int]:
    for name, index, quoted, matching in _STEP.findall(text):
        if index:
            yield int(index)
        elif matching:
            yield "{" + matching
        else:
            yield name or quoted


def _matching(items: Any, condition: str) -> str | int | None:
    """The index of the list's item that fulfils ``{key="value",other=1``, or the map's key that is so written."""
    wanted = dict(re.findall(r"""([A-Za-z]+)=["']?([^,"']*)["']?""", condition[1:]))
    if isinstance(items, dict):
        return condition[1:] if condition[1:] in items else None
    for index, item in enumerate(items if isinstance(items, list) else []):
        if isinstance(item, dict) and wanted and all(str(item.get(k, v)) == v for k, v in wanted.items()):
            return index
    return None
