"""Home, bring-up, and out again."""

from __future__ import annotations

import time

from fakes import BROKEN, FakeDesk, FakeSession
from helpers import in_lab, make, session_of, shown, told, until

from k8s_tutor.ui.screens.bringup import BringUpScreen
from k8s_tutor.ui.screens.confirm import ConfirmScreen
from k8s_tutor.ui.screens.home import HomeScreen
from k8s_tutor.ui.screens.lab import LabScreen


async def test_home_shows_labs_progress_and_cluster() -> None:
    app = make()
    async with app.run_test(notifications=True, size=(100, 24)) as pilot:
        await until(pilot, lambda: "A Deployment" in shown(app) and "ready" in shown(app))
        text = shown(app)
        assert "1 of 10" in text and "continue at: delete one pod" in text
        assert "v1.37.2" in text and "1 node" in text
        assert "/home/learner/k8s-tutor/lab1" in text


async def test_home_says_what_opening_a_lab_would_do_without_a_cluster() -> None:
    app = make(FakeDesk(cluster=None))
    async with app.run_test(notifications=True, size=(80, 24)) as pilot:
        await until(pilot, lambda: "makes a Kubernetes cluster on this machine (about 12 s)" in shown(app))
        assert "no cluster runs" in shown(app) and "Nothing else" in shown(app)


async def test_enter_brings_the_cluster_up_with_live_phases_and_then_opens_the_lab() -> None:
    desk = FakeDesk(cluster=None)
    desk.go.clear()
    app = make(desk)
    async with app.run_test(notifications=True, size=(80, 24)) as pilot:
        await until(pilot, lambda: "A Deployment" in shown(app))
        await pilot.press("enter")
        await until(pilot, lambda: "waiting for its first leader" in shown(app))
        text = shown(app)
        assert "✓ node" in text and "◐ etcd" in text and "· apiserver" in text
        assert "the store: every object" in text and "left" in text and "40%" in text
        desk.go.set()
        await in_lab(pilot)


async def test_leaving_the_bring_up_does_not_end_it() -> None:
    desk = FakeDesk(cluster=None)
    desk.go.clear()
    app = make(desk)
    async with app.run_test(notifications=True, size=(80, 24)) as pilot:
        await until(pilot, lambda: "A Deployment" in shown(app))
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(app.screen, BringUpScreen))
        await pilot.press("escape")
        await until(pilot, lambda: isinstance(app.screen, HomeScreen) and "being started" in shown(app))
        assert app.startup.running
        desk.go.set()
        await until(pilot, lambda: not app.startup.running)
        assert desk.starts == 1
        await pilot.press("enter")
        await in_lab(pilot)


async def test_a_failed_start_says_what_and_the_remedy_and_can_be_tried_again() -> None:
    desk = FakeDesk(cluster=None)
    desk.error = BROKEN
    app = make(desk, lab="lab1")
    async with app.run_test(notifications=True, size=(80, 24)) as pilot:
        await until(pilot, lambda: "did not come up" in shown(app) and "free 2 GB" in shown(app))
        text = shown(app)
        assert "no space left" in text and "free 2 GB" in text and "failed" in text
        desk.error = None
        await pilot.press("r")
        await in_lab(pilot)
        assert desk.starts == 2


async def test_a_lab_named_on_the_command_line_is_opened_at_once() -> None:
    app = make(lab="lab1")
    async with app.run_test(notifications=True, size=(120, 30)) as pilot:
        screen = await in_lab(pilot)
        assert screen.step.step.id == "write"


async def test_back_to_the_labs_closes_the_session() -> None:
    app = make(lab="lab1")
    async with app.run_test(notifications=True, size=(120, 30)) as pilot:
        await in_lab(pilot)
        await pilot.press("b")
        await until(pilot, lambda: isinstance(app.screen, HomeScreen))
        await until(pilot, lambda: session_of(app).closed.is_set())


async def test_quitting_takes_less_than_a_second_while_calls_hang() -> None:
    session = FakeSession()
    session.hangs = True
    app = make(FakeDesk(session=session), lab="lab1")
    try:
        async with app.run_test(notifications=True, size=(120, 30)) as pilot:
            await in_lab(pilot)
            await pilot.press("h", "a")
            await until(pilot, lambda: session.asked)
            began = time.monotonic()
            await pilot.press("q")
            await until(pilot, lambda: not app.is_running or app.return_code == 0)
        assert time.monotonic() - began < 1.0
    finally:
        session.hang.set()
    assert app.return_value == 0


async def test_quitting_asks_only_when_typed_text_would_be_lost() -> None:
    app = make(lab="lab1")
    async with app.run_test(notifications=True, size=(120, 30)) as pilot:
        await in_lab(pilot)
        await pilot.press("e", *"kind", "escape", "q")
        await until(pilot, lambda: isinstance(app.screen, ConfirmScreen))
        assert "nginx-pod.yaml" in shown(app)
        await pilot.press("n")
        await until(pilot, lambda: isinstance(app.screen, LabScreen))
        assert app.is_running


async def test_starting_over_from_home_names_cluster_and_namespace() -> None:
    app = make()
    async with app.run_test(notifications=True, size=(100, 24)) as pilot:
        await until(pilot, lambda: "running" in shown(app) or "● learner" in shown(app))
        await pilot.press("r")
        await until(pilot, lambda: isinstance(app.screen, ConfirmScreen))
        assert "namespace learner" in told(app) and "cluster learner" in told(app)
        await pilot.press("y")
        await until(pilot, lambda: ("reset",) in session_of(app).asked)
        await until(pilot, lambda: session_of(app).closed.is_set())
