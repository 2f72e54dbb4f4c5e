"""Grades a class in the cluster: shards of it go to an Indexed Job, results come back by a watch.

Kubernetes distributes: it places the pods on the nodes, makes one again that was lost, and ends them when their time is
over. What is here makes the run's own namespace, waits, and takes everything away.
"""

from __future__ import annotations

import contextlib
import math
import queue
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from k8s_tutor import __version__
from k8s_tutor.errors import TutorError, UsageError
from k8s_tutor.grading.judge import from_here, not_graded
from k8s_tutor.grading.place import NAME, claim, delete_jobs, delete_rights
from k8s_tutor.grading.problem import plain
from k8s_tutor.grading.runner import Cut, Desk, Task
from k8s_tutor.grading.shards import objects, parcel, pods
from k8s_tutor.grading.shards.objects import IMAGE, INDEX, JOB, SHARD
from k8s_tutor.grading.shards.parcel import Common, Entry
from k8s_tutor.grading.shards.pods import Pod
from k8s_tutor.grading.submission import Submission
from k8s_tutor.kube.record import Change
from k8s_tutor.kube.reflector import Reflector
from k8s_tutor.labs.loader import content_dir
from k8s_tutor.labs.model import Lab
from k8s_tutor.session.connection import Namespace, delete_namespace, ensure_namespace

MOST_JOBS = 1000
CLAIM_SECONDS = 600.0
CLAIM_EVERY = 60.0
"""While a run lives it says so on its namespace, for whoever sweeps from another machine."""
LOST_SECONDS = 120.0
"""How long the API server may be silent before the run is given up."""
IDLE_SECONDS = 60.0
"""How long a Job that is not done may be without a pod: it waits ten, then twenty seconds after one that failed."""
LOOK_SECONDS = 5.0
SPARE_SECONDS = 60.0
"""For each submission, beside its own time: to make its place and take it away."""

Key = tuple[int, int]
"""Shard, and place in it."""


class Shards:
    """See ``runner.Runner``."""

    most = MOST_JOBS
    beside = 1

    def __init__(self, lab: Lab, image: str = IMAGE) -> None:
        """``image``: of the grader, with the same version and ``lab``. Raises UsageError for a lab that is in none."""
        if lab.folder.resolve().parent != content_dir().resolve():
            raise UsageError(
                f"{lab.folder} is a lab of your own, and the grader's image holds only those that k8s-tutor brings",
                remedy="grade it from this machine: --runner local",
                code="runner-lab",
            )
        self._image = image

    def grade(self, todo: Sequence[Submission], task: Task, desk: Desk) -> None:
        """Grade them."""
        run = _Run(self._image, todo, task, desk)
        try:
            run.begin()
            run.wait()
        except KeyboardInterrupt:
            desk.cut_short(Cut.INTERRUPTED)
        finally:
            run.end()


class _Inbox:
    """Where the watches put what they see."""

    def __init__(self) -> None:
        self.events: queue.SimpleQueue[tuple[str, Mapping[str, Any], bool]] = queue.SimpleQueue()
        self.silent: dict[str, float] = {}
        self.why = ""

    def sync(self, kind: str, objects: list[Mapping[str, Any]]) -> None:
        """All objects that exist."""
        for obj in objects:
            self.events.put((kind, obj, False))

    def feed(self, kind: str, change: Change, obj: Mapping[str, Any]) -> None:
        """One change."""
        self.events.put((kind, obj, change is Change.DELETED))

    def heard(self, kind: str) -> None:
        """The server spoke."""
        self.silent.pop(kind, None)

    def lost(self, kind: str, error: TutorError) -> None:
        """It did not."""
        self.why = error.message
        self.silent.setdefault(kind, time.monotonic())


class _Run:
    """One run in the cluster."""

    def __init__(self, image: str, todo: Sequence[Submission], task: Task, desk: Desk) -> None:
        self._image, self._task, self._desk = image, task, desk
        self._api = task.api
        self._name = f"{NAME}-{task.run}"
        self._path = f"api/v1/namespaces/{self._name}"
        self._namespace: Namespace | None = None
        self._submissions = {submission.student: submission for submission in todo}
        self._left: dict[Key, Submission] = {}
        self._inbox = _Inbox()
        self._reflectors: list[Reflector] = []
        self._pods: dict[str, Pod] = {}
        self._stuck: dict[str, float] = {}
        self._failed: set[int] = set()
        self._idle = time.monotonic()
        self._other = ""

    def begin(self) -> None:
        """Make everything and let it run. Raises TutorError."""
        task, api = self._task, self._api
        entries = [
            Entry(each.student, each.handed_in, task.labs[each.student].seed) for each in self._submissions.values()
        ]
        shards, too_large = parcel.pack(entries, _common(task), task.jobs)
        for student in too_large:
            self._not_graded(self._submissions[student], "its files are too large for a Secret: --runner local")
        if not shards:
            return
        self._namespace = ensure_namespace(api, self._name, objects.namespace_labels(task.run))
        claim(api, self._name, CLAIM_SECONDS)
        uid = self._namespace.uid
        for item in (*objects.limits(self._name, uid, task.run), *objects.rights(self._name, uid)):
            api.apply(item)
        for index, shard in enumerate(shards):
            api.create(f"{self._path}/secrets", objects.shard(self._name, index, shard))
            self._left.update({(index, place): self._submissions[who] for place, who in enumerate(shard.students)})
        job = objects.job(self._name, self._image, len(shards), task.jobs, self._seconds(shards))
        watched = {
            "Secret": (f"{self._path}/secrets", {"labelSelector": SHARD}),
            "Pod": (f"{self._path}/pods", {"labelSelector": INDEX}),
            "Job": (self._jobs, {"fieldSelector": f"metadata.name={JOB}"}),
        }
        api.create(self._jobs, job)
        self._idle = time.monotonic()
        for kind, (path, query) in watched.items():
            self._reflectors.append(Reflector(api, kind, path, self._inbox, query=query))
            self._reflectors[-1].start()

    def wait(self) -> None:
        """Until all are finished, the time is over, or there is nothing to wait for."""
        claimed = time.monotonic()
        while self._left:
            now = time.monotonic()
            if self._task.end is not None and now >= self._task.end:
                self._desk.cut_short(Cut.TIME)
                return
            if now - claimed > CLAIM_EVERY:
                claimed = now
                with contextlib.suppress(TutorError):
                    claim(self._api, self._name, CLAIM_SECONDS)
            trouble = self._trouble(now)
            if trouble:
                self._desk.note(f"ended: {trouble}")
                self._rest(trouble)
                return
            left = LOOK_SECONDS if self._task.end is None else min(LOOK_SECONDS, self._task.end - now)
            with contextlib.suppress(queue.Empty):
                self._take(*self._inbox.events.get(timeout=left))

    def end(self) -> None:
        """Take everything away. What was finished at the last moment is still told."""
        for reflector in self._reflectors:
            reflector.cut()
        for reflector in self._reflectors:
            reflector.stop()
        delete_rights(self._api, self._name)
        if self._left:
            with contextlib.suppress(TutorError):
                self._collect()
        if self._namespace is not None:
            with contextlib.suppress(TutorError):
                delete_jobs(self._api, self._name)
            with contextlib.suppress(TutorError):
                delete_namespace(self._api, self._namespace, wait=False)

    # What is seen.

    def _take(self, kind: str, obj: Mapping[str, Any], gone: bool) -> None:
        if kind == "Secret" and not gone:
            self._result(obj)
        elif kind == "Pod":
            self._pod(obj, gone)
        elif kind == "Job":
            self._job(obj, gone)

    def _result(self, secret: Mapping[str, Any]) -> None:
        key = objects.place_of(secret)
        submission = self._left.pop(key, None) if key is not None else None
        if key is None or submission is None:
            return
        try:
            graded = parcel.result_in(objects.data_of(secret))
            wrong = parcel.refused(graded, submission, self._task.labs[submission.student])
        except ValueError as error:
            wrong = str(error)
        if wrong:
            self._not_graded(submission, f"the result of its pod is refused: {wrong[:200]}")
        else:
            self._desk.finished(replace(graded, folder=from_here(submission.folder)))
        self._next(key[0])

    def _pod(self, pod: Pod, gone: bool) -> None:
        uid, index = str((pod.get("metadata") or {}).get("uid")), pods.index_of(pod)
        self._other = self._other or pods.other_lab(pod)
        if gone or index is None or not pods.active(pod):
            self._stuck.pop(uid, None)
            if self._pods.pop(uid, None) is not None and not self._pods:
                self._idle = time.monotonic()
            return
        self._pods[uid] = pod
        if pods.stuck(pod) is None:
            self._stuck.pop(uid, None)
        else:
            self._stuck.setdefault(uid, time.monotonic())
        if pods.running(pod):
            self._next(index)

    def _next(self, index: int) -> None:
        """Tell whose turn it is in a shard: its pod takes one after the other."""
        if (key := min((key for key in self._left if key[0] == index), default=None)) is not None:
            self._desk.started(self._left[key].student)

    def _job(self, job: Mapping[str, Any], gone: bool) -> None:
        status = job.get("status") or {}
        failed = objects.indexes(status.get("failedIndexes")) - self._failed
        if failed:
            with contextlib.suppress(TutorError):  # else the Job's next change brings them again
                self._collect()
                self._failed |= failed
                for index in sorted(failed):
                    self._give_up(index, "")
        for condition in status.get("conditions") or ():
            if condition.get("status") == "True" and condition.get("type") in ("Complete", "Failed"):
                self._rest(f"{condition.get('reason', '')}: {condition.get('message', '')}".strip(": "))
        if gone:
            self._rest("somebody deleted the Job")

    def _trouble(self, now: float) -> str:
        """Why there is nothing more to wait for; empty while there is."""
        if self._other:
            return self._other
        if any(now - since > LOST_SECONDS for since in tuple(self._inbox.silent.values())):
            return f"the API server does not answer: {self._inbox.why}"
        if not self._pods and now - self._idle > IDLE_SECONDS:
            return f"the cluster makes no pod of the Job: {self._events()}"
        waits = {uid: pods.stuck(pod) for uid, pod in self._pods.items()}
        # One that begins, or grades, is worth the wait for the others.
        over = [found for uid, found in waits.items() if found and now - self._stuck[uid] > found.patience]
        return f"{over[0].why}: {over[0].remedy}" if over and len(over) == len(waits) else ""

    # What is not.

    def _collect(self) -> None:
        """Take every result that is there now: a watch of its own may be behind another."""
        for secret in self._api.list(f"{self._path}/secrets", {"labelSelector": SHARD})["items"]:
            self._result(secret)

    def _rest(self, trouble: str) -> None:
        """The run is over: what has no result has none."""
        with contextlib.suppress(TutorError):
            self._collect()
        for index in sorted({index for index, _ in self._left}):
            self._give_up(index, trouble)

    def _give_up(self, index: int, trouble: str) -> None:
        keys = sorted(key for key in self._left if key[0] == index)
        if not keys:
            return
        with contextlib.suppress(TutorError):
            listed = self._api.list(f"{self._path}/pods", {"labelSelector": f"{INDEX}={index}"})["items"]
            trouble = pods.failure(listed) or trouble
        for key in keys:
            self._not_graded(self._left.pop(key), trouble or "its pod ended without a result")

    def _not_graded(self, submission: Submission, trouble: str) -> None:
        self._desk.finished(
            not_graded(self._task.labs[submission.student], submission, trouble, self._task.cluster.name)
        )

    def _events(self) -> str:
        with contextlib.suppress(TutorError):
            listed = self._api.list(f"{self._path}/events", {"fieldSelector": "type=Warning"})["items"]
            return plain(str(listed[-1].get("message", "")), 300) if listed else "without a word"
        return "and does not say why"

    @property
    def _jobs(self) -> str:
        return f"apis/batch/v1/namespaces/{self._name}/jobs"

    def _seconds(self, shards: Sequence[parcel.Shard]) -> float:
        """When Kubernetes ends the Job, should nobody be there to do it."""
        if self._task.end is not None:
            return self._task.end - time.monotonic() + SPARE_SECONDS
        waves = math.ceil(len(shards) / self._task.jobs)
        most = max(len(shard.students) for shard in shards)
        return waves * most * (self._task.bounds.submission + SPARE_SECONDS) + CLAIM_SECONDS


def _common(task: Task) -> Common:
    cluster, bounds = task.cluster, task.bounds
    return Common(
        lab=task.lab.id,
        hash=task.lab.hash,
        version=__version__,
        run=task.run,
        cluster=cluster.name,
        kubernetes=cluster.version,
        egress=cluster.egress,
        stand_ins=cluster.stand_ins,
        check=bounds.check,
        submission=bounds.submission,
    )
