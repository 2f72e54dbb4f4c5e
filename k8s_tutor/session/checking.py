"""Check a lab once: look until everything is settled, make the evidence that is missing, say what came out.

What the ``check`` command does, without its words: the engine and the record are the tutor's own.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, replace

from k8s_tutor.checks.outcome import Finding, Outcome, Status
from k8s_tutor.errors import EXIT_ENVIRONMENT, EXIT_FAIL, EXIT_PASS, TutorError
from k8s_tutor.labs.model import CheckSpec, Lab, Mode, Step
from k8s_tutor.session import engine
from k8s_tutor.session.engine import Memory
from k8s_tutor.session.session import Session, settled
from k8s_tutor.session.state import CheckState, LabState, Link, check_state
from k8s_tutor.session.workspace import Workspace

EXPERIMENT_SECONDS = 45.0
Say = Callable[[str], None]


@dataclass(frozen=True)
class Plan:
    """What to check: ``step`` None for the whole lab; ``timeout`` seconds of patience with a converging cluster."""

    lab: Lab
    step: Step | None = None
    disrupt: bool = True
    timeout: float = 30.0

    @property
    def scope(self) -> tuple[CheckSpec, ...]:
        """The checks that are reported."""
        return self.step.checks if self.step is not None else self.lab.checks

    @property
    def watched(self) -> frozenset[str]:
        """The checks that have to settle: the required ones in scope, and all that they need.

        An optional one may wait for ever (an address that the cluster never gives): it is waited for only when
        nothing else was asked for.
        """
        required = [spec.id for spec in self.scope if not spec.optional]
        return engine.with_needs(self.lab, required or [spec.id for spec in self.scope])


def look(session: Session, plan: Plan, say: Say) -> None:
    """Wait until the checks are settled, and run the experiments that are allowed and wanted."""
    session.settle(plan.timeout, only=plan.watched)
    if not (plan.disrupt and session.connection.may_disrupt):
        return
    for spec in plan.lab.checks:
        if spec.id not in plan.watched or not _wants_experiment(session.state(), spec):
            continue
        say(f"no evidence yet of: {spec.title}. Making it: {_in_words(spec)}")
        try:
            session.experiment(spec)
        except TutorError as error:
            say(f"the experiment did not work: {error.message}")
            continue
        session.wait_for(
            lambda state, name=spec.id: _passes(state, name) or state.link is Link.LOST,  # type: ignore[misc]
            max(plan.timeout, EXPERIMENT_SECONDS),
        )
        session.settle(plan.timeout, only=plan.watched)


def verdict(session: Session, plan: Plan) -> LabState:
    """The state to report: settled, and what was left out by request marked as skipped."""
    return _with_skips(session.verdict(), plan, may_disrupt=session.connection.may_disrupt)


def unreachable(plan: Plan, why: str) -> LabState:
    """The state to report when there is no cluster to ask: files are judged, all else is ``error``."""
    now = time.time()
    record = Workspace(plan.lab).record(why, now)
    state = engine.judge(plan.lab, record, Memory(), now)
    return settled(replace(state, link=Link.LOST, trouble=why, heard=0.0))


def exit_code(state: LabState, plan: Plan) -> int:
    """0 when all that is required passes; 1 when something fails; 3 when nothing fails but something was not seen.

    3 also when the cluster was lost: then a ``fail`` may be as old as the silence. What was skipped by request
    (``--no-disrupt``), and what waits for that alone, does not count.
    """
    ids = {spec.id for spec in plan.scope}
    checks = [check for check in state.checks if check.spec.id in ids and not check.spec.optional]
    if all(check.passed or left_out(state, check) for check in checks):
        return EXIT_PASS
    if state.link is not Link.LIVE:
        return EXIT_ENVIRONMENT
    if any(check.outcome.status is Status.FAIL for check in checks) or _roots(state, checks, Status.FAIL):
        return EXIT_FAIL
    if any(check.outcome.status is Status.ERROR for check in checks) or _roots(state, checks, Status.ERROR):
        return EXIT_ENVIRONMENT
    return EXIT_FAIL


def _roots(state: LabState, checks: list[CheckState], status: Status) -> bool:
    """Whether some skipped check waits, in the end, for one of this status."""
    return any(
        check.outcome.status is Status.SKIPPED
        and not left_out(state, check)
        and any(root.outcome.status is status for root in _waits_for(state, check))
        for check in checks
    )


def _waits_for(state: LabState, check: CheckState) -> list[CheckState]:
    """The checks at the end of a skipped check's needs that do not pass."""
    found: list[CheckState] = []
    for need in check.spec.needs:
        other = check_state(state, need)
        if other is None or other.passed:
            continue
        deeper = _waits_for(state, other) if other.outcome.status is Status.SKIPPED else []
        found += deeper or [other]
    return found


def left_out(state: LabState, check: CheckState) -> bool:
    """Whether a check was skipped by request, or waits for nothing but such a one."""
    if check.outcome.status is not Status.SKIPPED:
        return False
    if check.outcome.data.get("left_out"):
        return True
    roots = _waits_for(state, check)
    return bool(roots) and all(root.outcome.data.get("left_out") for root in roots)


def _with_skips(state: LabState, plan: Plan, *, may_disrupt: bool) -> LabState:
    if plan.disrupt and may_disrupt:
        return state
    why = "left out by --no-disrupt" if not plan.disrupt else "left out: the namespace is not the tutor's own"

    def marked(check: CheckState) -> CheckState:
        if check.passed or not check.spec.experiment or check.outcome.status not in (Status.FAIL, Status.WAITING):
            return check
        finding = Finding(
            rule=check.spec.title,
            expected="evidence that it happened, seen by the tutor, or an experiment that makes it",
            observed=f"no evidence is recorded, and the experiment was {why}",
        )
        return replace(check, outcome=Outcome(Status.SKIPPED, why, finding, data={"left_out": True}))

    steps = tuple(replace(step, checks=tuple(marked(check) for check in step.checks)) for step in state.steps)
    return replace(state, steps=steps)


def _wants_experiment(state: LabState, spec: CheckSpec) -> bool:
    check = check_state(state, spec.id)
    if check is None or not spec.experiment or spec.mode is not Mode.EDGE or state.link is not Link.LIVE:
        return False
    return check.outcome.status in (Status.FAIL, Status.WAITING)


def _passes(state: LabState, check_id: str) -> bool:
    check = check_state(state, check_id)
    return check is not None and check.passed


def _in_words(spec: CheckSpec) -> str:
    words = []
    for action in spec.experiment:
        args = action.args.get("args")
        words.append("kubectl " + " ".join(str(arg) for arg in args) if isinstance(args, list | tuple) else action.do)
    return "; ".join(words)
