"""What a minikube cluster's parts logged, out of what ``minikube logs`` wrote: also of one that did not come up.

One file of sections, each begun by ``==> kubelet <==`` or ``==> etcd [0123abc] <==`` (pkg/minikube/logs): it is taken
apart into a file a component. The section Audit is left out: it lists what the user did with other profiles.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from k8s_tutor import atomic
from k8s_tutor.clusters import logged
from k8s_tutor.clusters.minikube import names

_HEAD = re.compile(r"^(?:\* )?==> (.{1,80}?)(?: \[[0-9a-zA-Z]*\])? <==\s*$")
_LEFT_OUT = {"audit"}
_NODE = "node"
"""minikube tells of the first node alone."""


def folder(name: str) -> Path:
    """Where a cluster's logs are kept."""
    return names.cluster_dir(name) / "logs"


def take_apart(name: str, text: str) -> None:
    """Write each section into a file of its own; several of one component follow each other."""
    sections: dict[str, list[str]] = {}
    component = ""
    for line in text.splitlines():
        head = _HEAD.match(line)
        if head is not None:
            component = re.sub(r"[^a-z0-9]+", "-", head[1].lower()).strip("-")[:40]
        elif component and component not in _LEFT_OUT:
            sections.setdefault(component, []).append(line.removeprefix("* "))
    for known, lines in sections.items():
        while lines and not lines[-1].strip():
            lines.pop()
        if lines:
            atomic.write_text(folder(name) / f"{known}.log", "\n".join(lines) + "\n")


def components(name: str) -> list[str]:
    """Names of all parts that logged something, sorted."""
    return logged.components(_files(name))


def lines(name: str, component: str = "") -> Iterator[str]:
    """Lines as ``node component | text``; of one component, or of all. UsageError when there is no such component."""
    return logged.lines(_files(name), component)


def _files(name: str) -> list[logged.LogFile]:
    return [(_NODE, path.stem, path) for path in sorted(folder(name).glob("*.log"))]
