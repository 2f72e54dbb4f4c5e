"""Collect everything for a bug report, redact it, write it: also where the cluster is broken, or there is none."""

from __future__ import annotations

import base64
import ipaddress
import json
import os
import platform
import re
import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from importlib import metadata
from pathlib import Path
from typing import Any

from k8s_tutor import __version__, paths
from k8s_tutor.clusters import choose
from k8s_tutor.clusters.doctor.examine import Examination, examine
from k8s_tutor.clusters.doctor.finding import plain
from k8s_tutor.clusters.doctor.report import as_json, document
from k8s_tutor.clusters.provider import Cluster
from k8s_tutor.errors import EnvironmentFault, TutorError, UsageError
from k8s_tutor.session.bundle import archive, dumps
from k8s_tutor.session.bundle.redact import Redactor
from k8s_tutor.session.doctor import Server, patient

LOG_SECONDS, DUMP_SECONDS = 25.0, 12.0
"""The longest that reading logs and asking the API server may take, whatever hangs."""
_TAIL = 2 * archive.LARGEST_MEMBER
_MOST_COMPONENTS = 60
_PACKAGES = ("kubernetes", "textual", "rich", "pyghostty", "pyyaml", "jsonschema", "platformdirs", "textual-serve")
_SHOWN = ("TERM", "COLORTERM", "LANG", "LC_ALL", "NO_COLOR", "CI", "WSL_DISTRO_NAME", "KIND_EXPERIMENTAL_PROVIDER")
_SECRET_NAME = re.compile(r"pass|secret|token|key|credential|auth", re.IGNORECASE)


@dataclass
class Collected:
    """Texts by member name, what is missing and why, and values that must not be in any of them, by kind."""

    members: dict[str, str] = field(default_factory=dict)
    missing: list[str] = field(default_factory=list)
    secrets: list[tuple[str, str]] = field(default_factory=list)


@dataclass(frozen=True)
class Packed:
    """What was written, and what is told of it."""

    path: Path
    size: int
    manifest: str

    def told(self) -> str:
        """For the user: the path first."""
        return f"{self.path}\n\n{self.manifest}"


def pack(name: str | None, context: str | None, provider: str | None, *, file: Path | None = None) -> Packed:
    """Write the archive. Raises UsageError for a file that is there, EnvironmentFault where it cannot be written."""
    target = file or Path.cwd() / time.strftime("k8s-tutor-bundle-%Y%m%dT%H%M%SZ.tar.gz", time.gmtime())
    if target.exists():
        raise UsageError(f"{target} is there already", remedy="name another: --file FILE", code="bundle-file")
    who = patient(name, context, provider)
    examination = examine(who)
    collected = Collected()
    cluster = examination.cluster
    collected.members["doctor.json"] = as_json(examination)
    _aside(collected, "versions", lambda into: _versions(into, examination), 5.0)
    if cluster is None:
        collected.missing.append("cluster, logs, dumps: there is no cluster to look at (see cluster in doctor.json)")
    else:
        collected.members["cluster.json"] = _json(_status(cluster))
        _known(collected, cluster)
        _aside(collected, "logs", lambda into: _logs(into, cluster), LOG_SECONDS)
        answers = any(finding.id == "api" and finding.ok for finding in examination.findings)
        if answers:
            _aside(collected, "dumps", lambda into: _dumps(into, cluster), DUMP_SECONDS)
        else:
            collected.missing.append("dumps: the API server does not answer (see api in doctor.json)")
    _aside(collected, "files", _files, 5.0)
    _environment_secrets(collected)
    return _write(target, collected)


def _write(target: Path, collected: Collected) -> Packed:
    redactor = Redactor()
    for kind, value in collected.secrets:
        redactor.know(kind, [value], least=8 if kind == "env value" else 4)
    texts = {name: redactor.text(text) for name, text in collected.members.items()}
    missing = [redactor.text(line) for line in collected.missing]
    members, cut = archive.bounded(texts)
    manifest = _manifest(members, cut, missing, redactor)
    members[archive.MANIFEST] = manifest.encode()
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        size = archive.write(target, members)
    except OSError as error:
        raise EnvironmentFault(
            f"{target} cannot be written: {error.strerror}", remedy="name another place: --file FILE", code="bundle"
        ) from error
    return Packed(target, size, manifest)


def _manifest(members: dict[str, bytes], cut: dict[str, int], missing: list[str], redactor: Redactor) -> str:
    lines = [
        f"Bundle of k8s-tutor {__version__} for a bug report. Look into it before you give it away.",
        "",
        "inside:",
    ]
    for name, data in sorted(members.items()):
        note = f", the first {cut[name]} bytes left out" if name in cut else ""
        lines.append(f"  {name} ({len(data)} bytes{note})")
    lines += ["", "missing:"] + [f"  {line}" for line in missing or ["nothing"]]
    lines += ["", "redacted:"]
    counts = sorted((kind, number) for kind, number in redactor.counts.items() if number)
    lines += [f"  {kind}: {number} times" for kind, number in counts] or ["  nothing was found"]
    lines.append("  never asked for: Secrets. By their place: values of environment variables and of ConfigMaps")
    return "\n".join(lines) + "\n"


def _aside(collected: Collected, what: str, work: Callable[[Collected], None], seconds: float) -> None:
    """Collect in a thread of its own; what it has when its time is over counts, and that it was cut short is said."""
    own = Collected()
    trouble: list[str] = []

    def run() -> None:
        try:
            work(own)
        except TutorError as error:
            trouble.append(error.message)
        except Exception as error:  # a part that breaks must not cost the others
            trouble.append(f"{type(error).__name__}: {error}")

    thread = threading.Thread(target=run, name=f"bundle-{what}", daemon=True)
    thread.start()
    thread.join(seconds)
    if thread.is_alive():
        trouble.append(f"not ended within {seconds:g} s")
    collected.members.update(dict(own.members))
    collected.secrets += list(own.secrets)
    collected.missing += [*list(own.missing), *(f"{what}: {plain(words, 300)}" for words in trouble)]


def _versions(into: Collected, examination: Examination) -> None:
    packages = {}
    for name in _PACKAGES:
        with suppress(metadata.PackageNotFoundError):
            packages[name] = metadata.version(name)
    told = {finding.id: finding.evidence for finding in examination.findings}
    ids = ("kubectl", "kubectl-skew", "node-version", "engine", "kind", "minikube", "kernel", "system")
    found = {
        "k8s-tutor": __version__,
        "python": sys.version,
        "platform": platform.platform(),
        "packages": packages,
        "programs": {id_: told[id_] for id_ in ids if id_ in told},
        "environment": {name: os.environ[name] for name in _SHOWN if name in os.environ},
        "set besides": sorted(name for name in os.environ if name.startswith(("K8S_TUTOR", "XDG_", "KUBE", "DOCKER"))),
        "well": document(examination)["ok"],
    }
    into.members["versions.json"] = _json(found)


def _status(cluster: Cluster) -> dict[str, Any]:
    return {key: str(value) if isinstance(value, Path) else value for key, value in asdict(cluster).items()}


def _known(collected: Collected, cluster: Cluster) -> None:
    """What the cluster's files hold as secrets: credentials of the kubeconfig, the token by which nodes join."""
    from k8s_tutor.clusters.context import read_kubeconfig

    with suppress(TutorError):
        for entry in _mappings(read_kubeconfig(cluster.kubeconfig).get("users")):
            for value in _leaves(entry.get("user")):
                collected.secrets.append(("kubeconfig credential", value))
                with suppress(ValueError):
                    collected.secrets.append(("kubeconfig credential", base64.b64decode(value, validate=True).decode()))
    for file in (cluster.kubeconfig.parent / "state.json", cluster.kubeconfig.parent / "kind.kubeconfig"):
        with suppress(OSError, UnicodeDecodeError):
            text = file.read_text(encoding="utf-8")
            for match in re.finditer(r'"token":\s*"([^"]{6,})"|(?:client-key-data|token):\s*(\S{6,})', text):
                collected.secrets.append(("cluster token", match[1] or match[2]))


def _mappings(value: Any) -> list[dict[str, Any]]:
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


def _leaves(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        for key, inner in value.items():
            # A plugin's program and its arguments are no secrets, its environment may be.
            if key not in ("command", "apiVersion", "interactiveMode", "installHint", "name", "args"):
                yield from _leaves(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _leaves(inner)
    elif isinstance(value, str) and value:
        yield value


def _logs(into: Collected, cluster: Cluster) -> None:
    """The last of what each part logged."""
    tails: dict[str, deque[str]] = {}
    sizes: dict[str, int] = {}
    if cluster.provider not in choose.names():
        into.missing.append(f"logs: those of a cluster that others made ({cluster.provider}) are theirs to read")
        return
    for line in choose.make(cluster.provider).logs(cluster.name):
        part, _, text = line.partition(" | ")
        name = re.sub(r"[^A-Za-z0-9._-]+", "-", part.strip())[:80].strip(".-") or "unknown"
        if name not in tails and len(tails) >= _MOST_COMPONENTS:
            name = "others"
        tail = tails.setdefault(name, deque())
        tail.append(text)
        sizes[name] = sizes.get(name, 0) + len(text) + 1
        while sizes[name] > _TAIL:
            sizes[name] -= len(tail.popleft()) + 1
    for name, tail in tails.items():
        into.members[f"logs/{name}.log"] = "\n".join(tail) + "\n"
    if not tails:
        into.missing.append("logs: nothing has logged")


def _dumps(into: Collected, cluster: Cluster) -> None:
    server = Server(cluster.kubeconfig, None)
    for name, path in dumps.sources(cluster.namespace).items():
        try:
            found, taken = dumps.fetch(server, path)
        except TutorError as error:
            into.missing.append(f"{name}: {plain(error.message, 200)}")
            continue
        if "kube-system" not in name:  # a control plane's variables are addresses, and all its logs are full of them
            into.secrets += [("env value", value) for value in taken if not _is_address(value)]
        text = _json(found)
        while len(text) > archive.LARGEST_MEMBER and found["items"]:
            gone = max(1, len(found["items"]) // 2)
            found = {**found, "left_out": found["left_out"] + gone, "items": found["items"][gone:]}
            text = _json(found)
        into.members[name] = text


def _is_address(value: str) -> bool:
    """Whether it is an IP address: all logs are full of them, and none is a secret."""
    try:
        ipaddress.ip_address(value)
    except ValueError:
        return False
    return True


def _files(into: Collected) -> None:
    """The progress of the labs, and what the tutor and the making of nodes logged, if they did."""
    state = paths.state_dir()
    wanted = [("progress", path) for path in sorted((state / "progress").glob("*.json"))[:8]]
    wanted += [("tutor", path) for path in sorted(state.glob("*.log"))[:8]]
    wanted += [("build", path) for path in sorted((paths.cache_dir() / "node" / "logs").glob("*.log"))[:20]]
    for folder, path in wanted:
        try:
            with path.open("rb") as file:
                size = file.seek(0, os.SEEK_END)
                file.seek(max(0, size - _TAIL))
                into.members[f"{folder}/{path.name}"] = file.read(_TAIL).decode("utf-8", "replace")
        except OSError as error:
            into.missing.append(f"{folder}/{path.name}: {error.strerror}")
    if not any(folder == "progress" for folder, _ in wanted):
        into.missing.append("progress: no lab was opened yet")
    if not any(folder == "tutor" for folder, _ in wanted):
        into.missing.append(f"tutor: it logged no crash in {state}")


def _environment_secrets(collected: Collected) -> None:
    for name, value in os.environ.items():
        if _SECRET_NAME.search(name) and len(value) >= 8 and not os.path.isabs(value):
            collected.secrets.append(("env value", value))


def _json(value: Any) -> str:
    return json.dumps(value, indent=1, ensure_ascii=False, default=str) + "\n"
