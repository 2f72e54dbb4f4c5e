"""The configuration files of a node, as text: kubeadm, kubelet, containerd, CNI, resolver.

JSON is YAML, so that no value needs quoting rules; kubeadm reads several documents from one file.
Where a value looks odd, its reason stands beside it; all were met on a real cluster.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from k8s_tutor.clusters import keeping
from k8s_tutor.clusters.native import names
from k8s_tutor.clusters.native.network import Ranges
from k8s_tutor.clusters.node.material import Material

REGISTRY_PORT = 5000
API_PORT = 6443
CRI_SOCKET = "unix:///run/containerd/containerd.sock"
NAMESPACE = keeping.NAMESPACE
_KUBEADM = "kubeadm.k8s.io/v1beta4"

# One member elects itself as soon as its election time is over: a tenth of the default. The disk's word is not waited
# for: losing the last second of a lab to a power cut is fine.
_ETCD = {"unsafe-no-fsync": "true", "heartbeat-interval": "10", "election-timeout": "100"}

Document = dict[str, Any]


@dataclass(frozen=True)
class NodeSpec:
    """One node to be made; ``index`` 1 is the control plane, ``dns_upstream`` is asked for names not of the cluster."""

    cluster: str
    index: int
    nodes: int
    ranges: Ranges
    token: str
    egress: bool
    dns_upstream: str

    @property
    def name(self) -> str:
        """Name in Kubernetes."""
        return names.node_name(self.index)

    @property
    def address(self) -> str:
        """Address on the nodes' network."""
        return str(self.ranges.node(self.index))

    @property
    def control_plane(self) -> bool:
        """Whether etcd, the API server and its controllers run here."""
        return self.index == 1


def kubeadm(spec: NodeSpec, material: Material) -> str:
    """What ``kubeadm init`` (or, on a worker, ``kubeadm join``) is told."""
    if spec.control_plane:
        return documents(_init(spec), _cluster(spec, material), _kubelet(spec), _kube_proxy(spec))
    return documents(_join(spec))


def documents(*parts: Document) -> str:
    """Several documents in one YAML file."""
    return "".join(f"---\n{json.dumps(part, indent=1)}\n" for part in parts)


def kubelet_patch(spec: NodeSpec) -> str:
    """What is different in each node's kubelet: two kubelets in one cgroup would remove each other's pods."""
    return json.dumps({"cgroupRoot": "/" + names.node_cgroup(spec.cluster, spec.index)})


def coredns_patch(spec: NodeSpec) -> str:
    """One replica that is found ready within a second, not after ten, and need not wait for kube-proxy."""
    probe = {"initialDelaySeconds": 0, "periodSeconds": 1}
    # The API server by its own address: through its ClusterIP it would be refused until kube-proxy is through.
    server = {"KUBERNETES_SERVICE_HOST": str(spec.ranges.node(1)), "KUBERNETES_SERVICE_PORT": str(API_PORT)}
    container = {"name": "coredns", "readinessProbe": probe, "env": _arguments(server)}
    return json.dumps({"spec": {"replicas": 1, "template": {"spec": {"containers": [container]}}}})


def containerd(material: Material) -> str:
    """Configuration of containerd, version 3."""
    # JSON strings are TOML strings.
    quote = json.dumps
    return f"""version = 3
root = "/var/lib/containerd"
state = "/run/containerd"
disabled_plugins = [
  "io.containerd.grpc.v1.cri-tracing", "io.containerd.internal.v1.tracing", "io.containerd.tracing.processor.v1.otlp",
  "io.containerd.nri.v1.nri", "io.containerd.snapshotter.v1.btrfs", "io.containerd.snapshotter.v1.zfs",
  "io.containerd.snapshotter.v1.devmapper", "io.containerd.snapshotter.v1.blockfile",
  "io.containerd.snapshotter.v1.erofs",
]

[grpc]
  address = "/run/containerd/containerd.sock"

[plugins."io.containerd.cri.v1.images"]
  snapshotter = "overlayfs"
  [plugins."io.containerd.cri.v1.images".pinned_images]
    sandbox = {quote(material.images["pause"])}
  [plugins."io.containerd.cri.v1.images".registry]
    config_path = "/etc/containerd/certs.d"

[plugins."io.containerd.cri.v1.runtime"]
  # CAP_SYS_RESOURCE may be missing (virtual machines, CI runners): a lower score could not be set then.
  restrict_oom_score_adj = true
  # Every second, unless told otherwise: a quarter of a core for eighty pods, and nobody here asks for the figures.
  stats_collect_period = "30s"
  [plugins."io.containerd.cri.v1.runtime".cni]
    bin_dirs = [{quote(str(material.cni_dir))}]
    conf_dir = "/etc/cni/net.d"
  [plugins."io.containerd.cri.v1.runtime".containerd]
    default_runtime_name = "runc"
    [plugins."io.containerd.cri.v1.runtime".containerd.runtimes.runc]
      runtime_type = "io.containerd.runc.v2"
      [plugins."io.containerd.cri.v1.runtime".containerd.runtimes.runc.options]
        BinaryName = {quote(str(material.bin_dir / "runc"))}
        SystemdCgroup = false
"""


def registry_hosts(spec: NodeSpec) -> str:
    """Every registry is first the node's own; only with egress also the real one."""
    own = json.dumps(f"http://{spec.address}:{REGISTRY_PORT}")
    # Without a server line containerd goes on to the registry that the image names.
    server = "" if spec.egress else f"server = {own}\n"
    return f'{server}[host.{own}]\n  capabilities = ["pull", "resolve"]\n'


def cni(spec: NodeSpec) -> str:
    """A link for each pod, addresses from this node's part of the pod range.

    No bridge: on one the node knows a pod by its link address, and an address that a new pod got again answered nobody
    for eight seconds, until the node had forgotten the old pod's. What is known of a link goes with the link.
    """
    ranges = [[{"subnet": str(spec.ranges.node_pods(spec.index))}]]
    link: Document = {
        "type": "ptp",
        "ipMasq": False,
        "ipam": {"type": "host-local", "ranges": ranges, "routes": [{"dst": "0.0.0.0/0"}], "dataDir": "/run/cni"},
    }
    return json.dumps({"cniVersion": "1.0.0", "name": "pods", "plugins": [link]}, indent=1)


def resolv_conf(spec: NodeSpec) -> str:
    """One resolver: PID 1's own, which knows no name, or that of the way out."""
    return f"nameserver {spec.dns_upstream}\noptions timeout:1 attempts:1\n"


def hosts(spec: NodeSpec) -> str:
    """Nodes know each other by name."""
    lines = ["127.0.0.1 localhost"]
    lines += [f"{spec.ranges.node(index)} {names.node_name(index)}" for index in range(1, spec.nodes + 1)]
    return "\n".join(lines) + "\n"


def discovery(server: str, authority: str) -> str:
    """The kubeconfig by which a worker finds the control plane; ``authority`` is its CA, base64."""
    cluster = {"server": server, "certificate-authority-data": authority}
    return json.dumps(
        {
            "apiVersion": "v1",
            "kind": "Config",
            "clusters": [{"name": "", "cluster": cluster}],
            "contexts": [],
            "users": [],
        }
    )


def discovery_file() -> str:
    """Where a worker's PID 1 puts it."""
    return "/etc/kubernetes/discovery.conf"


def _registration(spec: NodeSpec) -> Document:
    registration: Document = {
        "name": spec.name,
        "criSocket": CRI_SOCKET,
        "ignorePreflightErrors": ["all"],
        "imagePullPolicy": "IfNotPresent",
        "kubeletExtraArgs": [{"name": "node-ip", "value": spec.address}],
    }
    if spec.control_plane and spec.nodes == 1:
        # The only node must take the learner's pods.
        registration["taints"] = []
    return registration


def _init(spec: NodeSpec) -> Document:
    return {
        "apiVersion": _KUBEADM,
        "kind": "InitConfiguration",
        "bootstrapTokens": [{"token": spec.token, "ttl": "24h0m0s"}],
        "localAPIEndpoint": {"advertiseAddress": spec.address, "bindPort": API_PORT},
        "nodeRegistration": _registration(spec),
        "patches": {"directory": "/etc/kubernetes/patches"},
    }


def _join(spec: NodeSpec) -> Document:
    return {
        "apiVersion": _KUBEADM,
        "kind": "JoinConfiguration",
        "discovery": {"file": {"kubeConfigPath": discovery_file()}, "tlsBootstrapToken": spec.token},
        "nodeRegistration": _registration(spec),
        "patches": {"directory": "/etc/kubernetes/patches"},
    }


def _cluster(spec: NodeSpec, material: Material) -> Document:
    etcd_image, coredns_image = _image(material, "etcd"), _image(material, "coredns")
    return {
        "apiVersion": _KUBEADM,
        "kind": "ClusterConfiguration",
        "kubernetesVersion": material.kubernetes_version,
        "clusterName": spec.cluster,
        # A 2048 bit RSA key costs a tenth of a second and more, and kubeadm makes a dozen.
        "encryptionAlgorithm": "ECDSA-P256",
        "networking": {"podSubnet": str(spec.ranges.pods), "serviceSubnet": str(spec.ranges.services)},
        "apiServer": {"certSANs": [spec.address, "127.0.0.1", "localhost"]},
        "controllerManager": {
            "extraArgs": _arguments(
                {
                    "leader-elect": "false",
                    # It makes a ServiceAccount for each of its controllers first, 20 a second by default.
                    "kube-api-qps": "1000",
                    "kube-api-burst": "2000",
                    # It starts while the API server still makes its roles, and waits for them by itself.
                    "authentication-tolerate-lookup-failure": "true",
                    # Each node's part of the pod range is fixed by its number: its CNI file must say it before kubelet.
                    "allocate-node-cidrs": "false",
                    # kubelet would make kubeadm's default below /usr of the host.
                    "flex-volume-plugin-dir": "/var/lib/kubelet/volumeplugins",
                }
            )
        },
        "scheduler": {"extraArgs": _arguments({"leader-elect": "false"})},
        "etcd": {"local": {**etcd_image, "extraArgs": _arguments(_ETCD)}},
        "dns": coredns_image,
    }


def _kubelet(spec: NodeSpec) -> Document:
    return {
        "apiVersion": "kubelet.config.k8s.io/v1beta1",
        "kind": "KubeletConfiguration",
        "failCgroupV1": False,
        "cgroupDriver": "cgroupfs",
        "failSwapOn": False,
        "oomScoreAdj": 0,
        "clusterDNS": [str(spec.ranges.dns)],
        "resolvConf": "/etc/resolv.conf",
        "containerRuntimeEndpoint": CRI_SOCKET,
        "volumePluginDir": "/var/lib/kubelet/volumeplugins",
        # A nearly full disk would evict every pod and collect the images that no registry here can give again.
        "evictionHard": dict.fromkeys(
            ("memory.available", "imagefs.available", "imagefs.inodesFree", "nodefs.available", "nodefs.inodesFree"),
            "0%",
        ),
        "imageGCHighThresholdPercent": 100,
        # A missed inotify event costs 20 s otherwise.
        "fileCheckFrequency": "1s",
        "registryPullQPS": 0,
        "serializeImagePulls": False,
        "kubeAPIQPS": 500,
        "kubeAPIBurst": 1000,
        "eventRecordQPS": 0,
        "maxPods": 250,
    }


def _kube_proxy(spec: NodeSpec) -> Document:
    return {
        "apiVersion": "kubeproxy.config.k8s.io/v1alpha1",
        "kind": "KubeProxyConfiguration",
        "mode": "nftables",
        "clusterCIDR": str(spec.ranges.pods),
        # A change of endpoints is in force at once, not up to a second later.
        "nftables": {"minSyncPeriod": "100ms"},
        # The limit belongs to the machine, not to a network namespace.
        "conntrack": {"maxPerCore": 0},
        "oomScoreAdj": 0,
    }


def _arguments(values: dict[str, str]) -> list[Document]:
    return [{"name": name, "value": value} for name, value in values.items()]


def _image(material: Material, role: str) -> Document:
    reference = material.images.get(role, "")
    repository, _, tag = reference.rpartition(":")
    if not repository:
        return {}
    return {"imageRepository": str(Path(repository).parent), "imageTag": tag}
