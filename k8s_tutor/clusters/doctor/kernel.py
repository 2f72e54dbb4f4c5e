"""The kernel: version, cgroups and their controllers, inotify; and what only a native cluster needs of it."""

from __future__ import annotations

import os
import platform
import re
from pathlib import Path

from k8s_tutor.clusters.doctor.finding import Finding, Topic
from k8s_tutor.clusters.native import cgroups, preflight

LEAST_KERNEL = (5, 13)
"""kube-proxy's nftables mode, which native clusters use (kubernetes.io, kernel version requirements)."""
WATCHES, INSTANCES = 524288, 512
"""kind's known issues: what a cluster of several nodes needs."""
ROOTLESS = ("cpu", "memory", "pids")
"""Controllers that must be delegated to a user (kind's page on rootless)."""

_SUBJECT = "kernel"
_KERNEL = "https://kubernetes.io/docs/reference/node/kernel-version-requirements/"
_CGROUPS = "https://kubernetes.io/docs/concepts/architecture/cgroups/"
_MODULES = "https://kubernetes.io/docs/setup/production-environment/container-runtimes/"
KERNEL = Topic("kernel", _SUBJECT, "Linux 5.13 or newer", "uname", ("native",), _KERNEL)
CGROUPS = Topic(
    "cgroups", _SUBJECT, "cgroup version 2 (kubelet ≥ 1.35 refuses 1 unless failCgroupV1 is false), controllers",
    "/proc/mounts, cgroup.controllers", ("native", "kind"), _CGROUPS,
)  # fmt: skip
DELEGATION = Topic(
    "cgroup-delegation", _SUBJECT, "controllers delegated to this user, which a rootless engine needs",
    "user@.service/cgroup.controllers", (), "https://kind.sigs.k8s.io/docs/user/rootless/",
)  # fmt: skip
INOTIFY = Topic(
    "inotify", _SUBJECT, "inotify limits: 524288 watches, 512 instances", "/proc/sys/fs/inotify", ("native", "kind"),
    "https://kind.sigs.k8s.io/docs/user/known-issues/#pod-errors-due-to-too-many-open-files",
)  # fmt: skip
_N = ("native",)
ROOT = Topic("root", _SUBJECT, "root, who alone can make a native cluster", "geteuid", _N)
COMMANDS = Topic("commands", _SUBJECT, "ip, nft, nsenter, unshare, mount", "PATH", _N)
NAMESPACES = Topic("namespaces", _SUBJECT, "namespaces of a container", "unshare, tried", _N)
LINKS = Topic("links", _SUBJECT, "bridge and veth links", "ip link, tried in a throw-away namespace", _N)
NFTABLES = Topic(
    "nftables", _SUBJECT, "netfilter rules such as kube-proxy's", "nft, tried in a throw-away namespace", _N, _KERNEL
)
OVERLAY = Topic("overlay", _SUBJECT, "overlay file systems", "mount, tried in a throw-away namespace", _N, _MODULES)
TOPICS = (KERNEL, CGROUPS, DELEGATION, INOTIFY)
NATIVE_TOPICS = (ROOT, COMMANDS, NAMESPACES, LINKS, NFTABLES, OVERLAY)


def look() -> list[Finding]:
    """Version, cgroups, inotify: read, nothing tried."""
    if platform.system() != "Linux":
        why = f"{platform.system()} is no Linux: an engine's virtual machine has its own kernel"
        return [topic.beyond(why) for topic in TOPICS]
    return [_kernel(), _cgroups(), _delegation(), _inotify()]


def look_native() -> list[Finding]:
    """What the native provider tries before it makes a cluster, in throw-away namespaces."""
    topics = {topic.id: topic for topic in NATIVE_TOPICS}
    found = []
    for seen in preflight.findings():
        topic = topics.pop(seen.id, None)
        if topic is not None:
            found.append(topic.ok(seen.evidence) if seen.ok else topic.lack(seen.evidence, seen.remedy))
    return found + [topic.unseen("not tried: root and commands come first") for topic in topics.values()]


def _kernel() -> Finding:
    release = platform.release()
    match = re.match(r"(\d+)\.(\d+)", release)
    if match is None:
        return KERNEL.unseen(f"the kernel's release {release!r} is no version")
    if (int(match[1]), int(match[2])) < LEAST_KERNEL:
        return KERNEL.lack(f"Linux {release}: kube-proxy's nftables need 5.13", "boot a newer kernel; or use kind")
    return KERNEL.ok(f"Linux {release}")


def _cgroups() -> Finding:
    trees = cgroups.hierarchies()
    lacking = sorted(set(cgroups.NEEDED) - cgroups.controllers(trees))
    first = any(tree.version == 1 and tree.controllers for tree in trees)
    if not trees:
        return CGROUPS.lack("no cgroup tree is mounted", "mount -t cgroup2 none /sys/fs/cgroup")
    if lacking:
        told = f"cgroup version {1 if first else 2} lacks {', '.join(lacking)}"
        return CGROUPS.lack(told, "boot with the kernel parameter: cgroup_enable=" + ",".join(lacking))
    if first:
        told = (
            "cgroup version 1: kubelet 1.35 and newer refuses it, unless failCgroupV1 is false as in clusters made here"
        )
        return CGROUPS.note(told, "boot with the kernel parameter systemd.unified_cgroup_hierarchy=1")
    return CGROUPS.ok(f"cgroup version 2 with {', '.join(cgroups.NEEDED)}")


def _delegation(top: Path = Path("/sys/fs/cgroup")) -> Finding:
    user = os.geteuid()
    if user == 0:
        return DELEGATION.ok("this is root: nothing needs to be delegated")
    place = top / f"user.slice/user-{user}.slice/user@{user}.service/cgroup.controllers"
    try:
        there = place.read_text(encoding="ascii").split()
    except OSError:
        return DELEGATION.unseen(f"{place} is not there: no systemd user session, or cgroup version 1")
    lacking = [name for name in ROOTLESS if name not in there]
    if lacking:
        file = "/etc/systemd/system/user@.service.d/delegate.conf"
        told = f"{', '.join(lacking)} not delegated to user {user}: a rootless engine needs them"
        return DELEGATION.note(told, f"in {file}: [Service] Delegate=yes; then: sudo systemctl daemon-reload")
    return DELEGATION.ok(f"{', '.join(there)} delegated to user {user}", source=str(place))


def _inotify(proc: Path = Path("/proc")) -> Finding:
    try:
        watches, instances = (
            int((proc / "sys/fs/inotify" / f"max_user_{name}").read_text(encoding="ascii"))
            for name in ("watches", "instances")
        )
    except (OSError, ValueError) as error:
        return INOTIFY.unseen(f"the limits cannot be read: {error}")
    told = f"{watches} watches and {instances} instances a user"
    remedy = f"sudo sysctl -w fs.inotify.max_user_watches={WATCHES} fs.inotify.max_user_instances={INSTANCES}"
    if watches < preflight.LEAST_WATCHES or instances < preflight.LEAST_INSTANCES:
        return INOTIFY.lack(f"{told}: too few for a node", remedy)
    if watches < WATCHES or instances < INSTANCES:
        return INOTIFY.note(f'{told}: enough for one node, few for several ("too many open files")', remedy)
    return INOTIFY.ok(told)
