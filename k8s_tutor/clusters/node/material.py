"""Everything that a node is made of, as folders on this machine, made once and shared by all clusters."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path


@dataclass(frozen=True)
class Material:
    """Read-only folders in the cache; a cluster copies or links from them and never writes into them.

    - ``bin_dir``: kubeadm kubelet kubectl containerd containerd-shim-runc-v2 ctr runc etcd …, one flat folder.
    - ``cni_dir``: ptp, loopback, host-local, portmap.
    - ``store_dir``: a containerd root (``io.containerd.*`` folders) into which the control plane's images and the
      pause image are already unpacked (namespace ``k8s.io``); a node takes a hard-link copy of it
      (``meta.db`` files copied for real), so that no image is imported at bring-up.
    - ``registry_dir``: an OCI image layout with the images that learners pull (``nginx:latest`` …), served inside
      the node by ``registry.py``.
    - ``kubernetes_version``: like ``v1.37.2``. ``images``: role (``pause``, ``coredns`` …) -> full reference.
    - ``stand_ins``: image as the lab names it -> the truth about what is served under that name.
    """

    bin_dir: Path
    cni_dir: Path
    store_dir: Path
    registry_dir: Path
    kubernetes_version: str
    images: dict[str, str] = field(default_factory=dict)
    stand_ins: dict[str, str] = field(default_factory=dict)
