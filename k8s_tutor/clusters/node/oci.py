"""Images on disk: an OCI image layout, written and read.

After https://github.com/opencontainers/image-spec (image-layout, manifest, config). One platform an image. The
index names each image by its full reference, so that one layout holds many repositories.
"""

from __future__ import annotations

import hashlib
import io
import json
import os
import tarfile
import tempfile
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any, cast

from k8s_tutor import atomic

MANIFEST = "application/vnd.oci.image.manifest.v1+json"
INDEX = "application/vnd.oci.image.index.v1+json"
CONFIG = "application/vnd.oci.image.config.v1+json"
LAYER = "application/vnd.oci.image.layer.v1.tar"
REF_NAME = "org.opencontainers.image.ref.name"
CONTAINERD_NAME = "io.containerd.image.name"
_CHUNK = 1 << 20
EPOCH = 1735689600
"""Time (2025-01-01 UTC) of every file and image that we make: the same input gives the same digest."""


@dataclass(frozen=True)
class Descriptor:
    """A blob: what it is, its digest (``sha256:…``) and its size in bytes."""

    media_type: str
    digest: str
    size: int

    def as_json(self) -> dict[str, Any]:
        """As the specification writes it."""
        return {"mediaType": self.media_type, "digest": self.digest, "size": self.size}


@dataclass(frozen=True)
class ImageConfig:
    """What a container of the image runs by default."""

    entrypoint: tuple[str, ...] = ()
    cmd: tuple[str, ...] = ()
    env: tuple[str, ...] = ("PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",)
    user: str = ""
    stop_signal: str = ""
    ports: tuple[str, ...] = ()
    labels: Mapping[str, str] = field(default_factory=dict)


class LayerWriter:
    """A layer's tar archive, written member by member; parents are made as needed, the first of a name wins."""

    def __init__(self, tar: tarfile.TarFile) -> None:
        self._tar = tar
        self._names: set[str] = set()

    def directory(self, name: str, mode: int = 0o755) -> None:
        """Add a folder and the folders above it."""
        if name and self._new(name):
            entry = self._entry(name, mode)
            entry.type = tarfile.DIRTYPE
            self._tar.addfile(entry)

    def link(self, name: str, target: str) -> None:
        """Add a symbolic link."""
        if self._new(name):
            entry = self._entry(name, 0o777)
            entry.type, entry.linkname = tarfile.SYMTYPE, target
            self._tar.addfile(entry)

    def data(self, name: str, content: bytes, mode: int = 0o644) -> None:
        """Add a file of the given content."""
        self.stream(name, io.BytesIO(content), len(content), mode)

    def file(self, name: str, source: Path, mode: int = 0o755) -> None:
        """Add a copy of a file on this machine."""
        with source.open("rb") as stream:
            self.stream(name, stream, source.stat().st_size, mode)

    def stream(self, name: str, stream: IO[bytes], size: int, mode: int) -> None:
        """Add a file of ``size`` bytes from a stream."""
        if self._new(name):
            entry = self._entry(name, mode)
            entry.size = size
            self._tar.addfile(entry, stream)

    def has(self, name: str) -> bool:
        """Whether something of that name was added."""
        return name in self._names

    def _new(self, name: str) -> bool:
        if name in self._names:
            return False
        parent = name.rpartition("/")[0]
        if parent:
            self.directory(parent)
        self._names.add(name)
        return True

    def _entry(self, name: str, mode: int) -> tarfile.TarInfo:
        entry = tarfile.TarInfo(name)
        entry.mode, entry.mtime = mode, EPOCH
        return entry


class Layout:
    """An OCI image layout in a folder; its methods may be called from several threads."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self._guard = threading.Lock()
        self.create()

    def create(self) -> None:
        """Make the folder a layout, with what it has kept."""
        self._blobs.mkdir(parents=True, exist_ok=True)
        mark = self.root / "oci-layout"
        if not mark.exists():
            atomic.write_text(mark, '{"imageLayoutVersion": "1.0.0"}', mode=0o644)

    @property
    def _blobs(self) -> Path:
        return self.root / "blobs" / "sha256"

    def blob_path(self, digest: str) -> Path:
        """Where a blob is kept."""
        return self._blobs / digest.removeprefix("sha256:")

    def add_bytes(self, content: bytes, media_type: str) -> Descriptor:
        """Keep a small blob."""
        name = hashlib.sha256(content).hexdigest()
        target = self._blobs / name
        if not target.exists():
            handle, temporary = tempfile.mkstemp(dir=self._blobs, prefix=".")
            with os.fdopen(handle, "wb") as file:
                file.write(content)
            Path(temporary).chmod(0o644)
            os.replace(temporary, target)
        return Descriptor(media_type, f"sha256:{name}", len(content))

    @contextmanager
    def layer(self, into: list[Descriptor]) -> Iterator[LayerWriter]:
        """Write a layer; its descriptor is appended to ``into`` when it is whole."""
        handle, temporary = tempfile.mkstemp(dir=self._blobs, prefix=".layer-")
        try:
            with os.fdopen(handle, "wb") as file:
                hashing = _Hashing(file)
                # A stream: each byte is hashed as it passes, nothing is read again.
                with tarfile.open(
                    mode="w|", fileobj=cast("IO[bytes]", hashing), format=tarfile.PAX_FORMAT, bufsize=_CHUNK
                ) as tar:
                    yield LayerWriter(tar)
            name = hashing.digest.hexdigest()
            Path(temporary).chmod(0o644)
            os.replace(temporary, self._blobs / name)
            into.append(Descriptor(LAYER, f"sha256:{name}", hashing.size))
        finally:
            Path(temporary).unlink(missing_ok=True)

    def add_image(self, ref: str, architecture: str, layers: list[Descriptor], config: ImageConfig) -> Descriptor:
        """Make an image of uncompressed layers and name it."""
        created = "2025-01-01T00:00:00Z"
        body: dict[str, Any] = {
            "created": created,
            "architecture": architecture,
            "os": "linux",
            "config": _config_json(config),
            # An uncompressed layer's digest is its diff id.
            "rootfs": {"type": "layers", "diff_ids": [layer.digest for layer in layers]},
            "history": [{"created": created, "created_by": "k8s-tutor"} for _ in layers],
        }
        described = self.add_bytes(_compact(body), CONFIG)
        manifest = {
            "schemaVersion": 2,
            "mediaType": MANIFEST,
            "config": described.as_json(),
            "layers": [layer.as_json() for layer in layers],
            "annotations": dict(config.labels),
        }
        descriptor = self.add_bytes(_compact(manifest), MANIFEST)
        self.name(ref, descriptor)
        return descriptor

    def name(self, ref: str, descriptor: Descriptor) -> None:
        """Enter an image into the index under its full reference; an older one of that name goes."""
        with self._guard:
            entries = [entry for entry in _index(self.root) if entry.get("annotations", {}).get(REF_NAME) != ref]
            entries.append({**descriptor.as_json(), "annotations": {REF_NAME: ref, CONTAINERD_NAME: ref}})
            index = {"schemaVersion": 2, "mediaType": INDEX, "manifests": entries}
            atomic.write_text(self.root / "index.json", json.dumps(index, indent=1), mode=0o644)

    def references(self) -> dict[str, str]:
        """Full reference -> digest of its manifest."""
        return {entry["annotations"][REF_NAME]: entry["digest"] for entry in _index(self.root)}

    def config(self, ref: str) -> dict[str, Any]:
        """The config object of an image."""
        manifest = json.loads(self.blob_path(self.references()[ref]).read_text(encoding="utf-8"))
        config: dict[str, Any] = json.loads(self.blob_path(manifest["config"]["digest"]).read_text(encoding="utf-8"))
        return config

    def write_archive(self, pipe: IO[bytes]) -> None:
        """The layout as a tar stream, as ``ctr images import`` takes it."""
        with tarfile.open(mode="w|", fileobj=pipe, bufsize=_CHUNK) as tar:
            for path in (self.root / "oci-layout", self.root / "index.json", *sorted(self._blobs.iterdir())):
                tar.add(path, arcname=str(path.relative_to(self.root)), recursive=False)


class _Hashing:
    """A file that keeps the hash and size of what is written to it."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self.digest = hashlib.sha256()
        self.size = 0

    def write(self, data: bytes) -> int:
        self.digest.update(data)
        self.size += len(data)
        return self._file.write(data)


def _index(root: Path) -> list[dict[str, Any]]:
    try:
        text = (root / "index.json").read_text(encoding="utf-8")
    except FileNotFoundError:
        return []
    manifests: list[dict[str, Any]] = json.loads(text)["manifests"]
    return manifests


def _config_json(config: ImageConfig) -> dict[str, Any]:
    body: dict[str, Any] = {
        "Env": list(config.env),
        "Entrypoint": list(config.entrypoint),
        "Cmd": list(config.cmd),
        "User": config.user,
        "StopSignal": config.stop_signal,
        "ExposedPorts": {port: {} for port in config.ports},
        "Labels": dict(config.labels),
    }
    return {key: value for key, value in body.items() if value}


def _compact(body: dict[str, Any]) -> bytes:
    return json.dumps(body, separators=(",", ":"), sort_keys=True).encode()
