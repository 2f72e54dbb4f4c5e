"""Checks of deployments."""

from __future__ import annotations

from typing import Any

from k8s_tutor.checks.check import check, not_observed
from k8s_tutor.checks.outcome import Outcome
from k8s_tutor.kube.record import Record


@check("deployment-ready")
def deployment_ready(
    record: Record, /, *, name: str, replicas: int = 0, at_least: int = 0, container: str = "", image: Any = None
) -> Outcome:
    """The Deployment has the ready pods that it asks for."""
    return not_observed({"deployment-ready": "not judged yet"})


@check("scaled-to")
def scaled_to(record: Record, /, *, name: str, replicas: int, kept: int) -> Outcome:
    """The Deployment was scaled and its older pods were kept."""
    return not_observed({"scaled-to": "not judged yet"})
