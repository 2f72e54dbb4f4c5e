from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from loopback_api import (
    Handler,
    LoopbackApi,
    broken_json,
    busy,
    client_threads,
    error_page,
    eventually,
    half_closed,
    page,
    reset,
    sockets,
    truncated,
)

from k8s_tutor.kube import reflector as reflector_module
from k8s_tutor.kube import watcher as watcher_module
from k8s_tutor.kube.client import Api, connect
from k8s_tutor.kube.record import Record
from k8s_tutor.kube.recorder import Recorder
from k8s_tutor.kube.watcher import LinkState, Watcher, observe_once


class Watched:
    """A watcher of pods alone (with nodes and namespace), its recorder and what it said of the link."""

    def __init__(self, api: Api) -> None:
        self.recorder = Recorder("learner", ["Pod"])
        self.told: list[LinkState] = []
        self.watcher = Watcher(api, "learner", self.recorder, ["Pod"], self.told.append)

    @property
    def record(self) -> Record:
        return self.recorder.snapshot()

    @property
    def names(self) -> list[str]:
        return [item["metadata"]["name"] for item in self.record.alive("Pod")]

    def until(self, test: Callable[[], bool]) -> None:
        eventually(test)


@pytest.fixture
def watched(api: Api) -> Iterator[Watched]:
    made = Watched(api)
    yield made
    made.watcher.stop()


PODS = "/api/v1/namespaces/learner/pods"


def watch_requests(server: LoopbackApi) -> list[dict[str, str]]:
    with server.changed:
        return [query for _, path, query, *_ in server.seen if path == PODS and query.get("watch") == "true"]


def test_one_request_lists_and_watches(server: LoopbackApi, watched: Watched) -> None:
    server.put("one")
    watched.watcher.start()
    assert watched.watcher.wait_synced(10)
    assert watched.names == ["one"] and watched.record.lives["Pod"][0].seen_from_start
    server.put("two")
    server.put("two", phase="x")
    server.remove("one")
    watched.until(lambda: watched.names == ["two"])
    assert [life.name for life in watched.record.gone("Pod")] == ["one"]
    (query,) = watch_requests(server)
    assert query["sendInitialEvents"] == "true" and query["resourceVersionMatch"] == "NotOlderThan"
    assert query["allowWatchBookmarks"] == "true" and 200 < int(query["timeoutSeconds"]) <= 300
    watched.until(lambda: watched.watcher.link.state == "live")
    assert [item.state for item in watched.told][-1] == "live"


def test_a_server_without_streaming_lists(tmp_path: Path) -> None:
    server = LoopbackApi(streaming_lists=False)
    api = connect(server.kubeconfig(tmp_path))
    watched = Watched(api)
    server.put("one")
    watched.watcher.start()
    try:
        assert watched.watcher.wait_synced(10)
        server.put("two")
        watched.until(lambda: watched.names == ["one", "two"])
        assert not watched.record.unobserved
        assert watch_requests(server)[-1]["resourceVersion"] == "11"
    finally:
        watched.watcher.stop()
        api.close()
        server.close()


@pytest.mark.parametrize(
    "how", [reset, half_closed, lambda handler: handler.chunk('{"type": "ADDED", "obj'), Handler.end_stream]
)
def test_after_a_break_the_watch_goes_on_where_it_was(server: LoopbackApi, watched: Watched, how) -> None:  # type: ignore[no-untyped-def]
    server.put("one")
    watched.watcher.start()
    assert watched.watcher.wait_synced(10)

    def broken(handler: Handler) -> None:
        how(handler)
        handler.close_connection = True

    server.faulty = PODS
    server.break_watches(broken)
    server.remove("one")
    server.put("two")
    watched.until(lambda: watched.names == ["two"] and not watched.record.unobserved)
    assert [(v.change.value, v.relisted) for v in next(watched.record.gone("Pod")).versions] == [
        ("seen", False),
        ("deleted", False),
    ], "told by the watch itself, not by another list"


def test_gone_is_listed_again_and_compared(server: LoopbackApi, watched: Watched) -> None:
    server.put("stays")
    server.put("goes")
    watched.watcher.start()
    assert watched.watcher.wait_synced(10)

    def away(handler: Handler) -> None:
        server.remove("goes")
        server.put("comes")
        server.forget_history()
        handler.close_connection = True

    server.break_watches(away)
    watched.until(lambda: watched.names == ["stays", "comes"])
    gone = next(watched.record.gone("Pod"))
    assert gone.name == "goes" and gone.versions[-1].relisted
    came = watched.record.life("Pod", "uid-comes")
    assert came is not None and came.versions[0].change.value == "added"


@pytest.mark.parametrize("fault", [reset, half_closed, truncated, page, error_page, broken_json, busy])
def test_failures_are_told_and_overcome(server: LoopbackApi, watched: Watched, fault) -> None:  # type: ignore[no-untyped-def]
    server.faulty = PODS
    server.faults.extend([fault, fault])
    server.put("one")
    watched.watcher.start()
    watched.until(lambda: watched.names == ["one"] and not watched.record.unobserved)
    watched.until(lambda: watched.watcher.link.state == "live")
    assert "lost" in [item.state for item in watched.told]
    assert all(item.trouble for item in watched.told if item.state == "lost")


def test_failures_are_not_hammered(server: LoopbackApi, watched: Watched) -> None:
    server.faulty = PODS
    server.faults.extend([error_page] * 4)
    began = time.monotonic()
    watched.watcher.start()
    watched.until(lambda: "Pod" not in watched.record.unobserved)
    # Back-off 0.1, 0.2, 0.4, 0.8 s, each at least half of it.
    assert time.monotonic() - began >= 0.75
    assert len(watch_requests(server)) == 5


def test_a_watch_that_ends_at_once_is_not_hammered(server: LoopbackApi, watched: Watched) -> None:
    def nothing(handler: Handler) -> None:
        handler.open_stream()
        handler.end_stream()

    server.faulty = PODS
    server.faults.extend([nothing] * 4)
    began = time.monotonic()
    watched.watcher.start()
    watched.until(lambda: "Pod" not in watched.record.unobserved)
    assert time.monotonic() - began >= 0.75


def test_a_refused_kind_is_unobserved_but_the_link_stands(server: LoopbackApi, watched: Watched) -> None:
    server.routes["GET", PODS] = lambda handler: handler.status(403, "Forbidden", "pods is forbidden")
    watched.watcher.start()
    assert watched.watcher.wait_synced(10)
    assert watched.record.unobserved == {"Pod": "pods is forbidden"}
    watched.until(lambda: watched.watcher.link.state == "live")


def test_a_server_that_falls_silent_is_noticed(server: LoopbackApi, api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watcher_module, "PING_SECONDS", 0.05)
    monkeypatch.setattr(watcher_module, "PING_TIMEOUT", 0.1)
    watched = Watched(api)
    server.put("one")
    watched.watcher.start()
    try:
        assert watched.watcher.wait_synced(10)
        server.routes["GET", "/livez"] = page
        watched.until(lambda: watched.watcher.link.state == "lost" and "Pod" in watched.record.unobserved)
        del server.routes["GET", "/livez"]
        watched.until(lambda: watched.watcher.link.state == "live" and not watched.record.unobserved)
        assert watched.names == ["one"]
    finally:
        watched.watcher.stop()


def test_a_silent_watch_is_given_up(server: LoopbackApi, watched: Watched, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reflector_module, "READ_TIMEOUT", 0.2)
    server.put("one")
    watched.watcher.start()
    assert watched.watcher.wait_synced(10)
    watched.until(lambda: len(watch_requests(server)) > 2)
    assert watched.names == ["one"]
    assert watch_requests(server)[-1].get("resourceVersion") == "11", "it goes on, it does not list again"


def test_a_fault_in_a_subscriber_does_not_end_the_watch(server: LoopbackApi, watched: Watched) -> None:
    server.put("one")
    faults = [ValueError("a bug")]

    def callback() -> None:
        if watched.names == ["one"] and faults:
            raise faults.pop()

    watched.recorder.subscribe(callback)
    watched.watcher.start()
    watched.until(lambda: not faults)
    server.put("two")
    watched.until(lambda: watched.names == ["one", "two"] and not watched.record.unobserved)


def test_stop_is_quick_and_leaves_nothing(server: LoopbackApi, api: Api) -> None:
    watched = Watched(api)
    watched.watcher.start()
    assert watched.watcher.wait_synced(10)
    assert len(client_threads()) == 4
    began = time.monotonic()
    watched.watcher.stop()
    assert time.monotonic() - began < 1.0
    assert client_threads() == []
    api.close()
    assert sockets(server) == 0


def test_stop_while_nobody_answers(server: LoopbackApi, api: Api) -> None:
    server.close()
    watched = Watched(api)
    watched.watcher.start()
    eventually(lambda: watched.watcher.link.state == "lost")
    began = time.monotonic()
    watched.watcher.stop()
    assert time.monotonic() - began < 1.0 and client_threads() == []


def test_observe_once(server: LoopbackApi, api: Api) -> None:
    server.put("one")
    server.routes["GET", "/api/v1/nodes"] = lambda handler: handler.json(200, {"items": [{"metadata": {"name": "n"}}]})
    server.routes["GET", "/api/v1/namespaces/learner"] = lambda handler: handler.json(200, {"metadata": {"uid": "u"}})
    server.routes["GET", "/api/v1/namespaces/learner/services"] = page
    recorder = Recorder("learner", ["Pod", "Service"])
    observe_once(api, "learner", recorder, ["Pod", "Service"])
    record = recorder.snapshot()
    assert [item["metadata"]["name"] for item in record.alive("Pod")] == ["one"]
    assert [item["metadata"]["name"] for item in record.nodes] == ["n"]
    assert set(record.unobserved) == {"Service"}, "a page is no empty list"
    assert client_threads() == []
