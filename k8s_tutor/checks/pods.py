"""Checks of pods."""

from __future__ import annotations

from typing import Any

from k8s_tutor.checks.check import check, not_observed
from k8s_tutor.checks.outcome import Outcome
from k8s_tutor.kube.record import Record


@check("object-exists")
def object_exists(record: Record, /, *, kind: str, name: str) -> Outcome:
    """The object exists in the learner's namespace."""
    return not_observed({"object-exists": "not judged yet"})


@check("pod-ready")
def pod_ready(record: Record, /, *, name: str, container: str = "", image: Any = None) -> Outcome:
    """The pod runs and is ready."""
    return not_observed({"pod-ready": "not judged yet"})


@check("pod-page-fetched")
def pod_page_fetched(record: Record, /, *, name: str) -> Outcome:
    """The learner fetched a page from the pod."""
    return not_observed({"pod-page-fetched": "not judged yet"})


@check("image-changed")
def image_changed(record: Record, /, *, name: str, container: str, image: Any) -> Outcome:
    """The same pod runs a new container of this image."""
    return not_observed({"image-changed": "not judged yet"})
