"""Answers that only the student's own cluster could tell: judged by their form, and said so.

The grader's pod has another address, and its events and times are its own. An answer that cannot be one at all is
wrong all the same.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Callable, Mapping

from k8s_tutor.checks.answers import seconds_of
from k8s_tutor.checks.outcome import Cause, Finding, Outcome, Status, passed
from k8s_tutor.grading.problem import plain
from k8s_tutor.labs.model import CheckSpec

_REASONS = {"scheduled", "pulling", "pulled", "created", "started", "killing"}
"""Reasons of the events that the scheduler and the kubelet write about a pod that is well."""


def _address(answer: str) -> str:
    given = answer.strip().removeprefix("http://").rstrip("/").strip("[]")
    try:
        address = ipaddress.ip_address(given)
    except ValueError:
        return "that is not an IP address"
    if address.is_loopback or address.is_unspecified or address.is_multicast:
        return "no pod has such an address"
    return ""


def _gap(answer: str) -> str:
    seconds = seconds_of(answer.strip().rstrip("."))
    if seconds is None:
        return "that is no length of time; write 75, 75s or 1m15s"
    return "" if seconds > 0 else "the container was started after the pod"


def _event(answer: str) -> str:
    return "" if answer.strip().strip("\"'`").lower() in _REASONS else "no event of a pod that runs has this reason"


_FORMS: Mapping[str, Callable[[str], str]] = {
    "answer-pod-ip": _address,
    "answer-age-gap": _gap,
    "answer-event": _event,
}
"""By the name of the check: what is wrong with the form of an answer; empty where nothing is."""


def by_form(spec: CheckSpec, answer: str | None) -> Outcome | None:
    """The verdict on an answer of which the grader's cluster cannot tell; None for every other check."""
    form = _FORMS.get(spec.uses)
    if form is None:
        return None
    shown = plain(answer or "")
    if not (answer or "").strip():
        finding = Finding(
            spec.title, "an answer", "there is none", cause=Cause("no-answer", "the question was not answered")
        )
        return Outcome(Status.FAIL, "there is no answer", finding)
    trouble = form(answer or "")
    if trouble:
        finding = Finding(
            spec.title,
            "an answer that could be right on the student's own cluster",
            f"{shown!r}: {trouble}",
            cause=Cause("wrong-answer", trouble),
        )
        return Outcome(Status.FAIL, f"the answer {shown!r}: {trouble}", finding)
    return passed(f"{shown!r} can be right", "judged by its form: only the student's own cluster could tell")
