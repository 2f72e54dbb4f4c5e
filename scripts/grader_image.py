"""Make the grader's image (ci/grader/Dockerfile) without an engine: an OCI archive for `k8s-tutor images load`.

    .venv/bin/python scripts/grader_image.py grader.tar

Debian's Python, the locked dependencies, this checkout as a wheel, kubectl of the node's material. What does not
change is made once and kept in the cache. Needs mmdebstrap, as the nodes' own images do.
"""

from __future__ import annotations

import argparse
import hashlib
import platform
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from k8s_tutor import __version__, paths  # noqa: E402
from k8s_tutor.clusters.node import prepare  # noqa: E402
from k8s_tutor.clusters.node.debian import root_file_system, unpack_into  # noqa: E402
from k8s_tutor.clusters.node.lock import Image, architecture  # noqa: E402
from k8s_tutor.clusters.node.oci import Descriptor, ImageConfig, LayerWriter, Layout  # noqa: E402
from k8s_tutor.clusters.node.work import Work  # noqa: E402
from k8s_tutor.errors import EnvironmentFault  # noqa: E402
from k8s_tutor.phases import Phase, PhaseState  # noqa: E402

BIN = Path(sys.executable).parent
REF = f"docker.io/library/k8s-tutor-grader:{__version__}"
BASE = Image("grader", REF, "grader", suite="bookworm", packages=("python3",))
PYTHON = "3.11"
"""Of that suite: the packages with compiled parts are taken for it."""
STANDARD = f"usr/lib/python{PYTHON}"
PACKAGES = f"usr/local/lib/python{PYTHON}/dist-packages"
SCREENS = ("aiohttp", "kubernetes", "pyghostty", "pydantic", "pydantic_core", "pygments", "rich", "textual", "tzdata")
"""What only screens, servers and credential plugins import, three quarters of all: left out of this archive."""
MACHINES = {"amd64": "x86_64-manylinux_2_36", "arm64": "aarch64-manylinux_2_36"}


def make(target: Path, ref: str = REF) -> None:
    """Write the archive. Raises EnvironmentFault when Debian's packages or the nodes' material are not to be had."""
    material = prepare.prepare(tell)
    work = Work(tell, prepare.root_dir() / "logs")
    with work.phase("base", "Debian's Python") as telling:
        base = root_file_system(BASE, prepare.root_dir(), work, telling)
    kept = paths.cache_dir() / "grader"
    kept.mkdir(parents=True, exist_ok=True)
    with work.phase("dependencies", "The locked dependencies"):
        dependencies = installed(kept)
        standard = standard_library(base, kept)
    with tempfile.TemporaryDirectory(dir=kept) as scratch, work.phase("image", f"{ref} in {target}"):
        layout = Layout(Path(scratch) / "layout")
        layers: list[Descriptor] = []
        with layout.layer(layers) as layer:
            for name in ("dev", "etc", "proc", "run", "sys", "usr", "var"):
                layer.directory(name)
            layer.directory("tmp", 0o1777)
            layer.data("etc/passwd", b"root:x:0:0:root:/root:/bin/sh\ngrader:x:65532:65532::/tmp:/usr/sbin/nologin\n")
            layer.data("etc/group", b"root:x:0:\ngrader:x:65532:\n")
            unpack_into(layer, base)
            add(layer, standard, STANDARD, only="__pycache__")
        with layout.layer(layers) as layer:
            layer.file("usr/local/bin/kubectl", material.bin_dir / "kubectl")
            add(layer, dependencies, PACKAGES, without=SCREENS)
        with layout.layer(layers) as layer:
            add(layer, own(Path(scratch) / "own"), PACKAGES)
        config = ImageConfig(
            entrypoint=("python3", "-m", "k8s_tutor.grading.shards.worker"),
            env=(*ImageConfig.env, "PYTHONUTF8=1", "PYTHONDONTWRITEBYTECODE=1"),
            user="65532:65532",
            labels={
                "org.opencontainers.image.title": "k8s-tutor-grader",
                "org.opencontainers.image.version": __version__,
            },
        )
        layout.add_image(ref, architecture(), layers, config)
        making = target.with_name(f".{target.name}")
        with making.open("wb") as file:
            layout.write_archive(file)
        making.replace(target)


def installed(kept: Path) -> Path:
    """The dependencies of the lock file, installed for the image's Python; made once for each lock file."""
    lock = ROOT / "requirements" / "tutor.lock"
    folder = kept / f"packages-{architecture()}-{hashlib.sha256(lock.read_bytes()).hexdigest()[:12]}"
    if not folder.exists():
        with tempfile.TemporaryDirectory(dir=kept) as scratch:
            making = Path(scratch) / "packages"
            install(making, "--only-binary=:all:", "--require-hashes", "-r", str(lock))
            making.rename(folder)
    return folder


def own(folder: Path) -> Path:
    """This checkout, as its wheel installs it."""
    out = folder.with_suffix(".dist")
    build = [str(BIN / "python"), "-m", "hatchling", "build", "-t", "wheel", "-d", str(out)]
    run(build, cwd=ROOT)
    (wheel,) = out.glob("*.whl")
    install(folder, "--no-deps", str(wheel))
    return folder


def install(folder: Path, *what: str) -> None:
    options = ["--quiet", "--system-certs", "--python-version", PYTHON, "--python-platform", MACHINES[architecture()]]
    run([str(BIN / "uv"), "pip", "install", *options, "--target", str(folder), *what])
    compiled(folder)


def standard_library(base: Path, kept: Path) -> Path:
    """Debian's standard library with its modules compiled, which a package's script would do; made once."""
    folder = kept / f"standard-{base.stem}"
    if folder.exists():
        return folder
    with tempfile.TemporaryDirectory(dir=kept) as scratch, tarfile.open(base) as tar:
        making = Path(scratch) / "standard"
        for entry in tar:
            name = entry.name.removeprefix("./")
            source = entry.isreg() and name.startswith(f"{STANDARD}/") and name.endswith(".py") and "/test" not in name
            if source and (stream := tar.extractfile(entry)) is not None:
                path = making / name.removeprefix(f"{STANDARD}/")
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(stream.read())
        compiled(making)
        making.rename(folder)
    return folder


def compiled(folder: Path) -> None:
    """Compile what is in a folder: the pod's file system is read-only, and each start would do it again.

    Another Python's code is of no use there; then each start takes a second longer.
    """
    if platform.python_version().startswith(f"{PYTHON}."):
        # The typed models of the official client alone would take as long as all others.
        argv = [sys.executable, "-m", "compileall", "-q", "-j0", "-x", "/kubernetes/", str(folder)]
        run([*argv, "--invalidation-mode=unchecked-hash"], check=False)


def add(layer: LayerWriter, folder: Path, place: str, *, only: str = "", without: Sequence[str] = ()) -> None:
    """Add a folder's files at a place in the image: those in folders named ``only``, and not below ``without``."""
    for path in sorted(folder.rglob("*")):
        if path.relative_to(folder).parts[0] in without:
            continue
        if path.is_file() and not path.is_symlink() and (not only or path.parent.name == only):
            mode = 0o755 if path.stat().st_mode & 0o100 else 0o644
            layer.file(f"{place}/{path.relative_to(folder).as_posix()}", path, mode)


def run(argv: list[str], *, cwd: Path | None = None, check: bool = True) -> None:
    done = subprocess.run(argv, cwd=cwd, capture_output=True, text=True, check=False)
    if check and done.returncode:
        raise EnvironmentFault(f"{Path(argv[0]).name} {' '.join(argv[1:4])}: {done.stderr.strip()[-1000:]}")


def tell(phase: Phase) -> None:
    if phase.state in (PhaseState.DONE, PhaseState.FAILED):
        print(f"{phase.title}: {phase.state}, {phase.seconds:.1f} s {phase.detail}", file=sys.stderr)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("file", type=Path)
    parser.add_argument("--ref", default=REF, help=f"the image's whole name ({REF})")
    options = parser.parse_args()
    try:
        make(options.file, options.ref)
    except EnvironmentFault as error:
        print(f"error: {error.message}", file=sys.stderr)
        return error.exit_code
    size = options.file.stat().st_size / 1e6
    print(f"{options.file}: {options.ref}, {size:.0f} MB; k8s-tutor images load {options.file}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
