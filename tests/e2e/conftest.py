"""The program as a learner meets it: in tmux, by real keys, on a cluster that the program itself brings up."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import pytest
from learner import BIN, Learner, Terminal

from k8s_tutor import paths


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
        # The same on a machine with a container engine.
        "K8S_TUTOR_PROVIDER": "native",
        "PATH": f"{BIN}:{os.environ['PATH']}",
        "LANG": "C.UTF-8",
        "TERM": "xterm-256color",
        "SHELL": "/bin/bash",
    }
    # These tests go through home each time; going straight on is tried without a cluster (tests/ui).
    (home / "config" / "k8s-tutor").mkdir(parents=True)
    (home / "config" / "k8s-tutor" / "config.toml").write_text('start = "home"\n')
    yield environment
    done = subprocess.run(
        [BIN / "k8s-tutor", "cluster", "down"], env={**os.environ, **environment}, capture_output=True, timeout=60
    )
    assert done.returncode == 0, done.stderr
    shutil.rmtree(home, ignore_errors=True)


@pytest.fixture
def tutor(learner: dict[str, str], tmp_path: Path) -> Iterator[Callable[..., Learner]]:
    """Opens the tutor in a terminal of a given size, with a learner before it; all are closed at the end."""
    opened: list[Learner] = []

    def start(
        *arguments: str, width: int = 160, height: int = 45, environment: Mapping[str, str] | None = None
    ) -> Learner:
        folder = tmp_path / str(len(opened))
        folder.mkdir()
        whole = {**learner, **(environment or {})}
        terminal = Terminal([str(BIN / "k8s-tutor"), *arguments], whole, folder, width, height)
        opened.append(Learner(terminal, whole))
        return opened[-1]

    yield start
    for one in opened:
        one.terminal.close()
