"""Grade the corpus of right submissions again and again: the same grades each time, or what differed.

    python bench/again.py                10 times both labs (half an hour, where the machine is slow more than one)
    python bench/again.py --lab lab1              one of them
    python bench/again.py --times 2 --cluster NAME   on a native cluster that is there

The grader is the program as an instructor starts it. A grade here is all that a student is told of: status, points and
every check's verdict.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "tests" / "cluster")]

from corpus_right import RIGHT  # noqa: E402

from k8s_tutor.clusters.native.provider import NativeProvider  # noqa: E402

Grades = dict[str, tuple[object, ...]]
"""By student: status, points, most points, and each check's verdict."""
LABS = ("lab1", "lab2")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--times", type=int, default=10, help="how often (10)")
    parser.add_argument("--lab", choices=LABS, help="this one only")
    parser.add_argument("--cluster", help="a native cluster that runs (default: one of its own)")
    options = parser.parse_args()
    lines, same = bench_again(options.times, options.cluster, (options.lab,) if options.lab else LABS)
    print("\n".join(lines))
    return 0 if same else 1


def bench_again(times: int = 10, there: str | None = None, labs: Sequence[str] = LABS) -> tuple[list[str], bool]:
    """Lines of Markdown, and whether each time gave everybody full marks and the grades of the first."""
    provider, name = NativeProvider(), there or f"bench-{os.getpid()}"
    try:
        provider.up(name)
        rounds = [{lab: _grade(name, lab, number + 1) for lab in labs} for number in range(times)]
    finally:
        if not there:
            provider.down(name)
    lines = ["## Right submissions, again and again", ""]
    lines += ["| lab | submissions | times | seconds a time | full marks | grades unlike the first time's |"]
    lines += ["|---|---|---|---|---|---|"]
    odd: list[str] = []
    for lab in labs:
        first = rounds[0][lab][1]
        short, unlike = 0, 0
        for number, found in enumerate(rounds, 1):
            grades = found[lab][1]
            lost = [who for who, grade in grades.items() if grade[1] != grade[2]]
            differ = [who for who in grades.keys() | first.keys() if grades.get(who) != first.get(who)]
            short, unlike = short + len(lost), unlike + len(differ)
            odd += [f"- {lab}, time {number}, {who}: {_in_words(grades.get(who))}" for who in sorted({*lost, *differ})]
        took = sorted(found[lab][0] for found in rounds)
        number = times * len(first)
        lines.append(
            f"| {lab} | {len(first)} | {times} | {took[0]:.0f} / {took[len(took) // 2]:.0f} / {took[-1]:.0f} "
            f"| {number - short} of {number} | {unlike} |"
        )
    return [*lines, *(["", *odd] if odd else [])], not odd


def _grade(cluster: str, lab: str, number: int) -> tuple[float, Grades]:
    """Seconds and grades of the whole class, once."""
    with tempfile.TemporaryDirectory() as folder:
        base = Path(folder)
        for case in RIGHT:
            if case.lab == lab:
                case.write(base / "class")
        argv = [sys.executable, "-m", "k8s_tutor", "grade", str(base / "class"), "--lab", lab, "--exit-zero"]
        argv += ["--cluster", cluster, f"--report=json={base / 'out.json'}"]
        began = time.perf_counter()
        subprocess.run(argv, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=True)
        took = time.perf_counter() - began
        grades = {each["student"]: told(each) for each in json.loads((base / "out.json").read_text())["students"]}
    full = sum(grade[1] == grade[2] for grade in grades.values())
    print(f"bench: {lab}, time {number}: {took:.0f} s, full marks {full} of {len(grades)}", file=sys.stderr, flush=True)
    return took, grades


def _in_words(grade: tuple[object, ...] | None) -> str:
    if grade is None:
        return "not graded"
    result, score, most, verdicts = grade
    assert isinstance(verdicts, tuple)
    return f"{result}, {score} of {most}: {', '.join(f'{name} {told}' for name, told in verdicts if told != 'pass')}"


def told(student: Mapping[str, object]) -> tuple[object, ...]:
    """A grade, of a student in a JSON report: status, points, most points, each check's verdict."""
    checks = student["checks"]
    assert isinstance(checks, list)
    verdicts = tuple((check["id"], check["status"]) for check in checks)
    return student["result"], student["score"], student["max_score"], verdicts


if __name__ == "__main__":
    raise SystemExit(main())
