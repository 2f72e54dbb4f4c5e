"""The node image for kind: what is taken over from kind and Debian, what is changed, and the archive's form."""

from __future__ import annotations

import hashlib
import io
import json
import tarfile
from pathlib import Path

import pytest

from k8s_tutor.clusters.node import kind_files, kind_image, podnet
from k8s_tutor.clusters.node.kind_files import Files, base_spec, collect
from k8s_tutor.clusters.node.kind_image import NodeImage
from k8s_tutor.clusters.node.material import Material
from k8s_tutor.errors import EnvironmentFault
from k8s_tutor.phases import silent

PAUSE = "registry.k8s.io/pause:3.10.2"


@pytest.fixture
def kinds(tmp_path: Path) -> Path:
    """Files as in kind's module, as far as they are changed."""
    folder = tmp_path / "files"
    for name, text in {
        "etc/containerd/config.toml": 'sandbox_image = "registry.k8s.io/pause:3.10"\nrestrict_oom_score_adj = false\n',
        "etc/default/kubelet": "KUBELET_EXTRA_ARGS=--runtime-cgroups=/system.slice/containerd.service",
        "etc/systemd/system/kubelet.service": "[Unit]\n",
        "usr/local/bin/entrypoint": "#!/bin/bash\n  log_info 'detected cgroup v1'\n  log_info 'detected cgroup v2'\n",
        "kind/bin/mount-product-files.sh": "#!/bin/bash\n",
    }.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    return folder


@pytest.fixture
def material(tmp_path: Path) -> Material:
    for folder in ("bin", "cni", "store/io.containerd.content.v1.content/blobs/sha256", "store/snap", "registry"):
        (tmp_path / folder).mkdir(parents=True)
    for name in ("kubeadm", "kubelet", "kubectl", "containerd", "containerd-shim-runc-v2", "ctr", "runc"):
        (tmp_path / "bin" / name).write_text(name)
    (tmp_path / "cni" / "ptp").write_text("ptp")
    (tmp_path / "registry" / "index.json").write_text("{}")
    blobs = tmp_path / "store/io.containerd.content.v1.content/blobs/sha256"
    (blobs / "small").write_text("{}")
    (blobs / "big").write_bytes(b"x" * (kind_image._BIG_BLOB + 1))
    (tmp_path / "store/snap/big").write_bytes(b"x" * (kind_image._BIG_BLOB + 1))
    (tmp_path / "store/snap/kube-proxy").write_text("p")
    return Material(tmp_path / "bin", tmp_path / "cni", tmp_path / "store", tmp_path / "registry", "v1.37.2",
                    {"pause": PAUSE}, {"nginx:latest": "Debian's"})  # fmt: skip


def files(kinds: Path, material: Material) -> Files:
    return collect(kinds, material.bin_dir, material.cni_dir, "v1.37.2", PAUSE, {"process": {"rlimits": [1]}})


def test_kinds_files_are_taken_over_with_the_changes_that_are_needed(kinds: Path, material: Material) -> None:
    made = files(kinds, material)
    config = made.texts["etc/containerd/config.toml"][0].decode()
    assert f'sandbox_image = "{PAUSE}"' in config and "restrict_oom_score_adj = true" in config
    assert 'config_path = "/etc/containerd/certs.d"' in config
    assert b"--fail-cgroupv1=false --file-check-frequency=1s" in made.texts["etc/default/kubelet"][0]
    entrypoint, mode = made.texts["usr/local/bin/entrypoint"]
    # kind waits for a line with "detected cgroup v1" or for systemd; only the second may come.
    assert b"detected cgroup v1" not in entrypoint and b"detected cgroup v2" in entrypoint and mode == 0o755
    assert made.texts["kind/version"][0] == b"v1.37.2"
    for unit in kind_files.ENABLED:
        assert f"etc/systemd/system/multi-user.target.wants/{unit}.service" in made.links
    assert "usr/bin/kubelet" in made.copies and "usr/local/sbin/runc" in made.copies


def test_another_kind_than_was_tried_is_refused(kinds: Path, material: Material) -> None:
    (kinds / "usr/local/bin/entrypoint").write_text("#!/bin/bash\n")
    with pytest.raises(EnvironmentFault, match="entrypoint is another one"):
        files(kinds, material)


def test_the_base_spec_has_kinds_hook_and_no_limits_of_this_machine() -> None:
    spec = {"process": {"rlimits": [{"type": "RLIMIT_NOFILE"}], "cwd": "/"}}
    made = base_spec(spec)
    assert "rlimits" not in made["process"] and made["process"]["cwd"] == "/"
    assert made["hooks"]["createContainer"][0]["path"].endswith("mount-product-files.sh")
    assert "rlimits" in spec["process"]


def debian(path: Path) -> Path:
    with tarfile.open(path, "w") as tar:
        for name, content in {
            "./etc/default/kubelet": b"debian's",
            "./etc/shadow": b"secret",
            "./etc/systemd/journald.conf": b"[Journal]\n",
            "./usr/lib/systemd/system/multi-user.target.wants/getty.target": b"",
            "./usr/lib/systemd/system/systemd-tmpfiles-setup.service": b"",
            "./usr/lib/sysctl.d/50-pid-max.conf": b"kernel.pid_max = 1",
            "./var/lib/apt/lists/deb": b"x",
        }.items():
            entry = tarfile.TarInfo(name)
            entry.size, entry.gid, entry.mode = len(content), 42, 0o640
            tar.addfile(entry, io.BytesIO(content))
        device = tarfile.TarInfo("./dev/null")
        device.type = tarfile.CHRTYPE
        tar.addfile(device)
    return path


def test_the_archive_is_one_layer_that_docker_loads(kinds: Path, material: Material, tmp_path: Path) -> None:
    from k8s_tutor.clusters.node.work import Telling, Work

    image = NodeImage("k8s-tutor/node:v1.37.2-abc", tmp_path / "node.tar")
    work = Work(silent, tmp_path / "logs")
    with work.phase("x", "x") as telling:
        assert isinstance(telling, Telling)
        kind_image._write(image, debian(tmp_path / "debian.tar"), files(kinds, material), material, telling)
    with tarfile.open(image.archive) as tar:
        manifest = json.load(tar.extractfile("manifest.json"))[0]  # type: ignore[arg-type]
        config = json.load(tar.extractfile(manifest["Config"]))  # type: ignore[arg-type]
        layer = tar.extractfile(manifest["Layers"][0]).read()  # type: ignore[union-attr]
    assert manifest["RepoTags"] == ["k8s-tutor/node:v1.37.2-abc"]
    assert config["rootfs"]["diff_ids"] == [f"sha256:{hashlib.sha256(layer).hexdigest()}"]
    assert config["config"]["StopSignal"] == "SIGRTMIN+3"
    assert json.loads(config["config"]["Labels"][kind_image.STAND_INS]) == {"nginx:latest": "Debian's"}
    with tarfile.open(fileobj=io.BytesIO(layer)) as tar:
        names = tar.getnames()
        assert len(names) == len(set(names)), "nothing is in it twice"
        shadow = tar.getmember("etc/shadow")
        assert (shadow.gid, shadow.mode) == (42, 0o640)
        assert tar.extractfile("etc/systemd/journald.conf").read().endswith(b"ReadKMsg=no\n")  # type: ignore[union-attr]
        assert tar.extractfile("etc/default/kubelet").read().startswith(b"KUBELET")  # type: ignore[union-attr]
    kept = set(names)
    assert "var/lib/containerd/snap/big" in kept and "var/lib/containerd/snap/kube-proxy" in kept
    content = "var/lib/containerd/io.containerd.content.v1.content/blobs/sha256"
    assert f"{content}/small" in kept and f"{content}/big" not in kept
    assert "usr/lib/systemd/system/systemd-tmpfiles-setup.service" in kept
    for gone in ("usr/lib/systemd/system/multi-user.target.wants/getty.target", "usr/lib/sysctl.d/50-pid-max.conf",
                 "var/lib/apt/lists/deb", "dev/null"):  # fmt: skip
        assert gone not in kept
    assert not list(tmp_path.glob(".node.tar*")), "nothing half made is left"


def test_the_plan_names_the_version_and_changes_with_a_recipe(monkeypatch: pytest.MonkeyPatch) -> None:
    first = kind_image.planned()
    assert first.reference.startswith("k8s-tutor/node:v1.37.2-")
    monkeypatch.setattr(kind_image, "PACKAGES", (*kind_image.PACKAGES, "vim"))
    assert kind_image.planned().reference != first.reference


KUBEADM = (
    'apiVersion: kubeadm.k8s.io/v1beta4\nnetworking:\n  podSubnet: 10.244.0.0/16\n  serviceSubnet: "10.96.0.0/16"\n'
)


def node(name: str, part: str, address: str) -> dict[str, object]:
    addresses = [{"type": "Hostname", "address": name}, {"type": "InternalIP", "address": address}]
    return {"metadata": {"name": name}, "spec": {"podCIDR": part}, "status": {"addresses": addresses}}


def test_the_pod_network_reads_its_ranges_from_kubeadm() -> None:
    assert podnet.subnets(KUBEADM) == ("10.244.0.0/16", "10.96.0.0/16")
    assert podnet.first_part("10.244.0.0/16") == "10.244.0.0/24"
    for torn in ("", "networking:\n  podSubnet: 10.244.0.0/16\n", KUBEADM.replace("10.96.0.0/16", "fd00::/16")):
        with pytest.raises(ValueError):
            podnet.subnets(torn)


def test_routes_go_to_the_other_nodes_and_only_addresses_get_into_a_command() -> None:
    nodes = [node("a", "10.244.0.0/24", "172.18.0.2"), node("b", "10.244.1.0/24", "172.18.0.3"), node("c", "", "x")]
    assert podnet.routes(nodes, "a") == ["route replace 10.244.1.0/24 via 172.18.0.3"]
    assert podnet.own_part(nodes, "b") == "10.244.1.0/24" and podnet.own_part(nodes, "z") == ""
    with pytest.raises(ValueError):
        podnet.routes([node("b", "10.244.1.0/24\nroute flush all", "172.18.0.3")], "a")


def test_the_cni_configuration_is_json_with_a_link_a_pod_for_this_part(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    document = json.loads(podnet.conflist("10.244.0.0/24"))
    assert [each["type"] for each in document["plugins"]] == ["ptp", "portmap"]
    assert document["plugins"][0]["ipam"]["ranges"] == [[{"subnet": "10.244.0.0/24"}]]
    monkeypatch.setattr(podnet, "CONFLIST", tmp_path / "net.d" / "10.conflist")
    podnet.write("10.244.0.0/24")
    assert json.loads(podnet.CONFLIST.read_text()) == document
    assert [path.name for path in podnet.CONFLIST.parent.iterdir()] == ["10.conflist"]
