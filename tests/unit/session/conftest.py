"""Fixtures of this room."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from small_lab import lab_of, spec, step

from k8s_tutor.labs.model import Lab, Question

# The loopback API server stands in its own room's tests.
sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "kube"))


@pytest.fixture
def asking_lab(tmp_path: Path) -> Lab:
    """A lab with two questions and a manifest."""
    questions = (Question("what-ip", "Which IP\nhas it?"), Question("what-name", "Which name?"))
    return lab_of(
        step("look", spec("what-ip"), spec("what-name"), questions=questions, hints=("first", "second")),
        folder=tmp_path,
    )
