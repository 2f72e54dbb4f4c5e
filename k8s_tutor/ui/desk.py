"""The real desk: the labs that are there, the cluster that was named, sessions on it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from k8s_tutor import paths
from k8s_tutor.errors import TutorError
from k8s_tutor.ui import settings
from k8s_tutor.ui.ports import LabCard, SessionPort, ShellSpec

if TYPE_CHECKING:
    from k8s_tutor.clusters.assigned import AssignedProvider
    from k8s_tutor.clusters.doctor.finding import Finding
    from k8s_tutor.clusters.provider import Cluster
    from k8s_tutor.labs.model import Lab
    from k8s_tutor.phases import Report
    from k8s_tutor.ui.choices import Choice, Ground, Pick

_LARGEST = 4 * 1024 * 1024


class Desk:
    """Labs and clusters as the command line named them: one that we make, or a running one by its context."""

    def __init__(self, name: str | None, context: str | None) -> None:
        self._named = name, context
        self._labs: dict[str, Lab] = {}

    @cached_property
    def _pick(self) -> Pick:
        """The cluster that is worked on. Looked for when it is first needed: the screen does not wait for it."""
        from k8s_tutor.session.places import chosen
        from k8s_tutor.ui.choices import Pick, pick

        name, context = self._named
        if name or context:
            told = f"{context or name} is used: named on the command line"
            found = chosen(name)
            return Pick(found.name, context or "", told, found.provider.name)
        return pick(settings.remembered().get("cluster"))

    @property
    def _name(self) -> str:
        return self._pick.name

    @property
    def _context(self) -> str:
        return self._pick.context

    @property
    def cluster_name(self) -> str:
        """How the cluster is called, with what makes it."""
        return self._pick.called

    @property
    def cluster_why(self) -> str:
        """Which cluster is used, and why; empty where there is nothing to say."""
        return self._pick.told

    def cards(self) -> tuple[LabCard, ...]:
        """The shipped labs, each with the learner's progress."""
        from k8s_tutor.labs.loader import labs

        return tuple(self._card(info.id, info.title, info.summary, info.minutes) for info in labs())

    def cluster(self) -> Cluster | None:
        """What is there now, without changing anything."""
        if self._context:
            from k8s_tutor.clusters.context import ContextProvider

            return ContextProvider().status(self._context)
        from k8s_tutor.clusters import choose

        return choose.make(self._pick.provider).status(self._name)

    def start(self, report: Report, /) -> Cluster:
        """Make the cluster ready: start, resume or just find it."""
        if self._context:
            from k8s_tutor.clusters.context import ContextProvider

            return ContextProvider().up(self._context, report=report)
        from k8s_tutor.clusters import choose

        return choose.make(self._pick.provider).up(self._name, report=report)

    def choices(self) -> tuple[Choice, ...]:
        """Our own clusters and the contexts of the user's kubeconfig."""
        from k8s_tutor.ui.choices import choices

        return choices(self._name, self._pick.provider)

    def ground(self) -> Ground:
        """Whether a cluster could be started here."""
        from k8s_tutor.ui.choices import ground

        return ground(self._pick.provider)

    def choose(self, choice: Choice, /) -> None:
        """Work on this cluster from now on."""
        from k8s_tutor.ui.choices import Pick

        name, provider = (choice.name, choice.provider) if choice.own else (self._name, self._pick.provider)
        self._pick = Pick(name, choice.context, f"{choice.name} is used: your choice", provider)

    def stop(self, name: str, report: Report, /) -> bool:
        """Remove a cluster of our own."""
        from k8s_tutor.clusters import choose

        found = choose.find(name, self._pick.provider if name == self._name else choose.AUTO)
        return found.provider.down(name, report=report) if found is not None else False

    def findings(self) -> Sequence[Finding]:
        """What this machine and the cluster have and lack."""
        from k8s_tutor.session.doctor import consult_about

        return consult_about(self.cluster).findings

    def lab_text(self, lab_id: str, /) -> str:
        """A whole lab as text."""
        from k8s_tutor.labs.text import lab_text
        from k8s_tutor.session.variant import own

        lab = own(lab_id)
        try:
            cluster = self.cluster()
        except TutorError:
            cluster = None
        return lab_text(lab if cluster is None else lab.fitted(cluster.can.words()))

    def open(self, lab_id: str, cluster: Cluster, /) -> SessionPort:
        """Open a session."""
        from k8s_tutor.session.session import Session
        from k8s_tutor.session.variant import own

        # What home has just read is not read once more.
        known = self._labs.get(lab_id)
        return Session(own(lab_id) if known is None else known, cluster)

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
        from k8s_tutor.session.variant import own

        try:
            lab = own(lab_id)
        except TutorError as error:
            return LabCard(lab_id, title, summary, minutes, trouble=error.message)
        self._labs[lab_id] = lab
        done, hints, touched = _progress(lab_id)
        open_steps = [step for step in lab.steps if step.id not in done]
        return LabCard(
            id=lab_id,
            title=lab.title,
            summary=lab.summary,
            minutes=minutes,
            done=len(lab.steps) - len(open_steps),
            total=len(lab.steps),
            next_step=open_steps[0].title if open_steps else "",
            hints=hints,
            touched=touched,
        )


class AssignedDesk(Desk):
    """A desk with one cluster that was given to this process; no other is looked for, made or stopped."""

    def __init__(self, provider: AssignedProvider) -> None:
        super().__init__(None, None)
        self._provider = provider

    @property
    def cluster_name(self) -> str:
        """The name of the one cluster."""
        try:
            return f"context {self._provider.cluster.name}"
        except TutorError:
            return "context assigned"

    def cluster(self) -> Cluster | None:
        """The one cluster."""
        return self._provider.cluster

    def start(self, report: Report, /) -> Cluster:
        """It is there already."""
        return self._provider.cluster

    def choices(self) -> tuple[Choice, ...]:
        """There is nothing to choose."""
        from k8s_tutor.ui.choices import Choice

        cluster = self._provider.cluster
        return (Choice(cluster.name, context=cluster.name, cluster=cluster),)

    def ground(self) -> Ground:
        """No cluster is ever started here."""
        from k8s_tutor.ui.choices import Ground

        return Ground()

    def choose(self, choice: Choice, /) -> None:
        """Nothing else can be chosen."""

    def stop(self, name: str, report: Report, /) -> bool:
        """Not the learner's to stop. Raises UsageError."""
        return self._provider.down(name, report=report)


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
