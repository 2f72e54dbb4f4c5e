"""What a learner's processes see: pure plans. The cluster's tests look from inside."""

from __future__ import annotations

from pathlib import Path

import pytest

from k8s_tutor.serving import sandbox


@pytest.fixture
def machine(tmp_path: Path) -> Path:
    for path in ("root/venv/bin", "root/python", "opt/tools", "open/kubectl"):
        (tmp_path / path).mkdir(parents=True)
    return tmp_path


def plan(machine: Path, *code: str, covered: tuple[str, ...] = ()) -> sandbox.View:
    paths = [machine / path for path in code]
    return sandbox.view(
        paths,
        Path("/state/anna"),
        "/home/anna",
        covered=[str(machine / path) for path in covered],
        closed=lambda path: path == machine / "root",
    )


def own(view: sandbox.View) -> list[str]:
    return [source for source, target, ro in view.binds if source == target and ro]


def test_what_is_below_a_cover_is_put_back_and_nothing_else(machine: Path) -> None:
    view = plan(machine, "root/venv", "opt/tools", covered=("root",))
    assert view.covers == ((str(machine / "root"), "0755", sandbox.COVER_SIZE),)
    assert own(view) == [str(machine / "root/venv")]


def test_a_folder_that_nobody_else_may_enter_is_covered_too(machine: Path) -> None:
    view = plan(machine, "root/venv", "root/python")
    assert [path for path, _, _ in view.covers] == [str(machine / "root")]
    assert own(view) == [str(machine / "root/python"), str(machine / "root/venv")]


def test_covers_and_what_is_put_back_are_not_nested(machine: Path) -> None:
    view = plan(machine, "root/venv", "root/venv/bin", covered=("root", "root/venv"))
    assert [path for path, _, _ in view.covers] == [str(machine / "root")]
    assert own(view) == [str(machine / "root/venv")]


def test_the_learners_own(machine: Path) -> None:
    view = plan(machine, "opt/tools", covered=("nothing",))
    assert view.covers == ()
    assert view.binds == (
        ("/state/anna/kubeconfig", "/run/k8s-tutor/kubeconfig", True),
        ("/state/anna/assigned.json", "/run/k8s-tutor/assigned.json", True),
        ("/state/anna/home", "/home/anna", False),
    )
