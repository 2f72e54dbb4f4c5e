"""A few screens as plain text.

Wanted to change one? ``K8S_TUTOR_GOLDENS=write pytest tests/ui/test_goldens.py``, and read the diff.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from fakes import PASS, WAITING, WRONG, FakeDesk
from helpers import in_lab, make, session_of, shown, until
from textual.pilot import Pilot

from k8s_tutor.ui.ports import LabCard

FOLDER = Path(__file__).parent / "goldens"


async def golden(pilot: Pilot[Any], name: str) -> None:
    """Wait until the screen is the golden one, to the letter."""
    file = FOLDER / f"{name}.txt"
    if os.environ.get("K8S_TUTOR_GOLDENS") == "write":
        await pilot.pause(1.0)
        file.write_text(shown(pilot.app) + "\n", encoding="utf-8")
    wanted = file.read_text(encoding="utf-8")
    await until(pilot, lambda: shown(pilot.app) + "\n" == wanted)


async def test_home() -> None:
    desk = FakeDesk()
    desk.shown = [
        LabCard("lab1", "A Pod", "One container, run by Kubernetes.", 25, 10, 10),
        LabCard("lab2", "A Deployment", "Three pods that come back.", 35, 4, 10, "delete one pod", 2),
        LabCard("lab3", "Jobs", "Work that ends.", 20, 0, 8),
    ]
    app = make(desk)
    async with app.run_test(size=(100, 16)) as pilot:
        await until(pilot, lambda: "delete one pod" in shown(app) and "● ready" in shown(app))
        await golden(pilot, "home")


async def test_lab_in_one_column() -> None:
    app = make(lab="lab1")
    async with app.run_test(size=(80, 24)) as pilot:
        screen = await in_lab(pilot)
        await screen.look_at(2)
        session_of(app).push_checks("apply", PASS, WAITING, WRONG)
        await until(pilot, lambda: "1✓ 1◐ 1✗" in shown(app) and "◐ its container" in shown(app))
        await pilot.press("5")
        await until(pilot, lambda: "✗ every ready pod" in shown(app) and "1,000" not in shown(app))
        await golden(pilot, "results-80x24")


async def test_lab_in_two_columns() -> None:
    app = make(lab="lab1")
    async with app.run_test(size=(120, 30)) as pilot:
        await in_lab(pilot)
        session = session_of(app)
        await pilot.press("m", "ctrl+s", "escape")
        await until(pilot, lambda: "✓ saved" in shown(app))
        session.push_checks("write", PASS)
        await until(pilot, lambda: "next: Which fields" in shown(app))
        await golden(pilot, "lab-120x30")
