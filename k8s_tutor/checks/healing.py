"""Checks of healing."""

from __future__ import annotations

from typing import Any

from k8s_tutor.checks.check import check, not_observed
from k8s_tutor.checks.outcome import Outcome
from k8s_tutor.kube.record import Record


@check("pod-replaced")
def pod_replaced(record: Record, /, *, deployment: str) -> Outcome:
    """A pod was deleted and its ReplicaSet replaced it."""
    return not_observed({"pod-replaced": "not judged yet"})


@check("bare-pod-stays-gone")
def bare_pod_stays_gone(record: Record, /, *, name: str, seconds: float = 10, labels: Any = None) -> Outcome:
    """A deleted bare pod stays gone."""
    return not_observed({"bare-pod-stays-gone": "not judged yet"})
