"""A learner of the scripts' own: a home folder that shows nothing of the machine's user, and a cluster in it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

CLUSTER = "tutor"


def environment(home: Path) -> dict[str, str]:
    """The whole environment of a new learner in ``home``; binaries and images come from this machine's cache."""
    from k8s_tutor import paths

    return {
        "HOME": str(home),
        "XDG_CACHE_HOME": str(paths.cache_dir().parent),
        "XDG_STATE_HOME": str(home / "state"),
        "XDG_CONFIG_HOME": str(home / "config"),
        "K8S_TUTOR_HOME": str(home / "k8s-tutor"),
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
        "LANG": "C.UTF-8",
        "TERM": "xterm-256color",
        "COLORTERM": "truecolor",
        "SHELL": "/bin/bash",
        "TZ": "UTC",
        # Where the scripts run from a checkout, that checkout is what they show.
        "PYTHONPATH": str(Path(__file__).resolve().parents[2]),
    }


def take_down(variables: dict[str, str]) -> None:
    """Remove the learner's cluster, if there is one. Raises CalledProcessError when it cannot be."""
    command = [sys.executable, "-m", "k8s_tutor", "cluster", "down", "--name", CLUSTER]
    subprocess.run(command, env=variables, check=True, stdout=sys.stderr, timeout=120)
