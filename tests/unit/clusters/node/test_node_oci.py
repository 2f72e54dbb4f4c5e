from __future__ import annotations

import hashlib
import io
import json
import tarfile
from pathlib import Path

import pytest
from node_helpers import REF, make

from k8s_tutor.clusters.node.oci import CONTAINERD_NAME, REF_NAME, Descriptor, Layout


def blob(layout: Layout, descriptor: dict[str, object]) -> bytes:
    body = layout.blob_path(str(descriptor["digest"])).read_bytes()
    assert len(body) == descriptor["size"]
    assert f"sha256:{hashlib.sha256(body).hexdigest()}" == descriptor["digest"]
    return body


def test_every_descriptor_tells_the_blobs_size_and_digest(tmp_path: Path) -> None:
    layout = make(tmp_path)
    assert json.loads((tmp_path / "oci-layout").read_text()) == {"imageLayoutVersion": "1.0.0"}
    (entry,) = json.loads((tmp_path / "index.json").read_text())["manifests"]
    assert entry["annotations"] == {REF_NAME: REF, CONTAINERD_NAME: REF}
    manifest = json.loads(blob(layout, entry))
    assert manifest["schemaVersion"] == 2
    config = json.loads(blob(layout, manifest["config"]))
    for layer, diff_id in zip(manifest["layers"], config["rootfs"]["diff_ids"], strict=True):
        blob(layout, layer)
        assert layer["digest"] == diff_id, "an uncompressed layer's digest is its diff id"
    assert (config["os"], config["architecture"]) == ("linux", "amd64")
    assert config["config"]["Cmd"] == ["nginx"]
    assert config["config"]["ExposedPorts"] == {"80/tcp": {}}
    assert "Entrypoint" not in config["config"]
    assert config == layout.config(REF)


def test_a_layer_has_parents_first_and_each_name_once(tmp_path: Path) -> None:
    layout = make(tmp_path)
    manifest = json.loads(layout.blob_path(layout.references()[REF]).read_text())
    with tarfile.open(layout.blob_path(manifest["layers"][0]["digest"])) as tar:
        names = tar.getnames()
        assert names == ["etc", "etc/nginx", "etc/nginx/nginx.conf", "usr", "usr/bin", "usr/bin/sh", "tmp"]
        file = tar.extractfile("etc/nginx/nginx.conf")
        assert file and file.read() == b"hello"
        assert tar.getmember("tmp").mode == 0o1777
        assert {member.uid for member in tar} == {0}


def test_the_same_input_gives_the_same_digest(tmp_path: Path) -> None:
    assert make(tmp_path / "a").references() == make(tmp_path / "b").references()
    assert make(tmp_path / "c", b"other").references() != make(tmp_path / "a").references()


def test_a_name_points_to_the_newest_image(tmp_path: Path) -> None:
    first = make(tmp_path).references()
    second = make(tmp_path, b"other").references()
    assert list(second) == [REF] and first != second


def test_a_layer_that_fails_leaves_nothing(tmp_path: Path) -> None:
    layout = Layout(tmp_path)
    layers: list[Descriptor] = []
    with pytest.raises(RuntimeError), layout.layer(layers) as layer:
        layer.data("a", b"a")
        raise RuntimeError
    assert layers == [] and list((tmp_path / "blobs" / "sha256").iterdir()) == []


def test_the_archive_holds_the_whole_layout(tmp_path: Path) -> None:
    layout = make(tmp_path)
    pipe = io.BytesIO()
    layout.write_archive(pipe)
    pipe.seek(0)
    with tarfile.open(fileobj=pipe) as tar:
        names = tar.getnames()
    assert names[:2] == ["oci-layout", "index.json"]
    assert len([name for name in names if name.startswith("blobs/sha256/")]) == 3
