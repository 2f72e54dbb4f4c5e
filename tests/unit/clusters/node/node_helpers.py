"""A web server and an image that several tests need; a module of its own name, for conftest cannot be imported."""

from __future__ import annotations

from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from k8s_tutor.clusters.node.oci import Descriptor, ImageConfig, Layout

REF = "docker.io/library/nginx:latest"


class Site:
    """A web server on loopback: path -> body; ``cut`` paths break off half-way, ``asked`` keeps what was asked."""

    def __init__(self) -> None:
        self.files: dict[str, bytes] = {}
        self.cut: set[str] = set()
        self.asked: list[str] = []
        site = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                site.asked.append(self.path)
                body = site.files.get(self.path)
                if body is None:
                    self.send_error(404)
                    return
                self.send_response(200)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body[: len(body) // 2] if self.path in site.cut else body)

            def log_message(self, *_: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"


def make(root: Path, text: bytes = b"hello") -> Layout:
    layout = Layout(root)
    layers: list[Descriptor] = []
    with layout.layer(layers) as layer:
        layer.data("etc/nginx/nginx.conf", text)
        layer.link("usr/bin/sh", "dash")
        layer.data("etc/nginx/nginx.conf", b"a second one of that name")
        layer.directory("tmp", 0o1777)
    config = ImageConfig(cmd=("nginx",), ports=("80/tcp",), stop_signal="SIGQUIT", labels={"a": "b"})
    layout.add_image(REF, "amd64", layers, config)
    return layout
