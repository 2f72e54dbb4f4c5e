"""Which images a lab needs: all that its right way names, none that only a mistake names."""

from __future__ import annotations

import pytest

from k8s_tutor.labs.images import needed, of_manifests
from k8s_tutor.labs.loader import load


def test_the_labs_need_what_their_solutions_run() -> None:
    assert set(needed(load("lab1"))) == {"nginx", "nginx:1.20.1"}
    assert set(needed(load("lab2"))) == {"nginx"}
    assert "image" in needed(load("lab1"))["nginx:1.20.1"]


@pytest.mark.parametrize("lab", ["lab1", "lab2"])
def test_every_step_that_is_named_is_one_of_the_lab(lab: str) -> None:
    loaded = load(lab)
    assert {step for steps in needed(loaded).values() for step in steps} <= {step.id for step in loaded.steps}


def test_every_container_of_every_document_counts() -> None:
    text = """
kind: Pod
spec:
  initContainers: [{name: a, image: "one:1"}]
  containers: [{name: b, image: two}, {name: c}]
---
kind: Deployment
spec: {template: {spec: {containers: [{name: d, image: three@sha256:0}]}}}
---
image: not-a-container
"""
    assert list(of_manifests(text)) == ["one:1", "two", "three@sha256:0"]
    assert list(of_manifests("a: [")) == []
