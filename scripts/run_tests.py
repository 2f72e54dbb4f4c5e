"""Run the tests in parts, in the order in which a fault is cheapest to find; print how long each part took.

The long preparation (Kubernetes' binaries on a machine that has none) runs beside the parts that need no
cluster. Exit code 0 when every part passed, 1 otherwise; all parts run, so that one run tells everything.
"""

from __future__ import annotations

import argparse
import os
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
BIN = Path(sys.executable).parent
TOOLS = {name: name for name in ("tmux", "curl", "slirp4netns", "zsh", "fish", "vim", "less")}
"""Programs that tests use, and the Debian package of each."""
BROWSER = {"chromium": "chromium"}
"""For the tutor in a browser: 25 s to install, so only where it is used."""

KIND = "tests/cluster/test_kind.py"


@dataclass(frozen=True)
class Part:
    """One part: its commands run in turn; ``cluster`` parts wait until the cluster's material is there."""

    name: str
    commands: tuple[tuple[str, ...], ...]
    cluster: bool = False


def pytest(*arguments: str) -> tuple[str, ...]:
    return (str(BIN / "python"), "-m", "pytest", "-q", "--durations=15", *arguments)


# They need nothing of each other, and wait more than they compute.
BESIDE = ("--numprocesses=auto", "--maxprocesses=4")
PARTS = (
    Part(
        "lint",
        (
            (str(BIN / "ruff"), "format", "--check", "."),
            (str(BIN / "ruff"), "check", "."),
            (str(BIN / "mypy"),),
            (str(BIN / "lint-imports"),),
        ),
    ),
    Part("unit", (pytest(*BESIDE, "tests/unit"),)),
    Part("ui", (pytest(*BESIDE, "tests/ui"),)),
    Part("package", (pytest("tests/package"),)),
    Part("cluster", (pytest("tests/cluster", f"--ignore={KIND}"),), cluster=True),
    # One story: what follows a test that failed would wait in vain.
    Part("e2e", (pytest("tests/e2e", "-x"),), cluster=True),
    # Docker's engine from Debian, kind, a node image, both labs.
    Part("kind", (pytest(KIND),), cluster=True),
)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, prog="./dev test")
    parser.add_argument("parts", nargs="*", help="parts to run (all, if none is named)")
    parser.add_argument("--list", action="store_true", help="list the parts")
    options = parser.parse_args()
    names = [part.name for part in PARTS]
    if options.list:
        print("\n".join(names))
        return 0
    unknown = [name for name in options.parts if name not in names]
    if unknown:
        print(f"error: no part named {', '.join(unknown)}; there are: {', '.join(names)}", file=sys.stderr)
        return 2
    chosen = [part for part in PARTS if part.name in options.parts or not options.parts]
    return run(chosen)


def run(parts: list[Part]) -> int:
    tools = TOOLS if any(part.name not in ("lint", "package") for part in parts) else {}
    install_tools({**tools, **(BROWSER if any(part.name == "cluster" for part in parts) else {})})
    also = ("kind",) if any(part.name == "kind" for part in parts) else ()
    preparing = Preparation(also) if any(part.cluster for part in parts) else None
    times: list[tuple[str, float, str]] = []
    busy = Busy()
    try:
        for part in parts:
            if part.cluster and preparing is not None and not preparing.done:
                times.append(("(waited for binaries and images)", *preparing.wait()))
            building = preparing is not None and preparing.running
            busy.since()
            times.append((part.name, *run_part(part, alone=building)))
            print(f"{part.name}: the processors were busy for {busy.since():.0%} of the time", flush=True)
    finally:
        if preparing is not None:
            preparing.stop()
    print("\n--- how long each part took ---")
    for name, seconds, verdict in times:
        print(f"{seconds:8.1f} s  {verdict:6}  {name}")
    print(f"{sum(seconds for _, seconds, _ in times):8.1f} s  in all")
    failed = [name for name, _, verdict in times if verdict != "passed"]
    if failed:
        print(f"failed: {', '.join(failed)}")
    return 1 if failed else 0


def run_part(part: Part, *, alone: bool) -> tuple[float, str]:
    """``alone``: a compiler has the processors, and whoever runs tests beside each other would starve them."""
    print(f"\n=== {part.name} ===", flush=True)
    began = time.monotonic()
    commands = [[word for word in command if not (alone and word in BESIDE)] for command in part.commands]
    codes = [subprocess.run(command, cwd=ROOT).returncode for command in commands]
    return time.monotonic() - began, "passed" if not any(codes) else "FAILED"


class Busy:
    """How much of the time all processors had something to do: whether a part computes or waits."""

    def __init__(self) -> None:
        self._last = (0, 1)
        self.since()

    def since(self) -> float:
        """The share since the last call (/proc/stat, see proc(5)); 0 where it cannot be read."""
        try:
            ticks = [int(word) for word in Path("/proc/stat").read_text().split("\n", 1)[0].split()[1:9]]
        except (OSError, ValueError):
            return 0.0
        idle, whole = ticks[3] + ticks[4], sum(ticks)
        before, self._last = self._last, (idle, whole)
        return 1 - (idle - before[0]) / max(1, whole - before[1])


def install_tools(tools: dict[str, str]) -> None:
    missing = [package for tool, package in tools.items() if not shutil.which(tool)]
    if not missing:
        return
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    install = ["apt-get", "install", "-y", "-qq", "--no-install-recommends", *missing]
    if subprocess.run(install, env=environment, stdout=subprocess.DEVNULL).returncode:
        subprocess.run(["apt-get", "update", "-qq"], env=environment, check=False)
        subprocess.run(install, env=environment, check=False, stdout=subprocess.DEVNULL)


class Preparation:
    """``k8s-tutor``'s own preparation of binaries and images, in the background, its progress in a log."""

    def __init__(self, also: tuple[str, ...] = ()) -> None:
        self.began = time.monotonic()
        self.log = ROOT / ".prepare.log"
        with self.log.open("w") as log:
            self.process = subprocess.Popen(
                [str(BIN / "python"), "-m", "k8s_tutor.clusters.node", *also],
                cwd=ROOT,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        self.done = False

    def wait(self) -> tuple[float, str]:
        """Wait for the end, telling the newest line of progress now and then."""
        print("\n=== waiting for binaries and images ===", flush=True)
        began = time.monotonic()
        while True:
            try:
                code = self.process.wait(timeout=30)
                break
            except subprocess.TimeoutExpired:
                print(f"{time.monotonic() - self.began:6.0f} s  {self.last_line()}", flush=True)
        self.done = True
        print(self.log.read_text()[-2000:], flush=True)
        return time.monotonic() - began, "passed" if code == 0 else "FAILED"

    @property
    def running(self) -> bool:
        """Whether it is still at work."""
        return self.process.poll() is None

    def last_line(self) -> str:
        """The newest line that the preparation printed."""
        lines = self.log.read_text(errors="replace").strip().splitlines()
        return lines[-1][:150] if lines else ""

    def stop(self) -> None:
        """End it, if it still runs, with all its children."""
        if self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGTERM)
            try:
                self.process.wait(timeout=10)
            except subprocess.TimeoutExpired:
                os.killpg(self.process.pid, signal.SIGKILL)
                self.process.wait()


if __name__ == "__main__":
    # A run that a script starts in its background is born deaf to SIGINT, and so would be what tests interrupt.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    # What runs in the background ends with us, also when CI ends us.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        print("interrupted; what was built is kept, run it again to go on", file=sys.stderr)
        sys.exit(130)
