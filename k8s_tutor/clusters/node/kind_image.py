"""A node image for kind, made of the same programs, images and Debian packages as a native node.

For machines that reach no registry: kind's own image (``kindest/node``) cannot be pulled there. The result is an
archive that ``docker load`` takes, kept in the cache under a key of everything that is in it.
"""

from __future__ import annotations

import hashlib
import io
import json
import os
import re
import tarfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from k8s_tutor.clusters.node import prepare
from k8s_tutor.clusters.node.build import ensure_go, environment
from k8s_tutor.clusters.node.debian import mirror
from k8s_tutor.clusters.node.kind_files import HOME, Files, collect
from k8s_tutor.clusters.node.lock import HERE, MODULES, architecture, load_lock
from k8s_tutor.clusters.node.material import Material
from k8s_tutor.clusters.node.oci import EPOCH
from k8s_tutor.clusters.node.packages import ROOT_FILE_SYSTEMS, ensure_packages
from k8s_tutor.clusters.node.tools import TOOLS_FILE, tool
from k8s_tutor.clusters.node.work import Telling, Work, output
from k8s_tutor.errors import EnvironmentFault
from k8s_tutor.phases import Report

REPOSITORY = "k8s-tutor/node"
STAND_INS = "io.k8s-tutor.stand-ins"
"""Label with the truth about the images that ride in the node: JSON, image -> what it really is."""
SUITE = "bookworm"
"""Its systemd (252) still runs where the machine has cgroup version 1; trixie's refuses."""
PACKAGES = (
    "systemd", "systemd-sysv", "conntrack", "iptables", "nftables", "iproute2", "ethtool", "util-linux", "mount",
    "kmod", "libseccomp2", "bash", "ca-certificates", "curl", "jq", "procps", "python3",
)  # fmt: skip
_RECIPES = ("kind_image.py", "kind_files.py", "podnet.py", "registry.py")
_PHASE = ("kind-image", "Node image for kind", "the same parts as a native node, as one container image")
_BIG_BLOB = 1 << 20
"""Bytes: a layer that containerd has unpacked already needs not ride along packed."""
_DROPPED = re.compile(r"(var/cache/apt|var/lib/apt/lists)/.+|usr/lib/sysctl\.d/50-pid-max\.conf")
# As kind's own Dockerfile: services that mean a real machine.
_UNWANTED = re.compile(
    r"""usr/lib/systemd/system/(
      sysinit\.target\.wants/systemd-tmpfiles-setup\.service
    | (multi-user|local-fs|basic)\.target\.wants/[^/]+
    | sockets\.target\.wants/[^/]*(udev|initctl)[^/]*
    ) | etc/systemd/system/[^/]+\.wants/[^/]+""",
    re.VERBOSE,
)


@dataclass(frozen=True)
class NodeImage:
    """The image's reference and the archive that holds it (``docker load --input``)."""

    reference: str
    archive: Path


def planned() -> NodeImage:
    """What ``make`` would make, or has made."""
    lock, kind = load_lock(), tool("kind").component
    sources = b"".join((HERE / name).read_bytes() for name in _RECIPES)
    what = "\n".join([lock.digest, kind.version, architecture(), *PACKAGES]).encode()
    key = hashlib.sha256(what + sources + TOOLS_FILE.read_bytes()).hexdigest()[:8]
    reference = f"{REPOSITORY}:{lock.kubernetes}-{key}"
    return NodeImage(reference, _folder() / f"node-{lock.kubernetes}-{key}.tar")


def make(report: Report) -> NodeImage:
    """The image, from the cache or made now. Raises EnvironmentFault (no root, low disk, a package, a build)."""
    image = planned()
    if image.archive.is_file():
        os.utime(image.archive)
        return image
    material = prepare.prepare(report)
    work = Work(report, prepare.root_dir() / "logs")
    image.archive.parent.mkdir(parents=True, exist_ok=True, mode=0o755)
    with work.phase(*_PHASE) as telling:
        ensure_packages(ROOT_FILE_SYSTEMS, work, telling)
        system = _root_file_system(work, telling)
        telling.say("kind's own files")
        files = collect(
            _kind_files(work, telling),
            material.bin_dir,
            material.cni_dir,
            material.kubernetes_version,
            material.images["pause"],
            json.loads(output([str(material.bin_dir / "ctr"), "oci", "spec"]) or "{}"),
        )
        _write(image, system, files, material, telling)
    _prune(image.archive)
    return image


def _folder() -> Path:
    return prepare.root_dir() / "kind"


def _root_file_system(work: Work, telling: Telling) -> Path:
    key = hashlib.sha256(" ".join(sorted(PACKAGES)).encode()).hexdigest()[:8]
    target = prepare.root_dir() / "rootfs" / f"{SUITE}-{architecture()}-kind-node-{key}.tar"
    if target.exists():
        return target
    target.parent.mkdir(parents=True, exist_ok=True)
    temporary = target.with_name(f".{target.name}")
    # Unlike the labs' images this one runs systemd: packages are configured, not only unpacked.
    argv = ["mmdebstrap", "--variant=minbase", "--format=tar", f"--architectures={architecture()}"]
    # Copyright files stay, for the licences want them.
    for rule in ("path-exclude=/usr/share/doc/*", "path-include=/usr/share/doc/*/copyright"):
        argv.append(f"--dpkgopt={rule}")
    for folder in ("man", "locale", "info"):
        argv.append(f"--dpkgopt=path-exclude=/usr/share/{folder}/*")
    argv += [f"--include={','.join(PACKAGES)}", SUITE, str(temporary), *mirror()]
    try:
        work.run(
            argv,
            log="rootfs-kind-node",
            line=lambda text: telling.say(f"Debian {SUITE}: {text}"),
            what=f"Installing Debian {SUITE}'s systemd",
        )
        os.replace(temporary, target)
    finally:
        temporary.unlink(missing_ok=True)
    return target


def _kind_files(work: Work, telling: Telling) -> Path:
    """Kind's ``images/base/files`` in Go's module cache, verified by go.sum."""
    component = tool("kind").component
    go = ensure_go(work, telling)
    lines: list[str] = []
    work.run(
        [str(go), "mod", "download", "-json", component.files[0].package],
        log="kind-files",
        cwd=MODULES / component.module,
        env=environment(component, go),
        line=lines.append,
        what="Loading kind's sources",
    )
    match = re.search(r'"Dir": "([^"]+)"', "\n".join(lines))
    place = match[1] if match else ""
    files = Path(place) / "images" / "base" / "files"
    if not place or not files.is_dir():
        raise EnvironmentFault("kind's Go module holds no files for a node image.", code="kind-files")
    return files


def _write(image: NodeImage, system: Path, files: Files, material: Material, telling: Telling) -> None:
    """The archive: one layer, its configuration, the manifest."""
    layer = image.archive.with_name(f".{image.archive.name}.layer")
    temporary = image.archive.with_name(f".{image.archive.name}")
    try:
        telling.say("writing the layer", fraction=0.2)
        digest = _write_layer(layer, system, files, material)
        telling.say("writing the archive", fraction=0.8)
        config = json.dumps(_config(image, digest, material), sort_keys=True).encode()
        name = f"{hashlib.sha256(config).hexdigest()}.json"
        manifest = [{"Config": name, "RepoTags": [image.reference], "Layers": ["layer.tar"]}]
        with tarfile.open(temporary, "w") as tar:
            for member, content in ((name, config), ("manifest.json", json.dumps(manifest).encode())):
                tar.addfile(_entry(member, 0o644, len(content)), io.BytesIO(content))
            tar.add(layer, arcname="layer.tar")
        os.replace(temporary, image.archive)
    finally:
        layer.unlink(missing_ok=True)
        temporary.unlink(missing_ok=True)


def _config(image: NodeImage, layer: str, material: Material) -> dict[str, Any]:
    path = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
    return {
        "architecture": architecture(),
        "os": "linux",
        "created": "2025-01-01T00:00:00Z",
        "config": {
            "Env": [f"PATH={path}", "container=docker"],
            "Entrypoint": ["/usr/local/bin/entrypoint", "/sbin/init"],
            "StopSignal": "SIGRTMIN+3",
            "Labels": {
                "org.opencontainers.image.title": image.reference,
                "org.opencontainers.image.vendor": "k8s-tutor, made on this machine",
                STAND_INS: json.dumps(material.stand_ins, sort_keys=True),
            },
        },
        "rootfs": {"type": "layers", "diff_ids": [f"sha256:{layer}"]},
        "history": [{"created": "2025-01-01T00:00:00Z", "created_by": "k8s-tutor"}],
    }


def _write_layer(target: Path, system: Path, files: Files, material: Material) -> str:
    """Write the one layer; returns its sha256."""
    with tarfile.open(target, "w", format=tarfile.PAX_FORMAT, bufsize=1 << 20) as tar:
        written = _copy_system(tar, system, files.names())
        _add_files(tar, files, written)
        _add_tree(tar, material.store_dir, "var/lib/containerd", written)
        _add_tree(tar, material.registry_dir, f"{HOME}/registry", written)
    with target.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _copy_system(tar: tarfile.TarFile, system: Path, replaced: set[str]) -> set[str]:
    """Copy Debian's files, owners and links as they are, but what is replaced or unwanted; returns their names."""
    written: set[str] = set()
    with tarfile.open(system) as source:
        for entry in source:
            entry.name = entry.name.removeprefix("./").rstrip("/")
            if entry.islnk():
                entry.linkname = entry.linkname.removeprefix("./")
            if entry.name in ("", ".") or entry.name in replaced:
                continue
            if _DROPPED.fullmatch(entry.name) or _UNWANTED.fullmatch(entry.name):
                continue
            if entry.ischr() or entry.isblk():
                continue  # the engine makes a container's devices
            if entry.name == "etc/systemd/journald.conf":
                _add_journald(tar, source, entry)
            else:
                tar.addfile(entry, source.extractfile(entry) if entry.isreg() else None)
            written.add(entry.name)
    return written


def _add_journald(tar: tarfile.TarFile, source: tarfile.TarFile, entry: tarfile.TarInfo) -> None:
    stream = source.extractfile(entry)
    assert stream is not None
    content = stream.read() + b"\nReadKMsg=no\n"
    entry.size = len(content)
    tar.addfile(entry, io.BytesIO(content))


def _add_files(tar: tarfile.TarFile, files: Files, written: set[str]) -> None:
    for folder in files.folders:
        _add_folders(tar, f"{folder}/", written)
    for name, (content, mode) in sorted(files.texts.items()):
        _add_folders(tar, name, written)
        tar.addfile(_entry(name, mode, len(content)), io.BytesIO(content))
    for name, (path, mode) in sorted(files.copies.items()):
        _add_folders(tar, name, written)
        with path.open("rb") as stream:
            tar.addfile(_entry(name, mode, path.stat().st_size), stream)
    for name, target in sorted(files.links.items()):
        _add_folders(tar, name, written)
        entry = _entry(name, 0o777)
        entry.type, entry.linkname = tarfile.SYMTYPE, target
        tar.addfile(entry)
    written |= files.names()


def _add_folders(tar: tarfile.TarFile, name: str, written: set[str]) -> None:
    parts = name.split("/")[:-1]
    for length in range(1, len(parts) + 1):
        folder = "/".join(parts[:length])
        if folder not in written:
            entry = _entry(folder, 0o755)
            entry.type = tarfile.DIRTYPE
            tar.addfile(entry)
            written.add(folder)


def _add_tree(tar: tarfile.TarFile, source: Path, target: str, written: set[str]) -> None:
    """A folder of this machine with owners and modes, but layers that are unpacked already."""
    _add_folders(tar, f"{target}/", written)
    packed = source / "io.containerd.content.v1.content" / "blobs"

    def keep(entry: tarfile.TarInfo) -> tarfile.TarInfo | None:
        place = source / entry.name.removeprefix(target).lstrip("/")
        if entry.isreg() and entry.size > _BIG_BLOB and packed in place.parents:
            return None
        return entry

    for child in sorted(source.iterdir()):
        tar.add(child, arcname=f"{target}/{child.name}", filter=keep)


def _entry(name: str, mode: int, size: int = 0) -> tarfile.TarInfo:
    entry = tarfile.TarInfo(name)
    entry.mode, entry.mtime, entry.size = mode, EPOCH, size
    return entry


def _prune(kept: Path) -> None:
    oldest = time.time() - prepare.UNUSED_DAYS * 86_400
    for archive in kept.parent.glob("node-*.tar"):
        if archive != kept and archive.stat().st_mtime < oldest:
            archive.unlink(missing_ok=True)
