"""What ``minikube start -o json`` says: one CloudEvent a line (minikube: pkg/minikube/out/register, v1.38).

Other lines are skipped: minikube's own log writes in between (minikube#9374).
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

LARGEST = 64 * 1024
"""Letters of a line that is looked at."""
_PREFIX = "io.k8s.sigs.minikube."


class Kind(StrEnum):
    """The types of events, without their common beginning."""

    STEP = "step"
    INFO = "info"
    WARNING = "warning"
    ERROR = "error"
    DOWNLOAD = "download"
    PROGRESS = "download.progress"


@dataclass(frozen=True)
class Event:
    """One event. All that minikube puts into ``data`` is text, numbers too."""

    kind: Kind
    data: Mapping[str, str]

    @property
    def message(self) -> str:
        """Its sentence."""
        return self.data.get("message", "")

    @property
    def step(self) -> str:
        """The step's name; empty for another event, and for a step outside of the registry."""
        return self.data.get("name", "") if self.kind is Kind.STEP else ""

    @property
    def fraction(self) -> float | None:
        """How much of a download is there (0 to 1), None where nobody says."""
        try:
            found = float(self.data.get("progress", ""))
        except ValueError:
            return None
        return found if 0.0 <= found <= 1.0 else None

    @property
    def artifact(self) -> str:
        """What is being downloaded: the last part of its address."""
        return self.data.get("artifact", "").partition("?")[0].rstrip("/").rpartition("/")[2]

    @property
    def exit_code(self) -> int | None:
        """Of an error: with what minikube is about to end."""
        code = self.data.get("exitcode", "")
        return int(code) if code.isdigit() else None


def parse(line: str) -> Event | None:
    """The event of a line; None when it is none, or of a type that is not known."""
    line = line.strip()
    if not line.startswith("{") or len(line) > LARGEST:
        return None
    try:
        document: Any = json.loads(line)
        name = str(document["type"])
        data = document.get("data")
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return None
    if not name.startswith(_PREFIX) or name.removeprefix(_PREFIX) not in set(Kind) or not isinstance(data, dict):
        return None
    texts = {str(key): value if isinstance(value, str) else str(value) for key, value in data.items()}
    return Event(Kind(name.removeprefix(_PREFIX)), texts)
