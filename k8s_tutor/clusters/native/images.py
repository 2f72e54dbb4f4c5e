"""Images from an archive into the nodes' own containerd, without a registry."""

from __future__ import annotations

import subprocess
import time
from dataclasses import replace
from pathlib import Path

from k8s_tutor.clusters import keeping
from k8s_tutor.clusters.images.archive import Archived, copy_into, layout_in, stand_ins_after
from k8s_tutor.clusters.native import names, node
from k8s_tutor.clusters.native import state as states
from k8s_tutor.clusters.native.state import ClusterState
from k8s_tutor.errors import ClusterError
from k8s_tutor.phases import PhaseState, Report

_SECONDS = 600.0


def load(state: ClusterState, archive: Path, report: Report) -> None:
    """Import into every node. Raises UsageError (no such file), ClusterError (a node does not run or take it)."""
    keeping.require_archive(archive)
    started = time.monotonic()

    def tell(stands: PhaseState, detail: str = "") -> None:
        report(keeping.loading(archive, stands, started, detail))

    tell(PhaseState.RUNNING)
    served = layout_in(archive)
    for index in range(1, state.nodes + 1):
        if served and _has(state, index, served):
            continue
        lack = _import(state, index, archive)
        if lack:
            tell(PhaseState.FAILED, lack)
            raise ClusterError(
                f"{names.node_name(index)} does not take {archive.name}: {lack}",
                remedy="An archive of one platform is needed: docker save --platform linux/amd64 -o FILE IMAGE",
                code="load-images",
            )
    if served:
        _serve(state, archive, served)
    tell(PhaseState.DONE)


def _serve(state: ClusterState, archive: Path, images: list[Archived]) -> None:
    """Have the nodes' registry serve them, too: for the tag latest it is asked anew each time a container starts.

    A cluster whose files could not be linked shares the cache's registry, which is nobody's to change.
    """
    folder = Path(state.material.get("registry_dir", ""))
    if not folder.is_relative_to(names.cluster_dir(state.name)):
        return
    copy_into(archive, folder)
    states.save(replace(state, stand_ins=stand_ins_after(state.stand_ins, images)))


def _has(state: ClusterState, index: int, images: list[Archived]) -> bool:
    """Whether a node's containerd has every one of these already, by digest."""
    process = node.process(state.name, index)
    if process is None or state.bin_dir is None:
        return False
    ctr = [str(state.bin_dir / "ctr"), "--namespace", "k8s.io", "images", "list"]
    enter = ["nsenter", "-t", str(process.pid), "-n", "-m", "-p"]
    try:
        done = subprocess.run([*enter, *ctr], capture_output=True, text=True, timeout=30, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return False
    there = {tuple(line.split()[:3:2]) for line in done.stdout.splitlines()}
    return done.returncode == 0 and all((image.ref, image.digest) in there for image in images)


def _import(state: ClusterState, index: int, archive: Path) -> str:
    process = node.process(state.name, index)
    if process is None or state.bin_dir is None:
        return "it does not run"
    enter = ["nsenter", "-t", str(process.pid), "-n", "-m", "-p"]
    # kubelet and containerd's CRI part hear of it by themselves.
    ctr = [str(state.bin_dir / "ctr"), "--namespace", "k8s.io", "images", "import", "--snapshotter", "overlayfs", "-"]
    with archive.open("rb") as stream:
        try:
            done = subprocess.run([*enter, *ctr], stdin=stream, capture_output=True, timeout=_SECONDS, check=False)
        except (OSError, subprocess.TimeoutExpired) as error:
            return str(error)[:200]
    return "" if done.returncode == 0 else done.stderr.decode("utf-8", "replace").strip()[-300:] or "no word why"
