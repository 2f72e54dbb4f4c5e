"""What minikube says when it fails, as an error of ours with the command that mends it.

minikube names each way to fail (pkg/minikube/reason): an id like ``DRV_AS_ROOT`` and an exit code whose tens say who
(20 resources, 30 this machine, 50 driver, 60 its provider, 80 the node, 90 container runtime, 100 control plane). Most
bring advice and a link of their own; those come first, unless they name a command that would not be ours.
"""

from __future__ import annotations

from k8s_tutor.clusters.minikube.events import Event
from k8s_tutor.clusters.minikube.progress import Teller
from k8s_tutor.clusters.telling import plain
from k8s_tutor.errors import ClusterError

_NATIVE = "k8s-tutor cluster up --provider native"
_KNOWN = {
    "DRV_AS_ROOT": f"Run k8s-tutor as a user of the engine's group, not as root; or: {_NATIVE}",
    "DRV_NOT_DETECTED": f"Start docker, or install a driver: https://minikube.sigs.k8s.io/docs/drivers/; or: {_NATIVE}",
    "DRV_NOT_HEALTHY": f"minikube start --dry-run tells what its driver lacks; or: {_NATIVE}",
    "DRV_DOCKER_NOT_RUNNING": f"Start docker (systemctl start docker, or Docker Desktop); or: {_NATIVE}",
    "DRV_UNSUPPORTED_PROFILE": "The driver none knows no second cluster: name another with MINIKUBE_DRIVER",
    "RSRC_INSUFFICIENT_CORES": f"minikube wants 2 processors at least; or: {_NATIVE}",
    "GUEST_PROVISION": "See why: k8s-tutor cluster logs; then try again",
    "K8S_DOWNGRADE_UNSUPPORTED": "k8s-tutor cluster down, then up: the version of a cluster cannot go back",
}
_BY_TENS = {
    2: f"Give the engine more memory, disk or processors; or: {_NATIVE}",
    4: "The download did not come through: is there a proxy? https://minikube.sigs.k8s.io/docs/handbook/vpn_and_proxy/",
    5: f"Look at the driver: https://minikube.sigs.k8s.io/docs/drivers/; or: {_NATIVE}",
    6: f"Look at the driver's engine: is it running? Or: {_NATIVE}",
}
# Their command would make or remove the user's own profile, or write the user's own kubeconfig.
_FOREIGN = ("minikube delete", "minikube start", "update-context", "--force")


def failure(command: str, code: int, teller: Teller) -> ClusterError:
    """The error for a command that ended with this code. Its last error event tells most."""
    event = teller.errors[-1] if teller.errors else None
    said = plain(event.message) if event is not None else said_last(teller)
    name = event.data.get("name", "") if event is not None else ""
    what = f"minikube {command} failed ({name or f'exit {code}'}): {said}"
    return ClusterError(what[:900], remedy=remedy_for(event, code), code="minikube")


def remedy_for(event: Event | None, code: int) -> str:
    """The remedy: ours for what we know, else minikube's own advice, else what its exit code points at; or nothing."""
    if event is not None:
        known = _KNOWN.get(event.data.get("name", ""))
        if known is not None:
            return known
        code = event.exit_code or code
        advice, link = plain(event.data.get("advice", "")), plain(event.data.get("url", ""))
        if advice and not any(word in advice for word in _FOREIGN):
            return f"{advice} ({link})" if link else advice
        issues = plain(event.data.get("issues", "")).split(",")
        if link or issues[0]:
            return f"minikube points to {link or issues[0]}"
    return _BY_TENS.get(code // 10, "")


def said_last(teller: Teller) -> str:
    """Minikube's last words, where no error event came."""
    return " / ".join(plain(line) for line in list(teller.last)[-4:])[:600] or "without a word"
