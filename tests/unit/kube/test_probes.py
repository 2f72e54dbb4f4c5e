from __future__ import annotations

import os
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from loopback_api import client_threads

from k8s_tutor.kube.logs import parse_lines
from k8s_tutor.kube.podprober import _requests
from k8s_tutor.kube.probes import NetnsProber, ProbeError, nonce_of

NONCE = "0f0e0d0c-1111-2222-3333-444455556666"


class Web:
    """A loopback server that notes each connection's bytes and answers them all the same."""

    def __init__(self, answer: bytes) -> None:
        self.heads: list[bytes] = []
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.address = f"127.0.0.1:{self.listener.getsockname()[1]}"
        self.answer = answer
        self.thread = threading.Thread(target=self.run, daemon=True)
        self.thread.start()

    def run(self) -> None:
        while True:
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return
            with connection:
                self.heads.append(connection.recv(65536))
                connection.sendall(self.answer)
                if not self.answer:
                    connection.settimeout(10)
                    connection.recv(1)

    def close(self) -> None:
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()
        self.thread.join(12)


OK = b"HTTP/1.1 200 OK\r\nServer: nginx/1.2.3\r\nContent-Length: 5\r\n\r\nhello"


@pytest.fixture
def prober() -> Iterator[NetnsProber]:
    # One's own namespace: entering it is a real setns, and loopback is the same.
    made = NetnsProber(Path("/proc/self/ns/net"))
    yield made
    made.close()
    assert "probe" not in client_threads()


def soon(seconds: float = 10) -> float:
    return time.monotonic() + seconds


def test_each_request_has_its_connection_and_nonce(prober: NetnsProber) -> None:
    web = Web(OK)
    targets = [(web.address, f"/?k8s-tutor={NONCE}-{number}") for number in range(5)]
    answers = prober.requests(targets, deadline=soon())
    web.close()
    assert [item.nonce for item in answers] == [f"{NONCE}-{number}" for number in range(5)]
    assert {(item.status, item.server, item.body, item.error) for item in answers} == {
        (200, "nginx/1.2.3", "hello", "")
    }
    assert len(web.heads) == 5, "one connection each"
    assert web.heads[3].startswith(f"GET /?k8s-tutor={NONCE}-3 HTTP/1.1\r\n".encode())
    assert b"\r\nUser-Agent: k8s-tutor\r\n" in web.heads[3] and b"\r\nConnection: close\r\n" in web.heads[3]


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (b"", "no answer in time"),
        (b"what?\r\n\r\n", "what?"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhi", "hi"),
    ],
)
def test_what_is_no_answer(prober: NetnsProber, answer: bytes, error: str) -> None:
    web = Web(answer)
    (told,) = prober.requests([(web.address, "/")], timeout=0.2, deadline=soon())
    web.close()
    if answer.startswith(b"HTTP"):
        # Cut short by the pod: http.client gives what came, the status is what was said.
        assert told.status in (200, None)
    else:
        assert told.status is None and error in told.error


def test_refused(prober: NetnsProber) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    (told,) = prober.requests([(f"127.0.0.1:{port}", "/")], deadline=soon())
    assert (told.status, told.error) == (None, "connection refused")


def test_the_deadline_cuts_short(prober: NetnsProber) -> None:
    web = Web(b"")
    began = time.monotonic()
    answers = prober.requests([(web.address, "/")] * 50, timeout=0.1, deadline=soon(0.35))
    assert 1 <= len(answers) < 10 and time.monotonic() - began < 3
    web.close()


def test_a_namespace_that_cannot_be_entered(tmp_path: Path) -> None:
    for path in (tmp_path / "none", Path("/proc/self/status")):
        prober = NetnsProber(path)
        with pytest.raises(ProbeError, match="cannot enter"):
            prober.requests([("127.0.0.1:1", "/")], deadline=soon())
        prober.close()
    assert client_threads() == []


def test_other_threads_stay_where_they_are(prober: NetnsProber) -> None:
    prober.requests([("127.0.0.1:1", "/")], deadline=soon())
    assert os.readlink("/proc/thread-self/ns/net") == os.readlink("/proc/self/ns/net")


def test_nonces() -> None:
    assert nonce_of(f"/?k8s-tutor={NONCE}-12") == f"{NONCE}-12" == nonce_of(f"/a?b=c&k8s-tutor={NONCE}-12")
    assert nonce_of("/?k8s-tutor=' or 1=1") == ""


def test_log_lines() -> None:
    text = (
        "2026-11-24T00:18:11.284146800Z one two\n"
        "2026-11-24T01:18:12+01:00 \n"
        "no stamp\n"
        f"2026-11-24T00:18:13Z {'x' * 9000}\n"
    )
    lines = parse_lines(text)
    assert [round(line.at - lines[0].at, 3) for line in lines] == [0.0, 0.716, 0.716, 1.716]
    assert [line.text[:8] for line in lines] == ["one two", "", "no stamp", "xxxxxxxx"]
    assert len(lines[3].text) == 4096 and abs(lines[0].at - 1795479491.284) < 0.001


def test_the_prober_pods_words() -> None:
    import base64

    first = base64.b64encode(OK).decode()
    stamp = "2026-11-24T00:18:11Z "
    text = (
        f"{stamp}k8s-tutor-first {first}\n"
        f"{stamp}k8s-tutor-next 0 200 1 nginx/1.2.3\t\n"
        f"{stamp}k8s-tutor-next 1 000 0 \tConnection timed out after 2001 milliseconds\n"
        f"{stamp}k8s-tutor-next 2 200 0 nginx/1.2.3\t\n"
        f"{stamp}k8s-tutor-next 9 200 1 forged\t\n"
        f"{stamp}k8s-tutor-next 3 404 1 \t\n"
    )
    targets = [("10.0.0.1:80", f"/?k8s-tutor={NONCE}-{number}") for number in range(9)]
    told = _requests(targets, text)
    assert [(item.status, item.server) for item in told] == [
        (200, "nginx/1.2.3"),
        (200, "nginx/1.2.3"),
        (None, ""),
        (None, ""),
        (404, ""),
    ], "the rest was not sent"
    assert told[0].body == "hello" and "timed out" in told[2].error and "twice" in told[3].error
    assert [item.nonce for item in told] == [f"{NONCE}-{number}" for number in range(5)]
    refused = base64.b64encode(b"curl: (7) Failed to connect").decode()
    assert _requests(targets, f"{stamp}k8s-tutor-first {refused}\n")[0].error == "Failed to connect"
    assert _requests(targets, "") == []
