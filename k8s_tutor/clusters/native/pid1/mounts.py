"""The node's own view of the file system: the host's, with the places that Kubernetes writes to put over it.

/etc, /var/lib and /var/log are overlays: the host's content below, what the node writes in the cluster's folder.
So no mount point must be made on the host, and nothing that the node writes there reaches it.
"""

from __future__ import annotations

import ctypes
import os
from pathlib import Path

# linux/mount.h
_BIND, _REC, _PRIVATE, _SHARED, _NOSUID, _NODEV, _NOEXEC = 0x1000, 0x4000, 0x40000, 0x100000, 2, 4, 8
OVERLAYS = {"/etc": "etc", "/var/lib": "var-lib", "/var/log": "var-log"}
"""Place in the node -> folder of the node's directory that holds what differs from the host."""
FOLDERS = {
    "/var/lib/kubelet": "kubelet",
    "/var/lib/containerd": "containerd",
    "/var/lib/etcd": "etcd",
    "/var/log/pods": "pod-logs",
    "/var/log/containers": "container-logs",
}
"""Place in the node -> folder of the node's directory, bound as it is (an overlay cannot lie on an overlay)."""

_library = ctypes.CDLL(None, use_errno=True)


def mount(source: str, target: str, kind: str | None = None, flags: int = 0, options: str | None = None) -> None:
    """Mount ``source`` on ``target``; the flags are those of the system call. Raises OSError that names the target."""
    arguments = (source.encode(), target.encode(), kind and kind.encode(), flags, options and options.encode())
    if _library.mount(*arguments) != 0:
        number = ctypes.get_errno()
        raise OSError(number, f"mount {kind or 'bind'} on {target}: {os.strerror(number)}")


def set_hostname(name: str) -> None:
    """sethostname(2) in this UTS namespace. Raises OSError."""
    encoded = name.encode()
    if _library.sethostname(encoded, len(encoded)) != 0:
        raise OSError(ctypes.get_errno(), f"sethostname: {os.strerror(ctypes.get_errno())}")


def prepare(node_dir: Path) -> None:
    """Lay out the node's file system. Raises OSError."""
    # First away from the host, then shared among ourselves: kubelet's mounts must reach the containers.
    mount("none", "/", None, _REC | _PRIVATE)
    mount("none", "/", None, _REC | _SHARED)
    mount("proc", "/proc", "proc", _NOSUID | _NODEV | _NOEXEC)
    # By descriptor: the overlays may cover the folders' paths.
    own = os.open(node_dir, os.O_PATH | os.O_DIRECTORY)
    for target, folder in _overlays().items():
        _overlay(target, own, folder)
    mount("tmpfs", "/run", "tmpfs", _NOSUID | _NODEV, "mode=755,size=256m")
    if not node_dir.exists() or not os.path.samestat(node_dir.stat(), os.fstat(own)):
        # The cluster's folder lies below one of the overlays, or below /run: put the real one back.
        node_dir.mkdir(parents=True, exist_ok=True)
        mount(f"/proc/self/fd/{own}", str(node_dir), None, _BIND)
    for target, folder in FOLDERS.items():
        Path(target).mkdir(parents=True, exist_ok=True)
        mount(f"/proc/self/fd/{own}/{folder}", target, None, _BIND | _REC)
    for target in ("/run/lock", "/run/netns", "/lib/modules"):
        Path(target).mkdir(parents=True, exist_ok=True)
    os.close(own)


def _overlays() -> dict[str, str]:
    if Path("/lib/modules").is_dir():
        return OVERLAYS
    # kube-proxy mounts /lib/modules; a kernel without modules has none, and the runtime would make it on the host.
    return {**OVERLAYS, str(Path("/lib").resolve()): "lib"}


def _overlay(target: str, own: int, folder: str) -> None:
    upper, work = f"/proc/self/fd/{own}/{folder}", f"/proc/self/fd/{own}/.work-{folder}"
    for made in (upper, work):
        Path(made).mkdir(exist_ok=True, mode=0o755)
    Path(upper).chmod(0o755)
    mount("overlay", target, "overlay", 0, f"lowerdir={target},upperdir={upper},workdir={work}")
