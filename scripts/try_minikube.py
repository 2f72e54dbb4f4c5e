"""Try the minikube provider on a machine that has minikube: all it promises, on a cluster of its own.

    .venv/bin/python scripts/try_minikube.py [--nodes 2] [--archive images.tar] [--records FOLDER]

Makes the cluster ``try`` in state folders of its own, proves both labs, and removes it. Each claim is a line; exit 1
when one does not hold. ``--records`` writes down all that minikube printed: better fixtures than those that are there
(tests/fixtures/minikube/README.md).
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
NAME = "try"
TUTOR = [sys.executable, "-m", "k8s_tutor"]
CLUSTER = ["--name", NAME, "--provider", "minikube"]
LAB = ["--cluster", NAME, "--provider", "minikube"]
_RECORDER = """#!{python} -IS
import os, subprocess, sys, time
begin = os.path.join({folder!r}, "%d-%s" % (time.time_ns(), sys.argv[1] if len(sys.argv) > 1 else "none"))
with open(begin + ".argv", "w") as file:
    file.write("\\n".join(sys.argv[1:]) + "\\n")
child = subprocess.Popen([{program!r}, *sys.argv[1:]], stdout=subprocess.PIPE)
with open(begin + ".out", "wb") as file:
    for line in child.stdout:
        file.write(line)
        file.flush()
        sys.stdout.buffer.write(line)
        sys.stdout.buffer.flush()
code = child.wait()
with open(begin + ".code", "w") as file:
    file.write(str(code) + "\\n")
sys.exit(code)
"""


class Trial:
    """Runs the tutor's own commands, and says of each claim whether it holds."""

    def __init__(self, env: dict[str, str]) -> None:
        self.env = env
        self.failed = 0

    def run(self, argv: Sequence[str], seconds: float = 600.0) -> subprocess.CompletedProcess[str]:
        """Run a command to its end; its words are kept."""
        return subprocess.run(
            argv, env=self.env, cwd=ROOT, capture_output=True, text=True, timeout=seconds, check=False,
            stdin=subprocess.DEVNULL,
        )  # fmt: skip

    def claim(self, what: str, holds: bool, seen: str = "") -> bool:
        """Tell one claim."""
        print(f"{'ok  ' if holds else 'FAIL'}  {what}" + ("" if holds else f": {seen.strip()[-600:]}"), flush=True)
        self.failed += not holds
        return holds

    def tutor(self, what: str, *words: str, seconds: float = 600.0, code: int = 0) -> str:
        """Run the tutor; the claim is that it ends with this code. What it printed."""
        began = time.monotonic()
        ran = self.run([*TUTOR, *words], seconds)
        self.claim(f"{what} ({time.monotonic() - began:.1f} s)", ran.returncode == code, ran.stdout + ran.stderr)
        return ran.stdout

    def status(self) -> dict[str, object]:
        """The cluster as the tutor sees it; empty when it sees none."""
        found = json.loads(self.run([*TUTOR, "cluster", "status", *CLUSTER, "-o", "json"]).stdout or "null")
        return dict(found) if isinstance(found, dict) else {}


def main() -> int:
    """Try everything; 0 when every claim holds."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--nodes", type=int, default=1, help="how many nodes (1)")
    parser.add_argument("--archive", type=Path, help="an archive of images (docker save) to load into them")
    parser.add_argument("--records", type=Path, help="where to write down what minikube prints")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="try-minikube-") as home:
        env = {**os.environ, "XDG_STATE_HOME": home, "XDG_CONFIG_HOME": home, "K8S_TUTOR_HOME": f"{home}/work"}
        env["PYTHONPATH"] = str(ROOT)
        if options.records:
            env["K8S_TUTOR_BIN_DIR"] = _recorder(Path(home) / "bin", options.records.resolve())
        trial = Trial(env)
        users = _users()
        profile = trial.run(["minikube", "config", "get", "profile"]).stdout
        try:
            _try(trial, options)
        finally:
            trial.tutor("it is removed", "cluster", "down", *CLUSTER)
        left = trial.run(["minikube", "profile", "list", "-o", "json"]).stdout
        trial.claim("minikube knows no profile of ours any more", f"k8s-tutor-{NAME}-" not in left, left)
        trial.claim("the user's kubeconfig is as it was", _users() == users)
        now = trial.run(["minikube", "config", "get", "profile"]).stdout
        trial.claim("the user's own profile is still the active one", now == profile, f"{profile!r}, now {now!r}")
    print("all holds" if not trial.failed else f"{trial.failed} claim(s) do not hold")
    return 1 if trial.failed else 0


def _try(trial: Trial, options: argparse.Namespace) -> None:
    up = ("cluster", "up", *CLUSTER, "--nodes", str(options.nodes))
    trial.tutor("it comes up", *up, seconds=2400)
    found = trial.status()
    if not trial.claim("it is ready", found.get("state") == "ready", str(found)):
        return
    began = time.monotonic()
    trial.tutor("up again does nothing", *up)
    trial.claim("and at once", time.monotonic() - began < 10)
    nodes = found.get("nodes")
    trial.claim("all its nodes run", isinstance(nodes, list) and len(nodes) == options.nodes, str(nodes))
    said = trial.tutor("a command runs on its node", "cluster", "shell", *CLUSTER, "--", "echo", "a b", "$HOME")
    trial.claim("as it was written", "a b $HOME" in said, said)
    lesson = trial.tutor("a lesson is told for it", "lesson", "lab1", "--step", "request", *LAB)
    trial.claim("by a command that works there", "kubectl run asker" in lesson, lesson)
    trial.tutor("logs are had", "cluster", "logs", *CLUSTER, "kubelet")
    if options.archive:
        trial.tutor("images are loaded", "cluster", "load-images", *CLUSTER, str(options.archive.resolve()))
    for lab in ("lab1", "lab2"):
        trial.tutor(f"{lab} is proven", "lab", "test", lab, *LAB, seconds=3600)
    _stopped(trial, up)


def _stopped(trial: Trial, up: Sequence[str]) -> None:
    profiles = json.loads(trial.run(["minikube", "profile", "list", "-o", "json"]).stdout or "{}")
    ours = [each["Name"] for each in profiles.get("valid", []) if each["Name"].startswith(f"k8s-tutor-{NAME}-")]
    if not trial.claim("its profile is in minikube's list", len(ours) == 1, str(profiles)[:300]):
        return
    env = {**trial.env, "KUBECONFIG": os.devnull}
    subprocess.run(["minikube", "stop", "-p", ours[0]], env=env, capture_output=True, timeout=300, check=False)
    found = trial.status()
    told = "topped" in str(found.get("trouble")) and found.get("state") == "stopped"
    trial.claim("stopped, it is told as stopped", told, str(found))
    trial.tutor("and comes up again", *up, seconds=1200)
    found = trial.status()
    trial.claim("ready as before", found.get("state") == "ready", str(found))


def _users() -> list[str]:
    named = [Path(part) for part in os.environ.get("KUBECONFIG", "").split(os.pathsep) if part]
    files = named or [Path.home() / ".kube" / "config"]
    return [hashlib.sha256(file.read_bytes()).hexdigest() if file.is_file() else "none" for file in files]


def _recorder(folder: Path, records: Path) -> str:
    import shutil

    found = shutil.which("minikube")
    if found is None:
        raise SystemExit("there is no minikube on PATH")
    records.mkdir(parents=True, exist_ok=True)
    folder.mkdir(parents=True)
    program = folder / "minikube"
    program.write_text(_RECORDER.format(python=sys.executable, folder=str(records), program=found))
    program.chmod(0o755)
    return str(folder)


if __name__ == "__main__":
    raise SystemExit(main())
