from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from node_helpers import REF, Site, make

from k8s_tutor.clusters.node import registry
from k8s_tutor.clusters.node.download import Hosts, Unavailable
from k8s_tutor.clusters.node.lock import Image, architecture
from k8s_tutor.clusters.node.oci import INDEX, Layout
from k8s_tutor.clusters.node.pull import pull_all, reachable
from k8s_tutor.clusters.node.work import Work
from k8s_tutor.errors import EnvironmentFault

IMAGE = Image("nginx", REF, "nginx")


@pytest.fixture
def source(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Layout]:
    """An image layout that our own registry serves in place of all others."""
    layout = make(tmp_path / "source")
    server = registry.make_server(str(layout.root), "127.0.0.1", 0)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    monkeypatch.setenv("K8S_TUTOR_REGISTRY_BASE", f"http://127.0.0.1:{server.server_address[1]}")
    yield layout
    server.shutdown()
    server.server_close()
    thread.join()


def pull(layout: Layout, work: Work, *images: Image) -> None:
    with work.phase("pull", "Pull") as telling:
        pull_all(images or (IMAGE,), layout, Hosts(), telling)


def blobs(layout: Layout) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in (layout.root / "blobs" / "sha256").iterdir()}


def test_an_image_arrives_as_it_is(source: Layout, tmp_path: Path, work: Work) -> None:
    target = Layout(tmp_path / "target")
    assert reachable((IMAGE,), Hosts())
    pull(target, work)
    assert target.references() == source.references()
    assert blobs(target) == blobs(source)


def test_of_an_index_this_machines_platform(source: Layout, tmp_path: Path, work: Work) -> None:
    digest = source.references()[REF]
    size = source.blob_path(digest).stat().st_size
    manifests = [
        {
            "mediaType": "x",
            "digest": f"sha256:{'0' * 64}",
            "size": 1,
            "platform": {"os": "linux", "architecture": "s390x"},
        },
        {
            "mediaType": "application/vnd.oci.image.manifest.v1+json",
            "digest": digest,
            "size": size,
            "platform": {"os": "linux", "architecture": architecture()},
        },
    ]
    body = json.dumps({"schemaVersion": 2, "mediaType": INDEX, "manifests": manifests}).encode()
    source.name(REF, source.add_bytes(body, INDEX))
    target = Layout(tmp_path / "target")
    pull(target, work)
    assert target.references() == {REF: digest}


def test_a_tag_that_is_not_there_is_unavailable(source: Layout, tmp_path: Path, work: Work) -> None:
    with pytest.raises(Unavailable, match="404"):
        pull(Layout(tmp_path / "target"), work, Image("nginx", "docker.io/library/nginx:0.0", "nginx"))


def test_a_blob_that_was_altered_is_an_error_and_is_not_kept(source: Layout, tmp_path: Path, work: Work) -> None:
    manifest = json.loads(source.blob_path(source.references()[REF]).read_text())
    digest = manifest["layers"][0]["digest"]
    source.blob_path(digest).write_bytes(b"altered")
    target = Layout(tmp_path / "target")
    with pytest.raises(EnvironmentFault) as error:
        pull(target, work)
    assert error.value.code == "sha256" and digest.removeprefix("sha256:") in error.value.message
    assert not target.blob_path(digest).exists()
    assert target.references() == {}


def test_a_registry_that_refuses_is_not_reachable(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("K8S_TUTOR_REGISTRY_BASE", site.url)
    assert not reachable((IMAGE,), Hosts())
    assert site.asked == ["/v2/"]
