"""What lies around the labs: home, the start of a cluster, the pages over a lab, other colours, a lost connection."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from pictures.learner import CLUSTER
from pictures.studio import Stage, stage

_HOME = (100, 28)


async def first(out: Path) -> None:
    """Home without a cluster, and the cluster as it comes up."""
    from k8s_tutor.phases import PhaseState

    async with stage(out, _HOME) as seen:
        await seen.pilot.pause(2.0)
        await seen.shot("home-first")
        await seen.press("enter")
        startup = seen.app.startup

        def half() -> bool:
            states = [phase.state for phase in startup.phases()]
            return states.count(PhaseState.DONE) >= 3 and PhaseState.RUNNING in states

        await seen.until(half, "a cluster that comes up")
        await seen.pilot.pause(0.3)
        await seen.shot("bring-up")
        await seen.live()


async def pages(out: Path) -> None:
    """The pages over a lab."""
    async with stage(out, (120, 34), "lab2") as seen:
        await seen.quiet()
        await seen.press("u", rest=2.0)
        await seen.shot("summary")
        await seen.press("escape")
        await seen.press("c", rest=1.0)
        await seen.shot("command-log")
        await seen.press("escape")
        await seen.press("question_mark", rest=1.0)
        await seen.shot("help")
        await seen.press("escape")
        await seen.press("4")
        await seen.press("f1", rest=1.0)
        await seen.shot("pane-help")
    async with stage(out, _HOME) as seen:
        await seen.pilot.pause(2.0)
        await seen.shot("home")


async def colours(out: Path) -> None:
    """The same screen in other colours."""
    for name, variable, value in (
        ("light", "K8S_TUTOR_THEME", "tutor-light"),
        ("ansi", "K8S_TUTOR_THEME", "ansi"),
        ("no-color", "NO_COLOR", "1"),
    ):
        with _variable(variable, value):
            async with stage(out, (150, 40), "lab1") as seen:
                await _read(seen)
                await seen.shot(name)


async def lost(out: Path) -> None:
    """The API server is killed while a lab is open, again and again; left alone, it is heard again."""
    async with stage(out, (120, 34), "lab2") as seen:
        await seen.look_at("scale")
        await seen.press("4")
        for _ in range(60):
            for pid in _api_servers():
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            if seen.lab.state.lost and "refused" in seen.lab.state.trouble:
                break
            await seen.pilot.pause(0.2)
        await seen.until(lambda: seen.lab.state.lost, "the connection lost")
        await seen.pilot.pause(1.0)
        await seen.shot("lost")
        await seen.until(lambda: seen.lab.state.live, "the connection back", 180)


def _api_servers() -> list[int]:
    """Process ids of this cluster's own API servers."""
    from k8s_tutor.clusters.native.names import cgroup

    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            name = (folder / "comm").read_text().strip()
            if name.startswith("kube-apiserver"[:15]) and f"/{cgroup(CLUSTER)}/" in (folder / "cgroup").read_text():
                found.append(int(folder.name))
    return found


async def _read(seen: Stage) -> None:
    await seen.look_at("running")
    await seen.pilot.pause(1.0)


@contextmanager
def _variable(name: str, value: str) -> Iterator[None]:
    before = os.environ.get(name)
    os.environ[name] = value
    try:
        yield
    finally:
        del os.environ[name]
        if before is not None:
            os.environ[name] = before
