from __future__ import annotations

from pathlib import Path

import pytest

from k8s_tutor.clusters import choose
from k8s_tutor.clusters.provider import Cluster
from k8s_tutor.errors import ClusterError, UsageError
from k8s_tutor.session import places


def cluster(name: str, *, running: bool = True, ready: bool = True, trouble: str = "") -> Cluster:
    return Cluster(name, "native", Path("/none"), "learner", True, running=running, ready=ready, trouble=trouble)


@pytest.fixture
def there(monkeypatch: pytest.MonkeyPatch) -> list[Cluster]:
    """The clusters of this machine, for the test to fill."""
    found: list[Cluster] = []

    class Native:
        name = "native"

        def list(self) -> list[Cluster]:
            return list(found)

        def status(self, name: str) -> Cluster | None:
            return next((each for each in found if each.name == name), None)

    monkeypatch.setattr(choose, "providers", lambda _wanted="auto": [Native()])
    return found


def test_the_only_cluster_is_meant_whatever_its_name(there: list[Cluster]):
    there.append(cluster("dev"))
    assert places.find_cluster().name == "dev"
    assert places.chosen(None).name == "dev"


def test_among_several_the_default_is_meant_or_one_must_be_named(there: list[Cluster]):
    there += [cluster("a"), cluster("b")]
    with pytest.raises(ClusterError) as caught:
        places.find_cluster()
    assert caught.value.remedy == "name one: --cluster a, --cluster b"
    assert places.find_cluster("b").name == "b"
    there.append(cluster(places.DEFAULT_NAME))
    assert places.find_cluster().name == places.DEFAULT_NAME


def test_what_is_not_there_not_running_or_not_ready_names_the_command_that_mends_it(there: list[Cluster]):
    with pytest.raises(ClusterError) as caught:
        places.find_cluster()
    assert caught.value.remedy == "k8s-tutor cluster up"
    there += [cluster("off", running=False), cluster("ill", ready=False, trouble="node2 does not run")]
    with pytest.raises(ClusterError, match="not running") as caught:
        places.find_cluster("off")
    assert caught.value.remedy == "k8s-tutor cluster up --name off"
    with pytest.raises(ClusterError, match="node2 does not run"):
        places.find_cluster("ill")


def test_a_cluster_and_a_context_together_are_a_usage_error(there: list[Cluster]):
    with pytest.raises(UsageError):
        places.find_cluster("a", "b")
