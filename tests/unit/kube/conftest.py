from __future__ import annotations

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
