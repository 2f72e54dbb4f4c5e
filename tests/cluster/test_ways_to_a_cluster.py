"""The ways in which a kubeconfig leads to a real API server: certificates, names, proxies, tokens, others' rights."""

from __future__ import annotations

import base64
import contextlib
import json
import socket
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from fault_proxy import FaultProxy, faulty
from native_helpers import Kubectl

from k8s_tutor.clusters.native import names
from k8s_tutor.clusters.provider import Cluster
from k8s_tutor.errors import ClusterError
from k8s_tutor.kube.client import connect, identity
from k8s_tutor.kube.errors import ApiUnreachable, Forbidden, Unauthorized

Change = Callable[[dict[str, Any], dict[str, Any], Path], None]


@pytest.fixture
def proxy(cluster: Cluster, tmp_path: Path) -> Iterator[FaultProxy]:
    """Stands for a server behind which the cluster is; it knows one token."""
    with faulty(cluster, tmp_path) as made:
        yield made


@pytest.fixture
def pki(cluster: Cluster) -> Path:
    return names.node_dir(cluster.name, 1) / "etc" / "kubernetes" / "pki"


def changed(kubeconfig: Path, change: Change) -> Path:
    document = yaml.safe_load(kubeconfig.read_text())
    change(document["clusters"][0]["cluster"], document["users"][0]["user"], kubeconfig.parent)
    path = kubeconfig.parent / "changed.kubeconfig"
    path.write_text(yaml.safe_dump(document))
    return path


def uid_through(kubeconfig: Path) -> str:
    with contextlib.closing(connect(kubeconfig)) as api:
        return identity(api).uid


def data(path: Path) -> str:
    return base64.b64encode(path.read_bytes()).decode()


def test_the_servers_certificate_is_held_to_its_authority_and_its_name(
    cluster: Cluster, proxy: FaultProxy, pki: Path
) -> None:
    wanted = uid_through(cluster.kubeconfig)
    assert uid_through(proxy.kubeconfig) == wanted
    port = proxy.kubeconfig.read_text().rpartition("127.0.0.1:")[2].split()[0]

    def other_authority(entry: dict[str, Any], _user: dict[str, Any], _folder: Path) -> None:
        entry["certificate-authority-data"] = data(pki / "etcd" / "ca.crt")

    def from_a_file(entry: dict[str, Any], _user: dict[str, Any], folder: Path) -> None:
        (folder / "ca.crt").write_bytes(base64.b64decode(entry.pop("certificate-authority-data")))
        entry["certificate-authority"] = "ca.crt"

    def another_name(entry: dict[str, Any], _user: dict[str, Any], _folder: Path) -> None:
        entry["tls-server-name"] = "elsewhere.example"

    def its_name(entry: dict[str, Any], _user: dict[str, Any], _folder: Path) -> None:
        entry["server"], entry["tls-server-name"] = f"https://127.0.0.1:{port}", "kubernetes.default.svc"

    def unchecked(entry: dict[str, Any], _user: dict[str, Any], _folder: Path) -> None:
        entry.pop("certificate-authority-data")
        entry["insecure-skip-tls-verify"] = True

    def the_systems(entry: dict[str, Any], _user: dict[str, Any], _folder: Path) -> None:
        entry.pop("certificate-authority-data")

    for fine in (from_a_file, its_name, unchecked):
        assert uid_through(changed(proxy.kubeconfig, fine)) == wanted, fine.__name__
    for wrong in (other_authority, another_name, the_systems):
        with pytest.raises(ApiUnreachable, match=r"(?i)certificate"):
            uid_through(changed(proxy.kubeconfig, wrong))


def test_client_certificates_from_files_and_of_nobody(cluster: Cluster, tmp_path: Path, pki: Path) -> None:
    def files(_entry: dict[str, Any], user: dict[str, Any], folder: Path) -> None:
        for part in ("client-certificate", "client-key"):
            (folder / f"{part}.pem").write_bytes(base64.b64decode(user.pop(f"{part}-data")))
            user[part] = f"{part}.pem"

    copy = tmp_path / "kubeconfig"
    copy.write_text(cluster.kubeconfig.read_text())
    assert uid_through(changed(copy, files)) == uid_through(cluster.kubeconfig)

    def nobody(_entry: dict[str, Any], user: dict[str, Any], _folder: Path) -> None:
        user.clear()
        user["client-certificate-data"] = data(pki / "apiserver-etcd-client.crt")
        user["client-key-data"] = data(pki / "apiserver-etcd-client.key")

    with pytest.raises(Unauthorized), contextlib.closing(connect(changed(copy, nobody))) as api:
        api.get("api/v1/namespaces/kube-system")

    def torn(_entry: dict[str, Any], user: dict[str, Any], _folder: Path) -> None:
        user["client-key-data"] = data(pki / "sa.key")

    with pytest.raises(ClusterError, match="certificate"):
        connect(changed(copy, torn))


def test_acting_as_somebody_has_that_users_rights_and_no_more(
    cluster: Cluster, kubectl: Kubectl, tmp_path: Path
) -> None:
    """The administrator who says ``as`` in the kubeconfig is held to it by the real API server."""
    kubectl("create", "role", "look", "--verb=get,list", "--resource=pods")
    kubectl("create", "rolebinding", "look", "--role=look", "--group=class-a")
    copy = tmp_path / "kubeconfig"
    copy.write_text(cluster.kubeconfig.read_text())

    def acting(_entry: dict[str, Any], user: dict[str, Any], _folder: Path) -> None:
        user["as"], user["as-groups"] = "ann", ["class-b", "class-a"]

    with contextlib.closing(connect(changed(copy, acting))) as api:
        assert api.list(f"api/v1/namespaces/{kubectl.namespace}/pods")["items"] == []
        with pytest.raises(Forbidden, match="ann"):
            api.list(f"api/v1/namespaces/{kubectl.namespace}/secrets")
        told = api.create("apis/authentication.k8s.io/v1/selfsubjectreviews", {
            "apiVersion": "authentication.k8s.io/v1", "kind": "SelfSubjectReview"})  # fmt: skip
        assert set(told["status"]["userInfo"]["groups"]) >= {"class-a", "class-b"}


def test_a_plugin_whose_token_runs_out_is_asked_again(proxy: FaultProxy, cluster: Cluster) -> None:
    folder = proxy.kubeconfig.parent
    (folder / "token").write_text(proxy.token)
    script = folder / "plug"
    answer = {"apiVersion": "client.authentication.k8s.io/v1", "kind": "ExecCredential", "status": {"token": "TOKEN"}}
    script.write_text(f"#!/bin/sh\nsed \"s/TOKEN/$(cat {folder}/token)/\" <<'E'\n{json.dumps(answer)}\nE\n")
    script.chmod(0o755)

    def by_plugin(_entry: dict[str, Any], user: dict[str, Any], _folder: Path) -> None:
        user.clear()
        version = "client.authentication.k8s.io/v1"
        user["exec"] = {"apiVersion": version, "command": "./plug", "interactiveMode": "Never"}

    with contextlib.closing(connect(changed(proxy.kubeconfig, by_plugin))) as api:
        wanted = uid_through(cluster.kubeconfig)
        assert identity(api).uid == wanted
        proxy.token = "another-one"
        with pytest.raises(Unauthorized):
            identity(api)
        (folder / "token").write_text("another-one")
        assert identity(api).uid == wanted


class Through:
    """An HTTP proxy on loopback, which carries what is asked for by CONNECT, byte by byte."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self._server = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._server.getsockname()[1]}"
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                near, _ = self._server.accept()
                head = b""
                while b"\r\n\r\n" not in head and (piece := near.recv(1)):
                    head += piece
                self.asked.append(head.split(b"\r\n")[0].decode())
                host, _, port = self.asked[-1].split()[1].rpartition(":")
                far = socket.create_connection((host.strip("[]"), int(port)))
                near.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
                for source, sink in ((near, far), (far, near)):
                    threading.Thread(target=self._carry, args=(source, sink), daemon=True).start()

    @staticmethod
    def _carry(source: socket.socket, sink: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while piece := source.recv(65536):
                sink.sendall(piece)
        with contextlib.suppress(OSError):
            sink.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        self._server.close()


def test_tls_through_a_proxy_is_with_the_api_server_itself(cluster: Cluster, tmp_path: Path) -> None:
    copy = tmp_path / "kubeconfig"
    copy.write_text(cluster.kubeconfig.read_text())
    with contextlib.closing(Through()) as through:

        def proxied(entry: dict[str, Any], _user: dict[str, Any], _folder: Path) -> None:
            entry["proxy-url"] = through.url

        assert uid_through(changed(copy, proxied)) == uid_through(cluster.kubeconfig)
        assert through.asked and all(line.startswith("CONNECT ") for line in through.asked)
