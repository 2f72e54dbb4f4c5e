"""What a kind cluster's parts logged, out of what ``kind export logs`` wrote: also of one that did not come up."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from k8s_tutor.clusters.kind import names
from k8s_tutor.errors import UsageError

_LONGEST = 4000


def folder(name: str) -> Path:
    """Where a cluster's exported logs are."""
    return names.cluster_dir(name) / "logs"


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
            continue


def _files(name: str) -> list[tuple[str, str, Path]]:
    found = []
    kind_name = names.kind_name(name)
    top = folder(name)
    found += [("engine", path.stem, path) for path in sorted(top.glob("*.txt"))]
    for node in sorted(path for path in top.glob(f"{kind_name}-*") if path.is_dir()):
        short = node.name.removeprefix(f"{kind_name}-")
        found += [(short, path.stem, path) for path in sorted(node.glob("*.log"))]
        for path in sorted((node / "pods").glob("kube-system_*/*/*.log")):
            found.append((short, path.parent.name, path))
    return found


def _plain(text: str) -> str:
    # A container's output is untrusted: no control characters for the terminal.
    return "".join(letter if letter.isprintable() or letter == "\t" else "�" for letter in text[:_LONGEST])
