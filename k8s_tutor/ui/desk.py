"""The real desk: the labs that are there, the cluster that was named, sessions on it."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from k8s_tutor import paths
from k8s_tutor.errors import TutorError
from k8s_tutor.phases import Phase, PhaseState
from k8s_tutor.ui.ports import LabCard, SessionPort, ShellSpec

if TYPE_CHECKING:
    from k8s_tutor.clusters.choose import Chosen
    from k8s_tutor.clusters.doctor import Finding
    from k8s_tutor.clusters.provider import Cluster
    from k8s_tutor.phases import Report
    from k8s_tutor.ui.choices import Choice, Ground

_LARGEST = 4 * 1024 * 1024


class Desk:
    """Labs and clusters as the command line named them: one that we make, or a running one by its context."""

    def __init__(self, name: str | None, context: str | None) -> None:
        self._wanted = name
        self._context = context
        self._provider = ""

    def _meant(self) -> Chosen:
        """The cluster of our own that is meant, looked for anew: it may have come or gone meanwhile. May block."""
        from k8s_tutor.session.places import chosen

        found = chosen(self._wanted, self._provider or None)
        self._wanted, self._provider = found.name, found.provider.name
        return found

    @property
    def cluster_name(self) -> str:
        """How the cluster is called, with what makes it; until it was looked for, what it would be called."""
        if self._context:
            return f"context {self._context}"
        from k8s_tutor.clusters import choose

        wish = os.environ.get(choose.VARIABLE, "")
        guess = wish if wish in choose.names() else "native"
        return f"{self._provider or guess} {self._wanted or choose.DEFAULT_NAME}"

    def cards(self) -> tuple[LabCard, ...]:
        """The shipped labs, each with the learner's progress."""
        from k8s_tutor.labs.loader import labs

        return tuple(self._card(info.id, info.title, info.summary, info.minutes) for info in labs())

    def cluster(self) -> Cluster | None:
        """What is there now, without changing anything."""
        if self._context:
            from k8s_tutor.clusters.context import ContextProvider

            return ContextProvider().status(self._context)
        return self._meant().cluster

    def start(self, report: Report, /) -> Cluster:
        """Make the cluster ready: start, resume or just find it."""
        if self._context:
            from k8s_tutor.clusters.context import ContextProvider

            return ContextProvider().up(self._context, report=report)
        meant = self._meant()
        report(Phase("provider", f"{meant.provider.name}", meant.why, PhaseState.DONE))
        return meant.provider.up(meant.name, report=report)

    def choices(self) -> tuple[Choice, ...]:
        """Our own clusters and the contexts of the user's kubeconfig."""
        from k8s_tutor.ui.choices import choices

        return choices(self._meant())

    def ground(self) -> Ground:
        """Whether a cluster could be started here."""
        from k8s_tutor.ui.choices import ground

        return ground(self._provider or self._meant().provider.name)

    def choose(self, choice: Choice, /) -> None:
        """Work on this cluster from now on."""
        if choice.own:
            self._wanted, self._provider, self._context = choice.name, choice.provider, None
        else:
            self._context = choice.context

    def stop(self, name: str, report: Report, /) -> bool:
        """Remove a cluster of our own."""
        from k8s_tutor.clusters import choose

        found = choose.find(name, self._provider if name == self._wanted else choose.AUTO)
        return found.provider.down(name, report=report) if found is not None else False

    def findings(self) -> Sequence[Finding]:
        """What this machine and the cluster have and lack."""
        from k8s_tutor.clusters.doctor import findings

        try:
            return findings(self.cluster())
        except TutorError as error:
            return findings(None, error.message, error.remedy)

    def lab_text(self, lab_id: str, /) -> str:
        """A whole lab as text."""
        from k8s_tutor.labs.loader import load
        from k8s_tutor.labs.text import lab_text

        return lab_text(load(lab_id))

    def open(self, lab_id: str, cluster: Cluster, /) -> SessionPort:
        """Open a session."""
        from k8s_tutor.labs.loader import load
        from k8s_tutor.session.session import Session

        return Session(load(lab_id), cluster)

    def shell(self, session: SessionPort, /) -> ShellSpec:
        """The learner's shell in the lab's folder."""
        from k8s_tutor.session.shell import cluster_shell

        folder = self.workspace(session.lab.id)
        folder.mkdir(parents=True, exist_ok=True)
        found = cluster_shell(session.cluster, folder)
        return ShellSpec(found.argv, found.env, found.cwd)

    def workspace(self, lab_id: str, /) -> Path:
        """The learner's folder of a lab."""
        return paths.workspace_dir() / lab_id

    def _card(self, lab_id: str, title: str, summary: str, minutes: int) -> LabCard:
        from k8s_tutor.labs.loader import load

        try:
            lab = load(lab_id)
        except TutorError as error:
            return LabCard(lab_id, title, summary, minutes, trouble=error.message)
        done, hints, touched = _progress(lab_id)
        open_steps = [step for step in lab.steps if step.id not in done]
        return LabCard(
            id=lab_id,
            title=title,
            summary=summary,
            minutes=minutes,
            done=len(lab.steps) - len(open_steps),
            total=len(lab.steps),
            next_step=open_steps[0].title if open_steps else "",
            hints=hints,
            touched=touched,
        )


def _progress(lab_id: str) -> tuple[frozenset[str], int, float | None]:
    """Steps that were done once, hints used, and when the file was last written; nothing is locked or changed."""
    path = paths.state_dir() / "progress" / f"{lab_id}.json"
    try:
        status = path.stat()
        if status.st_size > _LARGEST:
            return frozenset(), 0, None
        document = json.loads(path.read_text("utf-8"))
        hints = {**document.get("hints_ever", {}), **document.get("hints", {})}
        return frozenset(document.get("done", {})), sum(int(number) for number in hints.values()), status.st_mtime
    except (OSError, ValueError, TypeError, AttributeError):
        return frozenset(), 0, None
