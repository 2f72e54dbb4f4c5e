"""Programs of the host that a cluster is brought up with; what is missing is installed, where we may."""

from __future__ import annotations

import os
import shutil

from k8s_tutor.clusters.node import prepare
from k8s_tutor.clusters.node.packages import Need, ensure_packages, missing
from k8s_tutor.clusters.node.work import Work
from k8s_tutor.phases import Report

NEEDED = (
    Need("ip", "iproute2"),
    Need("nft", "nftables"),
    Need("nsenter", "util-linux"),
    Need("unshare", "util-linux"),
    Need("mount", "mount"),
    Need("umount", "mount"),
)
WAY_OUT = (Need("slirp4netns", "slirp4netns"),)
"""What ``--egress`` needs besides."""
_ADMINISTRATOR = ("/usr/local/sbin", "/usr/sbin", "/sbin")


def widen_path() -> None:
    """Add the administrator's folders to this process's PATH: root's PATH after a plain ``su`` lacks them."""
    there = os.environ.get("PATH", os.defpath).split(os.pathsep)
    os.environ["PATH"] = os.pathsep.join([*there, *(folder for folder in _ADMINISTRATOR if folder not in there)])


def installable(*, egress: bool = False) -> list[str]:
    """Debian packages that are missing and that we may install; none without root and apt-get.

    Whoever may not hears of it from ``preflight.require``, with everything else that is missing.
    """
    if os.geteuid() != 0 or shutil.which("apt-get") is None:
        return []
    return missing(NEEDED + (WAY_OUT if egress else ()))


def install(report: Report, *, egress: bool = False) -> None:
    """Install them, as a phase of its own. Raises EnvironmentFault with the exact command when apt-get fails."""
    lacking = installable(egress=egress)
    work = Work(report, prepare.root_dir() / "logs")
    with work.phase("packages", "System packages", f"from Debian: {', '.join(lacking)}") as telling:
        ensure_packages(NEEDED + (WAY_OUT if egress else ()), work, telling)
