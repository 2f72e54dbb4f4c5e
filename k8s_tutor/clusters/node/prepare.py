"""All that a node is made of, made once: ``prepare`` makes, ``inspect`` only looks."""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import shutil
import time
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from k8s_tutor import atomic, paths
from k8s_tutor.clusters.node.binaries import ensure_binaries, is_made, origin, place
from k8s_tutor.clusters.node.debian import root_file_system
from k8s_tutor.clusters.node.download import Hosts, Unavailable, is_published
from k8s_tutor.clusters.node.images import Kitchen, assemble, labelled
from k8s_tutor.clusters.node.lock import HERE, Component, Image, Lock, architecture, load_lock
from k8s_tutor.clusters.node.material import Material
from k8s_tutor.clusters.node.oci import Layout
from k8s_tutor.clusters.node.packages import COMPILER, ROOT_FILE_SYSTEMS, ensure_packages, missing
from k8s_tutor.clusters.node.pull import pull_all, reachable
from k8s_tutor.clusters.node.store import build_store
from k8s_tutor.clusters.node.work import Work
from k8s_tutor.errors import EnvironmentFault
from k8s_tutor.phases import Report, silent

# Measured: programs 0.8 GB, store 1, images and root file systems 0.8; Go's sources 2 and build cache 5.3 besides.
_BYTES_TO_BUILD = 10 << 30
_BYTES_TO_RESUME = 4 << 30
_BYTES_TO_LOAD = 3 << 30
_BYTES_WARM = 2 << 30
_IMAGES = ("Images to learn with", "nginx in two versions, and busybox")
_STORE = ("Images of the control plane", "unpacked once, so that no cluster waits for them")
_STAMP = "stamp.json"
UNUSED_DAYS = 30.0
"""An older version's gigabyte stays this long after its last use."""
_RECIPES = (
    "images.py",
    "debian.py",
    "oci.py",
    "store.py",
    "pause.c",
    "files/nginx.conf",
    "files/default.conf",
    "files/docker-entrypoint.sh",
)


def root_dir() -> Path:
    """Folder of everything that this part keeps."""
    return paths.cache_dir() / "node"


def inspect() -> Material | None:
    """The material if it is there, whole and of the locked versions; makes and changes nothing."""
    folder = _folder(load_lock())
    try:
        stamp = json.loads((folder / _STAMP).read_text(encoding="utf-8"))
    except (FileNotFoundError, NotADirectoryError, ValueError):
        return None
    material = _material(folder, load_lock(), stamp)
    whole = all(
        path.is_dir() for path in (material.bin_dir, material.cni_dir, material.store_dir, material.registry_dir)
    )
    return material if whole else None


def prepare(report: Report = silent) -> Material:
    """Make what is missing; returns at once when nothing is.

    An interrupted run goes on where it stopped; two at once become one after the other. Raises
    EnvironmentFault (exit 3) with a remedy: no root, low disk, a package or a build that fails.
    """
    there = inspect()
    if there:
        with suppress(OSError):  # a cache that is only read is as good
            os.utime(_folder(load_lock()) / _STAMP)
        return there
    lock = load_lock()
    root = root_dir()
    hosts = Hosts()
    _check_machine(lock, root, hosts)
    root.mkdir(parents=True, exist_ok=True, mode=0o755)
    work = Work(report, root / "logs")
    with _alone(root, work):
        there = inspect()
        return there if there else _make(lock, root, work, hosts)


def prune(in_use: Iterable[Path] = (), *, days: float = UNUSED_DAYS) -> int:
    """Remove what older versions of this program made and nobody used for ``days``, except below folders ``in_use``.

    Two versions that are used side by side keep both; returns how many folders went. The caller knows the clusters:
    one whose files could not be linked has its programs and registry in the older folder.
    """
    root, lock = root_dir(), load_lock()
    kept = {_folder(lock), *(place(part, root) for part in lock.components)}
    oldest = time.time() - days * 86_400
    candidates = [
        folder
        for folder in (*(root / "material").glob("*"), *(root / "bin").glob("*/"))
        if folder not in kept and folder.is_dir() and not folder.name.startswith(".") and _last_used(folder) < oldest
    ]
    if not candidates:
        return 0
    used = [path.resolve() for path in in_use]
    gone = 0
    with _alone(root, Work(silent, root / "logs")):
        for folder in candidates:
            whole = folder.resolve()
            if any(whole == path or whole in path.parents for path in used):
                continue
            shutil.rmtree(folder, ignore_errors=True)
            gone += 1
    return gone


def _last_used(folder: Path) -> float:
    """When ``prepare`` last handed it out, else when it was made (Unix seconds)."""
    for path in (folder / _STAMP, folder):
        with suppress(OSError):
            return path.stat().st_mtime
    return 0.0


def _make(lock: Lock, root: Path, work: Work, hosts: Hosts) -> Material:
    folder = _folder(lock)
    making = folder.with_name(f".{folder.name}.making")
    shutil.rmtree(making, ignore_errors=True)
    making.mkdir(parents=True, mode=0o755)
    try:
        layout = Layout(making / "layout")
        pulled = _pull("control-images", lock.images, layout, hosts, work)
        # What is inside the pulled images need not be made here.
        parts = [part for part in lock.components if not (pulled and part.role == "image")]
        with ThreadPoolExecutor(2, thread_name_prefix="prepare") as pool:
            learner = pool.submit(_learner_images, lock, root, making, hosts, work, not pulled)
            components = pool.submit(ensure_binaries, parts, root, work, hosts)
            try:
                stand_ins = learner.result()
                places = components.result()
            except BaseException:
                work.stop()
                raise
        programs = {file.name: places[part.name] / file.name for part in parts for file in part.files}
        _gather(making, parts, programs)
        with work.phase("store", *_STORE) as telling:
            if not pulled:
                assemble(lock.images, layout, Kitchen(root, programs, work, telling))
            images = {image.role: image.ref for image in lock.images}
            build_store(making / "store", root / "run", layout, programs, images, work, telling)
        shutil.rmtree(layout.root)
        stamp: dict[str, Any] = {
            "kubernetes": lock.kubernetes,
            "stand_ins": stand_ins,
            "origins": {part.name: origin(part, root) for part in parts} | {"images": "registry" if pulled else "made"},
        }
        atomic.write_text(making / _STAMP, json.dumps(stamp, indent=1) + "\n", mode=0o644)
        shutil.rmtree(folder, ignore_errors=True)
        os.replace(making, folder)
    finally:
        shutil.rmtree(making, ignore_errors=True)
    return _material(folder, lock, stamp)


def _pull(phase: str, images: tuple[Image, ...], layout: Layout, hosts: Hosts, work: Work) -> bool:
    """Images from their registries; false where these cannot be reached or do not give them."""
    if not reachable(images, hosts):
        return False
    try:
        with work.phase(phase, "Official images", "from their registries, verified by digest") as telling:
            pull_all(images, layout, hosts, telling)
    except Unavailable:
        shutil.rmtree(layout.root)
        layout.create()
        return False
    return True


def _learner_images(
    lock: Lock, root: Path, making: Path, hosts: Hosts, work: Work, control_plane: bool
) -> dict[str, str]:
    """Fill the folder that the registry in the node serves; returns the stand-ins.

    ``control_plane``: also load the packages that the control plane's images need, while the compiler runs.
    """
    layout = Layout(making / "registry")
    pulled = _pull("learner-images", lock.learner_images, layout, hosts, work)
    if not (pulled and not control_plane):
        _packages(work)
    if pulled:
        return labelled(lock.learner_images, layout)
    with work.phase("images", *_IMAGES) as telling:
        stand_ins = assemble(lock.learner_images, layout, Kitchen(root, {}, work, telling))
        for image in lock.images if control_plane else ():
            if image.packages:
                root_file_system(image, root, work, telling)
    return stand_ins


def _packages(work: Work) -> None:
    needs = (*COMPILER, *ROOT_FILE_SYSTEMS)
    if missing(needs):
        with work.phase("packages", "Debian packages", "a compiler and mmdebstrap, to make images with") as telling:
            ensure_packages(needs, work, telling)


def _gather(making: Path, parts: Iterable[Component], programs: dict[str, Path]) -> None:
    """Programs of all components as hard links in two flat folders."""
    for part in parts:
        target = making / ("cni" if part.role == "cni" else "bin")
        target.mkdir(exist_ok=True, mode=0o755)
        for file in part.files:
            os.link(programs[file.name], target / file.name)


def _material(folder: Path, lock: Lock, stamp: Mapping[str, Any]) -> Material:
    return Material(
        bin_dir=folder / "bin",
        cni_dir=folder / "cni",
        store_dir=folder / "store",
        registry_dir=folder / "registry",
        kubernetes_version=lock.kubernetes,
        images={image.role: image.ref for image in lock.images},
        stand_ins=dict(stamp["stand_ins"]),
    )


def _folder(lock: Lock) -> Path:
    recipes = hashlib.sha256(b"".join((HERE / name).read_bytes() for name in _RECIPES)).hexdigest()[:8]
    return root_dir() / "material" / f"{lock.kubernetes}-{lock.digest}-{recipes}"


def _check_machine(lock: Lock, root: Path, hosts: Hosts) -> None:
    architecture()
    folder = root
    while not folder.exists():
        folder = folder.parent
    needed, free = _bytes_needed(lock, root, hosts), shutil.disk_usage(folder).free
    if free < needed:
        raise EnvironmentFault(
            f"{folder} has {free / (1 << 30):.1f} GB free; making a cluster's programs and images needs "
            f"{needed >> 30} GB.",
            remedy="Free some space, or name a folder on a larger disk: export XDG_CACHE_HOME=/path/to/folder",
            code="disk",
        )
    if os.geteuid() != 0:
        raise EnvironmentFault(
            "Only root can unpack images and make a cluster's nodes.",
            remedy="Run the same command as root (sudo), or use a cluster that runs: k8s-tutor --context NAME",
            code="root",
        )


def _bytes_needed(lock: Lock, root: Path, hosts: Hosts) -> int:
    lacking = [part for part in lock.components if not is_made(part, root)]
    if not lacking:
        return _BYTES_WARM
    if all(is_published(part, hosts) for part in lacking):
        return _BYTES_TO_LOAD
    return _BYTES_TO_RESUME if (paths.cache_dir() / "go" / "build").is_dir() else _BYTES_TO_BUILD


@contextmanager
def _alone(root: Path, work: Work) -> Iterator[None]:
    """One process at a time; the kernel lets go of the lock when its holder dies."""
    with (root / "lock").open("w", encoding="utf-8") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            with work.phase("turn", "Waiting", "another k8s-tutor is making the same things") as telling:
                telling.say("waits for the other one to finish")
                fcntl.flock(file, fcntl.LOCK_EX)
        yield
