from __future__ import annotations

import http.client
import json
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from node_helpers import REF, make

from k8s_tutor.clusters.node import registry
from k8s_tutor.clusters.node.oci import MANIFEST, Descriptor, Layout

Answer = tuple[int, dict[str, str], bytes]


@pytest.fixture
def layout(tmp_path: Path) -> Layout:
    (tmp_path / "secret").write_text("not for you")
    return make(tmp_path / "layout")


@pytest.fixture
def server(layout: Layout) -> Iterator[registry.Server]:
    server = registry.make_server(str(layout.root), "127.0.0.1", 0)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    yield server
    server.shutdown()
    server.server_close()
    thread.join()


def ask(server: registry.Server, path: str, method: str = "GET", **headers: str) -> Answer:
    connection = http.client.HTTPConnection("127.0.0.1", server.server_address[1], timeout=5)
    try:
        connection.request(method, path, headers=headers)
        answer = connection.getresponse()
        return answer.status, dict(answer.getheaders()), answer.read()
    finally:
        connection.close()


def code(answer: Answer) -> str:
    (error,) = json.loads(answer[2])["errors"]
    assert error["message"]
    return str(error["code"])


def test_it_is_a_registry(server: registry.Server) -> None:
    status, headers, _ = ask(server, "/v2/")
    assert status == 200 and headers["Docker-Distribution-Api-Version"] == "registry/2.0"


@pytest.mark.parametrize("query", ["?ns=docker.io", ""])
def test_a_manifest_by_tag_and_by_digest(server: registry.Server, layout: Layout, query: str) -> None:
    digest = layout.references()[REF]
    body = layout.blob_path(digest).read_bytes()
    for what in ("latest", digest):
        status, headers, got = ask(server, f"/v2/library/nginx/manifests/{what}{query}")
        assert (status, got) == (200, body)
        assert headers["Content-Type"] == MANIFEST
        assert headers["Docker-Content-Digest"] == digest


def test_head_has_the_headers_and_no_body(server: registry.Server, layout: Layout) -> None:
    path = "/v2/library/nginx/manifests/latest?ns=docker.io"
    status, headers, body = ask(server, path, "HEAD")
    assert (status, body) == (200, b"")
    assert int(headers["Content-Length"]) == len(ask(server, path)[2])
    assert ask(server, "/v2/library/nginx/manifests/nope", "HEAD")[0] == 404


def test_blobs_whole_and_in_part(server: registry.Server, layout: Layout) -> None:
    manifest = json.loads(layout.blob_path(layout.references()[REF]).read_text())
    digest = manifest["layers"][0]["digest"]
    whole = layout.blob_path(digest).read_bytes()
    path = f"/v2/library/nginx/blobs/{digest}?ns=docker.io"
    assert ask(server, path)[2] == whole
    status, headers, part = ask(server, path, Range="bytes=100-")
    assert (status, part) == (206, whole[100:])
    assert headers["Content-Range"] == f"bytes 100-{len(whole) - 1}/{len(whole)}"
    assert ask(server, path, Range="bytes=0-9")[2] == whole[:10]
    assert ask(server, path, Range=f"bytes={len(whole)}-")[:1] == (200,)


def test_what_is_not_there_is_said_so_that_a_client_understands(server: registry.Server) -> None:
    typo = ask(server, "/v2/library/ngnix/manifests/latest?ns=docker.io")
    assert typo[0] == 404 and code(typo) == "NAME_UNKNOWN"
    tag = ask(server, "/v2/library/nginx/manifests/1.99?ns=docker.io")
    assert tag[0] == 404 and code(tag) == "MANIFEST_UNKNOWN"
    blob = ask(server, f"/v2/library/nginx/blobs/sha256:{'0' * 64}")
    assert blob[0] == 404 and code(blob) == "BLOB_UNKNOWN"
    other = ask(server, "/v2/library/nginx/manifests/latest?ns=quay.io")
    assert other[0] == 404 and code(other) == "NAME_UNKNOWN"
    assert code(ask(server, f"/v2/library/nginx/manifests/sha256:{'0' * 64}")) == "MANIFEST_UNKNOWN"


@pytest.mark.parametrize(
    "path",
    [
        "/v2/library/nginx/blobs/../../../../secret",
        "/v2/library/nginx/blobs/..%2f..%2f..%2fsecret",
        "/v2/library/nginx/blobs/sha256:../../../secret",
        "/v2/library/nginx/manifests/sha256:..",
        "/v2/../secret",
        "/../secret",
        "//etc/passwd",
        "/v2/library/nginx/blobs/sha256:" + "G" * 64,
    ],
)
def test_no_path_leads_out_of_the_layout(server: registry.Server, path: str) -> None:
    status, _, body = ask(server, path)
    assert status in (400, 404)
    assert json.loads(body)["errors"]
    assert b"not for you" not in body


def test_nothing_can_be_written(server: registry.Server) -> None:
    for method in ("PUT", "POST", "DELETE", "PATCH"):
        assert ask(server, "/v2/library/nginx/manifests/latest", method)[0] == 501


def test_tags_and_a_changed_index(server: registry.Server, layout: Layout) -> None:
    assert json.loads(ask(server, "/v2/library/nginx/tags/list")[2])["tags"] == ["latest"]
    digest = layout.references()[REF]
    layout.name("docker.io/library/nginx:1.20.1", Descriptor(MANIFEST, digest, layout.blob_path(digest).stat().st_size))
    assert json.loads(ask(server, "/v2/library/nginx/tags/list")[2])["tags"] == ["1.20.1", "latest"]


def test_it_runs_alone_in_little_memory_and_ends_when_asked(layout: Layout) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    argv = [sys.executable, "-I", registry.__file__, "--address", "127.0.0.1", "--port", str(port)]
    argv += ["--layout", str(layout.root)]
    child = subprocess.Popen(argv, stderr=subprocess.DEVNULL)
    try:
        digest = layout.references()[REF]
        deadline = time.monotonic() + 20
        while True:
            try:
                connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
                connection.request("GET", f"/v2/library/nginx/manifests/{digest}?ns=docker.io")
                assert connection.getresponse().status == 200
                connection.close()
                break
            except ConnectionError:
                assert child.poll() is None and time.monotonic() < deadline
        status = Path(f"/proc/{child.pid}/status").read_text()
        assert int(status.split("VmRSS:")[1].split()[0]) < 28 * 1024
        child.terminate()
        assert child.wait(10) == 0
    finally:
        child.kill()
        child.wait()


def test_an_address_that_is_not_ours_is_one_line_and_exit_3(layout: Layout) -> None:
    argv = [sys.executable, "-I", registry.__file__, "--address", "203.0.113.1", "--port", "5000", "--layout", "x"]
    done = subprocess.run(argv, capture_output=True, text=True, timeout=20, check=False)
    assert done.returncode == 3
    assert done.stderr.startswith("registry: 203.0.113.1:5000: ")
    assert done.stderr.count("\n") == 1
