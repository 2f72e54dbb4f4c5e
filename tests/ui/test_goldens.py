"""The main screens as plain text, at three sizes.

Wanted to change one? ``K8S_TUTOR_GOLDENS=write pytest tests/ui/test_goldens.py``, and read the diff.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest
from fakes import BROKEN, PASS, WAITING, WRONG, FakeDesk
from helpers import in_lab, make, rows, session_of, shown, until
from textual.pilot import Pilot

from k8s_tutor.ui.ports import LabCard

FOLDER = Path(__file__).parent / "goldens"
SIZES = [(80, 24), (120, 40), (200, 60)]


async def golden(pilot: Pilot[Any], name: str) -> None:
    """Wait until the screen is the golden one, to the letter."""
    width, height = pilot.app.size
    file = FOLDER / f"{name}-{width}x{height}.txt"
    if os.environ.get("K8S_TUTOR_GOLDENS") == "write":
        await pilot.pause(1.0)
        file.write_text(shown(pilot.app) + "\n", encoding="utf-8")
    wanted = file.read_text(encoding="utf-8")
    await until(pilot, lambda: shown(pilot.app) + "\n" == wanted)


@pytest.mark.parametrize("size", SIZES)
async def test_home(size: tuple[int, int]) -> None:
    desk = FakeDesk()
    desk.shown = [
        LabCard("lab1", "A Pod", "One container, run by Kubernetes.", 25, 10, 10),
        LabCard("lab2", "A Deployment", "Three pods that come back.", 35, 4, 10, "delete one pod", 2),
        LabCard("lab3", "Jobs", "Work that ends.", 20, 0, 8),
    ]
    app = make(desk)
    async with app.run_test(size=size) as pilot:
        await until(pilot, lambda: "prod-eu" in shown(app) and "● ready" in shown(app))
        await golden(pilot, "home")


@pytest.mark.parametrize("size", SIZES)
async def test_lab(size: tuple[int, int]) -> None:
    app = make(lab="lab1")
    async with app.run_test(size=size) as pilot:
        await in_lab(pilot)
        await pilot.press("m", "ctrl+s", "escape", "1")
        await until(
            pilot,
            lambda: session_of(app).asked[-1][:2] == ("save", "nginx-pod.yaml") if session_of(app).asked else False,
        )
        session_of(app).push_checks("write", PASS)
        await until(pilot, lambda: "next: Which fields" in shown(app))
        await golden(pilot, "lab")


@pytest.mark.parametrize("size", SIZES)
async def test_results(size: tuple[int, int]) -> None:
    app = make(lab="lab1")
    async with app.run_test(size=size) as pilot:
        screen = await in_lab(pilot)
        await screen.look_at(2)
        session_of(app).push_checks("apply", PASS, WAITING, WRONG)
        await pilot.press("5")
        await until(pilot, lambda: "✗ every ready pod" in shown(app))
        await golden(pilot, "results")


@pytest.mark.parametrize("size", SIZES)
async def test_help_for_a_pane(size: tuple[int, int]) -> None:
    app = make(lab="lab1")
    async with app.run_test(size=size) as pilot:
        await in_lab(pilot)
        await pilot.press("f1")
        await until(pilot, lambda: "The lesson: one short step" in shown(app))
        await golden(pilot, "help")


@pytest.mark.parametrize("size", SIZES)
async def test_a_failed_bring_up(size: tuple[int, int]) -> None:
    desk = FakeDesk(cluster=None)
    desk.error = BROKEN
    app = make(desk, lab="lab1")
    async with app.run_test(size=size) as pilot:
        await until(pilot, lambda: "r  try again" in shown(app) and rows(app)[0] == "")
        await golden(pilot, "bring-up")
