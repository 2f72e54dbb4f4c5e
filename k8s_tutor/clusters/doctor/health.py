"""The cluster's health, as its API server tells it: checks, nodes, DNS, images."""

from __future__ import annotations

import re
from collections.abc import Sequence

from k8s_tutor.clusters.doctor.asking import Asking, part, parts, silent
from k8s_tutor.clusters.doctor.cluster import up_command
from k8s_tutor.clusters.doctor.finding import CLUSTER, Finding, Topic
from k8s_tutor.clusters.doctor.programs import minor
from k8s_tutor.clusters.provider import Cluster
from k8s_tutor.clusters.ready import DNS_NAME, not_ready

_SUBJECT = "health"
_DNS_PAGE = "https://kubernetes.io/docs/tasks/administer-cluster/dns-debugging-resolution/"
API = Topic(
    "api", _SUBJECT, "the API server answers and calls itself ready", "GET /readyz?verbose", (CLUSTER,),
    "https://kubernetes.io/docs/reference/using-api/health-checks/",
)  # fmt: skip
NODES = Topic(
    "nodes", _SUBJECT, "nodes are Ready, without pressure, and can be scheduled to", "GET /api/v1/nodes", (CLUSTER,),
    "https://kubernetes.io/docs/tasks/debug/debug-cluster/",
)  # fmt: skip
NODE_VERSION = Topic(
    "node-version", _SUBJECT, "kubelets are not newer than the API server, and at most three minor versions older",
    "GET /api/v1/nodes, /version", (), "https://kubernetes.io/releases/version-skew-policy/#kubelet",
)  # fmt: skip
DNS_SERVER = Topic(
    "dns-server", _SUBJECT, "the cluster's DNS has ready endpoints", "EndpointSlices of kube-system/kube-dns",
    (CLUSTER,), _DNS_PAGE,
)  # fmt: skip
DNS = Topic(
    "dns", _SUBJECT, "the cluster's DNS answers for kubernetes.default", "a question from the node's network",
    (CLUSTER,), _DNS_PAGE,
)  # fmt: skip
IMAGES = Topic(
    "images", _SUBJECT, "the images of the labs can be had", "status.images of the nodes", (CLUSTER,),
    "https://kubernetes.io/docs/concepts/containers/images/",
)  # fmt: skip
TOPICS = (NODES, NODE_VERSION, DNS_SERVER, DNS, IMAGES)
_PRESSURES = ("MemoryPressure", "DiskPressure", "PIDPressure", "NetworkUnavailable")
_MOST_IMAGES = 50
"""A node tells of so many (kubelet's nodeStatusMaxImages)."""


def api(server: Asking, cluster: Cluster) -> Finding:
    """Whether the API server is ready; each of its checks that is not. Raises TutorError when it says nothing."""
    answer = server.ask("GET", "readyz?verbose")
    text = answer.body if isinstance(answer.body, str) else ""
    failing = re.findall(r"^\[-\](\S+)", text, re.M)
    passing = re.findall(r"^\[\+\]", text, re.M)
    if answer.ok:
        return API.ok(f"{cluster.server or cluster.name} is ready, {len(passing)} checks ok")
    if failing:
        return API.lack(f"not ok: {', '.join(failing[:12])}", logs_command(cluster, "kube-apiserver"))
    if answer.status in (401, 403):
        return API.lack(
            f"it answers, and refuses: {answer.words}", f"kubectl --kubeconfig {cluster.kubeconfig} auth whoami"
        )
    return API.lack(f"it answers, and is not ready: {answer.words}", logs_command(cluster, "kube-apiserver"))


def logs_command(cluster: Cluster, component: str) -> str:
    """What shows the log of a part of the cluster."""
    if cluster.owned:
        return f"k8s-tutor cluster logs --name {cluster.name} {component}"
    return f"kubectl --context {cluster.name} -n kube-system logs -l component={component}"


def look_nodes(server: Asking, cluster: Cluster, version: str, images: Sequence[str]) -> list[Finding]:
    """Nodes, their versions, and the images on them: one list."""
    answer = server.ask("GET", "api/v1/nodes?limit=200")
    if not answer.ok:
        return [silent(topic, answer) for topic in (NODES, NODE_VERSION, IMAGES)]
    return [
        _nodes(answer.items, cluster),
        _versions(answer.items, version),
        _images(answer.items, cluster, images),
    ]


def _nodes(nodes: Sequence[dict[str, object]], cluster: Cluster) -> Finding:
    if not nodes:
        return NODES.lack("the cluster has no node", up_command(cluster))
    bad: list[str] = []
    good: list[str] = []
    for node in nodes:
        name = str(part(node, "metadata", "name"))
        lacks = [not_ready(node)] if not_ready(node) else []
        for condition in parts(node, "status", "conditions"):
            if condition.get("type") in _PRESSURES and condition.get("status") == "True":
                lacks.append(f"has {condition['type']}: {condition.get('message', '')}")
        if part(node, "spec", "unschedulable"):
            lacks.append("is cordoned: no pod is scheduled to it")
        (bad if lacks else good).append(f"{name} {', '.join(lacks)}".strip())
    if bad:
        first = bad[0].split()[0]
        cordoned = all("is cordoned" in words and "," not in words for words in bad)
        remedy = f"kubectl uncordon {first}" if cordoned else f"kubectl describe node {first}"
        if any("has DiskPressure" in words for words in bad):
            remedy = f"free some space on the disk of {first} (df -h), then: kubectl describe node {first}"
        return (NODES.lack if not good or not cordoned else NODES.note)("; ".join(bad), remedy)
    return NODES.ok(f"Ready, without pressure: {', '.join(good)}")


def _versions(nodes: Sequence[dict[str, object]], server: str) -> Finding:
    ours = minor(server)
    if ours is None:
        return NODE_VERSION.unseen("the API server did not tell its version")
    told, apart = [], []
    for node in nodes:
        kubelet = str(part(node, "status", "nodeInfo", "kubeletVersion"))
        theirs = minor(kubelet)
        told.append(f"{part(node, 'metadata', 'name')} {kubelet}")
        if theirs is None or theirs[0] != ours[0] or not 0 <= ours[1] - theirs[1] <= 3:
            apart.append(told[-1])
    words = f"API server {server}; {', '.join(told)}"
    if apart:
        return NODE_VERSION.note(f"{words}: too far apart: {', '.join(apart)}", "upgrade these nodes to the server's")
    return NODE_VERSION.ok(words)


def _images(nodes: Sequence[dict[str, object]], cluster: Cluster, images: Sequence[str]) -> Finding:
    if not images:
        return IMAGES.beyond("no lab names an image")
    lacking: dict[str, list[str]] = {}
    full = False
    for node in nodes:
        there = parts(node, "status", "images")
        full = full or len(there) >= _MOST_IMAGES
        names = {whole(str(name)) for entry in there for name in entry.get("names") or ()}
        for image in images:
            if whole(image) not in names:
                lacking.setdefault(image, []).append(str(part(node, "metadata", "name")))
    stand_ins = {whole(image): truth for image, truth in cluster.stand_ins.items()}
    own = [image for image in lacking if whole(image) in stand_ins]
    rest = [image for image in lacking if whole(image) not in stand_ins]
    told = []
    if len(lacking) < len(images):
        told.append(f"on every node: {', '.join(image for image in images if image not in lacking)}")
    for image in own:
        told.append(f"{image} comes from the node's own registry, a stand-in: {stand_ins[whole(image)]}")
    if not rest:
        return IMAGES.ok("; ".join(told))
    where = "; ".join(f"{image} (not on {', '.join(lacking[image][:3])})" for image in rest)
    if full:
        return IMAGES.beyond(f"{where}; but a node tells only {_MOST_IMAGES} of its images")
    if cluster.egress:
        return IMAGES.beyond(
            "; ".join([*told, f"to be pulled, which was not tried: {where}"]),
            f"kubectl run pull-test --rm -i --restart=Never --image={rest[0]} -- true",
        )
    return IMAGES.lack(
        "; ".join([*told, f"not there, and this cluster reaches no registry: {where}"]),
        f"docker save {rest[0]} -o image.tar; k8s-tutor cluster load-images --name {cluster.name} image.tar",
    )


def whole(image: str) -> str:
    """An image's whole name, as a node tells it: ``nginx`` is ``docker.io/library/nginx:latest``."""
    name, at, digest = image.partition("@")
    first, slash, _ = name.partition("/")
    if not slash:
        name = f"docker.io/library/{name}"
    elif "." not in first and ":" not in first and first != "localhost":
        name = f"docker.io/{name}"
    if not at and ":" not in name.rpartition("/")[2]:
        name += ":latest"
    return name + at + digest


def look_dns(server: Asking, cluster: Cluster) -> list[Finding]:
    """Endpoints of the cluster's DNS, and a question to it."""
    slices = server.ask(
        "GET",
        "apis/discovery.k8s.io/v1/namespaces/kube-system/endpointslices?labelSelector=kubernetes.io/service-name=kube-dns",
    )
    restart = f"kubectl --kubeconfig {cluster.kubeconfig} -n kube-system"
    if not slices.ok:
        first = silent(DNS_SERVER, slices)
    else:
        ready = [
            address
            for each in slices.items
            for endpoint in parts(each, "endpoints")
            if part(endpoint, "conditions", "ready") is not False
            for address in endpoint.get("addresses") or ()
        ]
        if ready:
            first = DNS_SERVER.ok(
                f"{len(ready)} ready endpoint{'s' if len(ready) != 1 else ''}: {', '.join(ready[:4])}"
            )
        else:
            first = DNS_SERVER.lack("no ready endpoint: no CoreDNS pod is ready", _coredns(server, restart))
    return [first, _question(server, cluster, first, restart)]


def _coredns(server: Asking, kubectl: str) -> str:
    deployment = server.ask("GET", "apis/apps/v1/namespaces/kube-system/deployments/coredns")
    if deployment.ok and part(deployment.body, "spec", "replicas") == 0:
        return f"{kubectl} scale deployment coredns --replicas=2"
    if deployment.ok:
        return f"{kubectl} describe pods -l k8s-app=kube-dns"
    return f"{kubectl} get pods -l k8s-app=kube-dns"


def _question(server: Asking, cluster: Cluster, servers: Finding, kubectl: str) -> Finding:
    service = server.ask("GET", "api/v1/namespaces/kube-system/services/kube-dns")
    address = str(part(service.body, "spec", "clusterIP") or "")
    if not service.ok or not address or address == "None":
        why = "it is headless" if service.ok else service.words
        return DNS.beyond(f"the Service kube-system/kube-dns tells no address to ask: {why}")
    failure = ""
    for _ in range(2):  # UDP: one packet may be lost
        try:
            found = server.resolve(DNS_NAME, address)
        except (OSError, ValueError) as error:
            failure = str(error) or type(error).__name__
            continue
        if found is None:
            break
        if found:
            return DNS.ok(f"{DNS_NAME} is {', '.join(found[:4])}, says {address}")
        failure = "it names no address"
    if not failure:
        return DNS.beyond(
            f"nothing here can ask {address}: the cluster's network is entered by root, and where its nodes run",
            f"kubectl run dns-test --rm -i --restart=Never --image=busybox -- nslookup {DNS_NAME}",
        )
    told = f"{address} does not answer for {DNS_NAME}: {failure}"
    return DNS.lack(told, servers.remedy or f"{kubectl} rollout restart deployment coredns")
