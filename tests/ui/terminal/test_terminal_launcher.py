from __future__ import annotations

import json
import os
import subprocess
import sys
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest
from terminal_desk import SHELL_ENV, until
from textual.app import App

from k8s_tutor import paths
from k8s_tutor.errors import EnvironmentFault, UsageError
from k8s_tutor.ui.terminal import launcher, library, selftest
from k8s_tutor.ui.terminal.launcher import Kind, TmuxPane, choose, run_suspended


@pytest.fixture
def no_tmux(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("TMUX", raising=False)


@pytest.fixture
def broken(monkeypatch: pytest.MonkeyPatch) -> None:
    """Another release of the library than this code is written for."""
    monkeypatch.setattr(library, "VERSION", "0.1.1")


def test_the_self_test_passes_here_and_is_remembered(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert selftest.verdict() == selftest.Verdict(True)
    record = paths.cache_dir() / "terminal" / f"selftest-{library.VERSION}.json"
    assert json.loads(record.read_text())["library"]
    monkeypatch.setattr(sys, "executable", "/no/such/python")
    assert selftest.verdict().works, "not tried a second time"
    record.write_text('{"library": {}}')
    again = selftest.verdict()
    assert not again.works, "tried again for another library"
    assert "could not be started" in again.why


@pytest.mark.parametrize(
    ("program", "why"),
    [
        ("import os; os.kill(os.getpid(), 11)", "crashed in its self-test (signal 11)"),
        ("raise SystemExit('rows: 1 instead of 2')", "rows: 1 instead of 2"),
        ("import no_such_module", "no_such_module"),
    ],
)
def test_a_failed_self_test_is_told_and_not_remembered(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, program: str, why: str
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    fake = tmp_path / "python"
    fake.write_text(f"#!{sys.executable}\n{program}\n")
    fake.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(fake))
    found = selftest.verdict()
    assert not found.works
    assert why in found.why
    assert os.listdir(tmp_path) == ["python"]


def test_a_wrong_expectation_ends_the_self_test() -> None:
    with pytest.raises(SystemExit, match="size of X: 1 instead of 2"):
        selftest._expect("size of X", 1, 2)


@pytest.mark.usefixtures("no_tmux")
def test_auto_is_embedded_where_that_works(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(launcher.VARIABLE, raising=False)
    assert choose().kind is Kind.EMBEDDED
    assert choose("embedded").kind is Kind.EMBEDDED


@pytest.mark.usefixtures("no_tmux", "broken")
def test_a_wrong_version_falls_back_to_the_whole_screen() -> None:
    mode = choose("auto")
    assert mode.kind is Kind.SUSPEND
    assert "pyghostty 0.1.3 is installed, the embedded terminal needs 0.1.1" in mode.why
    assert choose("embedded").kind is Kind.SUSPEND


@pytest.mark.usefixtures("broken")
def test_inside_tmux_the_fallback_is_a_pane(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TMUX", "/tmp/socket,1,0")
    assert choose("auto").kind is Kind.TMUX


@pytest.mark.usefixtures("no_tmux")
def test_the_setting_comes_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(launcher.VARIABLE, "suspend")
    assert choose().kind is Kind.SUSPEND
    monkeypatch.setenv(launcher.VARIABLE, "tmux")
    assert choose().kind is Kind.SUSPEND
    assert "not run inside tmux" in choose().why
    monkeypatch.setenv(launcher.VARIABLE, "windows")
    with pytest.raises(UsageError, match="auto, embedded, tmux, suspend") as caught:
        choose()
    assert caught.value.remedy


@pytest.fixture
def tmux(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """A tmux server of our own, as if the tutor ran in it; the command that talks to it."""
    command = ["tmux", "-L", f"k8s-tutor-test-{uuid.uuid4().hex[:8]}", "-f", "/dev/null"]
    monkeypatch.delenv("TMUX", raising=False)
    subprocess.run([*command, "new-session", "-d", "-x", "120", "-y", "20", "cat"], check=True)
    asked = [*command, "display-message", "-p", "#{socket_path},#{pid},0"]
    where = subprocess.run(asked, check=True, capture_output=True, text=True).stdout.strip()
    monkeypatch.setenv("TMUX", where)
    yield command
    subprocess.run([*command, "kill-server"], check=True)


async def test_a_tmux_pane_runs_the_shell_with_its_environment(tmux: list[str], tmp_path: Path) -> None:
    env = {**os.environ, "KUBECONFIG": "/some; touch evil", "TERM": "dumb"}
    # Arguments are arguments: no shell of tmux's reads them.
    shell = ("sh", "-c", 'echo "[$KUBECONFIG] [$TERM] [$PWD] [$1]"; exec sh -i', "sh", "$(touch evil); #{pane_id}")
    pane = TmuxPane.split(shell, env, tmp_path)

    def shown() -> str:
        asked = [*tmux, "capture-pane", "-p", "-J", "-t", pane.pane]
        return subprocess.run(asked, check=True, capture_output=True, text=True).stdout

    await until(lambda: "[/some; touch evil]" in shown(), shown)
    assert "[dumb]" not in shown(), "the terminal's name is tmux's to say"
    flat = shown().replace("\n", "")
    assert f"[{tmp_path}]" in flat
    assert "[$(touch evil); #{pane_id}]" in flat
    pane.insert("touch \\\n evil\n")
    await until(lambda: "touch evil" in shown().rpartition("]")[2], shown)
    assert os.listdir(tmp_path) == []
    pane.focus()
    assert pane.alive()
    pane.close()
    assert not pane.alive()
    pane.close()
    with pytest.raises(EnvironmentFault, match="tmux refused"):
        pane.focus()


async def test_suspend_is_refused_where_there_is_no_screen_to_give(tmp_path: Path) -> None:
    app: App[None] = App()
    async with app.run_test():
        with pytest.raises(EnvironmentFault) as caught:
            run_suspended(app, ("sh", "-c", "exit 0"), SHELL_ENV, tmp_path)
    assert caught.value.remedy == "k8s-tutor env"


def test_the_self_test_needs_no_textual() -> None:
    program = "import sys, k8s_tutor.ui.terminal.selftest as s; s._smoke(); sys.exit('textual' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", program], check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
