from __future__ import annotations

import threading

from loopback_api import Handler, LoopbackApi, eventually, sockets

from k8s_tutor.kube.client import Api
from k8s_tutor.kube.logs import follow_log, parse_lines

PATH = "/api/v1/namespaces/learner/pods/web/log"


def test_a_followed_log_comes_line_by_line_and_ends_when_told(server: LoopbackApi, api: Api) -> None:
    more, ended = threading.Event(), threading.Event()

    def log(handler: Handler) -> None:
        handler.open_stream()
        handler.chunk("2026-01-02T03:04:05.5Z one\n2026-01-02T03:04:06Z tw")
        more.wait(10)
        handler.chunk("o\n")
        ended.wait(10)

    server.routes["GET", PATH] = log
    stream = follow_log(api, "learner", "web", "c")
    pieces = stream.pieces()
    first = parse_lines(next(pieces).decode())
    assert [line.text for line in first] == ["one"], "half a line is not told"
    more.set()
    assert [line.text for line in parse_lines(next(pieces).decode())] == ["two"]
    query = server.seen[-1][2]
    assert query["follow"] == "true"
    assert query["timestamps"] == "true"
    assert query["tailLines"] == "200"
    assert query["container"] == "c"

    closer = threading.Timer(0.1, stream.close)
    closer.start()
    assert list(pieces) == [], "closed from another thread: ends quietly"
    ended.set()
    closer.join()
    eventually(lambda: sockets(server) == 0)
