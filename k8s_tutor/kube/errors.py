"""What an API server can answer that is not the object asked for, and what it means.

Two things are kept apart, because one is never the learner's fault: nothing (sensible) was said
(``ApiUnreachable``), and something was said, namely no (``ApiRefused``).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from k8s_tutor.errors import ClusterError

_TEXT_LIMIT = 4_000


@dataclass(frozen=True)
class FieldProblem:
    """A mistake in an object: ``path`` like ``spec.containers[0].imag`` (empty: the whole), and why in words."""

    path: str
    message: str


class ApiUnreachable(ClusterError):
    """The API server said nothing, or nothing that is an API server's answer (HTML, half a document)."""

    def __init__(self, message: str, *, remedy: str = "", code: str = "api-unreachable") -> None:
        super().__init__(message, remedy=remedy or "see whether it runs: k8s-tutor cluster status", code=code)


class ApiRefused(ClusterError):
    """The API server answered with an error.

    ``status`` is the HTTP status, ``reason`` Kubernetes' word (``Forbidden``), ``details`` the Status' details.
    ``problems`` are the mistakes in the object that was sent, where the answer names them.
    ``retry_after`` are the seconds that the server asks us to wait, None if it does not.
    """

    def __init__(
        self,
        status: int,
        reason: str,
        text: str,
        details: Mapping[str, Any] | None = None,
        retry_after: float | None = None,
    ) -> None:
        text = text[:_TEXT_LIMIT]
        super().__init__(text or f"the API server answered {status} {reason}", code="api-refused")
        self.status = status
        self.reason = reason
        self.details: Mapping[str, Any] = details or {}
        self.retry_after = retry_after
        self.problems = tuple(problems_of(status, text, self.details))

    @property
    def is_mistake(self) -> bool:
        """Whether the object that was sent is wrong: the learner's mistake, not a fault of server or network."""
        return bool(self.problems) or self.status in (400, 422)


class NotFound(ApiRefused):
    """404: there is no such object (or no such kind)."""


class Conflict(ApiRefused):
    """409: it exists already, another manager owns the field, or the UID precondition does not hold."""


class Forbidden(ApiRefused):
    """401, 403: not allowed; also what quota and Pod Security admission answer."""


class Unauthorized(Forbidden):
    """401: the server does not know who we are, because the credentials expired or were withdrawn."""

    def __init__(self, kubeconfig: str) -> None:
        super().__init__(
            401,
            "Unauthorized",
            f"the API server does not accept the credentials in {kubeconfig} any more (401)",
        )
        self.remedy = "renew them there, as you got them (log in again, or: k8s-tutor cluster up)"


def refused(status: int, body: Any, retry_after: float | None = None) -> ApiRefused:
    """The exception for an HTTP status and the parsed ``Status`` object that came with it (any JSON is tolerated)."""
    told = body if isinstance(body, dict) else {}
    details = told.get("details")
    kind = {401: Forbidden, 403: Forbidden, 404: NotFound, 409: Conflict}.get(status, ApiRefused)
    return kind(
        status,
        str(told.get("reason") or ""),
        str(told.get("message") or ""),
        details if isinstance(details, dict) else {},
        retry_after,
    )


# Server-side apply answers 500, not 400: "failed to create typed patch object (ns/name; apps/v1,
# Kind=Deployment): .spec.replicaz: field not declared in schema", several after "errors:" one a line.
_TYPED = re.compile(r"failed to create typed (?:patch|live) object \([^)]*\): (.*)", re.S)
_TYPED_ITEM = re.compile(r"^\s*(\.[^\s:]*(?:\[[^\]]*\][^\s:]*)*): (.+)$", re.M)
_STRICT = re.compile(r"strict decoding error: (.*)", re.S)
_STRICT_ITEM = re.compile(r'(unknown|duplicate) field "([^"]+)"')
# "Deployment in version "v1" cannot be handled as a Deployment: json: cannot unmarshal string into Go struct
# field DeploymentSpec.spec.replicas of type int32"
_UNMARSHAL = re.compile(r"cannot unmarshal (\S+) into Go (?:struct field [A-Za-z0-9]+\.(\S+)|value) of type (\S+)")
_TYPES = {"int32": "a whole number", "int64": "a whole number", "string": "text", "bool": "true or false"}


def problems_of(status: int, text: str, details: Mapping[str, Any]) -> Iterable[FieldProblem]:
    """The mistakes that an answer names, each with its field; nothing when it names none."""
    causes = details.get("causes")
    if status == 422 and isinstance(causes, list):
        for cause in causes:
            if isinstance(cause, dict):
                yield FieldProblem(str(cause.get("field") or ""), str(cause.get("message") or ""))
        return
    typed = _TYPED.search(text)
    if typed:
        items = _TYPED_ITEM.findall(typed[1])
        for path, why in items:
            yield FieldProblem(path.lstrip("."), _in_words(why.strip()))
        if not items:
            yield FieldProblem("", typed[1].strip())
        return
    strict = _STRICT.search(text)
    if strict and status == 400:
        for kind, path in _STRICT_ITEM.findall(strict[1]):
            yield FieldProblem(path, "this field does not exist" if kind == "unknown" else "this field is given twice")
        return
    unmarshal = _UNMARSHAL.search(text)
    if unmarshal and status == 400:
        wanted = unmarshal[3].rstrip(".")
        yield FieldProblem(unmarshal[2] or "", f"must be {_TYPES.get(wanted, wanted)}, not a {unmarshal[1]}")


def _in_words(why: str) -> str:
    return "this field does not exist" if why == "field not declared in schema" else why
