"""What stands between us and a real API server fails in every way we could think of; docs/faults.md holds the results.

``K8S_TUTOR_FAULTS=write`` writes that page from what was seen; otherwise it is compared.
"""

from __future__ import annotations

import contextlib
import gc
import itertools
import os
import random
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from fault_proxy import FAULTS, WATCH_FAULTS, Fault, faulty
from native_helpers import Kubectl, until

from k8s_tutor.clusters.provider import Cluster
from k8s_tutor.kube import transport
from k8s_tutor.kube import watcher as watcher_module
from k8s_tutor.kube.client import Api, connect
from k8s_tutor.kube.errors import ApiRefused, ApiUnreachable, NotFound
from k8s_tutor.kube.logs import follow_log, pod_log
from k8s_tutor.kube.recorder import Recorder
from k8s_tutor.kube.resources import BY_KIND
from k8s_tutor.kube.schema_store import SchemaStore
from k8s_tutor.kube.watcher import Watcher, observe_once

PAGE = Path(__file__).parents[2] / "docs" / "faults.md"
OPERATIONS = ("list", "get", "apply", "dry run", "delete", "log", "followed log", "openapi")
DEADLINE = 12.0
"""Ten seconds for each silence (transport.READ_TIMEOUT), and what two cores add."""
OUTAGE = 2.5
AT_ONCE = 6


def service(name: str, label: str = "") -> dict[str, object]:
    metadata = {"name": name, "labels": {"turn": label or "0"}}
    return {"apiVersion": "v1", "kind": "Service", "metadata": metadata, "spec": {"ports": [{"port": 80}]}}


def config_map(name: str, text: str) -> dict[str, object]:
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name}, "data": {"text": text}}


@dataclass
class Seen:
    """What came of one fault: operation -> (word, seconds), and what was wrong afterwards."""

    words: dict[str, str] = field(default_factory=dict)
    seconds: dict[str, float] = field(default_factory=dict)
    wrong: list[str] = field(default_factory=list)


@pytest.fixture(scope="module")
def place(make_namespace: Callable[[], Kubectl]) -> Iterator[Kubectl]:
    """A namespace with a pod that logs a line a second."""
    kubectl = make_namespace()
    kubectl("run", "talker", "--image=busybox", "--", "sh", "-c", "while :; do echo a line; sleep 1; done")
    kubectl("wait", "--for=condition=Ready", "pod/talker", "--timeout=90s")
    yield kubectl
    kubectl("delete", "pod", "talker", "--force", "--grace-period=0")


@pytest.fixture(scope="module")
def patient() -> Iterator[None]:
    """Short where the code takes a time from its module: the tests show that the bound holds, not how long it is."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(transport, "TOTAL_TIMEOUT", 3.0)
        patch.setattr(watcher_module, "PING_SECONDS", 0.3)
        patch.setattr(watcher_module, "PING_TIMEOUT", 1.0)
        yield


def standing() -> tuple[set[str], int]:
    """Names of the threads that are ours, and how many files are open."""
    gc.collect()
    ours = {thread.name for thread in threading.enumerate() if thread.name.startswith(("watch-", "list"))}
    return ours, len(os.listdir("/proc/self/fd"))


# One request at a time.


@pytest.fixture(scope="module")
def matrix(
    cluster: Cluster, place: Kubectl, patient: None, tmp_path_factory: pytest.TempPathFactory
) -> dict[str, Seen]:
    """Each operation under each fault, all operations of a fault side by side."""
    before = standing()
    with ThreadPoolExecutor(AT_ONCE) as pool:
        jobs = {fault.name: pool.submit(under, fault, cluster, place, tmp_path_factory.mktemp("m")) for fault in FAULTS}
        found = {name: job.result() for name, job in jobs.items()}
    until(lambda: standing()[1] <= before[1] + 1, within=10, what="no file stays open")
    assert standing()[0] == before[0]
    return found


def under(fault: Fault, cluster: Cluster, place: Kubectl, folder: Path) -> Seen:
    seen = Seen()
    name = fault.name.replace(" ", "-")
    with faulty(cluster, folder) as proxy, contextlib.closing(connect(proxy.kubeconfig)) as api:
        kept = api.create(BY_KIND["ConfigMap"].collection(place.namespace), config_map(f"kept-{name}", "before"))
        doomed = api.create(BY_KIND["ConfigMap"].collection(place.namespace), config_map(f"doomed-{name}", "x"))
        proxy.begin(fault)
        deeds = operations(api, place, folder, f"kept-{name}", f"doomed-{name}", doomed["metadata"]["uid"])

        def one(operation: str) -> None:
            began = time.monotonic()
            seen.words[operation] = word_of(deeds[operation])
            seen.seconds[operation] = time.monotonic() - began

        with ThreadPoolExecutor(len(deeds)) as pool:
            list(pool.map(one, deeds))
        proxy.mend()
        check_afterwards(api, place, name, kept["metadata"]["uid"], doomed["metadata"]["uid"], seen)
    return seen


def operations(
    api: Api, place: Kubectl, folder: Path, kept: str, doomed: str, uid: str
) -> Mapping[str, Callable[[], str]]:
    namespace = place.namespace

    def listed() -> str:
        recorder = Recorder(namespace, ["Pod"])
        observe_once(api, namespace, recorder, ["Pod"])
        record = recorder.snapshot()
        pods = [pod["metadata"]["name"] for pod in record.alive("Pod")]
        if "Pod" in record.unobserved:
            assert not pods, "what could not be observed is not half known"
            return "not observed"
        return "whole" if pods == ["talker"] else f"wrong: {pods}"

    def got() -> str:
        return "whole" if api.get(BY_KIND["ConfigMap"].item(kept, namespace))["data"] else "wrong"

    def applied() -> str:
        answer = api.apply(config_map(kept, "after"), namespace=namespace)
        return "whole" if answer["data"]["text"] == "after" else "wrong"

    def tried() -> str:
        answer = api.apply(config_map(kept, "never"), namespace=namespace, dry_run=True)
        return "whole" if answer["data"]["text"] == "never" else "wrong"

    def deleted() -> str:
        api.delete(BY_KIND["ConfigMap"].item(doomed, namespace), uid=uid)
        return "whole"

    def logged() -> str:
        lines = [line.text for line in pod_log(api, namespace, "talker").lines]
        return "whole" if lines and set(lines) == {"a line"} else "as text" if lines else "empty"

    def followed() -> str:
        stream = follow_log(api, namespace, "talker", "talker")
        # A container may be silent for an hour: who follows ends it, and it ends at once.
        by_us = threading.Event()
        timer = threading.Timer(11.0, lambda: (by_us.set(), stream.close()))
        timer.start()
        try:
            word = "empty"
            for piece in stream.pieces():
                word = "as text"
                if {line.split(b" ", 1)[-1] for line in piece.split(b"\n")} == {b"a line"}:
                    return "whole"
            return "until we end it" if by_us.is_set() and word == "empty" else word
        finally:
            timer.cancel()
            stream.close()

    def described() -> str:
        schemas = SchemaStore(api, folder / "schemas").wanted(["v1"])
        return "whole" if schemas.kind("v1", "Pod") is not None else "left out"

    deeds = (listed, got, applied, tried, deleted, logged, followed, described)
    return dict(zip(OPERATIONS, deeds, strict=True))


def word_of(deed: Callable[[], str]) -> str:
    try:
        return deed()
    except ApiRefused as error:
        return f"refused {error.status}"
    except ApiUnreachable:
        return "unreachable"


def check_afterwards(api: Api, place: Kubectl, name: str, kept: str, doomed: str, seen: Seen) -> None:
    """The same client goes on, and the cluster is as one of the two words would have it."""
    there = api.get(BY_KIND["ConfigMap"].item(f"kept-{name}", place.namespace))
    if there["metadata"]["uid"] != kept or there["data"]["text"] not in ("before", "after"):
        seen.wrong.append(f"kept: {there}")
    if seen.words["apply"] == "whole" and there["data"]["text"] != "after":
        seen.wrong.append("an apply that was told to be done is not")
    again = api.apply(config_map(f"kept-{name}", "again"), namespace=place.namespace)
    if again["data"]["text"] != "again":
        seen.wrong.append("an apply after it does not work")
    try:
        if api.get(BY_KIND["ConfigMap"].item(f"doomed-{name}", place.namespace))["metadata"]["uid"] != doomed:
            seen.wrong.append("another object bears the name")
        if seen.words["delete"] == "whole":
            seen.wrong.append("a deletion that was told to be done is not")
    except NotFound:
        pass


def wanted(fault: Fault, operation: str) -> set[str]:
    """What may come of it. A log is text: bytes that are others than they were cannot be told from what was logged."""
    if fault.name == "delay":
        return {"whole"}
    text = operation in ("log", "followed log")
    if fault.name == "garbage" and text:
        return {"as text"}
    if fault.name == "nothing" and text:
        return {"empty"}
    if operation == "followed log" and fault.name in ("trickle", "stall within"):
        return {"until we end it"}
    if operation == "list":
        return {"not observed"}
    if operation == "openapi":
        return {"left out"}
    return {f"refused {fault.status}"} if fault.status else {"unreachable"}


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.name.replace(" ", "-"))
def test_one_request(fault: Fault, matrix: dict[str, Seen]) -> None:
    seen = matrix[fault.name]
    wrong = {each: word for each, word in seen.words.items() if word not in wanted(fault, each)}
    assert not wrong and not seen.wrong, seen
    assert max(seen.seconds.values()) < DEADLINE, seen.seconds


# The record.


@dataclass
class Kept:
    """What became of the record under one fault."""

    told: bool = False
    asked: int = 0
    gap: float = 0.0
    back: float = 0.0
    wrong: list[str] = field(default_factory=list)


class Truth:
    """A watch of its own, straight to the API server: every version that was ever served, and who is gone."""

    def __init__(self, cluster: Cluster, namespace: str) -> None:
        self.api = connect(cluster.kubeconfig)
        self._namespace = namespace
        self.recorder = Recorder(namespace, ["Service"])
        self._watcher = Watcher(self.api, namespace, self.recorder, ["Service"])
        self._watcher.start()
        assert self._watcher.wait_synced(20)

    @property
    def path(self) -> str:
        return BY_KIND["Service"].collection(self._namespace)

    def now(self) -> dict[str, str]:
        """uid -> resourceVersion of what exists."""
        return versions_of(self.api.list(self.path)["items"])

    def served(self) -> set[tuple[str, str]]:
        lives = self.recorder.snapshot().lives["Service"]
        return {
            (life.uid, version.object["metadata"]["resourceVersion"]) for life in lives for version in life.versions
        }

    def close(self) -> None:
        self._watcher.stop()
        self.api.close()


def versions_of(items: object) -> dict[str, str]:
    assert isinstance(items, list)
    return {item["metadata"]["uid"]: item["metadata"]["resourceVersion"] for item in items}


def judge(recorder: Recorder, truth: Truth, kept: Kept) -> None:
    """Nothing lost, nothing invented, nothing doubled. Raises AssertionError when the record never becomes right."""
    until(lambda: truth.recorder.snapshot().named("Service").keys() == {
        item["metadata"]["name"] for item in truth.api.list(truth.path)["items"]
    }, within=10, what="the direct watch is up to date")  # fmt: skip
    now, served = truth.now(), truth.served()
    record = recorder.snapshot()
    for life in record.lives["Service"]:
        known = [version.object["metadata"]["resourceVersion"] for version in life.versions]
        if life.gone_at is None and len(known) != len(set(known)):
            kept.wrong.append(f"{life.name} has a version twice: {known}")
        # What is known of an object's end may be its last version, when nobody told of the deletion itself.
        invented = [each for each in known if (life.uid, each) not in served]
        if invented:
            kept.wrong.append(f"{life.name} has versions that were never served: {invented}")
        if (life.gone_at is None) != (life.uid in now):
            kept.wrong.append(f"{life.name}: gone_at {life.gone_at}, on the server {life.uid in now}")
    if versions_of(list(record.alive("Service"))) != now:
        kept.wrong.append("what is alive is not what the server has")


@pytest.fixture(scope="module")
def records(
    cluster: Cluster,
    make_namespace: Callable[[], Kubectl],
    patient: None,
    tmp_path_factory: pytest.TempPathFactory,
) -> dict[str, Kept]:
    """A watch under each fault, each in a namespace of its own."""
    before = standing()
    places = {fault.name: make_namespace() for fault in (*FAULTS, *WATCH_FAULTS)}
    with ThreadPoolExecutor(AT_ONCE) as pool:
        jobs = {
            fault.name: pool.submit(watched, fault, cluster, places[fault.name].namespace, tmp_path_factory.mktemp("w"))
            for fault in (*FAULTS, *WATCH_FAULTS)
        }
        found = {name: job.result() for name, job in jobs.items()}
    until(lambda: standing()[1] <= before[1] + 1, within=10, what="no file stays open")
    assert standing()[0] == before[0]
    return found


def watched(fault: Fault, cluster: Cluster, namespace: str, folder: Path) -> Kept:
    kept = Kept()
    with faulty(cluster, folder) as proxy, contextlib.closing(Truth(cluster, namespace)) as truth:
        api = connect(proxy.kubeconfig)
        recorder = Recorder(namespace, ["Service"])
        watcher = Watcher(api, namespace, recorder, ["Service"])
        for name in ("stays", "goes"):
            truth.api.create(truth.path, service(name))
        watcher.start()
        try:
            assert watcher.wait_synced(30)
            proxy.begin(fault)
            if fault.early is not None:
                proxy.cut()
            began = time.monotonic()
            during(truth)
            while time.monotonic() - began < OUTAGE:
                kept.told = kept.told or bool(recorder.snapshot().unobserved) or watcher.link.state == "lost"
                time.sleep(0.05)
            asked = proxy.requests("/services.*watch=true", began)
            kept.asked, kept.gap = len(asked), min((b - a for a, b in itertools.pairwise(asked)), default=0.0)
            proxy.mend()
            mended = time.monotonic()
            truth.api.patch(f"{truth.path}/stays", {"metadata": {"labels": {"turn": "after"}}})
            until(
                lambda: same(recorder, truth, watcher), within=20, what=f"after {fault.name} the record is right again"
            )
            kept.back = time.monotonic() - mended
            judge(recorder, truth, kept)
        finally:
            watcher.stop()
            api.close()
    return kept


def during(truth: Truth) -> None:
    """Changes of every kind while nothing can be heard."""
    truth.api.patch(f"{truth.path}/stays", {"metadata": {"labels": {"turn": "1"}}})
    truth.api.create(truth.path, service("comes"))
    truth.api.delete(f"{truth.path}/goes")
    truth.api.create(truth.path, service("came-and-went"))
    truth.api.delete(f"{truth.path}/came-and-went")
    truth.api.patch(f"{truth.path}/stays", {"metadata": {"labels": {"turn": "2"}}})


def same(recorder: Recorder, truth: Truth, watcher: Watcher) -> bool:
    record = recorder.snapshot()
    fine = not record.unobserved and watcher.link.state == "live"
    return fine and versions_of(list(record.alive("Service"))) == truth.now()


SILENT = {"delay", "ERROR 410", "unknown type"}
"""Faults in which nothing is unobserved for long: what is asked again is answered."""


@pytest.mark.parametrize("fault", [*FAULTS, *WATCH_FAULTS], ids=lambda fault: fault.name.replace(" ", "-"))
def test_the_record(fault: Fault, records: dict[str, Kept]) -> None:
    kept = records[fault.name]
    assert not kept.wrong, kept.wrong
    assert kept.told or fault.name in SILENT, "nobody was told that something cannot be observed"
    # Delays of at least 0.05, 0.1, 0.2 … s (reflector.FIRST_DELAY, half of it by chance), and one at once.
    assert kept.asked <= 8, f"{kept.asked} requests in {OUTAGE} s"
    if fault.retry_after and kept.asked > 1:
        assert kept.gap >= fault.retry_after - 0.1, f"asked again after {kept.gap:.2f} s"


def test_no_event_is_lost_among_faults_that_come_and_go(
    cluster: Cluster, make_namespace: Callable[[], Kubectl], patient: None, tmp_path: Path
) -> None:
    """Three hundred changes in about fifteen seconds, faults by a fixed chance; then the record is the server's."""
    chance, kept = random.Random(5), Kept()
    namespace = make_namespace().namespace
    faults = [fault for fault in (*FAULTS, *WATCH_FAULTS) if fault.name not in ("drop", "stall within", "trickle")]
    with faulty(cluster, tmp_path) as proxy, contextlib.closing(Truth(cluster, namespace)) as truth:
        api = connect(proxy.kubeconfig)
        recorder = Recorder(namespace, ["Service"])
        watcher = Watcher(api, namespace, recorder, ["Service"])
        watcher.start()
        try:
            assert watcher.wait_synced(30)
            alive: list[str] = []
            for turn in range(300):
                if turn % 15 == 0:
                    proxy.mend()
                    if turn % 30 == 0:
                        proxy.begin(chance.choice(faults), watches_only=chance.random() < 0.5)
                        proxy.cut()
                deed = chance.random()
                if deed < 0.3 or not alive:
                    alive.append(f"s-{turn}")
                    truth.api.create(truth.path, service(alive[-1]))
                elif deed < 0.5:
                    truth.api.delete(f"{truth.path}/{alive.pop(chance.randrange(len(alive)))}")
                else:
                    truth.api.patch(
                        f"{truth.path}/{chance.choice(alive)}", {"metadata": {"labels": {"turn": str(turn)}}}
                    )
                time.sleep(0.03)
            proxy.mend()
            until(lambda: same(recorder, truth, watcher), within=40, what="the record is right again")
            judge(recorder, truth, kept)
            assert not kept.wrong, kept.wrong
            assert len(recorder.snapshot().lives["Service"]) > len(alive) > 5
        finally:
            watcher.stop()
            api.close()


def test_the_page_says_what_was_seen(matrix: dict[str, Seen], records: dict[str, Kept]) -> None:
    text = page(matrix, records)
    if os.environ.get("K8S_TUTOR_FAULTS") == "write":
        PAGE.write_text(text, encoding="utf-8")
    assert PAGE.read_text(encoding="utf-8") == text, (
        "K8S_TUTOR_FAULTS=write writes it anew; then look at the difference"
    )


def page(matrix: dict[str, Seen], records: dict[str, Kept]) -> str:
    head = (Path(__file__).parent / "faults_head.md").read_text(encoding="utf-8")
    lines = [head, "## One request", "", "| fault | what it is | " + " | ".join(OPERATIONS) + " |"]
    lines.append("|---" * (2 + len(OPERATIONS)) + "|")
    for fault in FAULTS:
        words = [matrix[fault.name].words[each] for each in OPERATIONS]
        lines.append(f"| {fault.name} | {fault.says} | " + " | ".join(words) + " |")
    lines += ["", "## The record of a watch", "", "| fault | what it is | told meanwhile | lost, invented, doubled |"]
    lines.append("|---|---|---|---|")
    for fault in (*FAULTS, *WATCH_FAULTS):
        kept = records[fault.name]
        told = "not needed" if fault.name in SILENT else "yes" if kept.told else "no"
        lines.append(f"| {fault.name} | {fault.says} | {told} | {'; '.join(kept.wrong) or 'nothing'} |")
    return "\n".join(lines) + "\n"
