"""The configuration files say what a real cluster needed."""

from __future__ import annotations

import json
import tomllib
from dataclasses import replace
from pathlib import Path
from typing import Any

import yaml

from k8s_tutor.clusters.native import config, network
from k8s_tutor.clusters.node.material import Material

MATERIAL = Material(
    bin_dir=Path("/m/bin"),
    cni_dir=Path("/m/cni"),
    store_dir=Path("/m/store"),
    registry_dir=Path("/m/registry"),
    kubernetes_version="v1.37.2",
    images={
        "pause": "registry.k8s.io/pause:3.10.2",
        "etcd": "registry.k8s.io/etcd:3.7.0-0",
        "coredns": "registry.k8s.io/coredns/coredns:v1.14.6",
    },
)
ONE = config.NodeSpec("dev", 1, 1, network.choose([]), "abcdef.0123456789abcdef", False, "172.29.0.2")
FIRST_OF_TWO = replace(ONE, nodes=2)
SECOND = replace(ONE, index=2, nodes=2)


def kinds(text: str) -> dict[str, Any]:
    return {part["kind"]: part for part in yaml.safe_load_all(text) if part}


def arguments(part: dict[str, Any]) -> dict[str, str]:
    return {entry["name"]: entry["value"] for entry in part["extraArgs"]}


def test_kubeadm_init_has_its_four_documents() -> None:
    found = kinds(config.kubeadm(ONE, MATERIAL))
    assert set(found) == {
        "InitConfiguration",
        "ClusterConfiguration",
        "KubeletConfiguration",
        "KubeProxyConfiguration",
    }
    cluster = found["ClusterConfiguration"]
    assert cluster["apiVersion"] == "kubeadm.k8s.io/v1beta4"
    assert cluster["kubernetesVersion"] == "v1.37.2"
    assert cluster["etcd"]["local"]["imageRepository"] == "registry.k8s.io"
    assert cluster["etcd"]["local"]["imageTag"] == "3.7.0-0"
    assert cluster["dns"] == {"imageRepository": "registry.k8s.io/coredns", "imageTag": "v1.14.6"}
    assert ONE.address in cluster["apiServer"]["certSANs"]


def test_every_value_of_a_flag_is_text() -> None:
    # kubeadm refuses a number or a boolean there.
    cluster = kinds(config.kubeadm(ONE, MATERIAL))["ClusterConfiguration"]
    for part in (cluster["controllerManager"], cluster["scheduler"], cluster["etcd"]["local"]):
        assert all(isinstance(value, str) for value in arguments(part).values())


def test_the_controllers_are_not_slowed_down() -> None:
    cluster = kinds(config.kubeadm(ONE, MATERIAL))["ClusterConfiguration"]
    manager = arguments(cluster["controllerManager"])
    assert manager["leader-elect"] == "false"
    assert int(manager["kube-api-qps"]) >= 1000
    assert manager["allocate-node-cidrs"] == "false"
    assert arguments(cluster["scheduler"])["leader-elect"] == "false"
    assert arguments(cluster["etcd"]["local"])["unsafe-no-fsync"] == "true"


def test_kubelet_runs_on_cgroup_version_1_and_a_full_disk() -> None:
    kubelet = kinds(config.kubeadm(ONE, MATERIAL))["KubeletConfiguration"]
    assert kubelet["failCgroupV1"] is False
    assert kubelet["failSwapOn"] is False
    assert set(kubelet["evictionHard"].values()) == {"0%"}
    assert kubelet["registryPullQPS"] == 0
    assert kubelet["serializeImagePulls"] is False
    assert kubelet["clusterDNS"] == [str(ONE.ranges.dns)]


def test_kube_proxy_uses_nftables_and_leaves_the_machines_limit_alone() -> None:
    proxy = kinds(config.kubeadm(ONE, MATERIAL))["KubeProxyConfiguration"]
    assert proxy["mode"] == "nftables"
    assert proxy["conntrack"]["maxPerCore"] == 0


def test_only_a_cluster_of_one_node_lets_pods_onto_the_control_plane() -> None:
    alone = kinds(config.kubeadm(ONE, MATERIAL))["InitConfiguration"]
    assert alone["nodeRegistration"]["taints"] == []
    first = kinds(config.kubeadm(FIRST_OF_TWO, MATERIAL))["InitConfiguration"]
    assert "taints" not in first["nodeRegistration"]


def test_a_worker_joins_by_file_and_token() -> None:
    found = kinds(config.kubeadm(SECOND, MATERIAL))
    assert set(found) == {"JoinConfiguration"}
    discovery = found["JoinConfiguration"]["discovery"]
    assert discovery["tlsBootstrapToken"] == SECOND.token
    assert discovery["file"]["kubeConfigPath"] == config.discovery_file()
    server = yaml.safe_load(config.discovery("https://a:1", "QUJD"))["clusters"][0]["cluster"]
    assert server == {"server": "https://a:1", "certificate-authority-data": "QUJD"}


def test_two_kubelets_never_share_a_cgroup() -> None:
    roots = {json.loads(config.kubelet_patch(spec))["cgroupRoot"] for spec in (FIRST_OF_TWO, SECOND)}
    assert len(roots) == 2
    assert all(root.startswith("/k8s-tutor-dev-") for root in roots)


def test_coredns_is_one_replica_and_asks_the_api_server_itself() -> None:
    spec = json.loads(config.coredns_patch(SECOND))["spec"]
    assert spec["replicas"] == 1
    container = spec["template"]["spec"]["containers"][0]
    assert container["readinessProbe"]["periodSeconds"] == 1
    assert {"name": "KUBERNETES_SERVICE_HOST", "value": FIRST_OF_TWO.address} in container["env"]


def test_containerd_takes_odd_paths_and_leaves_the_oom_score_alone() -> None:
    odd = replace(MATERIAL, bin_dir=Path('/home/o"brien/bin'))
    parsed = tomllib.loads(config.containerd(odd))
    runtime = parsed["plugins"]["io.containerd.cri.v1.runtime"]
    assert runtime["restrict_oom_score_adj"] is True
    assert runtime["cni"]["bin_dirs"] == ["/m/cni"]
    runc = runtime["containerd"]["runtimes"]["runc"]["options"]
    assert runc == {"BinaryName": '/home/o"brien/bin/runc', "SystemdCgroup": False}
    assert parsed["plugins"]["io.containerd.cri.v1.images"]["pinned_images"]["sandbox"] == MATERIAL.images["pause"]


def test_without_egress_no_other_registry_is_ever_asked() -> None:
    own = f"http://{ONE.address}:{config.REGISTRY_PORT}"
    closed = tomllib.loads(config.registry_hosts(ONE))
    assert closed["server"] == own
    assert list(closed["host"]) == [own]
    opened = tomllib.loads(config.registry_hosts(replace(ONE, egress=True)))
    assert "server" not in opened
    assert list(opened["host"]) == [own]


def test_each_nodes_pods_get_addresses_of_its_own() -> None:
    def subnet(spec: config.NodeSpec) -> str:
        return str(json.loads(config.cni(spec))["plugins"][0]["ipam"]["ranges"][0][0]["subnet"])

    assert subnet(FIRST_OF_TWO) == "10.244.1.0/24"
    assert subnet(SECOND) == "10.244.2.0/24"


def test_nodes_know_each_other_and_one_resolver() -> None:
    assert "172.29.0.3 node2" in config.hosts(SECOND).splitlines()
    assert config.resolv_conf(ONE).startswith("nameserver 172.29.0.2\n")
