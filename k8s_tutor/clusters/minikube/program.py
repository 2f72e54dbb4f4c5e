"""The minikube program: found, and run by argument lists only, never a shell, never with the user's kubeconfig."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

from k8s_tutor.clusters import running
from k8s_tutor.clusters.minikube import names
from k8s_tutor.clusters.minikube.progress import Teller
from k8s_tutor.clusters.minikube.trouble import failure
from k8s_tutor.clusters.node.tools import numbers, version_in
from k8s_tutor.errors import ClusterError, EnvironmentFault

LEAST = "1.30.0"
"""The oldest version that is driven: what is used here has been there at least since then."""
CREATE_SECONDS = 1800.0
"""The longest a start may take: more than a gigabyte of base image and preload over a slow line is in it."""
DELETE_SECONDS = 330.0
"""minikube gives itself five minutes."""
HOME = "MINIKUBE_HOME"
_OURS = {
    "MINIKUBE_IN_STYLE": "false",
    "MINIKUBE_WANTUPDATENOTIFICATION": "false",
}
_NOT_THEIRS = ("KUBECONFIG", "MINIKUBE_PROFILE", HOME)
_SUCCEEDED, _FAILED = re.compile(r"succeeded pushing to: (.*)"), re.compile(r"failed pushing to: (.*)")


def find() -> Path | None:
    """Minikube in ``$K8S_TUTOR_BIN_DIR`` or on PATH, None if there is none; whether it is new enough is asked later."""
    search = os.pathsep.join(
        filter(None, (os.environ.get("K8S_TUTOR_BIN_DIR", ""), os.environ.get("PATH", os.defpath)))
    )
    found = shutil.which("minikube", path=search)
    return Path(found) if found else None


def require() -> str:
    """The program, new enough. Raises EnvironmentFault."""
    found = find()
    if found is None:
        raise EnvironmentFault(
            "There is no minikube on PATH.",
            remedy="Install it: https://minikube.sigs.k8s.io/docs/start/; or: k8s-tutor cluster up --provider native",
            code="minikube",
        )
    version = version_in(ask([str(found), "version", "--short"], environment(), timeout=20))
    if not version or numbers(version) < numbers(LEAST):
        raise EnvironmentFault(
            f"{found} is {'v' + version if version else 'of a version that it does not tell'}; v{LEAST} is needed.",
            remedy="Install a newer one: https://minikube.sigs.k8s.io/docs/start/",
            code="minikube",
        )
    return str(found)


def environment(name: str = "", home: str | None = None) -> dict[str, str]:
    """A copy of our environment in which minikube finds our kubeconfig, never the user's.

    ``name``: the cluster whose kubeconfig it writes; empty where it must touch none. ``home``: the cluster's
    ``$MINIKUBE_HOME``, None for the one that is set now.
    """
    env = {key: value for key, value in os.environ.items() if key not in _NOT_THEIRS}
    env.update(_OURS)
    env["KUBECONFIG"] = str(names.kubeconfig_path(name)) if name else os.devnull
    whose = os.environ.get(HOME, "") if home is None else home
    if whose:
        env[HOME] = whose
    return env


def start_argv(program: str, name: str, *, nodes: int = 1, kubernetes: str = "", again: bool = False) -> list[str]:
    """Make a cluster, or (``again``) start one that is there as it was made. Readiness is ours to wait for."""
    argv = [
        program, "start", "--profile", names.profile(name), "--output", "json", "--keep-context", "--embed-certs",
        "--interactive=false", "--wait=apiserver",
    ]  # fmt: skip
    if again:
        return argv
    argv += ["--nodes", str(nodes), "--container-runtime=containerd"]
    return [*argv, "--kubernetes-version", kubernetes] if kubernetes else argv


def delete_argv(program: str, name: str) -> list[str]:
    """Remove a cluster; one that is not there is no error."""
    return [program, "delete", "--profile", names.profile(name), "--output", "json"]


def status_argv(program: str, name: str, layout: str) -> list[str]:
    """Ask how it stands: of each node (``nodes``), or as one (``cluster``)."""
    return [program, "status", "--profile", names.profile(name), "--output", "json", "--layout", layout]


def logs_argv(program: str, name: str, file: Path) -> list[str]:
    """Write what its parts logged into a file."""
    return [program, "logs", "--profile", names.profile(name), "--file", str(file), "--length", "1000"]


def load_argv(program: str, name: str, archive: Path) -> list[str]:
    """Load an image archive into every node; the whole path, or minikube takes it for an image's name.

    With its log, for it ends with success when no node took it ("Live pushes are not considered a failure").
    """
    return [
        program, "image", "load", str(archive.resolve()), "--profile", names.profile(name), "--alsologtostderr",
    ]  # fmt: skip


def ssh_argv(program: str, name: str, command: Sequence[str] = ()) -> list[str]:
    """A shell on the first node, or one command there: ssh hands a command to the shell there, so it is quoted."""
    argv = [program, "ssh", "--profile", names.profile(name)]
    return [*argv, "--", shlex.join(command)] if command else argv


def run(argv: list[str], name: str, home: str, teller: Teller, *, patience: float) -> None:
    """Run it to its end, its events told as phases. Raises ClusterError with what it says when it fails."""
    code = running.run(
        argv,
        env=environment(name, home),
        folder=names.clusters_dir(),
        patience=patience,
        line=teller.take,
        tick=teller.tick,
    )
    if code != 0:
        raise failure(argv[1], code, teller)
    teller.ended()


def load(argv: list[str], name: str, home: str, nodes: Sequence[str]) -> None:
    """Load an archive. Raises ClusterError unless minikube says of every node that it took it."""
    said: list[str] = []
    code = running.run(
        argv,
        env=environment(name, home),
        folder=names.clusters_dir(),
        patience=600.0,
        line=said.append,
        tick=lambda: None,
    )
    took = {each for line in said if (found := _SUCCEEDED.search(line)) for each in found[1].split()}
    lost = [each for line in said if (found := _FAILED.search(line)) for each in found[1].split()]
    lacking = lost or [node for node in nodes if node not in took]
    if code == 0 and not lacking:
        return
    why = next((line.rpartition("] ")[2] for line in said if "ailed to load" in line), "") or f"exit {code}"
    raise ClusterError(
        f"{', '.join(lacking) or 'minikube'} does not take the images: {why[:300]}",
        remedy="An archive of one platform is needed: docker save --platform linux/amd64 -o FILE IMAGE",
        code="load-images",
    )


def ask(argv: list[str], env: Mapping[str, str], timeout: float) -> str:
    """What a short command prints on stdout, whatever its exit code; empty when it does not end in time."""
    return answer(argv, env, timeout)[1]


def answer(argv: list[str], env: Mapping[str, str], timeout: float) -> tuple[int | None, str]:
    """Exit code and stdout of a short command; None when it cannot be run or does not end in time."""
    try:
        done = subprocess.run(
            argv, env=dict(env), stdin=subprocess.DEVNULL, capture_output=True, timeout=timeout, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return None, ""
    return done.returncode, done.stdout.decode("utf-8", "replace")
