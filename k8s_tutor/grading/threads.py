"""Grades submissions here, side by side in threads."""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Sequence

from k8s_tutor.grading.capacity import MOST_JOBS
from k8s_tutor.grading.judge import Judge
from k8s_tutor.grading.runner import Cut, Desk, Task
from k8s_tutor.grading.submission import Submission

STOP_SECONDS = 20.0
"""For those that are being graded when a run is cut short: to take their namespaces away."""


class Threads:
    """See ``runner.Runner``."""

    most = MOST_JOBS
    beside = 0

    def __init__(self) -> None:
        self._cancelled = threading.Event()
        self._ended = threading.Event()
        self._lock = threading.Lock()
        self._workers = 0

    def grade(self, todo: Sequence[Submission], task: Task, desk: Desk) -> None:
        """Grade them."""
        judge = Judge(task.lab, task.cluster, task.api, task.run, task.bounds)
        work: queue.SimpleQueue[Submission] = queue.SimpleQueue()
        for submission in todo:
            work.put(submission)
        threads = [
            threading.Thread(target=self._drain, args=(judge, work, task, desk), name=f"grade-{number}", daemon=True)
            for number in range(task.jobs)
        ]
        self._workers = len(threads)
        for thread in threads:
            thread.start()
        try:
            if self._ended.wait(None if task.end is None else max(0.0, task.end - time.monotonic())):
                return
            desk.cut_short(Cut.TIME)
        except KeyboardInterrupt:
            desk.cut_short(Cut.INTERRUPTED)
        self._cancelled.set()
        judge.stop()
        until = time.monotonic() + STOP_SECONDS
        for thread in threads:
            thread.join(max(0.0, until - time.monotonic()))

    def _drain(self, judge: Judge, work: queue.SimpleQueue[Submission], task: Task, desk: Desk) -> None:
        try:
            self._work(judge, work, task, desk)
        finally:
            with self._lock:
                self._workers -= 1
                if not self._workers:
                    self._ended.set()

    def _work(self, judge: Judge, work: queue.SimpleQueue[Submission], task: Task, desk: Desk) -> None:
        while not self._cancelled.is_set():
            try:
                submission = work.get_nowait()
            except queue.Empty:
                return
            desk.started(submission.student)
            graded = judge.grade(submission, lab=task.labs[submission.student])
            if not (self._cancelled.is_set() and graded.broken):
                desk.finished(graded)
