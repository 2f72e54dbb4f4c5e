"""A run in the cluster, in memory: an API server as far as it is spoken to, what is handed in, what a pod writes."""

from __future__ import annotations

import queue
import random
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from k8s_tutor import __version__
from k8s_tutor.checks.outcome import passed
from k8s_tutor.grading.judge import row_of
from k8s_tutor.grading.problem import Problem
from k8s_tutor.grading.shards import objects, parcel
from k8s_tutor.grading.shards.parcel import Common, Entry
from k8s_tutor.grading.submission import HandedIn, Submission, understood
from k8s_tutor.kube.errors import NotFound
from k8s_tutor.labs.loader import load
from k8s_tutor.reports.grades.report import Graded, Notice
from k8s_tutor.reports.report import Report

Object = dict[str, Any]
LAB = load("lab1")
SEED = "abcdefghijklmnopqrstuvwx"
COMMON = Common("lab1", LAB.hash, __version__, "run", "c", "v1", False, {"nginx:latest": "a stand-in"}, 60.0, 600.0)
NS = "k8s-tutor-grade-0a0a0a0a"
RESOURCES = {
    "ServiceAccount": "serviceaccounts",
    "ClusterRole": "clusterroles",
    "ClusterRoleBinding": "clusterrolebindings",
    "ValidatingAdmissionPolicy": "validatingadmissionpolicies",
    "ValidatingAdmissionPolicyBinding": "validatingadmissionpolicybindings",
}


class Watch:
    """A watch that never ends by itself."""

    def __init__(self) -> None:
        self.events: queue.SimpleQueue[Object | None] = queue.SimpleQueue()

    def __iter__(self) -> Iterator[Object]:
        while (event := self.events.get()) is not None:
            yield event

    def close(self) -> None:
        self.events.put(None)


class ShardApi:
    """Objects by path; ``on_job`` is called with the Job when it is made."""

    server = "https://test"

    def __init__(self, on_job: Callable[[ShardApi, Object], None]) -> None:
        self.objects: dict[str, Object] = {}
        self.deleted: list[str] = []
        self.made: list[Object] = []
        self._on_job = on_job
        self._watches: list[tuple[str, Watch]] = []

    def get(self, path: str, query: object = None) -> Object:
        if path.endswith("/serviceaccounts/default"):
            return {}
        if path not in self.objects:
            raise NotFound(404, "NotFound", path)
        return self.objects[path]

    def list(self, path: str, query: Mapping[str, Any] | None = None) -> Object:
        wanted = str((query or {}).get("labelSelector", ""))
        key, _, value = wanted.partition("=")
        found = []
        for place, obj in self.objects.items():
            labels = obj.get("metadata", {}).get("labels", {})
            if place.rpartition("/")[0] == path and (not key or key in labels) and (not value or labels[key] == value):
                found.append(obj)
        return {"items": found, "metadata": {"resourceVersion": "1"}}

    def create(self, path: str, obj: Object, query: object = None) -> Object:
        obj["metadata"].setdefault("uid", f"uid-{len(self.made)}")
        self.made.append(obj)
        self.put(path, obj)
        if obj["kind"] == "Job":
            self._on_job(self, obj)
        return obj

    def put(self, path: str, obj: Object) -> None:
        """An object appears or changes, and whoever watches hears of it."""
        self.objects[f"{path}/{obj['metadata']['name']}"] = obj
        for place, watch in self._watches:
            if place == path:
                watch.events.put({"type": "MODIFIED", "object": obj})

    def apply(self, obj: Object) -> Object:
        return self.create(RESOURCES[obj["kind"]], obj)

    def patch(self, path: str, body: Object, **_: Any) -> Object:
        self.objects[path]["metadata"].setdefault("annotations", {}).update(body["metadata"]["annotations"])
        return self.objects[path]

    def delete(self, path: str, **_: Any) -> Object:
        self.deleted.append(path)
        return {}

    def stream(self, path: str, query: Mapping[str, Any] | None = None, **_: Any) -> Watch:
        watch = Watch()
        for obj in self.list(path, query)["items"]:
            watch.events.put({"type": "ADDED", "object": obj})
        bookmark = {"metadata": {"resourceVersion": "1", "annotations": {"k8s.io/initial-events-end": "true"}}}
        watch.events.put({"type": "BOOKMARK", "object": bookmark})
        self._watches.append((path, watch))
        return watch


def entry(student: str, text: str = "kind: Pod\n") -> Entry:
    return Entry(student, HandedIn({"nginx-pod.yaml": text}, (Problem("x", 1, "m", "r", True),)), seed="")


def noise(size: int) -> str:
    """Text that does not become smaller."""
    return "".join(random.Random(size).choices("abcdefghijklmnopqrstuvwxyz0123456789ABCDEFGHIJ", k=size))


def graded(submission: Submission, **report: Any) -> Graded:
    rows = tuple(row_of(LAB, step.id, step.title, spec, passed("yes")) for step in LAB.steps for spec in step.checks)
    made = Report("lab1", LAB.title, LAB.hash, "c", "ns", 1.0, 2.0, rows, __version__)
    made = replace(made, **report)
    return Graded(submission.student, made, (Notice("f", 1, "m"),), digest=submission.digest)


def submission(student: str = "ada") -> Submission:
    return understood(entry(student).handed_in, LAB, student, Path())


def write(api: ShardApi, index: int, place: int, made: Graded) -> None:
    """As a pod writes a result."""
    api.put(f"api/v1/namespaces/{NS}/secrets", objects.result(NS, index, place, parcel.result(made)))
