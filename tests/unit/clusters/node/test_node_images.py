from __future__ import annotations

import io
import struct
import tarfile
from pathlib import Path

import pytest

from k8s_tutor.clusters.node import images
from k8s_tutor.clusters.node.build import build_flags, environment, new_enough
from k8s_tutor.clusters.node.debian import dropped, merged
from k8s_tutor.clusters.node.found import find, is_static, reports
from k8s_tutor.clusters.node.images import STAND_IN, Kitchen, assemble, labelled
from k8s_tutor.clusters.node.lock import Component, Image, Program, architecture, load_lock
from k8s_tutor.clusters.node.oci import ImageConfig, Layout
from k8s_tutor.clusters.node.work import Work

NGINX = Image("nginx", "docker.io/library/nginx:1.20.1", "nginx", suite="bookworm", packages=("nginx",))


def root_file_system(tmp_path: Path) -> Path:
    """What mmdebstrap makes, in small: /usr not merged, a hard link, a device, manuals."""
    path = tmp_path / "rootfs.tar"
    with tarfile.open(path, "w") as tar:

        def add(name: str, body: bytes = b"", kind: bytes = tarfile.REGTYPE, link: str = "") -> None:
            entry = tarfile.TarInfo(name)
            entry.type, entry.linkname, entry.size, entry.mode = kind, link, len(body), 0o755
            entry.uid = 1234
            tar.addfile(entry, io.BytesIO(body))

        add("./", kind=tarfile.DIRTYPE)
        add("./bin/", kind=tarfile.DIRTYPE)
        add("./bin/dash", b"shell")
        add("./usr/bin/perl5.36", b"perl")
        add("./usr/bin/one", b"1")
        add("./usr/bin/two", kind=tarfile.LNKTYPE, link="./usr/bin/one")
        add("./usr/sbin/nginx", b"\0nginx/1.22.1\0")
        add("./usr/share/man/man1/x.gz", b"manual")
        add("./usr/share/doc/nginx/copyright", b"licence")
        add("./usr/share/doc/nginx/changelog.gz", b"changes")
        add("./etc/nginx/nginx.conf", b"the package's")
        add("./dev/null", kind=tarfile.CHRTYPE)
    return path


def test_a_stand_in_says_what_it_is(tmp_path: Path, work: Work, monkeypatch: pytest.MonkeyPatch) -> None:
    archive = root_file_system(tmp_path)
    monkeypatch.setattr(images, "root_file_system", lambda *_: archive)
    layout = Layout(tmp_path / "layout")
    with work.phase("images", "Images") as telling:
        truths = assemble([NGINX], layout, Kitchen(tmp_path, {}, work, telling))
    assert truths == {
        "nginx:1.20.1": "Debian bookworm's nginx 1.22.1 under the tag 1.20.1: "
        "a stand-in, there is no nginx 1.20.1 in Debian"
    }
    config = layout.config(NGINX.ref)["config"]
    assert config["Labels"][STAND_IN] == truths["nginx:1.20.1"]
    assert config["Labels"]["org.opencontainers.image.version"] == "1.22.1"
    assert config["Entrypoint"] == ["/docker-entrypoint.sh"]
    assert config["Cmd"] == ["nginx", "-g", "daemon off;"]
    assert config["StopSignal"] == "SIGQUIT" and config["ExposedPorts"] == {"80/tcp": {}}
    (layer,) = layout.config(NGINX.ref)["rootfs"]["diff_ids"]
    with tarfile.open(layout.blob_path(layer)) as tar:
        names = set(tar.getnames())
        assert {"usr/bin/dash", "usr/sbin/nginx", "usr/share/doc/nginx/copyright", "docker-entrypoint.sh"} <= names
        assert (
            not {"usr/bin/perl5.36", "usr/share/man/man1/x.gz", "usr/share/doc/nginx/changelog.gz", "dev/null"} & names
        )
        for link, target in (("bin", "usr/bin"), ("usr/bin/sh", "dash"), ("usr/bin/two", "one")):
            assert tar.getmember(link).linkname == target
        assert tar.getmember("var/log/nginx/access.log").linkname == "/dev/stdout"
        assert tar.getmember("var/log/nginx/error.log").linkname == "/dev/stderr"
        ours = tar.extractfile("etc/nginx/nginx.conf")
        assert ours and b"access_log  /var/log/nginx/access.log  combined;" in ours.read()
        assert {entry.uid for entry in tar} == {0}


def test_a_stand_in_from_a_mirror_is_still_told(tmp_path: Path) -> None:
    layout = Layout(tmp_path)
    other = Image("nginx", "docker.io/library/nginx:latest", "nginx")
    layout.add_image(NGINX.ref, "amd64", [], ImageConfig(labels={STAND_IN: "the truth"}))
    layout.add_image(other.ref, "amd64", [], ImageConfig())
    assert labelled([NGINX, other], layout) == {"nginx:1.20.1": "the truth"}
    layout.add_image(NGINX.ref, "amd64", [], ImageConfig(labels={STAND_IN: "\x1b[2J"}))
    assert labelled([NGINX, other], layout) == {}


def test_a_program_image_is_the_program(tmp_path: Path, work: Work) -> None:
    program = tmp_path / "coredns"
    program.write_bytes(b"\x7fELF")
    layout = Layout(tmp_path / "layout")
    lock = load_lock()
    image = next(image for image in lock.images if image.role == "coredns")
    with work.phase("images", "Images") as telling:
        assert assemble([image], layout, Kitchen(tmp_path, {"coredns": program}, work, telling)) == {}
    config = layout.config(image.ref)
    assert config["config"]["Entrypoint"] == ["/coredns"] and config["architecture"] == architecture()
    with tarfile.open(layout.blob_path(config["rootfs"]["diff_ids"][0])) as tar:
        entry = tar.getmember("coredns")
        assert (entry.size, entry.mode) == (4, 0o755)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("bin/sh", "usr/bin/sh"),
        ("lib/x86_64-linux-gnu/libm.so.6", "usr/lib/x86_64-linux-gnu/libm.so.6"),
        ("lib64/ld-linux-x86-64.so.2", "usr/lib64/ld-linux-x86-64.so.2"),
        ("lib", ""),
        ("libfoo", "libfoo"),
        ("etc/passwd", "etc/passwd"),
    ],
)
def test_merged_usr(name: str, expected: str) -> None:
    assert merged(name) == expected


def test_kube_proxys_libraries_stay() -> None:
    for name in ("usr/lib/x86_64-linux-gnu/libm.so.6", "usr/lib/x86_64-linux-gnu/xtables/libxt_statistic.so"):
        assert not dropped(name), "without these Services are dead while everything looks Running"
    for name in ("usr/sbin/nft", "usr/sbin/conntrack", "usr/bin/kmod", "etc/nsswitch.conf", "var/lib/nginx"):
        assert not dropped(name)
    for name in ("var/lib/dpkg", "var/cache/apt/x", "usr/lib/x86_64-linux-gnu/perl-base/x", "etc/apt/sources.list"):
        assert dropped(name)


def elf(path: Path, kind: int) -> Path:
    head = (
        b"\x7fELF\x02\x01\x01"
        + bytes(9)
        + bytes(16)
        + struct.pack("<QQ", 64, 0)
        + struct.pack("<IHHHHHH", 0, 64, 56, 1, 0, 0, 0)
    )
    path.write_bytes(head + struct.pack("<I", kind) + bytes(52))
    return path


def test_static_programs(tmp_path: Path) -> None:
    assert is_static(elf(tmp_path / "load", 1))
    assert not is_static(elf(tmp_path / "interpreter", 3))
    script = tmp_path / "script"
    script.write_text("#!/bin/sh\n")
    assert not is_static(script)


def script(path: Path, says: str) -> Path:
    path.parent.mkdir(exist_ok=True)
    path.write_text(f"#!/bin/sh\necho '{says}'\n")
    path.chmod(0o755)
    return path


def test_a_longer_version_is_another_version(tmp_path: Path) -> None:
    program = Program("runc", "p", ("--version",), "1.5.2")
    assert reports(script(tmp_path / "a", "runc version 1.5.2"), program)
    assert reports(script(tmp_path / "b", "runc version 1.5.2\ngo: 1"), program)
    assert not reports(script(tmp_path / "c", "runc version 1.5.20"), program)
    assert not reports(tmp_path / "missing", program)


def test_found_only_when_every_program_is_of_the_version(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    files = (Program("tool-a", "p", (), "v1.0.0"), Program("tool-b", "p", (), "v1.0.0"))
    part = Component("tools", "T", "", "1.0.0", "node", "m", files, "", "")
    monkeypatch.setenv("K8S_TUTOR_BIN_DIR", str(tmp_path / "bin"))
    script(tmp_path / "bin" / "tool-a", "v1.0.0")
    assert find(part) is None
    script(tmp_path / "bin" / "tool-b", "v1.0.1")
    assert find(part) is None
    script(tmp_path / "bin" / "tool-b", "v1.0.0")
    assert find(part) == {name: tmp_path / "bin" / name for name in ("tool-a", "tool-b")}


def test_go_versions() -> None:
    assert new_enough("go version go1.26.8 linux/amd64", "1.26.6")
    assert new_enough("go version go1.27 linux/amd64", "1.26.6")
    assert not new_enough("go version go1.26.5 linux/amd64", "1.26.6")
    assert not new_enough("go version go1.9 linux/amd64", "1.26.6")
    assert not new_enough("", "1.26.6")


def test_builds_are_pinned_and_stamped(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GOFLAGS", "-mod=mod")
    monkeypatch.setenv("GOOS", "plan9")
    parts = {part.name: part for part in load_lock().components}
    env = environment(parts["runc"], Path("/opt/go/bin/go"))
    assert (env["GOTOOLCHAIN"], env["GOFLAGS"], env["CGO_ENABLED"]) == ("local", "-mod=readonly", "1")
    assert "GOOS" not in env and env["PATH"].startswith("/opt/go/bin:")
    assert build_flags(parts["runc"])[:3] == ["-trimpath", "-tags", "seccomp netgo osusergo"]
    flags = build_flags(parts["kubernetes-node"])[-1]
    assert "-X k8s.io/component-base/version.gitVersion=v1.37.2" in flags and "gitMinor=37" in flags
