"""How a kind cluster gets from whatever was left of it to ready, and how every trace of it goes."""

from __future__ import annotations

import contextlib
import shutil
import sys
import time
from dataclasses import replace
from pathlib import Path

from k8s_tutor import atomic
from k8s_tutor.clusters import keeping
from k8s_tutor.clusters.kind import config, engine, kubeconfig, logs, names, node_image, program
from k8s_tutor.clusters.kind import state as states
from k8s_tutor.clusters.kind.engine import Container, Engine
from k8s_tutor.clusters.kind.program import said
from k8s_tutor.clusters.kind.progress import CNI, FIRST_GUESS, NODES, Step, Teller
from k8s_tutor.clusters.kind.ready import NodeDoor
from k8s_tutor.clusters.kind.state import KindState
from k8s_tutor.clusters.kind.trouble import remedy_for
from k8s_tutor.clusters.native.follow import Guess
from k8s_tutor.clusters.native.locks import locked
from k8s_tutor.clusters.node import prepare, tools
from k8s_tutor.clusters.readiness import PATIENCE, Readiness
from k8s_tutor.clusters.telling import plain
from k8s_tutor.errors import ClusterError, EnvironmentFault, TutorError
from k8s_tutor.phases import Phase, PhaseState, Report

NETWORK = "kind"
"""kind puts all clusters of an engine on one network of this name, and leaves it."""
_LOCK_SECONDS = 1900.0
_STALE = "a kind that was killed left it beside our kubeconfig: removed, or every later kind would have failed"


def up(name: str, *, nodes: int, image: str, kubernetes: str, report: Report) -> KindState:
    """Bring the cluster up from whatever is there; the caller holds its lock. Raises as ``KindProvider.up``."""
    found = states.load(name)
    motor = Engine(found.engine, found.program) if found else engine.require()
    there = _containers(motor, name)
    if found is not None and there and found.stage == states.READY:
        if nodes > 1 and nodes != found.nodes:
            raise keeping.different(name, found.nodes)
        return _resume(found, motor, there, report)
    if found is not None or there:
        # Half made: what kind left cannot be told from what it would have to do.
        remove(name)
    motor = engine.require()
    return _make(name, motor, nodes, image, kubernetes, report)


def remove(name: str) -> None:
    """Remove every trace of a cluster, its state file last; works from the state file, or the names, alone.

    Only containers that bear kind's label with just our cluster's name go. Raises EnvironmentFault.
    """
    known = states.load(name)
    if known is not None:
        states.save(known.at(states.REMOVING))
    motor = Engine(known.engine, known.program) if known else engine.find()
    if motor is None and known is None:
        # Its folder names no engine, and none answers: what is left can only be files.
        states.forget(name)
        return
    assert motor is not None
    if known is not None and Path(known.kind).is_file():
        teller = Teller(lambda _phase: None, guess(1))
        program.drop_stale_lock(name)
        with contextlib.suppress(ClusterError):
            program.run(program.delete_argv(known.kind, name), motor, teller, patience=120)
    for container in _containers(motor, name):
        motor.ask("rm", "--force", "--volumes", container.name, timeout=120)
    if known is not None and not known.network_there and not _anybodys(motor):
        # The engine refuses while somebody uses it.
        motor.run("network", "rm", NETWORK, timeout=30)
    states.forget(name)


def remains(name: str) -> list[str]:
    """What ``remove`` would remove, one thing a line. Raises EnvironmentFault."""
    known = states.load(name)
    motor = Engine(known.engine, known.program) if known else engine.find()
    lines = [f"container {each.name} with its volumes" for each in _containers(motor, name)] if motor else []
    if known is not None and motor is not None and not known.network_there and motor.has_network(NETWORK):
        lines.append(f"network {NETWORK}, unless somebody else uses it")
    if names.cluster_dir(name).exists():
        lines.append(f"folder {names.cluster_dir(name)}")
    return lines


def anything_of(name: str) -> bool:
    """Whether something of this cluster is there."""
    if names.cluster_dir(name).exists():
        return True
    motor = engine.find()
    return motor is not None and bool(_containers(motor, name))


def export_logs(state: KindState) -> None:
    """Write the nodes' logs into the cluster's folder. Raises TutorError when nothing could be had.

    kind says that it failed when one of a dozen commands on a node did, and that is the rule where logs matter.
    """
    folder = logs.folder(state.name)
    shutil.rmtree(folder, ignore_errors=True)
    motor = Engine(state.engine, state.program)
    teller = Teller(lambda _phase: None, guess(state.nodes))
    try:
        program.run(program.export_argv(state.kind, state.name, folder), motor, teller, patience=120)
    except ClusterError:
        if not logs.components(state.name):
            raise


def _make(name: str, motor: Engine, nodes: int, image: str, kubernetes: str, report: Report) -> KindState:
    kind = str(tools.ensure("kind", prepare.root_dir(), report))
    chosen = node_image.choose(motor, kind, image=image, kubernetes=kubernetes)
    node_image.ensure(motor, chosen, report)
    state = KindState(
        name=name,
        stage=states.STARTING,
        created=time.time(),
        nodes=nodes,
        engine=motor.name,
        program=motor.program,
        kind=kind,
        image=chosen.reference,
        network_there=motor.has_network(NETWORK),
        stand_ins=node_image.stand_ins(motor, chosen.reference) if chosen.ours else {},
        registry=chosen.ours,
    )
    states.save(state)
    file = names.cluster_dir(name) / "kind.yaml"
    old = motor.cgroup_version() == "1"
    text = config.cluster(
        names.kind_name(name), nodes, image=chosen.reference, cgroup_v1=old, nftables=chosen.ours
    )  # fmt: skip
    atomic.write_text(file, text)
    teller = Teller(report, guess(nodes))
    try:
        # Two creations at once race for the engine's network (kind#1596).
        waiting = PhaseState.RUNNING
        lock = keeping.creation_lock(names.clusters_dir())
        with locked(
            lock,
            patience=_LOCK_SECONDS,
            waiting=lambda: teller.tell(NODES, waiting, "another k8s-tutor makes a cluster"),
        ):
            if program.drop_stale_lock(name):
                report(Phase("lock-file", "stale lock", _STALE, PhaseState.DONE))
            argv = program.create_argv(kind, name, file)
            program.run(
                argv, motor, teller, patience=program.CREATE_SECONDS, on_step=lambda step: _quicken(step, motor, name)
            )
        return _finish(state, motor, teller)
    except TutorError as error:
        raise _failed(state, teller, error) from error


def _resume(state: KindState, motor: Engine, there: list[Container], report: Report) -> KindState:
    """A cluster that was ready: start what is stopped, and wait until all answers again."""
    teller = Teller(report, Guess("resume", FIRST_GUESS, file="kind-times.json"))
    stopped = [container.name for container in there if not container.running]
    if stopped:
        teller.tell(NODES, PhaseState.RUNNING, f"starting {', '.join(stopped)}")
        motor.ask("start", *stopped, timeout=120)
        teller.tell(NODES, PhaseState.DONE)
        # Addresses may have changed places.
        return _finish(state, motor, teller, since=time.time())
    kubeconfig.write(state.name, there[0])
    if kubeconfig.answers(state.name, 3.0):
        return state
    return _finish(state, motor, teller)


def _finish(state: KindState, motor: Engine, teller: Teller, *, since: float = 0.0) -> KindState:
    nodes = _containers(motor, state.name)
    if len(nodes) < state.nodes:
        raise ClusterError(f"Of {state.nodes} nodes {len(nodes)} are there.", code="nodes")
    kubeconfig.write(state.name, nodes[0])
    door = NodeDoor(motor, nodes[0].name)
    readiness = Readiness(
        state.name, names.cluster_dir(state.name), [node.name for node in nodes], door, since=since
    )  # fmt: skip
    readiness.wait(teller, time.monotonic() + PATIENCE)
    version = motor.ask("exec", nodes[0].name, "cat", "/kind/version").strip()[:40]
    ports = {port.partition("/")[0]: host for port, host in nodes[0].ports.items() if port != "6443/tcp"}
    state = replace(state.at(states.READY), version=version, ports=ports)
    _keep_kubectl(state, motor, nodes[0])
    states.save(state)
    if not since:
        teller.learn()
    return state


def _failed(state: KindState, teller: Teller, error: TutorError) -> ClusterError:
    """Keep what the nodes logged, remove them, and say what was the matter."""
    teller.fail(plain(error.message))
    with contextlib.suppress(TutorError, OSError):
        export_logs(state)
    motor = Engine(state.engine, state.program)
    with contextlib.suppress(TutorError, OSError):
        program.drop_stale_lock(state.name)
        silent = Teller(lambda _phase: None, guess(1))
        program.run(program.delete_argv(state.kind, state.name), motor, silent, patience=120)
    with contextlib.suppress(OSError):
        states.save(state.at(states.FAILED, plain(error.message)[:300]))
    why = " ".join([error.message, said(teller)])
    remedy = remedy_for(why) or f"See why: k8s-tutor cluster logs --name {state.name}; then try again."
    return ClusterError(f"Cluster {state.name} did not come up: {error.message}", remedy=remedy, code="bring-up")


def _quicken(step: Step, motor: Engine, name: str) -> None:
    """As soon as the control plane is up, and before a node is Ready: a DNS that does not wait to be asked."""
    if step.phase != CNI or step.state is not PhaseState.RUNNING:
        return
    with contextlib.suppress(EnvironmentFault, IndexError):
        first = _containers(motor, name)[0]
        kubectl = ["kubectl", "--kubeconfig=/etc/kubernetes/admin.conf", "--namespace=kube-system"]
        patch = ["patch", "deployment", "coredns", "--type=strategic", "--patch", config.coredns_patch(first.address)]
        # Whether it works is seen by waiting: without it the cluster is ready later.
        motor.run("exec", first.name, *kubectl, *patch, timeout=20)


def _keep_kubectl(state: KindState, motor: Engine, first: Container) -> None:
    """Kubectl of the cluster's own version beside its kubeconfig: from our cache, else out of the node."""
    target = names.cluster_dir(state.name) / "bin" / "kubectl"
    if target.exists():
        return
    material = prepare.inspect()
    target.parent.mkdir(mode=0o700, exist_ok=True)
    with contextlib.suppress(OSError, EnvironmentFault):
        if material is not None and material.kubernetes_version == state.version:
            shutil.copyfile(material.bin_dir / "kubectl", target)
        elif sys.platform == "linux" and first.netns() is not None:
            # This machine's own engine: what runs there runs here.
            motor.ask("cp", f"{first.name}:/usr/bin/kubectl", str(target), timeout=60)
        if target.exists():
            target.chmod(0o755)


def _containers(motor: Engine, name: str) -> list[Container]:
    return motor.nodes(names.kind_name(name))


def _anybodys(motor: Engine) -> bool:
    """Whether any kind cluster, whoever's, is on this engine."""
    return bool(motor.ask("ps", "--all", "--quiet", "--filter", f"label={names.LABEL}").strip())


def guess(nodes: int) -> Guess:
    """How long each phase of a cluster of so many nodes took last time."""
    return Guess(f"make-{nodes}", FIRST_GUESS, file="kind-times.json")
