"""What this machine must offer before anything is made; each finding with its evidence and the exact remedy."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from k8s_tutor.clusters.native import cgroups, names, tools
from k8s_tutor.clusters.node.packages import missing
from k8s_tutor.errors import EnvironmentFault

_LOW_DISK = 3 << 30
LEAST_INSTANCES, LEAST_WATCHES = 100, 8192
_NFT_RULES = """table inet probe {
 chain nat {
  type nat hook prerouting priority -100
  fib daddr type local numgen random mod 2 vmap { 0 : accept }
 }
 chain out {
  type nat hook postrouting priority 100
  masquerade
 }
 chain no {
  type filter hook forward priority 10
  meta l4proto tcp reject with tcp reset
 }
}
"""


@dataclass(frozen=True)
class Finding:
    """One thing looked at: ``id`` is stable, ``evidence`` what was seen, ``remedy`` the command that mends it."""

    id: str
    ok: bool
    evidence: str
    remedy: str = ""


def findings() -> list[Finding]:
    """All that was looked at, also what is well. Changes nothing; namespaces are tried in throw-away ones."""
    looks: list[Callable[[], Finding]] = [_root, _commands]
    found = [look() for look in looks]
    found += [_disk(), _cgroups(), _inotify()]
    if all(finding.ok for finding in found[:2]):
        found += [_namespaces(), _links(), _nftables(), _overlay()]
    return found


def require(*, but: str = "") -> None:
    """EnvironmentFault with the first thing that is missing (finding ``but`` aside), and the number of the others."""
    bad = [finding for finding in findings() if not finding.ok and finding.id != but]
    if bad:
        more = f" ({len(bad) - 1} more: k8s-tutor doctor)" if len(bad) > 1 else ""
        raise EnvironmentFault(bad[0].evidence + more, remedy=bad[0].remedy, code=bad[0].id)


def _root() -> Finding:
    user = os.geteuid()
    return Finding(
        "root",
        user == 0,
        "running as root" if user == 0 else f"Only root can make a cluster's namespaces; this is user {user}.",
        "Run the same command with sudo, or use a cluster that runs: k8s-tutor --context NAME",
    )


def _commands() -> Finding:
    tools.widen_path()
    lacking = [need.what for need in tools.NEEDED if not need.met()]
    packages = " ".join(missing(tools.NEEDED))
    found = ", ".join(need.what for need in tools.NEEDED)
    return Finding(
        "commands",
        not lacking,
        f"Commands are missing: {', '.join(lacking)}." if lacking else f"found {found}",
        f"apt-get update && apt-get install -y --no-install-recommends {packages}" if lacking else "",
    )


def _disk() -> Finding:
    place = _existing(names.clusters_dir())
    free = shutil.disk_usage(place).free
    return Finding(
        "disk",
        free >= _LOW_DISK,
        f"{place} has {free / (1 << 30):.1f} GB free; a cluster needs {_LOW_DISK >> 30} GB.",
        "Free some space, or name a folder on a larger disk: export XDG_STATE_HOME=/path/to/folder",
    )


def _cgroups() -> Finding:
    trees = cgroups.hierarchies()
    missing = sorted(set(cgroups.NEEDED) - cgroups.controllers(trees))
    # A pure version 2 has one tree at the top; a hybrid's second tree counts for nothing.
    version = 1 if any(tree.version == 1 and tree.controllers for tree in trees) else 2
    remedy = "Boot with the kernel parameter: cgroup_enable=" + ",".join(missing) if missing else ""
    if not trees:
        remedy = "mount -t cgroup2 none /sys/fs/cgroup"
    return Finding(
        "cgroups",
        not missing,
        f"cgroup version {version} lacks {', '.join(missing)}." if missing else f"cgroup version {version}, all there",
        remedy,
    )


def _inotify() -> Finding:
    instances, watches = (_number(f"fs/inotify/max_user_{name}") for name in ("instances", "watches"))
    return Finding(
        "inotify",
        instances >= LEAST_INSTANCES and watches >= LEAST_WATCHES,
        f"inotify: {instances} instances, {watches} watches a user (needed: {LEAST_INSTANCES}, {LEAST_WATCHES})",
        "sysctl -w fs.inotify.max_user_instances=512 fs.inotify.max_user_watches=524288",
    )


def _namespaces() -> Finding:
    lack = _try(["unshare", "--fork", "--pid", "--mount-proc", "--mount", "--net", "--uts", "--ipc", "true"])
    return Finding(
        "namespaces",
        not lack,
        f"The kernel makes no namespaces: {lack}" if lack else "process, mount, network, UTS and IPC namespaces",
        "In a container: docker run --privileged --cgroupns=host. Else see: sysctl user.max_net_namespaces",
    )


def _links() -> Finding:
    for kind in (["name", "probe", "type", "bridge"], ["name", "probe", "type", "veth", "peer", "name", "probe2"]):
        lack = _try(["unshare", "--net", "ip", "link", "add", *kind])
        if lack:
            return Finding("links", False, f"The kernel makes no {kind[3]} links: {lack}", f"modprobe {kind[3]}")
    return Finding("links", True, "bridge and veth links")


def _nftables() -> Finding:
    lack = _try(["unshare", "--net", "nft", "-f", "-"], _NFT_RULES)
    return Finding(
        "nftables",
        not lack,
        f"The kernel takes no nftables rules such as kube-proxy's: {lack}"
        if lack
        else "nftables with nat, fib, numgen",
        "modprobe nf_tables nft_chain_nat nft_fib_inet nft_numgen nft_masq nft_reject_inet (Linux 5.13 or newer)",
    )


def _overlay() -> Finding:
    place = _existing(names.clusters_dir())
    with tempfile.TemporaryDirectory(dir=place, prefix=".probe-") as folder:
        for name in ("lower", "upper", "work", "merged"):
            (Path(folder) / name).mkdir()
        options = f"lowerdir={folder}/lower,upperdir={folder}/upper,workdir={folder}/work"
        lack = _try(["unshare", "--mount", "mount", "-t", "overlay", "overlay", "-o", options, f"{folder}/merged"])
    return Finding(
        "overlay",
        not lack,
        f"{place} cannot carry an overlay: {lack}" if lack else f"overlay file systems on {place}",
        "modprobe overlay; or name a folder on ext4 or xfs: export XDG_STATE_HOME=/path/to/folder",
    )


def _try(argv: list[str], text: str = "") -> str:
    try:
        done = subprocess.run(argv, input=text, capture_output=True, text=True, timeout=10, check=False)
    except (OSError, subprocess.TimeoutExpired) as error:
        return str(error)[:200]
    return (
        "" if done.returncode == 0 else (done.stderr.strip().splitlines() or ["exit " + str(done.returncode)])[0][:200]
    )


def _existing(place: Path) -> Path:
    while not place.exists():
        place = place.parent
    return place


def _number(name: str) -> int:
    try:
        return int((Path("/proc/sys") / name).read_text(encoding="ascii"))
    except (OSError, ValueError):
        return 0
