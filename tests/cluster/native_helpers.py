"""What tests on a real cluster share: kubectl, waiting for a fact, telling phases."""

from __future__ import annotations

import json
import shutil
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from k8s_tutor.clusters.node.material import Material
from k8s_tutor.clusters.node.oci import REF_NAME, Descriptor, Layout
from k8s_tutor.clusters.provider import Cluster
from k8s_tutor.phases import Phase, PhaseState


class Kubectl:
    """kubectl of the cluster's own version, in one namespace."""

    def __init__(self, cluster: Cluster, namespace: str) -> None:
        self.cluster = cluster
        self.namespace = namespace
        assert cluster.bin_dir is not None
        self._argv = [str(cluster.bin_dir / "kubectl"), "--kubeconfig", str(cluster.kubeconfig), "-n", namespace]

    def run(self, *arguments: str, stdin: str = "", check: bool = True) -> subprocess.CompletedProcess[str]:
        done = subprocess.run(
            [*self._argv, *arguments], input=stdin, capture_output=True, text=True, timeout=120, check=False
        )
        assert not check or done.returncode == 0, f"kubectl {' '.join(arguments)}: {done.stderr}"
        return done

    def __call__(self, *arguments: str, stdin: str = "") -> str:
        return self.run(*arguments, stdin=stdin).stdout

    def get(self, *arguments: str) -> Any:
        return json.loads(self("get", *arguments, "-o", "json"))

    def apply(self, manifest: str) -> str:
        return self("apply", "-f", "-", stdin=manifest)

    def node(self, *argv: str, timeout: float = 30) -> subprocess.CompletedProcess[str]:
        """Run something in the first node's network, as a probe of the tutor does."""
        enter = ["nsenter", f"--net={self.cluster.netns}"]
        return subprocess.run([*enter, *argv], capture_output=True, text=True, timeout=timeout, check=False)


def until(fact: Callable[[], Any], *, within: float, what: str) -> Any:
    """The first true value of ``fact``; fails when there is none within so many seconds."""
    deadline = time.monotonic() + within
    while True:
        value = fact()
        if value:
            return value
        assert time.monotonic() < deadline, f"not within {within:.0f} s: {what}"
        time.sleep(0.1)


def tell(phase: Phase) -> None:
    """Ended phases on the test's output."""
    if phase.state in (PhaseState.DONE, PhaseState.FAILED):
        print(f"  {phase.id:12} {phase.state} {phase.seconds:6.2f} s {phase.detail}")


def archive_of(material: Material, folder: Path, reference: str) -> Path:
    """One image of the material's, under another name, as an OCI archive that ``load_images`` takes."""
    source = json.loads((material.registry_dir / "index.json").read_text())
    entry = next(item for item in source["manifests"] if "busybox" in item["annotations"][REF_NAME])
    layout = Layout(folder / "layout")
    blobs = material.registry_dir / "blobs" / "sha256"
    manifest = json.loads((blobs / entry["digest"].removeprefix("sha256:")).read_text())
    for digest in (entry["digest"], manifest["config"]["digest"], *(layer["digest"] for layer in manifest["layers"])):
        shutil.copyfile(blobs / digest.removeprefix("sha256:"), layout.blob_path(digest))
    layout.name(reference, Descriptor(entry["mediaType"], entry["digest"], entry["size"]))
    archive = folder / "image.tar"
    with archive.open("wb") as file:
        layout.write_archive(file)
    return archive
