from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from loopback_api import LoopbackApi

from k8s_tutor.kube.client import Api, connect


@pytest.fixture
def server() -> Iterator[LoopbackApi]:
    made = LoopbackApi()
    yield made
    made.close()


@pytest.fixture
def api(server: LoopbackApi, tmp_path: Path) -> Iterator[Api]:
    made = connect(server.kubeconfig(tmp_path))
    yield made
    made.close()


def sockets(server: LoopbackApi) -> int:
    """How many sockets we hold that lead to this server (its own ends are not counted)."""
    port = f":{server.port:04X}"
    rows = [line.split() for line in Path("/proc/self/net/tcp").read_text().splitlines()[1:]]
    return sum(1 for row in rows if row[2].endswith(port) and row[9] != "0")


def client_threads() -> list[str]:
    return [item.name for item in threading.enumerate() if item.name.startswith(("watch-", "probe", "list"))]


def eventually(test, seconds: float = 10.0) -> None:  # type: ignore[no-untyped-def]
    """Wait until the fact is there; fail when it does not come."""
    until = time.monotonic() + seconds
    while not test():
        assert time.monotonic() < until, "it did not come true in time"
        threading.Event().wait(0.005)
