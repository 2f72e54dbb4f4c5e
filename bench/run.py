"""Measure what a learner waits for, side by side with what they would do instead; write bench/RESULTS.md.

    ./dev bench            all
    ./dev bench up         five bring-ups, each phase's time
    ./dev bench kind       bring-ups of kind and native in turn, to the same readiness
    ./dev bench check      `check` against a shell script that asserts the same facts with kubectl, in pairs
    ./dev bench tutor      the tutor in tmux: start, idle, events, keys under load (about ten minutes)
    ./dev bench tutor --soak 3600
    ./dev bench grade      a class graded, and the same objects made without a look at them (about ten minutes)
    ./dev bench again      all right submissions graded ten times: the same grades each time? (about half an hour)

Ratios are of whole processes, in pairs in one run (A B A B …), so that a machine whose speed drifts does not matter.
"""

from __future__ import annotations

import argparse
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

BIN = Path(sys.executable).parent
ROOT = Path(__file__).resolve().parent
TUTOR = str(BIN / "k8s-tutor")
UPS = 5
PAIRS = 5


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    names = ["up", "kind", "check", "tutor", "grade", "again"]
    parser.add_argument("what", nargs="?", choices=names, help="one of them; all, if none is named")
    parser.add_argument("--soak", type=float, default=60.0, help="seconds of the tutor's soak (60)")
    options = parser.parse_args()
    chosen = [options.what] if options.what else names
    parts: dict[str, Callable[[], list[str]]] = {
        "up": bench_up,
        "kind": bench_kind,
        "check": bench_check,
        "tutor": lambda: bench_tutor(options.soak),
        "grade": bench_grade,
        "again": bench_again,
    }
    lines = [
        "# What the benchmarks printed",
        "",
        f"`./dev bench`, {time.strftime('%Y-%m-%d')}, {os.cpu_count()} cores, "
        f"Linux {platform.release().split('-')[0]}, Python {platform.python_version()}.",
    ]
    for name in chosen:
        lines += ["", *parts[name]()]
    text = "\n".join(lines) + "\n"
    print(text)
    if len(chosen) == len(parts):
        (ROOT / "RESULTS.md").write_text(text)
    return 0


def spread(values: list[float]) -> str:
    """``min / median / max`` in seconds."""
    return f"{min(values):.2f} / {statistics.median(values):.2f} / {max(values):.2f}"


def bench_up() -> list[str]:
    """Five bring-ups of one node, binaries and images cached; from the call to ready, and each phase."""
    from k8s_tutor.clusters.native.provider import NativeProvider
    from k8s_tutor.clusters.node.prepare import prepare
    from k8s_tutor.phases import Phase, PhaseState, silent

    prepare(silent)
    provider = NativeProvider()
    totals: list[float] = []
    downs: list[float] = []
    phases: dict[str, list[float]] = {}
    titles: dict[str, str] = {}

    for number in range(UPS):
        name = f"bench-{os.getpid()}"
        done: dict[str, float] = {}

        def report(phase: Phase, done: dict[str, float] = done) -> None:
            if phase.state is PhaseState.DONE:
                done[phase.id] = phase.seconds
                titles[phase.id] = phase.title

        began = time.monotonic()
        try:
            provider.up(name, report=report)
            totals.append(time.monotonic() - began)
            for key, seconds in done.items():
                phases.setdefault(key, []).append(seconds)
        finally:
            began = time.monotonic()
            provider.down(name, report=silent)
            downs.append(time.monotonic() - began)
        print(f"up {number + 1} of {UPS}: {totals[-1]:.2f} s", file=sys.stderr)
    rows = [f"| {titles[key]} | {spread(values)} |" for key, values in phases.items()]
    return [
        "## Cluster up, one node, binaries and images cached",
        "",
        f"{UPS} runs, from the call to ready (API server, default ServiceAccounts, node, DNS answer, request through a "
        "ClusterIP). Seconds, min / median / max. Phases overlap.",
        "",
        "| phase | seconds |",
        "|---|---|",
        *rows,
        f"| **from the call to ready** | **{spread(totals)}** |",
        f"| down | {spread(downs)} |",
    ]


def bench_kind() -> list[str]:
    """Bring-ups of one node by kind and by native in turn, each from the call to the same readiness.

    Where no container engine answers, the tests' own is brought up (Debian's docker.io in its own network namespace).
    """
    sys.path.insert(0, str(ROOT.parent / "tests" / "cluster"))
    from docker_engine import DockerEngine

    from k8s_tutor.clusters.kind import engine

    if engine.find() is not None:
        return _kind_and_native("this machine's container engine")
    with tempfile.TemporaryDirectory(prefix="k8s-tutor-bench-") as folder:
        own = DockerEngine(Path(folder) / "engine")
        try:
            own.up()
            os.environ |= own.environment
            with own.network():
                return _kind_and_native("Debian's docker.io in a network namespace with no way out")
        finally:
            os.environ.pop("DOCKER_HOST", None)
            own.down()


def _kind_and_native(where: str) -> list[str]:
    from k8s_tutor.clusters.choose import make
    from k8s_tutor.phases import silent

    times: dict[str, list[float]] = {"kind": [], "native": []}
    downs: dict[str, list[float]] = {"kind": [], "native": []}
    name = f"bench-{os.getpid()}"
    for number in range(PAIRS + 1):
        for provider in times:
            began = time.monotonic()
            try:
                make(provider).up(name, nodes=1, egress=False, report=silent)
                up = time.monotonic() - began
            finally:
                began = time.monotonic()
                make(provider).down(name, report=silent)
            if number:  # the first pair makes and loads images
                times[provider].append(up)
                downs[provider].append(time.monotonic() - began)
            print(f"{provider} {number} of {PAIRS}: {up:.2f} s", file=sys.stderr)
    ratio = statistics.median(a / b for a, b in zip(times["kind"], times["native"], strict=True))
    return [
        "## Cluster up: kind and native in turn",
        "",
        f"{PAIRS} pairs, one node, binaries and images cached, from the call to ready (API server, default "
        f"ServiceAccounts, node, DNS answer, request through a ClusterIP); {where}. Seconds, min / median / max; load "
        f"of the machine at the end {os.getloadavg()[0]:.0f}.",
        "",
        "| provider | up | down |",
        "|---|---|---|",
        *(f"| {provider} | **{spread(times[provider])}** | {spread(downs[provider])} |" for provider in times),
        "",
        f"kind takes **{ratio:.2f}** times as long as native (median of pairs).",
    ]


def bench_check() -> list[str]:
    """``check lab1`` and ``check lab2 --no-disrupt`` on a converged cluster, against kubectl in a shell script."""
    from k8s_tutor.clusters.native.provider import NativeProvider

    with tempfile.TemporaryDirectory(prefix="k8s-tutor-bench-") as folder:
        os.environ |= {"XDG_STATE_HOME": f"{folder}/state", "K8S_TUTOR_HOME": f"{folder}/work"}
        # As on a learner's machine: the bytecode of the package is kept.
        environment = {key: value for key, value in os.environ.items() if key != "PYTHONDONTWRITEBYTECODE"}
        name = f"bench-{os.getpid()}"
        cluster = ["--cluster", name]

        def tutor(*arguments: str) -> str:
            done = subprocess.run([TUTOR, *arguments], env=environment, capture_output=True, text=True)
            if done.returncode:
                raise SystemExit(f"{arguments}: exit {done.returncode}\n{done.stdout}\n{done.stderr}")
            return done.stdout

        tutor("cluster", "up", "--provider", "native", "--name", name)
        try:
            cluster_now = NativeProvider().status(name)
            assert cluster_now is not None and cluster_now.bin_dir is not None
            environment["KUBECONFIG"] = str(cluster_now.kubeconfig)
            environment["K8S_TUTOR_NETNS"] = str(cluster_now.netns)
            environment["PATH"] = f"{cluster_now.bin_dir}:{environment['PATH']}"
            lines = [
                "## `check` against a shell script that asserts the same facts with kubectl",
                "",
                f"{PAIRS} pairs, whole processes, on a converged cluster. Seconds, min / median / max.",
                "",
                "| lab | k8s-tutor check | kubectl script | ratio, median of pairs |",
                "|---|---|---|---|",
            ]
            for lab, flags in (("lab1", []), ("lab2", ["--no-disrupt"])):
                tutor("solve", lab, *cluster)
                script = [str(ROOT / f"check_{lab}.sh"), f"{folder}/work/{lab}"]
                check = [TUTOR, "check", lab, *flags, *cluster]
                lines.append(pair_row(lab, check, script, environment))
        finally:
            tutor("cluster", "down", "--name", name)
    return lines


def bench_tutor(soak: float) -> list[str]:
    """The tutor itself, in the real program (bench/tutor.py)."""
    import tutor

    return tutor.bench_tutor(soak=soak)


def bench_grade() -> list[str]:
    """A class graded (bench/grade.py)."""
    import grade

    return grade.bench_grade()


def bench_again() -> list[str]:
    """All right submissions ten times (bench/again.py)."""
    import again

    return again.bench_again()[0]


def pair_row(lab: str, check: list[str], script: list[str], environment: dict[str, str]) -> str:
    """One row: both commands in turn, each must succeed."""
    times: dict[str, list[float]] = {"check": [], "script": []}
    for number in range(PAIRS + 1):
        for name, command in (("check", check), ("script", script)):
            began = time.monotonic()
            done = subprocess.run(command, env=environment, capture_output=True, text=True)
            seconds = time.monotonic() - began
            if done.returncode:
                raise SystemExit(f"{command}: exit {done.returncode}\n{done.stdout}\n{done.stderr}")
            if number:  # the first pair warms the caches
                times[name].append(seconds)
    ratios = [a / b for a, b in zip(times["check"], times["script"], strict=True)]
    return f"| {lab} | {spread(times['check'])} | {spread(times['script'])} | **{statistics.median(ratios):.2f}** |"


if __name__ == "__main__":
    sys.exit(main())
