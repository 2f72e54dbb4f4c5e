from __future__ import annotations

import os
import pty
import select
import shutil
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from k8s_tutor import paths
from k8s_tutor.clusters.provider import Cluster
from k8s_tutor.session.shell import cluster_shell, learner_shell

DEADLINE = 30.0
KUBECTL = """#!/bin/sh
if [ "$1" = completion ]; then
  echo "asked for $2" >>"$HOME/asked"
  case $2 in
    bash) echo '__start_kubectl() { COMPREPLY=(rollout-by-tab); }; complete -o default -F __start_kubectl kubectl' ;;
    zsh) echo 'compdef _kubectl kubectl; _kubectl() { compadd rollout-by-tab; }' ;;
    fish) echo 'complete -c kubectl -f -a rollout-by-tab' ;;
  esac
  exit
fi
echo "ours $*"
"""


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty home, and a kubectl that tells what it is asked."""
    found = tmp_path / "home"
    found.mkdir()
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "kubectl").write_text(KUBECTL)
    (tmp_path / "bin" / "kubectl").chmod(0o755)
    (found / "k8s-tutor" / "lab2" / "sub").mkdir(parents=True)
    for name in ("XDG_STATE_HOME", "XDG_CACHE_HOME", "K8S_TUTOR_HOME", "PROMPT_COMMAND", "ZDOTDIR"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(found))
    monkeypatch.setenv("SHELL", "/bin/bash")
    return found


class Session:
    """A shell on a terminal, spoken to line by line."""

    def __init__(self, argv: list[str], env: dict[str, str], cwd: Path) -> None:
        self.pid, self.master = pty.fork()
        if self.pid == 0:
            os.chdir(cwd)
            os.execvpe(argv[0], argv, env)
        self.shown = ""

    def wait(self, text: str) -> str:
        """Read until ``text`` was written; what came with it."""
        end = time.monotonic() + DEADLINE
        while text not in self.shown:
            ready, _, _ = select.select([self.master], [], [], max(0.0, end - time.monotonic()))
            assert ready, f"{text!r} not in {self.shown!r}"
            self.shown += os.read(self.master, 65536).decode(errors="replace").replace("\r", "")
        came, _, self.shown = self.shown.partition(text)
        return came

    def type(self, text: str) -> None:
        os.write(self.master, text.encode())

    def until(self, condition: Callable[[], bool]) -> None:
        """Read on until a fact is there: a program whose screen nobody reads stops."""
        end = time.monotonic() + DEADLINE
        while not condition():
            assert time.monotonic() < end, repr(self.shown)
            if select.select([self.master], [], [], 0.05)[0]:
                self.shown += os.read(self.master, 65536).decode(errors="replace").replace("\r", "")

    def ask(self, line: str, answer: str) -> None:
        """Run a line; its output must hold ``answer``."""
        self.type(line + "\n")
        self.wait("\n")
        self.wait(answer)

    def close(self) -> None:
        os.close(self.master)
        os.kill(self.pid, signal.SIGKILL)
        os.waitpid(self.pid, 0)


@pytest.fixture
def shell(tmp_path: Path, home: Path) -> Iterator[Session]:
    (home / ".bashrc").write_text(
        "alias mine='echo my own alias'\nexport PATH=/usr/bin:/bin KUBECONFIG=/wrong\nPS1='>>'\n"
    )
    workspace = home / "k8s-tutor" / "lab2"
    argv, env = learner_shell(tmp_path / "kc.yaml", tmp_path / "bin", workspace, None, "lab2")
    session = Session(argv, env, workspace)
    yield session
    session.close()


def prompt(where: str) -> str:
    return f"\x1b[36m{where}\x1b[0m $ "


def test_a_real_bash(shell: Session, tmp_path: Path, home: Path) -> None:
    shell.wait(prompt("~/lab2"))
    shell.ask("echo $KUBECONFIG", str(tmp_path / "kc.yaml"))
    shell.ask("k get pods", "ours get pods")
    shell.ask("mine", "my own alias")
    shell.ask("echo $TERM $COLORTERM", "xterm-256color truecolor")
    shell.ask("false", prompt("~/lab2"))
    shell.ask("echo status=$?", "status=1")
    shell.ask("cd sub", prompt("~/lab2/sub"))
    shell.ask("cd ~", prompt("~"))
    shell.ask("cd /usr", prompt("/usr"))
    shell.ask('mkdir -p "$HOME/\\$(touch evil)"; cd "$HOME/\\$(touch evil)"', prompt("~/$(touch evil)"))
    assert not list(home.rglob("evil"))
    assert not (home / "asked").exists(), "completion is made at the first Tab"
    shell.type("k get \t")
    shell.wait("rollout-by-tab")
    shell.ask("", "ours get rollout-by-tab")
    shell.wait(prompt("~/$(touch evil)"))
    shell.type("kubectl get \t")
    shell.wait("rollout-by-tab")
    assert (home / "asked").read_text() == "asked for bash\n"
    assert len(list((paths.state_dir() / "shell" / "completion").iterdir())) == 1


def test_the_users_prompt_command_and_history_stay(tmp_path: Path, home: Path) -> None:
    (home / ".bashrc").write_text("PROMPT_COMMAND='echo theirs'\n")
    argv, env = learner_shell(tmp_path / "kc.yaml", None, home, None, "lab1")
    session = Session(argv, env, home)
    session.wait("theirs")
    session.wait(prompt("~/lab1"))
    session.ask("echo $HISTFILE", str(home / ".bash_history"))
    session.close()


def test_the_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("TMUX", "TMUX_PANE", "LINES", "COLUMNS"):
        monkeypatch.setenv(name, "1")
    monkeypatch.setenv("PATH", "/usr/bin:/bin")
    monkeypatch.setenv("MINE", "kept")
    _, env = learner_shell(tmp_path / "kc.yaml", tmp_path / "bin", tmp_path, None, "lab$(x)\n2")
    assert not {"TMUX", "TMUX_PANE", "LINES", "COLUMNS"} & set(env)
    assert env["PATH"] == f"{tmp_path}/bin:/usr/bin:/bin"
    assert env["KUBECONFIG"] == str(tmp_path / "kc.yaml")
    assert env["MINE"] == "kept"
    assert env["K8S_TUTOR_LABEL"] == "labx2", "nothing that a prompt could expand"


@pytest.mark.parametrize(("own", "program"), [("/usr/bin/tcsh", "bash"), ("", "bash"), ("/no/such/zsh", "bash")])
def test_another_shell_gives_bash(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, own: str, program: str) -> None:
    monkeypatch.setenv("SHELL", own)
    argv, _ = learner_shell(tmp_path / "kc", None, tmp_path, None, "lab1")
    assert Path(argv[0]).name == program
    assert argv[1:] == ["--rcfile", str(paths.state_dir() / "shell" / "bashrc"), "-i"]
    assert (paths.state_dir() / "shell" / "bashrc").stat().st_mode & 0o777 == 0o600


def test_zsh_gets_files_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    zsh = tmp_path / "bin" / "zsh"
    zsh.write_text("#!/bin/sh\n")
    zsh.chmod(0o755)
    monkeypatch.setenv("SHELL", str(zsh))
    monkeypatch.setenv("ZDOTDIR", "/their/own")
    argv, env = learner_shell(tmp_path / "kc", None, tmp_path, None, "lab1")
    assert argv == [str(zsh), "-i"]
    assert env["K8S_TUTOR_ZDOTDIR"] == "/their/own"
    folder = Path(env["ZDOTDIR"])
    assert {".zshenv", ".zshrc"} == {file.name for file in folder.iterdir()}
    assert "alias k=kubectl" in (folder / ".zshrc").read_text()


@pytest.mark.parametrize(("name", "own"), [("zsh", ".zshrc"), ("fish", ".config/fish/config.fish")])
def test_a_real_zsh_and_a_real_fish(
    tmp_path: Path, home: Path, monkeypatch: pytest.MonkeyPatch, name: str, own: str
) -> None:
    """The user's own files are read, then ours: kubeconfig, PATH, prompt, alias, completion made at the first Tab."""
    program = shutil.which(name)
    assert program is not None, f"{name} is not installed"
    (home / own).parent.mkdir(parents=True, exist_ok=True)
    wrong = "set -gx KUBECONFIG /wrong" if name == "fish" else "KUBECONFIG=/wrong; PROMPT='>>'"
    (home / own).write_text(f"alias mine='echo my own alias'\n{wrong}\n")
    monkeypatch.setenv("SHELL", program)
    monkeypatch.delenv("XDG_CONFIG_HOME", raising=False)
    monkeypatch.delenv("XDG_DATA_HOME", raising=False)
    workspace = home / "k8s-tutor" / "lab2"
    argv, env = learner_shell(tmp_path / "kc.yaml", tmp_path / "bin", workspace, None, "lab2")
    session = Session(argv, env, workspace)
    told = tmp_path / "told"
    out = tmp_path / "out"

    def run(line: str, *keys: str) -> str:
        """What a line wrote; these shells paint their screen again and again, so it is read from a file."""
        out.unlink(missing_ok=True)
        told.unlink(missing_ok=True)
        session.type(line)
        for key in keys:
            session.type(key)
        session.type(f" >{out}; touch {told}\r")
        session.until(told.exists)
        return out.read_text()

    session.wait("~/lab2")
    assert run("echo $KUBECONFIG").strip() == str(tmp_path / "kc.yaml")
    assert run("k get pods") == "ours get pods\n"
    assert run("mine") == "my own alias\n"
    assert not (home / "asked").exists(), "completion is made at the first Tab"
    session.shown = ""
    session.type("k get ro\t")
    session.until(lambda: "rollout-by-tab" in session.shown)
    assert run("") == "ours get rollout-by-tab\n"
    session.shown = ""
    session.type("kubectl get ro\t")
    session.until(lambda: "rollout-by-tab" in session.shown)
    assert run("") == "ours get rollout-by-tab\n"
    assert (home / "asked").read_text() == f"asked for {name}\n"
    session.shown = ""
    session.type("mkdir 'a b'; cd 'a b'\r")
    session.until(lambda: "~/lab2/a b" in session.shown)
    session.close()


def test_kubectl_edit_finds_an_editor(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("EDITOR", "KUBE_EDITOR", "VISUAL"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))

    def editor() -> str | None:
        return learner_shell(tmp_path / "kc", None, tmp_path, None, "lab1")[1].get("KUBE_EDITOR")

    def install(name: str) -> None:
        (tmp_path / "bin" / name).write_text("#!/bin/sh\n")
        (tmp_path / "bin" / name).chmod(0o755)

    assert editor() is None, "none there"
    install("nano")
    assert editor() == "nano"
    monkeypatch.setenv("EDITOR", "ed")
    assert editor() is None, "the user's choice"
    monkeypatch.delenv("EDITOR")
    install("vi")
    assert editor() is None, "kubectl's own choice works"


def test_another_kubectl_has_another_completion(tmp_path: Path) -> None:
    def file() -> str:
        return learner_shell(tmp_path / "kc", tmp_path / "bin", tmp_path, None, "lab1")[1]["K8S_TUTOR_COMPLETION"]

    first = file()
    assert file() == first
    (tmp_path / "bin" / "kubectl").write_text(KUBECTL + "# another release\n")
    assert file() != first


def test_the_nodes_network_is_entered_by_root_only(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    here = Path("/proc/self/ns/net")
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    argv, _ = learner_shell(tmp_path / "kc", None, tmp_path, here, "lab1")
    assert Path(argv[0]).name == "nsenter"
    assert argv[1:3] == [f"--net={here}", "--"]
    assert Path(argv[3]).name == "bash"
    gone, _ = learner_shell(tmp_path / "kc", None, tmp_path, Path("/proc/0/ns/net"), "lab1")
    assert Path(gone[0]).name == "bash"
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    mine, _ = learner_shell(tmp_path / "kc", None, tmp_path, here, "lab1")
    assert Path(mine[0]).name == "bash"


def test_the_shell_of_a_cluster(tmp_path: Path) -> None:
    cluster = Cluster("tutor", "native", tmp_path / "kc", "learner", True, bin_dir=tmp_path / "bin")
    shell = cluster_shell(cluster, tmp_path)
    assert shell.cwd == tmp_path
    assert shell.env["K8S_TUTOR_LABEL"] == tmp_path.name
    assert shell.argv[-1] == "-i"
