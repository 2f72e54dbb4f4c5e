"""The whole examination: machine and cluster side by side, each look with its deadline, all of it within one."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from k8s_tutor.clusters.doctor import (
    clock,
    engine,
    health,
    kernel,
    kubeconfigs,
    machine,
    place,
    programs,
    rights,
    terminal,
)
from k8s_tutor.clusters.doctor import cluster as clusters
from k8s_tutor.clusters.doctor.asking import Asking
from k8s_tutor.clusters.doctor.cluster import Found
from k8s_tutor.clusters.doctor.finding import CLUSTER, Finding, Topic, settled, well, worst_first
from k8s_tutor.clusters.doctor.looking import Look, Running
from k8s_tutor.clusters.doctor.topics import BY_ID
from k8s_tutor.clusters.provider import Cluster
from k8s_tutor.errors import TutorError

LONGEST = 9.0
"""Seconds for everything, whatever hangs."""
_FINDING, _API, _ASKED, _MACHINE = 4.0, 3.5, 4.0, 5.0
_BEHIND_API = (
    *health.TOPICS, clock.CLOCK, *rights.TOPICS, *place.TOPICS,
)  # fmt: skip


@dataclass(frozen=True)
class Patient:
    """Who is examined.

    ``find`` tells the cluster that is meant, ``clusters`` all of ours, ``connect`` reaches an API server (raises
    TutorError). ``images``: those of the labs. ``provider``: the one that was asked for, or empty.
    """

    find: Callable[[], Found]
    clusters: Callable[[], list[Cluster]]
    connect: Callable[[Cluster], Asking]
    images: Callable[[], Sequence[str]]
    provider: str = ""


@dataclass(frozen=True)
class Examination:
    """What came of it: findings, worst first; the cluster, if there is one; how long it took."""

    findings: tuple[Finding, ...]
    cluster: Cluster | None
    seconds: float

    @property
    def well(self) -> bool:
        """Whether everything that is needed is there."""
        return well(self.findings)


def examine(patient: Patient) -> Examination:
    """Look at everything; takes ``LONGEST`` seconds at most, and changes nothing."""
    started = time.monotonic()
    until = started + LONGEST
    local = Running(
        (
            Look(machine.look, machine.TOPICS),
            Look(kernel.look, kernel.TOPICS),
            Look(kernel.look_native, kernel.NATIVE_TOPICS, _MACHINE),
            Look(engine.look, (engine.ENGINE,), _MACHINE),
            Look(programs.look_kind, (programs.KIND,)),
            Look(lambda: programs.look_minikube(wanted=patient.provider == "minikube"), (programs.MINIKUBE,)),
            Look(kubeconfigs.look, kubeconfigs.TOPICS),
            Look(terminal.look, terminal.TOPICS),
            Look(lambda: clusters.look_leftovers(patient.clusters), (clusters.LEFTOVERS,), _MACHINE),
        ),
        until=until,
    )
    found = _find(patient, until)
    of_cluster = _cluster(patient, found, until)
    seen = [*local.findings(), *of_cluster]
    ways = _ways(patient, found.cluster, seen)
    counted = [settled(finding, BY_ID[finding.id].needed_for, ways) for finding in seen]
    return Examination(tuple(worst_first(counted)), found.cluster, time.monotonic() - started)


def _ways(patient: Patient, cluster: Cluster | None, seen: Sequence[Finding]) -> tuple[str, ...]:
    if cluster is not None:
        return (CLUSTER, cluster.provider)
    if patient.provider:
        return (patient.provider,)
    # Without a cluster one of the ways to make one must be open: that which would be taken.
    answers = any(finding.id == engine.ENGINE.id and finding.ok for finding in seen)
    return ("kind",) if answers else ("native",)


def _find(patient: Patient, until: float) -> Found:
    told: list[Found] = []

    def look() -> list[Finding]:
        try:
            told.append(patient.find())
        except TutorError as error:
            told.append(Found(None, error.message, error.remedy))
        return []

    silent = Running([Look(look, (clusters.THERE,), _FINDING)], until=until).findings()
    if told:
        return told[0]
    return Found(None, f"which cluster there is could not be told: {silent[0].evidence}", "k8s-tutor cluster list")


def _cluster(patient: Patient, found: Found, until: float) -> list[Finding]:
    cluster = found.cluster
    told = clusters.tell(found)
    if cluster is None:
        return told + Running([Look(lambda: programs.look_kubectl(None, ""), (programs.KUBECTL,))]).findings()
    server: list[Asking] = []
    versions = [""]
    clocks: list[Finding] = []

    def api() -> list[Finding]:
        connected = patient.connect(cluster)
        asked = time.time()
        answer = connected.ask("GET", "version")
        clocks.append(clock.clock(answer.headers, asked, time.time()))
        if isinstance(answer.body, dict):
            versions[0] = str(answer.body.get("gitVersion", ""))
        finding = health.api(connected, cluster)
        server.append(connected)
        return [finding]

    certificates = Look(lambda: clock.look_certificates(cluster), (clock.CERTIFICATES,), _API)
    first = Running([Look(api, (health.API,), _API), certificates], until=until).findings()
    kubectl: tuple[Topic, ...] = (programs.KUBECTL, programs.SKEW)
    looks = [Look(lambda: programs.look_kubectl(cluster, versions[0]), kubectl, _ASKED)]
    if server:
        asking = server[0]
        looks += [
            Look(lambda: health.look_nodes(asking, cluster, versions[0], patient.images()), _NODE_TOPICS, _ASKED),
            Look(lambda: health.look_dns(asking, cluster), (health.DNS_SERVER, health.DNS), _ASKED),
            Look(lambda: rights.look(asking, cluster), rights.TOPICS, _ASKED),
            Look(lambda: place.look(asking, cluster, patient.images()), place.TOPICS, _ASKED),
        ]
        return [*told, *first, *clocks, *Running(looks, until=until).findings()]
    first = [_silence(finding, cluster) for finding in first]
    why = "the API server does not answer (see api)"
    return [*told, *first, *(topic.unseen(why) for topic in _BEHIND_API), *Running(looks, until=until).findings()]


_NODE_TOPICS = (health.NODES, health.NODE_VERSION, health.IMAGES)


def _silence(finding: Finding, cluster: Cluster) -> Finding:
    """An API server that says nothing is not merely unseen: without it nothing works."""
    if finding.id != health.API.id:
        return finding
    return health.API.lack(
        f"{cluster.server or cluster.name}: {finding.evidence}", finding.remedy or clusters.up_command(cluster)
    )
