"""From 20 by 5 to 160 columns, in light, dark, the terminal's own colours and none."""

from __future__ import annotations

import time

import pytest
from fakes import PASS, WAITING, WRONG, deployment_lives
from helpers import in_lab, make, rows, session_of, shown, until
from textual.widgets import TextArea


async def test_at_80_by_24_there_is_one_pane_and_tabs_for_the_others() -> None:
    app = make(lab="lab1")
    async with app.run_test(notifications=True, size=(80, 24)) as pilot:
        await in_lab(pilot)
        session = session_of(app)
        session.push_record(lives=deployment_lives(time.time()))
        session.push_checks("write", PASS)
        await until(pilot, lambda: "Results 1✓" in shown(app))
        assert all(name in rows(app)[2] for name in ("Lesson", "Manifest", "Terminal", "Cluster", "Results"))
        assert "Everything Kubernetes runs" in shown(app) and "nginx-deployment" not in shown(app)
        await pilot.press("4")
        await until(pilot, lambda: "nginx-deployment" in shown(app) and "Everything" not in shown(app))
        await pilot.press("2")
        await until(pilot, lambda: app.screen.query_one(TextArea).has_focus)
        assert "nginx-pod.yaml" in shown(app) and "nginx-deployment" not in shown(app)
        await pilot.press("escape", "5")
        await until(pilot, lambda: "✓ nginx-pod.yaml describes the Pod" in shown(app))
        assert "Everything Kubernetes runs" not in shown(app)


async def test_a_click_on_a_tab_chooses_it() -> None:
    app = make(lab="lab1")
    async with app.run_test(notifications=True, size=(80, 24)) as pilot:
        await in_lab(pilot)
        column = rows(app)[2].index("Cluster")
        await pilot.click(offset=(column + 2, 2))
        await until(pilot, lambda: "nothing here yet" in shown(app))


async def test_two_columns_at_120_three_at_160_and_zoom() -> None:
    app = make(lab="lab1")
    async with app.run_test(notifications=True, size=(120, 36)) as pilot:
        await in_lab(pilot)
        session_of(app).push_record(lives=deployment_lives(time.time()))
        await until(pilot, lambda: "Manifest   Terminal   Cluster" in shown(app))
        assert "Everything Kubernetes" in shown(app) and "nginx-pod.yaml" in shown(app)
        assert "nginx-deployment" not in shown(app)
        await pilot.resize_terminal(160, 40)
        await until(pilot, lambda: "nginx-deployment" in shown(app))
        assert "Everything Kubernetes" in shown(app) and "nginx-pod.yaml" in shown(app)
        await pilot.press("z")
        await until(pilot, lambda: "nginx-deployment" not in shown(app))
        assert "Everything Kubernetes" in shown(app)
        await pilot.press("z")
        await until(pilot, lambda: "nginx-deployment" in shown(app))


@pytest.mark.parametrize("size", [(20, 5), (1, 1)])
async def test_small_terminals_do_not_crash(size: tuple[int, int]) -> None:
    app = make(lab="lab1")
    async with app.run_test(notifications=True, size=(80, 24)) as pilot:
        await in_lab(pilot)
        session = session_of(app)
        session.push_record(lives=deployment_lives(time.time()))
        session.push_checks("apply", PASS, WAITING, WRONG)
        await pilot.resize_terminal(*size)
        for key in ("2", "escape", "4", "5", "1", "h", "question_mark", "escape", "t", "escape", "n", "n"):
            await pilot.press(key)
        await pilot.resize_terminal(80, 24)
        await until(pilot, lambda: "Which fields must be there" in shown(app))


@pytest.mark.parametrize("theme", ["tutor-light", "ansi-dark"])
async def test_every_theme_shows_signs_and_words(theme: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("K8S_TUTOR_THEME", theme)
    app = make(lab="lab1")
    async with app.run_test(notifications=True, size=(120, 36)) as pilot:
        screen = await in_lab(pilot)
        assert app.theme == theme
        await screen.look_at(2)
        session_of(app).push_checks("apply", PASS, WAITING, WRONG)
        await until(pilot, lambda: "✗ every ready pod answers" in shown(app))
        text = shown(app)
        assert "proven" in text and "waiting" in text and "not yet" in text


async def test_without_colour_nothing_is_lost(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    app = make(lab="lab1")
    async with app.run_test(notifications=True, size=(120, 36)) as pilot:
        screen = await in_lab(pilot)
        await screen.look_at(2)
        session_of(app).push_checks("apply", PASS, WAITING, WRONG)
        await until(pilot, lambda: "✗ every ready pod answers" in shown(app) and "● live" in shown(app))
