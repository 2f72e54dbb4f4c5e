"""The sampling against a pretended network: what is asked of it is whether it counts and concludes honestly."""

from __future__ import annotations

import math
import random
import time
from collections import defaultdict
from collections.abc import Callable, Sequence
from typing import Any

import pytest
from loopback_api import Handler, LoopbackApi

from k8s_tutor.kube import sample as sample_module
from k8s_tutor.kube.client import Api
from k8s_tutor.kube.probes import Target, nonce_of
from k8s_tutor.kube.record import Request
from k8s_tutor.kube.sample import draws, endpoints, reach_pod, sample_service

NAMESPACE = "/api/v1/namespaces/learner"
SLICES = "/apis/discovery.k8s.io/v1/namespaces/learner/endpointslices"


# facts: exact values of the coupon collector
@pytest.mark.parametrize(
    ("pods", "wanted"),
    [
        (2, [8, 11, 15, 21, 31]),
        (3, [15, 20, 26, 37, 54]),
        (5, [28, 39, 49, 70, 101]),
        (10, [66, 88, 110, 153, 219]),
        (20, [149, 194, 238, 328, 463]),
    ],
)
def test_draws(pods: int, wanted: list[int]) -> None:
    assert [draws(pods, miss) for miss in (1e-2, 1e-3, 1e-4, 1e-6, 1e-9)] == wanted


def test_draws_is_the_smallest_that_suffices() -> None:
    def missed(pods: int, requests: int) -> float:
        return sum((-1) ** (j + 1) * math.comb(pods, j) * (1 - j / pods) ** requests for j in range(1, pods))

    for pods in range(2, 15):
        assert missed(pods, draws(pods, 1e-3)) <= 1e-3 < missed(pods, draws(pods, 1e-3) - 1)
    assert (draws(0), draws(1)) == (0, 1)


class Cluster:
    """A Service's endpoints and a prober that picks one for each request, as kube-proxy would."""

    batch = 15

    def __init__(self, server: LoopbackApi, pods: int) -> None:
        self.server = server
        self.names = [f"p{number}" for number in range(pods)]
        self.logs: dict[str, list[str]] = defaultdict(list)
        self.choose: Callable[[int], str | None] = lambda _number: self.random.choice(self.names)
        self.random = random.Random(7)
        self.asked = 0
        self.endpoints = [self.endpoint(name) for name in self.names]
        self.changed = "2020-01-01T00:00:00Z"
        self.version = 1
        server.routes["GET", f"{NAMESPACE}/services/web"] = lambda handler: handler.json(
            200, {"spec": {"clusterIP": "10.96.0.1", "ports": [{"port": 8080}]}}
        )
        server.routes["GET", SLICES] = self.slices
        for name in self.names:
            self.readable(name)

    @staticmethod
    def endpoint(name: str, **conditions: bool) -> dict[str, Any]:
        return {"addresses": ["10.0.0.1"], "conditions": conditions, "targetRef": {"kind": "Pod", "name": name}}

    def slices(self, handler: Handler) -> None:
        metadata = {"uid": "s", "resourceVersion": str(self.version), "creationTimestamp": self.changed}
        half = len(self.endpoints) // 2
        parts = [self.endpoints[:half], self.endpoints[half:], None]
        handler.json(200, {"items": [{"metadata": metadata, "endpoints": part} for part in parts]})

    def readable(self, name: str) -> None:
        self.server.routes["GET", f"{NAMESPACE}/pods/{name}/log"] = lambda handler: handler.answer(
            200, "\n".join(self.logs[name]).encode(), "text/plain"
        )

    def requests(self, targets: Sequence[Target], *, timeout: float = 2.0, deadline: float) -> list[Request]:
        done = []
        for address, path in targets:
            assert address in ("10.96.0.1:8080", "10.0.0.9:8081")
            pod = self.choose(self.asked)
            self.asked += 1
            if pod is None:
                done.append(Request(nonce_of(path), 1.0, None, "connection refused"))
                continue
            self.logs[pod].append(f'10.0.0.2 - - "GET {path} HTTP/1.1" 200')
            done.append(Request(nonce_of(path), 1.0, 200))
        return done

    def close(self) -> None:
        pass


def soon() -> float:
    return time.monotonic() + 20


@pytest.fixture(autouse=True)
def short(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sample_module, "LOG_SECONDS", 0.2)
    monkeypatch.setattr(sample_module, "LATE_SECONDS", 0.05)


def test_all_ten_answer(api: Api, server: LoopbackApi) -> None:
    cluster = Cluster(server, 10)
    sample = sample_service(api, cluster, "learner", "web", deadline=soon())
    assert sample.complete and not sample.reason and sample.target == "10.96.0.1:8080"
    assert set(sample.answered) == sample.expected == sample.expected_after == set(cluster.names)
    assert sum(sample.answered.values()) == len(sample.requests) == cluster.asked < draws(10)
    assert len({item.nonce for item in sample.requests}) == len(sample.requests)


def test_one_that_never_answers_takes_all_draws(api: Api, server: LoopbackApi) -> None:
    cluster = Cluster(server, 10)
    cluster.choose = lambda _number: cluster.random.choice(cluster.names[:9])
    sample = sample_service(api, cluster, "learner", "web", deadline=soon())
    assert sample.complete and len(sample.requests) == 153 and sample.expected - set(sample.answered) == {"p9"}


def test_nobody_answers(api: Api, server: LoopbackApi) -> None:
    cluster = Cluster(server, 3)
    cluster.choose = lambda _number: None
    sample = sample_service(api, cluster, "learner", "web", deadline=soon())
    assert sample.complete and not sample.answered and len(sample.requests) == draws(3)


def test_no_endpoints_are_asked_all_the_same(api: Api, server: LoopbackApi) -> None:
    cluster = Cluster(server, 0)
    cluster.choose = lambda _number: None
    sample = sample_service(api, cluster, "learner", "web", deadline=soon())
    assert sample.complete and sample.expected == frozenset() and len(sample.requests) == 3


def test_a_stranger_is_counted(api: Api, server: LoopbackApi) -> None:
    cluster = Cluster(server, 2)
    cluster.choose = lambda number: ["p0", "p1", "stranger"][number % 3]
    sample = sample_service(api, cluster, "learner", "web", cap=6, deadline=soon())
    assert sample.answered["?"] >= 1 and sum(sample.answered.values()) == len(sample.requests)


def test_a_log_that_is_late_makes_no_stranger(api: Api, server: LoopbackApi) -> None:
    """A line that comes after all the patience for it: told apart by what was asked later."""
    cluster = Cluster(server, 2)
    cluster.choose = lambda number: f"p{number % 2}"
    began = time.monotonic()

    def late(handler: Handler) -> None:
        lines = cluster.logs["p1"] if time.monotonic() - began > 0.7 else cluster.logs["p1"][:1]
        handler.answer(200, "\n".join(lines).encode(), "text/plain")

    server.routes["GET", f"{NAMESPACE}/pods/p1/log"] = late
    cluster.batch = 4
    sample = sample_service(api, cluster, "learner", "web", deadline=soon())
    assert sample.complete and set(sample.answered) == {"p0", "p1"}


def test_a_log_that_stands_still_proves_nothing(api: Api, server: LoopbackApi) -> None:
    cluster = Cluster(server, 2)
    cluster.choose = lambda number: f"p{(number + 1) % 2}"
    server.routes["GET", f"{NAMESPACE}/pods/p1/log"] = lambda handler: handler.answer(
        200, "\n".join(cluster.logs["p1"][:1]).encode(), "text/plain"
    )
    sample = sample_service(api, cluster, "learner", "web", deadline=soon())
    assert not sample.complete and "p1 is late" in sample.reason


def test_a_silent_log_is_not_somebody_else(api: Api, server: LoopbackApi) -> None:
    """One pod's log shows nothing, and as many answers are nobody's: who gave them is not known."""
    cluster = Cluster(server, 2)
    server.routes["GET", f"{NAMESPACE}/pods/p1/log"] = lambda handler: handler.answer(200, b"", "text/plain")
    sample = sample_service(api, cluster, "learner", "web", deadline=soon())
    assert not sample.complete and "that of p1 shows none" in sample.reason


def test_images_that_do_not_log_prove_nothing(api: Api, server: LoopbackApi) -> None:
    cluster = Cluster(server, 3)
    cluster.choose = lambda _number: "nowhere"
    sample = sample_service(api, cluster, "learner", "web", cap=6, deadline=soon())
    assert not sample.complete and "log" in sample.reason


def test_logs_that_cannot_be_read_prove_nothing(api: Api, server: LoopbackApi) -> None:
    cluster = Cluster(server, 3)
    server.routes["GET", f"{NAMESPACE}/pods/p1/log"] = lambda handler: handler.status(500, "", "kubelet is away")
    sample = sample_service(api, cluster, "learner", "web", deadline=soon())
    assert not sample.complete and "kubelet is away" in sample.reason


def test_a_log_that_is_not_sent_in_time_is_read_again(api: Api, server: LoopbackApi) -> None:
    """A node that is busy lets the first readings go unanswered: nobody else has answered therefore."""
    cluster = Cluster(server, 6)
    cluster.choose = lambda number: f"p{number % 6}"
    plain = {name: server.routes["GET", f"{NAMESPACE}/pods/{name}/log"] for name in cluster.names}
    hung = dict.fromkeys(cluster.names, 4)

    def log(name: str) -> Callable[[Handler], None]:
        def answer(handler: Handler) -> None:
            hung[name] -= 1
            if hung[name] < 0:
                plain[name](handler)
            else:
                handler.close_connection = True

        return answer

    for name in cluster.names:
        server.routes["GET", f"{NAMESPACE}/pods/{name}/log"] = log(name)
    sample = sample_service(api, cluster, "learner", "web", deadline=soon())
    assert sample.complete and set(sample.answered) == set(cluster.names) and max(hung.values()) < 0


def test_a_pod_of_several_containers(api: Api, server: LoopbackApi) -> None:
    cluster = Cluster(server, 2)
    plain = server.routes["GET", f"{NAMESPACE}/pods/p0/log"]

    def log(handler: Handler) -> None:
        if "container=web" in handler.path:
            plain(handler)
        else:
            handler.status(400, "BadRequest", "a container name must be specified for pod p0")

    server.routes["GET", f"{NAMESPACE}/pods/p0/log"] = log
    assert sample_service(api, cluster, "learner", "web", deadline=soon()).complete


def test_endpoints_that_change_meanwhile_prove_nothing(api: Api, server: LoopbackApi) -> None:
    cluster = Cluster(server, 3)

    def choose(_number: int) -> str:
        cluster.endpoints, cluster.version = [cluster.endpoint("p0")], 2
        return "p0"

    cluster.choose = choose
    sample = sample_service(api, cluster, "learner", "web", deadline=soon())
    assert not sample.complete and "changed" in sample.reason
    assert len(sample.expected) == 3 and sample.expected_after == {"p0"}


def test_a_deadline_cuts_short(api: Api, server: LoopbackApi) -> None:
    cluster = Cluster(server, 3)
    plain = cluster.requests
    cluster.requests = lambda targets, **more: plain(targets, **more)[:1]  # type: ignore[method-assign]
    sample = sample_service(api, cluster, "learner", "web", deadline=soon())
    assert not sample.complete and "time was over" in sample.reason


def test_only_ready_endpoints_are_expected(api: Api, server: LoopbackApi) -> None:
    cluster = Cluster(server, 0)
    cluster.endpoints = [
        cluster.endpoint("ready", ready=True),
        cluster.endpoint("unsaid"),
        cluster.endpoint("not", ready=False),
        cluster.endpoint("ending", ready=True, terminating=True),
    ]
    assert endpoints(api, "learner", "web").names == {"ready", "unsaid"}


def test_fresh_endpoints_are_watched_first(api: Api, server: LoopbackApi, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sample_module, "STABLE_SECONDS", 0.3)
    cluster = Cluster(server, 2)
    cluster.changed = "2999-01-01T00:00:00Z"
    began = time.monotonic()
    assert sample_service(api, cluster, "learner", "web", deadline=soon()).complete
    assert time.monotonic() - began >= 0.3, "a stamp from the future counts for nothing"


def test_a_service_just_made_gets_its_slice_a_moment_later(
    api: Api, server: LoopbackApi, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sample_module, "STABLE_SECONDS", 0.3)
    cluster = Cluster(server, 2)
    asked: list[float] = []

    def late(handler: Handler) -> None:
        asked.append(time.monotonic())
        if len(asked) == 1:
            handler.json(200, {"items": []})
        else:
            cluster.slices(handler)

    server.routes["GET", SLICES] = late
    sample = sample_service(api, cluster, "learner", "web", deadline=soon())
    assert sample.complete and sample.expected == {"p0", "p1"} and set(sample.answered) == {"p0", "p1"}


@pytest.mark.parametrize("selects", [True, False])
def test_a_service_without_any_slice(
    api: Api, server: LoopbackApi, monkeypatch: pytest.MonkeyPatch, selects: bool
) -> None:
    monkeypatch.setattr(sample_module, "STABLE_SECONDS", 0.2)
    cluster = Cluster(server, 0)
    cluster.choose = lambda _number: None
    spec = {"clusterIP": "10.96.0.1", "ports": [{"port": 8080}], "selector": {"app": "web"} if selects else None}
    server.routes["GET", f"{NAMESPACE}/services/web"] = lambda handler: handler.json(200, {"spec": spec})
    server.routes["GET", SLICES] = lambda handler: handler.json(200, {"items": []})
    sample = sample_service(api, cluster, "learner", "web", deadline=soon())
    # One that selects gets a slice even when it selects nothing: none says that the cluster did not come to it.
    assert sample.complete is not selects and bool(cluster.asked) is not selects
    assert ("EndpointSlice" in sample.reason) is selects


def test_no_service_no_cluster_ip(api: Api, server: LoopbackApi) -> None:
    cluster = Cluster(server, 1)
    server.routes["GET", f"{NAMESPACE}/services/none"] = lambda handler: handler.status(404, "NotFound", "")
    server.routes["GET", f"{NAMESPACE}/services/headless"] = lambda handler: handler.json(
        200, {"spec": {"clusterIP": "None", "ports": [{"port": 80}]}}
    )
    for name in ("none", "headless"):
        sample = sample_service(api, cluster, "learner", name, deadline=soon())
        assert not sample.complete and sample.reason and not cluster.asked


def test_reach_a_pod(api: Api, server: LoopbackApi) -> None:
    cluster = Cluster(server, 1)
    ports = [{"name": "web", "ports": [{"containerPort": 8081}]}]
    pod: dict[str, Any] = {"spec": {"containers": ports}, "status": {"podIP": "10.0.0.9"}}
    server.routes["GET", f"{NAMESPACE}/pods/p0"] = lambda handler: handler.json(200, pod)
    sample = reach_pod(api, cluster, "learner", "p0", deadline=soon())
    assert sample.complete and sample.answered == {"p0": 1} and sample.service == "pod/p0"
    assert sample.target == "10.0.0.9:8081"
    cluster.choose = lambda _number: None
    sample = reach_pod(api, cluster, "learner", "p0", deadline=soon())
    assert sample.complete and not sample.answered and sample.requests[0].error
    pod["status"] = {}
    assert reach_pod(api, cluster, "learner", "p0", deadline=soon()).reason == "the pod has no IP yet"
