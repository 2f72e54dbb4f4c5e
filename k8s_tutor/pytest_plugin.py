"""A pytest plugin: ``pytest --k8s-lab lab2 submissions/`` grades submissions, one case a check.

Loaded by every pytest that runs where k8s-tutor is installed: nothing heavy is imported before it is asked for. Each
submission is graded once, before the first of its cases; what could not be observed is an error, not a failure.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from k8s_tutor.labs.model import CheckSpec, Lab
    from k8s_tutor.reports.grades.report import Graded

_GRADER = pytest.StashKey["_Grader"]()


class CheckFailed(Exception):
    """A check does not hold; the text is its finding."""


class NotObserved(Exception):
    """Nothing can be said about a check."""


def pytest_addoption(parser: pytest.Parser) -> None:
    """The options; without ``--k8s-lab`` nothing is different."""
    group = parser.getgroup("k8s-tutor", "grading of Kubernetes labs")
    group.addoption("--k8s-lab", metavar="LAB", help="grade the folders given as submissions of this lab")
    group.addoption("--k8s-cluster", metavar="NAME", help="on this cluster of `k8s-tutor cluster`")
    group.addoption("--k8s-context", metavar="NAME", help="or on this context of your kubeconfig")
    group.addoption("--k8s-vary", metavar="FILE", help="a file with your secret: each student has a variant of the lab")


def pytest_configure(config: pytest.Config) -> None:
    """Prepare what all cases share. Raises pytest.UsageError for an unknown lab."""
    name = config.getoption("--k8s-lab")
    if name:
        config.stash[_GRADER] = _Grader(str(name), config)


def pytest_unconfigure(config: pytest.Config) -> None:
    """Take everything away."""
    grader = config.stash.get(_GRADER, None)
    if grader is not None:
        grader.close()


def pytest_collect_directory(path: Path, parent: pytest.Collector) -> pytest.Collector | None:
    """A submission's folder, or a folder of such, in place of a folder of tests."""
    grader = parent.config.stash.get(_GRADER, None)
    if grader is None or path not in {Path(each).resolve() for each in parent.config.args}:
        return None  # a folder on the way to one that was named
    found = grader.submissions(path)
    return _Folder.from_parent(parent, path=path, nodeid=path.name, found=found) if found else None


class _Grader:
    """Grades each submission once; connects when the first is wanted."""

    def __init__(self, lab: str, config: pytest.Config) -> None:
        from k8s_tutor.errors import TutorError
        from k8s_tutor.grading.variants import Variants, read_secret
        from k8s_tutor.labs.loader import load

        secret = config.getoption("--k8s-vary")
        try:
            self.lab: Lab = load(lab)
            self._variants = Variants(self.lab, read_secret(Path(secret)) if secret else b"")
        except TutorError as error:
            raise pytest.UsageError(error.message) from error
        self._where = [config.getoption(option) for option in ("--k8s-cluster", "--k8s-context")]
        self._done: dict[Path, Graded] = {}
        self._open: Any = None

    def submissions(self, path: Path) -> dict[str, Path]:
        """Student -> folder, of the submissions in this path."""
        from k8s_tutor.errors import TutorError
        from k8s_tutor.grading.collect import collect

        try:
            return {found.student: found.folder for found in collect([path], self.lab) if found.folder is not None}
        except TutorError:
            return {}

    def graded(self, folder: Path, student: str) -> Graded:
        """The result. Raises TutorError without a cluster."""
        from k8s_tutor.grading.submission import read

        if folder not in self._done:
            own = self._variants.lab(student)
            self._done[folder] = self._judge().grade(read(folder, own, student), lab=own)
        return self._done[folder]

    def _judge(self) -> Any:
        if self._open is None:
            from k8s_tutor.grading import place
            from k8s_tutor.grading.judge import Judge
            from k8s_tutor.kube.client import connect
            from k8s_tutor.session.places import find_cluster

            cluster = find_cluster(self._where[0], self._where[1], None)
            api = connect(cluster.kubeconfig)
            holder = place.Holder()
            place.prepare(api)
            self._open = (Judge(self.lab, cluster, api, holder.run), holder, api)
        return self._open[0]

    def close(self) -> None:
        """Delete what is left, and close the connection."""
        if self._open is None:
            return
        import contextlib
        import time

        from k8s_tutor.errors import TutorError
        from k8s_tutor.grading import place

        _, holder, api = self._open
        with contextlib.suppress(TutorError):
            place.sweep(api, time.time(), mine=holder.run)
            place.clear(api, holder.run)
        holder.close()
        api.close()


class _Folder(pytest.Collector):
    """The submissions in a path."""

    def __init__(self, *, path: Path, found: dict[str, Path], **more: Any) -> None:
        super().__init__(name=path.name, path=path, **more)
        self._found = found

    def collect(self) -> Iterator[pytest.Item]:
        """A case for each check of each submission."""
        grader = self.config.stash[_GRADER]
        for student, folder in self._found.items():
            for step in grader.lab.steps:
                for spec in step.checks:
                    yield _Case.from_parent(
                        self, name=f"{student}::{step.id}::{spec.id}", spec=spec, folder=folder, student=student
                    )


class _Case(pytest.Item):
    """One check of one submission."""

    def __init__(self, *, spec: CheckSpec, folder: Path, student: str, **more: Any) -> None:
        super().__init__(**more)
        self.spec, self.folder, self.student = spec, folder, student
        self.user_properties.append(("points", spec.points))

    def setup(self) -> None:
        """Grade the submission. Raises NotObserved, TutorError: errors of the case, never a failure."""
        graded = self.config.stash[_GRADER].graded(self.folder, self.student)
        self.row = next(row for row in graded.report.rows if row.check_id == self.spec.id)
        if self.row.status == "error" and not self.row.optional:
            raise NotObserved(self.row.outcome.summary)

    def runtest(self) -> None:
        """Raises CheckFailed."""
        from k8s_tutor.reports.grades.shown import message, told

        if self.row.status == "pass":
            return
        if self.row.status == "skipped" or self.row.optional:
            # Not tried, for one that it needs fails (and that case does fail); or an extra, which fails nobody.
            pytest.skip(self.row.outcome.summary)
        lines = [message(self.row, after_due=False)]
        lines += [f"{word:<10}{text}" for word, text in told(self.row, after_due=False)]
        raise CheckFailed("\n".join(lines))

    def repr_failure(self, excinfo: pytest.ExceptionInfo[BaseException], style: Any = None) -> Any:
        """The finding alone: a traceback of ours tells a student nothing."""
        if isinstance(excinfo.value, CheckFailed | NotObserved):
            return str(excinfo.value)
        return super().repr_failure(excinfo, style)

    def reportinfo(self) -> tuple[Path, int | None, str]:
        """Where it stands, for reports."""
        return self.folder, None, f"{self.student}: {self.spec.title}"
