"""The one list of what a node consists of, with versions: ``lock.json``, as frozen data."""

from __future__ import annotations

import functools
import hashlib
import json
import platform
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from k8s_tutor.errors import EnvironmentFault

HERE = Path(__file__).parent
LOCK_FILE = HERE / "lock.json"
MODULES = HERE / "modules"

# Debian's, Go's and OCI's word for what the kernel calls the machine.
_ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64"}


@dataclass(frozen=True)
class Program:
    """One executable: its file name, its Go package, and how it tells its version (``says`` is in what it prints)."""

    name: str
    package: str
    probe: tuple[str, ...]
    says: str


@dataclass(frozen=True)
class Component:
    """Programs of one upstream release.

    ``role``: ``node`` (runs on the node), ``cni`` (a CNI plugin) or ``image`` (goes into an image). ``static``:
    the file must not need a dynamic loader, because an image holds nothing else. ``url``/``sha256``/``member``:
    templates over ``{file}`` and ``{arch}``; without ``member`` each file is its own download.
    """

    name: str
    title: str
    explains: str
    version: str
    role: str
    module: str
    files: tuple[Program, ...]
    url: str
    sha256: str
    member: str = ""
    static: bool = False
    cgo: bool = False
    tags: str = ""
    ldflags: tuple[str, ...] = ()

    @functools.cached_property
    def key(self) -> str:
        """Folder name: changes with everything that changes the files."""
        what = (self.files, self.static, self.cgo, self.tags, self.ldflags)
        sources = sorted(path for path in (MODULES / self.module).iterdir() if path.suffix in (".mod", ".sum", ".go"))
        pins = [hashlib.sha256(path.read_bytes()).hexdigest() for path in sources]
        return f"{self.name}-{self.version}-{_digest(repr((what, pins)))}"


@dataclass(frozen=True)
class Image:
    """One image: what it is for, its full reference, and how it is made where no registry can be reached."""

    role: str
    ref: str
    recipe: str
    program: str = ""
    suite: str = ""
    packages: tuple[str, ...] = ()

    @property
    def registry(self) -> str:
        """Host part of the reference, like ``docker.io``."""
        return self.ref.split("/", 1)[0]

    @property
    def short(self) -> str:
        """The reference as a lab writes it: ``nginx:latest`` for ``docker.io/library/nginx:latest``."""
        return self.ref.removeprefix("docker.io/").removeprefix("library/")


@dataclass(frozen=True)
class Lock:
    """Everything in ``lock.json``; ``digest`` is the hash of the file (first 12 hex digits)."""

    kubernetes: str
    go: str
    components: tuple[Component, ...]
    images: tuple[Image, ...]
    learner_images: tuple[Image, ...]
    digest: str


@functools.cache
def load_lock(path: Path = LOCK_FILE) -> Lock:
    """Read the lock file.

    Raises ValueError or KeyError when the file is not as this module says: it ships with the package, so
    that is a defect of ours, not of the machine.
    """
    raw = path.read_bytes()
    data = json.loads(raw)
    if data["schema"] != 1:
        raise ValueError(f"{path.name}: schema {data['schema']}, this program reads 1")
    return Lock(
        kubernetes=data["kubernetes"],
        go=data["go"],
        components=tuple(component_of(entry) for entry in data["components"]),
        images=tuple(_image(entry) for entry in data["images"]),
        learner_images=tuple(_image(entry) for entry in data["learner_images"]),
        digest=hashlib.sha256(raw).hexdigest()[:12],
    )


def architecture() -> str:
    """This machine's architecture in Go's, Debian's and OCI's word.

    Raises EnvironmentFault where nothing is published or tried.
    """
    machine = platform.machine()
    if machine not in _ARCHITECTURES:
        raise EnvironmentFault(
            f"A cluster cannot be made on a {machine} machine: only x86_64 and aarch64 are known.",
            remedy="Use a cluster that runs elsewhere: k8s-tutor --context NAME",
            code="architecture",
        )
    return _ARCHITECTURES[machine]


def component_of(entry: dict[str, Any]) -> Component:
    """A component as the lock files write it. Raises KeyError."""
    version = entry["version"]

    def filled(text: str) -> str:
        return text.replace("{version}", version)

    download = entry["download"]
    return Component(
        name=entry["name"],
        title=entry["title"],
        explains=entry["explains"],
        version=version,
        role=entry["role"],
        module=entry["module"],
        files=tuple(
            Program(file["name"], file["package"], tuple(file["probe"]), filled(file["says"]))
            for file in entry["files"]
        ),
        url=filled(download["url"]),
        sha256=filled(download["sha256"]),
        member=filled(download.get("member", "")),
        static=entry.get("static", False),
        cgo=entry.get("cgo", False),
        tags=entry.get("tags", ""),
        ldflags=tuple(filled(flag) for flag in entry.get("ldflags", ())),
    )


def _image(entry: dict[str, Any]) -> Image:
    return Image(
        role=entry["role"],
        ref=entry["ref"],
        recipe=entry["recipe"],
        program=entry.get("program", ""),
        suite=entry.get("suite", ""),
        packages=tuple(entry.get("packages", ())),
    )


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:8]
