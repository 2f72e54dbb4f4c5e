"""What a check is: a documented function over a record, found by name.

A check module registers with ``@check("pod-ready", kinds=("Pod", "Event"))``. The function's first line of
documentation is the claim in the words of an author's reference; its keyword parameters are what a lab file
may write under ``with:`` (``signature`` tells names, types and defaults, used by ``lab lint``).

The decorator also puts the guard around the function: where a kind that it reads, or an observation that it
needs, is missing from the record, the outcome is ``error``. No check can forget it.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from importlib import import_module
from typing import Any, Protocol, get_type_hints

from k8s_tutor.checks.outcome import Cause, Finding, Outcome, Seen, unobserved
from k8s_tutor.checks.words import clip, did_you_mean, listed
from k8s_tutor.errors import UsageError
from k8s_tutor.kube.record import Record

MODULES = ("manifests", "pods", "pages", "deployments", "healing", "services", "answers")
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
    (of pod ``name``), ``others`` (other namespaces, for ``params["kind"]`` ``name``), ``schema`` (of kind ``name``).
    ``needed``: without it (``record.unobserved`` has ``kind:name``) nothing can be said, so the outcome is ``error``.
    """

    kind: str
    name: str
    params: Mapping[str, Any] = field(default_factory=dict)
    needed: bool = False

    @property
    def key(self) -> str:
        """How ``record.unobserved`` names it: ``sample:nginx-service``."""
        return f"{self.kind}:{self.name}"


Wishes = Callable[[Record, Mapping[str, Any]], Iterable[Wish]]
Answer = Callable[[Record, Mapping[str, Any]], str | None]


@dataclass(frozen=True)
class Check:
    """A registered check: its name in lab files, the kinds it reads, what it wishes to be observed."""

    name: str
    judge: CheckFunction
    kinds: tuple[str, ...]
    wishes: Wishes | None
    expected_answer: Answer | None = None

    @property
    def claim(self) -> str:
        """The first line of the function's documentation."""
        return (inspect.getdoc(self.judge) or self.name).splitlines()[0]

    @functools.cached_property
    def signature(self) -> inspect.Signature:
        """Parameters after the record: what ``with:`` may hold."""
        full = inspect.signature(self.judge)
        return full.replace(parameters=list(full.parameters.values())[1:])

    @property
    def asks(self) -> bool:
        """Whether the check judges an answer of the learner."""
        return self.expected_answer is not None

    def problems(self, params: Mapping[str, Any]) -> list[str]:
        """What is wrong with these ``with:`` parameters, one sentence each; empty when nothing is."""
        known = self.signature.parameters
        found = []
        for name in params:
            if name not in known:
                near = did_you_mean(name, list(known))
                found.append(
                    f"{self.name} knows no parameter {clip(name, 40)!r}"
                    + (f", did you mean {near!r}" if near else "")
                    + f"; it has {listed(known, 12)}"
                )
        for name, parameter in known.items():
            if name not in params and parameter.default is inspect.Parameter.empty:
                found.append(f"{self.name} needs the parameter {name!r}")
        hints = get_type_hints(inspect.unwrap(self.judge))
        for name, value in params.items():
            if name in known and not _fits(value, hints.get(name)):
                found.append(f"{self.name}: {name} must be {_type_word(hints.get(name))}, not {clip(repr(value), 60)}")
        return found


_PLAIN: dict[object, tuple[tuple[type, ...], str]] = {
    str: ((str,), "text"),
    int: ((int,), "a whole number"),
    float: ((int, float), "a number"),
}


def _fits(value: object, hint: object) -> bool:
    """Whether a value fits an annotated parameter; what is not a plain type is the check's own to read."""
    if hint not in _PLAIN:
        return True
    return isinstance(value, _PLAIN[hint][0]) and not isinstance(value, bool)


def _type_word(hint: object) -> str:
    return _PLAIN[hint][1] if hint in _PLAIN else "another type"


_registry: dict[str, Check] = {}


def check(
    name: str,
    *,
    kinds: tuple[str, ...] = (),
    wishes: Wishes | None = None,
    expected_answer: Answer | None = None,
) -> Callable[[Callable[..., Outcome]], Callable[..., Outcome]]:
    """Register the decorated function under ``name``. ``expected_answer`` gives a question's right answer now."""

    def register(function: Callable[..., Outcome]) -> Callable[..., Outcome]:
        if name in _registry:
            raise ValueError(f"two checks are named {name}")

        @functools.wraps(function)
        def guarded(record: Record, /, **params: Any) -> Outcome:
            missing = {kind: record.unobserved[kind] for kind in kinds if kind in record.unobserved}
            for wish in wishes(record, params) if wishes and not missing else ():
                if wish.needed and wish.key in record.unobserved:
                    missing[wish.key] = record.unobserved[wish.key]
            return not_observed(missing) if missing else function(record, **params)

        _registry[name] = Check(name, guarded, kinds, wishes, expected_answer)
        return guarded

    return register


def not_observed(missing: Mapping[str, str]) -> Outcome:
    """The ``error`` outcome for observations that could not be made (what -> why)."""
    why = listed(sorted(set(missing.values())), 2) or "no reason is known"
    return unobserved(
        "the cluster could not be asked",
        Finding(
            rule="A claim is judged only on what was observed; this counts neither for nor against you.",
            expected=f"to read {listed(sorted(missing))} from the cluster",
            observed=clip(why),
            command="kubectl get --raw /readyz",
            seen=tuple(Seen(clip(what, 80), value=clip(reason)) for what, reason in sorted(missing.items())[:8]),
            cause=Cause(
                "api-unreachable",
                "the API server, or the way to it, did not answer",
                "k8s-tutor doctor tells whether the cluster runs; the check goes on by itself when it answers",
            ),
        ),
    )


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


def run(record: Record, check_id: str, uses: str, params: Mapping[str, Any]) -> Outcome:
    """Judge one claim of a lab: check ``uses`` with ``params``, known in the lab as ``check_id``.

    A check that judges an answer looks for it under ``question``, which is ``check_id`` unless ``params`` names
    another. Raises UsageError where the parameters do not fit (``lab lint`` says so before).
    """
    found = find(uses)
    given = bound(found, check_id, params)
    problems = found.problems(given)
    if problems:
        raise UsageError(problems[0], code="check-params")
    return found.judge(record, **given)


def bound(found: Check, check_id: str, params: Mapping[str, Any]) -> dict[str, Any]:
    """``params`` with the ``question`` filled in where the check asks one."""
    given = dict(params)
    if "question" in found.signature.parameters and not given.get("question"):
        given["question"] = check_id
    return given
