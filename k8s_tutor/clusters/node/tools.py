"""Programs that make clusters out of what others made (kind): from PATH, a verified release, or their Go module.

Pinned in ``tools.json``, apart from ``lock.json``: a new version of such a program leaves the nodes' material as it is.
"""

from __future__ import annotations

import fcntl
import functools
import json
import os
import platform
import re
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from k8s_tutor.clusters.node.binaries import is_made, place, record
from k8s_tutor.clusters.node.build import build
from k8s_tutor.clusters.node.download import Hosts, Unavailable, fetch, rebased
from k8s_tutor.clusters.node.lock import HERE, Component, component_of
from k8s_tutor.clusters.node.work import Telling, Work, output
from k8s_tutor.errors import EnvironmentFault
from k8s_tutor.phases import Report

TOOLS_FILE = HERE / "tools.json"
_SYSTEMS = {"Linux": "linux", "Darwin": "darwin"}
_MACHINES = {"x86_64": "amd64", "amd64": "amd64", "aarch64": "arm64", "arm64": "arm64"}


@dataclass(frozen=True)
class Tool:
    """A program and its pins.

    ``sha256``: platform (``linux-amd64``) -> the hash of its release file, which is known here beforehand: what
    a server says beside the file proves nothing. ``least``: the oldest version on PATH that will do.
    ``node_image``: what this version of the tool makes nodes of.
    """

    component: Component
    sha256: Mapping[str, str]
    least: str
    node_image: str


@functools.cache
def tool(name: str, path: Path = TOOLS_FILE) -> Tool:
    """The tool of that name. Raises KeyError, ValueError: the file ships with the package."""
    data = json.loads(path.read_text(encoding="utf-8"))
    if data["schema"] != 1:
        raise ValueError(f"{path.name}: schema {data['schema']}, this program reads 1")
    for entry in data["tools"]:
        if entry["name"] == name:
            return Tool(component_of(entry), dict(entry["pinned"]), entry["least"], entry["node_image"])
    raise KeyError(name)


def platform_name() -> str:
    """This machine in the releases' words, like ``linux-amd64``; empty where nothing is released."""
    system, machine = _SYSTEMS.get(platform.system(), ""), _MACHINES.get(platform.machine().lower(), "")
    return f"{system}-{machine}" if system and machine else ""


def ensure(name: str, root: Path, report: Report) -> Path:
    """The program: on PATH and new enough, else in the cache, else its release, else built from its Go module.

    ``root``: folder of everything that is kept. Raises EnvironmentFault with a remedy.
    """
    wanted = tool(name)
    program = wanted.component.files[0].name
    there = on_path(wanted)
    if there is not None:
        return there
    target = place(wanted.component, root)
    if is_made(wanted.component, root):
        with suppress(OSError):  # what is used is not old (prepare.prune)
            os.utime(target)
        return target / program
    work = Work(report, root / "logs")
    with _alone(root, name), work.phase(name, wanted.component.title, wanted.component.explains) as telling:
        if not is_made(wanted.component, root):
            _make(wanted, target, work, telling)
    return target / program


def on_path(wanted: Tool) -> Path | None:
    """The program in ``$K8S_TUTOR_BIN_DIR`` or on PATH, if its version will do."""
    program = wanted.component.files[0]
    search = os.pathsep.join(
        filter(None, (os.environ.get("K8S_TUTOR_BIN_DIR", ""), os.environ.get("PATH", os.defpath)))
    )
    found = shutil.which(program.name, path=search)
    if found is None:
        return None
    said = version_in(output([found, *program.probe], timeout=10))
    return Path(found) if said and numbers(said) >= numbers(wanted.least) else None


def version_in(text: str) -> str:
    """The first version that a program tells, like ``0.33.0``; empty if it tells none."""
    match = re.search(r"\bv(\d+\.\d+\.\d+)", text)
    return match[1] if match else ""


def numbers(version: str) -> tuple[int, ...]:
    """``0.33.0`` as numbers, to be compared."""
    return tuple(int(part) for part in version.split("."))


def _make(wanted: Tool, target: Path, work: Work, telling: Telling) -> None:
    temporary = target.with_name(f".{target.name}.making")
    shutil.rmtree(temporary, ignore_errors=True)
    shutil.rmtree(target, ignore_errors=True)
    temporary.mkdir(parents=True)
    try:
        try:
            telling.say("looking for the official release")
            _release(wanted, temporary, telling, Hosts())
            how = "release"
        except Unavailable:
            build(wanted.component, temporary, work, telling)
            how = "source"
        record(wanted.component, temporary, how)
        os.replace(temporary, target)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def _release(wanted: Tool, folder: Path, telling: Telling, hosts: Hosts) -> None:
    """The release's file, checked against the hash that is pinned here. Raises Unavailable, EnvironmentFault."""
    here = platform_name()
    if here not in wanted.sha256:
        raise Unavailable(f"nothing is released for {here or platform.machine()}")
    system, _, arch = here.partition("-")
    url = rebased(wanted.component.url.replace("{os}", system).replace("{arch}", arch))
    if not hosts.answers(url):
        raise Unavailable(url)

    def tell(done: int, size: int) -> None:
        telling.say(f"{done >> 20} MB", fraction=done / size if size else None)

    program = folder / wanted.component.files[0].name
    fetch(url, program, wanted.sha256[here], tell)
    program.chmod(0o755)


@contextmanager
def _alone(root: Path, name: str) -> Iterator[None]:
    root.mkdir(parents=True, exist_ok=True, mode=0o755)
    try:
        file = (root / f"{name}.lock").open("w", encoding="utf-8")
    except OSError as error:
        raise EnvironmentFault(
            f"{root} cannot be written: {error.strerror}.",
            remedy="Name a folder of your own: export XDG_CACHE_HOME=/path/to/folder",
            code="cache",
        ) from error
    with file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
