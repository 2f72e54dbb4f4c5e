"""A node on the host's side: its folder, its start, its end."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from dataclasses import replace
from ipaddress import IPv4Network
from pathlib import Path

from k8s_tutor import atomic
from k8s_tutor.clusters.native import cgroups, config, names, slirp
from k8s_tutor.clusters.native.pid1.bringup import INSTALLED
from k8s_tutor.clusters.native.pid1.events import FILE as EVENTS
from k8s_tutor.clusters.native.pid1.mounts import FOLDERS
from k8s_tutor.clusters.native.pid1.settings import Peer, Settings
from k8s_tutor.clusters.native.processes import PID_FILE, ProcessId, read_pid_file
from k8s_tutor.clusters.native.state import ClusterState
from k8s_tutor.clusters.node.material import Material
from k8s_tutor.clusters.node.store import link_copy
from k8s_tutor.errors import ClusterError

_SETTINGS = "node.json"
_LAUNCH = Path(__file__).resolve().parent / "launch.py"
_REGISTRY = Path(config.__file__).resolve().parents[1] / "node" / "registry.py"
_LAUNCH_SECONDS = 30.0


def process(name: str, index: int) -> ProcessId | None:
    """The node's PID 1 if it lives and is to go on living."""
    found = read_pid_file(names.node_dir(name, index) / PID_FILE)
    return found if found and found.runs() else None


def installed(name: str, index: int) -> bool:
    """Whether kubeadm is through: then the node can boot from its disk."""
    return (names.node_dir(name, index) / INSTALLED).exists()


def start(state: ClusterState, index: int, material: Material) -> None:
    """Make the node's folder, or reuse it if it was installed, and start its PID 1.

    Raises ClusterError with the launcher's own words; OSError (disk full).
    """
    folder = names.node_dir(state.name, index)
    reboot = installed(state.name, index)
    # One that is about to die still holds its disk.
    end(state.name, index)
    (folder / PID_FILE).unlink(missing_ok=True)
    (folder / EVENTS).unlink(missing_ok=True)
    if not reboot:
        shutil.rmtree(folder, ignore_errors=True)
    _make_disk(folder, material, keep=reboot)
    spec = _spec(state, index)
    _write_files(folder, spec, material, reboot=reboot)
    settings = _settings(state, spec, material, reboot=reboot)
    atomic.write_text(folder / _SETTINGS, settings.text())
    cgroups.make(f"{names.node_cgroup(state.name, index)}/system")
    _launch(folder)


def end(name: str, index: int) -> None:
    """End the node at once, as a power cut would. Raises ClusterError when its PID 1 cannot be killed."""
    folder = names.node_dir(name, index)
    for file in (PID_FILE, slirp.PID_FILE):
        found = read_pid_file(folder / file)
        if found and not found.kill():
            raise ClusterError(
                f"Process {found.pid} of {names.node_name(index)} does not end.",
                remedy=f"See what it waits for: cat /proc/{found.pid}/stack",
                code="stuck-process",
            )


def own_material(name: str, material: Material) -> Material:
    """The same material, its files linked into the cluster's folder: a cleaned cache must not harm what runs.

    Where files cannot be linked (another file system) the cache's own are used.
    """
    folder = names.cluster_dir(name) / "material"
    places = {
        "bin_dir": material.bin_dir,
        "cni_dir": material.cni_dir,
        "store_dir": material.store_dir,
        "registry_dir": material.registry_dir,
    }
    shutil.rmtree(folder, ignore_errors=True)
    try:
        for field, source in places.items():
            link_copy(source.resolve(), folder / field)
    except OSError:
        shutil.rmtree(folder, ignore_errors=True)
        return material
    return replace(
        material,
        bin_dir=folder / "bin_dir",
        cni_dir=folder / "cni_dir",
        store_dir=folder / "store_dir",
        registry_dir=folder / "registry_dir",
    )


def _launch(folder: Path) -> None:
    log = folder / "logs" / "init.log"
    argv = [sys.executable, "-I", "-S", str(_LAUNCH), str(folder / _SETTINGS)]
    with log.open("ab") as out:
        try:
            code = subprocess.run(
                argv,
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=out,
                cwd="/",
                start_new_session=True,
                timeout=_LAUNCH_SECONDS,
                check=False,
            ).returncode
        except subprocess.TimeoutExpired:
            code = -1
    if code != 0:
        last = log.read_text(encoding="utf-8", errors="replace").strip().splitlines()[-1:]
        raise ClusterError(f"The node did not start: {' '.join(last)[:300]}", remedy="k8s-tutor doctor", code="launch")


def _make_disk(folder: Path, material: Material, *, keep: bool) -> None:
    for name in ("etc", "var-lib", "var-log", "logs", *FOLDERS.values()):
        if name != "containerd":
            (folder / name).mkdir(parents=True, exist_ok=True, mode=0o755)
    store = folder / "containerd"
    if keep:
        # After a power cut containerd would first mend containers that are no more, and pods come back a minute
        # later. What it held can be had again: images from the node's own registry, containers from kubelet.
        shutil.rmtree(store, ignore_errors=True)
    try:
        link_copy(material.store_dir, store)
    except OSError:
        # Another file system than the cache's: no hard links.
        shutil.rmtree(store, ignore_errors=True)
        subprocess.run(["cp", "-a", "--reflink=auto", str(material.store_dir), str(store)], check=True)


def _write_files(folder: Path, spec: config.NodeSpec, material: Material, *, reboot: bool) -> None:
    etc = folder / "etc"
    files = {
        "hostname": spec.name + "\n",
        "hosts": config.hosts(spec),
        "resolv.conf": config.resolv_conf(spec),
        "containerd/config.toml": config.containerd(material),
        "containerd/certs.d/_default/hosts.toml": config.registry_hosts(spec),
    }
    if not reboot:
        # A cluster keeps the programs that it was made of: what it has for its pods' network, too.
        files["cni/net.d/10-pods.conflist"] = config.cni(spec)
        files["kubernetes/patches/kubeletconfiguration0+merge.json"] = config.kubelet_patch(spec)
        files["kubernetes/patches/corednsdeployment0+strategic.json"] = config.coredns_patch(spec)
    for name, text in files.items():
        path = etc / name
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o755)
        path.write_text(text, encoding="utf-8")
    if not reboot:
        atomic.write_text(etc / "kubernetes" / "kubeadm.yaml", config.kubeadm(spec, material))


def _spec(state: ClusterState, index: int) -> config.NodeSpec:
    ranges = state.ranges
    upstream = slirp.resolver(slirp_range(state)) if state.egress else str(ranges.node(index))
    return config.NodeSpec(state.name, index, state.nodes, ranges, state.token, state.egress, upstream)


def slirp_range(state: ClusterState) -> IPv4Network:
    """The range between a node and its way out: the last part of the pod range, which no node's pods use."""
    return list(state.ranges.pods.subnets(new_prefix=24))[-1]


def _settings(state: ClusterState, spec: config.NodeSpec, material: Material, *, reboot: bool) -> Settings:
    ranges = state.ranges
    peers = [
        Peer(names.node_name(index), str(ranges.node(index)), str(ranges.node_pods(index)))
        for index in range(1, state.nodes + 1)
    ]
    return Settings(
        cluster=state.name,
        index=spec.index,
        name=spec.name,
        address=spec.address,
        prefix=ranges.nodes.prefixlen,
        peers=peers,
        pod_range=str(ranges.pods),
        service_range=str(ranges.services),
        api_ip=str(ranges.api),
        dns_ip=str(ranges.dns),
        api_port=config.API_PORT,
        registry_port=config.REGISTRY_PORT,
        namespace=config.NAMESPACE,
        node_dir=str(names.node_dir(state.name, spec.index)),
        first_node_dir=str(names.node_dir(state.name, 1)),
        bin_dir=str(material.bin_dir),
        registry_dir=str(material.registry_dir),
        registry_script=str(_REGISTRY),
        python=os.path.realpath(sys.executable),
        cgroup=names.node_cgroup(state.name, spec.index),
        bridge=names.bridge(state.name),
        veth=names.veth(state.name, spec.index),
        egress=state.egress,
        slirp_range=str(slirp_range(state)) if state.egress else "",
        reboot=reboot,
    )
