"""``labs``, ``lesson``, ``hint``, ``lab test``, ``lab lint``: labs as text, and proofs for their authors."""

from __future__ import annotations

import argparse
import json
import sys
import time
from typing import TYPE_CHECKING

from k8s_tutor.errors import EXIT_FAIL, EXIT_PASS, EXIT_USAGE, TutorError, UsageError
from k8s_tutor.labs.model import Lab, Step

if TYPE_CHECKING:
    from k8s_tutor.session.state import LabState

HINT_SECONDS = 3.0
"""Patience with a converging cluster before the first hint says how things stand."""


def labs(options: argparse.Namespace) -> int:
    """List the labs."""
    from k8s_tutor.labs.loader import labs as known

    infos = known()
    if options.output == "json":
        rows = [{"id": i.id, "title": i.title, "summary": i.summary, "minutes": i.minutes} for i in infos]
        print(json.dumps(rows, indent=1, ensure_ascii=False))
    else:
        for info in infos:
            print(f"{info.id}  {info.title} (about {info.minutes} min)\n      {info.summary}")
    return EXIT_PASS


def find_step(lab: Lab, name: str) -> Step:
    """The step of this id or number. Raises UsageError that lists them."""
    step = lab.step(name)
    if step is None:
        steps = ", ".join(f"{number} {step.id}" for number, step in enumerate(lab.steps, 1))
        raise UsageError(f"{lab.id} has no step {name[:60]!r}", remedy=f"steps: {steps}")
    return step


def lesson(options: argparse.Namespace) -> int:
    """Print a lab (or one step of it) as plain text, its manifests with their callouts where they are used."""
    from k8s_tutor.cli.where import as_told
    from k8s_tutor.labs.text import heading, step_text
    from k8s_tutor.session.variant import own

    lab = as_told(own(options.lab, options.seed), options)
    steps = [find_step(lab, options.step)] if options.step else list(lab.steps)
    if not options.step:
        print(heading(lab))
    for step in steps:
        print(step_text(lab, step))
    return EXIT_PASS


def hint(options: argparse.Namespace) -> int:
    """Show the next hint of a step and remember that it was shown."""
    from k8s_tutor.cli.where import as_told
    from k8s_tutor.session.hints import next_hint
    from k8s_tutor.session.variant import own

    lab = as_told(own(options.lab), options)
    step = find_step(lab, options.step) if options.step else None
    shown = next_hint(lab, step, lambda: _as_it_stands(lab, options))
    for note in shown.notes:
        print(f"note: {note}", file=sys.stderr)
    if not shown.number:
        print(f"{shown.step.title}: there are no hints. The text: k8s-tutor lesson {lab.id} --step {shown.step.id}")
        return EXIT_PASS
    print(f"{shown.step.title}: hint {shown.number} of {shown.total}\n\n{shown.text.strip()}")
    if shown.last and shown.step.solution:
        print(f"\nThat was the last hint. k8s-tutor solve {lab.id} --step {shown.step.id} does the step for you.")
    return EXIT_PASS


def summary(options: argparse.Namespace) -> int:
    """Print what came of a lab so far, out of saved progress; no cluster is asked."""
    from k8s_tutor.reports.summary import rendered
    from k8s_tutor.session.summary import remembered
    from k8s_tutor.session.variant import own

    print(rendered(remembered(own(options.lab)), options.output), end="")
    return EXIT_PASS


def _as_it_stands(lab: Lab, options: argparse.Namespace) -> LabState:
    """The lab on the cluster, or (no cluster) as the learner's files alone tell it."""
    from k8s_tutor.cli.where import cluster_of
    from k8s_tutor.session.hints import without_cluster
    from k8s_tutor.session.session import Session

    try:
        cluster = cluster_of(options)
        with Session(lab, cluster) as session:
            return session.settle(HINT_SECONDS)
    except TutorError as error:
        print(f"note: {error.message}; this hint is made of your files alone", file=sys.stderr)
        return without_cluster(lab, error.message)


def test(options: argparse.Namespace) -> int:
    """Prove a lab on a real cluster; exit 0 when every claim of its author holds, 1 when one does not."""
    from k8s_tutor.cli.where import cluster_of
    from k8s_tutor.labs.loader import load
    from k8s_tutor.session.prove import Line, prove

    lab = load(options.lab, seed=options.seed or "")
    known = {mistake.id for step in lab.steps for mistake in step.mistakes}
    for name in options.mistake:
        if name not in known:
            raise UsageError(f"{lab.id} has no mistake {name!r}", remedy="one of: " + ", ".join(sorted(known)))
    cluster = cluster_of(options)
    stream = sys.stdout if options.output == "text" else sys.stderr

    def tell(line: Line) -> None:
        print(f"{line.seconds:7.1f} s  {'ok  ' if line.ok else 'FAIL'}  {line.text}", file=stream, flush=True)

    started = time.monotonic()
    proof = prove(lab, cluster, only=frozenset(options.mistake), jobs=options.jobs, tell=tell)
    if options.output == "json":
        print(json.dumps(proof.plain(), indent=1, ensure_ascii=False))
    else:
        verdict = "proven" if proof.ok else "NOT proven"
        print(f"{lab.id}: {verdict}, {len(proof.mistakes)} mistakes, {time.monotonic() - started:.1f} s")
    return EXIT_PASS if proof.ok else EXIT_FAIL


def lint(options: argparse.Namespace) -> int:
    """Say everything that is wrong with a lab's files; exit 0 when nothing is, else 2."""
    from k8s_tutor.checks.check import all_checks
    from k8s_tutor.labs.lint import lint as find_problems
    from k8s_tutor.session.causes import CAUSES

    signatures = {name: found.signature for name, found in all_checks().items()}
    problems = find_problems(options.path, signatures, CAUSES)
    for problem in problems:
        print(problem)
    if problems:
        return EXIT_USAGE
    print(f"{options.path}: no problems")
    return EXIT_PASS
