"""Where a field that a finding names stands in the learner's own file: the line to look at."""

from __future__ import annotations

import re
from dataclasses import replace

from k8s_tutor.checks.outcome import Finding, Seen
from k8s_tutor.checks.reading import mapping, text
from k8s_tutor.checks.words import clip
from k8s_tutor.kube.manifest import Document, ManifestError, parsed
from k8s_tutor.kube.record import Record

_NAMED = re.compile(r"\[([A-Za-z][^\]=\"']*)\]")
"""``[web]``: checks name an item of a list by its name."""
OWN = ("spec", "metadata.labels", "metadata.namespace", "metadata.name", "apiVersion")
"""Fields that a learner writes; the rest is the cluster's."""


def with_line(record: Record, finding: Finding) -> Finding:
    """The finding, with the line of the learner's file that says what was found on the cluster.

    Added only where some file describes the very object, has the very field, and no line was named already.
    """
    if any(seen.line for seen in finding.seen):
        return finding
    for seen in finding.seen:
        kind, slash, name = seen.object.partition("/")
        if slash and seen.field.startswith(OWN):
            found = _look(record, kind, name, seen.field)
            if found is not None:
                return replace(finding, seen=(*finding.seen, found))
    return finding


def _look(record: Record, kind: str, name: str, field: str) -> Seen | None:
    for file in record.files.values():
        if file.text is None or name not in file.text or file.name == "answers.yaml":
            continue
        for document in _documents(file.text):
            item = mapping(document.object)
            if item.get("kind") != kind or text(item, "metadata", "name") != name:
                continue
            at = document.exactly(_NAMED.sub(r'[name="\1"]', field))
            if at is not None:
                return Seen(clip(file.name, 100), field, clip(at[1], 160) if not _nested(at[1]) else "", at[0])
    return None


def _nested(value: object) -> bool:
    return isinstance(value, dict | list)


def _documents(text: str) -> tuple[Document, ...]:
    try:
        return parsed(text)
    except ManifestError:
        return ()
