"""Measure the tutor as its learner meets it: the real program in tmux, on a cluster of the bench's own.

    ./dev bench tutor                       all parts, about eight minutes
    python bench/tutor.py start keys …      some parts
    python bench/tutor.py soak --soak 3600  an hour

Keys are written to a tmux client on a terminal of ours, and what it paints is read back through a terminal core, so
every figure holds tmux's own way there and back (printed first). API server, etcd, kwok, tmux and the bench itself
share the machine's cores with the tutor: what they cost is in every figure that has events in it. "The API server's
word" is the moment at which a watch of the bench's own brought the event, so that what comes before it is not ours.

Pods stand on a node of kwok's, which also makes the changes. Where kwok cannot be built, pods have no node, and the
bench writes their status and the changes itself.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import queue
import secrets
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "bench")]

import kwok  # noqa: E402
from screen import COLUMNS, ROWS, Screen, Usage, spread, typed  # noqa: E402

from k8s_tutor.errors import TutorError  # noqa: E402

TUTOR = [sys.executable, "-m", "k8s_tutor"]
PARTS = ("start", "idle", "event", "pour", "keys", "soak")
CHURN_SECONDS = 2.0
NAMESPACE = "learner"


def LIVE(text: str) -> bool:  # noqa: N802
    """Whether a lab is shown, with what is on the cluster."""
    return "● live" in text and "h hint" in text


PODS = f"api/v1/namespaces/{NAMESPACE}/pods"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("parts", nargs="*", help=f"some of {', '.join(PARTS)} (default: all)")
    parser.add_argument("--soak", type=float, default=30.0, help="seconds of the soak")
    parser.add_argument("--pods", type=int, default=10_000, help="pods of the large namespace")
    parser.add_argument("--rate", type=float, default=200.0, help="changes a second")
    parser.add_argument("--change", nargs=2, metavar=("KUBECONFIG", "PODS"), help=argparse.SUPPRESS)
    options = parser.parse_args()
    # Ended from outside, it takes down what it brought up.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
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
        with contextlib.closing(bench), bench.kwok():
            bench.way()
            for part in PARTS:
                if part in parts:
                    print(f"bench: {part} …", file=sys.stderr, flush=True)
                    getattr(bench, part)()
        return [
            "## The tutor in tmux",
            "",
            f"{COLUMNS} columns, {ROWS} rows, on a native cluster whose API server and etcd run on the same "
            f"{os.cpu_count()} cores. Milliseconds, min / median / p95, tmux's way there and back included. "
            f"Pods and their changes: {bench.maker}. The load is the machine's of the minute before, the bench's own "
            "included.",
            "",
            "| what | figure | wanted | load |",
            "|---|---|---|---|",
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
        self._restarts = 1000
        self._screens: list[Screen] = []
        self._kwok = kwok.binary()
        self.maker = f"kwok {kwok.VERSION}" if self._kwok else "the bench's own (kwok cannot be had here)"
        if self._kwok:
            api.create("api/v1/nodes", kwok.node())
        self.rows: list[str] = []

    @property
    def _kubeconfig(self) -> Path:
        return self._folder / "state" / "k8s-tutor" / "clusters" / "tutor" / "kubeconfig"

    @contextmanager
    def kwok(self) -> Iterator[None]:
        """kwok at work, if there is one. Once for all: another one would wait for this one's lease to end."""
        if self._kwok is None:
            yield
            return
        with kwok.running(self._kwok, self._kubeconfig, self._folder, CHURN_SECONDS) as maker:
            # It stands for the cluster's kubelets, so it has its part of what the cluster has of the processor.
            for group, _ in self._groups():
                (group / "kwok").mkdir()
                (group / "kwok" / "cgroup.procs").write_text(str(maker.pid))
            yield

    def _row(self, what: str, figure: str, wanted: str = "") -> None:
        self.rows.append(f"| {what} | {figure} | {wanted} | {os.getloadavg()[0]:.1f} |")
        print(self.rows[-1], file=sys.stderr, flush=True)

    def _open(self, *command: str) -> Screen:
        screen = Screen(self._environment, self._folder, list(command))
        self._screens.append(screen)
        return screen

    def close(self) -> None:
        """End what a part that broke off left open."""
        for screen in self._screens:
            screen.close()

    def _lab(self) -> Screen:
        screen = self._open(*TUTOR, "--lab", "lab1")
        screen.until(LIVE, 120)
        screen.drain(1.0)
        return screen

    def way(self) -> None:
        """What tmux and the reading cost by themselves: keys echoed by the terminal's driver."""
        screen = self._open("cat")
        screen.drain(0.5)
        self._row("tmux alone: a key echoed", spread(typed(screen, 40)))
        screen.close()

    def start(self) -> None:
        """From the command to a screen that answers keys: at home, in a lab, and back where the learner was."""
        homes, answers, labs, again = [], [], [], []
        for number in range(11):
            ready, screen = self._begin("q quit")
            pressed = screen.key("?")
            answered = screen.until("letters work while")
            screen.close()
            lesson, screen = self._begin(LIVE, "--lab", "lab1")
            screen.close()
            if number:  # the first one warms the caches and makes the namespace
                homes.append(ready)
                answers.append(answered - pressed)
                labs.append(lesson)
        self._row("start → home, ready for a key", spread(homes), "600")
        self._row("the first key (`?`) → help", spread(answers))
        self._row("start with `--lab` → the step, live", spread(labs), "1000")
        screen = self._lab()
        for title in ("How a cluster is built", "Write it down"):
            screen.key("n")
            screen.until(title)
        screen.drain(1.0)  # its progress is written
        screen.close()
        for _ in range(10):
            back, screen = self._begin(lambda text: LIVE(text) and "Write it down" in text)
            pressed = screen.key("p")
            answered = screen.until("How a cluster is built")
            screen.close()
            again.append((back, answered - pressed))
        self._row("start → the step where the learner was, live", spread([back for back, _ in again]), "1000")
        self._row("the first key there (`p`) → the step before", spread([key for _, key in again]))

    def _begin(self, wanted: Callable[[str], bool] | str, *options: str) -> tuple[float, Screen]:
        """Start the tutor; seconds until the screen is as wanted."""
        screen = self._open("cat")
        screen.drain(0.3)
        began = time.perf_counter()
        screen.tmux("respawn-pane", "-k", *TUTOR, *options)
        return screen.until(wanted, 120) - began, screen

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
        """With 1,000 pods: from the API server's word of a change to the cluster pane, and to the check's verdict."""
        self._fill(1_000)
        screen = self._step("6  Is it running?")
        self._turns(screen, 1)
        use = Usage(screen.pid)
        words, panes, findings = self._turns(screen, 60)
        spent = use.spent / 60
        screen.close()
        self._row("1,000 pods: the tutor's processor time for one change", f"{spent * 1000:.0f}")
        self._row("1,000 pods: written → the API server's word of it", spread(words))
        self._row("1,000 pods: the API server's word → the cluster pane", spread(panes), "100 (p95)")
        self._row("1,000 pods: the API server's word → the check's verdict", spread(findings), "100 (p95)")

    def _step(self, title: str) -> Screen:
        screen = self._lab()
        for _ in range(24):
            if title in screen.text:
                return screen
            screen.key("n")
            screen.drain(0.5)
        raise SystemExit(f"no step {title!r} on the screen:\n{screen.text}")

    def _turns(self, screen: Screen, number: int, pause: float = 0.25) -> tuple[list[float], list[float], list[float]]:
        """A pod turns ready and unready, restarted each time: write → word, word → cluster pane, word → verdict."""
        told: queue.Queue[tuple[int, float]] = queue.Queue()
        stream = self._api.stream(
            PODS, {"watch": True, "resourceVersion": self._version(), "fieldSelector": "metadata.name=nginx-pod"}
        )

        def listen() -> None:
            with contextlib.suppress(TutorError):  # the bench gave up
                for item in stream:
                    at = time.perf_counter()
                    for each in item["object"].get("status", {}).get("containerStatuses", ()):
                        told.put((each["restartCount"], at))

        threading.Thread(target=listen, daemon=True).start()
        time.sleep(0.5)
        words, panes, findings = [], [], []
        for turn in range(number + 1):
            self._restarts += 1
            ready, word = self._restarts % 2 == 1, f" {self._restarts} re"
            wrote = time.perf_counter()
            self._api.patch(f"{PODS}/nginx-pod/status", {"status": status(1, ready=ready, restarts=self._restarts)})
            seen: dict[str, float] = {}

            def both(text: str, word: str = word, ready: bool = ready, seen: dict[str, float] = seen) -> bool:
                now = time.perf_counter()
                lines = text.splitlines()
                if any(word in line[100:] for line in lines):
                    seen.setdefault("pane", now)
                if any("✓ The pod runs" in line[:60] for line in lines) == ready:
                    seen.setdefault("verdict", now)
                return len(seen) == 2

            screen.until(both, 20)
            while (heard := told.get(timeout=10))[0] != self._restarts:
                pass
            screen.drain(pause * (0.5 + secrets.randbelow(1000) / 1000))
            if not turn:  # it may have been so before
                continue
            words.append(heard[1] - wrote)
            panes.append(seen["pane"] - heard[1])
            findings.append(seen["verdict"] - heard[1])
        stream.close()
        return words, panes, findings

    def pour(self) -> None:
        """300,000 lines run through the terminal: how long, and what becomes of events meanwhile."""
        self._fill(1_000)
        screen = self._step("6  Is it running?")
        screen.key("\x1b[17~")  # F6
        screen.drain(2.0)
        began = screen.key("seq -f 'line %.0f of many' 300000; echo the e''nd\r")
        screen.until("of many")
        _, panes, _ = self._turns(screen, 5, 0.05)
        # What was poured while events were measured counts too.
        ended = screen.until("the end", 120)
        screen.close()
        self._row("300,000 lines through the terminal: lines a second", f"{300_000 / (ended - began):,.0f}")
        self._row("meanwhile: the API server's word → the cluster pane", spread(panes), "100 (p95)")

    def keys(self) -> None:
        """With 10,000 pods: keys while nothing happens, and while 200 objects change each second."""
        self._fill(self._pods)
        screen = self._lab()
        screen.drain(8.0)
        screen.key("e")
        screen.until("esc leave")
        use = Usage(screen.pid)
        figure = spread(typed(screen, 100))
        self._row("the tutor's processor time for one key", f"{1000 * use.spent / 100:.0f}")
        self._row(f"{self._pods:,} pods, quiet: a key → its letter in the editor", figure, "50 (p95)")
        with self._changes():
            screen.drain(8.0)
            self._keys_meanwhile(screen, "")
            for how, share in (
                ("a quarter of a usual share", ("256", "25")),
                ("a usual share", ("1024", "100")),
                ("the least share", ("2", "1")),
            ):
                with self._share(*share):
                    screen.drain(8.0)
                    self._keys_meanwhile(screen, f", the cluster with {how}")
        screen.close()

    def _keys_meanwhile(self, screen: Screen, how: str) -> None:
        use, before, began = Usage(screen.pid), int(self._version()), time.monotonic()
        figure = spread(typed(screen, 200))
        rate = (int(self._version()) - before) / (time.monotonic() - began)
        self._row(f"{self._pods:,} pods, {rate:.0f} changes a second{how}: a key → its letter", figure, "50 (p95)")
        self._row("the same: processor", f"{use.share:.0f} % of a core", "100 %")
        self._row("the same: memory", f"{use.rss:.0f} MB", "200 MB")

    def _groups(self) -> list[tuple[Path, int]]:
        """The cluster's cgroups that have a share of the processor, with their version."""
        from k8s_tutor.clusters.native import cgroups, names

        name = f"k8s-tutor-tutor-{names.tag_of(self._folder / 'state' / 'k8s-tutor' / 'clusters' / 'tutor')}"
        return [(tree.root / name, tree.version) for tree in cgroups.hierarchies() if "cpu" in tree.controllers]

    @contextmanager
    def _share(self, one: str, two: str) -> Iterator[None]:
        """Another share of the processor for the cluster: cgroup v1's or v2's. The least: as if it ran elsewhere."""
        files = [(group / ("cpu.shares", "cpu.weight")[version - 1], (one, two)[version - 1])
                 for group, version in self._groups()]  # fmt: skip
        before = [(file, file.read_text()) for file, _ in files]
        for file, share in files:
            file.write_text(share)
        try:
            yield
        finally:
            for file, was in before:
                file.write_text(was)

    def soak(self) -> None:
        """Memory, files and threads before and after a long time of changes."""
        self._fill(1_000)
        screen = self._lab()
        with self._changes():
            screen.drain(min(60.0, self._soak))
            use, before, began = Usage(screen.pid), int(self._version()), time.monotonic()
            marks = [(0.0, use.rss, use.handles, use.threads)]
            for _ in range(10):
                screen.drain(self._soak / 10)
                marks.append(((time.monotonic() - began) / 60, use.rss, use.handles, use.threads))
                print("bench: soak {:.1f} min, {:.1f} MB, {} files, {} threads".format(*marks[-1]), file=sys.stderr)
            first, last = marks[0], marks[-1]
            growth = "; ".join(f"{mark[1]:.0f}" for mark in marks)
            changes = int(self._version()) - before
            self._row(
                f"soak, {self._soak:.0f} s, {changes:,} changes among {self._there:,} pods: memory (MB), files, "
                "threads",
                f"{growth}; {first[2]} → {last[2]}; {first[3]} → {last[3]}",
                "no growth",
            )
        screen.close()

    def _version(self) -> str:
        """The store's revision: each write of anything adds one to it."""
        return str(self._api.list(PODS, {"limit": 1})["metadata"]["resourceVersion"])

    def _pod(self, name: str) -> dict[str, Any]:
        found = pod(name)
        if self._kwok:
            found["spec"] |= {"nodeName": kwok.NODE, "tolerations": [{"operator": "Exists"}]}
        return found

    def _fill(self, number: int) -> None:
        """Have so many pods, running as far as their status says."""

        def one(index: int) -> None:
            name = f"load-{index:05d}"
            self._api.create(PODS, self._pod(name))
            if not self._kwok:
                self._api.patch(f"{PODS}/{name}/status", {"status": status(index, ready=True)})

        began = time.monotonic()
        if not self._there:
            self._api.create(PODS, self._pod("nginx-pod"))  # the first, so that the cluster pane has it in view
            self._api.patch(f"{PODS}/nginx-pod/status", {"status": status(1, ready=True)})
            time.sleep(1.1)  # the pane sorts by whole seconds
        with ThreadPoolExecutor(8) as pool:
            list(pool.map(one, range(self._there, number)))
        self._there = max(self._there, number)
        while any(not each.get("status", {}).get("podIP") for each in self._api.list(PODS)["items"]):
            time.sleep(2.0)
        print(f"bench: {self._there} pods, {time.monotonic() - began:.0f} s", file=sys.stderr, flush=True)

    def _churn(self, word: str | None) -> None:
        """Have as many pods change as it takes for the rate, or no more; every second one is among the first."""
        names = [f"load-{index:05d}" for index in range(1, min(self._there, int(2 * self._rate * CHURN_SECONDS)), 2)]
        body = {"metadata": {"labels": {"churn": word}}}
        with ThreadPoolExecutor(4) as pool:
            list(pool.map(lambda name: self._api.patch(f"{PODS}/{name}", body), names))

    @contextmanager
    def _changes(self) -> Iterator[None]:
        """Changes of pods' status: kwok's, or by a process of our own."""
        if self._kwok:
            try:
                self._churn("yes")
                yield
            finally:
                self._churn(None)
            return
        arguments = ["--rate", str(self._rate), "--change", str(self._kubeconfig), str(self._there)]
        process = subprocess.Popen([sys.executable, __file__, *arguments], env={**os.environ, "PYTHONPATH": str(ROOT)})
        try:
            yield
        finally:
            process.terminate()
            process.wait(10)


def change(kubeconfig: Path, pods: int, rate: float) -> int:
    """Change the status of one pod after another at this rate, for two hours at most."""
    from k8s_tutor.kube.client import connect

    api = connect(kubeconfig)
    began, done = time.monotonic(), 0

    def one(index: int) -> None:
        api.patch(f"{PODS}/load-{index % pods:05d}/status", {"status": status(index, ready=(index // pods) % 2 == 1)})

    with ThreadPoolExecutor(4) as pool:
        while time.monotonic() - began < 7200:
            due = int((time.monotonic() - began) * rate)
            # A server that is slower than that gets what it can take, not a backlog.
            list(pool.map(one, range(done, min(due, done + 40))))
            done = min(due, done + 40)
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


def status(index: int, *, ready: bool, restarts: int = 0) -> dict[str, Any]:
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
                "restartCount": restarts,
                "started": True,
                "state": {"running": {"startedAt": now}},
            }
        ],
    }


if __name__ == "__main__":
    sys.exit(main())
