"""One connection to an API server: direct or through a proxy, and cut from any thread."""

from __future__ import annotations

import base64
import contextlib
import http.client
import select
import socket
import time
from urllib.parse import unquote, urlsplit

from k8s_tutor.kube.access import Access

CONNECT_TIMEOUT = 3.0
_IDLE_SECONDS = 45.0
_LONGEST_HEAD = 1 << 16


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
        host = f"[{host}]" if ":" in host else host
        lines = [f"CONNECT {host}:{port} HTTP/1.1", f"Host: {host}:{port}"]
        if user:
            pair = f"{unquote(user)}:{unquote(password or '')}".encode()
            lines.append("Proxy-Authorization: Basic " + base64.b64encode(pair).decode())
        raw.sendall(("\r\n".join(lines) + "\r\n\r\n").encode())
        head = b""
        while b"\r\n\r\n" not in head and len(head) < _LONGEST_HEAD:
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
