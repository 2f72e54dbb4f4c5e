"""``--seed`` on the command line: once given it holds for the lab; and what is refused."""

from __future__ import annotations

from pathlib import Path

import pytest

from k8s_tutor.cli import main as cli
from k8s_tutor.labs.loader import load

SEED = "7f3a"
LAB1 = load("lab1", seed=SEED)
POD = str(LAB1.variant["pod"])


@pytest.fixture(autouse=True)
def _own_folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.setenv("K8S_TUTOR_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("KUBECONFIG", str(tmp_path / "none"))


def said(capsys: pytest.CaptureFixture[str], *argv: str, code: int = 0) -> str:
    assert cli.main(list(argv)) == code
    told = capsys.readouterr()
    return told.err if code in (2, 3) else told.out


def test_a_seed_holds_for_every_later_command(capsys: pytest.CaptureFixture[str]) -> None:
    assert POD != "nginx-pod"
    assert f"pod/{POD} created" in said(capsys, "lesson", "lab1", "--step", "apply", "--seed", SEED)
    assert f"pod/{POD} created" in said(capsys, "lesson", "lab1", "--step", "apply")
    # Said before the command, it is the same option.
    assert f"pod/{POD} created" in said(capsys, "--seed", SEED, "lesson", "lab1", "--step", "apply")
    said(capsys, "hint", "lab1", "--step", "same-pod")  # the first one is made of how things stand
    assert f"describe pod {POD}" in said(capsys, "hint", "lab1", "--step", "same-pod")
    assert "nginx-deployment" in said(capsys, "lesson", "lab2")
    assert "scale to ten" in said(capsys, "labs")


def test_what_is_handed_in_is_that_of_the_variant(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    said(capsys, "lesson", "lab1", "--seed", SEED)
    (tmp_path / "home/lab1").mkdir(parents=True)
    (tmp_path / "home/lab1/nginx-pod.yaml").write_text(LAB1.manifests[0].text)
    said(capsys, "answer", "lab1", "pod-ip", "10.0.0.1")
    told = said(capsys, "submit", "lab1")
    assert f"variant of seed {SEED}" in told and "1 commands" not in told
    made = tmp_path / "home/submission/lab1"
    assert f"name: {POD} " in (made / "nginx-pod.yaml").read_text()
    # The seed is the instructor's to know: it is in nothing that is handed in.
    assert not any(SEED in path.read_text() for path in made.iterdir())


@pytest.mark.parametrize(
    ("argv", "words"),
    [
        (("check", "lab1", "--seed", "other"), "you have begun lab1 in another variant"),
        (("solve", "lab1", "--seed", "other"), "reset lab1, and then with --seed other"),
        (("submit", "lab1", "--seed", "other"), "answers.yaml is in"),
        (("lesson", "lab1", "--seed", "a b"), "'a b' is no seed"),
        (("lab", "test", "lab1", "--seed", "a b"), "'a b' is no seed"),
        (("seeds", "lab1"), "--vary"),
    ],
)
def test_wrong_usage_is_exit_2(argv: tuple[str, ...], words: str, capsys: pytest.CaptureFixture[str]) -> None:
    said(capsys, "lesson", "lab1", "--seed", SEED)
    said(capsys, "answer", "lab1", "pod-ip", "10.0.0.1")
    assert words in said(capsys, *argv, code=2)
    assert f"pod/{POD} created" in said(capsys, "lesson", "lab1", "--step", "apply")


def test_the_tutor_takes_a_seed_for_a_lab_only(capsys: pytest.CaptureFixture[str], monkeypatch) -> None:
    opened = []
    # What the tutor sets for its own process would stay for all tests after this one.
    for name in ("gc.disable", "sys.setswitchinterval", "k8s_tutor.cli.tutor._collect"):
        monkeypatch.setattr(name, lambda *_: None)
    monkeypatch.setattr("sys.stdin.isatty", lambda: True, raising=False)
    monkeypatch.setattr("sys.stdout.isatty", lambda: True, raising=False)
    monkeypatch.setattr("k8s_tutor.ui.app.run", lambda *argv: opened.append(argv) or 0)
    assert "a seed is for one lab" in said(capsys, "--seed", SEED, code=2)
    assert cli.main(["--lab", "lab1", "--seed", SEED]) == 0
    assert cli.main(["tutor", "--lab", "lab1"]) == 0
    assert [argv[2] for argv in opened] == ["lab1", "lab1"]
    capsys.readouterr()
    assert f"pod/{POD} created" in said(capsys, "lesson", "lab1", "--step", "apply")
