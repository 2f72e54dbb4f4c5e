"""Checks of services."""

from __future__ import annotations

from k8s_tutor.checks.check import check, not_observed
from k8s_tutor.checks.outcome import Outcome
from k8s_tutor.kube.record import Record


@check("service-selects")
def service_selects(
    record: Record, /, *, name: str, deployment: str, type: str = "ClusterIP", port: int = 0
) -> Outcome:
    """The Service stands before exactly the ready pods of the Deployment."""
    return not_observed({"service-selects": "not judged yet"})


@check("service-reachable")
def service_reachable(record: Record, /, *, name: str) -> Outcome:
    """The Service answers."""
    return not_observed({"service-reachable": "not judged yet"})


@check("service-balances")
def service_balances(record: Record, /, *, name: str, deployment: str) -> Outcome:
    """Every ready pod answers through the Service."""
    return not_observed({"service-balances": "not judged yet"})


@check("service-external")
def service_external(record: Record, /, *, name: str) -> Outcome:
    """The Service has an address outside the cluster."""
    return not_observed({"service-external": "not judged yet"})
