"""A read-only image registry over an OCI image layout, in one file that needs nothing but Python.

Runs inside a node: ``python -I registry.py --address IP --port 5000 --layout DIR``. containerd asks it in place of
every registry (``hosts.toml`` for ``_default``) and names the one that is meant in ``?ns=docker.io``.
After https://github.com/opencontainers/distribution-spec, the pull part.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import signal
import sys
import threading
import urllib.parse
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")
_NAME = r"[a-z0-9]+(?:[._-]+[a-z0-9]+)*(?:/[a-z0-9]+(?:[._-]+[a-z0-9]+)*)*"
_PATH = re.compile(rf"/v2/(?P<name>{_NAME})/(?P<kind>manifests|blobs|tags)/(?P<what>[\w.:+-]{{1,160}})")
_RANGE = re.compile(r"bytes=(\d+)-(\d*)")
_REF_NAME = "org.opencontainers.image.ref.name"
_CHUNK = 256 << 10
_IDLE_SECONDS = 30


class Repositories:
    """The layout's index: repository (with its host) -> tag -> manifest; read again when the file changes."""

    def __init__(self, layout: str) -> None:
        self.layout = layout
        self._guard = threading.Lock()
        self._seen: tuple[int, int] = (0, 0)
        self._tags: dict[str, dict[str, dict[str, object]]] = {}

    def find(self, name: str, host: str) -> dict[str, dict[str, object]] | None:
        """Tags of a repository; without ``host`` the first one of that name."""
        tags = self._read()
        if host:
            return tags.get(f"{host}/{name}")
        return next((tags[key] for key in tags if key.partition("/")[2] == name), None)

    def blob(self, digest: str) -> str:
        """Path of a blob. ``digest`` has been matched already: nothing else reaches the file system."""
        return os.path.join(self.layout, "blobs", "sha256", digest[7:])

    def _read(self) -> dict[str, dict[str, dict[str, object]]]:
        index = os.path.join(self.layout, "index.json")
        with self._guard:
            stat = os.stat(index)
            seen = (stat.st_mtime_ns, stat.st_ino)
            if seen != self._seen:
                with open(index, encoding="utf-8") as file:
                    self._tags = _by_repository(json.load(file)["manifests"])
                self._seen = seen
            return self._tags


class Handler(BaseHTTPRequestHandler):
    """One connection of a client; kept open between requests."""

    protocol_version = "HTTP/1.1"
    server_version = "k8s-tutor-registry"
    sys_version = ""
    timeout = _IDLE_SECONDS
    repositories: Repositories

    def do_GET(self) -> None:
        """Answer with a body."""
        self._answer()

    def do_HEAD(self) -> None:
        """Answer with headers only."""
        self._answer()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class names it so
        """One line a request on stderr: what was asked and the status."""
        line = (format % args).encode("ascii", "backslashreplace").decode()
        sys.stderr.write(f"{self.log_date_time_string()} {line}\n")

    def _answer(self) -> None:
        url = urllib.parse.urlsplit(self.path)
        if url.path.rstrip("/") == "/v2":
            self._body(HTTPStatus.OK, b"{}", "application/json")
            return
        match = _PATH.fullmatch(url.path)
        if not match:
            self._fail("NAME_INVALID", "no such place in a registry")
            return
        host = urllib.parse.parse_qs(url.query).get("ns", [""])[0]
        tags = self.repositories.find(match["name"], host)
        if tags is None:
            self._fail("NAME_UNKNOWN", f"repository {match['name']} is not known to this registry")
        elif match["kind"] == "tags":
            self._tags(match["name"], match["what"], tags)
        elif match["kind"] == "manifests":
            self._manifest(match["what"], tags)
        else:
            self._blob(match["what"], "application/octet-stream", "BLOB_UNKNOWN")

    def _tags(self, name: str, what: str, tags: dict[str, dict[str, object]]) -> None:
        if what != "list":
            self._fail("NAME_INVALID", "no such place in a registry")
            return
        self._body(HTTPStatus.OK, json.dumps({"name": name, "tags": sorted(tags)}).encode(), "application/json")

    def _manifest(self, what: str, tags: dict[str, dict[str, object]]) -> None:
        if _DIGEST.fullmatch(what):
            # By digest: the type stands in the manifest itself.
            self._blob(what, _media_type(self.repositories.blob(what)), "MANIFEST_UNKNOWN")
        elif what in tags:
            self._blob(str(tags[what]["digest"]), str(tags[what]["mediaType"]), "MANIFEST_UNKNOWN")
        else:
            self._fail("MANIFEST_UNKNOWN", f"tag {what} is not known to this registry")

    def _blob(self, digest: str, media_type: str, otherwise: str) -> None:
        if not _DIGEST.fullmatch(digest):
            self._fail("DIGEST_INVALID", "a digest is sha256: and 64 hexadecimal digits")
            return
        try:
            file = open(self.repositories.blob(digest), "rb")  # noqa: SIM115 - closed below
        except OSError:
            self._fail(otherwise, f"{digest} is not known to this registry")
            return
        with file:
            size = os.fstat(file.fileno()).st_size
            first, last = self._range(size)
            partial = (first, last) != (0, size - 1)
            self.send_response(HTTPStatus.PARTIAL_CONTENT if partial else HTTPStatus.OK)
            if partial:
                self.send_header("Content-Range", f"bytes {first}-{last}/{size}")
            self._headers(media_type, last - first + 1)
            self.send_header("Accept-Ranges", "bytes")
            self.send_header("Docker-Content-Digest", digest)
            self.send_header("ETag", f'"{digest}"')
            self.end_headers()
            if self.command == "HEAD":
                return
            file.seek(first)
            left = last - first + 1
            while left > 0 and (chunk := file.read(min(_CHUNK, left))):
                self.wfile.write(chunk)
                left -= len(chunk)

    def _range(self, size: int) -> tuple[int, int]:
        """First and last byte that are wanted; a range that cannot be met is all of it, as HTTP allows."""
        match = _RANGE.fullmatch(self.headers.get("Range", ""))
        if not match:
            return 0, size - 1
        first, last = int(match[1]), min(int(match[2] or size - 1), size - 1)
        return (first, last) if first <= last else (0, size - 1)

    def _fail(self, code: str, message: str) -> None:
        body = json.dumps({"errors": [{"code": code, "message": message}]}).encode()
        status = HTTPStatus.BAD_REQUEST if code == "DIGEST_INVALID" else HTTPStatus.NOT_FOUND
        self._body(status, body, "application/json")

    def _body(self, status: HTTPStatus, body: bytes, media_type: str) -> None:
        self.send_response(status)
        self._headers(media_type, len(body))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def _headers(self, media_type: str, size: int) -> None:
        self.send_header("Docker-Distribution-Api-Version", "registry/2.0")
        self.send_header("Content-Type", media_type)
        self.send_header("Content-Length", str(size))


class Server(ThreadingHTTPServer):
    """A thread a connection, with a small stack: hundreds of pulls at once stay cheap."""

    daemon_threads = True
    request_queue_size = 128
    allow_reuse_address = True

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that went away is no news; anything else is one line, not a trace."""
        error = sys.exc_info()[1]
        if not isinstance(error, (ConnectionError, TimeoutError)):
            sys.stderr.write(f"{type(error).__name__}: {error}\n")


def make_server(layout: str, address: str, port: int) -> Server:
    """A registry that is bound and not yet serving (port 0: any free one, see ``server_address``)."""
    handler = type("LayoutHandler", (Handler,), {"repositories": Repositories(layout)})
    return Server((address, port), handler)


def _by_repository(manifests: list[dict[str, object]]) -> dict[str, dict[str, dict[str, object]]]:
    tags: dict[str, dict[str, dict[str, object]]] = {}
    for entry in manifests:
        annotations = entry.get("annotations")
        reference = str(annotations.get(_REF_NAME, "")) if isinstance(annotations, dict) else ""
        repository, _, tag = reference.rpartition(":")
        if repository:
            tags.setdefault(repository, {})[tag] = entry
    return tags


def _media_type(path: str) -> str:
    try:
        with open(path, encoding="utf-8") as file:
            return str(json.loads(file.read(1 << 20)).get("mediaType", "application/vnd.oci.image.manifest.v1+json"))
    except (OSError, ValueError, AttributeError):
        return "application/octet-stream"


def main() -> int:
    """Serve until SIGTERM or SIGINT."""
    parser = argparse.ArgumentParser(description="Read-only image registry over an OCI image layout.")
    parser.add_argument("--address", required=True)
    parser.add_argument("--port", type=int, default=5000)
    parser.add_argument("--layout", required=True)
    options = parser.parse_args()
    threading.stack_size(256 << 10)
    try:
        server = make_server(options.layout, options.address, options.port)
    except OSError as error:
        sys.stderr.write(f"registry: {options.address}:{options.port}: {error}\n")
        return 3
    # From another thread: shutdown() waits for the loop that this one runs.
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: threading.Thread(target=server.shutdown).start())
    with server:
        server.serve_forever()
    return 0


if __name__ == "__main__":
    sys.exit(main())
