"""What every prober has in common: the protocol, the nonce, the error."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Protocol

from k8s_tutor.errors import ClusterError
from k8s_tutor.kube.record import Request

USER_AGENT = "k8s-tutor"
NONCE = re.compile(r"[?&]k8s-tutor=([0-9a-f-]{36}-\d+)")
BODY_LIMIT = 4096
Target = tuple[str, str]
"""Address ``ip:port`` and path."""


class ProbeError(ClusterError):
    """Requests could not be sent at all: an absence of observation, nothing about the learner's work."""

    def __init__(self, message: str, *, remedy: str = "") -> None:
        super().__init__(message, remedy=remedy, code="probe")


class Prober(Protocol):
    """Sends requests from inside the cluster's network. ``batch``: how many at once are sensible (0: all)."""

    batch: int

    def requests(self, targets: Sequence[Target], *, timeout: float = 2.0, deadline: float) -> list[Request]:
        """One GET for each target, in order, each over a connection of its own, with ``Connection: close``.

        A request that fails has ``status`` None and ``error``. Ends early at ``deadline`` (``time.monotonic()``):
        then the list is shorter. Raises ProbeError when none can be sent.
        """
        ...

    def close(self) -> None:
        """Leave nothing behind."""
        ...


def nonce_of(path: str) -> str:
    """The nonce in a request's path, empty if there is none."""
    found = NONCE.search(path)
    return found[1] if found else ""
