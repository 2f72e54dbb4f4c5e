"""From 20 by 5 to 160 columns, in light, dark, the terminal's own colours and none."""

from __future__ import annotations

import time

import pytest
from fakes import PASS, WAITING, WRONG, deployment_lives
from helpers import in_lab, make, rows, session_of, shown, until
from textual.widgets import TextArea

from k8s_tutor.ui import settings


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


async def test_the_split_is_moved_by_key_and_mouse_and_remembered() -> None:
    app = make(lab="lab1")
    async with app.run_test(notifications=True, size=(120, 36)) as pilot:
        screen = await in_lab(pilot)
        left = screen.query_one("#left")
        assert left.region.width == 54  # 45 %
        await pilot.press("greater_than_sign")
        await until(pilot, lambda: left.region.width == 58)
        await pilot.press("less_than_sign", "less_than_sign")
        await until(pilot, lambda: left.region.width == 49)
        line = screen.query_one("#divider-left")
        await pilot.mouse_down(line, offset=(0, 5))
        await pilot.hover(screen, offset=(72, 10))
        await until(pilot, lambda: left.region.width == 72)
        await pilot.mouse_up(screen, offset=(72, 10))
        await until(pilot, lambda: settings.load().split == (60,))
        await pilot.resize_terminal(160, 40)
        cluster = screen.query_one("#cluster")
        await until(pilot, lambda: cluster.region.width == 40)  # 25 %
        cluster.focus()
        await pilot.press("less_than_sign")
        await until(pilot, lambda: cluster.region.width == 46 and settings.load().three == (26, 29))
    again = make(lab="lab1")
    async with again.run_test(size=(120, 36)) as pilot:
        screen = await in_lab(pilot)
        await until(pilot, lambda: screen.query_one("#left").region.width == 72)


@pytest.mark.parametrize("pane", ["lesson", "results", "manifest", "cluster"])
async def test_each_pane_can_be_alone_and_says_so(pane: str) -> None:
    app = make(lab="lab1")
    async with app.run_test(notifications=True, size=(160, 40)) as pilot:
        screen = await in_lab(pilot)
        session_of(app).push_record(lives=deployment_lives(time.time()))
        words = {
            "lesson": "Everything Kubernetes runs",
            "results": "○ nginx-pod.yaml describes the Pod",
            "manifest": "move the cursor onto a line",
            "cluster": "nginx-deployment",
        }
        await until(pilot, lambda: all(word in shown(app) for word in words.values()))
        target = {"lesson": "#reading", "results": "#standing", "manifest": "#editor", "cluster": "#cluster"}[pane]
        screen.query_one(target).focus()
        await pilot.pause()
        screen.action_zoom()
        hidden = [word for name, word in words.items() if name != pane and (name, pane) != ("results", "lesson")]
        await until(
            pilot,
            lambda: (
                words[pane] in shown(app)
                and "alone: z shows all" in shown(app)
                and not any(word in shown(app) for word in hidden)
            ),
        )
        screen.query_one(target).focus()
        screen.action_zoom()
        await until(pilot, lambda: all(word in shown(app) for word in words.values()))


async def test_the_focus_shows_without_colour() -> None:
    app = make(lab="lab1")
    async with app.run_test(size=(120, 36)) as pilot:
        screen = await in_lab(pilot)
        await until(pilot, lambda: rows(app)[2].startswith("┃"))
        screen.query_one("#standing").focus()
        await until(pilot, lambda: not rows(app)[2].startswith("┃"))
        at = screen.query_one("#standing").region.y + 2
        await until(pilot, lambda: rows(app)[at].startswith("┃"))


async def test_the_focus_shows_at_the_edge_of_the_clusters_rows_down_to_the_last_line() -> None:
    app = make(lab="lab1")
    async with app.run_test(size=(80, 24)) as pilot:
        screen = await in_lab(pilot)
        await pilot.press("4")
        region = screen.query_one("#cluster-rows").region

        def edges() -> set[str]:
            return {rows(app)[y][region.x] for y in range(region.y, region.bottom)}

        await until(pilot, lambda: edges() == {"┃", "▸"} or edges() == {"┃"})
        await pilot.press("1")
        await pilot.press("4")
        await until(pilot, lambda: edges() <= {"┃", "▸"})


async def test_at_119_columns_there_is_one_pane() -> None:
    app = make(lab="lab1")
    async with app.run_test(size=(119, 36)) as pilot:
        await in_lab(pilot)
        await until(pilot, lambda: "Everything Kubernetes" in shown(app))
        assert "nginx-pod.yaml  " not in rows(app)[4] and "Manifest" in rows(app)[2]
