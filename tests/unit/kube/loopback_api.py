"""A test double: a loopback HTTP server that speaks just enough of the API to be watched, and misbehaves on demand."""

from __future__ import annotations

import contextlib
import json
import socket
import struct
import threading
import time
from collections import deque
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

Fault = Callable[["Handler"], None]


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Server

    def handle(self) -> None:
        with contextlib.suppress(OSError):
            super().handle()

    def log_message(self, *_args: Any) -> None:
        pass

    def _serve(self) -> None:
        parts = urlsplit(self.path)
        self.is_pods = parts.path.endswith("/pods")
        query = {key: values[0] for key, values in parse_qs(parts.query).items()}
        length = int(self.headers.get("Content-Length") or 0)
        self.body = self.rfile.read(length)
        api = self.server.api
        with api.changed:
            api.seen.append((self.command, parts.path, query, dict(self.headers), self.body))
            api.changed.notify_all()
            fault = api.faults.popleft() if api.faults and parts.path.startswith(api.faulty) else None
        if fault is not None:
            fault(self)
            return
        route = api.routes.get((self.command, parts.path))
        if route is not None:
            route(self)
        elif query.get("watch") == "true":
            self._watch(query)
        elif self.command == "GET" and parts.path == "/livez":
            self.answer(200, b"ok", "text/plain")
        elif self.command == "GET":
            with api.changed:
                items, version = (list(api.objects.values()) if self.is_pods else []), str(api.version)
            self.json(200, {"kind": "List", "metadata": {"resourceVersion": version}, "items": items})
        else:
            self.status(404, "NotFound", "no such thing")

    do_GET = do_POST = do_PATCH = do_DELETE = _serve  # noqa: N815 - the base class names them

    def answer(self, status: int, body: bytes, kind: str, **headers: str) -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()
        self.wfile.write(body)

    def json(self, status: int, body: Any, **headers: str) -> None:
        self.answer(status, json.dumps(body).encode(), "application/json", **headers)

    def status(self, code: int, reason: str, message: str, details: Any = None, **headers: str) -> None:
        told = {"kind": "Status", "code": code, "reason": reason, "message": message, "details": details or {}}
        self.json(code, told, **headers)

    def chunk(self, text: str) -> None:
        data = text.encode()
        self.wfile.write(f"{len(data):x}\r\n".encode() + data + b"\r\n")

    def open_stream(self) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()

    def event(self, kind: str, obj: Any) -> None:
        self.chunk(json.dumps({"type": kind, "object": obj}) + "\n")

    def end_stream(self) -> None:
        self.wfile.write(b"0\r\n\r\n")

    def _watch(self, query: dict[str, str]) -> None:
        api = self.server.api
        listing = query.get("sendInitialEvents") == "true"
        if listing and not api.streaming_lists:
            self.status(422, "Invalid", "sendInitialEvents: Forbidden")
            return
        with api.changed:
            since = int(query.get("resourceVersion") or 0)
            if not listing and since < api.oldest:
                self.open_stream()
                self.event("ERROR", {"kind": "Status", "code": 410, "reason": "Expired", "message": "too old"})
                self.end_stream()
                return
            initial = list(api.objects.values()) if listing and self.is_pods else []
            since = api.version if listing else since
            epoch = api.epoch
        self.open_stream()
        for obj in initial:
            self.event("ADDED", obj)
        if listing:
            annotations = {"k8s.io/initial-events-end": "true"}
            self.event("BOOKMARK", {"metadata": {"resourceVersion": str(since), "annotations": annotations}})
        while True:
            with api.changed:
                while not (api.version > since or api.epoch != epoch or api.stopped):
                    api.changed.wait(30)
                epoch = api.epoch
                news = [item for item in api.events if item[0] > since and self.is_pods]
                since, stopped, interrupt = api.version, api.stopped, api.interrupt if self.is_pods else None
            for _, kind, obj in news:
                self.event(kind, obj)
            if interrupt is not None:
                with api.changed:
                    api.interrupt = None
                interrupt(self)
                return
            if stopped:
                self.end_stream()
                return


class Server(ThreadingHTTPServer):
    daemon_threads = True
    api: LoopbackApi

    def handle_error(self, *_args: Any) -> None:
        pass


class LoopbackApi:
    """Holds objects that every path ending in ``/pods`` lists or watches; every other path has none."""

    def __init__(self, *, streaming_lists: bool = True) -> None:
        self.streaming_lists = streaming_lists
        self.changed = threading.Condition()
        self.objects: dict[str, dict[str, Any]] = {}
        self.events: list[tuple[int, str, dict[str, Any]]] = []
        self.version = 10
        self.oldest = 0
        self.epoch = 0
        self.stopped = False
        self.interrupt: Fault | None = None
        self.faults: deque[Fault] = deque()
        self.faulty = "/"
        self.routes: dict[tuple[str, str], Fault] = {}
        self.seen: list[tuple[str, str, dict[str, str], dict[str, str], bytes]] = []
        self._server = Server(("127.0.0.1", 0), Handler)
        self._server.api = self
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True)
        self._thread.start()

    @property
    def port(self) -> int:
        return int(self._server.server_address[1])

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def put(self, name: str, uid: str = "", **more: Any) -> dict[str, Any]:
        with self.changed:
            self.version += 1
            known = name in self.objects
            obj = {
                "metadata": {"name": name, "uid": uid or f"uid-{name}", "resourceVersion": str(self.version)},
                **more,
            }
            self.objects[name] = obj
            self.events.append((self.version, "MODIFIED" if known else "ADDED", obj))
            self.changed.notify_all()
            return obj

    def remove(self, name: str) -> None:
        with self.changed:
            self.version += 1
            obj = dict(self.objects.pop(name))
            obj["metadata"] = {**obj["metadata"], "resourceVersion": str(self.version)}
            self.events.append((self.version, "DELETED", obj))
            self.changed.notify_all()

    def forget_history(self) -> None:
        """From now on an older resourceVersion is 410 Gone."""
        with self.changed:
            self.oldest = self.version
            self.events.clear()

    def break_watches(self, how: Fault) -> None:
        """Let the running watch end so."""
        with self.changed:
            self.interrupt = how
            self.epoch += 1
            self.changed.notify_all()

    def wait_request(self, test: Callable[[tuple[str, str, dict[str, str], dict[str, str], bytes]], bool]) -> None:
        with self.changed:
            assert self.changed.wait_for(lambda: any(test(item) for item in self.seen), 10)

    def kubeconfig(self, folder: Path, user: dict[str, Any] | None = None, **cluster: Any) -> Path:
        path = folder / "kubeconfig"
        path.write_text(
            json.dumps(
                {
                    "current-context": "test",
                    "contexts": [{"name": "test", "context": {"cluster": "c", "user": "u", "namespace": "learner"}}],
                    "clusters": [{"name": "c", "cluster": {"server": self.url, **cluster}}],
                    "users": [{"name": "u", "user": user or {}}],
                }
            )
        )
        return path

    def close(self) -> None:
        with self.changed:
            self.stopped = True
            self.changed.notify_all()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(5)


def reset(handler: Handler) -> None:
    """A reset connection instead of an answer."""
    handler.close_connection = True
    handler.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    handler.connection.close()


def half_closed(handler: Handler) -> None:
    """The connection ends where an answer should begin."""
    handler.close_connection = True
    handler.connection.shutdown(socket.SHUT_RDWR)


def truncated(handler: Handler) -> None:
    """Fewer bytes than announced."""
    handler.close_connection = True
    handler.send_response(200)
    handler.send_header("Content-Type", "application/json")
    handler.send_header("Content-Length", "1000")
    handler.end_headers()
    handler.wfile.write(b'{"items": [')
    handler.wfile.flush()
    handler.connection.shutdown(socket.SHUT_RDWR)


def page(handler: Handler) -> None:
    """A web page, as a captive portal or a proxy sends it."""
    handler.answer(200, b"<html><body>log in</body></html>", "text/html")


def error_page(handler: Handler) -> None:
    handler.answer(502, b"<html>bad gateway</html>", "text/html")


def broken_json(handler: Handler) -> None:
    handler.answer(200, b'{"items": [', "application/json")


def busy(handler: Handler) -> None:
    handler.status(429, "TooManyRequests", "later", Retry_After="0")


def sockets(server: LoopbackApi) -> int:
    """How many sockets we hold that lead to this server (its own ends are not counted)."""
    port = f":{server.port:04X}"
    rows = [line.split() for line in Path("/proc/self/net/tcp").read_text().splitlines()[1:]]
    return sum(1 for row in rows if row[2].endswith(port) and row[9] != "0")


def client_threads() -> list[str]:
    return [item.name for item in threading.enumerate() if item.name.startswith(("watch-", "probe", "list"))]


def eventually(test: Callable[[], object], seconds: float = 10.0) -> None:
    """Wait until the fact is there; fail when it does not come."""
    until = time.monotonic() + seconds
    while not test():
        assert time.monotonic() < until, "it did not come true in time"
        threading.Event().wait(0.005)
