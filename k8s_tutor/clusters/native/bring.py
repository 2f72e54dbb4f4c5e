"""How a cluster gets from whatever was left of it to ready."""

from __future__ import annotations

import secrets
import string
import time
from dataclasses import replace
from pathlib import Path

from k8s_tutor.clusters.native import host, kubeconfig, names, network, node, preflight, slirp, tools
from k8s_tutor.clusters.native import state as states
from k8s_tutor.clusters.native.follow import Guess, Outcome, follow, read
from k8s_tutor.clusters.native.locks import locked
from k8s_tutor.clusters.native.pid1 import events
from k8s_tutor.clusters.native.pid1.bringup import PATIENCE
from k8s_tutor.clusters.native.state import ClusterState
from k8s_tutor.clusters.node.material import Material
from k8s_tutor.errors import ClusterError, UsageError
from k8s_tutor.phases import Report

_LETTERS = string.ascii_lowercase + string.digits
_ANSWER_SECONDS = 20.0
_ADDRESSES = Path("/run/k8s-tutor-addresses.lock")


def up(name: str, *, nodes: int, egress: bool, report: Report) -> ClusterState:
    """Bring the cluster up from whatever is there; the caller holds its lock. Raises as ``NativeProvider.up``."""
    started = time.time()
    state = _what_is_left(name, nodes, egress)
    if state is not None and _runs(state):
        if state.stage == states.READY and _answers(state):
            return state
        if state.stage == states.READY:
            raise ClusterError(
                f"Cluster {name} runs, and its API server does not answer.",
                remedy=f"k8s-tutor cluster logs --name {name} kube-apiserver; or down and up again.",
                code="no-answer",
            )
    else:
        way_out = egress or (state is not None and state.egress)
        if tools.installable(egress=way_out):
            # Nothing is installed on a machine that lacks what cannot be.
            preflight.require(but="commands")
            tools.install(report, egress=way_out)
        preflight.require()
        if way_out:
            slirp.require()
        state = _start(name, nodes, egress, state, report)
    return _follow(state, report, started)


def _what_is_left(name: str, nodes: int, egress: bool) -> ClusterState | None:
    state = states.load(name)
    if state is None or state.stage == states.REMOVING:
        if host.anything_of(name):
            host.remove(name)
        return None
    if _runs(state) and ((nodes > 1 and nodes != state.nodes) or (egress and not state.egress)):
        raise UsageError(
            f"Cluster {name} runs with {state.nodes} node(s), egress {'on' if state.egress else 'off'}.",
            remedy=f"k8s-tutor cluster down --name {name}, then up as you want it; or another --name.",
            code="different",
        )
    failed = read(_journals(state)).failed
    if not node.installed(name, 1) and (failed or node.process(name, 1) is None):
        # Half made: what kubeadm left cannot be told from what it would have to do.
        host.remove(name)
        return None
    if failed:
        for index in range(1, state.nodes + 1):
            node.end(name, index)
    return state


def _runs(state: ClusterState) -> bool:
    return all(node.process(state.name, index) is not None for index in range(1, state.nodes + 1))


def _answers(state: ClusterState) -> bool:
    deadline = time.monotonic() + _ANSWER_SECONDS
    while not kubeconfig.answers(state, 2.0):
        if time.monotonic() > deadline:
            return False
        time.sleep(0.1)
    return True


def _start(name: str, nodes: int, egress: bool, state: ClusterState | None, report: Report) -> ClusterState:
    material = _material(state, report)
    if state is None:
        state = _plan(name, nodes, egress, material)
        # From now on its own files: the cache may be cleaned, and what is loaded into this cluster is nobody else's.
        material = state.restored_material()
    else:
        state = state.at(states.STARTING)
        states.save(state)
    network.ensure_bridge(names.bridge(name), state.ranges)
    for index in range(1, state.nodes + 1):
        if node.process(name, index) is None:
            node.start(state, index, material)
    return state


def _material(state: ClusterState | None, report: Report) -> Material:
    if state is not None:
        known = state.restored_material()
        if known.store_dir.is_dir() and known.bin_dir.is_dir():
            # A node boots with the versions that it was made of, whatever is newest now.
            return known
    from k8s_tutor.clusters.node.prepare import prepare, prune

    material = prepare(report)
    clusters = [other for other in map(states.load, states.all_names()) if other is not None]
    prune(other.restored_material().registry_dir for other in clusters)
    return material


def _plan(name: str, nodes: int, egress: bool, material: Material) -> ClusterState:
    # Two clusters that start at once, of whatever user and state folder, must not choose the same addresses: the
    # bridge's route is what the other one sees, so it is made under the lock too.
    with locked(_ADDRESSES, patience=30):
        others = [other for other in map(states.load, states.all_names()) if other is not None]
        used = [one for other in others for one in other.networks()]
        ranges = network.choose([*network.used_on_host(), *used])
        state = ClusterState(
            name=name,
            stage=states.STARTING,
            created=time.time(),
            nodes=nodes,
            egress=egress,
            node_range=str(ranges.nodes),
            pod_range=str(ranges.pods),
            service_range=str(ranges.services),
            token=f"{_random(6)}.{_random(16)}",
            links=[names.bridge(name), *(names.veth(name, index) for index in range(1, nodes + 1))],
            cgroups=[names.cgroup(name)],
            folders=[str(names.cluster_dir(name))],
            sysctls=host.sysctls_now(),
        )
        states.save(states.made_of(state, material))
        state = states.made_of(state, node.own_material(name, material))
        states.save(state)
        network.ensure_bridge(names.bridge(name), ranges)
    return state


def _follow(state: ClusterState, report: Report, started: float) -> ClusterState:
    kind = "boot" if node.installed(state.name, 1) else "make"
    guess = Guess(f"{kind}-{state.nodes}")
    outcome = follow(
        _journals(state), guess, report, started=started, alive=lambda: _dead(state), patience=PATIENCE + 10
    )
    if outcome.failed:
        raise ClusterError(
            f"Cluster {state.name} did not come up: {outcome.failed}.",
            remedy=f"See why: k8s-tutor cluster logs --name {state.name}; then try again.",
            code="bring-up",
        )
    _learn(guess, outcome, started)
    kubeconfig.write(state)
    state = replace(state, stage=states.READY)
    states.save(state)
    return state


def _learn(guess: Guess, outcome: Outcome, started: float) -> None:
    # A bring-up that an earlier call began says nothing about how long one takes.
    if outcome.began.get(events.NODE, 0.0) >= started:
        guess.learn({phase: moment - started for phase, moment in outcome.ended.items() if phase in events.ORDER})


def _dead(state: ClusterState) -> str:
    for index in range(1, state.nodes + 1):
        if node.process(state.name, index) is None:
            return f"{names.node_name(index)} has ended"
    return ""


def _journals(state: ClusterState) -> list[Path]:
    return [names.node_dir(state.name, index) / events.FILE for index in range(1, state.nodes + 1)]


def _random(length: int) -> str:
    return "".join(secrets.choice(_LETTERS) for _ in range(length))
