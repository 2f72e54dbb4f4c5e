from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from loopback_api import Handler, LoopbackApi, busy, page, reset

from k8s_tutor.kube import schema_store
from k8s_tutor.kube.client import Api
from k8s_tutor.kube.schema_store import SchemaStore

INDEX = "/openapi/v3"


class Clock:
    """A monotonic clock that a test turns."""

    def __init__(self) -> None:
        self.now = 1_000.0

    def monotonic(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    made = Clock()
    monkeypatch.setattr(schema_store, "time", made)
    return made


def serve(server: LoopbackApi, **hashes: str) -> None:
    """An index with these versions (``apps_v1="hash"``), and a document for each that names its hash."""

    def index(handler: Handler) -> None:
        paths = {
            path(name): {"serverRelativeURL": f"{INDEX}/{path(name)}?hash={mark}"} for name, mark in hashes.items()
        }
        handler.json(200, {"paths": {**paths, "version": {"serverRelativeURL": "/openapi/v3/version"}}})

    server.routes["GET", INDEX] = index
    for name, mark in hashes.items():
        server.routes["GET", f"{INDEX}/{path(name)}"] = document(mark)


def path(name: str) -> str:
    return f"apis/{name.replace('_', '/')}" if "_" in name else f"api/{name}"


def document(mark: str) -> Callable[[Handler], None]:
    return lambda handler: handler.json(200, {"components": {"schemas": {"mark": {"description": mark}}}})


def asked(server: LoopbackApi) -> list[str]:
    return [seen[1] for seen in server.seen]


def marks(found: Any) -> dict[str, str]:
    return {version: raw["mark"]["description"] for version, raw in found.documents.items()}


def test_a_document_is_read_once_and_the_next_start_reads_the_disk(
    api: Api, server: LoopbackApi, tmp_path: Path, clock: Clock
) -> None:
    serve(server, v1="a", apps_v1="b")
    store = SchemaStore(api, tmp_path)
    assert store.known().documents == {} and store.known().versions is None
    for _ in range(2):
        found = store.wanted(["apps/v1", "apps/v1"])
        assert marks(found) == {"apps/v1": "b"} and found.versions == {"v1", "apps/v1"}
    assert asked(server) == [INDEX, f"{INDEX}/apis/apps/v1"]
    assert server.seen[-1][2] == {"hash": "b"}
    assert store.known().documents == found.documents
    again = SchemaStore(api, tmp_path).wanted(["apps/v1"])
    assert marks(again) == {"apps/v1": "b"}
    assert asked(server)[2:] == [INDEX]
    (file,) = tmp_path.rglob("*.json")
    assert file.stat().st_mode & 0o777 == 0o600


def test_another_hash_is_another_document(api: Api, server: LoopbackApi, tmp_path: Path, clock: Clock) -> None:
    serve(server, v1="a")
    store = SchemaStore(api, tmp_path)
    store.wanted(["v1"])
    serve(server, v1="b")
    clock.now += schema_store.INDEX_SECONDS - 0.1
    assert marks(store.wanted(["v1"])) == {"v1": "a"}, "an index is good for a while"
    clock.now += 0.2
    assert marks(store.wanted(["v1"])) == {"v1": "b"}


def test_what_was_deleted_on_the_server_is_known_no_more(
    api: Api, server: LoopbackApi, tmp_path: Path, clock: Clock
) -> None:
    serve(server, v1="a", my_v1="m")
    store = SchemaStore(api, tmp_path)
    assert set(store.wanted(["v1", "my/v1"]).documents) == {"v1", "my/v1"}
    serve(server, v1="a")
    clock.now += schema_store.INDEX_SECONDS
    found = store.wanted(["v1"])
    assert set(found.documents) == {"v1"} and found.versions == {"v1"}


def test_what_is_missing_is_looked_for_again_soon(api: Api, server: LoopbackApi, tmp_path: Path, clock: Clock) -> None:
    serve(server, v1="a")
    store = SchemaStore(api, tmp_path)
    assert store.wanted(["my/v1"]).documents == {}
    serve(server, v1="a", my_v1="m")
    clock.now += schema_store.MISSING_SECONDS - 0.1
    assert store.wanted(["my/v1"]).documents == {}
    clock.now += 0.2
    assert marks(store.wanted(["my/v1"])) == {"my/v1": "m"}


@pytest.mark.parametrize("fault", [reset, page, busy])
def test_a_server_in_trouble_is_left_alone_and_what_is_known_stays(
    api: Api, server: LoopbackApi, tmp_path: Path, clock: Clock, fault: Callable[[Handler], None]
) -> None:
    serve(server, v1="a", apps_v1="b")
    store = SchemaStore(api, tmp_path)
    store.wanted(["v1"])
    server.faulty = f"{INDEX}/apis/apps/v1"
    server.faults.extend([fault] * 8)
    assert marks(store.wanted(["v1", "apps/v1"])) == {"v1": "a"}
    number = len(server.seen)
    clock.now += schema_store.AFTER_TROUBLE - 0.1
    assert marks(store.wanted(["apps/v1"])) == {"v1": "a"}
    assert len(server.seen) == number
    server.faults.clear()
    clock.now += 0.2
    assert marks(store.wanted(["apps/v1"])) == {"v1": "a", "apps/v1": "b"}


def test_a_spoilt_copy_on_disk_is_asked_for_again(api: Api, server: LoopbackApi, tmp_path: Path, clock: Clock) -> None:
    serve(server, v1="a")
    SchemaStore(api, tmp_path).wanted(["v1"])
    (file,) = tmp_path.rglob("*.json")
    for text in ("{", "[]", "{}"):
        file.write_text(text)
        assert marks(SchemaStore(api, tmp_path).wanted(["v1"])) == {"v1": "a"}
        assert json.loads(file.read_text())["mark"] == {"description": "a"}


def test_a_server_of_another_address_has_a_folder_of_its_own(
    api: Api, server: LoopbackApi, tmp_path: Path, clock: Clock
) -> None:
    serve(server, v1="a")
    SchemaStore(api, tmp_path).wanted(["v1"])
    other = LoopbackApi()
    try:
        from k8s_tutor.kube.client import connect

        serve(other, v1="a")
        other.routes["GET", f"{INDEX}/api/v1"] = document("lie")
        there = connect(other.kubeconfig(tmp_path))
        assert marks(SchemaStore(there, tmp_path).wanted(["v1"])) == {"v1": "lie"}
        there.close()
    finally:
        other.close()
    assert marks(SchemaStore(api, tmp_path).wanted(["v1"])) == {"v1": "a"}


def test_memory_and_disk_are_bounded(
    api: Api, server: LoopbackApi, tmp_path: Path, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(schema_store, "IN_MEMORY", 3)
    monkeypatch.setattr(schema_store, "ON_DISK", 4)
    names = [f"g{number}_v1" for number in range(6)]
    serve(server, **dict.fromkeys(names, "h"))
    store = SchemaStore(api, tmp_path)
    for name in names:
        store.wanted([name.replace("_", "/")])
    assert set(store.known().documents) == {"g3/v1", "g4/v1", "g5/v1"}
    assert len(list(tmp_path.rglob("*.json"))) == 4


def test_a_document_that_is_too_large_is_none(
    api: Api, server: LoopbackApi, tmp_path: Path, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    serve(server, v1="a")
    server.routes["GET", f"{INDEX}/api/v1"] = lambda handler: handler.json(
        200, {"components": {"schemas": {"mark": {"description": "x" * 4_000}}}}
    )
    monkeypatch.setattr(schema_store, "DOCUMENT_LIMIT", 2_000)
    store = SchemaStore(api, tmp_path)
    assert store.wanted(["v1"]).documents == {}
    assert list(tmp_path.rglob("*.json")) == []


def test_documents_of_another_shape_are_unknown(api: Api, server: LoopbackApi, tmp_path: Path, clock: Clock) -> None:
    serve(server, v1="a")
    for answer in ({"components": []}, {"components": {"schemas": []}}, []):
        server.routes["GET", f"{INDEX}/api/v1"] = lambda handler, told=answer: handler.json(200, told)  # type: ignore[misc]
        found = SchemaStore(api, tmp_path / str(len(str(answer)))).wanted(["v1"])
        assert found.documents.get("v1", {}) == {}
    server.routes["GET", INDEX] = lambda handler: handler.json(200, {"paths": {"api/v1": "text", "apis": {}}})
    assert SchemaStore(api, tmp_path / "x").wanted(["v1"]).documents == {}
