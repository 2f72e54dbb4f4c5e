"""``solve``, ``reset``, ``answer``: a learner's work from the plain command line."""

from __future__ import annotations

import argparse
import sys

from k8s_tutor.cli.labs import find_step
from k8s_tutor.errors import EXIT_FAIL, EXIT_PASS, UsageError
from k8s_tutor.labs.model import Action


def solve(options: argparse.Namespace) -> int:
    """Do the solution of one step, or of all that are not done, in order; exit 1 when a step does not pass then."""
    from k8s_tutor.cli.where import cluster_of
    from k8s_tutor.session.session import Session
    from k8s_tutor.session.variant import own

    lab = own(options.lab, options.seed)
    wanted = [find_step(lab, options.step)] if options.step else list(lab.steps)
    cluster = cluster_of(options)

    def tell(action: Action, text: str) -> None:
        print(f"  {action.do}: {text}", flush=True)

    with Session(lab, cluster) as session:
        for note in session.state().notes:
            print(f"note: {note}", file=sys.stderr)
        session.settle(3.0)
        for step in wanted:
            now = next(each for each in session.state().steps if each.step.id == step.id)
            if now.done and not options.step:
                continue
            if not step.solution:
                session.mark_read(step.id)
                continue
            print(f"{step.title}", flush=True)
            session.solve(step.id, tell=tell)
            if all(spec.optional for spec in step.checks):
                # Nothing here must pass: some clusters never give what it asks for.
                session.mark_read(step.id)
                print("  done, as far as this cluster can")
                continue
            state = session.wait_step(step.id, 60.0)
            if not state.done:
                for check in state.checks:
                    if not check.passed:
                        print(f"  not yet: {check.spec.title}: {check.outcome.summary}")
                return EXIT_FAIL
            print("  done")
    return EXIT_PASS


def reset(options: argparse.Namespace) -> int:
    """Begin a lab anew, after asking."""
    from k8s_tutor.cli.where import cluster_of
    from k8s_tutor.session.session import Session
    from k8s_tutor.session.variant import own

    lab = own(options.lab)
    cluster = cluster_of(options)
    if options.dry_run:
        from k8s_tutor.session.reset import preview
        from k8s_tutor.session.workspace import Workspace

        print("\n".join(preview(cluster, lab, Workspace(lab))))
        print("nothing was changed", file=sys.stderr)
        return EXIT_PASS
    if not options.yes:
        if not sys.stdin.isatty():
            raise UsageError("reset deletes the lab's objects and asks first", remedy=f"k8s-tutor reset {lab.id} --yes")
        print(
            # What that is: --dry-run.
            f"This deletes everything in namespace {cluster.namespace} of cluster {cluster.name} "
            f"and moves your files of {lab.id} aside. Go on? [y/N] ",
            end="",
            file=sys.stderr,
            flush=True,
        )
        if sys.stdin.readline().strip().lower() not in ("y", "yes"):
            print("nothing was changed", file=sys.stderr)
            return EXIT_PASS
    with Session(lab, cluster) as session:
        for line in session.reset():
            print(line)
    return EXIT_PASS


def answer(options: argparse.Namespace) -> int:
    """Write one answer into the lab's answers.yaml."""
    from k8s_tutor.session.variant import own
    from k8s_tutor.session.workspace import ANSWERS, Workspace

    lab = own(options.lab)
    workspace = Workspace(lab)
    workspace.answer(options.check, " ".join(options.text))
    print(f"noted in {workspace.folder / ANSWERS}; k8s-tutor check {lab.id} judges it")
    return EXIT_PASS
