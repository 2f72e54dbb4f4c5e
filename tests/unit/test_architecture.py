"""Imports go one way, and commands stay light: the contracts of docs/design.md, proven."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
BIN = Path(sys.executable).parent


def lint_imports(folder: Path) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PYTHONPATH": str(folder)}
    return subprocess.run(
        [BIN / "lint-imports", "--no-cache", "--config", folder / "pyproject.toml"],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
    )


def test_contracts_hold() -> None:
    done = lint_imports(ROOT)
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize(
    ("room", "line"),
    [
        ("kube/record.py", "import k8s_tutor.checks.outcome"),
        ("checks/check.py", "import k8s_tutor.session.state"),
        ("labs/model.py", "import k8s_tutor.checks.check"),
        ("clusters/provider.py", "import k8s_tutor.labs.model"),
        ("session/state.py", "import textual"),
        ("session/state.py", "import k8s_tutor.serving.wire"),
        ("serving/wire.py", "import k8s_tutor.ui.text"),
        ("ui/text.py", "import aiohttp"),
    ],
)
def test_contracts_would_notice(tmp_path: Path, room: str, line: str) -> None:
    """A wrong import in a copy of the package breaks a contract: the contracts can fail."""
    copy = tmp_path / "copy"
    subprocess.run(["cp", "-r", ROOT / "k8s_tutor", tmp_path / "k8s_tutor"], check=True)
    copy.mkdir()
    (tmp_path / "k8s_tutor").rename(copy / "k8s_tutor")
    (copy / "pyproject.toml").write_bytes((ROOT / "pyproject.toml").read_bytes())
    target = copy / "k8s_tutor" / room
    target.write_text(target.read_text() + f"\n{line}\n")
    done = lint_imports(copy)
    assert done.returncode == 1, done.stdout
    assert "BROKEN" in done.stdout


@pytest.mark.parametrize("module", ["k8s_tutor.session.session", "k8s_tutor.checks.check", "k8s_tutor.reports.report"])
def test_engine_needs_no_screen(module: str) -> None:
    code = f"import sys, {module}; sys.exit(any(m in sys.modules for m in ('textual', 'rich')))"
    assert subprocess.run([BIN / "python", "-c", code]).returncode == 0


@pytest.mark.parametrize("arguments", [["--version"], ["--help"], ["labs"]])
def test_light_commands_import_nothing_heavy(arguments: list[str]) -> None:
    code = (
        "import sys\n"
        "from k8s_tutor.cli.main import main\n"
        "try:\n"
        f"    main({arguments!r})\n"
        "except SystemExit:\n"
        "    pass\n"
        "heavy = {'textual', 'rich', 'kubernetes', 'jsonschema', 'urllib3', 'pydantic'} & set(sys.modules)\n"
        "print(sorted(heavy), file=sys.stderr)\n"
        "sys.exit(bool(heavy))\n"
    )
    done = subprocess.run([BIN / "python", "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
