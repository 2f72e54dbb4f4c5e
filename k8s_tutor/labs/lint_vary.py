"""What can be wrong with a lab's variants: names that stand for nothing, places left unmarked, fields that are not."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

import yaml

from k8s_tutor.labs.fields import NoSuchField, field_of, with_fields
from k8s_tutor.labs.located import Located
from k8s_tutor.labs.model import Lab
from k8s_tutor.labs.validate import Problem, did_you_mean
from k8s_tutor.labs.vary import MARKER, WORDS, Entry, Variant, Variation


def marks(variation: Variation, lab_file: str, texts: Mapping[str, str]) -> Iterator[Problem]:
    """Markers and declarations that do not fit together. ``texts``: lab.yaml and the steps' files as written."""
    declared = {entry.name: entry for entry in variation.entries}
    used: set[object] = {part for entry in variation.entries for part in (*entry.minus, entry.source)}
    distinct = {
        entry.name: _alone(str(entry.plain))
        for entry in variation.entries
        if isinstance(entry.plain, str) and "-" in entry.plain
    }
    for file, text in texts.items():
        for number, line in enumerate(text.splitlines(), 1):
            if file == lab_file and variation.begin <= number <= variation.end:
                continue
            for found in MARKER.finditer(line):
                used.add(found["name"])
                entry = declared.get(found["name"])
                if entry is None:
                    near = did_you_mean(found["name"], declared)
                    yield Problem(file, number, f"{found[0]} names nothing that vary: declares{near}", tuple(declared))
                elif found["form"] and not _has_words(entry, declared):
                    most = len(WORDS) - 1
                    yield Problem(file, number, f"{found[0]}: only numbers from 0 to {most} are written as words")
            for name, alone in distinct.items():
                if alone.search(line):
                    yield Problem(
                        file, number, f"{declared[name].plain} stands here in every variant; write [[{name}]]"
                    )
    for name, entry in declared.items():
        if name not in used:
            yield Problem(lab_file, entry.line, f"vary.{name} is marked nowhere: [[{name}]]")


def fields(lab: Lab, located: Located) -> Iterator[Problem]:
    """Fields of manifests that are not there, or hold something else than the lab says of them without a seed."""
    file = str(lab.folder / "lab.yaml")
    for index, manifest in enumerate(lab.manifests):
        for path, value in manifest.varied.items():
            line = located.line("manifests", index, "vary", path)
            try:
                row, there = field_of(manifest.text, path)
            except (NoSuchField, yaml.YAMLError) as error:
                yield Problem(file, line, f"{manifest.name} {error}".splitlines()[0])
                continue
            if there != value or type(there) is not type(value):
                yield Problem(file, line, f"{path} is {there!r} in {manifest.name}:{row}, here it is {value!r}")


def differing(lab: Lab, plain: Lab, variation: Variation, variant: Variant) -> Iterator[Problem]:
    """Manifests of a variant that differ from the plain ones in something else than the fields that the lab names."""
    for made, written in zip(lab.manifests, plain.manifests, strict=True):
        file = str(made.path)
        try:
            same = list(yaml.safe_load_all(made.text)) == with_fields(written.text, made.varied)
        except yaml.YAMLError as error:
            yield Problem(file, 0, f"not valid YAML: {error}".splitlines()[0])
            continue
        if not same or made.text.count("\n") != written.text.count("\n"):
            yield Problem(file, 0, "it differs in more than the fields under vary:")
        for entry in variation.entries:
            if isinstance(entry.plain, str) and "-" in entry.plain and variant.values[entry.name] != entry.plain:
                for number, line in enumerate(made.text.splitlines(), 1):
                    if _alone(entry.plain).search(line):
                        yield Problem(file, number, f"{entry.plain} stands here in every variant; name its field")


def named(variant: Variant) -> str:
    """A variant in words, for messages."""
    return ", ".join(f"{name}={value}" for name, value in variant.chosen.items())


def _alone(text: str) -> re.Pattern[str]:
    """This text, and not as a part of a longer name or of a file's."""
    return re.compile(rf"(?<![\w.-]){re.escape(text)}(?!\w|-\w|\.\w)")


def _has_words(entry: Entry, declared: Mapping[str, Entry]) -> bool:
    ends = _ends(entry, declared)
    return ends is not None and ends[0] >= 0 and ends[1] < len(WORDS)


def _ends(entry: Entry, declared: Mapping[str, Entry]) -> tuple[int, int] | None:
    """The lowest and the highest value that an entry can have; None where it is text."""
    if entry.minus:
        one, other = (
            (part, part) if isinstance(part, int) else _ends(declared[part], declared) or (0, 0) for part in entry.minus
        )
        return one[0] - other[1], one[1] - other[0]
    values = [value for value in (*entry.options, *entry.gives.values()) if isinstance(value, int)]
    return (min(values), max(values)) if values else None
