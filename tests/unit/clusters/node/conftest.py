from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from node_helpers import Site

from k8s_tutor.clusters.node.work import Work
from k8s_tutor.phases import Phase


@pytest.fixture
def site() -> Iterator[Site]:
    site = Site()
    thread = threading.Thread(target=site.server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    yield site
    site.server.shutdown()
    site.server.server_close()
    thread.join()


@pytest.fixture
def phases() -> list[Phase]:
    return []


@pytest.fixture
def work(tmp_path: Path, phases: list[Phase]) -> Work:
    return Work(phases.append, tmp_path / "logs")
