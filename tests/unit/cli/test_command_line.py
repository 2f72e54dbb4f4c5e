from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from k8s_tutor import __version__
from k8s_tutor.cli import main as cli
from k8s_tutor.errors import ClusterError, LabError, UsageError

HEAVY = {"kubernetes", "yaml", "jsonschema", "textual", "rich", "asyncio"}


@pytest.fixture(autouse=True)
def _own_folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.setenv("K8S_TUTOR_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("KUBECONFIG", str(tmp_path / "none"))


def modules_after(tmp_path: Path, *argv: str) -> tuple[int, set[str]]:
    """The exit code of a command in a process of its own, and the modules that it had loaded at its end."""
    code = (
        "import json, sys\n"
        "from k8s_tutor.cli.main import main\n"
        "code = main(sys.argv[1:])\n"
        "print(json.dumps(sorted(sys.modules)), file=sys.stderr)\n"
        "raise SystemExit(code)"
    )
    env = {**os.environ, "XDG_STATE_HOME": str(tmp_path), "K8S_TUTOR_HOME": str(tmp_path / "home")}
    ran = subprocess.run(
        [sys.executable, "-c", code, *argv], capture_output=True, text=True, env=env, check=False, timeout=60
    )
    return ran.returncode, set(json.loads(ran.stderr.strip().splitlines()[-1]))


@pytest.mark.parametrize("argv", [("--version",), ("--help",), ("check", "--help"), ("nonsense",)])
def test_what_must_be_quick_loads_nothing_heavy(tmp_path: Path, argv: tuple[str, ...]):
    _, modules = modules_after(tmp_path, *argv)
    assert not {name.partition(".")[0] for name in modules} & HEAVY
    assert not any(name.startswith("k8s_tutor.session") for name in modules)


@pytest.mark.parametrize(
    "argv",
    [
        ("labs",),
        ("lesson", "lab1"),
        ("hint", "lab1"),
        ("check", "lab1", "--output", "junit"),
        ("check", "lab2", "--output", "json"),
        ("solve", "lab1"),
        ("reset", "lab1", "--yes"),
        ("answer", "lab1", "pod-ip", "10.0.0.1"),
        ("lab", "test", "lab1"),
        ("lab", "lint", "lab1"),
        ("cluster", "list"),
        ("cluster", "status"),
        ("env",),
        ("tutor",),
    ],
)
def test_no_command_but_the_tutor_on_a_terminal_loads_textual(tmp_path: Path, argv: tuple[str, ...]):
    _, modules = modules_after(tmp_path, *argv)
    names = {name.partition(".")[0] for name in modules}
    assert "textual" not in names
    assert "kubernetes" not in names


def test_the_version_is_one_line_on_stdout(capsys: pytest.CaptureFixture[str]):
    assert cli.main(["--version"]) == 0
    assert capsys.readouterr().out == f"k8s-tutor {__version__}\n"


@pytest.mark.parametrize(
    "argv",
    [["nonsense"], ["check"], ["check", "lab1", "--output", "xml"], ["check", "lab1", "--timeout", "-1"],
     ["cluster"], ["cluster", "up", "--nodes", "0"], ["check", "lab1", "--cluster", "a", "--context", "b"], ["lab"]],
)  # fmt: skip
def test_wrong_usage_is_exit_2_with_a_remedy_on_stderr(argv: list[str], capsys: pytest.CaptureFixture[str]):
    assert cli.main(argv) == 2
    said = capsys.readouterr()
    assert said.out == ""
    assert "error: " in said.err
    assert "remedy: " in said.err


def test_an_unknown_lab_and_step_are_exit_2(capsys: pytest.CaptureFixture[str]):
    assert cli.main(["check", "lab99"]) == 2
    assert "lab1" in capsys.readouterr().err
    assert cli.main(["lesson", "lab1", "--step", "99"]) == 2
    assert "write" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (UsageError("used wrongly", remedy="do so"), 2),
        (LabError("broken", file="lab.yaml", line=3), 2),
        (ClusterError("gone", remedy="k8s-tutor cluster up"), 3),
        (KeyboardInterrupt(), 130),
        (BrokenPipeError(), 0),
        (PermissionError(13, "Permission denied", "/some/file"), 3),
    ],
)
def test_each_error_has_its_exit_code(error: BaseException, code: int, capfd, monkeypatch):
    def broken(_options: object) -> int:
        raise error

    kept = os.dup(1)
    monkeypatch.setattr("k8s_tutor.cli.labs.labs", broken)
    try:
        assert cli.main(["labs"]) == code
    finally:
        os.dup2(kept, 1)
        os.close(kept)
    said = capfd.readouterr().err
    assert "Traceback" not in said
    if code in (2, 3):
        assert said.startswith("error: ")


def test_without_a_cluster_check_is_exit_3_and_names_the_command_that_makes_one(capsys):
    assert cli.main(["check", "lab1"]) == 3
    said = capsys.readouterr()
    assert said.out == ""
    assert "error: no cluster" in said.err
    assert "remedy: k8s-tutor cluster up" in said.err


@pytest.mark.parametrize("output", ["json", "junit"])
def test_without_a_cluster_the_report_is_written_all_the_same(output: str, tmp_path: Path, capsys):
    assert cli.main(["check", "lab1", "--output", output, "--report-file", str(tmp_path / "deep" / "r")]) == 3
    assert capsys.readouterr().out == ""
    text = (tmp_path / "deep" / "r").read_text()
    if output == "json":
        document = json.loads(text)
        assert document["exit_code"] == 3
        assert document["result"] == "error"
        assert {row["id"] for row in document["checks"]} >= {"pod-file", "pod-ready"}
        assert not any(row["status"] == "pass" for row in document["checks"])
    else:
        assert text.startswith('<?xml version="1.0" encoding="UTF-8"?>\n<testsuites')


def test_a_reader_that_goes_away_is_no_error(tmp_path: Path):
    env = {**os.environ, "XDG_STATE_HOME": str(tmp_path)}
    argv = [sys.executable, "-m", "k8s_tutor", "lesson", "lab1"]
    process = subprocess.Popen(argv, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=env)
    assert process.stdout is not None
    process.stdout.close()
    _, err = process.communicate(timeout=30)
    assert err == b""


def test_the_tutor_without_a_terminal_says_what_works_instead(capsys):
    assert cli.main([]) == 2
    assert "k8s-tutor check" in capsys.readouterr().err


def test_a_lesson_is_plain_text_with_manifest_callouts_and_questions(capsys):
    assert cli.main(["lesson", "lab1"]) == 0
    text = capsys.readouterr().out
    assert "\x1b" not in text
    assert "kind: Pod" in text
    assert "[1] " in text
    assert "k8s-tutor answer lab1 pod-ip" in text


def test_labs_as_json(capsys):
    assert cli.main(["labs", "--output", "json"]) == 0
    assert [row["id"] for row in json.loads(capsys.readouterr().out)][:2] == ["lab1", "lab2"]


def test_hints_go_on_where_they_were(capsys):
    for number in (1, 2):
        assert cli.main(["hint", "lab1", "--step", "apply"]) == 0
        assert f"hint {number} of " in capsys.readouterr().out


def test_an_answer_lands_in_the_workspace(tmp_path: Path, capsys):
    assert cli.main(["answer", "lab1", "pod-ip", "10.0.0.9"]) == 0
    assert 'pod-ip: "10.0.0.9"' in (tmp_path / "home" / "lab1" / "answers.yaml").read_text()
    assert cli.main(["answer", "lab1", "no-such", "x"]) == 2
    assert "pod-ip" in capsys.readouterr().err


def test_shipped_labs_have_no_lint(capsys):
    for lab in ("lab1", "lab2"):
        assert cli.main(["lab", "lint", lab]) == 0, capsys.readouterr().out


def test_lint_says_file_and_line_and_is_exit_2(tmp_path: Path, capsys):
    (tmp_path / "lab.yaml").write_text("id: x\ntitle: t\nsummary: s\nminutes: many\nsteps: []\n")
    assert cli.main(["lab", "lint", str(tmp_path)]) == 2
    assert "lab.yaml:4:" in capsys.readouterr().out


def test_reset_without_a_terminal_asks_for_yes(capsys, monkeypatch):
    monkeypatch.setattr("k8s_tutor.session.places.find_cluster", lambda *_args: object())
    assert cli.main(["reset", "lab1"]) == 2
    assert "--yes" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("missing", "user", "said"), [(True, 0, "pip install 'k8s-tutor[serve]'"), (False, 1000, "only root can serve")]
)
def test_serve_says_what_it_lacks(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], missing: bool, user: int, said: str
) -> None:
    from k8s_tutor.serving import pages

    monkeypatch.setattr(pages, "installed", lambda: not missing)
    monkeypatch.setattr(os, "geteuid", lambda: user)
    assert cli.main(["serve"]) == 3
    assert said in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "run", "name"),
    [
        (["serve", "--name", "a", "link", "Anna"], "serve:link", "a"),
        (["serve", "link", "Anna", "--name", "a"], "serve:link", "a"),
        (["serve", "down"], "serve:down", None),
        (["serve", "--name", "a"], "serve:run", "a"),
    ],
)
def test_an_option_of_serve_holds_wherever_it_stands(arguments: list[str], run: str, name: str | None) -> None:
    options = cli.parser().parse_args(arguments)
    assert (options.run, options.name) == (run, name)


@pytest.mark.parametrize(
    "arguments", [["--learners", "0"], ["--learners", "61"], ["--port", "0"], ["--hours", "0.1"], ["--host", "0.0.0.0"]]
)
def test_serve_refuses_what_cannot_be(monkeypatch: pytest.MonkeyPatch, arguments: list[str]) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    assert cli.main(["serve", *arguments]) == 2


def test_no_link_before_anything_was_served(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    assert cli.main(["serve", "link", "Anna", "--name", "a"]) == 2
    assert "no learner 'Anna'" in capsys.readouterr().err
