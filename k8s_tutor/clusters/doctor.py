"""What this machine and its clusters lack, each with the evidence and the exact remedy. Changes nothing."""

from __future__ import annotations

import os
import platform
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from k8s_tutor.clusters.provider import Cluster
from k8s_tutor.errors import TutorError

LEAST_PYTHON = (3, 11)
LEAST_COLUMNS, LEAST_LINES = 80, 24
LEAST_MEMORY = 2 * 1024**3
STALE_SECONDS = 60.0
"""A lock of a kubeconfig is held for milliseconds; one this old was left."""


@dataclass(frozen=True)
class Finding:
    """One thing looked at: ``id`` is stable, ``evidence`` what was seen, ``remedy`` the command that mends it.

    ``needed`` is false for what only makes the tutor more pleasant: it never makes the doctor say no.
    """

    id: str
    ok: bool
    evidence: str
    remedy: str = ""
    needed: bool = True


def findings(cluster: Cluster | None, trouble: str = "", remedy: str = "") -> list[Finding]:
    """Everything looked at: this machine, what native and kind clusters need, and the cluster (None: there is none).

    ``trouble`` and ``remedy`` say why there is no cluster to look at.
    """
    found = [_python(), _memory(), _terminal(), _utf8()]
    engine = _engine(needed=cluster is not None and cluster.provider == "kind")
    # Without a cluster one of the two ways to make one must be open.
    found += _native(needed=not engine.ok if cluster is None else cluster.provider == "native")
    found.append(engine)
    found += _stale_locks()
    found.append(_kubectl(cluster))
    if cluster is None:
        found.append(
            Finding("cluster", False, trouble or "there is no cluster", remedy or "k8s-tutor cluster up", False)
        )
    else:
        found += _cluster(cluster)
    return found


def well(found: Iterable[Finding]) -> bool:
    """Whether everything that is needed is there."""
    return all(finding.ok for finding in found if finding.needed)


def _python() -> Finding:
    return Finding(
        "python",
        sys.version_info >= LEAST_PYTHON,
        f"Python {platform.python_version()} ({sys.executable})",
        "install Python 3.11 or newer",
    )


def _memory() -> Finding:
    try:
        total = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (ValueError, OSError):
        return Finding("memory", True, "how much memory there is cannot be told", needed=False)
    return Finding(
        "memory",
        total >= LEAST_MEMORY,
        f"{total / 1024**3:.1f} GiB of memory",
        f"a cluster needs about {LEAST_MEMORY // 1024**3} GiB",
    )


def _terminal() -> Finding:
    if not sys.stdout.isatty():
        return Finding("terminal", True, "not a terminal: the plain commands work (check, lesson, hint)", needed=False)
    size = shutil.get_terminal_size()
    fits = size.columns >= LEAST_COLUMNS and size.lines >= LEAST_LINES
    return Finding(
        "terminal",
        fits,
        f"a terminal of {size.columns}×{size.lines}, TERM={os.environ.get('TERM', '')}",
        f"make the window at least {LEAST_COLUMNS}×{LEAST_LINES}",
        needed=False,
    )


def _utf8() -> Finding:
    encoding = (sys.stdout.encoding or "").lower().replace("-", "")
    return Finding(
        "utf8", encoding == "utf8", f"text is written as {sys.stdout.encoding}", "export LANG=C.UTF-8", False
    )


def _native(*, needed: bool) -> list[Finding]:
    from k8s_tutor.clusters.native import preflight

    try:
        seen = preflight.findings()
    except (OSError, TutorError) as error:
        return [Finding("native", False, f"what a native cluster needs cannot be looked at: {error}", needed=needed)]
    # A remedy for what is well would only be read as something to do.
    return [Finding(f.id, f.ok, f.evidence, "" if f.ok else f.remedy, needed) for f in seen]


def _engine(*, needed: bool) -> Finding:
    from k8s_tutor.clusters.kind import engine

    there = engine.find()
    if there is not None:
        return Finding("engine", True, f"{there} answers ({there.program}): kind clusters can be made", needed=needed)
    return Finding(
        "engine",
        False,
        "no container engine answers (docker, podman, nerdctl): no kind clusters",
        "start it (systemctl start docker, or Docker Desktop), if you want kind clusters",
        needed,
    )


def _stale_locks() -> list[Finding]:
    """Lock files that a killed kubectl, kind or minikube left beside the user's kubeconfigs; none, if there is none."""
    named = [part for part in os.environ.get("KUBECONFIG", "").split(os.pathsep) if part]
    found = []
    for path in named or [os.path.expanduser("~/.kube/config")]:
        try:
            age = time.time() - os.stat(f"{path}.lock").st_mtime
        except OSError:
            continue
        if age > STALE_SECONDS:
            told = f"{path}.lock is {age / 60:.0f} minutes old: kubectl, kind and minikube cannot write {path}"
            remedy = f"if none of them runs now: rm {path}.lock"
            found.append(Finding("kubeconfig-lock", False, told, remedy, needed=False))
    return found[:1]


def _kubectl(cluster: Cluster | None) -> Finding:
    own = cluster.bin_dir / "kubectl" if cluster is not None and cluster.bin_dir is not None else None
    if own is not None and own.is_file():
        return Finding("kubectl", True, f"{own}, the cluster's own")
    found = shutil.which("kubectl")
    return Finding(
        "kubectl",
        found is not None,
        f"kubectl is {found}" if found else "kubectl is not on PATH (a native cluster brings its own)",
        "https://kubernetes.io/docs/tasks/tools/ tells how to install it",
        needed=cluster is not None and cluster.provider == "context",
    )


def _cluster(cluster: Cluster) -> list[Finding]:
    up = f"k8s-tutor cluster up --name {cluster.name}"
    if cluster.provider == "context":
        up = f"start {cluster.name} with the tool that made it"
    elif cluster.provider == "assigned":
        up = "ask whoever runs k8s-tutor serve"
    state = "ready" if cluster.ready else cluster.trouble or ("not ready" if cluster.running else "not running")
    found = [Finding("cluster", cluster.ready, f"cluster {cluster.name}: {state}", "" if cluster.ready else up)]
    for node in cluster.nodes:
        found.append(Finding(f"node-{node.name}", node.running, f"node {node.name} at {node.address or '?'}", up))
    if not cluster.ready:
        return found
    looks: tuple[tuple[str, list[str], Callable[[str], bool], str], ...] = (
        ("api", ["get", "--raw=/readyz"], lambda out: out.strip() == "ok", up),
        (
            "account",
            ["get", "serviceaccount", "default", f"--namespace={cluster.namespace}", "--output=name"],
            lambda out: "default" in out,
            "open the tutor once: it makes the namespace",
        ),
        (
            "dns",
            ["get", "pods", "--namespace=kube-system", "--selector=k8s-app=kube-dns", f"--output=jsonpath={_READY}"],
            lambda out: "True" in out,
            f"k8s-tutor cluster logs --name {cluster.name} coredns",
        ),
    )
    for id_, args, fine, remedy in looks:
        out, error = _ask(cluster, args)
        ok = not error and fine(out)
        evidence = f"kubectl {' '.join(args)}: {' '.join((error or out).split())[:160] or 'nothing'}"
        found.append(Finding(id_, ok, evidence, "" if ok else remedy, needed=id_ != "account"))
    return found


_READY = '{.items[*].status.conditions[?(@.type=="Ready")].status}'


def _ask(cluster: Cluster, args: list[str]) -> tuple[str, str]:
    program = str(cluster.bin_dir / "kubectl") if cluster.bin_dir else shutil.which("kubectl")
    if program is None:
        return "", "kubectl is missing"
    argv = [program, f"--kubeconfig={cluster.kubeconfig}", "--request-timeout=3s", *args]
    try:
        ran = subprocess.run(argv, capture_output=True, text=True, timeout=10, check=False, stdin=subprocess.DEVNULL)
    except (OSError, subprocess.TimeoutExpired) as error:
        return "", str(error)[:200]
    return (ran.stdout, "") if ran.returncode == 0 else ("", ran.stderr or f"exit {ran.returncode}")
