"""Checks of answers."""

from __future__ import annotations

from k8s_tutor.checks.check import check, not_observed
from k8s_tutor.checks.outcome import Outcome
from k8s_tutor.kube.record import Record


@check("answer-pod-ip", expected_answer=lambda record, params: None)
def answer_pod_ip(record: Record, /, *, pod: str, question: str = "") -> Outcome:
    """The pod's IP is known."""
    return not_observed({"answer-pod-ip": "not judged yet"})


@check("answer-container-name", expected_answer=lambda record, params: None)
def answer_container_name(record: Record, /, *, pod: str, question: str = "") -> Outcome:
    """The container's name is known."""
    return not_observed({"answer-container-name": "not judged yet"})


@check("answer-image", expected_answer=lambda record, params: None)
def answer_image(record: Record, /, *, pod: str, container: str = "", question: str = "") -> Outcome:
    """The container's image is known."""
    return not_observed({"answer-image": "not judged yet"})


@check("answer-event", expected_answer=lambda record, params: None)
def answer_event(record: Record, /, *, pod: str, question: str = "") -> Outcome:
    """The reason of an event of the pod is known."""
    return not_observed({"answer-event": "not judged yet"})


@check("answer-required-field", expected_answer=lambda record, params: None)
def answer_required_field(
    record: Record, /, *, kind: str = "Pod", path: str = "spec.containers", question: str = ""
) -> Outcome:
    """A required field is known."""
    return not_observed({"answer-required-field": "not judged yet"})


@check("answer-age-gap", expected_answer=lambda record, params: None)
def answer_age_gap(
    record: Record, /, *, pod: str, container: str = "", tolerance: float = 1, question: str = ""
) -> Outcome:
    """It is known how much older the pod is than its container."""
    return not_observed({"answer-age-gap": "not judged yet"})


@check("answer-strategy", expected_answer=lambda record, params: None)
def answer_strategy(record: Record, /, *, deployment: str, question: str = "") -> Outcome:
    """The update strategy is known."""
    return not_observed({"answer-strategy": "not judged yet"})


@check("answer-template-hash", expected_answer=lambda record, params: None)
def answer_template_hash(record: Record, /, *, deployment: str, question: str = "") -> Outcome:
    """The pod template's hash is known."""
    return not_observed({"answer-template-hash": "not judged yet"})
