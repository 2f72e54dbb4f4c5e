"""The machine: system, Python, memory, disk, swap, open files."""

from __future__ import annotations

import os
import platform
import resource
import shutil
import sys
from collections.abc import Mapping
from pathlib import Path

from k8s_tutor import paths
from k8s_tutor.clusters.doctor.finding import ALWAYS, Finding, Topic

LEAST_PYTHON = (3, 11)
LEAST_MEMORY = 2 << 30
LEAST_AVAILABLE = 1 << 30
LEAST_FIRST, LEAST_LATER = 10 << 30, 3 << 30
"""Bytes of disk: to make the native cluster's material, and for a cluster once it is there."""
EVICTS_AT = 0.15
"""kubelet's default for images' disk; 0.10 for its own (kubernetes.io, node-pressure eviction)."""
LEAST_FILES = 1024

_SUBJECT = "machine"
_EVICTION = "https://kubernetes.io/docs/concepts/scheduling-eviction/node-pressure-eviction/"
SYSTEM = Topic("system", _SUBJECT, "operating system and processor", "uname", ("native", "kind", "minikube"))
PYTHON = Topic("python", _SUBJECT, "Python 3.11 or newer", "the running interpreter", (ALWAYS,))
MEMORY = Topic(
    "memory", _SUBJECT, "memory in all: 2 GiB for a cluster", "/proc/meminfo MemTotal", ("native", "kind", "minikube"),
    "https://minikube.sigs.k8s.io/docs/start/",
)  # fmt: skip
AVAILABLE = Topic(
    "memory-available", _SUBJECT, "memory that is available now: 1 GiB", "/proc/meminfo MemAvailable", (), _EVICTION
)
DISK = Topic(
    "disk", _SUBJECT, "free space where state, cache and workspace are kept", "statvfs of the folders",
    ("native", "kind"), "https://kind.sigs.k8s.io/docs/user/known-issues/#failing-to-properly-start-cluster",
)  # fmt: skip
EVICTION = Topic(
    "disk-eviction", _SUBJECT, "share of the disk that is free: below 15 % kubelet's defaults evict pods",
    "statvfs of the state folder", (), _EVICTION,
)  # fmt: skip
SWAP = Topic(
    "swap", _SUBJECT, "swap, with which a kubelet starts only when it is told to", "/proc/swaps", (),
    "https://kubernetes.io/docs/concepts/cluster-administration/swap-memory-management/",
)  # fmt: skip
FILES = Topic(
    "open-files", _SUBJECT, "how many files a process may open", "getrlimit NOFILE", ("native",),
    "https://kind.sigs.k8s.io/docs/user/known-issues/#pod-errors-due-to-too-many-open-files",
)  # fmt: skip
TOPICS = (SYSTEM, PYTHON, MEMORY, AVAILABLE, DISK, EVICTION, SWAP, FILES)


def look(proc: Path = Path("/proc")) -> list[Finding]:
    """All of it; takes no time worth telling."""
    meminfo = _meminfo(proc)
    return [_system(), _python(), _memory(meminfo), _available(meminfo), *_disk(), _swap(proc), _files()]


def _system() -> Finding:
    system, machine = platform.system(), platform.machine()
    told = f"{system} {platform.release()}, {machine}, {os.cpu_count() or '?'} processors"
    if system not in ("Linux", "Darwin"):
        return SYSTEM.lack(told, "use Linux, macOS, or WSL 2 on Windows")
    if machine.lower() not in ("x86_64", "amd64", "aarch64", "arm64"):
        return SYSTEM.lack(f"{told}: no node image is published for it", "use a machine of amd64 or arm64")
    return SYSTEM.ok(told)


def _python() -> Finding:
    told = f"Python {platform.python_version()} ({sys.executable})"
    if sys.version_info < LEAST_PYTHON:
        return PYTHON.lack(told, "install Python 3.11 or newer")
    return PYTHON.ok(told)


def _memory(meminfo: Mapping[str, int]) -> Finding:
    total = meminfo.get("MemTotal") or _total()
    if not total:
        return MEMORY.unseen("this system does not say how much memory there is")
    told = f"{_gib(total)} of memory"
    if total < LEAST_MEMORY:
        return MEMORY.lack(f"{told}; a cluster needs about {_gib(LEAST_MEMORY)}", "use a machine with more memory")
    return MEMORY.ok(told)


def _available(meminfo: Mapping[str, int]) -> Finding:
    free = meminfo.get("MemAvailable")
    if free is None:
        return AVAILABLE.unseen("this system does not say how much memory is available")
    told = f"{_gib(free)} of memory available"
    if free < LEAST_AVAILABLE:
        return AVAILABLE.lack(f"{told}: pods may be evicted or killed", "end what uses it: ps aux --sort=-rss | head")
    return AVAILABLE.ok(told)


def _disk() -> list[Finding]:
    from k8s_tutor.clusters.node.prepare import inspect

    made = inspect() is not None
    state = paths.state_dir()
    places = {"state": (state, LEAST_LATER), "cache": (paths.cache_dir(), LEAST_LATER if made else LEAST_FIRST)}
    told, low = [], []
    for name, (folder, least) in places.items():
        there = existing(folder)
        free = shutil.disk_usage(there).free
        told.append(f"{_gib(free)} free for {name} ({there})")
        if free < least:
            low.append(f"{name} needs {_gib(least)}")
    if low:
        remedy = "free some space, or: export XDG_STATE_HOME=/larger/disk XDG_CACHE_HOME=/larger/disk"
        first = DISK.lack(f"{'; '.join(told)}; {'; '.join(low)}", remedy)
    else:
        first = DISK.ok("; ".join(told))
    usage = shutil.disk_usage(existing(state))
    share = usage.free / usage.total if usage.total else 1.0
    words = f"{share * 100:.0f} % of the disk is free"
    if share < EVICTS_AT:
        why = f"{words}: kubelet's defaults evict pods below 15 % (images) and 10 % (its own); native and kind do not"
        return [first, EVICTION.note(why, "free some space: docker system prune, or see: df -h")]
    return [first, EVICTION.ok(words)]


def _swap(proc: Path) -> Finding:
    try:
        rows = (proc / "swaps").read_text(encoding="utf-8").splitlines()[1:]
        size = sum(int(row.split()[2]) for row in rows) * 1024
    except (OSError, ValueError, IndexError):
        return SWAP.unseen("this system does not say whether it swaps")
    if not size:
        return SWAP.ok("no swap")
    return SWAP.ok(f"{_gib(size)} of swap: the kubelets of native, kind and minikube clusters are told to accept it")


def _files() -> Finding:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    told = f"a process may open {_limit(soft)} files, and raise that to {_limit(hard)}"
    if hard != resource.RLIM_INFINITY and hard < LEAST_FILES:
        return FILES.lack(f"{told}: too few for a node", "ulimit -n 65536, or LimitNOFILE= of the service")
    return FILES.ok(told)


def existing(place: Path) -> Path:
    """The folder, or the nearest one above it that is there."""
    while not place.exists() and place != place.parent:
        place = place.parent
    return place


def _meminfo(proc: Path) -> dict[str, int]:
    found = {}
    try:
        for row in (proc / "meminfo").read_text(encoding="ascii").splitlines():
            name, _, rest = row.partition(":")
            found[name] = int(rest.split()[0]) * 1024
    except (OSError, ValueError, IndexError):
        return found
    return found


def _total() -> int:
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (ValueError, OSError):
        return 0


def _gib(size: int) -> str:
    return f"{size / (1 << 30):.1f} GiB"


def _limit(number: int) -> str:
    return "any number of" if number == resource.RLIM_INFINITY else str(number)
