"""What becomes of a context: used as it is, or only with its user's consent. One row each, with what decides it."""

from __future__ import annotations

import pytest

from k8s_tutor.clusters.guard import Facts, Node, decide

HERE = "https://127.0.0.1:6443"
RESOLVED = {
    "mine.internal": ["10.0.0.4"],
    "kubernetes.corp": ["10.20.30.40"],
    "mixed.example": ["127.0.0.1", "203.0.113.9"],
    "public.example": ["203.0.113.9"],
    "six.example": ["fd00::4", "2001:db8::9"],
    "abc.gr7.eu-west-1.eks.amazonaws.com": ["10.0.4.7"],
    "prod.hcp.westeurope.azmk8s.io": ["203.0.113.10"],
    "x.k8s.ondigitalocean.com": ["203.0.113.11"],
    "lima-rancher-desktop": ["192.168.5.15"],
}


def resolve(host: str) -> list[str]:
    if host not in RESOLVED:
        raise OSError(f"{host}: unknown")
    return RESOLVED[host]


def cluster(*provider_ids: str, labels: tuple[str, ...] = (), namespaces: int | None = 5) -> Facts:
    nodes = tuple(Node(f"n{at}", text, frozenset(labels)) for at, text in enumerate(provider_ids))
    return Facts("uid", "v1.37.2", nodes, namespaces)


KIND = cluster("kind://docker/lab/lab-control-plane", labels=("kubernetes.io/hostname",))
K3S = cluster("k3s://k3d-dev-server-0")
BARE = cluster("")
EKS = cluster("aws:///eu-west-1a/i-0abc", labels=("topology.kubernetes.io/region",))
GKE = cluster("gce://project/zone/node", labels=("cloud.google.com/gke-nodepool",))
AKS = cluster("azure:///subscriptions/x")
CORP = cluster(*[""] * 30, namespaces=200)
UNREADABLE = Facts("uid", "v1.37.2", None, 5)

LOCAL = [
    ("kind-lab", "kind-lab", HERE, KIND),
    ("kind-kind", "kind-kind", "https://[::1]:41267", KIND),
    ("kind-three", "kind-three", HERE, cluster(*["kind://docker/three/n"] * 3)),
    ("kind", "kind", HERE, KIND),
    ("minikube", "minikube", "https://192.168.49.2:8443", BARE),
    ("minikube-class", "minikube", "https://192.168.58.2:8443", BARE),
    ("k3d-dev", "k3d-dev", "https://0.0.0.0:6550".replace("0.0.0.0", "127.0.0.1"), K3S),
    ("docker-desktop", "docker-desktop", "https://kubernetes.docker.internal:6443", BARE),
    ("docker-desktop", "docker-desktop", HERE, cluster("kind://docker/desktop/desktop-control-plane")),
    ("docker-for-desktop", "docker-for-desktop-cluster", "https://localhost:6443", BARE),
    ("rancher-desktop", "rancher-desktop", HERE, K3S),
    ("rancher-desktop", "rancher-desktop", "https://lima-rancher-desktop:6443", K3S),
    ("colima", "colima", HERE, K3S),
    ("colima-big", "colima-big", HERE, K3S),
    ("orbstack", "orbstack", "https://127.0.0.1:26443", cluster("k3s://orbstack")),
    ("microk8s", "microk8s-cluster", "https://10.1.2.3:16443", BARE),
    ("kind-lab", "kind-lab", "https://mine.internal:6443", KIND),
    ("kind-lab", "kind-lab", "https://[::ffff:127.0.0.1]:6443", KIND),
    ("k8s-tutor-dev", "k8s-tutor-dev", "https://172.29.0.2:6443", BARE),
]

ASKED = [
    # by its name
    ("prod", "prod", HERE, BARE, "looks like a production"),
    ("kind-prod", "kind-prod", HERE, KIND, "looks like a production"),
    ("minikube-production", "m", HERE, BARE, "looks like a production"),
    ("gke_project_europe-west1_learn", "gke_project_europe-west1_learn", "https://203.0.113.9", GKE, "cloud"),
    ("arn:aws:eks:eu-west-1:1:cluster/a", "a", "https://abc.gr7.eu-west-1.eks.amazonaws.com", EKS, "cloud"),
    ("me@x.eu.eksctl.io", "x.eu.eksctl.io", "https://public.example", EKS, "cloud"),
    ("do-fra1-learn", "do-fra1-learn", "https://x.k8s.ondigitalocean.com", BARE, "cloud"),
    ("kind-lab", "gke_project_zone_x", HERE, KIND, "looks like a production"),
    ("learn", "prod.hcp.westeurope.azmk8s.io", "https://prod.hcp.westeurope.azmk8s.io", AKS, "looks like a production"),
    ("default", "default", HERE, BARE, "not one that a local tool gives"),
    ("staging", "staging", HERE, BARE, "not one that a local tool gives"),
    ("", "", HERE, BARE, "not one that a local tool gives"),
    ("kind-", "kind-", HERE, KIND, "not one that a local tool gives"),
    ("my-kind-lab", "kind", HERE, KIND, "not one that a local tool gives"),
    ("Minikube", "minikube", HERE, BARE, "not one that a local tool gives"),
    ("kind-a\nb", "kind-a", HERE, KIND, "not one that a local tool gives"),
    ("minikube\x1b[31m", "minikube", HERE, BARE, "not one that a local tool gives"),
    ("x" * 253, "x", HERE, BARE, "not one that a local tool gives"),
    # by its address
    ("kind-lab", "kind-lab", "https://203.0.113.9:6443", KIND, "not a local address"),
    ("kind-lab", "kind-lab", "https://public.example:6443", KIND, "not a local address"),
    ("kind-lab", "kind-lab", "https://mixed.example:6443", KIND, "not a local address"),
    ("kind-lab", "kind-lab", "https://six.example:6443", KIND, "not a local address"),
    ("kind-lab", "kind-lab", "https://[2001:db8::1]:6443", KIND, "not a local address"),
    ("kind-lab", "kind-lab", "https://[::ffff:203.0.113.9]", KIND, "not a local address"),
    ("kind-lab", "kind-lab", "https://nowhere.example", KIND, "does not resolve"),
    ("kind-lab", "kind-lab", "https://docker.internal.example", KIND, "does not resolve"),
    ("kind-lab", "kind-lab", "", KIND, "not an address"),
    ("kind-lab", "kind-lab", "127.0.0.1:6443", KIND, "not an address"),
    ("kind-lab", "kind-lab", "ftp://127.0.0.1", KIND, "not an address"),
    ("kind-lab", "kind-lab", "https://[::1", KIND, "not an address"),
    # by its own facts: tunnels' ends and companies' clusters are on local addresses, too
    ("minikube", "minikube", "https://localhost:8443", EKS, "aws:///"),
    ("kind-tunnel", "kind-tunnel", HERE, GKE, "gce://"),
    ("kind-lab", "kind-lab", "https://kubernetes.corp:6443", CORP, "30 nodes"),
    ("kind-lab", "kind-lab", HERE, cluster("", labels=("topology.kubernetes.io/region",)), "has the label"),
    ("docker-desktop", "docker-desktop", HERE, AKS, "azure:///"),
    ("kind-lab", "kind-lab", HERE, cluster("", namespaces=51), "51 namespaces"),
    ("kind-lab", "kind-lab", HERE, UNREADABLE, "nodes may not be read"),
    ("kind-lab", "kind-lab", HERE, cluster("", namespaces=None), "namespaces may not be read"),
    ("k3d-x", "k3d-x", HERE, cluster("vsphere://4237"), "vsphere://"),
    ("microk8s", "microk8s-cluster", "https://10.1.2.3:16443", cluster("openstack:///x"), "openstack:///"),
]


def test_the_table_is_long_enough() -> None:
    assert len(LOCAL) + len(ASKED) >= 40


@pytest.mark.parametrize(("name", "entry", "server", "facts"), LOCAL)
def test_used_as_it_is(name: str, entry: str, server: str, facts: Facts) -> None:
    verdict = decide(name, entry, server, facts, resolve=resolve)
    assert verdict.allowed, verdict.reason


@pytest.mark.parametrize(("name", "entry", "server", "facts", "why"), ASKED)
def test_only_with_consent(name: str, entry: str, server: str, facts: Facts, why: str) -> None:
    verdict = decide(name, entry, server, facts, resolve=resolve)
    assert not verdict.allowed
    assert why in verdict.reason
    assert len(verdict.reason) < 400


def test_a_way_through_a_proxy_says_nothing_about_its_end() -> None:
    verdict = decide("kind-lab", "kind-lab", HERE, KIND, proxy="http://proxy.corp:3128", resolve=resolve)
    assert not verdict.allowed and "proxy" in verdict.reason
