"""The program as a learner meets it: in tmux, by real keys, on a cluster that the program itself brings up."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from k8s_tutor import paths

BIN = Path(sys.executable).parent


class Terminal:
    """One tmux session on a server of its own. ``screen`` is what a person would read."""

    def __init__(self, argv: list[str], environment: dict[str, str], folder: Path, width: int, height: int) -> None:
        self.socket = folder / "tmux.sock"
        self.log: list[str] = []
        pairs = [part for name, value in environment.items() for part in ("-e", f"{name}={value}")]
        self._tmux("-f", "/dev/null", "new-session", "-d", "-x", str(width), "-y", str(height), *pairs, *argv)
        self._tmux("set-option", "-g", "remain-on-exit", "on")

    def _tmux(self, *arguments: str) -> str:
        done = subprocess.run(["tmux", "-S", str(self.socket), *arguments], capture_output=True, text=True, timeout=20)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def screen(self) -> str:
        """The visible text."""
        return self._tmux("capture-pane", "-p")

    def keys(self, *names: str) -> None:
        """Press keys by tmux's names (``Enter``, ``F6``, ``n``)."""
        self.log.append(f"keys {names}")
        self._tmux("send-keys", *names)

    def type(self, text: str) -> None:
        """Type text as a person would, without Enter."""
        self.log.append(f"type {text!r}")
        self._tmux("send-keys", "-l", text)

    def wait(self, what: str | Callable[[str], bool], seconds: float = 30.0) -> str:
        """Wait until the screen shows a text (or satisfies a condition); the last screen is in the failure."""
        deadline = time.monotonic() + seconds
        screen = ""
        while time.monotonic() < deadline:
            screen = self.screen()
            if what(screen) if callable(what) else what in screen:
                return screen
            time.sleep(0.1)  # tmux tells nobody when its screen changes
        raise AssertionError(f"not on the screen within {seconds} s: {what!r}\nafter {self.log[-8:]}\n{screen}")

    def dead(self) -> bool:
        """Whether the program has ended."""
        return self._tmux("list-panes", "-F", "#{pane_dead}").strip() == "1"

    def close(self) -> None:
        """End the server and what still runs in it."""
        subprocess.run(["tmux", "-S", str(self.socket), "kill-server"], capture_output=True, timeout=20)


@pytest.fixture(scope="module")
def learner(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """The environment of a new learner: an empty home, with the cache of binaries and images that this machine has."""
    home = tmp_path_factory.mktemp("learner")
    environment = {
        "HOME": str(home),
        "XDG_CACHE_HOME": str(paths.cache_dir().parent),
        "XDG_STATE_HOME": str(home / "state"),
        "XDG_CONFIG_HOME": str(home / "config"),
        "K8S_TUTOR_HOME": str(home / "work"),
        "PATH": f"{BIN}:{os.environ['PATH']}",
        "LANG": "C.UTF-8",
        "TERM": "xterm-256color",
        "SHELL": "/bin/bash",
    }
    yield environment
    done = subprocess.run(
        [BIN / "k8s-tutor", "cluster", "down"], env={**os.environ, **environment}, capture_output=True, timeout=60
    )
    assert done.returncode == 0, done.stderr
    shutil.rmtree(home, ignore_errors=True)


@pytest.fixture
def terminal(learner: dict[str, str], tmp_path: Path) -> Iterator[Callable[..., Terminal]]:
    """Opens programs in terminals of a given size; all are closed at the end."""
    opened: list[Terminal] = []

    def start(*arguments: str, width: int = 160, height: int = 45) -> Terminal:
        folder = tmp_path / str(len(opened))
        folder.mkdir()
        opened.append(Terminal([str(BIN / "k8s-tutor"), *arguments], learner, folder, width, height))
        return opened[-1]

    yield start
    for one in opened:
        one.close()
