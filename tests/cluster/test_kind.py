"""A real kind cluster: this machine's container engine, or one that the tests bring (``docker_engine``).

Where an engine answers, three things only differ: the engine, its network, and the node image (kind's own).
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from docker_engine import DockerEngine
from native_helpers import Kubectl, archive_of, tell, until

from k8s_tutor.cli.main import main
from k8s_tutor.clusters import choose
from k8s_tutor.clusters.images.archive import save
from k8s_tutor.clusters.images.kept import default_platform, find
from k8s_tutor.clusters.kind import engine as engines
from k8s_tutor.clusters.kind import names
from k8s_tutor.clusters.kind.config import NODE_PORTS
from k8s_tutor.clusters.kind.engine import Engine
from k8s_tutor.clusters.kind.provider import KindProvider
from k8s_tutor.clusters.node.prepare import prepare
from k8s_tutor.clusters.provider import Cluster
from k8s_tutor.errors import ClusterError
from k8s_tutor.labs.loader import labs, load
from k8s_tutor.phases import silent
from k8s_tutor.session.prove import Line, prove

NAME = "kind-test"
OTHER = "somebody-elses"
UP = """
import sys
from k8s_tutor.clusters.kind.provider import KindProvider
KindProvider().up(sys.argv[1], report=lambda phase: print(phase.id, flush=True))
"""


@pytest.fixture(scope="module")
def patch() -> Iterator[pytest.MonkeyPatch]:
    with pytest.MonkeyPatch.context() as patch:
        yield patch


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory, patch: pytest.MonkeyPatch) -> Iterator[Engine]:
    """A container engine, its network the tests' own for as long as this module runs."""
    there = engines.find()
    if there is not None:
        yield there
        return
    own = DockerEngine(tmp_path_factory.mktemp("engine"))
    try:
        own.up()
        for key, value in own.environment.items():
            patch.setenv(key, value)
        with own.network():
            found = engines.find()
            assert found is not None
            yield found
    finally:
        own.down()
        assert not Path(f"/run/netns/{own.netns}").exists()
        assert not list(Path("/sys/fs/cgroup").glob(f"*{own.cgroup}"))


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory, patch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path_factory.mktemp("state")
    patch.setenv("XDG_STATE_HOME", str(folder))
    # Nobody may write there: kind would, if it were told of it.
    patch.setenv("KUBECONFIG", str(folder / "the-users-kubeconfig"))
    return folder


@pytest.fixture(scope="module")
def kind(engine: Engine, home: Path) -> Iterator[Cluster]:
    """One kind cluster for all tests of this module."""
    provider = KindProvider()
    began = time.monotonic()
    try:
        cluster = provider.up(NAME, report=tell)
        print(f"up: {time.monotonic() - began:.2f} s")
        yield cluster
    finally:
        provider.down(NAME, report=tell)


@pytest.fixture(scope="module")
def learner(kind: Cluster) -> Kubectl:
    return Kubectl(kind, kind.namespace)


def test_everything_that_readiness_promises(kind: Cluster, learner: Kubectl, home: Path) -> None:
    assert kind.ready and kind.running and kind.owned and kind.provider == "kind"
    nodes = learner.get("nodes")["items"]
    assert [node["metadata"]["name"] for node in nodes] == [node.name for node in kind.nodes]
    assert all(node["status"]["nodeInfo"]["kubeletVersion"] == kind.version for node in nodes)
    assert learner("get", "serviceaccount", "default", "-o", "name").strip()
    assert kind.kubeconfig.stat().st_mode & 0o777 == 0o600
    view = learner("config", "view", "--minify", "-o", "jsonpath={.contexts[0].name} {..namespace}")
    assert view.split() == [f"k8s-tutor-{NAME}", "learner"]
    assert not (home / "the-users-kubeconfig").exists()
    assert not list(kind.kubeconfig.parent.glob("*.lock"))


def test_the_same_cluster_is_found_by_name_by_provider_and_as_the_only_one(kind: Cluster) -> None:
    began = time.monotonic()
    again = KindProvider().up(NAME, report=tell)
    print(f"up of a running cluster: {time.monotonic() - began:.2f} s")
    assert [node.pid for node in again.nodes] == [node.pid for node in kind.nodes]
    began = time.monotonic()
    found = KindProvider().status(NAME)
    assert time.monotonic() - began < 3
    assert found is not None and found.ready and not found.trouble
    meant = choose.choose(None)
    assert (meant.provider.name, meant.name) == ("kind", NAME)
    assert choose.choose("another").provider.name == "kind", "an engine answers"
    assert choose.choose("another", "native").provider.name == "native"


def test_the_command_line_finds_it(kind: Cluster, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["cluster", "status", "-o", "json"]) == 0
    assert json.loads(capsys.readouterr().out)["provider"] == "kind"
    assert main(["env"]) == 0
    assert str(kind.kubeconfig) in capsys.readouterr().out
    assert main(["cluster", "status", "--provider", "native"]) == 3
    assert "there is no cluster" in capsys.readouterr().out


def test_nginx_is_pulled_and_answers_through_service_name_and_node_port(kind: Cluster, learner: Kubectl) -> None:
    learner("create", "deployment", "web", "--image=nginx", "--replicas=2", "--port=80")
    port = NODE_PORTS[0]
    overrides = json.dumps({"spec": {"ports": [{"port": 80, "targetPort": 80, "nodePort": port}]}})
    learner("expose", "deployment", "web", "--type=NodePort", f"--overrides={overrides}")
    learner("rollout", "status", "deployment/web", "--timeout=120s")
    address = learner.get("service", "web")["spec"]["clusterIP"]
    if kind.netns is not None:
        answer = until(
            lambda: learner.node("curl", "-s", "-m", "2", f"http://{address}/").stdout, within=20, what="an answer"
        )
        assert "nginx" in answer
    pod = learner.get("pods", "-l", "app=web")["items"][0]["metadata"]["name"]
    assert address in learner("exec", pod, "--", "getent", "hosts", f"web.{kind.namespace}.svc.cluster.local")

    def through_node_port() -> str:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{kind.node_ports[port]}/", timeout=3) as page:
                return str(page.read())
        except OSError:
            return ""

    assert "nginx" in until(through_node_port, within=20, what="an answer at the node port")
    learner("delete", "service/web", "deployment/web")


def test_a_typo_fails_as_it_does_everywhere(learner: Kubectl) -> None:
    learner("run", "typo", "--image=ngnix")
    until(
        lambda: (
            learner.get("pod", "typo")["status"]
            .get("containerStatuses", [{}])[0]
            .get("state", {})
            .get("waiting", {})
            .get("reason")
            in ("ErrImagePull", "ImagePullBackOff")
        ),
        within=60,
        what="ErrImagePull",
    )
    learner("delete", "pod", "typo", "--grace-period=0", "--force")


def test_an_archive_of_images_needs_no_registry(learner: Kubectl, tmp_path: Path) -> None:
    archive = archive_of(prepare(silent), tmp_path, "docker.io/library/brought:1")
    began = time.monotonic()
    KindProvider().load_images(NAME, archive, report=tell)
    print(f"load: {time.monotonic() - began:.2f} s")
    learner("run", "brought", "--image=brought:1", "--image-pull-policy=Never", "--restart=Never", "--", "true")
    learner("wait", "--for=jsonpath={.status.phase}=Succeeded", "pod/brought", "--timeout=60s")
    learner("delete", "pod", "brought")


def test_a_class_archive_is_served_inside_of_the_nodes_too(kind: Cluster, learner: Kubectl, tmp_path: Path) -> None:
    """The tag latest is asked for at each start: a registry inside of the node has to know what was brought.

    kind's own node image has none: there the manifest has to say that what is on the node will do.
    """
    there = find("docker.io/library/nginx:latest", default_platform())
    assert there is not None
    archive = tmp_path / "class.tar"
    save([replace(there, ref="docker.io/library/k8s-tutor-class:latest")], archive, lambda _done, _whole: None)
    KindProvider().load_images(NAME, archive, report=tell)
    policy = "IfNotPresent" if kind.egress else "Always"
    learner("run", "anew", "--image=k8s-tutor-class", f"--image-pull-policy={policy}")
    learner("wait", "--for=condition=Ready", "pod/anew", "--timeout=60s")
    if policy == "Always":
        events = learner.get("events")["items"]
        pulled = [event["message"] for event in events if event["reason"] == "Pulled"]
        assert any('Successfully pulled image "k8s-tutor-class"' in message for message in pulled), pulled
    learner("delete", "pod", "anew")


def test_shell_and_logs(kind: Cluster) -> None:
    argv = KindProvider().shell_argv(NAME)
    done = subprocess.run(
        [*argv, "-c", "hostname; kubectl get nodes -o name"], capture_output=True, text=True, timeout=30, check=True
    )
    assert done.stdout.split() == [kind.nodes[0].name, f"node/{kind.nodes[0].name}"]
    provider = KindProvider()
    assert {"kubelet", "containerd", "etcd", "kube-apiserver", "journal"} <= set(provider.components(NAME))
    assert any("control-plane etcd | " in line for line in provider.logs(NAME, "etcd"))


def test_what_fails_is_explained_its_logs_are_kept_and_its_containers_go(engine: Engine, home: Path) -> None:
    provider = KindProvider(image="k8s-tutor/not-there:1")
    try:
        with pytest.raises(ClusterError, match="did not come up") as caught:
            provider.up("broken", report=tell)
        assert "not-there" in caught.value.message and caught.value.remedy
        found = provider.status("broken")
        assert found is not None and not found.running and "did not come up" in found.trouble
        assert engine.nodes(names.kind_name("broken")) == []
    finally:
        assert provider.down("broken", report=tell)
    assert provider.status("broken") is None


@pytest.mark.parametrize("lab_id", [info.id for info in labs()])
def test_a_lab_is_proven_on_kind(lab_id: str, kind: Cluster) -> None:
    lab = load(lab_id)
    began = time.monotonic()

    def tell_line(line: Line) -> None:
        print(f"{line.seconds:7.1f} s  {'ok  ' if line.ok else 'FAIL'}  {line.text}", flush=True)

    proof = prove(lab, kind, tell=tell_line)
    print(f"{lab_id} on kind: {time.monotonic() - began:.1f} s")
    assert [line.text for line in proof.lines if not line.ok] == []
    assert proof.ok


def test_a_node_that_was_killed_comes_back_with_what_was_on_it(engine: Engine, kind: Cluster, learner: Kubectl) -> None:
    learner("create", "configmap", "kept", "--from-literal=a=b")
    engine.ask("kill", kind.nodes[0].name)
    found = KindProvider().status(NAME)
    assert found is not None and not found.running and "does not run" in found.trouble
    began = time.monotonic()
    again = KindProvider().up(NAME, report=tell)
    print(f"up after a power cut: {time.monotonic() - began:.2f} s")
    assert again.ready
    assert Kubectl(again, again.namespace)("get", "configmap", "kept", "-o", "jsonpath={.data.a}") == "b"


def test_down_removes_all_of_ours_and_nothing_of_others(engine: Engine, kind: Cluster, home: Path) -> None:
    image = engine.nodes(names.kind_name(NAME))[0].image
    engine.ask("create", "--name", f"{OTHER}-control-plane", "--label", f"{names.LABEL}={OTHER}", image)
    try:
        began = time.monotonic()
        assert KindProvider().down(NAME, report=tell)
        print(f"down: {time.monotonic() - began:.2f} s")
        assert engine.nodes(names.kind_name(NAME)) == []
        assert [node.name for node in engine.nodes(OTHER)] == [f"{OTHER}-control-plane"]
    finally:
        engine.ask("rm", "--force", "--volumes", f"{OTHER}-control-plane")
    assert not (home / "k8s-tutor" / "kind").exists()
    assert not (home / "the-users-kubeconfig").exists()
    assert KindProvider().status(NAME) is None
    assert KindProvider().down(NAME, report=tell) is False


def test_two_nodes_and_what_a_killed_up_left(engine: Engine, home: Path) -> None:
    killed = subprocess.Popen([sys.executable, "-c", UP, "two"], stdout=subprocess.PIPE, text=True)
    assert killed.stdout is not None
    for line in killed.stdout:
        if line.strip() == "config":
            break
    killed.kill()
    killed.communicate()
    left = KindProvider().status("two")
    assert left is not None and "has not come up" in left.trouble
    provider = KindProvider()
    try:
        began = time.monotonic()
        cluster = provider.up("two", nodes=2, report=tell)
        print(f"up, two nodes, after a killed one: {time.monotonic() - began:.2f} s")
        assert len(cluster.nodes) == 2 and cluster.ready
        kubectl = Kubectl(cluster, cluster.namespace)
        kubectl("create", "deployment", "web", "--image=nginx", "--replicas=2", "--port=80")
        kubectl("rollout", "status", "deployment/web", "--timeout=120s")
        pods = kubectl.get("pods", "-l", "app=web", "-o", "wide")["items"]
        assert {pod["spec"]["nodeName"] for pod in pods} <= {node.name for node in cluster.nodes}
        address = pods[0]["status"]["podIP"]
        answer = until(
            lambda: kubectl.node("curl", "-s", "-m", "2", f"http://{address}/").stdout, within=20, what="an answer"
        )
        assert "nginx" in answer
    finally:
        provider.down("two", report=tell)
