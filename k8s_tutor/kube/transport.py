"""HTTP to one API server, every wait bounded: connections kept for reuse, and streams that can be cut from outside.

The standard library's client, because it is loaded in a third of the time of urllib3, and because a watch
must be ended by shutting its socket down from another thread.
"""

from __future__ import annotations

import base64
import contextlib
import http.client
import json
import select
import socket
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar, cast
from urllib.parse import unquote, urlsplit

from k8s_tutor.kube.access import Access
from k8s_tutor.kube.errors import ApiUnreachable, Unauthorized, refused

CONNECT_TIMEOUT = 3.0
READ_TIMEOUT = 10.0
TOTAL_TIMEOUT = 30.0
BODY_LIMIT = 256 << 20
_LINE_LIMIT = 16 << 20
_IDLE_SECONDS = 45.0
_CHUNK = 1 << 16
USER_AGENT = "k8s-tutor"


@dataclass(frozen=True)
class Answer:
    """A whole answer: HTTP status, headers with lower-case names, body. ``cut``: the body went on past the limit."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    cut: bool = False


class Connection(http.client.HTTPConnection):
    """One connection, direct or through a proxy, with TLS or without; ``cut`` ends it from any thread."""

    def __init__(self, access: Access, connect_timeout: float = CONNECT_TIMEOUT) -> None:
        parts = urlsplit(access.server)
        default = 443 if access.tls else 80
        self._target = (parts.hostname or "", parts.port or default)
        super().__init__(*self._target, timeout=connect_timeout)
        self._access = access
        self._raw: socket.socket | None = None
        self._cut = False
        self.used_at = 0.0
        self.requests = 0

    def connect(self) -> None:
        """Open the socket; raises OSError (no route, refused, time-out, TLS) within the time-out for each part."""
        access = self._access
        proxy = urlsplit(access.proxy) if access.proxy else None
        host, port = (proxy.hostname or "", proxy.port or 80) if proxy else self._target
        self._raw = self._open(host, port)
        if proxy:
            self._tunnel_through(self._raw, proxy.username, proxy.password)
        if access.tls:
            name = access.tls_server_name or self._target[0]
            wrapped = access.tls.wrap_socket(self._raw, server_hostname=name, do_handshake_on_connect=False)
            self._raw = wrapped
            self._stop_if_cut()
            wrapped.do_handshake()
        self.sock = self._raw
        self._stop_if_cut()

    def _open(self, host: str, port: int) -> socket.socket:
        failure: OSError = OSError(f"{host} has no address")
        for family, kind, protocol, _, address in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM):
            attempt = socket.socket(family, kind, protocol)
            self._raw = attempt
            try:
                attempt.settimeout(self.timeout)
                attempt.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                attempt.connect(address)
                self._stop_if_cut()
                return attempt
            except OSError as error:
                attempt.close()
                self._stop_if_cut()
                failure = error
        raise failure

    def _stop_if_cut(self) -> None:
        if self._cut:
            raise ConnectionAbortedError("cut by us")

    def _tunnel_through(self, raw: socket.socket, user: str | None, password: str | None) -> None:
        host, port = self._target
        lines = [f"CONNECT {host}:{port} HTTP/1.1", f"Host: {host}:{port}"]
        if user:
            pair = f"{unquote(user)}:{unquote(password or '')}".encode()
            lines.append("Proxy-Authorization: Basic " + base64.b64encode(pair).decode())
        raw.sendall(("\r\n".join(lines) + "\r\n\r\n").encode())
        head = b""
        while b"\r\n\r\n" not in head and len(head) < _CHUNK:
            piece = raw.recv(1)
            if not piece:
                break
            head += piece
        status = head.split(b" ", 2)[1:2]
        if status != [b"200"]:
            raise OSError(f"the proxy refused: {head.splitlines()[:1]!r}")

    def cut(self) -> None:
        """End the connection: a thread that reads or connects returns at once with an error or the end."""
        self._cut = True
        raw = self._raw
        if raw is not None:
            # Not SSLSocket.shutdown, which would take the TLS state away under the reader's feet.
            with contextlib.suppress(OSError):
                socket.socket.shutdown(raw, socket.SHUT_RDWR)

    def close(self) -> None:
        """Close the socket, also one that was never connected."""
        super().close()
        # Kept in mind: where the answer ends with the connection, http.client closes this before the body is
        # read, the socket lives on below the answer, and ``cut`` must still find it.
        if self._raw is not None:
            with contextlib.suppress(OSError):
                self._raw.close()

    def silence(self, seconds: float) -> None:
        """Bound each wait for the other side from now on."""
        if self._raw is not None:
            self._raw.settimeout(seconds)

    @property
    def stale(self) -> bool:
        """Whether an idle connection was closed by the other side (or has something to say that nobody asked for)."""
        if self.sock is None or time.monotonic() - self.used_at > _IDLE_SECONDS:
            return True
        try:
            return bool(select.select([self.sock], [], [], 0)[0])
        except (OSError, ValueError):
            return True


class Transport:
    """Requests over a few kept connections; safe for many threads. Nothing is ever tried again by itself."""

    def __init__(self, access: Access) -> None:
        self.access = access
        self._idle: list[Connection] = []
        self._lock = threading.Lock()
        self._closed = False

    def request(
        self,
        method: str,
        target: str,
        *,
        headers: Mapping[str, str] | None = None,
        body: bytes | None = None,
        timeout: float = READ_TIMEOUT,
        limit: int = BODY_LIMIT,
    ) -> Answer:
        """Send one request and read the whole answer (at most ``limit`` bytes); ``timeout`` is for each silence.

        Raises ApiUnreachable when no whole HTTP answer came.
        """
        connection = self._take()
        keep = False
        try:
            if connection.sock is None:
                connection.connect()
            connection.silence(timeout)
            connection.request(method, target, body=body, headers=self._headers(headers))
            response = connection.getresponse()
            with contextlib.closing(response):
                received, cut = _read(response, limit)
            keep = not cut and not response.will_close
            return Answer(response.status, _lower(response), received, cut)
        except (OSError, http.client.HTTPException) as error:
            raise unreachable(self.access.server, error) from error
        finally:
            self._give_back(connection, keep)

    def connection(self) -> Connection:
        """A connection of one's own (a watch), not opened yet; whoever asked closes it."""
        return Connection(self.access)

    def target(self, path: str) -> str:
        """The request target of a path below the server's URL."""
        return f"{urlsplit(self.access.server).path}/{path.lstrip('/')}"

    def renew(self, access: Access) -> None:
        """Use this access from now on; connections made with the one before are let go."""
        self.access = access
        self.drop()

    def close(self) -> None:
        """Close the idle connections; a request that is still under way closes its own."""
        with self._lock:
            self._closed = True
        self.drop()

    def drop(self) -> None:
        """Close the idle connections: after a sleep they may lead nowhere."""
        with self._lock:
            idle, self._idle = self._idle, []
        for connection in idle:
            connection.close()

    def _headers(self, more: Mapping[str, str] | None) -> dict[str, str]:
        return head(self.access, more)

    def _take(self) -> Connection:
        while True:
            with self._lock:
                connection = self._idle.pop() if self._idle else None
            if connection is None:
                return Connection(self.access)
            if not connection.stale:
                return connection
            connection.close()

    def _give_back(self, connection: Connection, keep: bool) -> None:
        if keep:
            connection.used_at = time.monotonic()
            with self._lock:
                if not self._closed:
                    self._idle.append(connection)
                    return
        connection.close()


_Item = TypeVar("_Item")


class Stream:
    """A watch: iterate it in one thread, ``close`` it from any. Each item is one JSON object (a dict).

    Connects when iteration begins. Ends quietly when the server ends it or after ``close``; raises
    ApiUnreachable when the connection breaks, stays silent for ``read_timeout`` seconds or talks nonsense,
    ApiRefused when the server refuses. ``on_open`` is called once the server has accepted.
    """

    def __init__(
        self, transport: Transport, target: str, read_timeout: float, on_open: Callable[[], None] | None = None
    ) -> None:
        self._on_open = on_open
        self._connection = transport.connection()
        self._access = transport.access
        self._target = target
        self._read_timeout = read_timeout
        self._closed = False

    def __iter__(self) -> Iterator[dict[str, Any]]:
        return self._each(self._items)

    def pieces(self) -> Iterator[bytes]:
        """Text instead of objects (a followed log): whole lines, as many as came together. Raises as iteration does."""
        return self._each(self._lines)

    def _each(self, read: Callable[[http.client.HTTPResponse], Iterator[_Item]]) -> Iterator[_Item]:
        try:
            response = self._open()
            if self._on_open is not None:
                self._on_open()
            with contextlib.closing(response):
                yield from read(response)
        except (OSError, http.client.HTTPException, ValueError) as error:
            if not self._closed:
                raise unreachable(self._access.server, error) from error
        except ApiUnreachable:
            if not self._closed:
                raise
        finally:
            self._connection.close()

    def close(self) -> None:
        """End the watch at once."""
        self._closed = True
        self._connection.cut()

    def _open(self) -> http.client.HTTPResponse:
        connection = self._connection
        connection.connect()
        connection.silence(READ_TIMEOUT)
        connection.request("GET", self._target, headers=head(self._access, None))
        response = connection.getresponse()
        if response.status != 200:
            with contextlib.closing(response):
                body, cut = _read(response, _LINE_LIMIT)
            raise_for(self._access, Answer(response.status, _lower(response), body, cut))
        connection.silence(self._read_timeout)
        return response

    def _lines(self, response: http.client.HTTPResponse) -> Iterator[bytes]:
        rest = b""
        while not self._closed:
            piece = response.read1(_CHUNK)
            if not piece:
                break
            whole, end, rest = (rest + piece).rpartition(b"\n")
            if len(rest) > _LINE_LIMIT:
                whole, end, rest = rest, b"\n", b""
            if end:
                yield whole
        if rest and not self._closed:
            yield rest

    def _items(self, response: http.client.HTTPResponse) -> Iterator[dict[str, Any]]:
        rest = b""
        while not self._closed:
            piece = response.read1(_CHUNK)
            if not piece:
                break
            *lines, rest = (rest + piece).split(b"\n")
            if len(rest) > _LINE_LIMIT:
                raise ValueError("a line of the watch is too long")
            for line in lines:
                if line.strip():
                    item = json.loads(line)
                    if not isinstance(item, dict):
                        raise ValueError("the watch sent something that is no object")
                    yield item
        if rest.strip() and not self._closed:
            raise ValueError("the watch broke off in the middle of an object")


def head(access: Access, more: Mapping[str, str] | None) -> dict[str, str]:
    """The headers of every request, and ``more``."""
    headers = {"User-Agent": USER_AGENT, "Accept": "application/json", "Accept-Encoding": "identity"}
    if access.authorization:
        headers["Authorization"] = access.authorization
    return {**headers, **(more or {})}


def raise_for(access: Access, answer: Answer) -> None:
    """Raise ApiRefused for an error that Kubernetes itself sent, ApiUnreachable for one that something else sent."""
    server = access.server
    told = parse(server, answer) if "json" in answer.headers.get("content-type", "") else None
    # The API server's own short refusals (401, 404 of an unknown path, 429) can be plain text; a page is not.
    if told is None and "html" in answer.headers.get("content-type", "html"):
        raise ApiUnreachable(f"{server} answered {answer.status} with a page that is no Kubernetes answer")
    if answer.status == 401:
        raise Unauthorized(str(access.kubeconfig))
    text = answer.body[:2000].decode("utf-8", "replace").strip()
    body = told if isinstance(told, dict) and told.get("kind") == "Status" else {"message": text}
    raise refused(answer.status, body, _retry_after(answer))


def parse(server: str, answer: Answer) -> Any:
    """The JSON of an answer. Raises ApiUnreachable when it is none, or not all of it."""
    kind = answer.headers.get("content-type", "")
    if "json" not in kind:
        raise ApiUnreachable(f"{server} answered {answer.status} with {kind or 'no type'!r}, not with JSON")
    if answer.cut:
        raise ApiUnreachable(f"{server} answered with more than {BODY_LIMIT >> 20} MiB")
    try:
        return json.loads(answer.body)
    except ValueError as error:
        raise ApiUnreachable(f"{server} answered with broken JSON: {error}") from error


def unreachable(server: str, error: Exception) -> ApiUnreachable:
    """The exception for a failed connection or transfer, in words."""
    if isinstance(error, TimeoutError):
        why = "it did not answer in time"
    elif isinstance(error, ConnectionRefusedError):
        why = "nothing listens there (connection refused)"
    elif isinstance(error, http.client.IncompleteRead):
        why = "the answer broke off"
    else:
        why = str(error) or type(error).__name__
    return ApiUnreachable(f"the API server at {server} cannot be reached: {why}"[:600])


def _read(response: http.client.HTTPResponse, limit: int) -> tuple[bytes, bool]:
    """The body up to ``limit`` bytes, and whether there was more. Raises when it breaks off or drips for ever."""
    deadline = time.monotonic() + TOTAL_TIMEOUT
    pieces: list[bytes] = []
    size = 0
    while True:
        # read1 returns what is there: a peer that sends a byte now and then cannot hold us past the deadline.
        piece = response.read1(_CHUNK)
        if not piece:
            break
        pieces.append(piece)
        size += len(piece)
        if size > limit:
            return b"".join(pieces)[:limit], True
        if time.monotonic() > deadline:
            raise TimeoutError("the answer takes too long")
    left = cast("int | None", getattr(response, "length", None))
    if left:
        raise http.client.IncompleteRead(b"", left)
    return b"".join(pieces), False


def _lower(response: http.client.HTTPResponse) -> dict[str, str]:
    return {name.lower(): value for name, value in response.getheaders()}


def _retry_after(answer: Answer) -> float | None:
    try:
        return max(0.0, min(float(answer.headers.get("retry-after", "")), 60.0))
    except ValueError:
        return None
