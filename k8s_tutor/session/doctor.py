"""The doctor's patient: which cluster is meant, how its API server is reached, which images the labs want."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from k8s_tutor.clusters import choose
from k8s_tutor.clusters.assigned import assigned
from k8s_tutor.clusters.doctor.asking import Answer
from k8s_tutor.clusters.doctor.cluster import Found
from k8s_tutor.clusters.doctor.examine import Examination, Patient, examine
from k8s_tutor.clusters.native.pid1 import dns
from k8s_tutor.clusters.provider import Cluster
from k8s_tutor.errors import TutorError
from k8s_tutor.kube.access import read_access
from k8s_tutor.kube.probes import enter_netns
from k8s_tutor.kube.transport import Transport
from k8s_tutor.session.places import DEFAULT_NAME, find_cluster

NONE_YET = Found(None, "there is no cluster yet", "k8s-tutor cluster up")
_LARGEST = 16 << 20


def consult(name: str | None = None, context: str | None = None, provider: str | None = None) -> Examination:
    """Examine this machine and the cluster that is meant. Raises UsageError for a provider that there is not."""
    return examine(patient(name, context, provider))


def consult_about(find: Callable[[], Cluster | None], provider: str = "") -> Examination:
    """Examine this machine and the cluster that ``find`` gives (it may raise TutorError)."""

    def told() -> Found:
        cluster = find()
        return NONE_YET if cluster is None else Found(cluster)

    return examine(replace(patient(None, None, provider or None), find=told))


def patient(name: str | None = None, context: str | None = None, provider: str | None = None) -> Patient:
    """Whom these options mean. Raises UsageError for a provider that there is not."""
    wanted = choose.wish(provider)
    return Patient(
        find=lambda: meant(name, context, wanted),
        clusters=lambda: [] if assigned() is not None else choose.clusters(),
        connect=lambda cluster: Server(cluster.kubeconfig, cluster.netns),
        images=images,
        provider="" if wanted == choose.AUTO else wanted,
    )


def meant(name: str | None, context: str | None, wanted: str = choose.AUTO) -> Found:
    """The cluster to look at, also a broken one: that which a session would take. Raises TutorError."""
    if context or assigned() is not None:
        return Found(find_cluster(name, context))
    if name is None:
        there = choose.clusters(wanted)
        if len(there) == 1:
            return Found(there[0])
        named = [each for each in there if each.name == DEFAULT_NAME]
        if len(named) == 1:
            return Found(named[0])
        if there:
            names = ", ".join(f"--cluster {each.name}" for each in there)
            return Found(
                None, f"there are {len(there)} clusters, and none is named {DEFAULT_NAME!r}", f"name one: {names}"
            )
        return NONE_YET
    found = choose.find(name, wanted)
    if found is None or found.cluster is None:
        return Found(None, f"there is no cluster named {name[:60]!r}", f"k8s-tutor cluster up --name {name[:60]}")
    return Found(found.cluster)


def images() -> tuple[str, ...]:
    """The images that all labs need."""
    from k8s_tutor.labs.images import needed
    from k8s_tutor.labs.loader import labs, load

    return tuple(dict.fromkeys(image for info in labs() for image in needed(load(info.id))))


class Server:
    """One API server, asked by the kubeconfig of a cluster. Credentials are read when the first question is sent."""

    def __init__(self, kubeconfig: Path, netns: Path | None) -> None:
        """``netns``: the network in which the cluster's DNS answers, None where there is no way in."""
        self._kubeconfig = kubeconfig
        self._netns = netns
        self._lock = threading.Lock()
        self._transport: Transport | None = None

    def ask(self, method: str, path: str, body: Any = None, *, timeout: float = 3.0) -> Answer:
        """Send one request. Raises TutorError when no whole answer came."""
        transport = self._connected()
        headers = {"Accept": "application/json, */*"}
        payload = None
        if body is not None:
            payload = json.dumps(body).encode()
            headers["Content-Type"] = "application/json"
        answer = transport.request(
            method, transport.target(path), headers=headers, body=payload, timeout=timeout, limit=_LARGEST
        )
        text = answer.body.decode("utf-8", "replace")
        if answer.cut:
            raise TutorError(f"the answer to {method} {path} is larger than {_LARGEST >> 20} MiB")
        try:
            decoded = json.loads(text) if "json" in answer.headers.get("content-type", "") else text
        except ValueError as error:
            raise TutorError(f"the answer to {method} {path} is broken JSON: {error}") from error
        return Answer(answer.status, decoded, answer.headers)

    def resolve(self, name: str, server: str, *, timeout: float = 1.0) -> list[str] | None:
        """Ask the cluster's DNS, from inside its network. Raises OSError, ValueError when it gives no answer."""
        if self._netns is None:
            return None
        told: list[list[str] | OSError | ValueError | None] = []
        netns = self._netns

        def work() -> None:
            try:
                enter_netns(netns)
            except OSError:
                told.append(None)
                return
            try:
                told.append(dns.resolve(name, server, timeout))
            except (OSError, ValueError) as error:
                told.append(error)

        # A thread of its own: it ends in the cluster's network, and with it the stay there.
        thread = threading.Thread(target=work, name="doctor-dns", daemon=True)
        thread.start()
        thread.join(timeout + 1.0)
        found = told[0] if told else TimeoutError("no answer in time")
        if isinstance(found, Exception):
            raise found
        return found

    def _connected(self) -> Transport:
        with self._lock:
            if self._transport is None:
                self._transport = Transport(read_access(self._kubeconfig))
            return self._transport
