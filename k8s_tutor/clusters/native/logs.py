"""What the nodes' parts logged, read from the cluster's folder: also of a cluster that is dead."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from k8s_tutor.clusters.native import names
from k8s_tutor.errors import UsageError

_LONGEST = 4000


def components(name: str) -> list[str]:
    """Names of all parts that logged something, sorted."""
    return sorted({component for _, component, _ in _files(name)})


def lines(name: str, component: str = "") -> Iterator[str]:
    """Lines as ``node component | text``; of one component, or of all. UsageError when there is no such component."""
    files = [entry for entry in _files(name) if component in ("", entry[1])]
    if component and not files:
        raise UsageError(
            f"Nothing called {component[:60]!r} has logged here.",
            remedy=f"There is: {', '.join(components(name)) or 'nothing yet'}",
            code="component",
        )
    return _lines(files)


def _lines(files: list[tuple[str, str, Path]]) -> Iterator[str]:
    for node, component, path in files:
        try:
            with path.open(encoding="utf-8", errors="replace") as file:
                for line in file:
                    yield f"{node} {component} | {_plain(line.rstrip())}"
        except OSError:
            continue  # turned away between the look and the read


def _files(name: str) -> list[tuple[str, str, Path]]:
    found = []
    for folder in sorted((names.cluster_dir(name) / "nodes").glob("node*")):
        found += [(folder.name, path.stem, path) for path in sorted((folder / "logs").glob("*.log"))]
        # kubelet's layout: <namespace>_<pod>_<uid>/<container>/<restart>.log
        for path in sorted((folder / "pod-logs").glob("kube-system_*/*/*.log")):
            found.append((folder.name, path.parent.name, path))
    return found


def _plain(text: str) -> str:
    # A container's output is untrusted: no control characters for the terminal.
    return "".join(char if char.isprintable() or char == "\t" else "�" for char in text[:_LONGEST])
