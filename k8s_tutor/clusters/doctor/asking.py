"""The API server as the doctor asks it. Who knows how to connect implements it (``session/doctor.py``): a cluster's
room knows no client.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from k8s_tutor.clusters.doctor.finding import Finding, Topic, plain


@dataclass(frozen=True)
class Answer:
    """What the server said: HTTP status, headers by lower-case name, the decoded body (text where it is no JSON)."""

    status: int
    body: Any = None
    headers: Mapping[str, str] = field(default_factory=dict)

    @property
    def ok(self) -> bool:
        """Whether it is what was asked for."""
        return 200 <= self.status < 300

    @property
    def words(self) -> str:
        """Why it is not, in the server's words."""
        text = self.body.get("message") if isinstance(self.body, dict) else self.body
        return plain(f"HTTP {self.status}: {text or 'no word why'}", 300)

    @property
    def items(self) -> list[dict[str, Any]]:
        """The objects of a list."""
        found = self.body.get("items") if isinstance(self.body, dict) else None
        return [item for item in found if isinstance(item, dict)] if isinstance(found, list) else []


class Asking(Protocol):
    """One API server; safe for many threads."""

    def ask(self, method: str, path: str, body: Any = None, *, timeout: float = 3.0) -> Answer:
        """Send one request. Raises TutorError when no whole answer came, or there are no credentials to ask with."""
        ...

    def resolve(self, name: str, server: str, *, timeout: float = 1.0) -> list[str] | None:
        """Addresses of a name, asked of a DNS server from inside the cluster's network; None: there is no way in.

        Raises OSError, ValueError when it gives no answer.
        """
        ...


def silent(topic: Topic, answer: Answer) -> Finding:
    """What to say where the server does not answer the question: what it does not let us see is not counted."""
    return topic.beyond(answer.words) if answer.status in (401, 403) else topic.unseen(answer.words)


def part(value: Any, *keys: str) -> Any:
    """What is at the end of these keys; None where one is missing or not a mapping."""
    for key in keys:
        value = value.get(key) if isinstance(value, dict) else None
    return value


def parts(value: Any, *keys: str) -> list[dict[str, Any]]:
    """The mappings in a list there; empty where it is none."""
    found = part(value, *keys)
    return [item for item in found if isinstance(item, dict)] if isinstance(found, list) else []
