from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

GOOD = """\
id: sample
title: A sample
summary: One step that is as it should be.
minutes: 5
manifests:
  - name: pod.yaml
    callouts:
      - {number: 1, text: "The kind."}
steps:
  - id: first
    title: First
    text: steps/01.md
    task: Apply the file.
    manifest: pod.yaml
    covers: ["1.1"]
    checks:
      - id: there
        title: The pod is there
        check: object-exists
        with: {kind: Pod, name: web}
        mode: edge
      - id: ready
        title: The pod is ready
        check: pod-ready
        with: {name: web}
        needs: [there]
      - id: address
        title: You know the address
        check: answer-pod-ip
        with: {pod: web}
        needs: [ready]
    questions:
      - check: address
        ask: Which address?
    hints:
      - Look at the file.
      - Then hand it over.
    solution:
      - write: {file: pod.yaml, from: pod.yaml}
      - apply: {file: pod.yaml}
      - wait: {check: ready}
    why: Because.
    mistakes:
      - id: forgotten
        title: Not applied
        fails: there
        because: not-applied
        actions:
          - write: {file: pod.yaml, from: pod.yaml}
"""

POD = """\
apiVersion: v1
kind: Pod          #[1]
metadata: {name: web}
spec: {containers: [{name: web, image: nginx}]}
"""

MakeLab = Callable[..., Path]


def _object_exists(*, kind: str, name: str) -> None: ...
def _pod_ready(*, name: str, container: str = "") -> None: ...
def _answer_pod_ip(*, pod: str, question: str = "") -> None: ...


@pytest.fixture
def checks() -> Mapping[str, inspect.Signature]:
    """The checks that the sample knows, by what they take."""
    return {
        "object-exists": inspect.signature(_object_exists),
        "pod-ready": inspect.signature(_pod_ready),
        "answer-pod-ip": inspect.signature(_answer_pod_ip),
    }


@pytest.fixture
def make_lab(tmp_path: Path) -> MakeLab:
    """Write the good sample, changed: ``make_lab((old, new), …, text=…, pod=…)`` gives its lab.yaml."""

    def make(*changes: tuple[str, str], text: str = "Do it.\n", pod: str | None = POD) -> Path:
        folder = tmp_path / "sample"
        (folder / "steps").mkdir(parents=True, exist_ok=True)
        (folder / "manifests").mkdir(exist_ok=True)
        whole = GOOD
        for old, new in changes:
            assert whole.count(old) >= 1, f"the sample does not contain {old!r}"
            whole = whole.replace(old, new, 1)
        (folder / "lab.yaml").write_text(whole)
        (folder / "steps" / "01.md").write_text(text)
        if pod is not None:
            (folder / "manifests" / "pod.yaml").write_text(pod)
        return folder / "lab.yaml"

    return make
