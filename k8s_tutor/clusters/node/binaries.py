"""The programs of a node, each from the nearest place: cache, this machine, its official release, its source."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from k8s_tutor import atomic
from k8s_tutor.clusters.node.build import build
from k8s_tutor.clusters.node.download import Hosts, Progress, Unavailable, download
from k8s_tutor.clusters.node.found import find
from k8s_tutor.clusters.node.lock import Component, architecture
from k8s_tutor.clusters.node.work import Telling, Work

_AT_ONCE = 2
"""Components made at the same time: one alone leaves a core idle while it links, three fight for two cores."""

ORIGIN = "origin.json"


def ensure_binaries(components: Iterable[Component], root: Path, work: Work, hosts: Hosts) -> dict[str, Path]:
    """Make what is missing; returns the folder of each component (its programs and ``origin.json``).

    A folder is whole or not there. Raises EnvironmentFault.
    """
    wanted = list(components)
    missing = [component for component in wanted if not is_made(component, root)]
    for component in missing:
        work.announce(component.name, component.title, component.explains)
    # Two builds of one module would compile the same packages twice, side by side.
    lines: dict[str, list[Component]] = {}
    for component in missing:
        lines.setdefault(component.module, []).append(component)
    with ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="binaries") as pool:
        jobs = [pool.submit(_make_line, line, root, work, hosts) for line in lines.values()]
        try:
            for job in jobs:
                job.result()
        except BaseException:
            work.stop()
            pool.shutdown(wait=True, cancel_futures=True)
            raise
    return {component.name: place(component, root) for component in wanted}


def is_made(component: Component, root: Path) -> bool:
    """Whether a component is in the cache."""
    return (place(component, root) / ORIGIN).is_file()


def place(component: Component, root: Path) -> Path:
    """Where a component is kept: a new version is a new folder."""
    return root / "bin" / component.key


def origin(component: Component, root: Path) -> str:
    """Where a component in the cache came from: ``found``, ``release`` or ``source``."""
    return str(json.loads((place(component, root) / ORIGIN).read_text(encoding="utf-8"))["origin"])


def record(component: Component, folder: Path, how: str) -> None:
    """Write into a component's new folder where it came from: from then on it is made."""
    said = {"component": component.name, "version": component.version, "origin": how}
    atomic.write_text(folder / ORIGIN, json.dumps(said) + "\n", mode=0o644)


def _make_line(line: list[Component], root: Path, work: Work, hosts: Hosts) -> None:
    for component in line:
        with work.phase(component.name, component.title, component.explains) as telling:
            _make(component, root, work, telling, hosts)


def _make(component: Component, root: Path, work: Work, telling: Telling, hosts: Hosts) -> None:
    target = place(component, root)
    temporary = target.with_name(f".{target.name}.making")
    # What a killed run left; the lock on the folder says that nobody works there now.
    shutil.rmtree(temporary, ignore_errors=True)
    shutil.rmtree(target, ignore_errors=True)
    temporary.mkdir(parents=True)
    try:
        how = _fill(component, temporary, work, telling, hosts)
        record(component, temporary, how)
        os.replace(temporary, target)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def _fill(component: Component, folder: Path, work: Work, telling: Telling, hosts: Hosts) -> str:
    there = find(component)
    if there:
        for name, path in there.items():
            telling.say(f"found {path}")
            shutil.copyfile(path, folder / name)
            (folder / name).chmod(0o755)
        return "found"
    try:
        telling.say("looking for the official release")
        download(component, architecture(), folder, hosts, _progress(telling))
        return "release"
    except Unavailable:
        build(component, folder, work, telling)
        return "source"


def _progress(telling: Telling) -> Progress:
    def tell(done: int, size: int) -> None:
        fraction = done / size if size else None
        left = telling.seconds * (1 - fraction) / fraction if fraction and fraction > 0.02 else None
        telling.say(f"{done >> 20} MB", fraction=fraction, seconds_left=left)

    return tell
