"""Container engines: which are there, which answers, and what is known to make kind fail on one."""

from __future__ import annotations

import json
import os
import platform
import shutil
import threading
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from k8s_tutor.clusters.doctor.finding import Finding, Topic, plain
from k8s_tutor.clusters.doctor.looking import Said, ask_program
from k8s_tutor.clusters.kind.engine import CHOICE, ENGINES

_SUBJECT = "engine"
_ISSUES = "https://kind.sigs.k8s.io/docs/user/known-issues/"
_ROOTLESS = "https://kind.sigs.k8s.io/docs/user/rootless/"
ENGINE = Topic(
    "engine", _SUBJECT, "a container engine that answers: docker, podman or nerdctl", "info of each on PATH",
    ("kind", "minikube"), "https://kind.sigs.k8s.io/docs/user/quick-start/",
)  # fmt: skip
SOCKET = Topic(
    "engine-permission", _SUBJECT, "whether this user may use the engine's socket", "info of each on PATH",
    ("kind", "minikube"), "https://docs.docker.com/engine/install/linux-postinstall/",
)  # fmt: skip
MODE = Topic(
    "engine-rootless", _SUBJECT, "a rootless engine: needs cgroup version 2 and delegated controllers",
    "info of the engine", ("kind",), _ROOTLESS,
)  # fmt: skip
SNAP = Topic(
    "engine-snap", _SUBJECT, "an engine from snap sees no files below /tmp", "the program's path", (),
    f"{_ISSUES}#docker-installed-with-snap",
)  # fmt: skip
STORAGE = Topic(
    "engine-storage", _SUBJECT, "the engine's storage driver: btrfs and zfs need device nodes that kind may not find",
    "info of the engine", (), f"{_ISSUES}#failed-to-get-rootfs-info--stat-failed-on-dev",
)  # fmt: skip
CGROUP = Topic(
    "engine-cgroup", _SUBJECT, "cgroup version and driver as the engine has them", "info of the engine", ("kind",),
    "https://kubernetes.io/docs/concepts/architecture/cgroups/",
)  # fmt: skip
INIT = Topic(
    "engine-init", _SUBJECT, '"init": true in the daemon\'s configuration keeps kind\'s nodes from starting',
    "/etc/docker/daemon.json", ("kind",), f"{_ISSUES}#docker-init-daemon-config",
)  # fmt: skip
TOPICS = (ENGINE, SOCKET, MODE, SNAP, STORAGE, CGROUP, INIT)
"""Those after the second are told only where an engine answers."""

_INFO = {
    "docker": ("info", "--format", "{{json .}}"),
    "podman": ("info", "--format", "json"),
    "nerdctl": ("info", "--format", "{{json .}}"),
}
_SECONDS = 3.0


@dataclass(frozen=True)
class Seen:
    """What one engine on PATH says of itself; ``trouble`` is why it does not answer, empty where it does."""

    name: str
    program: str
    trouble: str = ""
    denied: bool = False
    version: str = ""
    driver: str = ""
    cgroup_version: str = ""
    cgroup_driver: str = ""
    rootless: bool = False
    root: str = ""
    facts: dict[str, Any] = field(default_factory=dict)


def look() -> list[Finding]:
    """Ask every engine on PATH at once, each for three seconds at most."""
    chosen = os.environ.get(CHOICE, "")
    seen = see((chosen,) if chosen in ENGINES else ENGINES)
    answering = next((engine for engine in seen if not engine.trouble), None)
    found = [_engine(seen, answering), *_permission(seen)]
    if answering is not None:
        found += [_mode(answering), _snap(answering), _storage(answering), _cgroup(answering), _init(answering)]
    return found


def see(names: tuple[str, ...]) -> list[Seen]:
    """Those of these engines that are on PATH, in this order."""
    there = [(name, program) for name in names if (program := shutil.which(name)) is not None]
    told: dict[str, Seen] = {}

    def ask(name: str, program: str) -> None:
        told[name] = parse(name, program, ask_program([program, *_INFO[name]], seconds=_SECONDS))

    threads = [threading.Thread(target=ask, args=pair, daemon=True) for pair in there]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(_SECONDS + 0.5)
    return [told.get(name) or Seen(name, program, f"no answer within {_SECONDS:g} s") for name, program in there]


def parse(name: str, program: str, said: Said) -> Seen:
    """What an engine's ``info`` says, also where only its client speaks."""
    facts = _json(said.out)
    words = " ".join((said.err, *(str(error) for error in facts.get("ServerErrors") or ())))
    if said.late or said.code != 0 or facts.get("ServerErrors"):
        trouble = plain(words, 200) or f"exit {said.code}"
        return Seen(name, program, trouble, denied="permission denied" in words.lower())
    if name == "podman":
        host, store = _mapping(facts, "host"), _mapping(facts, "store")
        return Seen(
            name, program,
            version=str(_mapping(facts, "version").get("Version", "")),
            driver=str(store.get("graphDriverName", "")),
            cgroup_version=str(host.get("cgroupVersion", "")).removeprefix("v"),
            cgroup_driver=str(host.get("cgroupManager", "")),
            rootless=_mapping(host, "security").get("rootless") is True,
            root=str(store.get("graphRoot", "")),
            facts=facts,
        )  # fmt: skip
    if not facts.get("ServerVersion"):
        return Seen(name, program, "only its client answers")
    return Seen(
        name, program,
        version=str(facts["ServerVersion"]),
        driver=str(facts.get("Driver", "")),
        cgroup_version=str(facts.get("CgroupVersion", "")),
        cgroup_driver=str(facts.get("CgroupDriver", "")),
        rootless=any("name=rootless" in str(option) for option in facts.get("SecurityOptions") or ()),
        root=str(facts.get("DockerRootDir", "")),
        facts=facts,
    )  # fmt: skip


def _engine(seen: list[Seen], answering: Seen | None) -> Finding:
    if answering is not None:
        others = "".join(f"; {engine.name}: {engine.trouble}" for engine in seen if engine.trouble)
        return ENGINE.ok(
            f"{answering.name} {answering.version} answers ({answering.program}): kind clusters can be made{others}"
        )
    if not seen:
        chosen = os.environ.get(CHOICE, "")
        which = chosen if chosen in ENGINES else ", ".join(ENGINES)
        return ENGINE.lack(
            f"no container engine on PATH ({which}): no kind clusters",
            "install one, if you want kind clusters: apt-get install docker.io; or: cluster up --provider native",
            source="PATH",
        )
    told = "; ".join(f"{engine.name} is there, and does not answer: {engine.trouble}" for engine in seen)
    return ENGINE.lack(f"no container engine answers: {told}", _start(seen[0]))


def _start(engine: Seen) -> str:
    if engine.denied:
        return "see engine-permission"
    if platform.system() != "Linux":
        return "start it: podman machine start" if engine.name == "podman" else "start Docker Desktop"
    return "podman info" if engine.name == "podman" else "sudo systemctl start docker"


def _permission(seen: list[Seen]) -> list[Finding]:
    denied = [engine for engine in seen if engine.denied]
    if not denied:
        return []
    name = denied[0].name
    return [
        SOCKET.lack(
            f"{name} refuses this user: {denied[0].trouble}",
            f"sudo usermod -aG {name} $USER, then log in anew (that group is as good as root); or a rootless {name}",
        )
    ]


def _mode(engine: Seen) -> Finding:
    if not engine.rootless:
        return MODE.ok(f"{engine.name} runs as root")
    if engine.cgroup_version and engine.cgroup_version != "2":
        told = f"{engine.name} is rootless, on cgroup version {engine.cgroup_version}: kind needs version 2"
        return MODE.lack(told, "boot with systemd.unified_cgroup_hierarchy=1; or use an engine of root's")
    return MODE.ok(
        f"{engine.name} is rootless, on cgroup version {engine.cgroup_version or '?'}: see cgroup-delegation"
    )


def _snap(engine: Seen) -> Finding:
    real = os.path.realpath(engine.program)
    if engine.program.startswith("/snap/") or real.startswith("/snap/") or real == "/usr/bin/snap":
        told = f"{engine.program} is a snap: it does not see files below /tmp"
        return SNAP.note(told, "mkdir -p ~/tmp && export TMPDIR=~/tmp")
    return SNAP.ok(f"{engine.program} is no snap")


def _storage(engine: Seen) -> Finding:
    if not engine.driver:
        return STORAGE.unseen(f"{engine.name} does not say")
    told = f"{engine.name} keeps images by {engine.driver} in {engine.root or '?'}"
    if engine.driver in ("btrfs", "zfs"):
        return STORAGE.note(f"{told}: nodes may not find its device", "a data-root on ext4 or xfs in daemon.json")
    return STORAGE.ok(told)


def _cgroup(engine: Seen) -> Finding:
    if not engine.cgroup_version:
        return CGROUP.unseen(f"{engine.name} does not say")
    told = f"cgroup version {engine.cgroup_version}, driver {engine.cgroup_driver or '?'}"
    if engine.cgroup_version == "1":
        why = f"{told}: kubelet 1.35 and newer refuses version 1, unless failCgroupV1 is false as in clusters made here"
        return CGROUP.note(why, "boot with the kernel parameter systemd.unified_cgroup_hierarchy=1")
    return CGROUP.ok(told)


def _init(engine: Seen, file: Path = Path("/etc/docker/daemon.json")) -> Finding:
    if engine.name != "docker":
        return INIT.ok(f"{engine.name} has no such setting", source=engine.program)
    try:
        settings = json.loads(file.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return INIT.ok(f"there is no {file}")
    except (OSError, ValueError) as error:
        return INIT.unseen(f"{file} cannot be read: {error}")
    if isinstance(settings, dict) and settings.get("init") is True:
        return INIT.lack(f'{file} says "init": true', f'take "init" out of {file}; sudo systemctl restart docker')
    return INIT.ok(f'{file} does not say "init": true')


def _json(text: str) -> dict[str, Any]:
    try:
        found = json.loads(text)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def _mapping(facts: dict[str, Any], key: str) -> dict[str, Any]:
    value = facts.get(key)
    return value if isinstance(value, dict) else {}
