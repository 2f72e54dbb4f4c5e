"""An engine and a kind program for tests: small scripts that write down how they were called."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from k8s_tutor.clusters.kind.engine import Engine

_SCRIPT = """#!{python} -IS
import json, os, sys
with open({log!r}, "a") as log:
    env = {{key: os.environ.get(key) for key in ("KUBECONFIG", "KIND_EXPERIMENTAL_PROVIDER")}}
    log.write(json.dumps({{"argv": sys.argv[1:], "env": env}}) + "\\n")
answers = json.load(open({answers!r}))
line = " ".join(sys.argv[1:])
for key, (code, out, err) in sorted(answers.items(), key=lambda item: -len(item[0])):
    if line.startswith(key):
        sys.stdout.write(out)
        sys.stderr.write(err)
        sys.exit(code)
"""


class Program:
    """A program that answers what it is told to by the beginning of its arguments, else nothing and 0."""

    def __init__(self, folder: Path, name: str) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.path = folder / name
        self._log, self._answers = folder / f".{name}.log", folder / f".{name}.json"
        self._known: dict[str, tuple[int, str, str]] = {}
        text = _SCRIPT.format(python=sys.executable, log=str(self._log), answers=str(self._answers))
        self.path.write_text(text)
        self.path.chmod(0o755)
        self._answers.write_text("{}")

    def answer(self, begins: str, out: str = "", *, code: int = 0, err: str = "") -> None:
        self._known[begins] = (code, out, err)
        self._answers.write_text(json.dumps(self._known))

    def calls(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self._log.read_text().splitlines()] if self._log.exists() else []

    def lines(self) -> list[str]:
        return [" ".join(call["argv"]) for call in self.calls()]

    def engine(self, name: str = "docker") -> Engine:
        return Engine(name, str(self.path))


def container(
    name: str, role: str = "control-plane", *, running: bool = True, address: str = "172.18.0.2"
) -> dict[str, Any]:
    """As docker's ``inspect`` tells of a node."""
    return {
        "Name": f"/{name}",
        "State": {"Status": "running" if running else "exited", "Running": running, "Pid": 0,
                  "StartedAt": "2026-11-26T06:22:06.123456789Z"},
        "Config": {"Image": "k8s-tutor/node:v1", "Labels": {"io.x-k8s.kind.role": role}},
        "NetworkSettings": {"IPAddress": "", "Networks": {"kind": {"IPAddress": address}},
                            "Ports": {"6443/tcp": [{"HostIp": "127.0.0.1", "HostPort": "36185"}],
                                      "30080/tcp": [{"HostIp": "127.0.0.1", "HostPort": "45569"}], "53/udp": None}},
    }  # fmt: skip
