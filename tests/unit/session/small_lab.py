"""A small lab and small checks, so that the engine is judged and not the labs."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from k8s_tutor.checks.check import Check
from k8s_tutor.checks.outcome import Finding, Outcome
from k8s_tutor.kube.record import Change, Life, Record, Version
from k8s_tutor.labs.model import CheckSpec, Lab, Manifest, Step

NOW = 1_800_000_000.0


def spec(check_id: str, **more: Any) -> CheckSpec:
    return CheckSpec(check_id, f"title of {check_id}", more.pop("uses", check_id), **more)


def lab_of(*steps: Step, folder: Path = Path("/nowhere")) -> Lab:
    manifests = (Manifest("nginx-pod.yaml", folder / "nginx-pod.yaml", "kind: Pod\n"),)
    return Lab("lab9", "A lab", "Nothing", 5, steps, manifests, folder, "hash")


def step(step_id: str, *checks: CheckSpec, **more: Any) -> Step:
    return Step(step_id, f"Step {step_id}", "text", checks=checks, **more)


def checker(outcomes: dict[str, Outcome | Exception], kinds: tuple[str, ...] = ("Pod",)) -> Callable[[str], Check]:
    """A way to find checks that give these outcomes."""

    def find(name: str) -> Check:
        def judge(_record: Record, /, **_params: Any) -> Outcome:
            outcome = outcomes[name]
            if isinstance(outcome, Exception):
                raise outcome
            return outcome

        return Check(name, judge, kinds, None)

    return find


def record(*pods: dict[str, Any], began: float = NOW - 100, seen: bool = True) -> Record:
    change = Change.SEEN if seen else Change.ADDED
    lives = tuple(
        Life("Pod", f"uid-{number}", (Version(began if seen else NOW - 1, change, pod),))
        for number, pod in enumerate(pods)
    )
    return Record("learner", began, NOW, {"Pod": lives})


def finding() -> Finding:
    return Finding("rule", "expected", "observed")
