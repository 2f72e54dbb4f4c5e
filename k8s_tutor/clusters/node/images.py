"""Images made here: the control plane's from its programs, the learner's from Debian packages.

What stands under a name that belongs to somebody else says so, in a label and to the learner.
"""

from __future__ import annotations

import hashlib
import re
import tarfile
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from k8s_tutor.clusters.node.debian import root_file_system, unpack_into
from k8s_tutor.clusters.node.lock import HERE, Image, architecture
from k8s_tutor.clusters.node.oci import Descriptor, ImageConfig, LayerWriter, Layout
from k8s_tutor.clusters.node.work import Telling, Work, output
from k8s_tutor.errors import EnvironmentFault

STAND_IN = "io.k8s-tutor.stand-in"
_TITLE = "org.opencontainers.image."
_FILES = HERE / "files"

_USERS = """root:x:0:0:root:/root:/bin/sh
www-data:x:33:33:www-data:/var/www:/usr/sbin/nologin
nginx:x:101:101:nginx:/nonexistent:/usr/sbin/nologin
nobody:x:65534:65534:nobody:/nonexistent:/usr/sbin/nologin
"""
_GROUP = "root:x:0:\ntty:x:5:\nwww-data:x:33:\nnginx:x:101:\nnogroup:x:65534:\n"


@dataclass(frozen=True)
class Kitchen:
    """What a recipe needs: the cache's folder, found programs (name -> path), and who runs and tells."""

    root: Path
    programs: Mapping[str, Path]
    work: Work
    telling: Telling


def assemble(images: Iterable[Image], layout: Layout, kitchen: Kitchen) -> dict[str, str]:
    """Make images into a layout; returns, for each stand-in as a lab names it, the truth about it.

    Raises EnvironmentFault when a package set or the compiler fails.
    """
    truths: dict[str, str] = {}
    wanted = list(images)
    # Root file systems first and two at a time: they wait for the network.
    with ThreadPoolExecutor(2, thread_name_prefix="rootfs") as pool:
        jobs = [
            pool.submit(root_file_system, image, kitchen.root, kitchen.work, kitchen.telling)
            for image in wanted
            if image.packages
        ]
        for job in jobs:
            job.result()
    for number, image in enumerate(wanted):
        kitchen.telling.say(image.ref, fraction=number / len(wanted))
        truth = _RECIPES[image.recipe](image, layout, kitchen)
        if truth:
            truths[image.short] = truth
    return truths


def labelled(images: Iterable[Image], layout: Layout) -> dict[str, str]:
    """Stand-ins among images that a registry gave: a class's own mirror may serve what was made like here."""
    truths: dict[str, str] = {}
    for image in images:
        truth = (layout.config(image.ref).get("config", {}).get("Labels") or {}).get(STAND_IN, "")
        if isinstance(truth, str) and truth.isprintable() and truth:
            truths[image.short] = truth[:200]
    return truths


def _program(image: Image, layout: Layout, kitchen: Kitchen) -> str:
    """A static program and nothing else."""
    place = "coredns" if image.role == "coredns" else f"usr/local/bin/{image.program}"
    layers: list[Descriptor] = []
    with layout.layer(layers) as layer:
        _skeleton(layer)
        layer.file(place, kitchen.programs[image.program])
    layout.add_image(image.ref, architecture(), layers, ImageConfig(entrypoint=(f"/{place}",), labels=_labels(image)))
    return ""


def _kube_proxy(image: Image, layout: Layout, kitchen: Kitchen) -> str:
    """kube-proxy and the tools that it calls: nft above all."""
    layers: list[Descriptor] = []
    with layout.layer(layers) as layer:
        _skeleton(layer)
        # A package's script would make these links.
        for family in ("iptables", "ip6tables"):
            for tool in ("", "-save", "-restore"):
                layer.link(f"usr/sbin/{family}{tool}", "xtables-nft-multi")
        unpack_into(layer, root_file_system(image, kitchen.root, kitchen.work, kitchen.telling))
    with layout.layer(layers) as layer:
        layer.file(f"usr/local/bin/{image.program}", kitchen.programs[image.program])
    config = ImageConfig(entrypoint=(f"/usr/local/bin/{image.program}",), labels=_labels(image))
    layout.add_image(image.ref, architecture(), layers, config)
    return ""


def _pause(image: Image, layout: Layout, kitchen: Kitchen) -> str:
    """The program that holds a pod's namespaces."""
    source = HERE / "pause.c"
    key = hashlib.sha256(source.read_bytes()).hexdigest()[:8]
    program = kitchen.root / "bin" / f"pause-{key}"
    if not program.exists():
        program.parent.mkdir(parents=True, exist_ok=True)
        temporary = program.with_name(f".{program.name}")
        argv = ["gcc", "-static", "-Os", "-s", "-o", str(temporary), str(source)]
        kitchen.work.run(argv, log="pause", what="Compiling the pause program")
        temporary.replace(program)
    layers: list[Descriptor] = []
    with layout.layer(layers) as layer:
        layer.file("pause", program)
    config = ImageConfig(entrypoint=("/pause",), user="65535:65535", labels=_labels(image))
    layout.add_image(image.ref, architecture(), layers, config)
    return ""


def _nginx(image: Image, layout: Layout, kitchen: Kitchen) -> str:
    """Debian's nginx, started and logging as the official image does."""
    archive = root_file_system(image, kitchen.root, kitchen.work, kitchen.telling)
    version = _nginx_version(archive)
    truth = _truth(image, f"Debian {image.suite}'s nginx {version}", version)
    layers: list[Descriptor] = []
    with layout.layer(layers) as layer:
        _skeleton(layer)
        layer.data("etc/passwd", _USERS.encode())
        layer.data("etc/group", _GROUP.encode())
        layer.data("etc/nginx/nginx.conf", (_FILES / "nginx.conf").read_bytes())
        layer.data("etc/nginx/conf.d/default.conf", (_FILES / "default.conf").read_bytes())
        layer.data("docker-entrypoint.sh", (_FILES / "docker-entrypoint.sh").read_bytes(), 0o755)
        layer.link("var/log/nginx/access.log", "/dev/stdout")
        layer.link("var/log/nginx/error.log", "/dev/stderr")
        layer.link("usr/bin/sh", "dash")
        unpack_into(layer, archive)
    config = ImageConfig(
        entrypoint=("/docker-entrypoint.sh",),
        cmd=("nginx", "-g", "daemon off;"),
        env=(*ImageConfig.env, f"NGINX_VERSION={version}"),
        stop_signal="SIGQUIT",
        ports=("80/tcp",),
        labels=_labels(image, version=version, stand_in=truth),
    )
    layout.add_image(image.ref, architecture(), layers, config)
    return truth


def _busybox(image: Image, layout: Layout, kitchen: Kitchen) -> str:
    """Debian's static busybox with a link for each of its commands."""
    archive = root_file_system(image, kitchen.root, kitchen.work, kitchen.telling)
    program = kitchen.root / "bin" / f"busybox-{image.suite}"
    program.parent.mkdir(parents=True, exist_ok=True)
    with tarfile.open(archive) as tar:
        names = [name for name in tar.getnames() if name.endswith("bin/busybox")]
        source = tar.extractfile(names[0]) if names else None
        if source is None:
            raise EnvironmentFault(f"{archive} holds no busybox.", remedy=f"rm {archive}", code="images")
        program.write_bytes(source.read())
        program.chmod(0o755)
    banner = re.search(r"BusyBox v(\S+)", output([str(program)]))
    version = banner[1] if banner else "of unknown version"
    truth = _truth(image, f"Debian {image.suite}'s busybox {version}", version)
    layers: list[Descriptor] = []
    with layout.layer(layers) as layer:
        _skeleton(layer)
        layer.data("etc/passwd", _USERS.encode())
        layer.data("etc/group", _GROUP.encode())
        layer.file("usr/bin/busybox", program)
        for applet in output([str(program), "--list"]).split():
            if re.fullmatch(r"[\w\[\].-]+", applet):
                layer.link(f"usr/bin/{applet}", "busybox")
        for top in ("bin", "sbin"):
            layer.link(top, "usr/bin")
    config = ImageConfig(cmd=("sh",), labels=_labels(image, version=version, stand_in=truth))
    layout.add_image(image.ref, architecture(), layers, config)
    return truth


_RECIPES: dict[str, Callable[[Image, Layout, Kitchen], str]] = {
    "program": _program,
    "kube-proxy": _kube_proxy,
    "pause": _pause,
    "nginx": _nginx,
    "busybox": _busybox,
}


def _skeleton(layer: LayerWriter) -> None:
    """Folders that every program may expect."""
    for name in ("dev", "etc", "proc", "run", "sys", "usr", "var"):
        layer.directory(name)
    layer.directory("root", 0o700)
    layer.directory("tmp", 0o1777)
    layer.link("var/run", "/run")


def _labels(image: Image, *, version: str = "", stand_in: str = "") -> dict[str, str]:
    name, _, tag = image.short.rpartition(":")
    labels = {
        f"{_TITLE}title": name,
        f"{_TITLE}version": version or tag,
        f"{_TITLE}vendor": "k8s-tutor, made on this machine",
        f"{_TITLE}ref.name": image.ref,
    }
    return {**labels, STAND_IN: stand_in} if stand_in else labels


def _truth(image: Image, what: str, version: str) -> str:
    """What the learner is told about a stand-in."""
    name, _, tag = image.short.rpartition(":")
    if tag in ("latest", version):
        return f"{what}, not the official image"
    return f"{what} under the tag {tag}: a stand-in, there is no {name} {tag} in Debian"


def _nginx_version(archive: Path) -> str:
    with tarfile.open(archive) as tar:
        for entry in tar:
            if entry.name.endswith("usr/sbin/nginx") and (stream := tar.extractfile(entry)):
                match = re.search(rb"nginx/(\d+\.\d+\.\d+)", stream.read())
                if match:
                    return match[1].decode()
    raise EnvironmentFault(f"{archive} holds no nginx.", remedy=f"rm {archive}", code="images")
