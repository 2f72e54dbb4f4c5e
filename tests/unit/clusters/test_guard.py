from __future__ import annotations

import pytest

from k8s_tutor.clusters.guard import judge, require
from k8s_tutor.errors import EXIT_ENVIRONMENT, EnvironmentFault

LOOPBACK = "https://127.0.0.1:6443"


@pytest.mark.parametrize(
    "name",
    ["kind-kind", "kind-lab", "minikube", "minikube-two", "k3d-x", "docker-desktop", "rancher-desktop", "colima",
     "orbstack", "microk8s", "k8s-tutor-dev"],
)  # fmt: skip
def test_contexts_of_local_tools_at_local_addresses_are_allowed(name: str):
    assert judge(name, name, LOOPBACK).allowed


@pytest.mark.parametrize(
    "name",
    ["prod", "kind-prod", "minikube-production", "gke_project_zone_kind-x", "arn:aws:eks:eu:1:cluster/kind-x",
     "kind-x.eksctl.io", "do-fra1-kind", "default", "kindly", "my-kind-x", "docker-desktop-2", "", "kind-", "k3d-\nx"],
)  # fmt: skip
def test_other_names_are_refused_even_at_a_local_address(name: str):
    verdict = judge(name, "x", LOOPBACK)
    assert not verdict.allowed
    assert verdict.reason


def test_a_cluster_entry_that_looks_like_production_is_refused():
    assert not judge("kind-x", "gke_prod", LOOPBACK).allowed


@pytest.mark.parametrize(
    "server",
    ["https://127.0.0.1:1", "https://127.9.9.9", "https://[::1]:6443", "https://10.0.0.5:6443", "https://172.18.0.2:6443",
     "https://192.168.49.2:8443", "https://169.254.1.1", "https://[fd00::1]:6443", "https://[fe80::1%25eth0]:6443",
     "https://localhost:6443", "https://kubernetes.docker.internal:6443", "https://host.docker.internal:1",
     "http://127.0.0.1:8080", "unix:///run/api.sock", "https://[::ffff:127.0.0.1]:6443"],
)  # fmt: skip
def test_local_addresses(server: str):
    assert judge("kind-x", "kind-x", server).allowed


@pytest.mark.parametrize(
    "server",
    ["https://34.1.2.3:443", "https://172.32.0.1", "https://11.0.0.1", "https://[2001:db8::1]:6443", "https://0.0.0.0",
     "https://[::ffff:8.8.8.8]:443", "https://docker.internal.example.com", "ftp://127.0.0.1", "", "127.0.0.1:6443",
     "https://", "https://[bad"],
)  # fmt: skip
def test_other_addresses_are_refused(server: str):
    def nowhere(host: str) -> list[str]:
        raise OSError(host)

    assert not judge("kind-x", "kind-x", server, resolve=nowhere).allowed


def test_a_name_must_resolve_to_local_addresses_only():
    def resolve(host: str) -> list[str]:
        return {"mine": ["10.0.0.1", "fd00::1"], "mixed": ["10.0.0.1", "8.8.8.8"], "empty": []}[host]

    assert judge("kind-x", "c", "https://mine:6443", resolve=resolve).allowed
    assert "8.8.8.8" in judge("kind-x", "c", "https://mixed:6443", resolve=resolve).reason
    assert not judge("kind-x", "c", "https://empty:6443", resolve=resolve).allowed


def test_a_refusal_says_why_and_ends_with_the_environments_exit_code():
    with pytest.raises(EnvironmentFault) as caught:
        require("work", "work", "https://api.example.com")
    assert caught.value.exit_code == EXIT_ENVIRONMENT
    assert "work" in caught.value.message
    assert "k8s-tutor cluster up" in caught.value.remedy
