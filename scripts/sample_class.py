"""Make docs/sample-class: a class of the tests' own submissions, graded on a real cluster, in every report.

    .venv/bin/python scripts/sample_class.py NAME      the name of a cluster of `k8s-tutor cluster`

The page is photographed in a real browser where there is one (Chromium).
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "tests" / "cluster")]

from corpus import Case  # noqa: E402
from corpus_hostile import HOSTILE  # noqa: E402
from corpus_right import RIGHT  # noqa: E402
from corpus_wrong import WRONG  # noqa: E402

STUDENTS = {
    "ada": "lesson-by-command", "ben": "scaled-by-manifest", "chiara": "service-by-file", "dana": "scaled-to-nine",
    "emil": "target-port-8080", "fatma": "never-exposed", "george": "short-words", "hana": "misspelt-tag",
    "ivan": "bare-pod-brought-back", "jo": "shell-in-a-command", "kim": "every-command-told",
    "lea": "selector-misspelt",
    "max": "wrong-strategy", "nora": "deployment-as-json", "otto": "takes-an-address", "pia": "faithful-to-one-pod",
}  # fmt: skip
REPORTS = {
    "json": "grades.json", "csv": "grades.csv", "html": "grades.html", "markdown": "grades.md", "junit": "junit.xml",
    "github": "annotations.txt", "github-summary": "summary.md", "gradescope": "gradescope/{student}.json",
    "classroom50": "classroom50/{student}.json", "check50": "check50/{student}.json",
    "github-autograding": "autograding/{student}.json",
}  # fmt: skip
FEW = ("ada", "dana")
"""Of the documents for one student, these two show all there is to see."""


def main() -> int:
    cases = {case.name: case for case in (*RIGHT, *WRONG, *HOSTILE) if case.lab == "lab2"}
    target = ROOT / "docs" / "sample-class"
    with tempfile.TemporaryDirectory() as name:
        base = Path(name)
        for student, case in STUDENTS.items():
            Case(student, "lab2", cases[case].files).write(base / "class")
        rows = [f"{student.capitalize()},{student},{'AB'[number % 2]}" for number, student in enumerate(STUDENTS)]
        (base / "roster.csv").write_text("\n".join(["name,username,section", *rows, "Quinn,quinn,A", ""]))
        argv = [sys.executable, "-m", "k8s_tutor", "grade", str(base / "class"), "--lab", "lab2", "--exit-zero"]
        argv += ["--cluster", sys.argv[1], "--roster", str(base / "roster.csv")]
        argv += [f"--report={kind}={base / 'out' / file}" for kind, file in REPORTS.items()]
        subprocess.run(argv, check=True, cwd=ROOT)
        for folder in (each for each in (base / "out").iterdir() if each.is_dir()):
            for file in folder.iterdir():
                if file.stem not in FEW:
                    file.unlink()
        shutil.rmtree(target, ignore_errors=True)
        shutil.copytree(base / "out", target)
    browser = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if browser is None:
        print("there is no Chromium: no picture", file=sys.stderr)
        return 0
    picture = target / "grades.png"
    argv = [browser, "--headless", "--no-sandbox", "--hide-scrollbars", "--window-size=1400,1500"]
    subprocess.run(
        [*argv, f"--screenshot={picture}", (target / "grades.html").as_uri()], check=True, capture_output=True
    )
    if shutil.which("pngquant"):
        subprocess.run(["pngquant", "--force", "--ext", ".png", "--speed", "1", str(picture)], check=True)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
