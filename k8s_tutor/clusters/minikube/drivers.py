"""With what could minikube make a node here? Only looked at, for the choice of a provider: minikube decides itself."""

from __future__ import annotations

import os
import platform
import shutil
from pathlib import Path

from k8s_tutor.clusters.kind import engine

CHOICE = "MINIKUBE_DRIVER"
"""minikube's own variable: the user's word on it."""
_ENGINES = ("docker", "podman")
_PROGRAMS = {
    # Driver -> one of the programs without which it cannot work (minikube: pkg/minikube/registry/drvs).
    "Linux": {"kvm2": ("virsh",), "qemu": ("qemu-system-x86_64", "qemu-system-aarch64"), "virtualbox": ("VBoxManage",)},
    "Darwin": {"vfkit": ("vfkit",), "krunkit": ("krunkit",), "qemu": ("qemu-system-aarch64", "qemu-system-x86_64"),
               "parallels": ("prlctl",), "virtualbox": ("VBoxManage",), "vmware": ("vmrun",)},
}  # fmt: skip
_KVM = Path("/dev/kvm")
_NEEDS_KVM = ("kvm2", "qemu")


def able(found: engine.Engine | None = None) -> str:
    """The first driver that could work here, empty if none seems to. ``found``: the container engine that answers."""
    chosen = os.environ.get(CHOICE, "")
    if chosen and chosen not in _ENGINES:
        return chosen
    if found is not None and found.name in _ENGINES and os.geteuid() != 0:
        # As root minikube refuses container drivers (DRV_AS_ROOT).
        return found.name
    system = platform.system()
    for driver, programs in _PROGRAMS.get(system, {}).items():
        if chosen or not any(shutil.which(program) for program in programs):
            continue
        if system != "Linux" or driver not in _NEEDS_KVM or os.access(_KVM, os.R_OK | os.W_OK):
            return driver
    return ""
