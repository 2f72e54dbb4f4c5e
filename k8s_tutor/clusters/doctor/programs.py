"""Programs that clusters are made and used with: kind, minikube, kubectl; and whether their versions go together."""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
from pathlib import Path

from k8s_tutor.clusters.doctor.finding import CLUSTER, Finding, Topic
from k8s_tutor.clusters.doctor.looking import ask_program
from k8s_tutor.clusters.node import tools
from k8s_tutor.clusters.provider import Cluster

_SUBJECT = "programs"
_SKEW = "https://kubernetes.io/releases/version-skew-policy/#kubectl"
_LARGEST = 512 << 20
KIND = Topic(
    "kind", _SUBJECT, "the kind program: version, and whether it is the pinned release byte by byte",
    "PATH, kind version, sha256 of the file", ("kind",), "https://kind.sigs.k8s.io/docs/user/quick-start/",
)  # fmt: skip
MINIKUBE = Topic(
    "minikube", _SUBJECT, "the minikube program and its version", "PATH, minikube version", ("minikube",),
    "https://minikube.sigs.k8s.io/docs/start/",
)  # fmt: skip
KUBECTL = Topic(
    "kubectl", _SUBJECT, "kubectl: the cluster's own, or one on PATH", "PATH, kubectl version --client", (CLUSTER,),
    "https://kubernetes.io/docs/tasks/tools/",
)  # fmt: skip
SKEW = Topic(
    "kubectl-skew", _SUBJECT, "kubectl is within one minor version of the API server",
    "kubectl version --client, GET /version", (), _SKEW,
)  # fmt: skip
TOPICS = (KIND, MINIKUBE)


def look_kind() -> list[Finding]:
    """The kind program."""
    pinned = tools.tool("kind")
    program = shutil.which("kind", path=_search())
    if program is None:
        told = f"kind is not on PATH: cluster up --provider kind fetches v{pinned.component.version} and verifies it"
        return [KIND.ok(told, source="PATH")]
    said = ask_program([program, "version"])
    version = tools.version_in(said.out)
    if not version:
        why = f"{program} does not tell its version: {said.err or said.out or f'exit {said.code}'}"
        return [KIND.lack(why, "mv it out of PATH: cluster up then fetches a kind of its own")]
    told = f"{program} is v{version}; pinned is v{pinned.component.version}, v{pinned.least} is the oldest that will do"
    if tools.numbers(version) < tools.numbers(pinned.least):
        return [KIND.note(f"{told}: it is not used", "nothing: cluster up fetches the pinned one; or update yours")]
    return [KIND.ok(f"{told}; {_verified(Path(program), version, pinned)}")]


def _verified(program: Path, version: str, pinned: tools.Tool) -> str:
    wanted = pinned.sha256.get(tools.platform_name(), "")
    if version != pinned.component.version or not wanted:
        return "not compared with a release: none of its version is pinned"
    try:
        if program.stat().st_size > _LARGEST:
            return "not compared with the release: too large"
        with program.open("rb") as file:
            same = hashlib.file_digest(file, "sha256").hexdigest() == wanted
    except OSError as error:
        return f"not compared with the release: {error.strerror}"
    return "it is the release, byte by byte" if same else "not the release's file (a build of its own?)"


def look_minikube(*, wanted: bool) -> list[Finding]:
    """The minikube program; that it is missing is told as such only where it is ``wanted``."""
    program = shutil.which("minikube", path=_search())
    if program is None:
        if not wanted:
            return [MINIKUBE.ok("minikube is not on PATH: only --provider minikube needs it", source="PATH")]
        install = "https://minikube.sigs.k8s.io/docs/start/ tells how to install it"
        return [MINIKUBE.lack("minikube is not on PATH: no minikube clusters", install, source="PATH")]
    said = ask_program([program, "version", "--short"])
    version = said.out.strip()
    if said.code != 0 or not re.match(r"v\d", version):
        return [MINIKUBE.lack(f"{program} does not tell its version: {said.err or said.out}", f"{program} version")]
    return [MINIKUBE.ok(f"{program} is {version}")]


def look_kubectl(cluster: Cluster | None, server: str) -> list[Finding]:
    """kubectl, and whether it fits the server, whose version is ``server`` (``v1.37.2``; empty: not known)."""
    own = cluster.bin_dir / "kubectl" if cluster is not None and cluster.bin_dir is not None else None
    program = str(own) if own is not None and own.is_file() else shutil.which("kubectl")
    if program is None:
        told = "kubectl is not on PATH" + ("" if cluster else " (a native cluster brings its own)")
        return [KUBECTL.lack(told, "https://kubernetes.io/docs/tasks/tools/ tells how to install it", source="PATH")]
    said = ask_program([program, "version", "--client", "--output=json"])
    try:
        version = str(json.loads(said.out)["clientVersion"]["gitVersion"])
    except (ValueError, KeyError, TypeError):
        return [KUBECTL.lack(f"{program} does not tell its version: {said.err or said.out}", f"{program} version")]
    whose = ", the cluster's own" if program == str(own) else ""
    found = [KUBECTL.ok(f"{program} is {version}{whose}")]
    if server:
        found.append(skew(version, server))
    elif cluster is not None:
        found.append(SKEW.unseen("the API server did not tell its version"))
    return found


def skew(client: str, server: str) -> Finding:
    """Whether a kubectl fits a server: one minor version older or newer is supported."""
    ours, theirs = minor(client), minor(server)
    told = f"kubectl {client}, API server {server}"
    if ours is None or theirs is None:
        return SKEW.unseen(f"{told}: these cannot be compared")
    if ours[0] != theirs[0] or abs(ours[1] - theirs[1]) > 1:
        return SKEW.note(f"{told}: more than one minor version apart", f"install kubectl v{theirs[0]}.{theirs[1]}")
    return SKEW.ok(f"{told}: at most one minor version apart")


def minor(version: str) -> tuple[int, int] | None:
    """Major and minor of a version like ``v1.37.2-rc.1``; None if it is none."""
    match = re.match(r"v?(\d+)\.(\d+)", version)
    return (int(match[1]), int(match[2])) if match else None


def _search() -> str:
    return os.pathsep.join(filter(None, (os.environ.get("K8S_TUTOR_BIN_DIR", ""), os.environ.get("PATH", os.defpath))))
