"""How a learner's tutor is started: in the node's network, as the learner's own user, seeing nothing of the others.

What is under /root, /home, /tmp, /run and the like is covered for it; of it only what the tutor needs to run is put
back (Python, this package, kubectl), read-only, and the learner's own home. The rest of the machine is as any user
sees it: root's secrets are guarded by their modes, as ever.
"""

from __future__ import annotations

import json
import os
import shutil
import sys
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import k8s_tutor
from k8s_tutor.clusters.assigned import VARIABLE
from k8s_tutor.clusters.provider import Cluster
from k8s_tutor.errors import EnvironmentFault
from k8s_tutor.serving import enter
from k8s_tutor.serving.grant import ASSIGNED, HOME, KUBECONFIG, SEEN_AT
from k8s_tutor.serving.roster import Learner, learner_dir
from k8s_tutor.session.variant import GIVEN

LIMITS = {
    "NPROC": 200,
    "NOFILE": 1024,
    "FSIZE": 256 << 20,
    "AS": 8 << 30,
    "CORE": 0,
    "MEMLOCK": 0,
}
"""Processes of the learner, files of one process, bytes of one file and of one process's addresses (kubectl's runtime
reserves some), no core files, no locked memory."""
COVERED = ("/root", "/home", "/run", "/mnt", "/media", "/srv")
SCRATCH = ("/tmp", "/var/tmp", "/dev/shm")  # noqa: S108 - covered by a private one
SCRATCH_SIZE, COVER_SIZE = "128m", "1m"
TOOLS = ("nsenter", "unshare", "setpriv")


@dataclass(frozen=True)
class Launch:
    """A program to start: argument list, and the whole environment. Nothing of the server's own is handed on."""

    argv: tuple[str, ...]
    env: dict[str, str]


@dataclass(frozen=True)
class View:
    """What is covered (path, mode, size of what lies over it) and what is put back (source, target, read-only)."""

    covers: tuple[tuple[str, str, str], ...] = ()
    binds: tuple[tuple[str, str, bool], ...] = field(default=())


def command(
    cluster: Cluster,
    learner: Learner,
    *,
    terminal: bool,
    size: tuple[int, int],
    arguments: Sequence[str] = ("tutor",),
) -> Launch:
    """The command that runs the learner's tutor, speaking textual-serve's protocol on its standard streams.

    ``size``: columns and rows; ``arguments``: of k8s-tutor. Raises EnvironmentFault where the node does not run or a
    tool is missing.
    """
    missing = [tool for tool in TOOLS if shutil.which(tool) is None]
    if missing:
        raise EnvironmentFault(f"missing: {', '.join(missing)}", remedy="apt-get install -y util-linux", code="tools")
    if cluster.netns is None or not cluster.netns.exists():
        raise EnvironmentFault(
            f"cluster {cluster.name} does not run", remedy=f"k8s-tutor cluster up --name {cluster.name}", code="no-node"
        )
    home = f"/home/{learner.id}"
    code = code_paths(cluster)
    seen = view(code, learner_dir(cluster.name, learner), home)
    plan: dict[str, Any] = {
        "uid": learner.uid,
        "covers": seen.covers,
        "binds": seen.binds,
        "limits": LIMITS,
        "argv": [sys.executable, "-m", "k8s_tutor", *arguments],
        "env": environment(cluster, learner, home, terminal=terminal, size=size),
        "cwd": home,
    }
    # When the server dies, so does unshare; with it its child, and with that everything in its process namespace.
    argv = (
        *("setpriv", "--pdeathsig", "SIGKILL", "--"),
        *("nsenter", f"--net={cluster.netns}", "--"),
        *("unshare", "--mount", "--propagation", "private", "--pid", "--fork", "--kill-child", "--ipc"),
        *("--mount-proc", "--", sys.executable, "-I", "-S", os.path.abspath(enter.__file__)),
    )
    return Launch(argv, {"PATH": os.environ.get("PATH", os.defpath), "LANG": "C.UTF-8", enter.PLAN: json.dumps(plan)})


def environment(
    cluster: Cluster, learner: Learner, home: str, *, terminal: bool, size: tuple[int, int]
) -> dict[str, str]:
    """All variables of the learner's tutor."""
    package = Path(k8s_tutor.__file__).resolve().parent
    kubectl = [str(cluster.bin_dir)] if cluster.bin_dir is not None else []
    path = [*kubectl, os.path.dirname(sys.executable), "/usr/local/bin", "/usr/bin", "/bin"]
    seed = {GIVEN: learner.seed} if learner.seed else {}
    return {
        **seed,
        "PATH": os.pathsep.join(path),
        "HOME": home,
        "USER": learner.id,
        "LOGNAME": learner.id,
        "SHELL": "/bin/bash",
        "LANG": "C.UTF-8",
        "TERM": "xterm-256color",
        "COLORTERM": "truecolor",
        "PYTHONPATH": str(package.parent),
        "PYTHONDONTWRITEBYTECODE": "1",
        "KUBECONFIG": str(SEEN_AT / KUBECONFIG),
        VARIABLE: str(SEEN_AT / ASSIGNED),
        "K8S_TUTOR_TERMINAL": "auto" if terminal else "none",
        "TEXTUAL_DRIVER": "textual.drivers.web_driver:WebDriver",
        "TEXTUAL_COLOR_SYSTEM": "truecolor",
        "COLUMNS": str(size[0]),
        "ROWS": str(size[1]),
    }


def code_paths(cluster: Cluster) -> list[Path]:
    """What the tutor reads to run, where it really is and where it is named: Python, packages, kubectl."""
    package = Path(k8s_tutor.__file__).resolve().parent
    wanted = [Path(sys.prefix), Path(sys.base_prefix), package, package.parent / "lab_manifests"]
    wanted += [Path(sys.executable).parent, Path(os.path.realpath(sys.executable)).parents[1]]
    if cluster.bin_dir is not None:
        wanted += [cluster.bin_dir, Path(os.path.realpath(cluster.bin_dir / "kubectl")).parent]
    real = [Path(os.path.realpath(path)) for path in wanted]
    return list(dict.fromkeys(path for path in (*wanted, *real) if path.is_dir()))


def _closed(path: Path) -> bool:
    """Whether only its owner may enter a folder. Below it nothing can be reached, however it is mounted."""
    return not path.stat().st_mode & 1


def view(
    code: Iterable[Path],
    folder: Path,
    home: str,
    *,
    covered: Iterable[str] = COVERED + SCRATCH,
    closed: Callable[[Path], bool] = _closed,
) -> View:
    """What a learner sees: everything below ``covered`` is empty, but for ``code`` and what is in ``folder``.

    Folders above ``code`` that are ``closed`` to the learner are covered, too, so that they can be passed.
    """
    wanted = [path for path in code if path != Path("/")]
    covers = {path for path in covered if os.path.isdir(path) and not os.path.islink(path)}
    for path in wanted:
        covers |= {str(above) for above in path.parents if str(above) != "/" and closed(above)}
    outer = sorted(path for path in covers if not any(_below(path, other) for other in covers if other != path))
    back = [path for path in wanted if any(_below(str(path), cover) for cover in outer)]
    back = [path for path in back if not any(_below(str(path), str(other)) for other in back if other != path)]
    binds = [(str(path), str(path), True) for path in sorted(back)]
    binds += [(str(folder / name), str(SEEN_AT / name), True) for name in (KUBECONFIG, ASSIGNED)]
    binds.append((str(folder / HOME), home, False))
    laid = [(path, *(("1777", SCRATCH_SIZE) if path in SCRATCH else ("0755", COVER_SIZE))) for path in outer]
    return View(tuple(laid), tuple(binds))


def _below(path: str, other: str) -> bool:
    return path == other or path.startswith(other.rstrip("/") + "/")
