"""The container engine under kind: docker, podman or nerdctl, asked by argument lists and never for long."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from k8s_tutor.clusters.kind import names
from k8s_tutor.errors import EnvironmentFault

ENGINES = ("docker", "podman", "nerdctl")
CHOICE = "KIND_EXPERIMENTAL_PROVIDER"
"""kind's own variable; set by the user it names the one engine to look at."""
_PROBES = {
    # The client alone answers `version`; what is asked for here only the daemon knows.
    "docker": ("version", "--format", "{{.Server.Version}}"),
    "podman": ("info", "--format", "{{.Host.Arch}}"),
    "nerdctl": ("info", "--format", "{{.ServerVersion}}"),
}
_PROBE_SECONDS = 4.0
_NODE_MARK = "kind/version"


@dataclass(frozen=True)
class Container:
    """A node's container. ``pid`` is its first process in the engine's own view; ``ports``: ``30080/tcp`` -> host's."""

    name: str
    role: str
    running: bool
    pid: int
    address: str
    image: str
    started: str = ""
    ports: dict[str, int] = field(default_factory=dict)

    @property
    def control_plane(self) -> bool:
        """Whether the API server runs there."""
        return self.role == "control-plane"

    def netns(self) -> Path | None:
        """Its network namespace, where this machine's processes are the engine's and we may enter.

        An engine in a virtual machine or elsewhere tells process numbers that mean others here: the process is
        looked at, whether its root is that of a kind node.
        """
        if os.geteuid() != 0 or self.pid <= 0:
            return None
        try:
            same = (Path(f"/proc/{self.pid}/root") / _NODE_MARK).is_file()
            hostname = (Path(f"/proc/{self.pid}/root/etc/hostname")).read_text(encoding="utf-8").strip()
        except OSError:
            return None
        return Path(f"/proc/{self.pid}/ns/net") if same and hostname == self.name else None


@dataclass(frozen=True)
class Engine:
    """One container engine: its kind and the command that talks to it."""

    name: str
    program: str

    def run(self, *arguments: str, timeout: float = 30.0, feed: bytes = b"") -> subprocess.CompletedProcess[bytes]:
        """Run a command of the engine; never raises for its exit code.

        Raises EnvironmentFault when it cannot be run or does not end in time.
        """
        try:
            return subprocess.run(
                [self.program, *arguments], input=feed, capture_output=True, timeout=timeout, check=False
            )
        except (OSError, subprocess.TimeoutExpired) as error:
            raise EnvironmentFault(
                f"{self.name} does not answer: {error}"[:300], remedy=f"{self.name} info", code="engine"
            ) from error

    def ask(self, *arguments: str, timeout: float = 30.0) -> str:
        """What a command prints. Raises EnvironmentFault with the engine's words when it fails."""
        done = self.run(*arguments, timeout=timeout)
        if done.returncode != 0:
            words = done.stderr.decode("utf-8", "replace").strip()[:300]
            raise EnvironmentFault(
                f"{self.name} {arguments[0]} failed: {words}", remedy=f"{self.name} info", code="engine"
            )
        return done.stdout.decode("utf-8", "replace")

    def answers(self, timeout: float = _PROBE_SECONDS) -> bool:
        """Whether the engine itself, not only its client, is there."""
        try:
            done = self.run(*_PROBES[self.name], timeout=timeout)
        except EnvironmentFault:
            return False
        return done.returncode == 0 and bool(done.stdout.strip())

    def nodes(self, kind_name: str, timeout: float = 30.0) -> list[Container]:
        """The containers of a kind cluster, control plane first. Raises EnvironmentFault."""
        label = f"label={names.LABEL}={kind_name}"
        found = self.ask("ps", "--all", "--no-trunc", "--filter", label, "--format", "{{.ID}}", timeout=timeout).split()
        if not found:
            return []
        items = parse_inspect(self.ask("inspect", *found, timeout=timeout))
        return sorted(items, key=lambda item: (not item.control_plane, _number(item.name)))

    def inspect(self, containers: Sequence[str], timeout: float) -> list[Container]:
        """Those of these containers that are there, in this order. Raises EnvironmentFault, also after ``timeout``."""
        done = self.run("inspect", *containers, timeout=timeout)
        words = done.stderr.decode("utf-8", "replace").strip()
        # Of several the engines tell what they found, and fail for the others.
        if done.returncode != 0 and "no such" not in words.lower():
            raise EnvironmentFault(
                f"{self.name} inspect failed: {words[:300]}", remedy=f"{self.name} info", code="engine"
            )
        text = done.stdout.decode("utf-8", "replace").strip()
        found = {item.name: item for item in parse_inspect(text)} if text else {}
        return [found[name] for name in containers if name in found]

    def has_image(self, reference: str) -> bool:
        """Whether the engine holds this image."""
        return self.run("image", "inspect", reference, timeout=20).returncode == 0

    def label_of(self, reference: str, label: str) -> str:
        """A label of an image; empty when there is none."""
        done = self.run("image", "inspect", reference, timeout=20)
        try:
            config = json.loads(done.stdout)[0]
            return str((config.get("Config") or {}).get("Labels", {}).get(label, ""))
        except (ValueError, IndexError, KeyError, TypeError, AttributeError):
            return ""

    def cgroup_version(self) -> str:
        """1 or 2 as docker tells it; empty where the engine does not say."""
        if self.name != "docker":
            return ""
        done = self.run("info", "--format", "{{.CgroupVersion}}", timeout=10)
        return done.stdout.decode("utf-8", "replace").strip() if done.returncode == 0 else ""

    def has_network(self, name: str) -> bool:
        """Whether the engine has a network of that name."""
        return self.run("network", "inspect", name, timeout=20).returncode == 0

    def environment(self) -> dict[str, str]:
        """The environment of the kind program: a copy, without the user's kubeconfig."""
        env = {key: value for key, value in os.environ.items() if key not in ("KUBECONFIG", CHOICE)}
        if self.name != "docker":
            env[CHOICE] = self.name
        return env

    def __str__(self) -> str:
        """Its name."""
        return self.name


def find(environ: Mapping[str, str] | None = None) -> Engine | None:
    """The first engine that answers; only the one that ``$KIND_EXPERIMENTAL_PROVIDER`` names, if it does."""
    chosen = (os.environ if environ is None else environ).get(CHOICE, "")
    for name in (chosen,) if chosen in ENGINES else ENGINES:
        program = shutil.which(name)
        if program is None:
            continue
        engine = Engine(name, program)
        if engine.answers():
            return engine
    return None


def require() -> Engine:
    """An engine that answers. Raises EnvironmentFault with what was tried."""
    engine = find()
    if engine is None:
        there = [name for name in ENGINES if shutil.which(name)]
        tried = f"{', '.join(there)} found, and not answering" if there else "none of docker, podman, nerdctl on PATH"
        raise EnvironmentFault(
            f"kind needs a container engine: {tried}.",
            remedy="Start it (systemctl start docker, or Docker Desktop); or: k8s-tutor cluster up --provider native",
            code="engine",
        )
    return engine


def parse_inspect(text: str) -> list[Container]:
    """What ``inspect`` tells of containers, of docker, podman or nerdctl. Raises EnvironmentFault."""
    try:
        return [_container(item) for item in json.loads(text)]
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise EnvironmentFault(f"the engine's answer is not understood: {error}"[:200], code="engine") from error


def _container(item: dict[str, Any]) -> Container:
    state, config = item.get("State") or {}, item.get("Config") or {}
    network = item.get("NetworkSettings") or {}
    addresses = [str(each.get("IPAddress", "")) for each in (network.get("Networks") or {}).values()]
    ports = {}
    for port, bound in (network.get("Ports") or {}).items():
        if bound and str(bound[0].get("HostPort", "")).isdigit():
            ports[str(port)] = int(bound[0]["HostPort"])
    return Container(
        name=str(item["Name"]).lstrip("/"),
        role=str((config.get("Labels") or {}).get("io.x-k8s.kind.role", "")),
        running=str(state.get("Status", "")).lower() == "running" or bool(state.get("Running")),
        pid=int(state.get("Pid") or 0),
        address=next((each for each in addresses if each), str(network.get("IPAddress", ""))),
        image=str(config.get("Image", "")),
        started=str(state.get("StartedAt", "")),
        ports=ports,
    )


def _number(name: str) -> tuple[int, str]:
    match = re.search(r"(\d*)$", name)
    return (int(match[1]) if match and match[1] else 1, name)


def exec_argv(engine: Engine, node: str, command: Sequence[str], *, options: Sequence[str] = ()) -> list[str]:
    """The argument list that runs a command on a node."""
    return [engine.program, "exec", *options, node, *command]
