"""How a kubeconfig says where a cluster is and who we are, in all the ways that are met."""

from __future__ import annotations

import base64
import json
import os
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from pathlib import Path
from typing import Any

import pytest
import yaml
from loopback_api import LoopbackApi

from k8s_tutor.clusters.context import ContextProvider
from k8s_tutor.errors import ClusterError
from k8s_tutor.kube import plugin
from k8s_tutor.kube.access import read_access
from k8s_tutor.kube.client import Api, connect
from k8s_tutor.kube.errors import Unauthorized

PODS = "api/v1/namespaces/learner/pods"


def written(path: Path, server: str, user: dict[str, Any] | None = None, **cluster: Any) -> Path:
    document = {
        "current-context": "c",
        "contexts": [{"name": "c", "context": {"cluster": "c", "user": "u"}}],
        "clusters": [{"name": "c", "cluster": {"server": server, **cluster}}],
        "users": [{"name": "u", "user": user or {}}],
    }
    path.write_text(yaml.safe_dump(document))
    return path


@pytest.fixture(autouse=True)
def nobody_else(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in ("HTTPS_PROXY", "https_proxy", "HTTP_PROXY", "http_proxy", "NO_PROXY", "no_proxy", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))


def heads(server: LoopbackApi) -> dict[str, str]:
    return dict(server.seen[-1][3])


# Who we are.


def test_a_token_file_beside_the_kubeconfig_is_read_again_when_it_was_rotated(
    server: LoopbackApi, tmp_path: Path
) -> None:
    (tmp_path / "token").write_text("first\n")
    with closing(connect(server.kubeconfig(tmp_path, {"tokenFile": "token"}))) as api:
        api.list(PODS)
        assert heads(server)["Authorization"] == "Bearer first"
        (tmp_path / "token").write_text("second\n")
        server.faults.append(lambda handler: handler.status(401, "Unauthorized", "expired"))
        api.list(PODS)
        assert heads(server)["Authorization"] == "Bearer second"


def test_a_token_that_is_refused_and_no_other_is_told(server: LoopbackApi, tmp_path: Path) -> None:
    with closing(connect(server.kubeconfig(tmp_path, {"token": "old"}))) as api:
        server.faults.append(lambda handler: handler.status(401, "Unauthorized", "expired"))
        with pytest.raises(Unauthorized):
            api.list(PODS)
        assert len(server.seen) == 1, "not asked again with what was refused"


def test_user_and_password(server: LoopbackApi, tmp_path: Path) -> None:
    with closing(connect(server.kubeconfig(tmp_path, {"username": "ann", "password": "ä:b"}))) as api:
        api.list(PODS)
    assert base64.b64decode(heads(server)["Authorization"].split()[1]).decode() == "ann:ä:b"


def test_acting_as_another_user_is_never_forgotten(server: LoopbackApi, tmp_path: Path) -> None:
    """Who says ``as`` in the kubeconfig means to have that user's rights, not the ones of who is behind."""
    user = {"token": "admin", "as": "ann", "as-uid": "7", "as-groups": ["one", "two"]}
    user["as-user-extra"] = {"reason/why": ["a", "b"]}
    with closing(connect(server.kubeconfig(tmp_path, user))) as api:
        api.list(PODS)
        stream = api.stream(PODS, {"watch": True})
        threading.Timer(0.5, stream.close).start()
        list(stream)
    for seen in server.seen[-2:]:
        assert seen[3]["Impersonate-User"] == "ann" and seen[3]["Impersonate-Uid"] == "7"
        assert seen[3]["Authorization"] == "Bearer admin"
    access = read_access(server.kubeconfig(tmp_path, user))
    assert access.impersonate[2:] == (
        ("Impersonate-Group", "one"),
        ("Impersonate-Group", "two"),
        ("Impersonate-Extra-reason%2Fwhy", "a"),
        ("Impersonate-Extra-reason%2Fwhy", "b"),
    )


@pytest.mark.parametrize(
    "user", [{"as-groups": ["system:masters"]}, {"as": "a", "as-groups": "masters"}, {"as": "a\r\nX-Evil: 1"}]
)
def test_acting_as_nobody_in_particular_is_an_error(tmp_path: Path, user: dict[str, Any]) -> None:
    with pytest.raises(ClusterError, match="kubeconfig"):
        read_access(written(tmp_path / "k", "https://k8s.example", {"token": "t", **user}))


def script(path: Path, text: str) -> Path:
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)
    return path


def exec_user(command: str) -> dict[str, Any]:
    version = "client.authentication.k8s.io/v1"
    return {"exec": {"apiVersion": version, "command": command, "interactiveMode": "IfAvailable"}}


GIVES = json.dumps({"apiVersion": "client.authentication.k8s.io/v1", "kind": "ExecCredential",
                    "status": {"token": "from-the-plugin"}})  # fmt: skip


def test_a_plugin_has_no_terminal_and_may_speak_on_stderr(server: LoopbackApi, tmp_path: Path) -> None:
    script(tmp_path / "plug", f"echo warning: old version >&2\n[ -t 0 ] && exit 7\nprintf '%s' '{GIVES}'")
    with closing(connect(server.kubeconfig(tmp_path, exec_user("./plug")))) as api:
        api.list(PODS)
    assert heads(server)["Authorization"] == "Bearer from-the-plugin"


def test_what_a_plugin_says_when_it_fails_is_told(server: LoopbackApi, tmp_path: Path) -> None:
    script(tmp_path / "plug", "printf 'session \\033[31mexpired, run: cloud login' >&2\nexit 1")
    with pytest.raises(ClusterError, match=r"session .*expired, run: cloud login") as caught:
        connect(server.kubeconfig(tmp_path, exec_user(str(tmp_path / "plug"))))
    assert caught.value.code == "credentials" and "auth whoami" in caught.value.remedy
    assert "\x1b" not in caught.value.message


def test_a_plugin_that_hangs_is_ended_with_what_it_started(
    server: LoopbackApi, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(plugin, "PATIENCE", 4.0)
    script(tmp_path / "plug", f"echo $$ > {tmp_path}/pid\nsleep 300 &\necho $! >> {tmp_path}/pid\nwait")
    with pytest.raises(ClusterError, match="did not end within"):
        connect(server.kubeconfig(tmp_path, exec_user(str(tmp_path / "plug"))))
    pids = [int(line) for line in (tmp_path / "pid").read_text().split()]
    deadline = time.monotonic() + 5
    while any(map(alive, pids)) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert len(pids) == 2 and not any(map(alive, pids))


def alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    except OSError:
        return False


def test_a_plugin_beside_the_kubeconfig_is_found_from_our_copy_of_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Relative to the folder of the file that names it, as kubectl has it; a bare name is looked for on the PATH."""
    theirs = tmp_path / "theirs"
    theirs.mkdir()
    script(theirs / "plug", f"printf '%s' '{GIVES}'")
    path = written(theirs / "config", "https://127.0.0.1:1", exec_user("./plug"))
    text = path.read_text().replace("name: c\n", "name: kind-c\n").replace("context: c", "context: kind-c")
    path.write_text(text.replace("cluster: c\n", "cluster: kind-c\n"))
    monkeypatch.setenv("KUBECONFIG", str(path))
    copy = ContextProvider().unguarded("kind-c").kubeconfig
    assert copy.parent != theirs
    assert read_access(copy).authorization == "Bearer from-the-plugin"


# Where it is.


class Tunnel:
    """A proxy on loopback that makes every tunnel lead to one port; ``asked`` are the heads that came."""

    def __init__(self, to: int) -> None:
        self.asked: list[str] = []
        self._to = to
        self._server = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._server.getsockname()[1]}"
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                near, _ = self._server.accept()
                threading.Thread(target=self._one, args=(near,), daemon=True).start()

    def _one(self, near: socket.socket) -> None:
        head = b""
        while b"\r\n\r\n" not in head:
            head += near.recv(1)
        self.asked.append(head.decode())
        far = socket.create_connection(("127.0.0.1", self._to))
        near.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
        for source, sink in ((near, far), (far, near)):
            threading.Thread(target=self._carry, args=(source, sink), daemon=True).start()

    @staticmethod
    def _carry(source: socket.socket, sink: socket.socket) -> None:
        with suppress(OSError):
            while data := source.recv(65536):
                sink.sendall(data)
        with suppress(OSError):
            sink.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        self._server.close()


@pytest.fixture
def tunnel(server: LoopbackApi) -> Iterator[Tunnel]:
    made = Tunnel(server.port)
    yield made
    made.close()


def asked_through(tunnel: Tunnel, path: Path) -> Api:
    api = connect(path)
    assert api.list(PODS)["items"] == []
    return api


@pytest.mark.parametrize(
    ("server_url", "connects"),
    [
        ("http://k8s.example:8080", "CONNECT k8s.example:8080 HTTP/1.1"),
        ("http://[2001:db8::7]:8080", "CONNECT [2001:db8::7]:8080 HTTP/1.1"),
        ("http://k8s.example", "CONNECT k8s.example:80 HTTP/1.1"),
    ],
)
def test_through_a_proxy_that_the_kubeconfig_names(
    server: LoopbackApi, tunnel: Tunnel, tmp_path: Path, server_url: str, connects: str
) -> None:
    url = tunnel.url.replace("://", "://ann:s%40crt@")
    path = written(tmp_path / "k", server_url, {"token": "t"}, **{"proxy-url": url})
    with closing(asked_through(tunnel, path)):
        pass
    head = tunnel.asked[0].splitlines()
    assert head[0] == connects
    assert f"Proxy-Authorization: Basic {base64.b64encode(b'ann:s@crt').decode()}" in head
    assert "Bearer" not in tunnel.asked[0], "the proxy is not told who we are to the cluster"
    assert heads(server)["Authorization"] == "Bearer t"


def test_through_the_environments_proxy_but_never_to_this_machine(
    server: LoopbackApi, tunnel: Tunnel, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTP_PROXY", tunnel.url.removeprefix("http://"))
    with closing(asked_through(tunnel, written(tmp_path / "k", "http://k8s.example:8080"))):
        pass
    assert len(tunnel.asked) == 1
    with closing(asked_through(tunnel, server.kubeconfig(tmp_path))):
        pass
    assert len(tunnel.asked) == 1
    monkeypatch.setenv("NO_PROXY", "k8s.example")
    assert read_access(written(tmp_path / "k", "http://k8s.example:8080")).proxy == ""


@pytest.mark.parametrize("proxy", ["socks5://127.0.0.1:1080", "https://ann:secret@proxy.example"])
def test_a_proxy_that_we_cannot_speak_to_is_told_without_its_password(tmp_path: Path, proxy: str) -> None:
    with pytest.raises(ClusterError, match="only proxies of scheme http") as caught:
        read_access(written(tmp_path / "k", "https://k8s.example", **{"proxy-url": proxy}))
    assert "secret" not in caught.value.message


def test_a_path_before_the_apis_own(server: LoopbackApi, tmp_path: Path) -> None:
    """As servers that look after several clusters have it: ``https://host/k8s/clusters/c-1``."""
    path = written(tmp_path / "k", f"{server.url}/k8s/clusters/c-1/", {"token": "t"})
    with closing(connect(path)) as api:
        api.list(PODS)
    assert server.seen[-1][1] == f"/k8s/clusters/c-1/{PODS}"


def test_an_ipv6_address(tmp_path: Path) -> None:
    access = read_access(written(tmp_path / "k", "https://[fd00::1]:6443", {"token": "t"}))
    assert access.server == "https://[fd00::1]:6443" and access.proxy == ""


@pytest.mark.parametrize(
    "make",
    [
        lambda folder: {"certificate-authority": "nowhere.crt"},
        lambda folder: {"certificate-authority-data": "not base64!"},
        lambda folder: {"certificate-authority-data": base64.b64encode(b"not a certificate").decode()},
    ],
)
def test_a_ca_that_cannot_be_used_is_told(tmp_path: Path, make: Callable[[Path], dict[str, Any]]) -> None:
    with pytest.raises(ClusterError, match="certificate"):
        read_access(written(tmp_path / "k", "https://k8s.example", **make(tmp_path)))


def test_no_environment_of_ours_is_lost_to_a_plugin(
    server: LoopbackApi, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CLOUD_PROFILE", "teaching")
    script(tmp_path / "plug", f'[ "$CLOUD_PROFILE" = teaching ] && printf "%s" \'{GIVES}\'')
    assert os.environ["CLOUD_PROFILE"] == "teaching"
    assert read_access(server.kubeconfig(tmp_path, exec_user("./plug"))).authorization == "Bearer from-the-plugin"
