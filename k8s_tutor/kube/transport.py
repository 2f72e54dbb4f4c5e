"""HTTP to one API server, every wait bounded: whole answers over connections that are kept for reuse.

The standard library's client, because it is loaded in a third of the time of urllib3, and because a watch
must be ended by shutting its socket down from another thread.
"""

from __future__ import annotations

import contextlib
import http.client
import json
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, cast
from urllib.parse import urlsplit

from k8s_tutor.kube.access import Access
from k8s_tutor.kube.errors import ApiUnreachable, Unauthorized, refused
from k8s_tutor.kube.wire import Connection

READ_TIMEOUT = 10.0
TOTAL_TIMEOUT = 30.0
BODY_LIMIT = 256 << 20
_CHUNK = 1 << 16
USER_AGENT = "k8s-tutor"


@dataclass(frozen=True)
class Answer:
    """A whole answer: HTTP status, headers with lower-case names, body. ``cut``: the body went on past the limit."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    cut: bool = False


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
        total: float | None = None,
    ) -> Answer:
        """Send one request and read the whole answer (at most ``limit`` bytes); ``timeout`` is for each silence.

        ``total``: seconds for a body that drips (TOTAL_TIMEOUT).

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
                received, cut = read_body(response, limit, total)
            keep = not cut and not response.will_close
            return Answer(response.status, lower(response), received, cut)
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

    def _headers(self, more: Mapping[str, str] | None) -> Headers:
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


class Headers(dict[str, str]):
    """Headers of which some are sent several times (``repeated``): http.client reads them by ``items`` alone."""

    repeated: tuple[tuple[str, str], ...] = ()

    def items(self) -> Any:
        """All of them, one after the other."""
        return (*super().items(), *self.repeated)


def head(access: Access, more: Mapping[str, str] | None) -> Headers:
    """The headers of every request, and ``more``."""
    headers = Headers({"User-Agent": USER_AGENT, "Accept": "application/json", "Accept-Encoding": "identity"})
    if access.authorization:
        headers["Authorization"] = access.authorization
    headers.update(more or {})
    headers.repeated = access.impersonate
    return headers


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


def read_body(response: http.client.HTTPResponse, limit: int, total: float | None = None) -> tuple[bytes, bool]:
    """The body up to ``limit`` bytes, and whether there was more. Raises when it breaks off or drips for ever."""
    deadline = time.monotonic() + (TOTAL_TIMEOUT if total is None else total)
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


def lower(response: http.client.HTTPResponse) -> dict[str, str]:
    """The headers of a response, their names in lower case."""
    return {name.lower(): value for name, value in response.getheaders()}


def _retry_after(answer: Answer) -> float | None:
    try:
        return max(0.0, min(float(answer.headers.get("retry-after", "")), 60.0))
    except ValueError:
        return None
