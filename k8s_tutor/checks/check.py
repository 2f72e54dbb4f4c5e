"""What a check is: a documented function over a record, found by name.

A check module registers with ``@check("pod-ready", kinds=("Pod", "Event"))``. The function's first line of
documentation is the claim in the words of an author's reference; its keyword parameters are what a lab file
may write under ``with:`` (``signature`` tells names, types and defaults, used by ``lab lint``).
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from importlib import import_module
from typing import Any, Protocol

from k8s_tutor.checks.outcome import Outcome
from k8s_tutor.errors import UsageError
from k8s_tutor.kube.record import Record

MODULES = ("manifests", "pods", "deployments", "healing", "services", "answers")
"""The modules of this room that hold checks, each ``k8s_tutor.checks.<name>``."""


class CheckFunction(Protocol):
    """A check: pure, fast (well under 10 ms), never raises for what a cluster or learner can contain."""

    def __call__(self, record: Record, /, **params: Any) -> Outcome:
        """Judge the claim on this record."""
        ...


@dataclass(frozen=True)
class Wish:
    """An observation that a check needs beside the watch; whoever feeds the record makes it.

    ``kind``: ``sample`` (requests through Service ``name``), ``reach`` (one request to pod ``name``), ``logs``
    (of pod ``name``), ``others`` (other namespaces, for Pod/Deployment/Service ``name``), ``schema`` (of kind ``name``).
    """

    kind: str
    name: str
    params: Mapping[str, Any]


Wishes = Callable[[Record, Mapping[str, Any]], Iterable[Wish]]


@dataclass(frozen=True)
class Check:
    """A registered check: its name in lab files, the kinds it reads, what it wishes to be observed."""

    name: str
    judge: CheckFunction
    kinds: tuple[str, ...]
    wishes: Wishes | None
    expected_answer: Callable[[Record, Mapping[str, Any]], str | None] | None = None

    @property
    def claim(self) -> str:
        """The first line of the function's documentation."""
        return (inspect.getdoc(self.judge) or self.name).splitlines()[0]

    @property
    def signature(self) -> inspect.Signature:
        """Parameters after the record: what ``with:`` may hold."""
        full = inspect.signature(self.judge)
        return full.replace(parameters=list(full.parameters.values())[1:])


_registry: dict[str, Check] = {}


def check(
    name: str,
    *,
    kinds: tuple[str, ...] = (),
    wishes: Wishes | None = None,
    expected_answer: Callable[[Record, Mapping[str, Any]], str | None] | None = None,
) -> Callable[[Callable[..., Outcome]], Callable[..., Outcome]]:
    """Register the decorated function under ``name``. ``expected_answer`` gives a question's right answer now."""

    def register(function: Callable[..., Outcome]) -> Callable[..., Outcome]:
        if name in _registry:
            raise ValueError(f"two checks are named {name}")
        _registry[name] = Check(name, function, kinds, wishes, expected_answer)
        return function

    return register


def all_checks() -> Mapping[str, Check]:
    """Every check by name; loads the modules of this room at the first call."""
    for module in MODULES:
        import_module(f"k8s_tutor.checks.{module}")
    return _registry


def find(name: str) -> Check:
    """The check of this name. Raises UsageError that lists the names there are."""
    known = all_checks()
    if name not in known:
        raise UsageError(f"there is no check named {name!r}", remedy="one of: " + ", ".join(sorted(known)))
    return known[name]
