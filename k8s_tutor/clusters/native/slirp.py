"""The way out of a node, only with ``--egress``: slirp4netns, a user-mode network that touches no rule of the host."""

from __future__ import annotations

import os
import shutil
import subprocess
from ipaddress import IPv4Network
from pathlib import Path

from k8s_tutor import atomic
from k8s_tutor.clusters.native.processes import identify, pid_text
from k8s_tutor.errors import EnvironmentFault

PID_FILE = "slirp.json"
INTERFACE = "tap0"


def require() -> None:
    """EnvironmentFault when the way out cannot be made on this machine."""
    if shutil.which("slirp4netns") is None:
        raise EnvironmentFault(
            "--egress needs slirp4netns, which is not installed.",
            remedy="apt-get install -y slirp4netns",
            code="egress",
        )
    try:
        os.close(os.open("/dev/net/tun", os.O_RDWR | os.O_CLOEXEC))
    except OSError as error:
        raise EnvironmentFault(
            f"--egress needs the kernel's tun device: /dev/net/tun: {error.strerror}.",
            remedy="modprobe tun",
            code="egress",
        ) from error


def resolver(slirp_range: IPv4Network) -> str:
    """Address inside the node at which slirp4netns answers DNS (slirp4netns(1): the third of its range)."""
    return str(slirp_range[3])


def start(pid: int, folder: Path, slirp_range: str, *, life: int) -> None:
    """Attach the way out to the network of process ``pid`` and record who carries it, in ``folder``.

    It ends by itself when nobody holds the other end of the pipe ``life`` any more.
    Raises EnvironmentFault with the program's own words when it does not come up.
    """
    ready_read, ready_write = os.pipe()
    argv = ["slirp4netns", "--configure", "--mtu=65520", "--disable-host-loopback", f"--cidr={slirp_range}"]
    argv += [f"--ready-fd={ready_write}", f"--exit-fd={life}", str(pid), INTERFACE]
    log = folder / "logs" / "slirp.log"
    with log.open("ab") as out:
        child = subprocess.Popen(
            argv,
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=out,
            pass_fds=(ready_write, life),
            start_new_session=True,
        )
    process = identify(child.pid)
    if process is not None:
        atomic.write_text(folder / PID_FILE, pid_text(process))
    os.close(ready_write)
    up = os.read(ready_read, 1)
    os.close(ready_read)
    if not up:
        said = log.read_text(encoding="utf-8", errors="replace")[-300:]
        raise EnvironmentFault(f"slirp4netns did not start: {said}", remedy="modprobe tun", code="egress")
