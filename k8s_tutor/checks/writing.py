"""What is wrong in a manifest while it is being written: pure, over the text and the cluster's own schemas.

Three sources, in this order: ``syntax`` (it is no YAML), ``schema`` (fields that the cluster does not know, wrong
types, missing or not allowed values, and a Deployment's selector), ``server`` (what a dry run was refused for).
"""

from __future__ import annotations

import re

from k8s_tutor.checks import places, syntax
from k8s_tutor.checks.places import Problem
from k8s_tutor.checks.shape import Judge
from k8s_tutor.checks.words import clip
from k8s_tutor.kube.apply import Applied
from k8s_tutor.kube.manifest import ManifestError, objects_of, parse_manifest, rows_of
from k8s_tutor.kube.openapi import Schemas

MOST = 50
"""Problems told at once."""


def problems(text: str, schemas: Schemas | None = None) -> tuple[Problem, ...]:
    """What is wrong in ``text``, in the order of its lines; without schemas, only what no cluster would take."""
    if not text.strip():
        return ()
    lines = rows_of(text)
    try:
        documents = parse_manifest(text)
    except ManifestError as error:
        return (syntax.told(lines, error),)
    found: list[Problem] = []
    for document in documents:
        for path, obj in objects_of(document):
            for item in Judge(document, path, lines, schemas or Schemas()).judge(obj):
                found.append(item)
                if len(found) >= MOST:
                    return tuple(sorted(found, key=lambda p: (p.line, p.column)))
    return tuple(sorted(found, key=lambda p: (p.line, p.column)))


def api_versions(text: str) -> frozenset[str]:
    """The apiVersions that a text names, also one that is no YAML yet; at most 20."""
    found = re.findall(r"^[ {,-]*[\"']?apiVersion[\"']?\s*:\s*[\"']?([\w./-]{1,253})", text, re.M)
    return frozenset(list(dict.fromkeys(found))[:20])


def refusals(text: str, applied: list[Applied]) -> tuple[Problem, ...]:
    """What a dry run was refused for, at the lines of the fields that the server names."""
    lines = rows_of(text)
    found: list[Problem] = []
    for item in applied:
        if item.verb != "failed":
            continue
        for told in item.problems:
            message = f"{clip(told.path, 120)}: {clip(told.message, 300)}" if told.path else clip(told.message, 300)
            found.append(places.at(lines, told.line or item.line, max(told.column, 1), message, "", "server"))
        if not item.problems:
            found.append(places.at(lines, item.line, 1, clip(item.message, 400), "", "server"))
    return tuple(found[:MOST])


__all__ = ["MOST", "Problem", "api_versions", "problems", "refusals"]
