"""A cgroup for each cluster in every hierarchy, version 1 or 2, and its removal from the leaves up."""

from __future__ import annotations

import contextlib
import os
import time
from dataclasses import dataclass
from pathlib import Path

NEEDED = ("cpu", "cpuset", "memory", "pids")
"""Controllers that kubelet refuses to start without."""

SHARE = {1: ("cpu.shares", "128"), 2: ("cpu.weight", "12")}
"""A cluster has an eighth of what any other group has (1024, 100), where the processor is short.

A cluster under load takes all that there is; the learner's editor, shell and this program go first. Measured with
10,000 pods and all the changes that two cores can make: a key press is answered in 39 ms (p95), with a quarter in 52,
with an equal share in 416 (bench/RESULTS.md).
"""


@dataclass(frozen=True)
class Hierarchy:
    """One mounted cgroup tree; ``controllers`` are those usable in it, ``version`` is 1 or 2."""

    root: Path
    version: int
    controllers: tuple[str, ...]


def hierarchies(mounts: str | None = None) -> list[Hierarchy]:
    """All cgroup trees, each once; ``mounts`` is the text of /proc/mounts."""
    text = Path("/proc/mounts").read_text(encoding="utf-8") if mounts is None else mounts
    found: dict[Path, Hierarchy] = {}
    for line in text.splitlines():
        _, folder, kind, options, *_ = line.split()
        root = Path(folder)
        if kind == "cgroup":
            names = tuple(part for part in options.split(",") if part not in ("rw", "ro", "relatime", "noatime"))
            found[root] = Hierarchy(root, 1, names)
        elif kind == "cgroup2":
            found[root] = Hierarchy(root, 2, tuple(_words(root / "cgroup.controllers")))
    return list(found.values())


def controllers(trees: list[Hierarchy] | None = None) -> set[str]:
    """Every controller that some hierarchy offers."""
    return {name for tree in (hierarchies() if trees is None else trees) for name in tree.controllers}


def make(relative: str) -> None:
    """Make the cgroup with all above it, usable by processes and by kubelet; the topmost has SHARE. Raises OSError."""
    for tree in hierarchies():
        folder = tree.root
        for part in Path(relative).parts:
            if tree.version == 2:
                _enable(folder, tree.controllers)
            folder /= part
            folder.mkdir(exist_ok=True)
            if folder.parent == tree.root and "cpu" in tree.controllers:
                _yield_processor(folder, tree.version)
            if "cpuset" in tree.controllers and tree.version == 1:
                _inherit_cpuset(folder)


def join(relative: str) -> None:
    """Put this process, and so its children to come, into the cgroup. Raises OSError."""
    for tree in hierarchies():
        (tree.root / relative / "cgroup.procs").write_text(f"{os.getpid()}\n", encoding="ascii")


def remove(relative: str, *, patience: float = 5.0) -> list[Path]:
    """Remove the cgroup and all below it; returns what could not be removed (a process is still in it)."""
    left: list[Path] = []
    deadline = time.monotonic() + patience
    for tree in hierarchies():
        top = tree.root / relative
        while top.is_dir() and not _remove_tree(top):
            # The kernel needs a moment after the last process is gone.
            if time.monotonic() > deadline:
                left.append(top)
                break
            time.sleep(0.02)
    return left


def _remove_tree(top: Path) -> bool:
    for folder, _, _ in os.walk(top, topdown=False):
        with contextlib.suppress(OSError):
            Path(folder).rmdir()
    return not top.is_dir()


def _enable(folder: Path, names: tuple[str, ...]) -> None:
    wanted = set(names) & {*NEEDED, "io", "hugetlb"}
    missing = wanted - set(_words(folder / "cgroup.subtree_control"))
    for name in sorted(missing):
        # One at a time: a controller that is refused here must not cost the others.
        with contextlib.suppress(OSError):
            (folder / "cgroup.subtree_control").write_text(f"+{name}", encoding="ascii")


def _yield_processor(folder: Path, version: int) -> None:
    name, share = SHARE[version]
    with contextlib.suppress(OSError):  # it runs without, only less politely
        (folder / name).write_text(share, encoding="ascii")


def _inherit_cpuset(folder: Path) -> None:
    # A new cpuset of version 1 is empty, and takes no process until it names processors and memory.
    for name in ("cpuset.cpus", "cpuset.mems"):
        own = folder / name
        if own.exists() and not own.read_text(encoding="ascii").strip():
            own.write_text((folder.parent / name).read_text(encoding="ascii"), encoding="ascii")


def _words(path: Path) -> list[str]:
    try:
        return path.read_text(encoding="ascii").split()
    except OSError:
        return []
