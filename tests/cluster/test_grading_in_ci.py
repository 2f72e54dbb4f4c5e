"""Where grading plugs in: the pytest plugin, and the lines of the GitHub Action and the GitLab template, for real."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from corpus import POD, Case, lab1

from k8s_tutor.clusters.provider import Cluster

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A class of two: one right, one with a label of another app."""
    Case("ada", "lab1", lab1("x").files).write(tmp_path / "class")
    Case("ben", "lab1", lab1("x", POD.replace("app: nginx", "app: web")).files).write(tmp_path / "class")
    return tmp_path


def run(script: str, folder: Path, environment: dict[str, str]) -> subprocess.CompletedProcess[str]:
    """A script as a runner runs it: bash -e -o pipefail, with the installed program where the script looks for it."""
    return subprocess.run(
        ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", script],
        cwd=folder,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )


def program(place: Path) -> None:
    """``k8s-tutor`` of this checkout."""
    place.parent.mkdir(parents=True)
    place.write_text(f'#!/bin/sh\nexec {sys.executable} -m k8s_tutor "$@"\n')
    place.chmod(0o755)


def test_the_action_annotates_sums_up_and_gives_its_outputs(cluster: Cluster, folder: Path) -> None:
    """Its grading step, word for word, as the runner would run it."""
    action = yaml.safe_load((ROOT / "action.yml").read_text())
    step = next(each for each in action["runs"]["steps"] if each.get("id") == "grade")
    inputs = {name: str(each["default"]) for name, each in action["inputs"].items()}
    given = {**inputs, "path": "class", "lab": "lab1", "arguments": f"--cluster\n{cluster.name}\n--exit-zero"}
    environment = {
        name: given[text.removeprefix("${{ inputs.").removesuffix(" }}")] for name, text in step["env"].items()
    }
    program(folder / "temp/k8s-tutor/bin/k8s-tutor")
    places = {name: folder / name.lower() for name in ("GITHUB_STEP_SUMMARY", "GITHUB_OUTPUT")}
    environment |= {"RUNNER_TEMP": str(folder / "temp"), "GITHUB_ACTIONS": "true"}
    done = run(step["run"], folder, {**environment, **{name: str(place) for name, place in places.items()}})
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    file = "class/ben/lab1/nginx-pod.yaml"  # GitHub shows it beside the line
    assert (folder / file).is_file()
    (error,) = [line for line in lines if line.startswith(f"::error file={file},line=6,title=pod-file%3A ")]
    assert "1 student: ben%0A" in error and "the label app is web, not nginx" in error
    assert "::notice title=k8s-tutor lab1::2 students: 1 pass, 1 fail" in lines
    outputs = dict(line.split("=", 1) for line in places["GITHUB_OUTPUT"].read_text().splitlines())
    assert outputs == {"score": "21", "max_score": "22", "passed": "1", "failed": "1", "errors": "0", "result": "fail"}
    assert set(outputs) == set(action["outputs"])
    summary = places["GITHUB_STEP_SUMMARY"].read_text()
    assert summary.startswith("### ") and "| ✗ | ben | 10/11 |" in summary
    assert "<testsuites" in (folder / "k8s-tutor/junit.xml").read_text()


def test_the_gitlab_template_writes_what_its_artifacts_name(cluster: Cluster, folder: Path) -> None:
    """Its script, word for word; a failing student fails the job, and the reports are there."""
    job = yaml.safe_load((ROOT / "ci/gitlab-grade.yml").read_text())[".k8s-tutor-grade"]
    program(folder / ".k8s-tutor-venv/bin/k8s-tutor")
    variables = {**job["variables"], "K8S_TUTOR_PATH": "class", "K8S_TUTOR_ARGUMENTS": f"--cluster {cluster.name}"}
    done = run("\n".join(job["script"]), folder, variables)
    assert done.returncode == 1, done.stderr
    assert (folder / job["artifacts"]["reports"]["junit"]).is_file()
    assert {each.suffix for each in (folder / "k8s-tutor").iterdir()} == {".xml", ".html", ".csv"}


def test_pytest_has_a_case_for_each_check(cluster: Cluster, folder: Path) -> None:
    """One fails, with its finding and no traceback; JUnit of pytest's own has all of them."""
    argv = [sys.executable, "-m", "pytest", "-p", "k8s_tutor.pytest_plugin", "-p", "no:cacheprovider", "-q"]
    options = ["--k8s-lab", "lab1", "--k8s-cluster", cluster.name, f"--junitxml={folder / 'out.xml'}"]
    environment = {**os.environ, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1", "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        [*argv, *options, str(folder / "class")],
        cwd=folder, env=environment, capture_output=True, text=True, timeout=300, check=False,
    )  # fmt: skip
    assert done.returncode == 1, done.stdout
    assert "1 failed, 21 passed" in done.stdout
    assert "the label app is web, not nginx" in done.stdout and "Traceback" not in done.stdout
    assert (folder / "out.xml").read_text().count("<testcase") == 22
    unknown = subprocess.run(
        [*argv, "--k8s-lab", "lab9", str(folder / "class")],
        cwd=folder, env=environment, capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert unknown.returncode == 4 and "there is no lab named 'lab9'" in unknown.stderr


def test_without_its_option_the_plugin_is_not_noticed(tmp_path: Path) -> None:
    """Other people's tests are collected as ever."""
    (tmp_path / "test_x.py").write_text("def test_x():\n    pass\n")
    script = (
        "import sys, pytest; code = pytest.main(['-q', '-p', 'k8s_tutor.pytest_plugin', sys.argv[1]]); "
        "print(sorted(name for name in sys.modules if name.startswith('k8s_tutor'))); sys.exit(code)"
    )
    environment = {**os.environ, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1", "PYTHONPATH": str(ROOT)}
    argv = [sys.executable, "-c", script, str(tmp_path)]
    done = subprocess.run(argv, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0 and "1 passed" in done.stdout, done.stdout
    assert done.stdout.splitlines()[-1] == "['k8s_tutor', 'k8s_tutor.pytest_plugin']"
