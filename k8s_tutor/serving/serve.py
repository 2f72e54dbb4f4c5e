"""Serve a class: cluster and learners made ready, links told, the web server run until it is ended."""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from k8s_tutor import atomic
from k8s_tutor.clusters import choose
from k8s_tutor.clusters.provider import Cluster
from k8s_tutor.errors import ClusterError, EnvironmentFault, UsageError
from k8s_tutor.kube.client import connect
from k8s_tutor.phases import Phase, PhaseState, Report
from k8s_tutor.serving import grant, pages, roster, sandbox
from k8s_tutor.serving.links import Links
from k8s_tutor.serving.roster import Learner
from k8s_tutor.serving.sandbox import Launch

if TYPE_CHECKING:
    from k8s_tutor.serving.web import Address

Say = Callable[[str], None]
Tell = Callable[[str, str], None]
CLOSE_SECONDS = 10.0
AT_A_TIME = 8
ADDRESS = "address"


@dataclass(frozen=True)
class Plan:
    """What is served: ``names`` of the learners (empty: those of the last time, or one), for how many hours.

    ``seeds``: by name, of their variants of the labs.
    """

    cluster: str
    names: Sequence[str] = ()
    hours: float = 8.0
    terminal: bool = True
    seeds: Mapping[str, str] = field(default_factory=dict)


def require() -> None:
    """Raise EnvironmentFault, with the command that mends it, where this machine cannot serve."""
    if not pages.installed():
        raise EnvironmentFault(
            "the browser's part of k8s-tutor is not installed",
            remedy="pip install 'k8s-tutor[serve]' (in a checkout: ./dev serve)",
            code="no-extra",
        )
    if os.geteuid() != 0:
        raise EnvironmentFault(
            "only root can serve: it makes the cluster, and gives each learner a user of their own",
            remedy="sudo k8s-tutor serve",
            code="root",
        )


def links_of(cluster: str) -> Links:
    """The links of a cluster's learners."""
    return Links(roster.base_dir(cluster) / "links.json")


def make_ready(plan: Plan, report: Report) -> tuple[Cluster, list[Learner]]:
    """The cluster up, every learner with a place on it; nothing that is there is made twice. Raises TutorError."""
    names = list(plan.names) or [each.name for each in roster.load(plan.cluster)] or ["1"]
    # What separates learners is tried on native nodes only.
    cluster = choose.make("native").up(plan.cluster, report=report)
    learners = roster.enrol(cluster.name, names, plan.seeds)
    began = time.monotonic()
    api = connect(cluster.kubeconfig)
    try:
        grant.prepare(api)
        _each(learners, lambda learner: grant.admit(api, cluster, learner, plan.hours), report, began)
    finally:
        api.close()
    _try_out(cluster, learners[0])
    report(_phase(PhaseState.DONE, began, 1.0, ""))
    return cluster, learners


def _each(learners: Sequence[Learner], deed: Callable[[Learner], None], report: Report, began: float) -> None:
    """Do it for all, several at a time: most of it is waiting. Raises what the first that failed raised."""
    with ThreadPoolExecutor(AT_A_TIME) as pool:
        for number, _ in enumerate(pool.map(deed, learners)):
            report(_phase(PhaseState.RUNNING, began, number / len(learners), learners[number].name))


def _phase(state: PhaseState, began: float, fraction: float, detail: str) -> Phase:
    explains = "each gets a namespace, rights in it, a token and a home of their own"
    return Phase("learners", "learners", explains, state, time.monotonic() - began, None, fraction, detail)


def _try_out(cluster: Cluster, learner: Learner) -> None:
    """Whether the learner's user can run the tutor at all. Raises EnvironmentFault with what it said."""
    launch = sandbox.command(cluster, learner, terminal=False, size=(80, 24), arguments=("--version",))
    done = subprocess.run(
        launch.argv,
        env=launch.env,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        errors="replace",
        timeout=60,
        check=False,
    )
    if done.returncode:
        raise EnvironmentFault(
            f"a learner's user cannot run the tutor here: {' '.join(done.stderr.split())[-300:] or done.returncode}",
            remedy="install k8s-tutor where every user may read it, such as a venv in /opt/k8s-tutor",
            code="unreadable",
        )


def run(cluster: Cluster, learners: Sequence[Learner], plan: Plan, address: Address, tell: Tell, say: Say) -> None:
    """Serve until interrupted or the hours are over. ``tell`` gets each learner's name and link, once it listens."""
    asyncio.run(_serve(cluster, learners, plan, address, tell, say))


async def _serve(
    cluster: Cluster, learners: Sequence[Learner], plan: Plan, address: Address, tell: Tell, say: Say
) -> None:
    from aiohttp import web

    from k8s_tutor.serving.seat import Command, Seat
    from k8s_tutor.serving.web import Server

    def command_for(learner: Learner) -> Command:
        def command(size: tuple[int, int]) -> Launch:
            # A node that was booted again has another network.
            now = choose.make("native").status(cluster.name)
            if now is None or not now.running:
                raise ClusterError(
                    f"cluster {cluster.name} does not run", remedy="k8s-tutor cluster up --provider native"
                )
            return sandbox.command(now, learner, terminal=plan.terminal, size=size)

        return command

    seats = {each.id: Seat(each.name, command_for(each), say) for each in learners}
    links = links_of(cluster.name)
    links.prolong(plan.hours * 3600)
    server = Server(address, links, seats, {each.id: each.name for each in learners})
    runner = web.AppRunner(server.app(), access_log=None, handler_cancellation=True, shutdown_timeout=CLOSE_SECONDS)
    await runner.setup()
    ended = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        asyncio.get_running_loop().add_signal_handler(number, ended.set)
    try:
        try:
            await web.TCPSite(runner, address.host, address.port, backlog=64).start()
        except OSError as error:
            raise EnvironmentFault(
                f"{address.host}:{address.port} cannot be listened at: {error.strerror or error}",
                remedy="another one: --port 8766",
                code="port",
            ) from error
        atomic.write_text(roster.base_dir(cluster.name) / ADDRESS, address.base + "\n")
        for learner in learners:
            tell(learner.name, f"{address.base}/join/{links.new(learner.id, plan.hours * 3600)}")
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(ended.wait(), plan.hours * 3600)
        say("the server ends" if ended.is_set() else f"the {plan.hours:g} hours are over: the server ends")
    finally:
        await asyncio.gather(*(seat.stand_up() for seat in seats.values()))
        await runner.cleanup()


def new_link(cluster: str, name: str, hours: float) -> tuple[str, str]:
    """Name of this learner and a new link, at the address of the server's last start. Raises UsageError."""
    learner = roster.find(cluster, name)
    try:
        base = (roster.base_dir(cluster) / ADDRESS).read_text(encoding="utf-8").strip()
    except OSError as error:
        raise UsageError(
            f"nothing was served yet on cluster {cluster}",
            remedy=f"k8s-tutor serve --name {cluster}",
            code="not-served",
        ) from error
    return learner.name, f"{base}/join/{links_of(cluster).new(learner.id, hours * 3600)}"


def take_down(cluster: str, report: Report) -> int:
    """Remove every learner's place and files; the cluster itself stays. How many there were. Raises TutorError."""
    learners = roster.load(cluster)
    base = roster.base_dir(cluster)
    busy = [learner for learner in learners if _runs(learner)]
    if busy:
        raise UsageError(f"{busy[0].name} is at work", remedy="end the server first: ctrl+c where it runs", code="busy")
    found = choose.make("native").status(cluster)
    began = time.monotonic()
    if found is not None and found.running:
        api = connect(found.kubeconfig)
        try:
            _each(learners, lambda learner: grant.dismiss(api, learner), report, began)
            grant.clear(api)
        finally:
            api.close()
    for learner in learners:
        grant.forget(cluster, learner)
    if base.is_dir():
        shutil.rmtree(base)
    return len(learners)


def _runs(learner: Learner) -> bool:
    """Whether a process of the learner's user is there; one that is dead and not yet buried is not."""
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            with contextlib.suppress(OSError):
                if entry.stat().st_uid != learner.uid:
                    continue
                state = (entry / "stat").read_text(errors="replace").rpartition(")")[2].split()
                if state and state[0] not in ("Z", "X"):
                    return True
    return False
