"""The wheel is whole: installed into an empty environment it lists the labs and hands out their manifests."""

from __future__ import annotations

import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
BIN = Path(sys.executable).parent


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("dist")
    command = [BIN / "python", "-m", "hatchling", "build", "-t", "wheel", "-d", out]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
    (found,) = out.glob("*.whl")
    return found


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An environment that holds the wheel and its locked dependencies, and nothing of this checkout."""
    place = tmp_path_factory.mktemp("empty") / "venv"
    uv = BIN / "uv"
    subprocess.run([uv, "venv", "--quiet", "--python", sys.executable, place], check=True)
    python = place / "bin" / "python"
    lock = ROOT / "requirements" / "tutor.lock"
    # The machine's own certificates, as pip uses them: a class may sit behind a proxy.
    install = [uv, "pip", "install", "--quiet", "--system-certs", "--python", python]
    subprocess.run([*install, "--require-hashes", "-r", lock], check=True, timeout=600)
    subprocess.run([*install, "--no-deps", wheel], check=True, timeout=120)
    return place / "bin" / "k8s-tutor"


def test_wheel_holds_labs_manifests_and_node_sources(wheel: Path) -> None:
    names = set(zipfile.ZipFile(wheel).namelist())
    for path in (ROOT / "lab_manifests").rglob("*.yaml"):
        assert f"k8s_tutor/_manifests/{path.relative_to(ROOT / 'lab_manifests').as_posix()}" in names
    for pattern in (
        "labs/content/**/lab.yaml",
        "labs/content/**/*.md",
        "clusters/node/modules/*/go.*",
        "ui/**/*.tcss",
        "serving/static/*",
    ):
        for path in (ROOT / "k8s_tutor").glob(pattern):
            assert path.relative_to(ROOT).as_posix() in names
    assert "k8s_tutor/labs/content/lab1/lab.yaml" in names
    assert not [name for name in names if name.startswith("tests/")]


def test_installed_wheel_lists_the_labs(installed: Path, tmp_path: Path) -> None:
    done = subprocess.run([installed, "labs"], cwd=tmp_path, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    assert "lab1" in done.stdout
    assert "lab2" in done.stdout


def test_installed_wheel_lints_its_own_labs(installed: Path, tmp_path: Path) -> None:
    for lab in ("lab1", "lab2"):
        done = subprocess.run([installed, "lab", "lint", lab], cwd=tmp_path, capture_output=True, text=True, timeout=60)
        assert done.returncode == 0, done.stdout + done.stderr


def test_without_the_extra_serve_says_what_installs_it(installed: Path, tmp_path: Path) -> None:
    done = subprocess.run([installed, "serve"], cwd=tmp_path, capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stdout) == (3, "")
    assert "pip install 'k8s-tutor[serve]'" in done.stderr


def test_lock_files_hold_hashes_and_no_addresses() -> None:
    for lock in (ROOT / "requirements").glob("*.lock"):
        text = lock.read_text()
        assert "://" not in text
        entries = [line for line in text.splitlines() if "==" in line]
        assert entries
        assert text.count("--hash=sha256:") >= len(entries)
