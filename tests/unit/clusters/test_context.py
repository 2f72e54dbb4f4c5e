from __future__ import annotations

import base64
import os
from pathlib import Path

import pytest
import yaml

from k8s_tutor.clusters.context import ContextProvider
from k8s_tutor.errors import EnvironmentFault, UsageError
from k8s_tutor.phases import silent


def entry(name: str, server: str = "https://127.0.0.1:6443", **cluster: str) -> dict[str, list[dict[str, object]]]:
    return {
        "clusters": [{"name": name, "cluster": {"server": server, **cluster}}],
        "users": [{"name": f"{name}-user", "user": {"token": f"token-{name}"}}],
        "contexts": [{"name": name, "context": {"cluster": name, "user": f"{name}-user", "namespace": "theirs"}}],
    }


def write(path: Path, *entries: dict[str, list[dict[str, object]]], current: str = "prod") -> Path:
    document: dict[str, object] = {"apiVersion": "v1", "kind": "Config", "current-context": current}
    for part in ("clusters", "users", "contexts"):
        document[part] = [item for each in entries for item in each[part]]
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(yaml.safe_dump(document))
    return path


@pytest.fixture(autouse=True)
def _own_state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.delenv("KUBECONFIG", raising=False)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))


def test_the_private_copy_holds_only_this_context_with_our_namespace(tmp_path: Path):
    path = write(tmp_path / "config", entry("kind-lab"), entry("prod", "https://api.example.com"))
    before = path.read_bytes(), path.stat().st_mtime_ns
    cluster = ContextProvider((path,)).up("kind-lab", report=silent)
    copy = yaml.safe_load(cluster.kubeconfig.read_text())
    assert [item["name"] for item in copy["contexts"]] == ["kind-lab"]
    assert copy["current-context"] == "kind-lab"
    assert copy["contexts"][0]["context"]["namespace"] == "learner"
    assert copy["users"] == [{"name": "kind-lab-user", "user": {"token": "token-kind-lab"}}]
    assert "example.com" not in cluster.kubeconfig.read_text()
    assert cluster.kubeconfig.stat().st_mode & 0o777 == 0o600
    assert (path.read_bytes(), path.stat().st_mtime_ns) == before
    assert not cluster.owned
    assert cluster.netns is None
    assert cluster.namespace == "learner"


def test_certificates_are_embedded_also_from_paths_relative_to_their_file(tmp_path: Path):
    write(tmp_path / "sub" / "config", entry("kind-lab", **{"certificate-authority": "ca.crt"}))
    (tmp_path / "sub" / "ca.crt").write_bytes(b"the certificate")
    cluster = ContextProvider((tmp_path / "sub" / "config",)).up("kind-lab", report=silent)
    held = yaml.safe_load(cluster.kubeconfig.read_text())["clusters"][0]["cluster"]
    assert base64.b64decode(held["certificate-authority-data"]) == b"the certificate"
    assert "certificate-authority" not in held


def test_a_certificate_that_is_not_there_is_named(tmp_path: Path):
    path = write(tmp_path / "config", entry("kind-lab", **{"certificate-authority": "gone.crt"}))
    with pytest.raises(EnvironmentFault, match=r"gone\.crt"):
        ContextProvider((path,)).up("kind-lab", report=silent)


def test_kubeconfig_is_a_list_of_files_and_the_first_to_name_one_wins(tmp_path: Path, monkeypatch):
    one = write(tmp_path / "one", entry("kind-a", "https://127.0.0.1:1"))
    two = write(tmp_path / "two", entry("kind-a", "https://127.0.0.1:2"), entry("kind-b", "https://127.0.0.1:3"))
    monkeypatch.setenv("KUBECONFIG", os.pathsep.join([str(one), str(tmp_path / "none"), str(two)]))
    provider = ContextProvider()
    assert provider.names() == ("kind-a", "kind-b")
    assert provider.up("kind-a", report=silent).server == "https://127.0.0.1:1"
    assert provider.up("kind-b", report=silent).server == "https://127.0.0.1:3"


def test_home_is_read_when_no_file_is_named(tmp_path: Path):
    write(tmp_path / "home" / ".kube" / "config", entry("minikube"))
    assert ContextProvider().names() == ("minikube",)


def test_a_remote_context_is_refused_and_nothing_is_written(tmp_path: Path):
    path = write(tmp_path / "config", entry("kind-far", "https://34.1.2.3"), entry("company"))
    provider = ContextProvider((path,))
    for name in ("kind-far", "company"):
        with pytest.raises(EnvironmentFault, match="refused"):
            provider.up(name, report=silent)
    assert not (tmp_path / "state").exists()
    assert provider.list() == []


def test_a_way_through_a_proxy_is_refused(tmp_path: Path):
    path = write(tmp_path / "config", entry("kind-lab", **{"proxy-url": "http://proxy.example.com:3128"}))
    with pytest.raises(EnvironmentFault, match="proxy"):
        ContextProvider((path,)).up("kind-lab", report=silent)


def test_an_unknown_context_lists_the_known_ones(tmp_path: Path):
    path = write(tmp_path / "config", entry("kind-lab"))
    with pytest.raises(UsageError) as caught:
        ContextProvider((path,)).up("kind-x", report=silent)
    assert "kind-lab" in caught.value.remedy
    assert ContextProvider((path,)).status("kind-x") is None


@pytest.mark.parametrize("text", ["{", "[]", "", "contexts: 5", "contexts: [5, {name: a}]", "\x00"])
def test_a_broken_file_is_never_a_traceback(tmp_path: Path, text: str):
    (tmp_path / "config").write_text(text)
    with pytest.raises((EnvironmentFault, UsageError)):
        ContextProvider((tmp_path / "config",)).up("kind-lab", report=silent)


def test_a_contexts_name_never_decides_where_we_write(tmp_path: Path):
    name = "kind-../../../evil"
    path = write(tmp_path / "config", entry(name))
    cluster = ContextProvider((path,)).up(name, report=silent)
    assert cluster.kubeconfig.parent == tmp_path / "state" / "k8s-tutor" / "contexts"


def test_down_removes_our_copy_alone(tmp_path: Path):
    path = write(tmp_path / "config", entry("kind-lab"))
    provider = ContextProvider((path,))
    cluster = provider.up("kind-lab", report=silent)
    assert provider.down("kind-lab", report=silent)
    assert not cluster.kubeconfig.exists()
    assert path.exists()
    assert not provider.down("kind-lab", report=silent)
