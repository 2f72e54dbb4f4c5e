"""The doctor on a real cluster: well, and with its DNS gone; a bundle made of it."""

from __future__ import annotations

import json
import tarfile
import time
from pathlib import Path

import pytest
from native_helpers import Kubectl, until

from k8s_tutor.clusters.context import read_kubeconfig
from k8s_tutor.clusters.doctor.clock import look_certificates
from k8s_tutor.clusters.doctor.examine import Examination
from k8s_tutor.clusters.doctor.finding import Finding, State
from k8s_tutor.clusters.provider import Cluster
from k8s_tutor.session.bundle.pack import pack
from k8s_tutor.session.doctor import consult


def seen(examination: Examination) -> dict[str, Finding]:
    return {finding.id: finding for finding in examination.findings}


def test_a_native_cluster_is_well_and_everything_of_it_was_looked_at(cluster: Cluster):
    examination = consult(cluster.name, None, "native")
    found = seen(examination)
    assert examination.well, [finding for finding in examination.findings if finding.needed and not finding.ok]
    for name in ("api", "nodes", "dns-server", "dns", "images", "clock", "certificates", "permissions", "kubectl-skew"):
        assert found[name].ok, found[name]
    assert "10.96.0.1" in found["dns"].evidence
    assert examination.seconds < 9


def test_without_coredns_it_says_so_with_the_command_that_mends_it(cluster: Cluster):
    system = Kubectl(cluster, "kube-system")
    replicas = system("get", "deployment", "coredns", "-o", "jsonpath={.spec.replicas}")
    system("scale", "deployment", "coredns", "--replicas=0")
    try:
        until(lambda: not system.get("pods", "-l", "k8s-app=kube-dns")["items"], within=60, what="CoreDNS is gone")
        found = until(
            lambda: (each := seen(consult(cluster.name, None, "native")))["dns"].state is State.FAIL and each,
            within=30,
            what="DNS fails",
        )
        assert found["dns-server"].state is State.FAIL
        assert "scale deployment coredns" in found["dns"].remedy
    finally:
        system("scale", "deployment", "coredns", f"--replicas={replicas}")
    until(lambda: seen(consult(cluster.name, None, "native"))["dns"].ok, within=60, what="DNS answers again")


def test_a_bundle_holds_logs_and_no_key(cluster: Cluster, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("K8S_TUTOR_HOME", str(tmp_path / "home"))
    learner = Kubectl(cluster, cluster.namespace)
    learner("create", "secret", "generic", "planted", "--from-literal=key=planted-in-a-secret")
    manifest = {
        "apiVersion": "v1", "kind": "Pod", "metadata": {"name": "planted"},
        "spec": {"containers": [{"name": "c", "image": "nginx", "env": [{"name": "PW", "value": "planted-in-env"}]}]},
    }  # fmt: skip
    try:
        learner.apply(json.dumps(manifest))
        packed = pack(cluster.name, None, "native", file=tmp_path / "bundle.tar.gz")
    finally:
        learner.run("delete", "pod/planted", "secret/planted", "--now", check=False)
    with tarfile.open(packed.path) as tar:
        texts = {info.name: tar.extractfile(info).read().decode() for info in tar.getmembers()}  # type: ignore[union-attr]
    names = " ".join(texts)
    assert "kubelet.log" in names and "kube-apiserver.log" in names and "dumps/namespace/pods.json" in names
    assert '"planted"' in texts["k8s-tutor-bundle/dumps/namespace/pods.json"]
    user = read_kubeconfig(cluster.kubeconfig)["users"][0]["user"]
    state = json.loads((cluster.kubeconfig.parent / "state.json").read_text())
    secrets = [user["client-key-data"], user["client-certificate-data"], state["token"]]
    for name, text in texts.items():
        for secret in (*secrets, "planted-in-a-secret", "planted-in-env", "PRIVATE KEY", "BEGIN CERTIFICATE"):
            assert secret not in text, name


def test_certificates_that_are_over_or_not_yet_valid_are_told_with_the_day(cluster: Cluster):
    """The real ones of the cluster, looked at from another year."""
    now = time.time()
    assert look_certificates(cluster, now=now)[0].ok
    (over,) = look_certificates(cluster, now=now + 20 * 365 * 86_400)
    assert not over.ok and all(f"{name}: expired on 20" in over.evidence for name in ("client", "CA", "server"))
    assert "k8s-tutor cluster down" in over.remedy
    (early,) = look_certificates(cluster, now=0.0)
    assert not early.ok and "holds only from 20" in early.evidence
    (soon,) = look_certificates(cluster, now=now + 360 * 86_400)
    assert "(soon)" in soon.evidence
