"""The shared cluster is a real one, and keeps to itself."""

from __future__ import annotations

import ipaddress
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest
from native_helpers import Kubectl, archive_of, tell, until

from k8s_tutor.clusters.native.provider import NativeProvider
from k8s_tutor.clusters.node.prepare import prepare
from k8s_tutor.clusters.provider import Cluster
from k8s_tutor.errors import ClusterError

CONNECT = """
import socket, sys, time
began = time.monotonic()
try:
    socket.create_connection((sys.argv[1], 80), 5)
except OSError as error:
    print(type(error).__name__, error.errno, round(time.monotonic() - began, 2))
"""
# RFC 5737: nobody's; a machine with a default route would send there.
NOWHERE = "203.0.113.1"


def test_everything_that_readiness_promises(cluster: Cluster, kubectl: Kubectl) -> None:
    assert cluster.ready and cluster.running and cluster.owned
    nodes = kubectl.get("nodes")["items"]
    assert [node["metadata"]["name"] for node in nodes] == [node.name for node in cluster.nodes]
    assert all(node["status"]["nodeInfo"]["kubeletVersion"] == cluster.version for node in nodes)
    assert nodes[0]["spec"]["podCIDR"].endswith(".1.0/24")
    assert Kubectl(cluster, cluster.namespace)("get", "serviceaccount", "default", "-o", "name").strip()
    parts = {"etcd", "kube-apiserver", "kube-controller-manager", "kube-scheduler"}

    def told() -> bool:
        """The kubelet tells the API server of its static pods in its own time: they run before."""
        pods = Kubectl(cluster, "kube-system").get("pods")["items"]
        return parts <= {pod["metadata"]["name"].rsplit("-node1")[0] for pod in pods}

    until(told, within=60, what="the control plane's own pods")


def test_nginx_is_really_pulled_and_answers_through_its_service(kubectl: Kubectl) -> None:
    kubectl("create", "deployment", "web", "--image=nginx", "--replicas=2", "--port=80")
    kubectl("expose", "deployment", "web")
    kubectl("rollout", "status", "deployment/web", "--timeout=90s")

    def pulled() -> bool:
        """The kubelet sends its events in its own time, too."""
        messages = [event["message"] for event in kubectl.get("events")["items"] if event["reason"] == "Pulled"]
        print(messages)
        return any("Successfully pulled image" in message for message in messages)

    until(pulled, within=20, what="an event that the image was pulled")
    address = kubectl.get("service", "web")["spec"]["clusterIP"]
    answer = until(
        lambda: kubectl.node("curl", "-s", "-m", "2", f"http://{address}/").stdout, within=20, what="an answer"
    )
    assert "nginx" in answer
    pod = kubectl.get("pods", "-l", "app=web")["items"][0]["metadata"]["name"]
    inside = kubectl("exec", pod, "--", "getent", "hosts", f"web.{kubectl.namespace}.svc.cluster.local")
    assert address in inside


def test_a_pod_reaches_itself_through_its_service(kubectl: Kubectl) -> None:
    kubectl("run", "alone", "--image=nginx", "--port=80")
    kubectl("expose", "pod", "alone")
    kubectl("wait", "pod/alone", "--for=condition=Ready", "--timeout=60s")
    address = kubectl.get("service", "alone")["spec"]["clusterIP"]
    get = ("exec", "alone", "--", "curl", "-s", "-m", "2", f"http://{address}/")
    until(lambda: "nginx" in kubectl.run(*get, check=False).stdout, within=20, what="its own answer")


def test_a_pod_answers_at_once_where_another_had_its_address(cluster: Cluster, kubectl: Kubectl) -> None:
    """On a bridge it took eight seconds, until the node had forgotten the other pod's link address."""

    def pod(name: str) -> str:
        """Make one, have it answer, and return its address."""
        kubectl("run", name, "--image=nginx", "--restart=Never")
        kubectl("wait", f"pod/{name}", "--for=condition=Ready", "--timeout=60s")
        return str(kubectl.get("pod", name)["status"]["podIP"])

    def asked(address: str) -> float:
        """Seconds until it answered; what refuses is only about to listen."""
        began = time.monotonic()
        get = ("curl", "-sf", "-m", "20", "--retry", "5", "--retry-delay", "1", "--retry-connrefused")
        assert kubectl.node(*get, f"http://{address}/").returncode == 0
        return time.monotonic() - began

    address = pod("first")
    asked(address)
    kubectl("delete", "pod", "first", "--grace-period=1")
    # The addresses are given in turn, all 253 of them: what was given last is told to be the one before this.
    before = str(ipaddress.ip_address(address) - 1)
    tell_last = ["sh", "-c", f"printf {before} > /run/cni/pods/last_reserved_ip.0"]
    subprocess.run(NativeProvider().shell_argv(cluster.name, tell_last), check=True, timeout=30)
    assert pod("second") == address
    assert asked(address) < 4


def test_a_typo_fails_as_it_does_everywhere(kubectl: Kubectl) -> None:
    kubectl("run", "typo", "--image=ngnix")

    def failed() -> str:
        events = kubectl.get("events")["items"]
        return next((event["message"] for event in events if "Failed to pull image" in event["message"]), "")

    message = until(failed, within=30, what="a failed pull")
    assert "docker.io/library/ngnix:latest: not found" in message
    until(
        lambda: (
            kubectl.get("pod", "typo")["status"]["containerStatuses"][0]["state"]["waiting"]["reason"]
            in ("ErrImagePull", "ImagePullBackOff")
        ),
        within=20,
        what="ErrImagePull",
    )


def test_there_is_no_way_out_of_the_node(kubectl: Kubectl) -> None:
    assert "default" not in kubectl.node("ip", "route", "show", "table", "all").stdout
    said = kubectl.node(sys.executable, "-c", CONNECT, NOWHERE).stdout.split()
    assert said[:2] == ["OSError", "101"], said  # ENETUNREACH
    assert float(said[2]) < 1


def test_there_is_no_way_out_of_a_pod(kubectl: Kubectl) -> None:
    kubectl("run", "probe", "--image=nginx")
    kubectl("wait", "--for=condition=Ready", "pod/probe", "--timeout=60s")
    began = time.monotonic()
    done = kubectl.run("exec", "probe", "--", "curl", "-s", "-m", "10", f"http://{NOWHERE}/", check=False)
    assert done.returncode != 0
    assert time.monotonic() - began < 8
    done = kubectl.run("exec", "probe", "--", "curl", "-s", "-m", "10", "http://registry-1.docker.io/", check=False)
    assert done.returncode == 6  # curl: could not resolve host
    assert time.monotonic() - began < 16


def test_a_port_that_a_service_does_not_have_is_refused_at_once(kubectl: Kubectl) -> None:
    address = kubectl("get", "service", "kubernetes", "-n", "default", "-o", "jsonpath={.spec.clusterIP}")
    said = kubectl.node(sys.executable, "-c", CONNECT, address).stdout.split()
    assert said[0] == "ConnectionRefusedError" and float(said[2]) < 1, said


def test_up_again_is_the_same_cluster(cluster: Cluster) -> None:
    began = time.monotonic()
    again = NativeProvider().up(cluster.name, report=tell)
    print(f"up of a running cluster: {time.monotonic() - began:.2f} s")
    assert [node.pid for node in again.nodes] == [node.pid for node in cluster.nodes]
    assert again.started_at is not None and cluster.started_at is not None
    assert abs(again.started_at - cluster.started_at) < 1


def test_status_is_quick_and_complete(cluster: Cluster) -> None:
    began = time.monotonic()
    found = NativeProvider().status(cluster.name)
    assert time.monotonic() - began < 3
    assert found is not None and found.ready and not found.trouble
    assert cluster.name in [other.name for other in NativeProvider().list()]


def test_the_kubeconfig_is_private_and_the_users_is_untouched(cluster: Cluster, kubectl: Kubectl) -> None:
    assert cluster.kubeconfig.stat().st_mode & 0o777 == 0o600
    view = kubectl("config", "view", "--minify", "-o", "jsonpath={.contexts[0].name} {..namespace}")
    assert view.split() == [f"k8s-tutor-{cluster.name}", "learner"]
    own = Path.home() / ".kube" / "config"
    assert not own.exists() or f"k8s-tutor-{cluster.name}" not in own.read_text()


def test_the_shell_is_on_the_node(cluster: Cluster) -> None:
    argv = NativeProvider().shell_argv(cluster.name)
    script = "hostname; kubectl get nodes -o name; cat /proc/1/comm; ls /etc/kubernetes/manifests"
    done = subprocess.run([*argv, "-c", script], capture_output=True, text=True, timeout=30, check=True)
    lines = done.stdout.split()
    assert lines[:2] == ["node1", "node/node1"]
    assert "etcd.yaml" in lines


def test_an_archive_of_images_needs_no_registry(cluster: Cluster, kubectl: Kubectl, tmp_path: Path) -> None:
    archive = archive_of(prepare(), tmp_path, "docker.io/library/brought:1")
    NativeProvider().load_images(cluster.name, archive, report=tell)
    kubectl("run", "brought", "--image=brought:1", "--image-pull-policy=Never", "--restart=Never", "--", "true")
    kubectl("wait", "--for=jsonpath={.status.phase}=Succeeded", "pod/brought", "--timeout=60s")
    (tmp_path / "other.tar").write_bytes(b"no archive" * 1000)
    with pytest.raises(ClusterError, match="does not take"):
        NativeProvider().load_images(cluster.name, tmp_path / "other.tar", report=tell)


def test_logs_of_every_part(cluster: Cluster) -> None:
    provider = NativeProvider()
    parts = provider.components(cluster.name)
    assert {"kubelet", "containerd", "kubeadm", "registry", "etcd", "kube-apiserver", "init"} <= set(parts)
    assert any("node1 etcd | " in line for line in provider.logs(cluster.name, "etcd"))


def test_the_host_has_nothing_of_the_node(cluster: Cluster) -> None:
    # This machine may have a Kubernetes of its own; the node's own files must not be in it.
    assert not Path("/etc/kubernetes/k8s-tutor").exists()
    assert os.path.realpath(f"/proc/{cluster.nodes[0].pid}/ns/mnt") != os.path.realpath("/proc/self/ns/mnt")
    mounts = Path("/proc/self/mountinfo").read_text()
    assert str(cluster.kubeconfig.parent) not in mounts
    assert "kubelet" not in mounts
