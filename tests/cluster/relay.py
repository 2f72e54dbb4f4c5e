"""A TCP relay on loopback between a kubeconfig and its API server, which a test can let fall silent or die."""

from __future__ import annotations

import contextlib
import socket
import threading
from dataclasses import replace
from pathlib import Path
from urllib.parse import urlsplit

import yaml

from k8s_tutor.clusters.provider import Cluster


class Relay:
    """Carries bytes both ways. ``die``: every connection is cut and new ones are refused. ``revive``: as before."""

    def __init__(self, host: str, port: int) -> None:
        self._target = (host, port)
        self._lock = threading.Lock()
        self._pairs: list[tuple[socket.socket, socket.socket]] = []
        self._server: socket.socket | None = None
        self.port = 0
        self.carried = 0
        self.changed = threading.Condition()
        self.revive()

    def revive(self) -> None:
        server = socket.create_server(("127.0.0.1", self.port), backlog=64)
        self.port = server.getsockname()[1]
        self._server = server
        threading.Thread(target=self._accept, args=(server,), daemon=True).start()

    def die(self) -> None:
        server, self._server = self._server, None
        if server is not None:
            # Shutting down wakes accept(); closing alone leaves it listening until the next connection.
            with contextlib.suppress(OSError):
                server.shutdown(socket.SHUT_RDWR)
            server.close()
        with self._lock:
            pairs, self._pairs = self._pairs, []
        for pair in pairs:
            for end in pair:
                with contextlib.suppress(OSError):
                    end.shutdown(socket.SHUT_RDWR)
                end.close()

    def await_connections(self, number: int, seconds: float = 30) -> None:
        with self.changed:
            assert self.changed.wait_for(lambda: self.carried >= number, seconds), f"only {self.carried} connections"

    def _accept(self, server: socket.socket) -> None:
        while True:
            try:
                near, _ = server.accept()
                far = socket.create_connection(self._target, timeout=5)
            except OSError:
                return
            far.settimeout(None)
            with self._lock:
                self._pairs.append((near, far))
            with self.changed:
                self.carried += 1
                self.changed.notify_all()
            for source, sink in ((near, far), (far, near)):
                threading.Thread(target=_carry, args=(source, sink), daemon=True).start()


def _carry(source: socket.socket, sink: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while data := source.recv(65536):
            sink.sendall(data)
    for end in (source, sink):
        with contextlib.suppress(OSError):
            end.shutdown(socket.SHUT_RDWR)


def relayed(cluster: Cluster, folder: Path, *, context: str = "") -> tuple[Cluster, Relay]:
    """The cluster as seen through a relay, with a kubeconfig of its own in ``folder``."""
    parts = urlsplit(cluster.server)
    assert parts.hostname is not None
    relay = Relay(parts.hostname, parts.port or 443)
    document = yaml.safe_load(cluster.kubeconfig.read_text())
    held = document["clusters"][0]["cluster"]
    held["tls-server-name"] = parts.hostname
    held["server"] = f"https://127.0.0.1:{relay.port}"
    if context:
        document["contexts"][0]["name"] = context
        document["current-context"] = context
    path = folder / "relayed.kubeconfig"
    path.write_text(yaml.safe_dump(document))
    return replace(cluster, kubeconfig=path, server=held["server"]), relay
