"""The link to the API server over nights, expired credentials and clusters made anew: noticed, told, overcome."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest
from loopback_api import Handler, LoopbackApi, eventually, half_closed

from k8s_tutor.kube import watcher as watcher_module
from k8s_tutor.kube.client import Api, connect
from k8s_tutor.kube.errors import Unauthorized
from k8s_tutor.kube.recorder import Recorder
from k8s_tutor.kube.watcher import LinkState, Watcher


class Watched:
    def __init__(self, api: Api) -> None:
        self.recorder = Recorder("learner", ["Pod"])
        self.told: list[LinkState] = []
        self.watcher = Watcher(api, "learner", self.recorder, ["Pod"], self.told.append)
        self.watcher.start()
        assert self.watcher.wait_synced(10)

    @property
    def names(self) -> list[str]:
        return [item["metadata"]["name"] for item in self.recorder.snapshot().alive("Pod")]

    def becomes(self, state: str, trouble: str = "") -> LinkState:
        found: list[LinkState] = []

        def is_so() -> bool:
            found.append(self.watcher.link)
            return found[-1].state == state and trouble in found[-1].trouble

        eventually(is_so)
        return found[-1]


@pytest.fixture
def watched(server: LoopbackApi, api: Api, monkeypatch: pytest.MonkeyPatch) -> Iterator[Watched]:
    monkeypatch.setattr(watcher_module, "PING_SECONDS", 0.05)
    monkeypatch.setattr(watcher_module, "PING_TIMEOUT", 0.3)
    server.put("one")
    made = Watched(api)
    yield made
    made.watcher.stop()


def watches(server: LoopbackApi) -> int:
    with server.changed:
        return sum(path.endswith("/pods") and query.get("watch") == "true" for _, path, query, *_ in server.seen)


def test_after_a_sleep_every_watch_is_opened_anew(
    server: LoopbackApi, watched: Watched, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The sockets of a laptop that slept are dead without knowing it; the wall's clock alone tells."""
    watched.becomes("live")
    before = watches(server)
    hour = [0.0]
    monkeypatch.setattr(watcher_module, "time", SimpleNamespace(time=lambda: time.time() + hour[0]))
    hour[0] = 3600.0
    eventually(lambda: watches(server) > before)
    server.put("two")
    eventually(lambda: watched.names == ["one", "two"])
    assert watched.becomes("live").trouble == ""
    after = watches(server)
    threading.Event().wait(0.2)
    assert watches(server) == after, "once, not at each look from then on"


def test_a_server_that_is_back_is_asked_at_once_however_long_it_was_gone(
    server: LoopbackApi, watched: Watched, monkeypatch: pytest.MonkeyPatch
) -> None:
    from k8s_tutor.kube import reflector

    monkeypatch.setattr(reflector, "FIRST_DELAY", 1000.0)
    monkeypatch.setattr(reflector, "LAST_DELAY", 1000.0)
    server.routes["GET", "/livez"] = half_closed
    eventually(lambda: watched.watcher.link.state == "lost")  # by the small look alone: the watch still stands
    server.break_watches(half_closed)
    eventually(lambda: "Pod" in watched.watcher._down)  # and now waits its thousand seconds
    lost = watched.becomes("lost")
    assert lost.again > time.time() - 5 and lost.trouble
    del server.routes["GET", "/livez"]
    server.put("two")
    # Far below the thousand seconds that the watch would have waited.
    eventually(lambda: watched.names == ["one", "two"])
    assert watched.becomes("live").again == 0.0


@pytest.fixture
def guarded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[LoopbackApi, Watched, list[str]]]:
    """A server that accepts one token at a time."""
    monkeypatch.setattr(watcher_module, "PING_SECONDS", 0.05)
    server = LoopbackApi()
    accepted = ["first"]
    serve = Handler._serve

    def guard(handler: Handler) -> None:
        if handler.server is server._server and handler.headers.get("Authorization") != f"Bearer {accepted[0]}":
            handler.status(401, "Unauthorized", "Unauthorized")
        else:
            serve(handler)

    monkeypatch.setattr(Handler, "do_GET", guard)
    server.put("one")
    api = connect(server.kubeconfig(tmp_path, {"token": "first"}))
    watched = Watched(api)
    yield server, watched, accepted
    watched.watcher.stop()
    api.close()
    server.close()


def test_expired_credentials_name_the_kubeconfig_and_come_back_when_it_is_renewed(
    guarded: tuple[LoopbackApi, Watched, list[str]], tmp_path: Path
) -> None:
    server, watched, accepted = guarded
    watched.becomes("live")
    accepted[0] = "second"
    server.break_watches(half_closed)
    # The watch that broke off is told of too, for as long as it takes to ask again.
    trouble = watched.becomes("lost", "401").trouble
    assert str(tmp_path / "kubeconfig") in trouble and "401" in trouble and "renew" in trouble
    eventually(lambda: "Pod" in watched.recorder.snapshot().unobserved)
    server.put("two")
    server.kubeconfig(tmp_path, {"token": "second"})
    watched.becomes("live")
    eventually(lambda: watched.names == ["one", "two"] and not watched.recorder.snapshot().unobserved)


def test_a_request_is_sent_again_only_with_other_credentials(
    guarded: tuple[LoopbackApi, Watched, list[str]], tmp_path: Path
) -> None:
    server, watched, accepted = guarded
    watched.watcher.stop()
    api = connect(tmp_path / "kubeconfig")
    accepted[0] = "second"
    with server.changed:
        server.seen.clear()
    with pytest.raises(Unauthorized) as told:
        api.get("api/v1/namespaces/learner/pods")
    assert str(tmp_path / "kubeconfig") in told.value.message and told.value.remedy
    server.kubeconfig(tmp_path, {"token": "second"})
    assert api.get("api/v1/namespaces/learner/pods")["items"]
    (tmp_path / "kubeconfig").write_text("{half")
    accepted[0] = "third"
    with pytest.raises(Unauthorized):
        api.get("api/v1/namespaces/learner/pods")
    api.close()


def test_a_cluster_made_anew_elsewhere_is_found_by_its_kubeconfig(
    server: LoopbackApi, watched: Watched, tmp_path: Path
) -> None:
    watched.becomes("live")
    server.close()
    other = LoopbackApi()
    try:
        server.break_watches(half_closed)
        server.routes["GET", "/livez"] = half_closed
        other.put("new")
        document = json.loads((tmp_path / "kubeconfig").read_text())
        document["clusters"][0]["cluster"]["server"] = other.url
        (tmp_path / "kubeconfig").write_text(json.dumps(document))
        eventually(lambda: watched.names == ["new"])
        watched.becomes("live")
        gone = [life.name for life in watched.recorder.snapshot().gone("Pod")]
        assert gone == ["one"], "listed anew, not watched on from the other cluster's version"
    finally:
        other.close()
