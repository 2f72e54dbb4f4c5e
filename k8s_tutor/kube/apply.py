"""``kubectl apply -f`` for a manifest's text: each document on its own, each mistake with its line."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from k8s_tutor.kube.client import Api
from k8s_tutor.kube.errors import ApiRefused, NotFound
from k8s_tutor.kube.manifest import Document, Path, objects_of, parse_manifest
from k8s_tutor.kube.ownership import as_if_taken_over, take_over

Verb = Literal["created", "configured", "unchanged", "failed"]
LAST_APPLIED = "kubectl.kubernetes.io/last-applied-configuration"


@dataclass(frozen=True)
class Problem:
    """A mistake in a manifest: where (1-based; 0 if unknown), which field, and why in words."""

    line: int
    column: int
    path: str
    message: str


@dataclass(frozen=True)
class Applied:
    """What became of one document. ``line`` is where it begins; ``message`` and ``problems`` say why it failed.

    ``object`` is what is (or, in a dry run, would be) there now, ``before`` what was; None if there was none.
    """

    verb: Verb
    kind: str
    name: str
    namespace: str
    line: int
    message: str = ""
    problems: tuple[Problem, ...] = ()
    object: Mapping[str, Any] | None = None
    before: Mapping[str, Any] | None = None

    @property
    def sentence(self) -> str:
        """As kubectl would print it: ``pod/nginx-pod created``."""
        subject = f"{self.kind.lower()}/{self.name}" if self.name else self.kind or "document"
        return f"{subject} {self.verb}" + (f": {self.message}" if self.verb == "failed" else "")


def apply_text(api: Api, text: str, namespace: str, *, dry_run: bool = False) -> list[Applied]:
    """Apply every document of a manifest, in order, to ``namespace`` unless it names its own.

    Server-side and strict. A document that is refused does not keep the others from being applied. Fields
    that another manager set are taken over: the learner applies the learner's own file. Raises ManifestError
    when the text cannot be read or holds nothing, ApiUnreachable when the server cannot be reached.
    """
    documents = parse_manifest(text)
    return [
        _one(api, document, path, obj, namespace, dry_run)
        for document in documents
        for path, obj in objects_of(document)
    ]


def _one(api: Api, document: Document, path: Path, obj: Any, namespace: str, dry_run: bool) -> Applied:
    line = document.where(path)[0] if path else document.line
    if not isinstance(obj, dict):
        problem = Problem(line, 1, "", "this is no Kubernetes object: it must have apiVersion, kind and metadata")
        return Applied("failed", "", "", namespace, line, problem.message, (problem,))
    kind = str(obj.get("kind") or "")
    metadata = obj.get("metadata")
    metadata = metadata if isinstance(metadata, dict) else {}
    name = str(metadata.get("name") or "")
    where = str(metadata.get("namespace") or namespace)
    try:
        verb, before, result = _apply(api, obj, where, dry_run)
    except ApiRefused as error:
        problems = tuple(
            Problem(*_where(document, path, item.path), item.path, item.message) for item in error.problems
        )
        return Applied("failed", kind, name, where, line, error.message, problems)
    return Applied(verb, kind, name, where, line, object=result, before=before)


def _where(document: Document, prefix: Path, field: str) -> tuple[int, int]:
    if not prefix:
        return document.where(field)
    inside = Document(document.line, document.object["items"][prefix[1]], _below(document, prefix))
    return inside.where(field)


def _below(document: Document, prefix: Path) -> dict[Path, tuple[int, int]]:
    size = len(prefix)
    return {path[size:]: mark for path, mark in document.marks.items() if path[:size] == prefix}


def _apply(
    api: Api, obj: dict[str, Any], namespace: str, dry_run: bool
) -> tuple[Verb, Mapping[str, Any] | None, Mapping[str, Any]]:
    path = api.path_of(obj, namespace)
    try:
        before: dict[str, Any] | None = api.get(path)
    except NotFound:
        before = None
    if before is not None and not dry_run:
        take_over(api, path, before)
    sent = _remembered(obj, namespace, namespaced="/namespaces/" in path)
    status, after = api.apply_status(sent, namespace=namespace, dry_run=dry_run)
    if before is not None and dry_run:
        after = as_if_taken_over(api, path, before, after)
    if before is None:
        return ("created" if status == 201 else "configured"), None, after
    return ("unchanged" if _content(before) == _content(after) else "configured"), before, after


def _remembered(obj: dict[str, Any], namespace: str, *, namespaced: bool) -> dict[str, Any]:
    """The object with the annotation by which ``kubectl apply`` remembers it.

    The learner applies now here, now with kubectl in the shell. Without it kubectl warns, and would not
    remove a field that the learner took out of the file.
    """
    metadata = obj.get("metadata")
    if not isinstance(metadata, dict) or not isinstance(metadata.get("annotations") or {}, dict):
        return obj  # the server says what is wrong with it
    annotations = {k: v for k, v in (metadata.get("annotations") or {}).items() if k != LAST_APPLIED}
    if namespaced:
        metadata = {"namespace": namespace, **metadata}
    remembered = {**obj, "metadata": {**metadata, "annotations": annotations}}
    text = json.dumps(remembered, separators=(",", ":"), sort_keys=True, default=str) + "\n"
    return {**obj, "metadata": {**metadata, "annotations": {**annotations, LAST_APPLIED: text}}}


def _content(obj: Mapping[str, Any]) -> Any:
    """What the learner can set: everything but the server's own bookkeeping."""
    metadata = obj.get("metadata", {})
    own = {key: metadata.get(key) for key in ("labels", "annotations", "finalizers", "ownerReferences")}
    if own["annotations"]:
        own["annotations"] = {k: v for k, v in own["annotations"].items() if k != LAST_APPLIED} or None
    return own, {key: value for key, value in obj.items() if key not in ("metadata", "status")}
