"""One archive of images: an OCI image layout as an uncompressed tar, written and read with every digest checked.

After https://github.com/opencontainers/image-spec (image-layout.md); the names as containerd and ``docker load`` read
them (annotations ``org.opencontainers.image.ref.name`` and ``io.containerd.image.name``).
"""

from __future__ import annotations

import hashlib
import io
import json
import os
import re
import tarfile
import tempfile
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from k8s_tutor.clusters.images import kept
from k8s_tutor.clusters.images.kept import MOST_BYTES, Kept
from k8s_tutor.clusters.node.images import STAND_IN
from k8s_tutor.clusters.node.lock import Image
from k8s_tutor.clusters.node.oci import CONTAINERD_NAME, EPOCH, INDEX, REF_NAME, Descriptor, Layout
from k8s_tutor.errors import EnvironmentFault, UsageError

Progress = Callable[[int, int], None]
"""Takes bytes done and bytes in all."""
MOST_IN_ALL = 64 << 30
MOST_MEMBERS = 10_000
MOST_SMALL = 64 << 20
"""Bytes of all manifests and configs together, which are held in memory."""
_CHUNK = 1 << 20
_BLOB = re.compile(r"blobs/sha256/([0-9a-f]{64})")
# What containerd and registries name an image: registry/repository:tag (distribution's reference grammar).
_REFERENCE = re.compile(r"[a-z0-9.-]+(:[0-9]+)?/[a-z0-9]+(?:[._/-]+[a-z0-9]+)*:[\w][\w.-]{0,127}", re.ASCII)
_FOLDERS = ("blobs", "blobs/sha256")
_ALSO = ("manifest.json", "repositories")
"""What docker writes beside a layout; it is not read."""


@dataclass(frozen=True)
class Archived:
    """One image of an archive: whole reference, digest of its manifest, platform, bytes, and whether it stands in."""

    ref: str
    digest: str
    platform: str
    size: int
    stand_in: str = ""


def save(images: Sequence[Kept], target: Path, tell: Progress) -> int:
    """Write images into one archive; returns its size. The same images give the same bytes.

    Raises EnvironmentFault when a part that is kept is not what its digest says, or when the file cannot be written;
    then there is no file, or the one that was there before.
    """
    entries = [
        {
            "mediaType": image.media_type,
            "digest": image.digest,
            "size": next(blob.size for blob in image.blobs if blob.digest == image.digest),
            "annotations": {REF_NAME: image.ref, CONTAINERD_NAME: image.ref},
            "platform": dict(zip(("os", "architecture"), image.platform.split("/", 1), strict=True)),
        }
        for image in sorted(images, key=lambda image: image.ref)
    ]
    index = json.dumps({"schemaVersion": 2, "mediaType": INDEX, "manifests": entries}, indent=1).encode()
    blobs = {blob.digest: (image, blob) for image in images for blob in image.blobs}
    whole, done = sum(blob.size for _, blob in blobs.values()), 0
    handle, temporary = _temporary(target)
    try:
        with os.fdopen(handle, "wb") as file, tarfile.open(fileobj=file, mode="w", format=tarfile.PAX_FORMAT) as tar:
            _add(tar, "oci-layout", io.BytesIO(b'{"imageLayoutVersion": "1.0.0"}'), 31)
            _add(tar, "index.json", io.BytesIO(index), len(index))
            for digest, (image, blob) in sorted(blobs.items()):
                name = digest.removeprefix("sha256:")
                with (image.layout / "blobs" / "sha256" / name).open("rb") as source:
                    hashing = _Hashing(source)
                    _add(tar, f"blobs/sha256/{name}", hashing, blob.size)
                if hashing.digest.hexdigest() != name:
                    raise kept.broken(image.layout, image.ref, f"{digest[:19]}… is not what its digest says")
                done += blob.size
                tell(done, whole)
        Path(temporary).chmod(0o644)
        os.replace(temporary, target)
    except OSError as error:
        raise EnvironmentFault(f"{target} cannot be written: {error.strerror or error}", code="archive") from error
    finally:
        Path(temporary).unlink(missing_ok=True)
    return target.stat().st_size


def verify(archive: Path, tell: Progress) -> list[Archived]:
    """Read an archive to its end and check every digest; what it holds, by reference. Nothing is unpacked.

    Raises UsageError (code ``archive``) that names file and member: no such file, no tar, cut short, compressed as a
    whole, a member that does not belong there, a part that is missing or other than its digest, an image without a
    name or of several platforms.
    """
    if not archive.is_file():
        raise UsageError(f"There is no file {archive}.", code="archive")
    try:
        return _Reading(archive, tell).images()
    except (tarfile.TarError, EOFError) as error:
        raise _bad(archive, "", f"it is no whole tar archive ({error})") from error
    except OSError as error:
        raise _bad(archive, "", error.strerror or str(error)) from error


class _Reading:
    def __init__(self, archive: Path, tell: Progress) -> None:
        self._archive = archive
        self._small: dict[str, bytes] = {}
        self._held = 0
        self._sizes: dict[str, int] = {}
        self._layout: dict[str, bytes] = {}
        self._read(tell)

    def _read(self, tell: Progress) -> None:
        whole, claimed = self._archive.stat().st_size, 0
        with self._archive.open("rb") as file, tarfile.open(fileobj=file, mode="r:") as tar:
            for number, member in enumerate(tar):
                name = member.name.removeprefix("./").rstrip("/")
                claimed += member.size
                if number >= MOST_MEMBERS or claimed > MOST_IN_ALL:
                    raise _bad(self._archive, name, "there is more in it than an archive of images may hold")
                if member.isdir() and (name in _FOLDERS or name in ("", ".")):
                    continue
                blob = _BLOB.fullmatch(name)
                if (
                    not member.isreg()
                    or member.issparse()
                    or not (blob or name in ("oci-layout", "index.json", *_ALSO))
                ):
                    kind = "a link" if member.issym() or member.islnk() else "something"
                    raise _bad(self._archive, name, f"{kind} that does not belong into an OCI image layout")
                if name in self._layout or (blob and blob[1] in self._sizes):
                    raise _bad(self._archive, name, "it is there twice")
                stream = tar.extractfile(member)
                if stream is None:
                    raise _bad(self._archive, name, "it cannot be read")
                if blob:
                    self._blob(name, blob[1], member.size, stream)
                elif member.size > MOST_BYTES:
                    raise _bad(self._archive, name, "it is too large for what it is")
                else:
                    self._layout[name] = stream.read()
                tell(min(file.tell(), whole), whole)

    def _blob(self, name: str, digest: str, size: int, stream: IO[bytes]) -> None:
        hashing, content, read = hashlib.sha256(), b"", 0
        while chunk := stream.read(_CHUNK):
            hashing.update(chunk)
            read += len(chunk)
            if size <= MOST_BYTES:
                content += chunk
        if read != size:
            raise _bad(self._archive, name, "the archive ends within it")
        if hashing.hexdigest() != digest:
            raise _bad(self._archive, name, "it is not what its digest says")
        self._sizes[digest] = size
        # Manifests and configs are JSON objects; layers are not.
        if content[:1] == b"{":
            self._small[digest] = content
            self._held += len(content)
            if self._held > MOST_SMALL:
                raise _bad(self._archive, name, "there are more manifests in it than an archive of images may hold")

    def images(self) -> list[Archived]:
        """What the index names, all of it there."""
        if "oci-layout" not in self._layout or "index.json" not in self._layout:
            docker = "manifest.json" in self._layout
            why = "it is an archive in docker's old form" if docker else "it has no oci-layout and index.json"
            raise _bad(self._archive, "", why)
        entries = self._json("index.json", self._layout["index.json"]).get("manifests")
        if not isinstance(entries, list) or not entries:
            raise _bad(self._archive, "index.json", "it names no image")
        found = {image.ref: image for image in map(self._image, entries)}
        return [found[ref] for ref in sorted(found)]

    def _image(self, entry: Any) -> Archived:
        annotations = entry.get("annotations") if isinstance(entry, dict) else None
        names = annotations if isinstance(annotations, dict) else {}
        ref = names.get(CONTAINERD_NAME) or names.get(REF_NAME)
        if not isinstance(ref, str) or len(ref) > 500 or not _REFERENCE.fullmatch(ref):
            raise _bad(self._archive, "index.json", "an image in it has no whole name")
        manifest = self._part(ref, entry)
        if "manifests" in manifest:
            raise _bad(self._archive, "index.json", f"{ref} is of several platforms; an archive of one is needed")
        layers = manifest.get("layers")
        if not isinstance(layers, list):
            raise _bad(self._archive, "index.json", f"{ref} has a manifest without layers")
        config = self._part(ref, manifest.get("config"))
        sizes = [self._size(ref, part) for part in (entry, manifest["config"], *layers)]
        inner = config.get("config")
        labels = inner.get("Labels") if isinstance(inner, dict) else None
        stand_in = labels.get(STAND_IN, "") if isinstance(labels, dict) else ""
        return Archived(
            ref,
            str(entry["digest"]),
            f"{config.get('os')}/{config.get('architecture')}",
            sum(sizes),
            stand_in[:200] if isinstance(stand_in, str) and stand_in.isprintable() else "",
        )

    def _part(self, ref: str, descriptor: Any) -> dict[str, Any]:
        self._size(ref, descriptor)
        digest = str(descriptor["digest"]).removeprefix("sha256:")
        return self._json(f"blobs/sha256/{digest}", self._small.get(digest, b""))

    def _size(self, ref: str, descriptor: Any) -> int:
        digest = str(descriptor.get("digest")) if isinstance(descriptor, dict) else ""
        name = f"blobs/{digest.replace(':', '/')}"[:90]
        size = self._sizes.get(digest.removeprefix("sha256:"))
        if size is None or not digest.startswith("sha256:"):
            raise _bad(self._archive, name, f"it is missing, and {ref} needs it")
        if descriptor.get("size") != size or not isinstance(descriptor.get("mediaType"), str):
            raise _bad(self._archive, name, f"{ref} tells another size of it, or no media type")
        return size

    def _json(self, name: str, content: bytes) -> dict[str, Any]:
        try:
            document = json.loads(content)
        except (ValueError, RecursionError) as error:
            raise _bad(self._archive, name, "it is no JSON") from error
        if not isinstance(document, dict):
            raise _bad(self._archive, name, "it is no JSON object")
        return document


def layout_in(archive: Path) -> list[Archived]:
    """What ``verify`` finds, or nothing for an archive of another form, which only the nodes' runtime can read."""
    try:
        return verify(archive, lambda _done, _whole: None)
    except UsageError:
        return []


def stand_ins_after(before: Mapping[str, str], images: Iterable[Archived]) -> dict[str, str]:
    """What stands in on a cluster once these are served there; known as labs write it (``nginx:latest``)."""
    after = dict(before)
    for image in images:
        short = Image("", image.ref, "").short
        after.pop(short, None)
        if image.stand_in:
            after[short] = image.stand_in
    return after


def index_of(archive: Path) -> list[dict[str, Any]]:
    """The entries of a verified archive's index, each named as a registry looks for it."""
    with tarfile.open(archive, mode="r:") as tar:
        for member in tar:
            if member.name.removeprefix("./") == "index.json" and (stream := tar.extractfile(member)):
                found = [dict(entry) for entry in json.loads(stream.read(MOST_BYTES))["manifests"]]
                for entry in found:
                    names = entry["annotations"]
                    ref = names.get(CONTAINERD_NAME) or names[REF_NAME]
                    entry["annotations"] = {REF_NAME: ref, CONTAINERD_NAME: ref}
                return found
    raise _bad(archive, "index.json", "it is not there any more")


def copy_into(archive: Path, folder: Path) -> None:
    """Put the images of a verified archive into a layout that a registry serves, the index last.

    Raises UsageError when the archive is another one by now, OSError when the folder cannot be written.
    """
    layout = Layout(folder)
    with tarfile.open(archive, mode="r:") as tar:
        for member in tar:
            blob = _BLOB.fullmatch(member.name.removeprefix("./"))
            if blob and not layout.blob_path(blob[1]).exists() and (stream := tar.extractfile(member)):
                _keep(archive, member, stream, layout.blob_path(blob[1]))
    for entry in index_of(archive):
        described = Descriptor(str(entry["mediaType"]), str(entry["digest"]), int(entry["size"]))
        layout.name(entry["annotations"][REF_NAME], described)


def _keep(archive: Path, member: tarfile.TarInfo, stream: IO[bytes], target: Path) -> None:
    handle, temporary = tempfile.mkstemp(dir=target.parent, prefix=".")
    try:
        with os.fdopen(handle, "wb") as file:
            hashing = hashlib.sha256()
            while chunk := stream.read(_CHUNK):
                hashing.update(chunk)
                file.write(chunk)
        if hashing.hexdigest() != target.name:
            raise _bad(archive, member.name, "it is not what its digest says")
        Path(temporary).chmod(0o644)
        os.replace(temporary, target)
    finally:
        Path(temporary).unlink(missing_ok=True)


class _Hashing(io.RawIOBase):
    """A stream that keeps the hash of what was read from it."""

    def __init__(self, source: IO[bytes]) -> None:
        self._source = source
        self.digest = hashlib.sha256()

    def read(self, size: int = -1) -> bytes:
        data = self._source.read(size)
        self.digest.update(data)
        return data


def _add(tar: tarfile.TarFile, name: str, stream: Any, size: int) -> None:
    entry = tarfile.TarInfo(name)
    entry.size, entry.mode, entry.mtime = size, 0o644, EPOCH
    tar.addfile(entry, stream)


def _temporary(target: Path) -> tuple[int, str]:
    try:
        return tempfile.mkstemp(dir=target.absolute().parent, prefix=f".{target.name[:40]}-")
    except OSError as error:
        raise UsageError(f"{target} cannot be written: {error.strerror}", code="archive") from error


def _bad(archive: Path, member: str, why: str) -> UsageError:
    where = f"{archive}: {member[:120]!r}" if member else str(archive)
    return UsageError(
        f"{where}: {why}",
        remedy="k8s-tutor images save writes one that can be; for others: k8s-tutor cluster load-images FILE",
        code="archive",
    )
