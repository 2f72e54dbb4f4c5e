"""A class's archive on a real node that reaches no registry: what it holds runs, also under the tag latest."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from native_helpers import Kubectl, class_layout, until

from k8s_tutor.cli.main import main
from k8s_tutor.clusters.images import kept
from k8s_tutor.clusters.native.provider import NativeProvider
from k8s_tutor.clusters.node.oci import ImageConfig, Layout
from k8s_tutor.clusters.provider import Cluster

NGINX = "docker.io/library/nginx:latest"
PAGE, LATEST = "docker.io/library/k8s-tutor-class:1", "docker.io/library/k8s-tutor-class:latest"


@pytest.fixture
def layout(tmp_path: Path) -> Layout:
    """nginx under names that nobody else serves."""
    source = kept.find(NGINX, kept.default_platform())
    assert source is not None
    config = ImageConfig(entrypoint=("/docker-entrypoint.sh",), cmd=("nginx", "-g", "daemon off;"))
    return class_layout(tmp_path / "layout", source.layout, NGINX, PAGE, LATEST, config=config)


def test_what_an_archive_holds_runs_without_a_registry(
    cluster: Cluster, kubectl: Kubectl, layout: Layout, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    from k8s_tutor.clusters.images.archive import save

    target = tmp_path / "class.tar"
    save([kept.read(layout.root, *each) for each in layout.references().items()], target, lambda _done, _whole: None)
    assert main(["images", "load", str(target), "--name", cluster.name, "--provider", "native"]) == 0
    said = capsys.readouterr().out
    for ref, digest in layout.references().items():
        assert f"{ref}  {digest}" in said
    on_node = subprocess.run(
        NativeProvider().shell_argv(cluster.name, ["ctr", "-n", "k8s.io", "images", "list"]),
        capture_output=True, text=True, check=True,
    ).stdout  # fmt: skip
    lines = {line.split()[0]: line for line in on_node.splitlines() if line.strip()}
    assert all(digest in lines[ref] for ref, digest in layout.references().items())

    kubectl("run", "once", f"--image={PAGE}")
    kubectl("run", "anew", f"--image={LATEST}")  # latest: the kubelet asks the registry at each start
    for name in ("once", "anew"):
        until(lambda name=name: running(kubectl, name), within=60, what=f"pod {name} runs")
    digests = {name: kubectl.get("pod", name)["status"]["containerStatuses"][0]["imageID"] for name in ("once", "anew")}
    assert digests["anew"].endswith(layout.references()[LATEST])
    assert kubectl.get("pod", "anew")["spec"]["containers"][0]["imagePullPolicy"] == "Always"

    assert main(["images", "load", str(target), "--name", cluster.name, "--provider", "native"]) == 0, "and again"
    assert running(kubectl, "once")


def running(kubectl: Kubectl, name: str) -> bool:
    statuses = kubectl.get("pod", name)["status"].get("containerStatuses") or [{}]
    return bool(statuses[0].get("ready"))


def test_the_labs_images_are_saved_and_loaded_with_what_stands_in_still_said(
    cluster: Cluster, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    target = tmp_path / "class.tar"
    before = dict(cluster.stand_ins)
    assert main(["images", "save", str(target)]) == 0
    assert main(["images", "load", str(target), "--name", cluster.name, "--provider", "native"]) == 0
    after = NativeProvider().status(cluster.name)
    assert after is not None and {name: after.stand_ins[name] for name in before} == before
    target.write_bytes(target.read_bytes()[: -(1 << 20)])
    capsys.readouterr()
    assert main(["images", "load", str(target), "--name", cluster.name, "--provider", "native"]) == 2
    assert str(target) in capsys.readouterr().err
