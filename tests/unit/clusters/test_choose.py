"""Which provider is meant: what is there, what is asked for, and what would do."""

from __future__ import annotations

from pathlib import Path

import pytest

from k8s_tutor.clusters import choose
from k8s_tutor.clusters.kind import engine
from k8s_tutor.clusters.kind.engine import Engine
from k8s_tutor.clusters.minikube import drivers, program
from k8s_tutor.clusters.provider import Cluster
from k8s_tutor.errors import ClusterError, UsageError


class Fake:
    def __init__(self, name: str, *clusters: Cluster) -> None:
        self.name = name
        self.clusters = list(clusters)

    def list(self) -> list[Cluster]:
        return self.clusters

    def status(self, name: str) -> Cluster | None:
        return next((each for each in self.clusters if each.name == name), None)


def cluster(name: str, provider: str, *, ready: bool = True) -> Cluster:
    return Cluster(name, provider, Path("/none"), "learner", True, running=ready, ready=ready)


@pytest.fixture
def there(monkeypatch: pytest.MonkeyPatch) -> dict[str, Fake]:
    made = {name: Fake(name) for name in ("native", "kind", "minikube")}
    monkeypatch.setattr(choose, "_PROVIDERS", {name: (lambda fake=fake: fake) for name, fake in made.items()})
    monkeypatch.delenv(choose.VARIABLE, raising=False)
    return made


@pytest.fixture
def answering(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine, "find", lambda: Engine("podman", "/usr/bin/podman"))


@pytest.fixture
def silent(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine, "find", lambda: None)
    monkeypatch.setattr(program, "find", lambda: None)


def test_auto_takes_kind_where_an_engine_answers_and_says_so(there: dict[str, Fake], answering: None) -> None:
    found = choose.choose(None)
    assert (found.provider.name, found.name, found.cluster) == ("kind", choose.DEFAULT_NAME, None)
    assert "podman" in found.why


def test_auto_takes_native_where_none_answers(there: dict[str, Fake], silent: None) -> None:
    found = choose.choose("dev")
    assert (found.provider.name, found.name) == ("native", "dev")
    assert "no container engine" in found.why


def test_auto_takes_minikube_where_it_is_with_a_driver_and_says_which(
    there: dict[str, Fake], silent: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(program, "find", lambda: Path("/usr/bin/minikube"))
    monkeypatch.setattr(drivers, "able", lambda _engine: "qemu")
    found = choose.choose(None)
    assert found.provider.name == "minikube"
    assert found.why == "no container engine answers, and minikube is there with a driver that can work (qemu)"
    monkeypatch.setattr(drivers, "able", lambda _engine: "")
    found = choose.choose(None)
    assert found.provider.name == "native" and "without a driver" in found.why
    monkeypatch.setattr(engine, "find", lambda: Engine("docker", "/usr/bin/docker"))
    assert choose.choose(None).provider.name == "kind", "kind goes before minikube"


def test_a_version_is_for_those_who_can_choose_one() -> None:
    from k8s_tutor.clusters.minikube.provider import MinikubeProvider

    assert isinstance(choose.fitted("minikube", "", "v1.36.2"), MinikubeProvider)
    assert choose.fitted("kind", "kindest/node:v1", "").name == "kind"
    for provider, image, version in (("native", "", "v1.36.2"), ("minikube", "kindest/node:v1", "")):
        with pytest.raises(UsageError, match="is for kind"):
            choose.fitted(provider, image, version)


def test_what_is_there_goes_before_what_would_do(there: dict[str, Fake], answering: None) -> None:
    there["native"].clusters.append(cluster("dev", "native"))
    assert choose.choose(None).provider.name == "native"
    assert choose.choose(None).name == "dev"
    there["kind"].clusters.append(cluster("tutor", "kind"))
    assert (choose.choose(None).provider.name, choose.choose(None).name) == ("kind", "tutor")
    assert choose.choose("dev").provider.name == "native"


def test_the_option_goes_before_the_variable_before_auto(
    there: dict[str, Fake], answering: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(choose.VARIABLE, "native")
    assert choose.choose("dev").provider.name == "native"
    assert choose.choose("dev", "kind").provider.name == "kind"
    assert choose.choose("dev", "auto").provider.name == "kind"
    monkeypatch.setenv(choose.VARIABLE, "vagrant")
    with pytest.raises(UsageError, match="no provider 'vagrant'") as caught:
        choose.choose("dev")
    assert "native" in caught.value.remedy and "kind" in caught.value.remedy


def test_a_wanted_provider_sees_its_own_clusters_only(there: dict[str, Fake], silent: None) -> None:
    there["native"].clusters.append(cluster("dev", "native"))
    found = choose.choose(None, "kind")
    assert (found.provider.name, found.name, found.cluster) == ("kind", choose.DEFAULT_NAME, None)


def test_two_of_one_name_the_ready_one_is_meant_else_it_must_be_said(there: dict[str, Fake], silent: None) -> None:
    there["native"].clusters.append(cluster("dev", "native", ready=False))
    there["kind"].clusters.append(cluster("dev", "kind"))
    assert choose.choose("dev").provider.name == "kind"
    there["native"].clusters[0] = cluster("dev", "native")
    with pytest.raises(ClusterError) as caught:
        choose.choose("dev")
    assert caught.value.remedy == "say which: --provider native, --provider kind"
    assert choose.choose("dev", "native").provider.name == "native"


def test_the_real_providers_are_those_that_are_named() -> None:
    for name in choose.names():
        assert choose.make(name).name == name
