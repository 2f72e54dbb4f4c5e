"""Answers that do not end: watches and followed logs, cut from any thread."""

from __future__ import annotations

import contextlib
import http.client
import json
from collections.abc import Callable, Iterator
from typing import Any, TypeVar, cast

from k8s_tutor.kube.errors import ApiUnreachable
from k8s_tutor.kube.transport import READ_TIMEOUT, Answer, Transport, head, lower, raise_for, read_body, unreachable

_LINE_LIMIT = 16 << 20
_CHUNK = 1 << 16
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
                body, cut = read_body(response, _LINE_LIMIT)
            raise_for(self._access, Answer(response.status, lower(response), body, cut))
        if "html" in (response.getheader("Content-Type") or ""):
            response.close()
            raise ApiUnreachable(f"{self._access.server} answered with a page that is no Kubernetes answer")
        connection.silence(self._read_timeout)
        return response

    def _lines(self, response: http.client.HTTPResponse) -> Iterator[bytes]:
        rest = b""
        for whole, rest in self._whole(response, cut=True):  # noqa: B007 - the last rest is what follows the last line
            if whole:
                yield whole
        if rest and not self._closed:
            yield rest

    def _items(self, response: http.client.HTTPResponse) -> Iterator[dict[str, Any]]:
        rest = b""
        for whole, rest in self._whole(response, cut=False):  # noqa: B007 - likewise
            for line in whole.split(b"\n"):
                if line.strip():
                    item = json.loads(line)
                    if not isinstance(item, dict):
                        raise ValueError("the watch sent something that is no object")
                    yield item
        if rest.strip() and not self._closed:
            raise ValueError("the watch broke off in the middle of an object")

    def _whole(self, response: http.client.HTTPResponse, *, cut: bool) -> Iterator[tuple[bytes, bytes]]:
        """Whole lines as they come, together, and what follows them; the last time also the beginning of one.

        A line without an end is cut at 16 MiB, or raises ValueError. Each byte is looked at once, however it comes.
        """
        parts: list[bytes] = []
        size = 0
        while not self._closed:
            piece = response.read1(_CHUNK)
            if not piece:
                break
            head, end, tail = piece.rpartition(b"\n")
            if end:
                yield b"".join((*parts, head)), b""
                parts, size = [], 0
            parts.append(tail)
            size += len(tail)
            if size > _LINE_LIMIT:
                if not cut:
                    raise ValueError("a line of the watch is too long")
                yield b"".join(parts), b""
                parts, size = [], 0
        left = cast("int | None", getattr(response, "length", None))
        if left and not self._closed:
            raise http.client.IncompleteRead(b"", left)
        yield b"", b"".join(parts)
