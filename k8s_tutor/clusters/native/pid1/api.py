"""The API server as PID 1 asks it: plain HTTPS with the cluster's own certificates, no program started."""

from __future__ import annotations

import base64
import http.client
import json
import os
import re
import ssl
import threading
from pathlib import Path
from typing import Any

_FIELD = re.compile(r"^\s*(certificate-authority-data|client-certificate-data|client-key-data):\s*(\S+)\s*$", re.M)


class Api:
    """One connection to an API server; made anew after each failure."""

    def __init__(self, host: str, port: int, context: ssl.SSLContext, timeout: float = 2.0) -> None:
        self._address = (host, port)
        self._context = context
        self._timeout = timeout
        self._connection: http.client.HTTPSConnection | None = None

    def call(self, method: str, path: str, body: Any = None, kind: str = "application/json") -> tuple[int, Any]:
        """Send a request; the status and the decoded answer (its text where it is not JSON).

        Raises OSError, http.client.HTTPException.
        """
        if self._connection is None:
            host, port = self._address
            self._connection = http.client.HTTPSConnection(host, port, timeout=self._timeout, context=self._context)
        try:
            payload = None if body is None else json.dumps(body)
            self._connection.request(method, path, payload, {"Content-Type": kind, "User-Agent": "k8s-tutor"})
            answer = self._connection.getresponse()
            raw = answer.read()
        except (OSError, http.client.HTTPException):
            self.close()
            raise
        text = raw.decode("utf-8", "replace")
        try:
            return answer.status, json.loads(text)
        except ValueError:
            return answer.status, text

    def ok(self, path: str) -> bool:
        """Whether a GET is answered with 200; false also when nobody answers."""
        try:
            return self.call("GET", path)[0] == http.client.OK
        except (OSError, http.client.HTTPException):
            return False

    def close(self) -> None:
        """End the connection."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None


def credentials(kubeconfig: str) -> dict[str, str]:
    """The embedded certificates and key (base64) of a kubeconfig that kubeadm wrote, by field name."""
    return {match[1]: match[2] for match in _FIELD.finditer(kubeconfig)}


def context_of(kubeconfig: Path, scratch: Path) -> ssl.SSLContext:
    """A TLS context with a kubeconfig's certificates; a private file beside ``scratch`` holds the key for a moment.

    Raises OSError, KeyError when the file is not (yet) whole.
    """
    found = credentials(kubeconfig.read_text(encoding="utf-8"))
    authority = base64.b64decode(found["certificate-authority-data"]).decode("ascii")
    pair = base64.b64decode(found["client-certificate-data"]) + base64.b64decode(found["client-key-data"])
    context = ssl.create_default_context(cadata=authority)
    # Several may ask at once: each has a file of its own.
    scratch = scratch.with_name(f"{scratch.name}.{os.getpid()}-{threading.get_ident()}")
    scratch.touch(mode=0o600)
    scratch.write_bytes(pair)
    try:
        context.load_cert_chain(scratch)
    finally:
        scratch.unlink()
    return context


def unchecked_context() -> ssl.SSLContext:
    """For the health of a local component with a certificate that it signed itself."""
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context
