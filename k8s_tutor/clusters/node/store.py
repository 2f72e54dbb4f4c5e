"""A containerd root with the control plane's images already unpacked: what a new node starts from.

The locked containerd runs for some seconds with folders of its own, in a mount namespace of its own.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path

from k8s_tutor.clusters.node.oci import Layout
from k8s_tutor.clusters.node.work import Telling, Work, output
from k8s_tutor.errors import EnvironmentFault

NAMESPACE = "k8s.io"
_START_SECONDS = 30.0
# The CRI plugins would start to manage pods, and the image verifier and NRI look for the host's settings.
_DISABLED = (
    "io.containerd.cri.v1.images",
    "io.containerd.cri.v1.runtime",
    "io.containerd.grpc.v1.cri",
    "io.containerd.nri.v1.nri",
    "io.containerd.internal.v1.opt",
    "io.containerd.image-verifier.v1.bindir",
    "io.containerd.snapshotter.v1.blockfile",
    "io.containerd.snapshotter.v1.btrfs",
    "io.containerd.snapshotter.v1.devmapper",
    "io.containerd.snapshotter.v1.erofs",
    "io.containerd.snapshotter.v1.native",
    "io.containerd.snapshotter.v1.zfs",
)


def build_store(
    target: Path,
    run: Path,
    layout: Layout,
    programs: Mapping[str, Path],
    images: Mapping[str, str],
    work: Work,
    telling: Telling,
) -> None:
    """Import ``images`` (role -> reference) from ``layout`` into a new containerd root at ``target``.

    ``run``: folder for sockets, made and removed here.

    Raises EnvironmentFault when containerd does not start or refuses an image.
    """
    shutil.rmtree(target, ignore_errors=True)
    target.mkdir(parents=True, mode=0o711)
    state = _short_folder(run)
    config, log = state / "config.toml", work.logs / "containerd.log"
    config.write_text(_config(target, state), encoding="utf-8")
    work.logs.mkdir(parents=True, exist_ok=True)
    argv = ["unshare", "--mount", "--propagation", "private", str(programs["containerd"]), "--config", str(config)]
    try:
        with log.open("w", encoding="utf-8") as file:
            daemon = work.start(argv, stdout=file)
            try:
                ctr = [str(programs["ctr"]), "--address", str(state / "c.sock"), "--namespace", NAMESPACE]
                _wait(ctr, daemon, log)
                _import(ctr, layout, images, work, telling)
            finally:
                work.end(daemon)
    finally:
        shutil.rmtree(state, ignore_errors=True)
    # The daemon's own: each node's containerd makes its own identity.
    for name in ("tmpmounts", "io.containerd.grpc.v1.introspection"):
        shutil.rmtree(target / name, ignore_errors=True)


def _import(ctr: list[str], layout: Layout, images: Mapping[str, str], work: Work, telling: Telling) -> None:
    telling.say(f"unpacking {len(images)} images")
    work.run(
        [*ctr, "images", "import", "--snapshotter", "overlayfs", "-"],
        log="store",
        feed=layout.write_archive,
        line=telling.say,
        what="Importing the control plane's images",
    )
    # As the kubelet's own pulls are labelled; without it containerd's CRI part does not list an image.
    for role, ref in images.items():
        labels = ["io.cri-containerd.image=managed"]
        if role == "pause":
            # Never collected: no pod could start without it.
            labels.append("io.cri-containerd.pinned=pinned")
        work.run([*ctr, "images", "label", ref, *labels], log="store", what=f"Labelling {ref}")
    there = output([*ctr, "images", "list", "-q"]).split()
    lacking = [ref for ref in images.values() if ref not in there]
    if lacking:
        raise EnvironmentFault(f"containerd did not take {', '.join(lacking)}.", code="store")


def _wait(ctr: list[str], daemon: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + _START_SECONDS
    while "Server:" not in output([*ctr, "version"], timeout=5):
        if daemon.poll() is not None or time.monotonic() > deadline:
            lines = log.read_text(encoding="utf-8", errors="replace").splitlines()[-8:]
            raise EnvironmentFault(
                "containerd did not start:\n" + "\n".join(f"  {line}" for line in lines),
                remedy=f"The whole output is in {log}.",
                code="store",
            )
        time.sleep(0.05)


def _short_folder(wanted: Path) -> Path:
    """``wanted``, or a folder in /tmp when a socket in it would have too long a path (108 bytes with the end)."""
    if len(os.fsencode(wanted)) > 80:
        return Path(tempfile.mkdtemp(prefix="k8s-tutor-"))
    shutil.rmtree(wanted, ignore_errors=True)
    wanted.mkdir(mode=0o700)
    return wanted


def _config(root: Path, state: Path) -> str:
    disabled = ", ".join(f"'{name}'" for name in _DISABLED)
    return (
        "version = 3\n"
        f"root = '{root}'\n"
        f"state = '{state / 'state'}'\n"
        f"disabled_plugins = [{disabled}]\n"
        f"[grpc]\naddress = '{state / 'c.sock'}'\n"
        f"[ttrpc]\naddress = '{state / 't.sock'}'\n"
    )


def link_copy(source: Path, target: Path) -> None:
    """Copy a store: files are hard links, databases (``*.db``) real copies, for those are written to in place.

    Owners, modes and symbolic links are kept. Raises OSError where hard links cannot be made (another file
    system): the caller copies for real then.
    """

    def copy(src: str, dst: str) -> str:
        if src.endswith(".db"):
            shutil.copy2(src, dst)
        else:
            os.link(src, dst, follow_symlinks=False)
        return dst

    shutil.copytree(source, target, symlinks=True, copy_function=copy)
