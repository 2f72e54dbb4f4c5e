"""What this machine has of images: pulled ones, and those that its own nodes are served with."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from k8s_tutor import paths
from k8s_tutor.clusters.node.images import STAND_IN
from k8s_tutor.clusters.node.lock import architecture
from k8s_tutor.clusters.node.oci import Layout
from k8s_tutor.errors import EnvironmentFault

PULLED, MADE = "pulled", "this machine's nodes"
"""Where an image is kept: pulled for a class, or in what the nodes of this machine are made of."""
MOST_BYTES = 4 << 20
"""A manifest or config has some kilobytes; 4 MiB is what registries refuse beyond."""


@dataclass(frozen=True)
class Blob:
    """A part of an image: ``digest`` (``sha256:…``), ``size`` in bytes."""

    digest: str
    size: int


@dataclass(frozen=True)
class Kept:
    """One image of one platform as it lies in a layout.

    ``digest``: of its manifest. ``blobs``: manifest, config and layers, each once. ``where``: PULLED or MADE.
    ``stand_in``: what is served under the name when it is not the official image, else empty.
    """

    ref: str
    digest: str
    media_type: str
    platform: str
    blobs: tuple[Blob, ...]
    layout: Path
    where: str = PULLED
    stand_in: str = ""

    @property
    def size(self) -> int:
        """Bytes of all its parts."""
        return sum(blob.size for blob in self.blobs)


def default_platform() -> str:
    """This machine's platform, in OCI's words. Raises EnvironmentFault where nothing is published."""
    return f"linux/{architecture()}"


def pulled_dir(platform: str) -> Path:
    """The folder of the layout into which images of a platform are pulled."""
    return paths.cache_dir() / "images" / platform.replace("/", "-")


def find(ref: str, platform: str) -> Kept | None:
    """The image that would be used: a pulled one before one that this machine's nodes are served with.

    Raises EnvironmentFault when what is kept of it cannot be read.
    """
    for folder, where in _layouts(platform):
        if (folder / "index.json").is_file() and (digest := Layout(folder).references().get(ref)):
            kept = read(folder, ref, digest, where)
            if kept.platform == platform:
                return kept
    return None


def read(folder: Path, ref: str, digest: str, where: str = PULLED) -> Kept:
    """An image of a layout, its manifest and config verified.

    Raises EnvironmentFault (code ``images``) when a part is missing or is not what its digest says.
    """
    manifest_bytes = _verified(folder, ref, digest)
    try:
        manifest = json.loads(manifest_bytes)
        parts = (manifest["config"], *manifest["layers"])
        blobs = {str(part["digest"]): int(part["size"]) for part in parts}
        config = json.loads(_verified(folder, ref, str(manifest["config"]["digest"])))
        platform = f"{config['os']}/{config['architecture']}"
        labels = (config.get("config") or {}).get("Labels") or {}
        media_type = str(manifest.get("mediaType") or "application/vnd.oci.image.manifest.v1+json")
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise broken(folder, ref, f"its manifest is not one ({error})") from error
    for blob, size in blobs.items():
        path = folder / "blobs" / "sha256" / blob.removeprefix("sha256:")
        if not path.is_file() or path.stat().st_size != size:
            raise broken(folder, ref, f"{blob[:19]}… is missing or cut short")
    blobs = {digest: len(manifest_bytes), **blobs}
    stand_in = labels.get(STAND_IN, "")
    return Kept(
        ref=ref,
        digest=digest,
        media_type=media_type,
        platform=platform,
        blobs=tuple(Blob(*each) for each in blobs.items()),
        layout=folder,
        where=where,
        stand_in=stand_in[:200] if isinstance(stand_in, str) and stand_in.isprintable() else "",
    )


def broken(folder: Path, ref: str, why: str) -> EnvironmentFault:
    """The error for a layout that does not hold what its index says."""
    return EnvironmentFault(
        f"{ref} as kept in {folder} is broken: {why}",
        remedy=f"k8s-tutor images pull loads it anew; if it stays so, remove {folder}",
        code="images",
    )


def _layouts(platform: str) -> Iterator[tuple[Path, str]]:
    yield pulled_dir(platform), PULLED
    from k8s_tutor.clusters.node.prepare import inspect

    made = inspect()
    if made is not None:
        yield made.registry_dir, MADE


def _verified(folder: Path, ref: str, digest: str) -> bytes:
    path = folder / "blobs" / "sha256" / digest.removeprefix("sha256:")
    try:
        with path.open("rb") as file:
            data = file.read(MOST_BYTES)
    except OSError as error:
        raise broken(folder, ref, f"{digest[:19]}…: {error.strerror}") from error
    if f"sha256:{hashlib.sha256(data).hexdigest()}" != digest:
        raise broken(folder, ref, f"{digest[:19]}… is not what its digest says")
    return data
