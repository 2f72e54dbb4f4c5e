"""What stands in a kind node image beside Debian, Kubernetes and its images: kind's own files, changed where it must.

kind's files come out of its Go module (``images/base/files``). Each change here has its reason; a change that finds
nothing to change is an error, for then kind is another one than was tried.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from k8s_tutor.clusters.node.lock import HERE
from k8s_tutor.errors import EnvironmentFault

REGISTRY_PORT = 5000
HOME = "opt/k8s-tutor"
_UNITS = "etc/systemd/system"
_WANTED = f"{_UNITS}/multi-user.target.wants"
ENABLED = ("kubelet", "containerd", "undo-mount-hacks", "podnet", "lab-registry")

CNI = """# The nodes' own network program (podnet) reads all nodes; the node authorizer shows a node only itself.
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata: {name: podnet}
rules:
- {apiGroups: [""], resources: [nodes], verbs: [get, list]}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata: {name: podnet}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: podnet}
subjects:
- {apiGroup: rbac.authorization.k8s.io, kind: Group, name: "system:nodes"}
"""
STORAGE = """# No provisioner rides in this image: a claim of this class stays Pending until somebody makes a volume.
apiVersion: storage.k8s.io/v1
kind: StorageClass
metadata:
  name: standard
  annotations: {storageclass.kubernetes.io/is-default-class: "true"}
provisioner: kubernetes.io/no-provisioner
volumeBindingMode: WaitForFirstConsumer
"""
PODNET_UNIT = f"""[Unit]
Description=Pod network
DefaultDependencies=no

[Service]
ExecStart=/usr/bin/python3 -I /{HOME}/podnet.py
Restart=always
RestartSec=1

[Install]
WantedBy=multi-user.target
"""
REGISTRY_UNIT = f"""[Unit]
Description=Read-only registry of the lab images
After=network.target

[Service]
ExecStart=/usr/bin/python3 -I /{HOME}/registry.py --address 127.0.0.1 --port {REGISTRY_PORT} --layout /{HOME}/registry
User=daemon
Restart=always
RestartSec=1

[Install]
WantedBy=multi-user.target
"""
# Every registry is the node's own: the image is made where no other can be reached.
HOSTS = f"""server = "http://127.0.0.1:{REGISTRY_PORT}"
[host."http://127.0.0.1:{REGISTRY_PORT}"]
  capabilities = ["pull", "resolve"]
"""


@dataclass
class Files:
    """Paths (without a leading slash) and what stands there: text or a file of this machine, links, empty folders."""

    texts: dict[str, tuple[bytes, int]] = field(default_factory=dict)
    copies: dict[str, tuple[Path, int]] = field(default_factory=dict)
    links: dict[str, str] = field(default_factory=dict)
    folders: list[str] = field(default_factory=list)

    def text(self, name: str, content: str, mode: int = 0o644) -> None:
        """Add a file of this content."""
        self.texts[name] = (content.encode(), mode)

    def names(self) -> set[str]:
        """Everything that stands there."""
        return {*self.texts, *self.copies, *self.links}


def collect(kind_files: Path, bin_dir: Path, cni_dir: Path, version: str, pause: str, spec: dict[str, Any]) -> Files:
    """All of it. ``spec``: what ``ctr oci spec`` prints; ``pause``: full reference of the pause image.

    Raises EnvironmentFault (code ``kind-files``) when kind's files are not as they were.
    """
    files = Files(folders=["etc/kubernetes/manifests", "opt/cni/bin"])
    for source in sorted(path for path in kind_files.rglob("*") if path.is_file()):
        name = str(source.relative_to(kind_files))
        mode = 0o755 if name.startswith(("usr/local/bin/", "kind/bin/")) else 0o644
        files.texts[name] = (source.read_bytes(), mode)
    _change(files, pause)
    for program in ("kubeadm", "kubelet", "kubectl"):
        files.copies[f"usr/bin/{program}"] = (bin_dir / program, 0o755)
    for program in ("containerd", "containerd-shim-runc-v2", "ctr"):
        files.copies[f"usr/local/bin/{program}"] = (bin_dir / program, 0o755)
    files.copies["usr/local/sbin/runc"] = (bin_dir / "runc", 0o755)
    for plugin in sorted(cni_dir.iterdir()):
        files.copies[f"opt/cni/bin/{plugin.name}"] = (plugin, 0o755)
    for program in ("podnet.py", "registry.py"):
        files.copies[f"{HOME}/{program}"] = (HERE / program, 0o644)
    files.text("etc/containerd/cri-base.json", json.dumps(base_spec(spec)))
    files.text("etc/containerd/certs.d/_default/hosts.toml", HOSTS)
    files.text("kind/version", version)
    files.text("kind/manifests/default-cni.yaml", CNI)
    files.text("kind/manifests/default-storage.yaml", STORAGE)
    files.text(f"{_UNITS}/podnet.service", PODNET_UNIT)
    files.text(f"{_UNITS}/lab-registry.service", REGISTRY_UNIT)
    for unit in ENABLED:
        files.links[f"{_WANTED}/{unit}.service"] = f"/{_UNITS}/{unit}.service"
    files.links[f"{_UNITS}/systemd-binfmt.service"] = "/dev/null"
    return files


def base_spec(spec: dict[str, Any]) -> dict[str, Any]:
    """The spec that every container starts from: kind's hook in it, and no limits of the machine that made it."""
    made = json.loads(json.dumps(spec))
    hooks = made.setdefault("hooks", {}).setdefault("createContainer", [])
    hooks.append({"path": "/kind/bin/mount-product-files.sh"})
    made.get("process", {}).pop("rlimits", None)
    changed: dict[str, Any] = made
    return changed


def _change(files: Files, pause: str) -> None:
    config = "etc/containerd/config.toml"
    _replace(files, config, r'sandbox_image = "[^"]*"', f'sandbox_image = "{pause}"')
    # CAP_SYS_RESOURCE may be missing (virtual machines, CI runners): a lower score could not be set then.
    _replace(files, config, r"restrict_oom_score_adj = false", "restrict_oom_score_adj = true")
    registry = '\n[plugins."io.containerd.grpc.v1.cri".registry]\n  config_path = "/etc/containerd/certs.d"\n'
    files.text(config, files.texts[config][0].decode() + registry)
    # kubelet refuses cgroup version 1 unless told; a missed inotify event costs 20 s otherwise.
    _replace(
        files, "etc/default/kubelet", r"(KUBELET_EXTRA_ARGS=.*)", r"\1 --fail-cgroupv1=false --file-check-frequency=1s"
    )
    # kind takes this line, which comes before systemd starts, for the sign that systemd is up: kubeadm's calls of
    # systemctl fail then. Said otherwise, kind waits for the other sign, systemd's own.
    _replace(files, "usr/local/bin/entrypoint", r"log_info 'detected cgroup v1'", "log_info 'found cgroup version 1'")


def _replace(files: Files, name: str, pattern: str, by: str) -> None:
    content, mode = files.texts.get(name, (b"", 0))
    text, times = re.subn(pattern, by, content.decode())
    if times != 1:
        raise EnvironmentFault(f"kind's {name} is another one than was tried.", code="kind-files")
    files.texts[name] = (text.encode(), mode)
