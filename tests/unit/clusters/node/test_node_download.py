from __future__ import annotations

import hashlib
import io
import socket
import tarfile
import time
from pathlib import Path

import pytest
from node_helpers import Site

from k8s_tutor.clusters.node.download import Hosts, Unavailable, download, fetch, published_sha256, rebased
from k8s_tutor.clusters.node.lock import Component, Program
from k8s_tutor.errors import EXIT_ENVIRONMENT, EnvironmentFault

BODY = b"\x7fELF" + bytes(range(256)) * 400


def sha(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def component(member: str = "") -> Component:
    host = "https://dl.k8s.io/release/v1.37.2/bin/linux/{arch}/"
    name = "tools-{arch}.tar.gz" if member else "{file}"
    return Component(
        name="tools",
        title="Tools",
        explains="",
        version="1.37.2",
        role="node",
        module="kubernetes",
        files=(Program("kubeadm", "p", ("version",), "v1.37.2"), Program("kubelet", "p", ("version",), "v1.37.2")),
        url=host + name,
        sha256=host + name + ".sha256",
        member=member,
    )


@pytest.fixture
def base(site: Site, monkeypatch: pytest.MonkeyPatch) -> Site:
    monkeypatch.setenv("K8S_TUTOR_DOWNLOAD_BASE", site.url)
    return site


def publish(site: Site, name: str, body: bytes = BODY, said: str = "") -> str:
    path = f"/release/v1.37.2/bin/linux/amd64/{name}"
    site.files[path] = body
    site.files[f"{path}.sha256"] = (said or sha(body)).encode()
    return path


def left(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_good_files_arrive_executable(base: Site, tmp_path: Path) -> None:
    publish(base, "kubeadm")
    publish(base, "kubelet", BODY + b"other")
    told: list[tuple[int, int]] = []
    download(component(), "amd64", tmp_path, Hosts(), lambda done, size: told.append((done, size)))
    assert left(tmp_path) == ["kubeadm", "kubelet"]
    assert (tmp_path / "kubelet").read_bytes() == BODY + b"other"
    assert (tmp_path / "kubeadm").stat().st_mode & 0o777 == 0o755
    assert told and told[-1][0] <= told[-1][1] and told == sorted(told, key=lambda each: each[0])


def test_members_of_an_archive(base: Site, tmp_path: Path) -> None:
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as tar:
        for name in ("./bin/kubeadm", "bin/kubelet", "bin/other", "../outside"):
            entry = tarfile.TarInfo(name)
            entry.size = len(BODY)
            tar.addfile(entry, io.BytesIO(BODY))
    publish(base, "tools-amd64.tar.gz", packed.getvalue(), f"{sha(packed.getvalue())}  tools-amd64.tar.gz\n")
    folder = tmp_path / "bin"
    folder.mkdir()
    download(component("bin/{file}"), "amd64", folder, Hosts(), lambda *_: None)
    assert left(folder) == ["kubeadm", "kubelet"]
    assert left(tmp_path) == ["bin"]


def test_an_archive_without_a_program_is_named(base: Site, tmp_path: Path) -> None:
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz"):
        pass
    publish(base, "tools-amd64.tar.gz", packed.getvalue())
    with pytest.raises(EnvironmentFault, match=r"tools-amd64\.tar\.gz has no bin/kubeadm, bin/kubelet"):
        download(component("bin/{file}"), "amd64", tmp_path, Hosts(), lambda *_: None)


def test_a_wrong_hash_is_an_error_and_nothing_is_kept(base: Site, tmp_path: Path) -> None:
    publish(base, "kubeadm", said=sha(b"what was published"))
    with pytest.raises(EnvironmentFault) as error:
        download(component(), "amd64", tmp_path, Hosts(), lambda *_: None)
    assert error.value.code == "sha256" and error.value.exit_code == EXIT_ENVIRONMENT
    for part in ("kubeadm", sha(b"what was published"), sha(BODY)):
        assert part in error.value.message
    assert left(tmp_path) == []


def test_a_broken_transfer_is_tried_again_and_leaves_no_file(base: Site, tmp_path: Path) -> None:
    path = publish(base, "kubeadm")
    base.cut.add(path)
    with pytest.raises(EnvironmentFault) as error:
        download(component(), "amd64", tmp_path, Hosts(), lambda *_: None)
    assert error.value.code == "download" and error.value.remedy
    assert base.asked.count(path) == 3
    assert left(tmp_path) == []


def test_a_target_that_is_there_survives_a_broken_transfer(base: Site, tmp_path: Path) -> None:
    path = publish(base, "kubeadm")
    base.cut.add(path)
    (tmp_path / "kubeadm").write_text("old")
    with pytest.raises(EnvironmentFault):
        fetch(base.url + path, tmp_path / "kubeadm", sha(BODY), lambda *_: None)
    assert (tmp_path / "kubeadm").read_text() == "old"
    assert left(tmp_path) == ["kubeadm"]


def test_a_release_that_is_not_there_falls_to_the_build(base: Site, tmp_path: Path) -> None:
    with pytest.raises(Unavailable):
        download(component(), "amd64", tmp_path, Hosts(), lambda *_: None)


def test_a_file_missing_beside_a_good_one_falls_to_the_build(base: Site, tmp_path: Path) -> None:
    publish(base, "kubeadm")
    with pytest.raises(Unavailable, match="kubelet"):
        download(component(), "amd64", tmp_path, Hosts(), lambda *_: None)


def test_a_refused_connection_is_decided_at_once_and_remembered(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        monkeypatch.setenv("K8S_TUTOR_DOWNLOAD_BASE", f"http://127.0.0.1:{taken.getsockname()[1]}")
        hosts, started = Hosts(), time.monotonic()
        with pytest.raises(Unavailable):
            download(component(), "amd64", tmp_path, hosts, lambda *_: None)
        assert time.monotonic() - started < 2
        assert list(hosts._known.values()) == [False]


def test_a_silent_host_costs_its_time_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("k8s_tutor.clusters.node.download.DECIDE_SECONDS", 0.2)
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        url = f"http://127.0.0.1:{silent.getsockname()[1]}/x"
        hosts, started = Hosts(), time.monotonic()
        assert not hosts.answers(url)
        once = time.monotonic() - started
        assert not hosts.answers(url)
        assert once < 2 and time.monotonic() - started - once < 0.1


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("A" * 64, "a" * 64),
        (f"{'b' * 64}  other\n{'c' * 64} *dir/kubeadm\n", "c" * 64),
        (f"{'b' * 64}  kubeadm.asc\n", None),
        ("<html>not found</html>", None),
        ("", None),
    ],
)
def test_checksum_files(text: str, expected: str | None) -> None:
    assert published_sha256(text, "kubeadm") == expected


def test_the_base_keeps_the_path_and_must_be_http() -> None:
    assert rebased("https://dl.k8s.io/release/x", "http://mirror:8000/") == "http://mirror:8000/release/x"
    assert rebased("https://dl.k8s.io/release/x", "") == "https://dl.k8s.io/release/x"
    with pytest.raises(EnvironmentFault, match="http"):
        rebased("https://dl.k8s.io/release/x", "file:///etc")
