"""Run the cluster's own kubectl: an argument list, a private kubeconfig, a bounded wait."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from k8s_tutor.clusters.provider import Cluster
from k8s_tutor.errors import EnvironmentFault

KUBECTL_SECONDS = 60.0
_PLAIN_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


@dataclass(frozen=True)
class Ran:
    """What kubectl said: exit code and both streams (text)."""

    code: int
    out: str
    err: str


def run_kubectl(
    cluster: Cluster, namespace: str, args: list[str], *, folder: Path | None = None, seconds: float = KUBECTL_SECONDS
) -> Ran:
    """Run the cluster's own kubectl in ``namespace`` with the private kubeconfig. Raises EnvironmentFault."""
    program = str(cluster.bin_dir / "kubectl") if cluster.bin_dir else shutil.which("kubectl")
    if program is None:
        raise EnvironmentFault(
            "kubectl is not on this machine", remedy="install kubectl: https://kubernetes.io/docs/tasks/tools/"
        )
    # --namespace first: an argument of the action that names another namespace wins.
    argv = [program, f"--kubeconfig={cluster.kubeconfig}", f"--namespace={namespace}", *args]
    try:
        ran = subprocess.run(
            argv,
            cwd=folder or Path("/"),
            env=_environment(cluster),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=seconds,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise EnvironmentFault(f"kubectl {' '.join(args)[:100]} did not end within {seconds:g} s") from error
    except OSError as error:
        raise EnvironmentFault(f"{program} cannot be started: {error.strerror}") from error
    return Ran(ran.returncode, _text(ran.stdout), _text(ran.stderr))


def _environment(cluster: Cluster) -> Mapping[str, str]:
    kept = {name: os.environ[name] for name in ("HOME", "LANG", "LC_ALL", "TMPDIR") if name in os.environ}
    return {**kept, "PATH": os.environ.get("PATH", _PLAIN_PATH), "KUBECONFIG": str(cluster.kubeconfig)}


def _text(raw: bytes) -> str:
    return raw[:65536].decode("utf-8", "replace")
