"""What a node is made of, with the real programs."""

from __future__ import annotations

import subprocess

import pytest

from k8s_tutor.clusters.node.found import is_static, reports
from k8s_tutor.clusters.node.lock import load_lock
from k8s_tutor.clusters.node.material import Material
from k8s_tutor.clusters.node.oci import Layout
from k8s_tutor.clusters.node.prepare import prepare

pytestmark = pytest.mark.cluster


@pytest.fixture(scope="module")
def material() -> Material:
    return prepare()


def test_the_lock_names_the_images_that_kubeadm_wants(material: Material) -> None:
    argv = [str(material.bin_dir / "kubeadm"), "config", "images", "list"]
    argv += ["--kubernetes-version", material.kubernetes_version]
    done = subprocess.run(argv, capture_output=True, text=True, timeout=60, check=True)
    assert set(done.stdout.split()) == set(material.images.values())


def test_every_program_of_the_node_tells_the_locked_version(material: Material) -> None:
    for part in load_lock().components:
        if part.role == "image":
            continue
        folder = material.cni_dir if part.role == "cni" else material.bin_dir
        for program in part.files:
            assert reports(folder / program.name, program), program.name


def test_the_programs_of_images_need_no_loader(material: Material) -> None:
    for part in load_lock().components:
        for program in part.files:
            path = material.bin_dir / program.name
            # Where the images were pulled, their programs are not here.
            assert not part.static or not path.exists() or is_static(path), program.name


def test_the_learners_images_are_there_and_stand_ins_say_so(material: Material) -> None:
    layout = Layout(material.registry_dir)
    references = layout.references()
    for image in load_lock().learner_images:
        assert image.ref in references
        labels = layout.config(image.ref)["config"].get("Labels", {})
        assert labels.get("io.k8s-tutor.stand-in", "") == material.stand_ins.get(image.short, "")
    latest, old = (layout.config(f"docker.io/library/nginx:{tag}")["config"]["Env"] for tag in ("latest", "1.20.1"))
    version = "NGINX_VERSION="
    assert [each for each in latest if each.startswith(version)] != [each for each in old if each.startswith(version)]
