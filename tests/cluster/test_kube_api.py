"""The door to the API server on a real one: apply, record, logs, probes, samples."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator

import pytest
from native_helpers import Kubectl, until

from k8s_tutor.clusters.provider import Cluster
from k8s_tutor.kube import look
from k8s_tutor.kube.apply import Applied, apply_text
from k8s_tutor.kube.client import Api, connect, identity
from k8s_tutor.kube.errors import Conflict, NotFound
from k8s_tutor.kube.logs import pod_log
from k8s_tutor.kube.podprober import PodProber
from k8s_tutor.kube.probes import NetnsProber
from k8s_tutor.kube.recorder import Recorder
from k8s_tutor.kube.sample import draws, reach_pod, sample_service
from k8s_tutor.kube.watcher import Watcher, observe_once

MANIFEST = """\
apiVersion: apps/v1
kind: Deployment
metadata:
  name: nginx-deployment
  labels: {app: nginx}
spec:
  replicas: REPLICAS
  selector:
    matchLabels: {app: nginx}
  template:
    metadata:
      labels: {app: nginx}
    spec:
      containers:
        - name: web
          image: nginx
          ports: [{containerPort: 80}]
---
apiVersion: v1
kind: Service
metadata: {name: nginx-service}
spec:
  selector: {app: nginx}
  ports: [{port: 80}]
"""
TEN = MANIFEST.replace("REPLICAS", "10")
POD = """\
apiVersion: v1
kind: Pod
metadata:
  name: nginx-pod
spec:
  terminationGracePeriodSeconds: 1
  containers:
    - name: web
      image: nginx
"""


def soon(seconds: float = 30) -> float:
    return time.monotonic() + seconds


def ready(kubectl: Kubectl, count: int) -> bool:
    status = kubectl.get("deployment", "nginx-deployment").get("status", {})
    return bool(status.get("readyReplicas") == count and status.get("replicas") == count)


@pytest.fixture(scope="module")
def api(cluster: Cluster) -> Iterator[Api]:
    made = connect(cluster.kubeconfig)
    yield made
    made.close()


@pytest.fixture(scope="module")
def ten(make_namespace: Callable[[], Kubectl], api: Api) -> Kubectl:
    """Ten ready pods behind a Service."""
    kubectl = make_namespace()
    assert [item.verb for item in apply_text(api, TEN, kubectl.namespace)] == ["created", "created"]
    until(lambda: ready(kubectl, 10), within=120, what="ten ready pods")
    return kubectl


@pytest.fixture(scope="module")
def prober(cluster: Cluster) -> Iterator[NetnsProber]:
    assert cluster.netns is not None
    made = NetnsProber(cluster.netns)
    yield made
    made.close()


def test_identity(api: Api, cluster: Cluster) -> None:
    told = identity(api)
    assert told.version == cluster.version and len(told.uid) == 36 and len(told.ca_fingerprint) == 64


def test_apply_and_its_mistakes(api: Api, kubectl: Kubectl) -> None:
    def verbs(text: str) -> list[str]:
        return [item.verb for item in apply_text(api, text, kubectl.namespace)]

    text = MANIFEST.replace("REPLICAS", "0")
    assert verbs(text) == ["created", "created"]
    assert verbs(text) == ["unchanged", "unchanged"]
    assert verbs(MANIFEST.replace("REPLICAS", "1")) == ["configured", "unchanged"]

    def problems(old: str, new: str) -> list[tuple[str, int]]:
        assert old in text
        (applied, *_) = apply_text(api, text.replace(old, new), kubectl.namespace)
        assert applied.verb == "failed", applied
        return [(item.path, item.line) for item in applied.problems]

    container = "spec.template.spec.containers"
    assert problems("replicas:", "replicaz:") == [("spec.replicaz", 7)]
    assert problems("image: nginx", "imagee: nginx") == [(f'{container}[name="web"].imagee', 16)]
    assert problems("replicas: 0", "replicas: many")[0] == ("spec.replicas", 7)
    assert problems("replicas: 0", "replicas: -1")[0] == ("spec.replicas", 7)
    assert problems("labels: {app: nginx}\n    spec", "labels: {app: ngnix}\n    spec")[0] == (
        "spec.template.metadata.labels",
        12,
    )
    assert problems("kind: Deployment", "kind: Deploymint") == [("kind", 2)]
    assert problems("apps/v1", "apps/v9") == [("apiVersion", 1)]


def test_apply_and_kubectl_take_turns(api: Api, kubectl: Kubectl) -> None:
    """A field taken out of the file goes away, whichever of the two put it there."""

    def labels() -> dict[str, str]:
        found: dict[str, str] = kubectl.get("service", "nginx-service")["metadata"].get("labels", {})
        return found

    service = TEN.split("---\n")[1]
    labelled = service.replace("{name: nginx-service}", "{name: nginx-service, labels: {a: b}}")
    kubectl.apply(labelled)
    assert labels() == {"a": "b"}
    assert apply_text(api, service, kubectl.namespace)[0].verb == "configured"
    assert labels() == {}
    assert apply_text(api, labelled, kubectl.namespace)[0].verb == "configured"
    told = kubectl.run("apply", "-f", "-", stdin=service)
    assert labels() == {} and "Warning" not in told.stderr
    assert apply_text(api, service, kubectl.namespace)[0].verb == "unchanged"


def test_delete_holds_to_the_uid(api: Api, kubectl: Kubectl) -> None:
    assert apply_text(api, POD, kubectl.namespace)[0].verb == "created"
    path = f"api/v1/namespaces/{kubectl.namespace}/pods/nginx-pod"
    with pytest.raises(Conflict):
        api.delete(path, uid="00000000-0000-0000-0000-000000000000", grace=0)
    uid = api.get(path)["metadata"]["uid"]
    api.delete(path, uid=uid, grace=0)
    with pytest.raises(NotFound):
        api.get(path)


def test_the_record_of_a_pods_life(api: Api, kubectl: Kubectl) -> None:
    recorder = Recorder(kubectl.namespace)
    watcher = Watcher(api, kubectl.namespace, recorder)
    before = set(threading.enumerate())
    watcher.start()
    try:
        assert watcher.wait_synced(10) and not recorder.snapshot().unobserved
        applied: Applied = apply_text(api, POD, kubectl.namespace)[0]
        assert applied.object is not None
        uid = applied.object["metadata"]["uid"]

        def is_ready() -> bool:
            pod = recorder.snapshot().get("Pod", "nginx-pod")
            statuses = (pod or {}).get("status", {}).get("containerStatuses") or [{}]
            return bool(statuses[0].get("ready"))

        until(is_ready, within=60, what="a ready pod in the record")
        kubectl.run("set", "image", "pod/nginx-pod", "web=nginx:1.20.1")

        def containers() -> set[str]:
            life = recorder.snapshot().life("Pod", uid)
            assert life is not None
            statuses = [v.object["status"].get("containerStatuses") or [{}] for v in life.versions]
            return {item[0].get("containerID", "") for item in statuses} - {""}

        until(lambda: len(containers()) == 2 and is_ready(), within=60, what="a second container in the same pod")
        kubectl("delete", "pod", "nginx-pod")
        until(lambda: list(recorder.snapshot().gone("Pod")), within=30, what="its end in the record")
        (gone,) = recorder.snapshot().gone("Pod")
        assert gone.uid == uid and not gone.seen_from_start and not gone.versions[-1].relisted
        assert any(event["reason"] == "Scheduled" for event in recorder.snapshot().alive("Event"))
        assert watcher.link.state == "live" and recorder.snapshot().nodes
    finally:
        began = time.monotonic()
        watcher.stop()
    assert time.monotonic() - began < 1.0 and not set(threading.enumerate()) - before


def test_one_look_sees_everything_and_leaves_no_thread(api: Api, ten: Kubectl) -> None:
    before = threading.active_count()
    recorder = Recorder(ten.namespace)
    observe_once(api, ten.namespace, recorder)
    record = recorder.snapshot()
    assert len(list(record.alive("Pod"))) == 10 and not record.unobserved and record.nodes
    assert threading.active_count() == before


def test_every_pod_answers(api: Api, ten: Kubectl, prober: NetnsProber) -> None:
    for _ in range(3):
        began = time.perf_counter()
        sample = sample_service(api, prober, ten.namespace, "nginx-service", deadline=soon())
        print(f"sample: {time.perf_counter() - began:.2f} s, {len(sample.requests)} requests")
        assert sample.complete, sample.reason
        assert set(sample.answered) == sample.expected and len(sample.expected) == 10
        assert sum(sample.answered.values()) == len(sample.requests)
        assert all(item.status == 200 and item.server.startswith("nginx/") for item in sample.requests)


def test_every_pod_answers_a_prober_pod(api: Api, ten: Kubectl) -> None:
    sample = sample_service(api, PodProber(api, ten.namespace), ten.namespace, "nginx-service", deadline=soon(90))
    assert sample.complete, sample.reason
    assert set(sample.answered) == sample.expected and len(sample.requests) == draws(10)
    assert "Welcome to nginx" in sample.requests[0].body
    recorder = Recorder(ten.namespace)
    observe_once(api, ten.namespace, recorder)
    assert len(list(recorder.snapshot().alive("Pod"))) == 10, "the prober pod is no part of the record"
    left = ten.get("pods", "-l", "app.kubernetes.io/managed-by=k8s-tutor")["items"]
    assert all(item["metadata"].get("deletionTimestamp") for item in left)


def test_a_wrong_target_port_is_seen_as_refused(api: Api, ten: Kubectl, prober: NetnsProber) -> None:
    wrong = TEN.split("---\n")[1].replace("nginx-service", "wrong").replace("port: 80", "port: 80, targetPort: 81")
    assert apply_text(api, wrong, ten.namespace)[0].verb == "created"
    sample = sample_service(api, prober, ten.namespace, "wrong", deadline=soon())
    assert sample.complete and not sample.answered and len(sample.expected) == 10
    assert {item.error for item in sample.requests} == {"connection refused"}
    ten("delete", "service", "wrong")


def test_a_session_affinity_pins_one(api: Api, ten: Kubectl, prober: NetnsProber) -> None:
    pinned = TEN.split("---\n")[1].replace("nginx-service", "pinned") + "  sessionAffinity: ClientIP\n"
    assert apply_text(api, pinned, ten.namespace)[0].verb == "created"
    sample = sample_service(api, prober, ten.namespace, "pinned", deadline=soon(60))
    assert sample.complete and len(sample.answered) == 1 and len(sample.requests) == draws(10)
    ten("delete", "service", "pinned")


def test_reach_a_pod_and_read_its_log(api: Api, ten: Kubectl, prober: NetnsProber) -> None:
    name = ten.get("pods")["items"][0]["metadata"]["name"]
    sample = reach_pod(api, prober, ten.namespace, name, deadline=soon())
    assert sample.complete and sample.answered == {name: 1} and "Welcome" in sample.requests[0].body
    log = pod_log(api, ten.namespace, name, "web", tail=5)
    assert len(log.lines) <= 5 and sample.requests[0].nonce in log.lines[-1].text
    assert abs(log.lines[-1].at - time.time()) < 60


def test_looks(api: Api, ten: Kubectl, kubectl: Kubectl) -> None:
    found = look.elsewhere(api, "Deployment", "nginx-deployment", kubectl.namespace)
    assert ten.namespace in found and kubectl.namespace not in found
    spec = look.schema(api, "Pod")["properties"]["spec"]
    assert spec["required"] == ["containers"] and "image" in spec["properties"]["containers"]["items"]["properties"]


def test_a_namespace_made_again_begins_anew(api: Api, make_namespace: Callable[[], Kubectl]) -> None:
    kubectl = make_namespace()
    kubectl("create", "configmap", "c")
    recorder = Recorder(kubectl.namespace)
    watcher = Watcher(api, kubectl.namespace, recorder)
    watcher.start()
    try:
        assert watcher.wait_synced(10)
        apply_text(api, MANIFEST.replace("REPLICAS", "0"), kubectl.namespace)
        until(lambda: recorder.snapshot().get("Service", "nginx-service"), within=20, what="a Service in the record")
        kubectl("delete", "namespace", kubectl.namespace)
        until(lambda: not list(recorder.snapshot().alive("Service")), within=30, what="its end")
        assert list(recorder.snapshot().gone("Service"))
        kubectl("create", "namespace", kubectl.namespace)
        until(lambda: not list(recorder.snapshot().gone("Service")), within=20, what="a new beginning")
    finally:
        watcher.stop()
