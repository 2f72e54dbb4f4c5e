"""``k8s-tutor grade``: a class's submissions replayed and judged; progress to stderr, reports where they are wanted."""

from __future__ import annotations

import argparse
import os
import signal
import sys
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Any

from k8s_tutor import atomic
from k8s_tutor.checks.words import duration
from k8s_tutor.errors import EXIT_INTERRUPTED, EXIT_PASS, EnvironmentFault, UsageError

if TYPE_CHECKING:
    from k8s_tutor.grading.run import Progress
    from k8s_tutor.grading.runner import Runner
    from k8s_tutor.labs.model import Lab
    from k8s_tutor.reports.grades.report import ClassReport


def run(options: argparse.Namespace) -> int:
    """Grade; 0 all pass, 1 somebody fails, 3 something could not be graded, 130 interrupted (with its reports)."""
    from k8s_tutor.cli.where import cluster_of
    from k8s_tutor.grading import roster
    from k8s_tutor.grading.collect import collect, only_lab
    from k8s_tutor.grading.judge import Bounds
    from k8s_tutor.grading.run import ClassRun, Wanted
    from k8s_tutor.grading.store import Store
    from k8s_tutor.grading.variants import Variants, read_secret
    from k8s_tutor.labs.loader import labs, load

    paths = [Path(path) for path in options.path]
    lab = load(options.lab or only_lab(paths, (info.id for info in labs())))
    reports = [_report(text) for text in options.report]
    known = roster.load(Path(options.roster)) if options.roster else None
    variants = Variants(lab, read_secret(Path(options.vary)) if options.vary else b"", known)
    found = collect(paths, lab, known)
    wanted = Wanted(
        lab,
        found,
        known,
        jobs=options.jobs,
        bounds=Bounds(options.check_timeout, options.timeout),
        seconds=options.run_timeout,
        resume=options.resume,
        variants=variants,
    )
    class_run = ClassRun(wanted, Store(lab, paths), _tell, _say, _runner(options, lab))
    _say(f"{lab.id}: {len(found)} submissions")
    cluster = cluster_of(options)
    before = signal.signal(signal.SIGTERM, _as_interrupt)
    try:
        report = class_run.run(cluster)
    finally:
        signal.signal(signal.SIGTERM, before)
    settings = {
        "environment": dict(os.environ),
        "granularity": options.junit_granularity,
        "needs": {spec.id: spec.needs[0] for spec in lab.checks if spec.needs},
        "after_due": not options.before_due,
    }
    for kind, target in reports:
        _write(kind, target, report, settings)
    if os.environ.get("GITHUB_ACTIONS") == "true":
        _tell_github(report, reports, settings)
    elif not any(target == "-" for _, target in reports):
        print(_table(report))
    if class_run.interrupted:
        return EXIT_INTERRUPTED
    if options.exit_zero and (report.students or not found):
        return EXIT_PASS
    return report.exit_code


def _runner(options: argparse.Namespace, lab: Lab) -> Runner | None:
    """Who grades; None for threads of this process. Raises UsageError."""
    if options.runner == "local":
        if options.image:
            raise UsageError("--image is of the grader's pods", remedy="add --runner kubernetes, or leave --image out")
        return None
    from k8s_tutor.grading.shards.coordinator import Shards
    from k8s_tutor.grading.shards.objects import IMAGE

    return Shards(lab, options.image or IMAGE)


def seeds(options: argparse.Namespace) -> int:
    """Print who has which seed, and what it chooses, as CSV: to be handed out, and a roster for ``grade`` as well."""
    import csv

    from k8s_tutor.grading import roster
    from k8s_tutor.grading.variants import Variants, read_secret
    from k8s_tutor.labs.loader import load
    from k8s_tutor.reports.grades.table import cell

    lab, known = load(options.lab), roster.load(Path(options.roster))
    variants = Variants(lab, read_secret(Path(options.vary)))
    table = csv.writer(sys.stdout, lineterminator="\n")
    table.writerow(["student", "seed", *lab.variant])
    for student in known.rows:
        own = variants.lab(student)
        table.writerow([cell(student), own.seed, *own.variant.values()])
    return EXIT_PASS


def _as_interrupt(_number: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def _tell(progress: Progress) -> None:
    """A line for who has been finished: how many of how many, the grade, what is left."""
    graded = progress.last
    if graded is None:
        return
    width = len(str(progress.total))
    took = "kept" if progress.kept else f"{graded.report.seconds:.1f} s"
    left = (
        f", about {duration(max(10.0, progress.left))} left" if progress.left and progress.done < progress.total else ""
    )
    points = f"{graded.score}/{graded.max_score}"
    _say(f"[{progress.done:>{width}}/{progress.total}] {graded.student}: {graded.word} {points} ({took}){left}")
    if graded.report.trouble:
        _say(f"    not graded: {graded.report.trouble}")


def _report(text: str) -> tuple[str, str]:
    """``KIND=FILE``. Raises UsageError."""
    from k8s_tutor.reports.grades.formats import KINDS

    kind, equals, target = text.partition("=")
    if kind not in KINDS:
        raise UsageError(f"--report {text[:80]}: there is no kind {kind[:40]!r}", remedy="one of: " + ", ".join(KINDS))
    if not equals or not target:
        raise UsageError(
            f"--report {text[:80]}: a file is missing", remedy=f"--report {kind}=FILE, or {kind}=- for stdout"
        )
    return kind, target


def _write(kind: str, target: str, report: ClassReport, settings: dict[str, Any]) -> None:
    """Write the report's documents, each whole or not at all. Raises EnvironmentFault, after all were tried."""
    from k8s_tutor.reports.grades.formats import documents

    if kind == "gradescope":  # it keeps what is hidden itself
        settings = {**settings, "after_due": True}
    for file, text in documents(kind, target, report, **settings).items():
        if file == "-":
            sys.stdout.write(text)
            continue
        path = Path(file)
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            atomic.write_text(path, text, mode=0o644)
        except OSError as error:
            raise EnvironmentFault(f"the report {file} cannot be written: {error.strerror}", code="report") from error


def _tell_github(report: ClassReport, reports: list[tuple[str, str]], settings: dict[str, Any]) -> None:
    """Annotations, summary and outputs, as a step of GitHub Actions gives them; nothing that is asked for anyway."""
    from k8s_tutor.reports.grades.formats import documents

    asked = {kind for kind, _ in reports}
    if "github" not in asked:
        sys.stdout.write(documents("github", "-", report, **settings)["-"])
    summary, outputs = os.environ.get("GITHUB_STEP_SUMMARY"), os.environ.get("GITHUB_OUTPUT")
    words = [graded.word for graded in report.students]
    told = {
        "score": sum(graded.score for graded in report.students),
        "max_score": sum(graded.max_score for graded in report.students),
        "passed": words.count("pass"),
        "failed": words.count("fail"),
        "errors": words.count("error") + len(report.unfinished),
        "result": {0: "pass", 1: "fail"}.get(report.exit_code, "error"),
    }
    try:
        if summary and "github-summary" not in asked:
            with open(summary, "a", encoding="utf-8") as file:
                file.write(documents("github-summary", "-", report, **settings)["-"])
        if outputs:
            with open(outputs, "a", encoding="utf-8") as file:
                file.writelines(f"{name}={value}\n" for name, value in told.items())
    except OSError as error:
        _say(f"note: {error.filename} cannot be written: {error.strerror}")


def _table(report: ClassReport) -> str:
    """The grades in lines, for whoever sits there."""
    wide = max((len(graded.student) for graded in report.students), default=0)
    lines = [
        f"{graded.student:<{wide}}  {graded.word:<5}  {graded.score}/{graded.max_score}" for graded in report.students
    ]
    lines += [f"{student:<{wide}}  not graded" for student in report.unfinished]
    return "\n".join(lines)
