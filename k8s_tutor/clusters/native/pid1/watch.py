"""Is it there yet? The node's parts and the whole cluster, asked again and again until everything answers."""

from __future__ import annotations

import contextlib
import http.client
import ssl
import time
from collections.abc import Callable
from pathlib import Path

from k8s_tutor.clusters.native.pid1 import dns, events
from k8s_tutor.clusters.native.pid1.api import Api, context_of, unchecked_context
from k8s_tutor.clusters.native.pid1.events import Events
from k8s_tutor.clusters.native.pid1.settings import Settings
from k8s_tutor.clusters.ready import DNS_NAME, accounts_lack, namespace_lack, node_lack, quietly

ADMIN = Path("/etc/kubernetes/super-admin.conf")
"""kubeadm's own way in, which no binding in the cluster can close."""
_SCRATCH = Path("/run/k8s-tutor.pem")
_AUTHORITY = Path("/etc/kubernetes/pki/ca.crt")
_IDENTITY = Path("/var/lib/kubelet/pki/kubelet-client-current.pem")
_PAUSE = 0.05


class Watch:
    """Looks at the cluster from its first node, and tells what has come up."""

    def __init__(self, settings: Settings, said: Events) -> None:
        self._settings = settings
        self._said = said
        self._booted = time.time()
        self._local = {
            events.CONTROLLERS: Api("127.0.0.1", 10257, unchecked_context(), 1.0),
            events.SCHEDULER: Api("127.0.0.1", 10259, unchecked_context(), 1.0),
        }
        self._api: Api | None = None
        self._through_service: Api | None = None
        self._named = {settings.name: False for settings in settings.peers}
        self.missing = "the API server does not answer"

    def api(self) -> Api:
        """The API server, with all rights. Raises OSError or KeyError while kubeadm has not written its kubeconfig."""
        if self._api is None:
            context = context_of(ADMIN, _SCRATCH)
            self._api = Api(self._settings.address, self._settings.api_port, context)
            self._through_service = Api(self._settings.api_ip, 443, context, 1.0)
        return self._api

    def wait_listening(self, deadline: float) -> None:
        """Return when the API server listens, ready or not. Raises TimeoutError."""
        self._until(deadline, self._listening)

    def wait_roles(self, deadline: float) -> None:
        """Return when the API server has made the scheduler's role: by the time it runs it may do its work.

        Raises TimeoutError.
        """
        self._until(deadline, self._roles)

    def wait_api(self, deadline: float) -> None:
        """Return when the API server says that it is ready; tells etcd's and its own coming. Raises TimeoutError."""
        self._until(deadline, self._api_ready)

    def wait_ready(self, deadline: float) -> None:
        """Return when the cluster is ready; tells each part's coming. Raises TimeoutError that says what is missing."""
        steps: list[tuple[str, Callable[[], str]]] = [
            ("", self._parts),
            ("", self._namespace),
            (events.KUBELET, self._nodes),
            ("", self._accounts),
            (events.DNS, self._dns),
            ("", self._service),
        ]
        self._said.say(events.DNS, events.RUNNING)
        self._said.say(events.READY, events.RUNNING)
        while True:
            waiting = []
            for step in list(steps):
                phase, look = step
                lack = quietly(look)
                if lack:
                    waiting.append(lack)
                    continue
                steps.remove(step)
                if phase:
                    self._said.say(phase, events.DONE)
            if not steps:
                return
            self.missing = "; ".join(waiting)
            self._said.say(events.READY, events.RUNNING, waiting[-1])
            self._pause(deadline)

    def _until(self, deadline: float, look: Callable[[], str]) -> None:
        while True:
            lack = quietly(look)
            if not lack:
                return
            self.missing = lack
            self._pause(deadline)

    def _pause(self, deadline: float) -> None:
        if time.monotonic() > deadline:
            raise TimeoutError(self.missing)
        time.sleep(_PAUSE)

    def _listening(self) -> str:
        # The API server takes connections long before it answers them: etcd first, not to wait blindly.
        if not self._said.is_done(events.ETCD) and not _etcd_healthy():
            return "etcd does not answer"
        self._said.say(events.ETCD, events.DONE)
        self.api().call("GET", "/livez")
        return ""

    def _roles(self) -> str:
        made = self.api().ok("/apis/rbac.authorization.k8s.io/v1/clusterroles/system:kube-scheduler")
        return "" if made else "the API server is making its roles"

    def _api_ready(self) -> str:
        self._controllers()
        if not self.api().ok("/readyz"):
            return "the API server is not ready"
        # It cannot be ready without its store.
        self._said.say(events.ETCD, events.DONE)
        self._said.say(events.APISERVER, events.DONE)
        return ""

    def _controllers(self) -> str:
        lacking = ""
        for phase, api in self._local.items():
            if not self._said.is_done(phase):
                if api.ok("/healthz"):
                    self._said.say(phase, events.DONE)
                else:
                    lacking = f"the {phase.rstrip('s')} is not healthy"
        return lacking

    def _parts(self) -> str:
        return self._controllers() or self._api_ready()

    def _namespace(self) -> str:
        return namespace_lack(self.api(), self._settings.namespace)

    def _accounts(self) -> str:
        return accounts_lack(self.api(), "default", self._settings.namespace)

    def _nodes(self) -> str:
        for peer in self._settings.peers:
            # Another node may have been up all the while, and says something every ten seconds.
            since = self._booted if peer.name == self._settings.name else self._booted - 10
            lack = node_lack(self.api(), peer.name, since if self._settings.reboot else 0.0)
            if lack:
                return f"{peer.name} {lack}"
            self._name_pod_range(peer.name, peer.pods)
        return ""

    def _name_pod_range(self, name: str, pods: str) -> None:
        # The controller manager does not choose it (see config): say in the object what the CNI file says.
        if not self._settings.reboot and not self._named[name]:
            body = {"spec": {"podCIDR": pods, "podCIDRs": [pods]}}
            self.api().call("PATCH", f"/api/v1/nodes/{name}", body, "application/merge-patch+json")
            self._named[name] = True

    def _dns(self) -> str:
        with contextlib.suppress(OSError, ValueError):
            found = dns.resolve(DNS_NAME, self._settings.dns_ip, 0.5)
            if found == [self._settings.api_ip]:
                return ""
        return "the cluster's DNS does not answer"

    def _service(self) -> str:
        self.api()
        answered = self._through_service is not None and self._through_service.ok("/readyz")
        return "" if answered else "a request through a ClusterIP is not answered"


def wait_joined(settings: Settings, deadline: float) -> None:
    """Return when this worker is Ready, as the API server says to its kubelet. Raises TimeoutError."""
    since = time.time() if settings.reboot else 0.0
    while True:
        lack = quietly(lambda: _own_lack(settings, since))
        if not lack:
            return
        if time.monotonic() > deadline:
            raise TimeoutError(f"{settings.name} {lack}")
        time.sleep(_PAUSE)


def _own_lack(settings: Settings, since: float) -> str:
    context = ssl.create_default_context(cafile=str(_AUTHORITY))
    context.load_cert_chain(_IDENTITY)
    api = Api(settings.first.address, settings.api_port, context)
    try:
        return node_lack(api, settings.name, since)
    finally:
        api.close()


def _etcd_healthy() -> bool:
    connection = http.client.HTTPConnection("127.0.0.1", 2381, timeout=0.5)
    try:
        connection.request("GET", "/readyz")
        return connection.getresponse().status == http.client.OK
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()
