"""The configuration that kind is given, as text: JSON is YAML, so that no value needs quoting rules."""

from __future__ import annotations

import json
from typing import Any

NODE_PORTS = (30080, 30081, 30082)
"""Ports of the node that answer on 127.0.0.1 of the machine, each at a free port: fixed when a cluster is made."""
_API = "kind.x-k8s.io/v1alpha4"
_KUBEADMS = ("v1beta3", "v1beta4")


def cluster(kind_name: str, nodes: int, *, image: str = "", cgroup_v1: bool = False, nftables: bool = False) -> str:
    """A cluster of so many nodes, the control plane counted; ``image`` empty for kind's own."""
    roles = ["control-plane", *["worker"] * (nodes - 1)]
    document: dict[str, Any] = {
        "kind": "Cluster",
        "apiVersion": _API,
        "name": kind_name,
        "networking": {"ipFamily": "ipv4", "apiServerAddress": "127.0.0.1"},
        "nodes": [_node(role, image) for role in roles],
    }
    patches = [_kubelet(cgroup_v1), *(_control_plane(version) for version in _KUBEADMS)]
    if nftables:
        document["networking"]["kubeProxyMode"] = "nftables"
        # A change of endpoints is in force at once, not up to a second later.
        patches.append({"kind": "KubeProxyConfiguration", "nftables": {"minSyncPeriod": "100ms"}})
    document["kubeadmConfigPatches"] = [json.dumps(patch) for patch in patches]
    return json.dumps(document, indent=1) + "\n"


def _kubelet(cgroup_v1: bool) -> dict[str, Any]:
    patch: dict[str, Any] = {
        "kind": "KubeletConfiguration",
        "registryPullQPS": 0,
        "serializeImagePulls": False,
        # A missed inotify event costs 20 s otherwise.
        "fileCheckFrequency": "1s",
    }
    if cgroup_v1:
        # Kubernetes 1.35 and newer refuse cgroup version 1 unless told; older ones do not know the word.
        patch["failCgroupV1"] = False
    return patch


def _control_plane(version: str) -> dict[str, Any]:
    """What makes a control plane of one member come up sooner; kind applies it where this version is spoken."""

    def arguments(values: dict[str, str]) -> Any:
        if version == "v1beta3":
            return values
        return [{"name": name, "value": value} for name, value in values.items()]

    # It makes a ServiceAccount for each of its controllers first, 20 a second by default.
    controllers = {"leader-elect": "false", "kube-api-qps": "1000", "kube-api-burst": "2000"}
    # One member elects itself as soon as its election time is over: a tenth of the default.
    etcd = {"unsafe-no-fsync": "true", "heartbeat-interval": "10", "election-timeout": "100"}
    return {
        "apiVersion": f"kubeadm.k8s.io/{version}",
        "kind": "ClusterConfiguration",
        "controllerManager": {"extraArgs": arguments(controllers)},
        "scheduler": {"extraArgs": arguments({"leader-elect": "false"})},
        "etcd": {"local": {"extraArgs": arguments(etcd)}},
    }


def _node(role: str, image: str) -> dict[str, Any]:
    node: dict[str, Any] = {"role": role}
    if image:
        node["image"] = image
    if role == "control-plane":
        # Any other address than loopback would offer the learner's cluster to the whole network.
        node["extraPortMappings"] = [
            {"containerPort": port, "hostPort": 0, "listenAddress": "127.0.0.1", "protocol": "TCP"}
            for port in NODE_PORTS
        ]
    return node


def coredns_patch(address: str) -> str:
    """One replica that is found ready within a second, not after ten, and need not wait for kube-proxy.

    ``address``: the API server's own, on the nodes' network.
    """
    server = {"KUBERNETES_SERVICE_HOST": address, "KUBERNETES_SERVICE_PORT": "6443"}
    container = {
        "name": "coredns",
        "readinessProbe": {"initialDelaySeconds": 0, "periodSeconds": 1},
        "env": [{"name": name, "value": value} for name, value in server.items()],
    }
    return json.dumps({"spec": {"replicas": 1, "template": {"spec": {"containers": [container]}}}})
