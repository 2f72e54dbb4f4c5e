"""Judge a whole lab over a record: pure, no clock of its own, no network, never raises.

The order of a lab is kept: a check whose ``needs`` do not pass is skipped and names them. ``level`` checks are
judged anew each time; ``edge`` checks, once seen to pass, keep passing by their evidence.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from types import MappingProxyType

from k8s_tutor.checks.check import Check, bound, find
from k8s_tutor.checks.filed import with_line
from k8s_tutor.checks.outcome import Finding, Outcome, Status, passed, unobserved, waiting
from k8s_tutor.checks.words import clock
from k8s_tutor.kube.record import Evidence, Record
from k8s_tutor.labs.model import CheckSpec, Lab, Mode, Step
from k8s_tutor.session.later import later
from k8s_tutor.session.met import Met, meet
from k8s_tutor.session.state import CheckState, LabState, Link, StepState

EXCEPTION_TEXT = 300
"""Characters of an unexpected exception that a finding shows."""


@dataclass(frozen=True)
class Memory:
    """What is known beside the record. Times are Unix seconds.

    ``evidence`` and ``passed_at`` (check id -> first pass) belong to this namespace; ``since`` (check id -> passing
    without a break since) to this run. ``read``: steps that the learner went on from; ``hints``: step id -> hints
    shown; ``earlier``: steps that were done once, here or elsewhere. ``met``: red findings that were seen;
    ``solved``: step id -> when the tutor did it for the learner.
    ``waits`` (check id -> what it waits for, and since when) belongs to this run. ``redone`` (check id -> when its
    step was begun again) belongs to this namespace: what happened before does not count for it. ``turn``: id of the
    step whose turn it is, and ``stood`` (check id -> why it failed when that turn came), of this run.
    """

    evidence: Mapping[str, Evidence] = field(default_factory=dict)
    passed_at: Mapping[str, float] = field(default_factory=dict)
    since: Mapping[str, float] = field(default_factory=dict)
    read: frozenset[str] = frozenset()
    hints: Mapping[str, int] = field(default_factory=dict)
    earlier: frozenset[str] = frozenset()
    met: tuple[Met, ...] = ()
    solved: Mapping[str, float] = field(default_factory=dict)
    waits: Mapping[str, tuple[str, float]] = field(default_factory=dict)
    redone: Mapping[str, float] = field(default_factory=dict)
    turn: str = ""
    stood: Mapping[str, str] = field(default_factory=dict)


@dataclass
class _Run:
    """What one judgement has found so far."""

    known: dict[str, CheckState] = field(default_factory=dict)
    since: dict[str, float] = field(default_factory=dict)
    waits: dict[str, tuple[str, float]] = field(default_factory=dict)


def judge(
    lab: Lab, record: Record, memory: Memory, now: float, *, find_check: Callable[[str], Check] = find
) -> LabState:
    """The state of the lab at ``now`` (Unix seconds)."""
    return evaluate(lab, record, memory, now, find_check=find_check)[0]


def evaluate(
    lab: Lab, record: Record, memory: Memory, now: float, *, find_check: Callable[[str], Check] = find
) -> tuple[LabState, Memory]:
    """The state of the lab at ``now``, and the memory with what this judgement adds to it."""
    record = replace(record, now=now, evidence=MappingProxyType({**record.evidence, **memory.evidence}))
    run = _Run()
    steps = tuple(_step(step, lab, record, memory, now, run, find_check) for step in lab.steps)
    current = next((index for index, step in enumerate(steps) if not step.done), max(len(steps) - 1, 0))
    memory = _at_turn(memory, steps[current]) if steps else memory
    steps = tuple(_untouched(step, memory) if number == current else step for number, step in enumerate(steps))
    state = LabState(lab=lab, steps=steps, current=current, record=record, link=Link.LIVE, heard=now)
    return state, _remember(memory, state, run, now)


def _at_turn(memory: Memory, step: StepState) -> Memory:
    """When a step's turn comes: why its checks fail though nothing was done, where the lab says that they may."""
    if memory.turn == step.step.id:
        return memory
    standing = {met.check for met in memory.met if met.until is None}
    failing = [check for check in step.checks if check.spec.id not in standing and _may_stand(check)]
    stood = {check.spec.id: _why(check) for check in failing}
    return replace(memory, turn=step.step.id, stood=stood)


def _untouched(step: StepState, memory: Memory) -> StepState:
    return replace(
        step,
        checks=tuple(
            replace(check, untouched=True)
            if _may_stand(check) and memory.stood.get(check.spec.id) == _why(check)
            else check
            for check in step.checks
        ),
    )


def _may_stand(check: CheckState) -> bool:
    finding = check.outcome.finding
    cause = finding.cause if finding is not None else None
    failing = check.outcome.status is Status.FAIL and not check.undone
    return failing and cause is not None and cause.id in check.spec.before


def _why(check: CheckState) -> str:
    finding = check.outcome.finding
    cause = finding.cause.id if finding is not None and finding.cause is not None else ""
    return f"{cause}: {finding.observed if finding is not None else check.outcome.summary}"


def _step(
    step: Step,
    lab: Lab,
    record: Record,
    memory: Memory,
    now: float,
    run: _Run,
    find_check: Callable[[str], Check],
) -> StepState:
    states = []
    for spec in step.checks:
        states.append(_check(spec, lab, record, memory, now, run, find_check))
        run.known[spec.id] = states[-1]
    read = step.id in memory.read
    required = [state for state in states if not state.spec.optional]
    done = all(state.passed for state in required) if required else read
    return StepState(
        step=step,
        checks=tuple(states),
        done=done,
        read=read,
        hints_shown=memory.hints.get(step.id, 0),
        done_earlier=not done and step.id in memory.earlier,
        solved=step.id in memory.solved,
    )


def _check(
    spec: CheckSpec,
    lab: Lab,
    record: Record,
    memory: Memory,
    now: float,
    run: _Run,
    find_check: Callable[[str], Check],
) -> CheckState:
    started = time.perf_counter()
    kept = memory.evidence.get(spec.id)
    if spec.mode is Mode.EDGE and kept is not None:
        return CheckState(spec, _proven(spec, kept), proven_at=kept.at)
    missing = [need for need in spec.needs if need not in run.known or not run.known[need].passed]
    if missing:
        outcome = _skipped(spec, missing, lab)
    else:
        outcome = _judged(spec, _counted(spec, record, memory, find_check), find_check)
        if outcome.status is Status.PASS and spec.stable > 0:
            outcome = _stable(spec, outcome, record, memory, now, run, find_check)
    undone = spec.mode is Mode.LEVEL and spec.id in memory.passed_at and outcome.status in (Status.FAIL, Status.SKIPPED)
    proven = now if outcome.status is Status.PASS and spec.mode is Mode.EDGE else None
    return CheckState(
        spec,
        outcome,
        proven_at=proven,
        undone=undone,
        seconds=time.perf_counter() - started,
        waiting_since=_waits(spec, outcome, memory, now, run),
    )


def _waits(spec: CheckSpec, outcome: Outcome, memory: Memory, now: float, run: _Run) -> float | None:
    """Since when the check waits for what it waits for now; None unless it waits."""
    if outcome.status is not Status.WAITING:
        return None
    finding = outcome.finding
    cause = finding.cause.id if finding and finding.cause else ""
    # Not what was observed: that says how far it is, and changes all the time.
    what = f"{cause}: {finding.expected if finding else outcome.summary}"
    known = memory.waits.get(spec.id)
    at = known[1] if known is not None and known[0] == what else now
    if spec.id in run.since:
        at = run.since[spec.id]  # a stability window counts from when it became true
    run.waits[spec.id] = (what, at)
    return at


def _counted(spec: CheckSpec, record: Record, memory: Memory, find_check: Callable[[str], Check]) -> Record:
    """The record as far as it counts for this check: only what came after its step was begun again."""
    at = memory.redone.get(spec.id)
    if at is None or spec.mode is not Mode.EDGE:
        return record
    with contextlib.suppress(Exception):  # a check that is not known says so when it is judged
        if find_check(spec.uses).asks:
            return record  # an answer is judged by what is, and was taken away when the step was begun again
    return later(record, at)


def _judged(spec: CheckSpec, record: Record, find_check: Callable[[str], Check]) -> Outcome:
    try:
        found = find_check(spec.uses)
        outcome = found.judge(record, **bound(found, spec.id, spec.params))
    except Exception as error:
        # A defect of ours must never read as the learner's mistake.
        text = " ".join(f"{type(error).__name__}: {error}".split())[:EXCEPTION_TEXT]
        return unobserved(
            "this check itself broke",
            Finding(rule=spec.title, expected="a check that comes to a verdict", observed=text),
        )
    if outcome.status in (Status.FAIL, Status.ERROR, Status.WAITING) and outcome.finding is None:
        return replace(outcome, finding=Finding(rule=spec.title, expected=spec.title, observed=outcome.summary))
    if outcome.status is Status.FAIL and outcome.finding is not None:
        return replace(outcome, finding=with_line(record, outcome.finding))
    return outcome


def _proven(spec: CheckSpec, kept: Evidence) -> Outcome:
    clock = datetime.fromtimestamp(kept.at).strftime("%H:%M:%S")
    said = kept.facts[0] if kept.facts else spec.title
    return passed(f"seen at {clock}: {said}", *kept.facts, data=kept.data)


def _skipped(spec: CheckSpec, missing: list[str], lab: Lab) -> Outcome:
    titles = {other.id: other.title for other in lab.checks}
    names = "; ".join(f"{need} ({titles.get(need, 'unknown')})" for need in missing)
    return Outcome(
        Status.SKIPPED,
        f"waits for {names}",
        Finding(rule=spec.title, expected=f"first: {names}", observed="that check does not pass yet"),
    )


def _stable(
    spec: CheckSpec,
    outcome: Outcome,
    record: Record,
    memory: Memory,
    now: float,
    run: _Run,
    find_check: Callable[[str], Check],
) -> Outcome:
    """Hold a pass back until it has lasted ``spec.stable`` seconds.

    What the cluster itself dates (conditions, container starts, writes) counts as lasting since then: a state that
    stood before we looked needs no second wait.
    """
    began = memory.since.get(spec.id, now)
    quiet = quiet_since(record, find_check(spec.uses).kinds)
    if quiet is not None:
        began = min(began, max(quiet, 0.0))
    run.since[spec.id] = began
    until = began + spec.stable
    if now >= until:
        return outcome
    finding = Finding(
        rule=spec.title,
        expected=f"true without a break for {spec.stable:g} s",
        observed=f"true since {clock(began)}",
    )
    # What has been true ever since it was looked at counts when nobody can wait longer.
    return waiting(f"true, must stay so for {spec.stable:g} s", finding, at_deadline=Status.ERROR, until=until)


def quiet_since(record: Record, kinds: tuple[str, ...]) -> float | None:
    """When the newest dated change among the objects of these kinds happened (Unix seconds); None without a date."""
    newest: float | None = None
    for kind in kinds:
        if kind == "Event":
            continue
        for life in record.lives.get(kind, ()):
            stamps = [life.gone_at if life.gone_at is not None else life.dated]
            # A change that we saw arrive is as young as its arrival, whatever it says of itself.
            if life.gone_at is None and not (life.seen_from_start and len(life.versions) == 1):
                stamps.append(life.versions[-1].at)
            for stamp in stamps:
                if stamp is not None and (newest is None or stamp > newest):
                    newest = stamp
    return newest


def _remember(memory: Memory, state: LabState, run: _Run, now: float) -> Memory:
    evidence = dict(memory.evidence)
    passed_at = dict(memory.passed_at)
    for check in state.checks:
        if not check.passed:
            continue
        passed_at.setdefault(check.spec.id, now)
        if check.spec.mode is Mode.EDGE and check.spec.id not in evidence:
            facts = check.outcome.facts or (check.outcome.summary,)
            evidence[check.spec.id] = Evidence(check.spec.id, now, facts, check.outcome.data)
    # What a later step asks for is not there yet, and that is nobody's mistake.
    begun = [number for number, step in enumerate(state.steps) if step.done or number == state.current]
    reached = [check for step in state.steps[: max(begun, default=0) + 1] for check in step.checks]
    earlier = memory.earlier | {step.step.id for step in state.steps if step.done}
    return replace(
        memory,
        evidence=evidence,
        passed_at=passed_at,
        since=dict(run.since),
        waits=dict(run.waits),
        earlier=earlier,
        met=meet(memory.met, reached, now),
    )


def with_needs(lab: Lab, checks: Iterable[str]) -> frozenset[str]:
    """These checks of a lab, and all that they need, however far."""
    specs = {spec.id: spec for spec in lab.checks}
    found: set[str] = set()
    todo = list(checks)
    while todo:
        name = todo.pop()
        if name in specs and name not in found:
            found.add(name)
            todo += specs[name].needs
    return frozenset(found)


def next_look(state: LabState) -> float | None:
    """The earliest Unix time at which an outcome can change though nothing happens; None if there is none."""
    times = (at for check in state.checks for at in (check.outcome.until, check.outcome.turns) if at is not None)
    return min(times, default=None)


def hold(new: LabState, old: LabState) -> LabState:
    """The state while the API server is silent: what can still be judged (files) is new, the rest stays as it was."""
    kept = {check.spec.id: check for check in old.checks}
    judged = (Status.PASS, Status.FAIL)
    steps = []
    for step in new.steps:
        checks = tuple(
            check if check.outcome.status in judged else kept.get(check.spec.id, check) for check in step.checks
        )
        required = [check for check in checks if not check.spec.optional]
        done = all(check.passed for check in required) if required else step.read
        steps.append(replace(step, checks=checks, done=done))
    current = next((index for index, step in enumerate(steps) if not step.done), max(len(steps) - 1, 0))
    return replace(new, steps=tuple(steps), current=current)


def blank(lab: Lab, record: Record, memory: Memory, why: str) -> LabState:
    """The state before anything was observed: every check waits."""
    steps = []
    for step in lab.steps:
        checks = tuple(
            CheckState(
                spec,
                waiting(why, Finding(spec.title, "to see the cluster", why), at_deadline=Status.ERROR),
            )
            for spec in step.checks
        )
        steps.append(
            StepState(
                step,
                checks,
                done=False,
                read=step.id in memory.read,
                hints_shown=memory.hints.get(step.id, 0),
                done_earlier=step.id in memory.earlier,
                solved=step.id in memory.solved,
            )
        )
    return LabState(lab, tuple(steps), 0, record)
