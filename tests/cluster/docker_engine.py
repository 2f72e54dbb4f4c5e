"""A Docker engine for tests, on a machine that runs none: Debian's docker.io in a network namespace with no way out.

    python tests/cluster/docker_engine.py COMMAND [ARG…]    run a command beside it

The machine's own packet filter, forwarding and networks stay as they are; everything is in one folder, one network
namespace and one cgroup, and goes with them. Only the packages stay. Needs root.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

PACKAGES = {"dockerd": "docker.io", "containerd": "containerd", "runc": "runc", "docker-proxy": "docker.io"}
BRIDGE = "172.17.0.1"
_CAP_SYS_RESOURCE = 24
_CLONE_NEWNET = 0x40000000
_START_SECONDS = 60.0

# Where this machine may not give CAP_SYS_RESOURCE no container could ask for it: `--privileged` asks for all.
_RUNTIME = """#!{python} -IS
import json, os, sys
CAP = "CAP_SYS_RESOURCE"
def strip(path):
    with open(path) as file:
        spec = json.load(file)
    process = spec.get("process", spec)
    for kept in (process.get("capabilities") or {{}}).values():
        if CAP in (kept or []):
            kept.remove(CAP)
    with open(path, "w") as file:
        json.dump(spec, file)
arguments = sys.argv[1:]
for number, argument in enumerate(arguments):
    name, _, value = argument.partition("=")
    value = value or (arguments[number + 1] if number + 1 < len(arguments) else "")
    if name in ("--bundle", "-b"):
        strip(os.path.join(value, "config.json"))
    elif name in ("--process", "-p"):
        strip(value)
os.execv("{runc}", ["{runc}", *arguments])
"""
# Docker's own resolver never answers where its upstream is dead: every name that nobody knows would cost seconds.
_RESOLVER = """
import sys, time
sys.path.insert(0, sys.argv[1])
from k8s_tutor.clusters.native.pid1.nodenet import serve_refusals
serve_refusals(sys.argv[2])
print("serving", flush=True)
while True:
    time.sleep(3600)
"""


class DockerEngine:
    """One engine; ``up`` it, use it through ``environment`` and from inside ``network()``, ``down`` it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.netns = f"k8s-tutor-engine-{os.getpid()}"
        self.cgroup = f"/k8s-tutor-engine-{os.getpid()}"
        self._children: list[subprocess.Popen[bytes]] = []

    @property
    def socket(self) -> str:
        return f"unix://{self.folder / 'docker.sock'}"

    @property
    def environment(self) -> dict[str, str]:
        """What a client needs beside the network."""
        return {"DOCKER_HOST": self.socket}

    def up(self) -> None:
        install()
        self.folder.mkdir(parents=True, exist_ok=True)
        _run("ip", "netns", "add", self.netns)
        _run("ip", "-n", self.netns, "link", "set", "lo", "up")
        argv = [
            "dockerd", "--host", self.socket, "--data-root", str(self.folder / "data"),
            "--exec-root", str(self.folder / "exec"), "--pidfile", str(self.folder / "docker.pid"),
            "--bip", f"{BRIDGE}/16", "--dns", BRIDGE, "--oom-score-adjust", "0", "--cgroup-parent", self.cgroup,
        ]  # fmt: skip
        if not may_have_all_capabilities():
            runtime = self.folder / "runc-without-resource"
            runtime.write_text(_RUNTIME.format(python=os.path.realpath(sys.executable), runc=shutil.which("runc")))
            runtime.chmod(0o755)
            argv += ["--add-runtime", f"lesscaps={runtime}", "--default-runtime", "lesscaps"]
        self._start(argv, "dockerd")
        deadline = time.monotonic() + _START_SECONDS
        while not self._answers():
            log = (self.folder / "dockerd.log").read_text(errors="replace")
            assert self._children[0].poll() is None and time.monotonic() < deadline, log[-2000:]
            time.sleep(0.1)
        root = str(Path(__file__).resolve().parents[2])
        self._start([sys.executable, "-c", _RESOLVER, root, BRIDGE], "resolver")

    def down(self) -> None:
        """End it and remove everything that it made."""
        with contextlib.suppress(OSError, subprocess.SubprocessError):
            there = self._docker("ps", "--all", "--quiet").stdout.split()
            if there:
                self._docker("rm", "--force", "--volumes", *there)
        for child in reversed(self._children):
            child.terminate()
            try:
                child.wait(20)
            except subprocess.TimeoutExpired:
                os.killpg(child.pid, signal.SIGKILL)
                child.wait()
        self._children.clear()
        for line in reversed(Path("/proc/self/mounts").read_text().splitlines()):
            point = line.split()[1]
            if point.startswith(f"{self.folder}/"):
                subprocess.run(["umount", "--lazy", point], check=False)
        subprocess.run(["ip", "netns", "del", self.netns], check=False, capture_output=True)
        for top in Path("/sys/fs/cgroup").glob(f"*{self.cgroup}"):
            for folder in sorted((path for path in top.rglob("*") if path.is_dir()), key=lambda p: -len(p.parts)):
                with contextlib.suppress(OSError):
                    folder.rmdir()
            with contextlib.suppress(OSError):
                top.rmdir()
        with contextlib.suppress(OSError):
            Path(f"/sys/fs/cgroup{self.cgroup}").rmdir()
        shutil.rmtree(self.folder, ignore_errors=True)

    @contextlib.contextmanager
    def network(self) -> Iterator[None]:
        """This thread, and what it starts, in the engine's network while this is open: 127.0.0.1 is the engine's."""
        before = os.open("/proc/thread-self/ns/net", os.O_RDONLY | os.O_CLOEXEC)
        try:
            with open(f"/run/netns/{self.netns}", "rb") as there:
                _enter(there.fileno())
            yield
        finally:
            _enter(before)
            os.close(before)

    def _answers(self) -> bool:
        return self._docker("version", "--format", "{{.Server.Version}}").returncode == 0

    def _docker(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        env = {**os.environ, **self.environment}
        return subprocess.run(["docker", *arguments], env=env, capture_output=True, text=True, timeout=60, check=False)

    def _start(self, argv: list[str], name: str) -> None:
        # Not `ip netns exec`: it mounts another /sys, without the cgroups.
        enter = ["nsenter", f"--net=/run/netns/{self.netns}"]
        env = {**os.environ, "PATH": os.environ.get("PATH", "") + ":/usr/sbin:/sbin"}
        with (self.folder / f"{name}.log").open("wb") as log:
            self._children.append(
                subprocess.Popen([*enter, *argv], stdout=log, stderr=log, env=env, start_new_session=True)
            )


def install() -> None:
    """Debian's packages, their own service held back: this machine's network is not to be changed."""
    path = os.environ.get("PATH", "") + ":/usr/sbin:/sbin:/usr/lib/docker:/usr/libexec/docker"
    lacking = sorted({package for program, package in PACKAGES.items() if not shutil.which(program, path=path)})
    if not shutil.which("iptables", path=path):
        lacking.append("iptables")
    if not lacking:
        return
    assert os.geteuid() == 0, "only root can install and run a Docker engine"
    policy = Path("/usr/sbin/policy-rc.d")
    ours = not policy.exists()
    if ours:
        policy.write_text("#!/bin/sh\nexit 101\n")
        policy.chmod(0o755)
    env = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    command = ["apt-get", "-o", "DPkg::Lock::Timeout=300", "install", "-y", "-qq", "--no-install-recommends", *lacking]
    try:
        if subprocess.run(command, env=env, stdout=subprocess.DEVNULL, check=False).returncode:
            subprocess.run(["apt-get", "update", "-qq"], env=env, check=False)
            subprocess.run(command, env=env, stdout=subprocess.DEVNULL, check=True)
    finally:
        if ours:
            policy.unlink()


def may_have_all_capabilities() -> bool:
    """Whether a privileged container can be started: CAP_SYS_RESOURCE is what virtual machines withhold."""
    line = next(text for text in Path("/proc/self/status").read_text().splitlines() if text.startswith("CapBnd:"))
    return bool(int(line.split()[1], 16) >> _CAP_SYS_RESOURCE & 1)


def _enter(handle: int) -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.setns(handle, _CLONE_NEWNET) != 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))


def _run(*argv: str) -> None:
    done = subprocess.run(argv, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{argv}: {done.stderr}"


def main() -> int:
    # A terminal that is closed, or a kill: everything goes all the same.
    for number in (signal.SIGHUP, signal.SIGTERM):
        signal.signal(number, lambda *_: sys.exit(1))
    engine = DockerEngine(Path(tempfile.mkdtemp(prefix="k8s-tutor-engine-")))
    try:
        engine.up()
        with engine.network():
            return subprocess.run(sys.argv[1:], env={**os.environ, **engine.environment}, check=False).returncode
    finally:
        engine.down()


if __name__ == "__main__":
    sys.exit(main())
