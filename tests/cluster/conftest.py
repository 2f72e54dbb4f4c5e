"""A real cluster for the tests here. Where none can be had they fail; they never skip."""

from __future__ import annotations

import os
import secrets
from collections.abc import Callable, Iterator

import pytest
from native_helpers import Kubectl, tell, until

from k8s_tutor.clusters.native.provider import NativeProvider
from k8s_tutor.clusters.provider import Cluster

NAMED = "K8S_TUTOR_TEST_CLUSTER"
"""Names a native cluster to use (brought up if it does not run) and to leave alone afterwards."""


@pytest.fixture(scope="session")
def cluster() -> Iterator[Cluster]:
    """One cluster for all tests of a run."""
    provider = NativeProvider()
    named = os.environ.get(NAMED, "")
    name = named or f"t-{os.getpid()}"
    try:
        yield provider.up(name, report=tell)
    finally:
        if not named:
            provider.down(name, report=tell)


@pytest.fixture(scope="module")
def make_namespace(cluster: Cluster) -> Iterator[Callable[[], Kubectl]]:
    """Makes namespaces that a Pod can be created in at once; all are gone at the end of the module.

    What a test left behind would be seen by the next one: a check looks for a missing Pod elsewhere, too.
    """
    admin = Kubectl(cluster, "default")
    made: list[str] = []

    def make() -> Kubectl:
        name = f"test-{secrets.token_hex(4)}"
        admin("create", "namespace", name)
        made.append(name)
        kubectl = Kubectl(cluster, name)
        until(
            lambda: kubectl.run("get", "serviceaccount", "default", check=False).returncode == 0,
            within=60,
            what=f"the default ServiceAccount of {name}",
        )
        return kubectl

    yield make
    if made:
        admin.run("delete", "namespace", "--timeout=100s", *made, check=False)


@pytest.fixture
def kubectl(make_namespace: Callable[[], Kubectl]) -> Kubectl:
    """kubectl in a fresh namespace of this test's own."""
    return make_namespace()


@pytest.fixture
def namespace(kubectl: Kubectl) -> str:
    """The name of this test's own namespace (the same as that of ``kubectl``)."""
    return kubectl.namespace


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Everything in this folder needs a cluster."""
    for item in items:
        if "tests/cluster/" in str(item.path):
            item.add_marker(pytest.mark.cluster)
