"""The order in which a node's programs come up: containerd and registry, kubeadm and kubelet, then all is watched."""

from __future__ import annotations

import base64
import contextlib
import socket
import threading
import time
from collections.abc import Callable
from pathlib import Path

from k8s_tutor.clusters.native import config
from k8s_tutor.clusters.native.pid1 import events
from k8s_tutor.clusters.native.pid1.children import Children
from k8s_tutor.clusters.native.pid1.events import Events
from k8s_tutor.clusters.native.pid1.settings import Settings
from k8s_tutor.clusters.native.pid1.watch import Watch, wait_joined

INSTALLED = "installed"
"""In a node's folder once kubeadm is through: from then on the node boots, it is not made again."""
PATIENCE = 240.0
"""Seconds for the whole; two processors with a load of twenty needed 65."""
_TRIES, _PAUSE = 4, 0.5
"""How often kubeadm's writing is tried, and the seconds between: a refusal passes within milliseconds."""
_KUBEADM_YAML = "/etc/kubernetes/kubeadm.yaml"
_MANIFESTS = Path("/etc/kubernetes/manifests")
_HELD = Path("/etc/kubernetes/held")
_CONTROLLERS, _SCHEDULER = "kube-controller-manager.yaml", "kube-scheduler.yaml"
_CONTAINERD_SOCKET = "/run/containerd/containerd.sock"
_KUBELET_NEEDS = ("/var/lib/kubelet/config.yaml", "/var/lib/kubelet/kubeadm-flags.env")
_KUBELET_IDENTITIES = ("/etc/kubernetes/kubelet.conf", "/etc/kubernetes/bootstrap-kubelet.conf")
# kubeadm's phases in two runs: files first (containerd starts meanwhile), then what needs an API server.
_FILES = ("certs", "kubeconfig", "etcd", "control-plane", "kubelet-start")
_OBJECTS = ("upload-config", "mark-control-plane", "bootstrap-token")
_NEVER = ("preflight", "wait-control-plane", "upload-certs", "kubelet-finalize", "show-join-command")


def run(settings: Settings, said: Events, children: Children) -> None:
    """Bring the node up. Raises OSError, TimeoutError, RuntimeError with what was missing."""
    deadline = time.monotonic() + PATIENCE
    # First containerd's own start, which takes longest.
    children.keep(["containerd", "--config", "/etc/containerd/config.toml"], settings.log("containerd"))
    children.keep(_registry(settings), settings.log("registry"))
    if settings.control_plane:
        _control_plane(settings, said, children, deadline)
    else:
        _worker(settings, said, children, deadline)


def _control_plane(settings: Settings, said: Events, children: Children, deadline: float) -> None:
    watch = Watch(settings, said)
    if not settings.reboot:
        _kubeadm(children, settings, ["init", *_only(*_FILES)], "kubeadm", deadline)
    _hold_back()
    _wait_containerd(deadline)
    said.say(events.NODE, events.DONE)
    for phase in (events.ETCD, events.APISERVER, events.CONTROLLERS, events.SCHEDULER, events.KUBELET):
        said.say(phase, events.RUNNING)
    children.keep(_kubelet(), settings.log("kubelet"))
    watch.wait_listening(deadline)
    _let_go(_CONTROLLERS)
    watch.wait_roles(deadline)
    _let_go(_SCHEDULER)
    watch.wait_api(deadline)
    if not settings.reboot:
        _objects(settings, children, deadline)
    said.say(events.KUBEADM, events.DONE)
    watch.wait_ready(deadline)
    Path(settings.node_dir, INSTALLED).touch()
    said.say(events.READY, events.DONE)


def _objects(settings: Settings, children: Children, deadline: float) -> None:
    """What kubeadm writes into the API server, in two processes at once: each is slowed by its own client's limit.

    The first of them makes the administrator's ClusterRoleBinding. The other may ask before the API server's
    authorizer has heard of it, and is refused: both are done again then, which changes nothing that is there.
    """
    addons = children.start(
        ["kubeadm", "init", *_only("addon"), "--config", _KUBEADM_YAML], settings.log("kubeadm-addon")
    )
    _patiently(children, settings, ["init", *_only(*_OBJECTS)], "kubeadm", deadline)
    if children.wait(addons, max(1.0, deadline - time.monotonic())) != 0:
        _patiently(children, settings, ["init", *_only("addon")], "kubeadm-addon", deadline)


def _patiently(children: Children, settings: Settings, arguments: list[str], log_name: str, deadline: float) -> None:
    for _ in range(_TRIES - 1):
        with contextlib.suppress(RuntimeError):
            return _kubeadm(children, settings, arguments, log_name, deadline)
        time.sleep(_PAUSE)
    return _kubeadm(children, settings, arguments, log_name, deadline)


def _hold_back() -> None:
    """Keep the manifests of what needs an API server from kubelet until there is one.

    Started before, they only take the processor from it, and then wait in a back-off of seconds.
    """
    _HELD.mkdir(exist_ok=True, mode=0o700)
    for name in (_CONTROLLERS, _SCHEDULER):
        with contextlib.suppress(FileNotFoundError):
            (_MANIFESTS / name).replace(_HELD / name)


def _let_go(name: str) -> None:
    with contextlib.suppress(FileNotFoundError):
        (_HELD / name).replace(_MANIFESTS / name)


def _worker(settings: Settings, said: Events, children: Children, deadline: float) -> None:
    _wait_containerd(deadline)
    said.say(events.NODE, events.DONE)
    said.say(events.KUBELET, events.RUNNING)
    if not settings.reboot:
        _await_control_plane(settings, deadline)
        authority = base64.b64encode(_authority(settings).read_bytes()).decode("ascii")
        server = f"https://{settings.first.address}:{settings.api_port}"
        Path(config.discovery_file()).write_text(config.discovery(server, authority), encoding="utf-8")
        threading.Thread(target=_kubelet_when_told, args=(settings, children, deadline), daemon=True).start()
        _kubeadm(children, settings, ["join", "--skip-phases=preflight"], "kubeadm", deadline)
    else:
        children.keep(_kubelet(), settings.log("kubelet"))
    wait_joined(settings, deadline)
    Path(settings.node_dir, INSTALLED).touch()
    said.say(events.KUBELET, events.DONE)


def _await_control_plane(settings: Settings, deadline: float) -> None:
    journal = Path(settings.first_node_dir) / events.FILE
    mark = f'"phase": "{events.KUBEADM}", "state": "{events.DONE}"'
    _wait(lambda: mark in journal.read_text(encoding="utf-8"), deadline, "the control plane did not come up")


def _authority(settings: Settings) -> Path:
    return Path(settings.first_node_dir) / "etc" / "kubernetes" / "pki" / "ca.crt"


def _kubelet_when_told(settings: Settings, children: Children, deadline: float) -> None:
    def told() -> bool:
        known = any(Path(path).exists() for path in _KUBELET_IDENTITIES)
        return known and all(Path(path).exists() for path in _KUBELET_NEEDS)

    _wait(told, deadline, "kubeadm wrote no configuration for kubelet")
    children.keep(_kubelet(), settings.log("kubelet"))


def _kubelet() -> list[str]:
    flags = Path(_KUBELET_NEEDS[1]).read_text(encoding="utf-8").partition("=")[2].strip().strip('"').split()
    identity = [
        "--bootstrap-kubeconfig=/etc/kubernetes/bootstrap-kubelet.conf",
        "--kubeconfig=/etc/kubernetes/kubelet.conf",
    ]
    return ["kubelet", *identity, "--config=/var/lib/kubelet/config.yaml", *flags]


def _registry(settings: Settings) -> list[str]:
    program = [settings.python, "-I", "-S", settings.registry_script]
    return [
        *program,
        "--address",
        settings.address,
        "--port",
        str(settings.registry_port),
        "--layout",
        settings.registry_dir,
    ]


def _kubeadm(children: Children, settings: Settings, arguments: list[str], log_name: str, deadline: float) -> None:
    argv = ["kubeadm", *arguments, "--config", _KUBEADM_YAML]
    log = settings.log(log_name)
    code = children.run(argv, log, max(1.0, deadline - time.monotonic()))
    if code != 0:
        raise RuntimeError(f"kubeadm {arguments[0]} ended with {code}: {_last_words(log)}")


def _last_words(log: Path) -> str:
    return " ".join(log.read_text(encoding="utf-8", errors="replace").strip().splitlines()[-3:])


def _only(*wanted: str) -> list[str]:
    rest = [phase for phase in (*_FILES, *_OBJECTS, "addon", *_NEVER) if phase not in wanted]
    return ["--skip-phases", ",".join(rest)]


def _wait_containerd(deadline: float) -> None:
    def answers() -> bool:
        with socket.socket(socket.AF_UNIX) as sock:
            sock.settimeout(1)
            sock.connect(_CONTAINERD_SOCKET)
        return True

    _wait(answers, deadline, "containerd does not answer")


def _wait(fact: Callable[[], bool], deadline: float, lack: str) -> None:
    while True:
        try:
            if fact():
                return
        except OSError:
            pass
        if time.monotonic() > deadline:
            raise TimeoutError(lack)
        time.sleep(0.02)
