"""The archive of a class's images: whole, named, the same again; and what is wrong with one that is not."""

from __future__ import annotations

import hashlib
import io
import json
import tarfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from k8s_tutor.clusters.images import archive, kept
from k8s_tutor.clusters.node.oci import CONTAINERD_NAME, INDEX, MANIFEST, Descriptor, ImageConfig, Layout
from k8s_tutor.errors import EnvironmentFault, UsageError

NGINX, OLD = "docker.io/library/nginx:latest", "docker.io/library/nginx:1.20.1"


def silent(_done: int, _whole: int) -> None:
    pass


def layout_of(root: Path, **texts: bytes) -> Layout:
    layout = Layout(root)
    for ref, text in {NGINX: b"new", OLD: b"old", **texts}.items():
        layers: list[Descriptor] = []
        with layout.layer(layers) as layer:
            layer.data("index.html", text)
        labels = {"io.k8s-tutor.stand-in": "Debian's"} if ref == OLD else {}
        layout.add_image(ref, "amd64", layers, ImageConfig(cmd=("nginx",), labels=labels))
    return layout


def saved(tmp_path: Path) -> Path:
    layout = layout_of(tmp_path / "layout")
    images = [kept.read(layout.root, ref, digest) for ref, digest in layout.references().items()]
    archive.save(images, tmp_path / "class.tar", silent)
    return tmp_path / "class.tar"


def members(path: Path) -> dict[str, bytes]:
    with tarfile.open(path) as tar:
        return {each.name: tar.extractfile(each).read() for each in tar}  # type: ignore[union-attr]


def written(path: Path, files: dict[str, bytes], *, links: dict[str, str] | None = None) -> Path:
    with tarfile.open(path, "w") as tar:
        for name, data in files.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(data)
            tar.addfile(entry, io.BytesIO(data))
        for name, target in (links or {}).items():
            entry = tarfile.TarInfo(name)
            entry.type, entry.linkname = tarfile.SYMTYPE, target
            tar.addfile(entry)
    return path


def test_what_was_saved_is_there_by_name_and_digest_and_the_same_again(tmp_path: Path) -> None:
    path = saved(tmp_path)
    first = path.read_bytes()
    references = Layout(tmp_path / "layout").references()
    told: list[tuple[int, int]] = []
    images = archive.verify(path, lambda done, whole: told.append((done, whole)))
    assert {image.ref: image.digest for image in images} == references
    assert {image.ref: image.stand_in for image in images} == {NGINX: "", OLD: "Debian's"}
    assert {image.platform for image in images} == {"linux/amd64"}
    assert told[-1][0] <= told[-1][1] == len(first)
    assert saved(tmp_path).read_bytes() == first
    assert [each.name for each in tmp_path.iterdir() if each.name.startswith(".")] == []


def test_copied_into_a_layout_it_is_named_there_and_the_rest_stays(tmp_path: Path) -> None:
    path = saved(tmp_path)
    there = Layout(tmp_path / "there")
    layers: list[Descriptor] = []
    with there.layer(layers) as layer:
        layer.data("index.html", b"another nginx")
    there.add_image(NGINX, "amd64", layers, ImageConfig())
    there.add_image("docker.io/library/busybox:latest", "amd64", layers, ImageConfig())
    busybox = there.references()["docker.io/library/busybox:latest"]
    archive.copy_into(path, there.root)
    wanted = Layout(tmp_path / "layout").references() | {"docker.io/library/busybox:latest": busybox}
    assert there.references() == wanted
    for ref, digest in there.references().items():
        assert kept.read(there.root, ref, digest).ref == ref


def test_a_part_that_was_altered_here_is_not_saved(tmp_path: Path) -> None:
    layout = layout_of(tmp_path / "layout")
    images = [kept.read(layout.root, ref, digest) for ref, digest in layout.references().items()]
    layer = max(images[0].blobs, key=lambda blob: blob.size)
    path = layout.blob_path(layer.digest)
    path.write_bytes(path.read_bytes()[:-1] + b"!")
    (tmp_path / "class.tar").write_bytes(b"the one before")
    with pytest.raises(EnvironmentFault, match="not what its digest says") as caught:
        archive.save(images, tmp_path / "class.tar", silent)
    assert images[0].ref in caught.value.message or images[1].ref in caught.value.message
    assert (tmp_path / "class.tar").read_bytes() == b"the one before"
    assert [each for each in tmp_path.iterdir() if each.name.startswith(".")] == []
    path.unlink()
    with pytest.raises(EnvironmentFault, match="missing or cut short"):
        kept.read(layout.root, images[0].ref, images[0].digest)


def test_a_folder_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="cannot be written"):
        archive.save([], tmp_path / "nowhere" / "class.tar", silent)


Bad = Callable[[Path, Path], Path]


def cut_short(path: Path, other: Path) -> Path:
    other.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    return other


def flipped(path: Path, other: Path) -> Path:
    files = members(path)
    name = max(files, key=lambda each: len(files[each]))
    return written(other, files | {name: files[name][:-1] + b"!"})


def lacking(path: Path, other: Path) -> Path:
    files = members(path)
    name = max((each for each in files if each.startswith("blobs/")), key=lambda each: len(files[each]))
    return written(other, {each: data for each, data in files.items() if each != name})


def compressed(path: Path, other: Path) -> Path:
    import gzip

    other.write_bytes(gzip.compress(path.read_bytes()))
    return other


def climbing(path: Path, other: Path) -> Path:
    return written(other, members(path) | {"../../etc/passwd": b"root"})


def linked(path: Path, other: Path) -> Path:
    return written(other, members(path), links={f"blobs/sha256/{'0' * 64}": "/etc/shadow"})


def twice(path: Path, other: Path) -> Path:
    with tarfile.open(other, "w") as tar:
        for _ in range(2):
            entry = tarfile.TarInfo("oci-layout")
            tar.addfile(entry, io.BytesIO(b""))
    return other


def dockers(_path: Path, other: Path) -> Path:
    return written(other, {"manifest.json": b"[]"})


def indexed(change: Callable[[dict[str, Any]], None]) -> Bad:
    def make(path: Path, other: Path) -> Path:
        files = members(path)
        index = json.loads(files["index.json"])
        change(index)
        return written(other, files | {"index.json": json.dumps(index).encode()})

    return make


def unnamed(index: dict[str, Any]) -> None:
    index["manifests"][0]["annotations"] = {}


def control(index: dict[str, Any]) -> None:
    index["manifests"][0]["annotations"] = {CONTAINERD_NAME: "docker.io/\x1b[2Jnginx:1"}


def nothing(index: dict[str, Any]) -> None:
    index["manifests"] = []


def several(path: Path, other: Path) -> Path:
    files = members(path)
    inner = json.dumps({"schemaVersion": 2, "mediaType": INDEX, "manifests": []}).encode()
    digest = hashlib.sha256(inner).hexdigest()
    entry = {"digest": f"sha256:{digest}", "size": len(inner), "mediaType": INDEX}
    index = {"manifests": [entry | {"annotations": {CONTAINERD_NAME: NGINX}}]}
    return written(other, files | {f"blobs/sha256/{digest}": inner, "index.json": json.dumps(index).encode()})


def no_json(path: Path, other: Path) -> Path:
    return written(other, members(path) | {"index.json": b"["})


def nested(path: Path, other: Path) -> Path:
    return written(other, members(path) | {"index.json": b"[" * 100_000})


def huge_index(path: Path, other: Path) -> Path:
    return written(other, members(path) | {"index.json": b" " * (5 << 20)})


def sparse(path: Path, other: Path) -> Path:
    """Some bytes that claim to be 16 GiB."""
    with tarfile.open(other, "w", format=tarfile.PAX_FORMAT) as tar:
        entry = tarfile.TarInfo(f"blobs/sha256/{'0' * 64}")
        entry.size = 10
        entry.pax_headers = {
            "GNU.sparse.major": "0", "GNU.sparse.minor": "1", "GNU.sparse.name": entry.name,
            "GNU.sparse.size": str(16 << 30), "GNU.sparse.map": f"{(16 << 30) - 10},10",
        }  # fmt: skip
        tar.addfile(entry, io.BytesIO(b"0123456789"))
    return other


def no_size(index: dict[str, Any]) -> None:
    del index["manifests"][0]["size"]


def other_size(index: dict[str, Any]) -> None:
    index["manifests"][1]["size"] += 1


def worded_size(index: dict[str, Any]) -> None:
    index["manifests"][0]["size"] = "many"


def no_type(index: dict[str, Any]) -> None:
    del index["manifests"][0]["mediaType"]


def no_reference(index: dict[str, Any]) -> None:
    index["manifests"][0]["annotations"] = {CONTAINERD_NAME: "/ not an image; $(x)"}


def many_manifests(path: Path, other: Path) -> Path:
    files = dict(members(path))
    for number in range(20):
        body = b"{" + str(number).encode() + b" " * ((4 << 20) - 10)
        files[f"blobs/sha256/{hashlib.sha256(body).hexdigest()}"] = body
    return written(other, files)


def no_tar(_path: Path, other: Path) -> Path:
    other.write_bytes(b"hello" * 1000)
    return other


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (cut_short, "no whole tar|ends within"),
        (flipped, r"blobs/sha256/[0-9a-f]{64}': it is not what its digest says"),
        (lacking, "it is missing, and docker.io/library/nginx"),
        (compressed, "no whole tar"),
        (climbing, r"'\.\./\.\./etc/passwd'"),
        (linked, "a link that does not belong"),
        (twice, "'oci-layout': it is there twice"),
        (dockers, "docker's old form"),
        (indexed(unnamed), "index.json': an image in it has no whole name"),
        (indexed(control), "index.json': an image in it has no whole name"),
        (indexed(nothing), "index.json': it names no image"),
        (several, "several platforms"),
        (no_json, "index.json': it is no JSON"),
        (nested, "index.json': it is no JSON"),
        (huge_index, "index.json': it is too large"),
        (sparse, "does not belong"),
        (indexed(no_size), "another size"),
        (indexed(other_size), "another size"),
        (indexed(worded_size), "another size"),
        (indexed(no_type), "no media type"),
        (indexed(no_reference), "no whole name"),
        (many_manifests, "more manifests"),
        (no_tar, "no whole tar"),
    ],
)
def test_an_archive_that_cannot_be_loaded_names_file_and_member(tmp_path: Path, make: Bad, says: str) -> None:
    path = make(saved(tmp_path), tmp_path / "bad.tar")
    with pytest.raises(UsageError, match=says) as caught:
        archive.verify(path, silent)
    assert str(path) in caught.value.message
    assert caught.value.remedy


def test_no_file(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="There is no file"):
        archive.verify(tmp_path / "nothing.tar", silent)


def test_manifests_are_of_the_kind_that_is_written(tmp_path: Path) -> None:
    index = json.loads(members(saved(tmp_path))["index.json"])
    assert {entry["mediaType"] for entry in index["manifests"]} == {MANIFEST}
