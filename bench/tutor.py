"""Measure the tutor as its learner meets it: the real program in tmux, on a cluster of the bench's own.

    ./dev bench tutor                       all parts, about six minutes
    python bench/tutor.py start keys …      some parts
    python bench/tutor.py soak --soak 3600  an hour

Keys are written to a tmux client on a terminal of ours, and what it paints is read back through a terminal core, so
every figure holds tmux's own way there and back (printed first).

Pods have no node: they name a scheduler that does not exist, and the bench writes their status. kwok would do just
that from its own process. To the tutor both are the same: real objects, a real watch, the real API server and etcd, on
the same cores. What kwok adds is nodes of its own; what it costs is a build
of a minute and a third program whose pace is not ours to set: 200 changes a second are asked for here, and the rate
that the server took is printed.
"""

from __future__ import annotations

import argparse
import contextlib
import fcntl
import os
import pty
import queue
import secrets
import select
import statistics
import struct
import subprocess
import sys
import tempfile
import termios
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
TUTOR = [sys.executable, "-m", "k8s_tutor"]
COLUMNS, ROWS = 160, 45
PARTS = ("start", "idle", "event", "keys", "soak")
PATIENCE = 60.0
NAMESPACE = "learner"
PODS = f"api/v1/namespaces/{NAMESPACE}/pods"


class Screen:
    """tmux with a client on a pseudo-terminal of ours. ``until`` tells when a text was painted."""

    def __init__(self, environment: dict[str, str], folder: Path, command: list[str]) -> None:
        from pyghostty import Terminal

        self._socket = str(folder / f"tmux-{secrets.token_hex(3)}")
        self._core = Terminal(cols=COLUMNS, rows=ROWS)
        self.environment = environment
        size = ["-x", str(COLUMNS), "-y", str(ROWS)]
        settings = ["set", "-g", "status", "off", ";", "set", "-s", "escape-time", "0", ";"]
        settings += ["set", "-g", "remain-on-exit", "on", ";", "new-session", "-d", *size, *command]
        self.tmux("-f", "/dev/null", "start-server", ";", *settings)
        self.master, slave = pty.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", ROWS, COLUMNS, 0, 0))
        self._client = subprocess.Popen(
            ["tmux", "-S", self._socket, "attach"],
            stdin=slave, stdout=slave, stderr=slave, start_new_session=True,
            env={**environment, "TERM": "xterm-256color"},
        )  # fmt: skip
        os.close(slave)

    def tmux(self, *arguments: str) -> str:
        done = subprocess.run(
            ["tmux", "-S", self._socket, *arguments],
            env=self.environment, capture_output=True, text=True, timeout=60,
        )  # fmt: skip
        if done.returncode:
            raise SystemExit(f"tmux {arguments[:3]}: {done.stderr}")
        return done.stdout

    @property
    def pid(self) -> int:
        """The program's process id."""
        return int(self.tmux("display-message", "-p", "#{pane_pid}"))

    @property
    def text(self) -> str:
        """What is on the screen."""
        return str(self._core.contents())

    def key(self, data: str) -> float:
        """Press keys; the moment of it (``time.perf_counter``)."""
        at = time.perf_counter()
        os.write(self.master, data.encode())
        return at

    def until(self, wanted: Callable[[str], bool] | str, seconds: float = PATIENCE) -> float:
        """Read until the screen is as wanted; the moment at which that was painted."""
        check = wanted if callable(wanted) else lambda text: wanted in text
        deadline = time.perf_counter() + seconds
        at = time.perf_counter()
        while not check(self.text):
            left = deadline - time.perf_counter()
            if left <= 0 or not select.select([self.master], [], [], left)[0]:
                raise SystemExit(f"not on the screen within {seconds:g} s: {wanted}\n{self.text}")
            data = os.read(self.master, 1 << 16)
            at = time.perf_counter()
            self._core.feed(data)
        return at

    def drain(self, seconds: float) -> None:
        """Read what is painted for so long."""
        deadline = time.perf_counter() + seconds
        while (left := deadline - time.perf_counter()) > 0:
            if select.select([self.master], [], [], left)[0]:
                self._core.feed(os.read(self.master, 1 << 16))

    def close(self) -> None:
        """End the program and tmux."""
        subprocess.run(["tmux", "-S", self._socket, "kill-server"], capture_output=True, timeout=60)
        # The client waits until its last words are read.
        deadline = time.monotonic() + 10
        while self._client.poll() is None and time.monotonic() < deadline:
            if select.select([self.master], [], [], 0.1)[0]:
                with contextlib.suppress(OSError):
                    os.read(self.master, 1 << 16)
        if self._client.poll() is None:
            self._client.kill()
        self._client.wait()
        os.close(self.master)


class Usage:
    """What a process uses, from ``/proc``."""

    def __init__(self, pid: int) -> None:
        self._folder = Path("/proc", str(pid))
        self.began, self._cpu = time.monotonic(), self.cpu

    @property
    def cpu(self) -> float:
        """Seconds of processor time so far, with those of ended children left out."""
        fields = (self._folder / "stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    @property
    def share(self) -> float:
        """Per cent of one core since this object was made."""
        return 100 * (self.cpu - self._cpu) / (time.monotonic() - self.began)

    @property
    def rss(self) -> float:
        """Resident memory in MB."""
        return int((self._folder / "statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 1e6

    @property
    def handles(self) -> int:
        """Open files."""
        return len(os.listdir(self._folder / "fd"))

    @property
    def threads(self) -> int:
        """Threads."""
        return len(os.listdir(self._folder / "task"))


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("parts", nargs="*", help=f"some of {', '.join(PARTS)} (default: all)")
    parser.add_argument("--soak", type=float, default=30.0, help="seconds of the soak")
    parser.add_argument("--pods", type=int, default=10_000, help="pods of the large namespace")
    parser.add_argument("--rate", type=float, default=200.0, help="changes a second")
    parser.add_argument("--change", nargs=2, metavar=("KUBECONFIG", "PODS"), help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.change:
        return change(Path(options.change[0]), int(options.change[1]), options.rate)
    lines = bench_tutor(tuple(options.parts) or PARTS, options.soak, options.pods, options.rate)
    print("\n".join(lines))
    return 0


def bench_tutor(
    parts: tuple[str, ...] = PARTS, soak: float = 30.0, pods: int = 10_000, rate: float = 200.0
) -> list[str]:
    """Every part that is asked for, as lines of Markdown; the cluster is gone afterwards."""
    unknown = set(parts) - set(PARTS)
    if unknown:
        raise SystemExit(f"no such part: {', '.join(sorted(unknown))}")
    with tempfile.TemporaryDirectory(prefix="k8s-tutor-bench-") as made, cluster(Path(made)) as (environment, api):
        folder = Path(made)
        bench = Bench(environment, folder, api, soak, pods, rate)
        bench.way()
        for part in PARTS:
            if part in parts:
                print(f"bench: {part} …", file=sys.stderr, flush=True)
                getattr(bench, part)()
        load = os.getloadavg()
        return [
            "## The tutor in tmux",
            "",
            f"{COLUMNS} columns, {ROWS} rows, on a native cluster whose API server and etcd run on the same "
            f"{os.cpu_count()} cores. Milliseconds, min / median / p95, tmux's way there and back included. "
            f"Load at the end: {load[0]:.1f}.",
            "",
            "| what | figure | wanted |",
            "|---|---|---|",
            *bench.rows,
        ]


@contextmanager
def cluster(folder: Path) -> Iterator[tuple[dict[str, str], Any]]:
    """A native cluster of the bench's own: the tutor's environment on it, and an Api."""
    from k8s_tutor.kube.client import connect

    name = "tutor"
    environment = {
        **{key: value for key, value in os.environ.items() if key not in ("TMUX", "PYTHONDONTWRITEBYTECODE")},
        "XDG_STATE_HOME": f"{folder}/state",
        "XDG_CONFIG_HOME": f"{folder}/config",
        "K8S_TUTOR_HOME": f"{folder}/work",
        "PYTHONPATH": str(ROOT),
        "SHELL": "/bin/bash",
        "LANG": "C.UTF-8",
    }

    def tutor(*arguments: str) -> None:
        done = subprocess.run([*TUTOR, *arguments], env=environment, capture_output=True, text=True, cwd=folder)
        if done.returncode:
            raise SystemExit(f"{arguments}: exit {done.returncode}\n{done.stdout}\n{done.stderr}")

    try:
        tutor("cluster", "up", "--provider", "native", "--name", name)
        api = connect(folder / "state" / "k8s-tutor" / "clusters" / name / "kubeconfig")
        yield environment, api
        api.close()
    finally:
        tutor("cluster", "down", "--name", name)


class Bench:
    """The parts; each adds rows of the table."""

    def __init__(
        self, environment: dict[str, str], folder: Path, api: Any, soak: float, pods: int, rate: float
    ) -> None:
        self._environment, self._folder, self._api = environment, folder, api
        self._soak, self._pods, self._rate = soak, pods, rate
        self._there = 0
        self.rows: list[str] = []

    def _row(self, what: str, figure: str, wanted: str = "") -> None:
        self.rows.append(f"| {what} | {figure} | {wanted} |")
        print(self.rows[-1], file=sys.stderr, flush=True)

    def _open(self, *command: str) -> Screen:
        return Screen(self._environment, self._folder, list(command))

    def _lab(self) -> Screen:
        screen = self._open(*TUTOR, "--lab", "lab1")
        screen.until(lambda text: "● live" in text and "h hint" in text, 120)
        screen.drain(1.0)
        return screen

    def way(self) -> None:
        """What tmux and the reading cost by themselves: keys echoed by the terminal's driver."""
        screen = self._open("cat")
        screen.drain(0.5)
        self._row("tmux alone: a key echoed", spread(typed(screen, 40)))
        screen.close()

    def start(self) -> None:
        """From the command to a screen that answers keys: at home, and in the lab of a running cluster."""
        homes, answers, labs = [], [], []
        for number in range(8):
            screen = self._open("cat")
            screen.drain(0.3)
            began = time.perf_counter()
            screen.tmux("respawn-pane", "-k", *TUTOR)
            ready = screen.until("q quit")
            pressed = screen.key("?")
            answered = screen.until("What the keys and signs mean")
            screen.key("\x1b")
            screen.close()
            again = self._open("cat")
            again.drain(0.3)
            started = time.perf_counter()
            again.tmux("respawn-pane", "-k", *TUTOR, "--lab", "lab1")
            lesson = again.until(lambda text: "● live" in text and "h hint" in text, 120)
            again.close()
            if number:  # the first one warms the caches and makes the namespace
                homes.append(ready - began)
                answers.append(answered - pressed)
                labs.append(lesson - started)
        self._row("start → home, ready for a key", spread(homes), "600")
        self._row("the first key (`?`) → help", spread(answers))
        self._row("start with `--lab` → the step, live", spread(labs), "1000")

    def idle(self) -> None:
        """A lab on view, nothing happens."""
        screen = self._lab()
        screen.drain(3.0)
        use = Usage(screen.pid)
        screen.drain(15.0)
        self._row("idle in a lab for 15 s: processor", f"{use.share:.2f} % of a core", "2 %")
        self._row("idle in a lab: memory, files, threads", f"{use.rss:.0f} MB, {use.handles}, {use.threads}")
        screen.close()

    def event(self) -> None:
        """With 1,000 pods: from another client's watch telling of a new pod to its name on the screen."""
        self._fill(1_000)
        screen = self._lab()
        told: queue.Queue[tuple[str, float]] = queue.Queue()
        stream = self._api.stream(PODS, {"watch": True, "resourceVersion": self._version()})

        def listen() -> None:
            for item in stream:
                if item["type"] == "ADDED":
                    told.put((item["object"]["metadata"]["name"], time.perf_counter()))

        threading.Thread(target=listen, daemon=True).start()
        time.sleep(0.5)
        lags = []
        for _ in range(40):
            name = f"new-{secrets.token_hex(3)}"
            self._api.create(PODS, pod(name))
            painted = screen.until(name[4:], 10)
            while (heard := told.get(timeout=10))[0] != name:
                pass
            lags.append(painted - heard[1])
            screen.drain(0.2)
        stream.close()
        screen.close()
        self._row("1,000 pods: event → screen", spread(lags), "100 (p95)")

    def keys(self) -> None:
        """With 10,000 pods: keys while nothing happens, and while 200 objects change each second."""
        self._fill(self._pods)
        screen = self._lab()
        screen.drain(5.0)
        screen.key("e")
        screen.until("esc leave")
        self._row(
            f"{self._pods:,} pods, quiet: a key → its letter in the editor", spread(typed(screen, 40)), "50 (p95)"
        )
        with self._changes() as done:
            screen.drain(3.0)
            use, before, began = Usage(screen.pid), done(), time.monotonic()
            figure = spread(typed(screen, 100))
            rate = (done() - before) / (time.monotonic() - began)
            self._row(f"{self._pods:,} pods, {rate:.0f} changes a second: a key → its letter", figure, "50 (p95)")
            self._row("the same: processor", f"{use.share:.0f} % of a core", "100 %")
            self._row("the same: memory", f"{use.rss:.0f} MB", "200 MB")
        screen.close()

    def soak(self) -> None:
        """Memory, files and threads before and after a long time of changes."""
        self._fill(1_000)
        screen = self._lab()
        with self._changes() as done:
            screen.drain(min(20.0, self._soak))
            use, before = Usage(screen.pid), done()
            first = (use.rss, use.handles, use.threads)
            screen.drain(self._soak)
            last = (use.rss, use.handles, use.threads)
            words = [f"{a:.0f} → {b:.0f}" for a, b in zip(first, last, strict=True)]
            self._row(
                f"soak, {self._soak:.0f} s, {done() - before:,} changes among {self._there:,} pods: memory (MB), "
                "files, threads",
                ", ".join(words),
                "no growth",
            )
        screen.close()

    def _version(self) -> str:
        return str(self._api.list(PODS, {"limit": 1})["metadata"]["resourceVersion"])

    def _fill(self, number: int) -> None:
        """Have so many pods, running as far as their status says."""

        def one(index: int) -> None:
            name = f"load-{index:05d}"
            self._api.create(PODS, pod(name))
            self._api.patch(f"{PODS}/{name}/status", {"status": status(index, ready=True)})

        began = time.monotonic()
        with ThreadPoolExecutor(8) as pool:
            list(pool.map(one, range(self._there, number)))
        self._there = max(self._there, number)
        print(f"bench: {self._there} pods, {time.monotonic() - began:.0f} s", file=sys.stderr, flush=True)

    @contextmanager
    def _changes(self) -> Iterator[Callable[[], int]]:
        """Changes of pods' status by a process of their own; gives a function that tells how many so far."""
        kubeconfig = self._folder / "state" / "k8s-tutor" / "clusters" / "tutor" / "kubeconfig"
        arguments = ["--rate", str(self._rate), "--change", str(kubeconfig), str(self._there)]
        with (self._folder / "changes").open("w+") as told:
            process = subprocess.Popen(
                [sys.executable, __file__, *arguments], stdout=told, env={**os.environ, "PYTHONPATH": str(ROOT)}
            )
            try:
                yield lambda: int((self._folder / "changes").read_text().split()[-1:][0] or 0)
            finally:
                process.terminate()
                process.wait(10)


def change(kubeconfig: Path, pods: int, rate: float) -> int:
    """Change the status of one pod after another at this rate, for two hours at most; prints how many so far."""
    from k8s_tutor.kube.client import connect

    api = connect(kubeconfig)
    began, done = time.monotonic(), 0
    print(0, flush=True)

    def one(index: int) -> None:
        api.patch(f"{PODS}/load-{index % pods:05d}/status", {"status": status(index, ready=(index // pods) % 2 == 1)})

    with ThreadPoolExecutor(4) as pool:
        while time.monotonic() - began < 7200:
            due = int((time.monotonic() - began) * rate)
            # A server that is slower than that gets what it can take, not a backlog.
            list(pool.map(one, range(done, min(due, done + 40))))
            done = min(due, done + 40)
            print(done, flush=True)
            time.sleep(0.02)
    return 0


def pod(name: str) -> dict[str, Any]:
    """A pod that no scheduler takes."""
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name, "labels": {"app": "bench"}},
        "spec": {"schedulerName": "nobody", "containers": [{"name": "web", "image": "nginx"}]},
    }


def status(index: int, *, ready: bool) -> dict[str, Any]:
    """A status as a kubelet writes it."""
    now = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
    word = "True" if ready else "False"
    names = ("PodReadyToStartContainers", "Initialized", "Ready", "ContainersReady")
    return {
        "phase": "Running",
        "podIP": f"10.{index >> 16 & 255}.{index >> 8 & 255}.{index & 255}",
        "conditions": [
            {"type": name, "status": word if "Ready" in name[-15:] else "True", "lastTransitionTime": now}
            for name in names
        ],
        "containerStatuses": [
            {
                "name": "web",
                "image": "docker.io/library/nginx:latest",
                "imageID": "",
                "containerID": f"containerd://{index:064x}",
                "ready": ready,
                "restartCount": 0,
                "started": True,
                "state": {"running": {"startedAt": now}},
            }
        ],
    }


def typed(screen: Screen, number: int) -> list[float]:
    """Type letters one by one into what has the keys; seconds until each was painted.

    The letters are drawn at random, and the first of a line are not measured: what is waited for is nowhere else.
    """
    lags: list[float] = []
    text = ""
    while len(lags) < number:
        if len(text) >= 24:
            screen.key("\r")
            text = ""
            screen.drain(0.3)
        letter = secrets.choice("bcdfghjklmnpqrstvwxz")
        text += letter
        if len(text) > 6 and text in screen.text:
            raise SystemExit(f"{text} is on the screen before it was typed")
        pressed = screen.key(letter)
        painted = screen.until(text, 20)
        if len(text) > 6:
            lags.append(painted - pressed)
        screen.drain(0.06)
    return lags


def spread(seconds: list[float]) -> str:
    """``min / median / p95`` in milliseconds."""
    ordered = sorted(seconds)
    p95 = ordered[min(len(ordered) - 1, round(0.95 * len(ordered)))]
    return f"{ordered[0] * 1000:.0f} / {statistics.median(ordered) * 1000:.0f} / {p95 * 1000:.0f}"


if __name__ == "__main__":
    sys.path.insert(0, str(ROOT))
    sys.exit(main())
