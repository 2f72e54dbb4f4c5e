"""A proxy between the tutor and a real API server that does what networks, load balancers and dying servers do.

It ends TLS with the API server's own certificate (it stands for 127.0.0.1 too), forwards requests with the
administrator's, and does one fault at a time, to all requests or only to watches. Whoever has the token may ask.
"""

from __future__ import annotations

import contextlib
import http.client
import json
import re
import socket
import ssl
import struct
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import yaml

from k8s_tutor.clusters.native import names
from k8s_tutor.clusters.provider import Cluster
from k8s_tutor.kube.access import read_access

TOKEN = "the-test"
_HOP = {"connection", "transfer-encoding", "keep-alive", "authorization", "host", "content-length"}


@dataclass(frozen=True)
class Fault:
    """One fault. ``early``: in place of an answer. ``mid``: what becomes of a chunk of a body that was begun.

    ``mid`` returns the bytes that are sent in its place and whether the connection then ends (``"fin"``, ``"rst"``,
    ``"stall"``) or goes on (empty).
    """

    name: str
    says: str
    early: Callable[[Handler], None] | None = None
    mid: Callable[[bytes], tuple[bytes, str]] | None = None
    status: int = 0
    retry_after: float = 0.0


class Handler(BaseHTTPRequestHandler):
    """One connection."""

    protocol_version = "HTTP/1.1"
    proxy: FaultProxy
    body: bytes | None = None

    def setup(self) -> None:
        super().setup()
        self.proxy._came(self.connection)

    def finish(self) -> None:
        with contextlib.suppress(OSError):
            super().finish()

    def log_message(self, *_: object) -> None:
        pass

    def _serve(self) -> None:
        length = int(self.headers.get("Content-Length") or 0)
        self.body = self.rfile.read(length) if length else None
        proxy = self.proxy
        proxy._asked(self.command, self.path)
        if self.headers.get("Authorization") != f"Bearer {proxy.token}":
            self.refuse(401)
            return
        fault = proxy.fault_for(self.path)
        if fault is not None and fault.early is not None:
            fault.early(self)
            return
        self.forward()

    def do_GET(self) -> None:
        self._serve()

    def do_POST(self) -> None:
        self._serve()

    def do_PATCH(self) -> None:
        self._serve()

    def do_DELETE(self) -> None:
        self._serve()

    def forward(self) -> None:
        """Ask the API server and pass on what it says."""
        upstream = self.proxy.upstream()
        try:
            headers = {key: value for key, value in self.headers.items() if key.lower() not in _HOP}
            upstream.request(self.command, self.path, body=self.body, headers=headers)
            answer = upstream.getresponse()
            self.send_response_only(answer.status)
            for key, value in answer.getheaders():
                if key.lower() not in _HOP:
                    self.send_header(key, value)
            self.send_header("Transfer-Encoding", "chunked")
            self.end_headers()
            with self.proxy.following(upstream.sock):
                while piece := answer.read1(1 << 16):
                    if not self._piece(piece):
                        return
            self._piece(b"", last=True)
        except (OSError, http.client.HTTPException):
            self.end("rst")
        finally:
            upstream.close()

    def _piece(self, piece: bytes, *, last: bool = False) -> bool:
        """Send a chunk, or what the fault makes of it; false when that was the end."""
        fault = self.proxy.fault_for(self.path)
        then = ""
        if fault is not None and fault.mid is not None and piece:
            piece, then = fault.mid(piece)
        if piece or last:
            self.wfile.write(f"{len(piece):x}\r\n".encode() + piece + b"\r\n")
        if then:
            self.end(then)
        return not then

    def end(self, how: str) -> None:
        """End the connection: ``fin`` politely, ``rst`` hard, ``stall`` by saying nothing more until it is let go."""
        self.close_connection = True
        if how == "stall":
            self.proxy.released.wait(60)
        elif how == "rst":
            with contextlib.suppress(OSError):
                self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            _close(self.connection)
        else:
            with contextlib.suppress(OSError):
                socket.socket.shutdown(self.connection, socket.SHUT_WR)

    def refuse(self, code: int, headers: dict[str, str] | None = None) -> None:
        """Answer as the API server refuses."""
        status = {"kind": "Status", "apiVersion": "v1", "status": "Failure", "code": code}
        status |= {"reason": _REASONS.get(code, "Unknown"), "message": f"the fault proxy says {code}"}
        self.reply(code, json.dumps(status).encode(), "application/json", headers)

    def reply(self, code: int, body: bytes, kind: str, headers: dict[str, str] | None = None) -> None:
        """Answer with a body of a known length."""
        self.send_response_only(code)
        for key, value in {"Content-Type": kind, "Content-Length": str(len(body)), **(headers or {})}.items():
            self.send_header(key, value)
        self.end_headers()
        self.wfile.write(body)


_REASONS = {401: "Unauthorized", 403: "Forbidden", 410: "Expired", 429: "TooManyRequests", 500: "InternalError",
            503: "ServiceUnavailable"}  # fmt: skip


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 64

    def handle_error(self, *_: object) -> None:
        pass


@dataclass
class FaultProxy:
    """Listens on loopback until ``close``. ``asked``: (time, method, path) of every request that came."""

    cluster: Cluster
    folder: Path
    token: str = TOKEN
    fault: Fault | None = None
    watches_only: bool = False
    asked: list[tuple[float, str, str]] = field(default_factory=list)
    released: threading.Event = field(default_factory=threading.Event)

    def __post_init__(self) -> None:
        self._lock = threading.Lock()
        self._sockets: list[Any] = []
        self._following: set[Any] = set()
        self._access = read_access(self.cluster.kubeconfig)
        pki = names.node_dir(self.cluster.name, 1) / "etc" / "kubernetes" / "pki"
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(pki / "apiserver.crt", pki / "apiserver.key")
        handler = type("ProxyHandler", (Handler,), {"proxy": self})
        self._server = _Server(("127.0.0.1", 0), handler)
        self._server.socket = context.wrap_socket(self._server.socket, server_side=True, do_handshake_on_connect=False)
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05})
        self._thread.start()
        document = yaml.safe_load(self.cluster.kubeconfig.read_text())
        document["clusters"][0]["cluster"]["server"] = f"https://127.0.0.1:{self._server.server_address[1]}"
        document["users"][0]["user"] = {"token": self.token}
        self.kubeconfig = self.folder / "faults.kubeconfig"
        self.kubeconfig.write_text(yaml.safe_dump(document))

    def close(self) -> None:
        """Let everything go."""
        self.mend()
        self.released.set()
        self.cut()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def begin(self, fault: Fault, *, watches_only: bool = False) -> None:
        """From now on, until ``mend``."""
        self.watches_only, self.fault = watches_only, fault

    def mend(self) -> None:
        """No fault any more for what is asked from now on; who was left waiting still waits."""
        self.fault = None

    def cut(self) -> None:
        """Every connection that stands is reset."""
        with self._lock:
            sockets, self._sockets = self._sockets, []
            following, self._following = self._following, set()
        for each in (*sockets, *following):
            _close(each)

    def fault_for(self, path: str) -> Fault | None:
        fault = self.fault
        return None if fault is None or (self.watches_only and "watch=true" not in path) else fault

    def requests(self, pattern: str, since: float = 0.0) -> list[float]:
        """When requests for a path like this came (time.monotonic)."""
        with self._lock:
            return [at for at, _, path in self.asked if at >= since and re.search(pattern, path)]

    def upstream(self) -> http.client.HTTPSConnection:
        parts = urlsplit(self._access.server)
        return http.client.HTTPSConnection(parts.hostname or "", parts.port, context=self._access.tls, timeout=120)

    @contextmanager
    def following(self, sock: Any) -> Iterator[None]:
        """A connection to the API server that ``cut`` ends too."""
        with self._lock:
            self._following.add(sock)
        try:
            yield
        finally:
            with self._lock:
                self._following.discard(sock)

    def _came(self, connection: Any) -> None:
        with self._lock:
            self._sockets.append(connection)

    def _asked(self, method: str, path: str) -> None:
        with self._lock:
            self.asked.append((time.monotonic(), method, path))


def _close(sock: Any) -> None:
    with contextlib.suppress(OSError):
        socket.socket.shutdown(sock, socket.SHUT_RDWR)
    with contextlib.suppress(OSError):
        sock.close()


def _stall(handler: Handler) -> None:
    handler.end("stall")


def _refusing(code: int, headers: dict[str, str] | None = None) -> Callable[[Handler], None]:
    return lambda handler: handler.refuse(code, headers)


def _late(handler: Handler) -> None:
    handler.proxy.released.wait(1.0)
    handler.forward()


def _page(handler: Handler) -> None:
    handler.reply(200, b"<html><title>Sign in</title><body>to use this network</body></html>", "text/html")


def _page_502(handler: Handler) -> None:
    handler.reply(502, b"<html><h1>502 Bad Gateway</h1></html>", "text/html")


def _nothing(handler: Handler) -> None:
    handler.reply(200, b"", "application/json")


def _trickle(handler: Handler) -> None:
    handler.send_response_only(200)
    handler.send_header("Content-Type", "application/json")
    handler.send_header("Content-Length", "100000")
    handler.end_headers()
    with contextlib.suppress(OSError):
        while not handler.proxy.released.wait(0.05):
            handler.wfile.write(b" ")
    handler.close_connection = True


def _short(handler: Handler) -> None:
    handler.send_response_only(200)
    handler.send_header("Content-Type", "application/json")
    handler.send_header("Content-Length", "1000")
    handler.end_headers()
    handler.wfile.write(b'{"kind":"List","items":[]}')
    handler.end("fin")


def _expired(piece: bytes) -> tuple[bytes, str]:
    status = {"kind": "Status", "code": 410, "reason": "Expired", "message": "too old resource version"}
    return json.dumps({"type": "ERROR", "object": status}).encode() + b"\n", "fin"


def _garbled(piece: bytes) -> tuple[bytes, str]:
    return b"\x00\xff{not json}\n" + piece, ""


FAULTS = (
    Fault("drop", "no answer at all", early=_stall),
    Fault("delay", "every answer a second late", early=_late),
    Fault("half-close", "closed politely before an answer", early=lambda handler: handler.end("fin")),
    Fault("reset", "reset before an answer", early=lambda handler: handler.end("rst")),
    Fault("trickle", "a byte now and then, for ever", early=_trickle),
    Fault("short", "a whole document, but not all the bytes that were announced", early=_short),
    Fault("nothing", "200 and an empty body", early=_nothing),
    Fault("401", "credentials refused", early=_refusing(401), status=401),
    Fault("403", "not allowed", early=_refusing(403), status=403),
    Fault("410", "too old resource version, as HTTP status", early=_refusing(410), status=410),
    Fault("429", "too many requests, try again after 2 s", early=_refusing(429, {"Retry-After": "2"}), status=429,
          retry_after=2.0),
    Fault("500", "internal error", early=_refusing(500), status=500),
    Fault("503", "unavailable", early=_refusing(503), status=503),
    Fault("page", "a sign-in page with status 200", early=_page),
    Fault("502 page", "a load balancer's page", early=_page_502),
    Fault("truncate", "a body that ends politely half-way", mid=lambda piece: (piece[: len(piece) // 2], "fin")),
    Fault("reset within", "a body that is reset half-way", mid=lambda piece: (piece[: len(piece) // 2], "rst")),
    Fault("stall within", "a body that stops half-way and stays open",
          mid=lambda piece: (piece[: len(piece) // 2], "stall")),
    Fault("garbage", "bytes that are no JSON before the rest", mid=_garbled),
)  # fmt: skip
WATCH_FAULTS = (
    Fault("ERROR 410", "too old resource version, as an event of the watch", mid=_expired),
    Fault("endless line", "17 MiB without the end of a line", mid=lambda _piece: (b"x" * (17 << 20), "")),
    Fault("no object", "an event without an object", mid=lambda _piece: (b'{"type":"ADDED","object":7}\n', "")),
    Fault("unknown type", "an event of a type that nobody knows, then the rest",
          mid=lambda piece: (b'{"type":"MELTED","object":{"metadata":{"name":"x","uid":"y"}}}\n' + piece, "")),
)  # fmt: skip


@contextmanager
def faulty(cluster: Cluster, folder: Path) -> Iterator[FaultProxy]:
    """A proxy to this cluster, gone afterwards."""
    proxy = FaultProxy(cluster, folder)
    try:
        yield proxy
    finally:
        proxy.close()
