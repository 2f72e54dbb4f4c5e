"""A minikube for tests: replays records (tests/fixtures/minikube) and writes down how it was called.

Told by a file beside it: the verb -> what to print, with what exit code to end. ``start`` leaves a kubeconfig, as the
real one does where ``$KUBECONFIG`` says; ``ssh`` does on this machine what it is told to, as its terminal shows it.
"""

from __future__ import annotations

import base64
import json
import shutil
import sys
from pathlib import Path
from typing import Any

RECORDS = Path(__file__).parents[3] / "fixtures" / "minikube"
_SCRIPT = """#!{python} -IS
import json, os, subprocess, sys, time
here = {folder!r}
KEYS = ("KUBECONFIG", "MINIKUBE_PROFILE", "MINIKUBE_HOME", "MINIKUBE_IN_STYLE", "MINIKUBE_WANTUPDATENOTIFICATION")
with open(here + "/calls", "a") as log:
    log.write(json.dumps({{"argv": sys.argv[1:], "env": {{key: os.environ.get(key) for key in KEYS}}}}) + "\\n")
answers = json.load(open(here + "/answers"))
line = " ".join(sys.argv[1:])
for key, answer in sorted(answers.items(), key=lambda item: -len(item[0])):
    if line.startswith(key):
        break
else:
    answer = {{"out": "", "code": 0}}
if answer.get("wait"):
    time.sleep(answer["wait"])
if sys.argv[1] == "start" and not answer["code"]:
    with open(os.environ["KUBECONFIG"], "w") as file:
        file.write(open(here + "/kubeconfig").read())
if sys.argv[1] == "logs" and not answer["code"]:
    with open(sys.argv[sys.argv.index("--file") + 1], "w") as file:
        file.write(answer["out"])
    sys.exit(0)
if sys.argv[1] == "ssh" and "--" in sys.argv:
    env = dict(os.environ, PATH=here + "/node:" + os.environ["PATH"])
    ran = subprocess.run(["sh", "-c", " ".join(sys.argv[sys.argv.index("--") + 1 :])], stdin=subprocess.DEVNULL,
                         stdout=subprocess.PIPE, stderr=subprocess.STDOUT, env=env)
    sys.stdout.write(ran.stdout.decode("utf-8", "replace").replace("\\n", "\\r\\n"))
    sys.exit(1 if ran.returncode else 0)
sys.stdout.write(answer["out"])
sys.stderr.write(answer.get("err", ""))
sys.exit(answer["code"])
"""
_KUBECONFIG = """apiVersion: v1
clusters:
- cluster:
    certificate-authority-data: {data}
    extensions:
    - extension:
        provider: minikube.sigs.k8s.io
        version: v1.38.1
      name: cluster_info
    server: https://127.0.0.1:32769
  name: {profile}
contexts:
- context:
    cluster: {profile}
    namespace: default
    user: {profile}
  name: {profile}
kind: Config
users:
- name: {profile}
  user:
    client-certificate-data: {data}
    client-key-data: {data}
"""


def record(name: str, profile: str = "") -> str:
    """A record, with this profile's name in it."""
    text = (RECORDS / name).read_text(encoding="utf-8")
    return text.replace("k8s-tutor-dev-000000", profile) if profile else text


class FakeMinikube:
    """A minikube on disk that answers by the beginning of its arguments, else nothing and 0."""

    def __init__(self, folder: Path, profile: str) -> None:
        self.folder, self.profile = folder / ".minikube-fake", profile
        (self.folder / "node").mkdir(parents=True, exist_ok=True)
        self.path = folder / "minikube"
        self.path.write_text(_SCRIPT.format(python=sys.executable, folder=str(self.folder)))
        self.path.chmod(0o755)
        self._known: dict[str, dict[str, Any]] = {}
        data = base64.b64encode(b"made up").decode()
        (self.folder / "kubeconfig").write_text(_KUBECONFIG.format(data=data, profile=profile))
        self.answer("version --short", "v1.38.1\n")
        self.answer("config get profile", "Error: specified key could not be found in config\n", code=14)
        self.replay("start", "start.jsonl")
        self.replay("delete", "delete.jsonl")
        self.replay(f"status --profile {profile} --output json --layout nodes", "status-running.json")

    def answer(self, begins: str, out: str = "", *, code: int = 0, err: str = "", wait: float = 0.0) -> None:
        self._known[begins] = {"out": out, "code": code, "err": err, "wait": wait}
        (self.folder / "answers").write_text(json.dumps(self._known))

    def replay(self, begins: str, name: str, *, code: int = 0, wait: float = 0.0) -> None:
        self.answer(begins, record(name, self.profile), code=code, wait=wait)

    def on_node(self, program: str, script: str) -> None:
        """A program that the node has."""
        path = self.folder / "node" / program
        path.write_text(f"#!/bin/sh\n{script}\n")
        path.chmod(0o755)

    def calls(self) -> list[dict[str, Any]]:
        log = self.folder / "calls"
        return [json.loads(line) for line in log.read_text().splitlines()] if log.exists() else []

    def verbs(self) -> list[str]:
        """What it was told to do, without questions about itself."""
        return [
            call["argv"][0] for call in self.calls() if call["argv"][0] not in ("version", "config", "ssh", "status")
        ]

    def remove(self) -> None:
        """As if it had been uninstalled."""
        self.path.unlink()
        shutil.rmtree(self.folder / "node")
