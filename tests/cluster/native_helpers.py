"""What tests on a real cluster share: kubectl, waiting for a fact, telling phases."""

from __future__ import annotations

import json
import shutil
import subprocess
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from k8s_tutor.clusters.node.lock import architecture
from k8s_tutor.clusters.node.material import Material
from k8s_tutor.clusters.node.oci import LAYER, Descriptor, ImageConfig, Layout
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


def class_layout(folder: Path, source: Path, image: str, *references: str, config: ImageConfig) -> Layout:
    """Images of the layers of one, under other names, each another image than that one.

    A kubelet keeps apart what it pulled and what was brought, by what an image is and not by its name.
    """
    kept = Layout(source)
    manifest = json.loads(kept.blob_path(kept.references()[image]).read_bytes())
    made = Layout(folder)
    layers = [Descriptor(LAYER, each["digest"], each["size"]) for each in manifest["layers"]]
    for layer in layers:
        shutil.copyfile(kept.blob_path(layer.digest), made.blob_path(layer.digest))
    for reference in references:
        made.add_image(reference, architecture(), layers, replace(config, labels={"class": reference}))
    return made


def archive_of(material: Material, folder: Path, reference: str) -> Path:
    """busybox under another name, as an OCI archive that ``load_images`` takes."""
    config = ImageConfig(cmd=("sh",))
    busybox = "docker.io/library/busybox:latest"
    layout = class_layout(folder / "layout", material.registry_dir, busybox, reference, config=config)
    archive = folder / "image.tar"
    with archive.open("wb") as file:
        layout.write_archive(file)
    return archive
