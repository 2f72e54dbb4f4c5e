"""``check``: judge a lab on the cluster, once; one document, one exit code."""

from __future__ import annotations

import argparse
import os
import sys
import time
from dataclasses import dataclass
from pathlib import Path

from k8s_tutor import __version__, atomic
from k8s_tutor.cli.labs import find_step
from k8s_tutor.errors import (
    EXIT_ENVIRONMENT,
    EXIT_INTERRUPTED,
    EXIT_PASS,
    ClusterError,
    TutorError,
    UsageError,
)
from k8s_tutor.reports.report import Report, Row, reporter
from k8s_tutor.session.checking import Plan, exit_code, left_out, look, unreachable, verdict
from k8s_tutor.session.state import LabState, Link


def run(options: argparse.Namespace) -> int:
    """Check; the document goes to stdout or ``--report-file``, everything else to stderr.

    A document is written whatever happens: also without a cluster, and when it is interrupted.
    """
    from k8s_tutor.session.variant import own

    lab = own(options.lab, options.seed)
    step = find_step(lab, options.step) if options.step else None
    plan = Plan(lab, step, disrupt=not options.no_disrupt, timeout=options.timeout)
    began, started = time.monotonic(), time.time()
    interrupted = False
    trouble: TutorError | None = None
    where: dict[str, str] = {}
    try:
        state, where, interrupted = _on_cluster(plan, options)
    except UsageError:
        raise
    except TutorError as error:
        # No cluster, or it went away before anything was seen.
        trouble = error
        state = unreachable(plan, error.message)
    except KeyboardInterrupt:
        interrupted = True
        state = unreachable(plan, "interrupted before the cluster was seen")
    code = exit_code(state, plan) if trouble is None else EXIT_ENVIRONMENT
    if trouble is None or options.output != "text" or options.report_file:
        _write(options, plan, state, code, started, time.monotonic() - began, where)
    if trouble is not None:
        raise trouble
    if interrupted:
        _say("interrupted: the report holds what was known by then")
        return EXIT_INTERRUPTED
    if code == EXIT_ENVIRONMENT and state.trouble:
        raise ClusterError(state.trouble, remedy="k8s-tutor doctor, then check again")
    return code


def _on_cluster(plan: Plan, options: argparse.Namespace) -> tuple[LabState, dict[str, str], bool]:
    from k8s_tutor.cli.where import cluster_of
    from k8s_tutor.session.session import Session

    cluster = cluster_of(options)
    with Session(plan.lab, cluster, eager=True, watch_files=False) as session:
        interrupted = False
        try:
            look(session, plan, _say)
        except KeyboardInterrupt:
            interrupted = True
        for note in session.state().notes:
            _say(f"note: {note}")
        where = {
            "cluster": cluster.name,
            "provider": cluster.provider,
            "kubernetes": cluster.version,
            "namespace": session.namespace,
        }
        return verdict(session, plan), where, interrupted


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


@dataclass(frozen=True)
class _Report(Report):
    """A report that tells the exit code of this run: what was left out by request fails nobody."""

    code: int = EXIT_PASS

    @property
    def exit_code(self) -> int:
        return self.code


def _write(
    options: argparse.Namespace,
    plan: Plan,
    state: LabState,
    code: int,
    started: float,
    seconds: float,
    where: dict[str, str],
) -> None:
    """Write the one document: atomically into the file that was named, else to stdout."""
    ids = {spec.id for spec in plan.scope}
    rows = tuple(
        Row(
            step_id=step.step.id,
            step_title=step.step.title,
            check_id=check.spec.id,
            title=check.spec.title,
            outcome=check.outcome,
            points=check.spec.points,
            seconds=check.seconds,
            optional=check.spec.optional or left_out(state, check),
            file=str(plan.lab.folder / "lab.yaml"),
            line=check.spec.line,
        )
        for step in state.steps
        for check in step.checks
        if check.spec.id in ids
    )
    report = _Report(
        lab=plan.lab.id,
        title=plan.lab.title,
        hash=plan.lab.hash,
        cluster=where.get("cluster", ""),
        namespace=where.get("namespace", ""),
        started=started,
        seconds=seconds,
        rows=rows,
        version=__version__,
        trouble=state.trouble if state.link is not Link.LIVE else "",
        code=code,
    )
    colour = not options.report_file and sys.stdout.isatty() and "NO_COLOR" not in os.environ
    text = reporter(options.output, colour=colour).render(report)
    if options.report_file:
        atomic.write_text(Path(options.report_file).absolute(), text, mode=0o644)
        _say(f"report: {options.report_file}")
    else:
        sys.stdout.write(text)
