"""What the editor asks while a manifest is written: problems, explanations, completions, and what an apply changes."""

from __future__ import annotations

from contextlib import AbstractContextManager
from dataclasses import dataclass

from k8s_tutor import paths
from k8s_tutor.checks.completing import Choice, Completion, Explanation, complete, explain
from k8s_tutor.checks.writing import Problem, api_versions, problems, refusals
from k8s_tutor.kube.apply import apply_text
from k8s_tutor.kube.client import Api
from k8s_tutor.kube.difference import unified
from k8s_tutor.kube.errors import ApiUnreachable
from k8s_tutor.kube.manifest import ManifestError
from k8s_tutor.kube.schema_store import SchemaStore
from k8s_tutor.session.journal import Journal, apply_command, diff_command, kubectl


@dataclass(frozen=True)
class Change:
    """One object that an apply would change: ``subject`` like ``deployment/web``, ``rows`` of a unified diff."""

    subject: str
    rows: tuple[str, ...]


@dataclass(frozen=True)
class Difference:
    """What an apply of a text would do to the cluster.

    ``unchanged`` is true when it would do nothing at all. What would be new needs no question and is only named.
    """

    changes: tuple[Change, ...] = ()
    fresh: tuple[str, ...] = ()
    refused: tuple[str, ...] = ()

    @property
    def unchanged(self) -> bool:
        """Nothing would be made, changed or refused."""
        return not (self.changes or self.fresh or self.refused)


class Editing:
    """Answers for one cluster and namespace. All may block for a request; safe for many threads."""

    def __init__(self, api: Api, namespace: str, journal: Journal | None = None) -> None:
        self._api = api
        self._journal = journal or Journal()
        self._namespace = namespace
        self._store = SchemaStore(api, paths.cache_dir() / "openapi", self._asking)

    def _asking(self, path: str) -> AbstractContextManager[object]:
        why = "which fields are there to write?" if path.strip("/").count("/") > 1 else "which kinds does it know?"
        return self._journal.deed(kubectl("get", "--raw", f"/{path}"), why, again=True)

    def problems(self, text: str) -> tuple[Problem, ...]:
        """Syntax, and what the schemas say that are known by now; asks nobody."""
        return problems(text, self._store.known())

    def learn(self, text: str) -> bool:
        """Read the schemas that a text asks for; true if that told something new."""
        before = self._store.known()
        after = self._store.wanted(api_versions(text))
        same = before.versions == after.versions and before.documents.keys() == after.documents.keys()
        return not (same and all(after.documents[key] is raw for key, raw in before.documents.items()))

    def dry_run(self, text: str) -> tuple[Problem, ...] | None:
        """What the API server would refuse; None when it did not answer. Nothing is changed."""
        try:
            with self._journal.deed(apply_command("", dry_run=True), "would it take what is typed?", again=True):
                return refusals(text, apply_text(self._api, text, self._namespace, dry_run=True))
        except ManifestError as error:
            return (Problem(max(error.line, 1), max(error.column, 1), 1, error.message, source="syntax"),)
        except ApiUnreachable:
            return None

    def explain(self, text: str, row: int, column: int) -> Explanation | None:
        """What the field on this line is for (row and column from 0)."""
        return explain(text, row, column, self._store.wanted(api_versions(text)))

    def complete(self, text: str, row: int, column: int) -> Completion:
        """What can be written at the cursor."""
        return complete(text, row, column, self._store.wanted(api_versions(text)))

    def difference(self, text: str) -> Difference:
        """What an apply would change. Raises ManifestError, ApiUnreachable."""
        changes: list[Change] = []
        fresh: list[str] = []
        refused: list[str] = []
        with self._journal.deed(diff_command(), "what would an apply change?", again=True):
            applied = apply_text(self._api, text, self._namespace, dry_run=True)
        for item in applied:
            subject = f"{item.kind.lower()}/{item.name}"
            if item.verb == "failed":
                refused.append(item.sentence)
            elif item.before is None:
                fresh.append(subject)
            else:
                rows = unified(item.before, item.object or {})
                changes += [Change(subject, rows)] if rows else []
        return Difference(tuple(changes), tuple(fresh), tuple(refused))


__all__ = ["Change", "Choice", "Completion", "Difference", "Editing", "Explanation", "Problem"]
