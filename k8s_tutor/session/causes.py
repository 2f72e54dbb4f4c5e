"""The causes that a mistake may name (``because``): stable words, shared by checks, labs and reports."""

from __future__ import annotations

_WORDS = """
file-missing yaml-syntax wrong-kind wrong-api-version unknown-field field-missing field-value selector-mismatch
not-applied wrong-namespace wrong-name image-not-found image-credentials image-network crash-loop
readiness-failing unschedulable-resources unschedulable-selector unschedulable-taint config-missing
selector-misses-pods wrong-target-port wrong-port quota pod-security paused-rollout stray-pod too-few-replicas
wrong-image wrong-container-name same-container new-pod not-deleted not-replaced bare-pod-returned all-new-pods
session-affinity headless no-endpoints wrong-service-type wrong-answer no-answer no-request-seen other-page
api-unreachable pulling converging
"""
CAUSES = frozenset(_WORDS.split())
