"""While the tutor runs: the API server restarts, the cluster is made anew, credentials end, the clock jumps."""

from __future__ import annotations

import contextlib
import os
import subprocess
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import yaml
from native_helpers import Kubectl, tell, until

from k8s_tutor.clusters.native.provider import NativeProvider
from k8s_tutor.clusters.provider import Cluster
from k8s_tutor.kube.client import Api, connect
from k8s_tutor.kube.recorder import Recorder
from k8s_tutor.kube.resources import BY_KIND
from k8s_tutor.kube.watcher import LinkState, Watcher
from k8s_tutor.labs.loader import load
from k8s_tutor.session.session import Session

PLACE = "comes-back"
SERVICES = BY_KIND["Service"].collection(PLACE)


class Watched:
    """A record of Services, kept by a watch for as long as this lives; ``told`` are the link's states."""

    def __init__(self, kubeconfig: Path, namespace: str) -> None:
        self.api: Api = connect(kubeconfig)
        self.recorder = Recorder(namespace, ["Service"])
        self.told: list[LinkState] = []
        self.watcher = Watcher(self.api, namespace, self.recorder, ["Service"], self.told.append)
        self.watcher.start()

    @property
    def alive(self) -> dict[str, str]:
        """Name -> UID; empty while Services cannot be observed."""
        record = self.recorder.snapshot()
        found = {} if "Service" in record.unobserved else record.named("Service")
        return {name: item["metadata"]["uid"] for name, item in found.items()}

    def close(self) -> None:
        self.watcher.stop()
        self.api.close()


def service(name: str) -> dict[str, object]:
    return {"apiVersion": "v1", "kind": "Service", "metadata": {"name": name}, "spec": {"ports": [{"port": 80}]}}


def make_place(cluster: Cluster, *names: str) -> dict[str, str]:
    """A namespace with Services; name -> UID."""
    with contextlib.closing(connect(cluster.kubeconfig)) as api:
        api.create("api/v1/namespaces", {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": PLACE}})
        return {name: api.create(SERVICES, service(name))["metadata"]["uid"] for name in names}


@pytest.fixture(scope="module")
def own() -> Iterator[Cluster]:
    """A cluster that may be broken."""
    provider, name = NativeProvider(), f"back-{os.getpid()}"
    try:
        yield provider.up(name, report=tell)
    finally:
        provider.down(name, report=tell)


def kill_api_server(cluster: Cluster) -> None:
    """The kubelet starts it again, as after a crash or for an upgrade of the control plane."""
    argv = NativeProvider().shell_argv(cluster.name, ["pgrep", "-x", "kube-apiserver"])
    inside = subprocess.run(argv, capture_output=True, text=True, check=True).stdout.split()
    subprocess.run(NativeProvider().shell_argv(cluster.name, ["kill", "-9", inside[0]]), check=True)


def test_an_api_server_that_restarts_and_a_cluster_made_anew_under_its_name(own: Cluster) -> None:
    first = make_place(own, "one", "two")
    with contextlib.closing(Watched(own.kubeconfig, PLACE)) as seen:
        until(lambda: seen.alive == first, within=20, what="the record is whole")
        began = time.monotonic()
        kill_api_server(own)
        until(lambda: any(state.state == "lost" for state in seen.told), within=20, what="the loss is told")
        until(lambda: seen.alive == first and seen.watcher.link.state == "live", within=90, what="and overcome")
        print(f"API server killed: the record is whole again after {time.monotonic() - began:.1f} s")
        lives = seen.recorder.snapshot().lives["Service"]
        assert [life.gone_at for life in lives] == [None, None], "nothing went, nothing came twice"

        provider = NativeProvider()
        provider.down(own.name, report=tell)
        until(lambda: seen.watcher.link.state == "lost", within=20, what="the cluster is gone, and said to be")
        assert seen.alive == {}, "what cannot be observed is not shown as if it were"
        again = provider.up(own.name, report=tell)
        second = make_place(again, "two", "three")
        assert not set(first.values()) & set(second.values())
        until(lambda: seen.alive == second, within=60, what="the new cluster's objects, by the same watch")
        record = seen.recorder.snapshot()
        alive = {life.uid for life in record.lives["Service"] if life.gone_at is None}
        assert alive == set(second.values())
        until(lambda: seen.watcher.link.state == "live", within=20, what="and the link is whole again")


def with_token(cluster: Cluster, namespace: str, token: str, path: Path) -> Path:
    document = yaml.safe_load(cluster.kubeconfig.read_text())
    document["users"][0]["user"] = {"token": token}
    document["contexts"][0]["context"]["namespace"] = namespace
    temporary = path.with_suffix(".new")
    temporary.write_text(yaml.safe_dump(document))
    os.replace(temporary, path)
    return path


def token_of(kubectl: Kubectl) -> str:
    """A ServiceAccount that may look, made anew: what was given to the one before it is worth nothing."""
    kubectl.run("delete", "serviceaccount", "looker", "--ignore-not-found")
    kubectl("create", "serviceaccount", "looker")
    return kubectl("create", "token", "looker").strip()


def test_credentials_that_are_revoked_and_renewed(cluster: Cluster, kubectl: Kubectl, tmp_path: Path) -> None:
    kubectl("create", "rolebinding", "looker", "--clusterrole=view", f"--serviceaccount={kubectl.namespace}:looker")
    kubectl("create", "service", "clusterip", "one", "--tcp=80")
    kubeconfig = with_token(cluster, kubectl.namespace, token_of(kubectl), tmp_path / "kubeconfig")
    with contextlib.closing(Watched(kubeconfig, kubectl.namespace)) as seen:
        until(lambda: "one" in seen.alive, within=20, what="the record is whole")
        kubectl("delete", "serviceaccount", "looker")
        # The API server believes a token for ten seconds, and lets a watch stand that it once allowed.
        until(lambda: seen.watcher.link.state == "lost", within=60, what="that the credentials are refused is told")
        assert "kubeconfig" in seen.watcher.link.trouble or "credentials" in seen.watcher.link.trouble
        kubectl("create", "service", "clusterip", "two", "--tcp=80")
        with_token(cluster, kubectl.namespace, token_of(kubectl), kubeconfig)
        until(lambda: set(seen.alive) == {"one", "two"}, within=60, what="renewed, it goes on without a restart")
        until(lambda: seen.watcher.link.state == "live", within=20, what="and the link is whole again")


@pytest.mark.parametrize("hours", [1, -1], ids=["ahead", "back"])
def test_no_verdict_flips_when_the_clock_jumps(
    cluster: Cluster, kubectl: Kubectl, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, hours: int
) -> None:
    monkeypatch.setenv("K8S_TUTOR_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    kubectl("label", "namespace", kubectl.namespace, "app.kubernetes.io/managed-by=k8s-tutor")
    with Session(load("lab1"), replace(cluster, namespace=kubectl.namespace)) as session:
        for step in session.lab.steps[:6]:
            session.solve(step.id)
        verdicts = settled(session)
        assert verdicts["pod-ready"] == "pass" and verdicts["image-changed"] != "pass"
        real = time.time
        monkeypatch.setattr(time, "time", lambda: real() + 3600 * hours)
        until(
            lambda: session.state().record.now * hours > (real() + 1800 * hours) * hours, within=20, what="it is felt"
        )
        session.changed()
        assert not session.wait_for(lambda _state: settled(session) != verdicts, 3), "not for a moment"
        assert settled(session) == verdicts
        kubectl("delete", "pod", "nginx-pod", "--grace-period=1")
        until(lambda: settled(session)["pod-ready"] == "fail", within=30, what="and what really changes is seen")


def settled(session: Session) -> dict[str, str]:
    return {check.spec.id: str(check.outcome.status) for step in session.state().steps for check in step.checks}
