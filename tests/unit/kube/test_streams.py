"""Answers that do not end: a line however it is cut up, a body that is cut short, a page, a watch without a word."""

from __future__ import annotations

import time
from contextlib import closing

import pytest
from loopback_api import Handler, LoopbackApi, eventually

from k8s_tutor.kube import stream as stream_module
from k8s_tutor.kube import watcher as watcher_module
from k8s_tutor.kube.client import Api
from k8s_tutor.kube.errors import ApiUnreachable
from k8s_tutor.kube.recorder import Recorder
from k8s_tutor.kube.watcher import Watcher

LOG = "api/v1/namespaces/learner/pods/one/log"


def pieces_of(server: LoopbackApi, api: Api, *chunks: str, end: bool = True) -> list[bytes]:
    def answer(handler: Handler) -> None:
        handler.open_stream()
        for chunk in chunks:
            handler.chunk(chunk)
            time.sleep(0.02)
        if end:
            handler.end_stream()
        handler.close_connection = True

    server.routes["GET", f"/{LOG}"] = answer
    with closing(api.stream(LOG)) as stream:
        return list(stream.pieces())


def test_lines_are_whole_however_they_come(server: LoopbackApi, api: Api) -> None:
    assert b"\n".join(pieces_of(server, api, "on", "e\ntwo\nth", "ree", "\n\nfo", "ur")) == b"one\ntwo\nthree\n\nfour"


def test_a_log_without_an_end_of_line_comes_in_parts(
    server: LoopbackApi, api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stream_module, "_LINE_LIMIT", 1000)
    found = pieces_of(server, api, *["x" * 400] * 10)
    assert b"".join(found) == b"x" * 4000 and max(map(len, found)) < 2000


def test_a_watch_without_an_end_of_line_is_refused(
    server: LoopbackApi, api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stream_module, "_LINE_LIMIT", 1000)

    def answer(handler: Handler) -> None:
        handler.open_stream()
        for _ in range(10):
            handler.chunk("x" * 400)
        handler.end_stream()

    server.routes["GET", "/api/v1/things"] = answer
    with closing(api.stream("api/v1/things")) as stream, pytest.raises(ApiUnreachable, match="too long"):
        list(stream)


def test_a_followed_log_that_is_shorter_than_announced_is_not_whole(server: LoopbackApi, api: Api) -> None:
    def answer(handler: Handler) -> None:
        handler.send_response(200)
        handler.send_header("Content-Type", "text/plain")
        handler.send_header("Content-Length", "1000")
        handler.end_headers()
        handler.wfile.write(b"one\n")
        handler.close_connection = True

    server.routes["GET", f"/{LOG}"] = answer
    with closing(api.stream(LOG)) as stream, pytest.raises(ApiUnreachable, match="broke off"):
        list(stream.pieces())


def test_a_page_is_no_log(server: LoopbackApi, api: Api) -> None:
    server.routes["GET", f"/{LOG}"] = lambda handler: handler.answer(200, b"<html>sign in</html>", "text/html")
    with closing(api.stream(LOG)) as stream, pytest.raises(ApiUnreachable, match="a page"):
        list(stream.pieces())


def test_a_watch_that_ends_without_a_word_is_told(server: LoopbackApi, api: Api) -> None:
    server.put("one")
    recorder = Recorder("learner", ["Pod"])
    watcher = Watcher(api, "learner", recorder, ["Pod"])
    watcher.start()
    try:
        assert watcher.wait_synced(10)

        def nothing(handler: Handler) -> None:
            handler.answer(200, b"", "application/json")

        server.routes["GET", "/api/v1/namespaces/learner/pods"] = nothing
        server.break_watches(lambda handler: handler.end_stream())
        eventually(lambda: "without a word" in recorder.snapshot().unobserved.get("Pod", ""))
        assert watcher.link.state == "lost"
        del server.routes["GET", "/api/v1/namespaces/learner/pods"]
        eventually(lambda: not recorder.snapshot().unobserved)
    finally:
        watcher.stop()


def test_a_server_that_drips_is_as_good_as_silent(
    server: LoopbackApi, api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watcher_module, "PING_SECONDS", 0.05)
    monkeypatch.setattr(watcher_module, "PING_TIMEOUT", 0.3)
    dripping = [True]

    def drip(handler: Handler) -> None:
        handler.open_stream()
        while dripping[0]:
            handler.chunk(" ")
            time.sleep(0.02)
        handler.end_stream()

    watcher = Watcher(api, "learner", Recorder("learner", ["Pod"]), ["Pod"])
    watcher.start()
    try:
        assert watcher.wait_synced(10)
        server.routes["GET", "/livez"] = drip
        eventually(lambda: watcher.link.state == "lost")
        dripping[0] = False
        eventually(lambda: watcher.link.state == "live")
    finally:
        dripping[0] = False
        watcher.stop()
