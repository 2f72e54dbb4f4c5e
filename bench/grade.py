"""Grade a class of Lab 2, beside a script that makes the same objects and checks nothing: throughput, as a ratio.

    ./dev bench grade                             40 submissions, a quarter of an hour
    python bench/grade.py --number 250 --raw 40   a whole class, half an hour and more
    python bench/grade.py --number 3 --leave --cluster NAME   on a native cluster that is there (a test does so)

Both run on one cluster, the bench's own if none is named, with as many side by side: raw, graded, raw, so that a
machine that becomes faster or slower meanwhile does not matter. "Raw" creates a namespace, a Deployment of three,
deletes a pod, makes and deletes a bare pod, scales to ten, makes a Service, deletes the namespace: what a submission
makes, by the API, with no look at it but for when to go on. Each run is over when its last namespace is gone. What the
kubelet has still to clear away then, one to three minutes later, counts by the processor time that it takes, on all
cores: else a short run would leave to the next one what a long run does itself (two of three times that a pod's
network is taken down). The grader is the program as an instructor starts it; its memory is that of its process,
sampled. What it grades are the right submissions of the tests' corpus, each as often as the number asks for: nobody
may get another grade than the others who handed in the same.
"""

from __future__ import annotations

import argparse
import json
import os
import queue
import subprocess
import sys
import tempfile
import threading
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "bench"), str(ROOT / "tests" / "cluster")]

import yaml  # noqa: E402
from again import told  # noqa: E402
from corpus import DEPLOY, SERVICE  # noqa: E402
from corpus_right import RIGHT  # noqa: E402

from k8s_tutor.clusters.native import names  # noqa: E402
from k8s_tutor.clusters.native.provider import NativeProvider  # noqa: E402
from k8s_tutor.clusters.provider import Cluster  # noqa: E402
from k8s_tutor.grading.capacity import room  # noqa: E402
from k8s_tutor.kube.client import Api, connect  # noqa: E402
from k8s_tutor.labs.loader import load  # noqa: E402
from k8s_tutor.session.connection import Namespace, delete_namespace, ensure_namespace  # noqa: E402

LOOK = 0.2
REST_SECONDS = 15.0
CLEAR_SECONDS = 300.0
CASES = [case for case in RIGHT if case.lab == "lab2"]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--number", type=int, default=40, help="submissions (40)")
    parser.add_argument("--raw", type=int, help="submissions' objects made raw, half of them afterwards (as many)")
    parser.add_argument("--jobs", type=int, help="side by side (default: as the grader chooses)")
    parser.add_argument("--cluster", help="a native cluster that runs (default: one of its own)")
    parser.add_argument("--leave", action="store_true", help="do not wait until dead pods are cleared away (minutes)")
    options = parser.parse_args()
    print("\n".join(bench_grade(options.number, options.jobs, options.cluster, options.raw, leave=options.leave)))
    return 0


def bench_grade(
    number: int = 40,
    jobs: int | None = None,
    there: str | None = None,
    raw: int | None = None,
    *,
    leave: bool = False,
) -> list[str]:
    """Both runs, as lines of Markdown, on the cluster that is ``there``, or on one that is gone afterwards."""
    provider, name = NativeProvider(), there or f"bench-{os.getpid()}"
    try:
        cluster = provider.up(name)
        return measured(cluster, number, jobs, raw or number, leave=leave)
    finally:
        if not there:
            provider.down(name)


def measured(cluster: Cluster, number: int, jobs: int | None, raws: int, *, leave: bool = False) -> list[str]:
    """Both runs on this cluster, as lines of Markdown; ``leave``: without what the kubelet clears away later."""
    api = connect(cluster.kubeconfig)
    side = min(jobs or room(api, load("lab2")).jobs, number)
    before, after = raws - raws // 2, raws // 2
    node = None if leave else Node(api, cluster.name)
    raw = _raw(api, before, side)
    raw_rest = node.cleared() if node else 0.0
    _say(f"{before} made raw in {raw:.0f} s")
    graded, memory, grades = _graded(api, cluster, number, side)
    graded_rest = node.cleared() if node else 0.0
    _say(f"{number} graded in {graded:.0f} s")
    if after:
        raw += _raw(api, after, side, "raw-again")
        raw_rest += node.cleared() if node else 0.0
    api.close()
    whole_raw, whole_graded = (raw + raw_rest) / raws, (graded + graded_rest) / number
    full = sum(each["score"] == each["max_score"] for each in grades)
    kinds: dict[str, set[object]] = {}
    for each in grades:
        kinds.setdefault(each["student"].rpartition("-")[0], set()).add(told(each))
    unlike = [name for name, found in kinds.items() if len(found) > 1]
    return [
        "## A class graded",
        "",
        f"{number} submissions of Lab 2 on a native cluster of one node, {side} side by side; API server, kubelet, "
        f"pods and grader share the machine's cores. Raw: {before} before and {after} after.",
        "",
        "| what | figure | wanted |",
        "|---|---|---|",
        f"| the same objects made, scaled and deleted, nothing checked | {raw:.0f} s and {raw_rest:.0f} s to clear "
        f"away, {whole_raw:.1f} s each | |",
        f"| graded | {graded:.0f} s and {graded_rest:.0f} s to clear away, {whole_graded:.1f} s each | |",
        f"| throughput of the grader, of that | {whole_raw / whole_graded:.2f} | 0.8 |",
        f"| the same without what is cleared away later | {raw / raws / (graded / number):.2f} | |",
        f"| memory of the grader, at most | {memory:.0f} MB | 300 |",
        f"| full marks | {full} of {number} | all |",
        f"| kinds of submissions; of those with unlike grades | {len(kinds)}; {len(unlike)} {' '.join(unlike)} | 0 |",
    ]


class Node:
    """The one node of a native cluster: what is left on it of pods that are gone, and what it costs to clear away."""

    def __init__(self, api: Api, name: str) -> None:
        """Wait until nothing is left, and see what the machine does meanwhile when it rests."""
        self._api = api
        self._sandboxes = names.node_dir(name, 1) / "containerd" / "io.containerd.grpc.v1.cri" / "sandboxes"
        self._rest = 0.0
        self.cleared()
        began, busy = time.perf_counter(), _busy()
        time.sleep(REST_SECONDS)
        self._rest = (_busy() - busy) / (time.perf_counter() - began)

    def cleared(self) -> float:
        """Wait until nothing is left; the seconds that this takes with nothing else to do, on all cores.

        The kubelet looks once a minute, and waiting for that is nobody's work: only the processor time counts, less
        what a cluster at rest takes.
        """
        began, busy = time.perf_counter(), _busy()
        while len(list(self._sandboxes.iterdir())) > len(self._api.list("api/v1/pods")["items"]):
            if time.perf_counter() - began > CLEAR_SECONDS:
                raise SystemExit("the kubelet does not clear dead pods away")
            time.sleep(2.0)
        spent = _busy() - busy - self._rest * (time.perf_counter() - began)
        return max(0.0, spent) / (os.cpu_count() or 1)


def _busy() -> float:
    """Seconds of processor time, of all cores together, in which the machine was not idle (proc(5), ``/proc/stat``)."""
    user, nice, system, _idle, _wait, *others = map(int, Path("/proc/stat").read_text().split("\n", 1)[0].split()[1:])
    return (user + nice + system + sum(others[:3])) / os.sysconf("SC_CLK_TCK")


def _say(text: str) -> None:
    print(f"bench: {text}", file=sys.stderr, flush=True)


def _raw(api: Api, number: int, side: int, name: str = "raw") -> float:
    work: queue.SimpleQueue[int] = queue.SimpleQueue()
    for each in range(number):
        work.put(each)

    def drain() -> None:
        while True:
            try:
                _one(api, f"{name}-{work.get_nowait()}")
            except queue.Empty:
                return

    began = time.perf_counter()
    threads = [threading.Thread(target=drain) for _ in range(side)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    _all_gone(api)
    return time.perf_counter() - began


def _all_gone(api: Api) -> None:
    """Wait until nothing is left of what was made: who deletes and does not wait leaves work to whoever comes next."""
    while any(each["metadata"].get("deletionTimestamp") for each in api.list("api/v1/namespaces")["items"]):
        time.sleep(LOOK)


def _one(api: Api, name: str) -> None:
    made = ensure_namespace(api, name)
    pods = f"api/v1/namespaces/{name}/pods"
    deployments = f"apis/apps/v1/namespaces/{name}/deployments"
    api.create(deployments, yaml.safe_load(DEPLOY))
    _ready(api, f"{deployments}/nginx-deployment", 3)
    first = api.list(pods)["items"][0]["metadata"]["name"]
    api.delete(f"{pods}/{first}")
    _gone(api, pods, first)
    _ready(api, f"{deployments}/nginx-deployment", 3)
    bare: dict[str, Any] = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "nginx-pod", "labels": {"app": "nginx"}},
        "spec": {"containers": [{"name": "nginx-pod", "image": "nginx", "imagePullPolicy": "IfNotPresent"}]},
    }
    api.create(pods, bare)
    while api.get(f"{pods}/nginx-pod")["status"].get("phase") != "Running":
        time.sleep(LOOK)
    api.delete(f"{pods}/nginx-pod")
    _gone(api, pods, "nginx-pod")
    api.patch(f"{deployments}/nginx-deployment", {"spec": {"replicas": 10}})
    _ready(api, f"{deployments}/nginx-deployment", 10)
    api.create(f"api/v1/namespaces/{name}/services", yaml.safe_load(SERVICE))
    delete_namespace(api, Namespace(name, made.uid, True, {}), wait=False)


def _ready(api: Api, path: str, number: int) -> None:
    while api.get(path).get("status", {}).get("readyReplicas") != number:
        time.sleep(LOOK)


def _gone(api: Api, pods: str, name: str) -> None:
    while any(pod["metadata"]["name"] == name for pod in api.list(pods)["items"]):
        time.sleep(LOOK)


def _graded(api: Api, cluster: Cluster, number: int, side: int) -> tuple[float, float, list[dict[str, Any]]]:
    """Seconds, megabytes at most, the students of the report."""
    with tempfile.TemporaryDirectory() as folder:
        base = Path(folder)
        for each in range(number):
            case = CASES[each % len(CASES)]
            replace(case, name=f"{case.name}-{each // len(CASES):04}").write(base / "class")
        argv = [sys.executable, "-m", "k8s_tutor", "grade", str(base / "class"), "--lab", "lab2", "--exit-zero"]
        argv += ["--cluster", cluster.name, "--jobs", str(side), f"--report=json={base / 'out.json'}"]
        began = time.perf_counter()
        with subprocess.Popen(argv, cwd=ROOT, stdout=subprocess.DEVNULL) as process:
            most = 0.0
            while process.poll() is None:
                most = max(most, _memory(process.pid))
                time.sleep(0.5)
        _all_gone(api)
        took = time.perf_counter() - began
        if process.returncode:
            raise SystemExit(f"the grader ended with {process.returncode}")
        return took, most, json.loads((base / "out.json").read_text())["students"]


def _memory(pid: int) -> float:
    try:
        status = Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return 0.0
    return next((int(line.split()[1]) / 1024 for line in status.splitlines() if line.startswith("VmRSS")), 0.0)


if __name__ == "__main__":
    raise SystemExit(main())
