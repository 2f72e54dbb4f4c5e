"""How a minikube cluster gets from whatever was left of it to ready, and how every trace of it goes."""

from __future__ import annotations

import contextlib
import os
import time
from dataclasses import replace

from k8s_tutor.clusters import keeping, own_kubeconfig
from k8s_tutor.clusters.minikube import logs, names, program
from k8s_tutor.clusters.minikube import state as states
from k8s_tutor.clusters.minikube.door import ASK_SECONDS, NodeDoor
from k8s_tutor.clusters.minikube.progress import FIRST_GUESS, NODES, TIMES, Teller
from k8s_tutor.clusters.minikube.state import MinikubeState
from k8s_tutor.clusters.native.follow import Guess
from k8s_tutor.clusters.native.locks import locked
from k8s_tutor.clusters.readiness import PATIENCE, Readiness
from k8s_tutor.clusters.telling import plain
from k8s_tutor.errors import ClusterError, EnvironmentFault, TutorError
from k8s_tutor.phases import PhaseState, Report, silent

_LOCK_SECONDS = 1900.0


def up(name: str, *, nodes: int, kubernetes: str, report: Report) -> MinikubeState:
    """Bring the cluster up from whatever is there; the caller holds its lock. Raises as ``MinikubeProvider.up``."""
    found = states.load(name)
    if found is not None and found.stage == states.READY:
        if nodes > 1 and nodes != found.nodes:
            raise keeping.different(name, found.nodes)
        return _resume(found, report)
    if found is not None:
        # Half made, failed, or half removed: minikube would go on with what it cannot tell from whole.
        remove(name)
    elif names.cluster_dir(name).exists():
        remove(name)
    return _make(name, nodes, kubernetes, report)


def remove(name: str) -> None:
    """Remove every trace of a cluster, its state file last; works from the state file, or the names, alone.

    Only the profile of just our cluster's name goes. Raises EnvironmentFault when minikube is gone, ClusterError when
    it fails.
    """
    known = states.load(name)
    if known is not None:
        states.save(known.at(states.REMOVING))
    path = known.program if known is not None and os.access(known.program, os.X_OK) else program.require()
    home = known.minikube_home if known is not None else os.environ.get(program.HOME, "")
    _delete(path, name, home)
    keeping.forget(names.cluster_dir(name))


def collect_logs(state: MinikubeState) -> None:
    """Write what its parts logged into the cluster's folder. Raises ClusterError when nothing could be had."""
    folder = logs.folder(state.name)
    folder.mkdir(mode=0o700, exist_ok=True)
    file = folder / ".all"
    argv = program.logs_argv(state.program, state.name, file)
    try:
        program.answer(argv, program.environment(state.name, state.minikube_home), 120.0)
        text = file.read_text(encoding="utf-8", errors="replace")
    except OSError:
        text = ""
    finally:
        file.unlink(missing_ok=True)
    logs.take_apart(state.name, text)
    if not logs.components(state.name):
        raise ClusterError(
            "minikube gives no logs.", remedy=f"minikube logs -p {names.profile(state.name)}", code="logs"
        )


def on_node(state: MinikubeState) -> NodeDoor:
    """The way onto the first node's network."""
    env = program.environment(state.name, state.minikube_home)
    return NodeDoor(lambda command: program.ask(program.ssh_argv(state.program, state.name, command), env, ASK_SECONDS))


def _make(name: str, nodes: int, kubernetes: str, report: Report) -> MinikubeState:
    path = program.require()
    state = MinikubeState(
        name=name,
        stage=states.STARTING,
        created=time.time(),
        nodes=nodes,
        program=path,
        minikube_home=os.environ.get(program.HOME, ""),
    )
    states.save(state)
    teller = Teller(report, guess(nodes))
    try:
        # Two starts at once race for the driver's network, and for what both download.
        with locked(
            keeping.creation_lock(names.clusters_dir()),
            patience=_LOCK_SECONDS,
            waiting=lambda: teller.tell(NODES, PhaseState.RUNNING, "another k8s-tutor makes a cluster"),
        ):
            argv = program.start_argv(path, name, nodes=nodes, kubernetes=kubernetes)
            program.run(argv, name, state.minikube_home, teller, patience=program.CREATE_SECONDS)
        return _finish(state, teller)
    except TutorError as error:
        raise _failed(state, teller, error) from error


def _resume(state: MinikubeState, report: Report) -> MinikubeState:
    """A cluster that was ready: nothing where it answers, else start it again, and wait until all answers."""
    if not os.access(state.program, os.X_OK):
        # minikube was updated, and lies elsewhere now: it finds the profile by its home.
        state = replace(state, program=program.require())
        states.save(state)
    if own_kubeconfig.answers(names.cluster_dir(state.name), 3.0):
        return state
    teller = Teller(report, Guess("resume", FIRST_GUESS, file=TIMES))
    since = time.time()
    argv = program.start_argv(state.program, state.name, again=True)
    try:
        program.run(argv, state.name, state.minikube_home, teller, patience=program.CREATE_SECONDS)
        return _finish(state, teller, since=since)
    except TutorError as error:
        teller.fail(plain(error.message))
        raise ClusterError(
            f"Cluster {state.name} did not come up again: {error.message}",
            remedy=error.remedy or _look(state.name),
            code="bring-up",
        ) from error


def _finish(state: MinikubeState, teller: Teller, *, since: float = 0.0) -> MinikubeState:
    folder = names.cluster_dir(state.name)
    try:
        own_kubeconfig.write(folder, state.name, names.kubeconfig_path(state.name))
    except (OSError, KeyError, ValueError) as error:
        raise ClusterError(
            f"minikube left no whole kubeconfig for cluster {state.name} ({error}).",
            remedy=f"k8s-tutor cluster down --name {state.name}, then up again.",
            code="credentials",
        ) from error
    readiness = Readiness(state.name, folder, names.nodes(state.name, state.nodes), on_node(state), since=since)
    readiness.wait(teller, time.monotonic() + PATIENCE)
    state = replace(state.at(states.READY), version=_version(state))
    states.save(state)
    if not since:
        teller.learn()
    return state


def _version(state: MinikubeState) -> str:
    """Kubernetes' version as the API server tells it; empty when it does not."""
    with contextlib.suppress(OSError, KeyError, ValueError, TypeError):
        status, found = own_kubeconfig.api(names.cluster_dir(state.name), 3.0).call("GET", "/version")
        version = str(found["gitVersion"]) if status == 200 else ""
        return version[:40] if version.isprintable() else ""
    return ""


def _failed(state: MinikubeState, teller: Teller, error: TutorError) -> ClusterError:
    """Keep what the nodes logged, remove them, and say what was the matter."""
    teller.fail(plain(error.message))
    with contextlib.suppress(TutorError, OSError):
        collect_logs(state)
    left = ""
    try:
        _delete(state.program, state.name, state.minikube_home)
    except TutorError as still:
        left = f" What it left is still there ({plain(still.message)[:200]})."
    with contextlib.suppress(OSError):
        states.save(state.at(states.FAILED, plain(error.message)[:300]))
    return ClusterError(
        f"Cluster {state.name} did not come up: {error.message}{left}",
        remedy=error.remedy or _look(state.name),
        code="bring-up",
    )


def _look(name: str) -> str:
    return f"See why: k8s-tutor cluster logs --name {name}; then try again."


def _delete(path: str, name: str, home: str) -> None:
    """Delete our profile. minikube forgets with it which profile is the user's own choice: that is put back."""
    theirs = _active(path, home)
    try:
        teller = Teller(silent, guess(1))
        program.run(program.delete_argv(path, name), name, home, teller, patience=program.DELETE_SECONDS)
    finally:
        if theirs and theirs != names.profile(name) and not _active(path, home):
            env = program.environment(home=home)
            code, _ = program.answer([path, "config", "set", "profile", theirs], env, 20.0)
            if code != 0:
                raise EnvironmentFault(
                    f"minikube forgot which profile you use ({plain(theirs)[:60]}), and does not take it again.",
                    remedy=f"minikube config set profile {plain(theirs)[:60]}",
                    code="minikube",
                )


def _active(path: str, home: str) -> str:
    """The profile that the user chose (``minikube profile NAME``); empty when none is."""
    code, said = program.answer([path, "config", "get", "profile"], program.environment(home=home), 20.0)
    return said.strip() if code == 0 else ""


def guess(nodes: int) -> Guess:
    """How long each phase of a cluster of so many nodes took last time."""
    return Guess(f"make-{nodes}", FIRST_GUESS, file=TIMES)
