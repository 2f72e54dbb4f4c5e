"""What each phase of the bring-up is called and what it is for: the wait teaches."""

from __future__ import annotations

from k8s_tutor.clusters.native.pid1 import events

TITLES = {
    events.NODE: "node",
    events.ETCD: "etcd",
    events.APISERVER: "apiserver",
    events.CONTROLLERS: "controllers",
    events.SCHEDULER: "scheduler",
    events.KUBELET: "kubelet",
    events.DNS: "DNS",
    events.READY: "ready",
}
EXPLAINS = {
    events.NODE: "a network, a process tree and a file system of its own",
    events.ETCD: "the store: every object of the cluster is a key in it",
    events.APISERVER: "the only door to the store: everything talks to it, and to nothing else",
    events.CONTROLLERS: "loops that make what is become what should be",
    events.SCHEDULER: "picks a node for each new pod",
    events.KUBELET: "starts what was scheduled here, keeps it running",
    events.DNS: "names for Services",
    events.READY: "every part answers, also through a Service",
}
EXPLAINS_DOWN = "every process, link, cgroup and file of the cluster goes"
"""For the one phase of ``down``."""
