"""Nothing typed is lost, and the banner says what is wrong and what is being done."""

from __future__ import annotations

import time

import pytest
from fakes import FakeDesk, FakeSession
from helpers import in_lab, make, shown, until

from k8s_tutor.errors import EnvironmentFault
from k8s_tutor.session.drafts import Draft
from k8s_tutor.session.state import Link
from k8s_tutor.ui.screens import lab_drafts
from k8s_tutor.ui.screens.confirm import ConfirmScreen
from k8s_tutor.ui.screens.home import HomeScreen
from k8s_tutor.ui.screens.lab import LabScreen
from k8s_tutor.ui.widgets.editor import EditorPane
from k8s_tutor.ui.widgets.statusbar import lost_link

SIZE = (160, 40)


@pytest.fixture(autouse=True)
def _soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lab_drafts, "KEEP_AFTER", 0.01)
    monkeypatch.setattr(lab_drafts, "RETRY", 0.05)


async def test_typed_text_is_kept_beside_and_let_go_once_saved() -> None:
    session = FakeSession()
    app = make(FakeDesk(session=session), lab="lab1")
    async with app.run_test(notifications=True, size=SIZE) as pilot:
        await in_lab(pilot)
        await pilot.press("e", *"kind")
        await until(pilot, lambda: session.kept == (Draft("nginx-pod.yaml", "kind", None),))
        assert session.files == {}
        await pilot.press("ctrl+s")
        await until(pilot, lambda: session.files and session.kept == ())


async def test_what_a_killed_tutor_held_is_brought_back_and_the_file_stays_as_it_is() -> None:
    session = FakeSession()
    session.edit_outside("nginx-pod.yaml", "kind: Pod\n")
    session.kept = (Draft("nginx-pod.yaml", "kind: Pod\nmetadata:\n", "kind: Pod\n"),)
    app = make(FakeDesk(session=session), lab="lab1")
    async with app.run_test(notifications=True, size=SIZE) as pilot:
        screen = await in_lab(pilot)
        await until(pilot, lambda: "brought back: typed before" in shown(app))
        editor = screen.query_one(EditorPane)
        assert editor.text == "kind: Pod\nmetadata:\n" and editor.unsaved == "nginx-pod.yaml"
        assert session.files == {"nginx-pod.yaml": "kind: Pod\n"} and ("save", "nginx-pod.yaml") not in session.asked
        await pilot.press("e", "ctrl+r")
        await until(pilot, lambda: editor.text == "kind: Pod\n" and not editor.unsaved)
        await until(pilot, lambda: session.kept == ())


async def test_a_file_that_changed_meanwhile_is_a_conflict_that_the_learner_decides() -> None:
    session = FakeSession()
    session.edit_outside("nginx-pod.yaml", "theirs\n")
    session.kept = (Draft("nginx-pod.yaml", "mine\n", "before\n"),)
    app = make(FakeDesk(session=session), lab="lab1")
    async with app.run_test(notifications=True, size=SIZE) as pilot:
        screen = await in_lab(pilot)
        await until(pilot, lambda: "Another program changed this file" in shown(app))
        editor = screen.query_one(EditorPane)
        assert editor.text == "mine\n" and session.files["nginx-pod.yaml"] == "theirs\n"
        await pilot.press("e", "ctrl+s")
        await until(pilot, lambda: session.files["nginx-pod.yaml"] == "mine\n")


async def test_leaving_without_saving_gives_up_and_going_home_does_not() -> None:
    session = FakeSession()
    app = make(FakeDesk(session=session), lab="lab1")
    async with app.run_test(notifications=True, size=SIZE) as pilot:
        await in_lab(pilot)
        await pilot.press("e", *"kind", "escape", "b")
        await until(pilot, lambda: isinstance(app.screen, HomeScreen))
        await until(pilot, lambda: [draft.text for draft in session.kept] == ["kind"])
        app.open_lab("lab1")
        await in_lab(pilot)
        await until(pilot, lambda: "brought back" in shown(app))
        await pilot.press("q")
        await until(pilot, lambda: isinstance(app.screen, ConfirmScreen))
        began = time.monotonic()
        await pilot.press("y")
        await until(pilot, lambda: not app.is_running or app.return_code == 0)
        assert time.monotonic() - began < 1.0
    assert session.kept == ()


async def test_a_full_disk_keeps_the_text_says_so_and_is_tried_again(monkeypatch: pytest.MonkeyPatch) -> None:
    session = FakeSession()
    app = make(FakeDesk(session=session), lab="lab1")
    async with app.run_test(notifications=True, size=SIZE) as pilot:
        screen = await in_lab(pilot)
        session.full = session.refuse = EnvironmentFault(
            "nginx-pod.yaml cannot be written: No space left on device", code="workspace"
        )
        await pilot.press("e", *"kind", "ctrl+s")
        await until(pilot, lambda: "No space left on device" in shown(app) and "tried again" in shown(app))
        assert screen.query_one(EditorPane).text == "kind" and session.files == {}
        session.full = session.refuse = None
        await until(pilot, lambda: session.files == {"nginx-pod.yaml": "kind"} and "✓ saved" in shown(app))
        await until(pilot, lambda: "No space left" not in shown(app).split("▌")[0])


async def test_the_banner_counts_down_says_why_and_goes_by_itself() -> None:
    session = FakeSession()
    app = make(FakeDesk(session=session), lab="lab1")
    async with app.run_test(notifications=True, size=SIZE) as pilot:
        await in_lab(pilot)
        now = time.time()
        session.push(link=Link.LOST, trouble="it did not answer in time", heard=now - 7, again=now + 4.5)
        await until(pilot, lambda: "Next try in" in shown(app))
        assert "It did not answer in time" in shown(app) and "nothing is lost" in shown(app)
        session.push(link=Link.LIVE, trouble="", heard=now, again=0.0, notes=("Progress could not be saved: full.",))
        await until(pilot, lambda: "Next try" not in shown(app) and "Progress could not be saved" in shown(app))
        session.push(notes=())
        await until(pilot, lambda: not app.screen.query_one("#banner").display)


def test_the_banner_in_words() -> None:
    session = FakeSession()
    session.push(link=Link.LOST, trouble="connection refused", heard=100.0, again=104.0)

    def words(now: float) -> str:
        return "".join(text for text, _ in lost_link(session.state(), now))

    assert "Next try in 2 s" in words(102.1) and "b, then Enter" not in words(102.1)
    assert "Trying now" in words(130.0) and "b, then Enter" in words(130.0)


@pytest.mark.parametrize("start", [(80, 24), (160, 45)])
async def test_a_terminal_made_tiny_and_back_shows_everything_again(start: tuple[int, int]) -> None:
    session = FakeSession()
    app = make(FakeDesk(session=session), lab="lab1")
    async with app.run_test(notifications=True, size=start) as pilot:
        screen = await in_lab(pilot)
        await pilot.pause()
        for size in ((20, 5), (1, 1), (20, 5), (300, 5), (20, 100), start):
            await pilot.resize_terminal(*size)
            session.push(notes=(f"{size}",))
            await pilot.pause()
            await pilot.press("o", "v", "l")
            await pilot.pause()
        await until(pilot, lambda: isinstance(app.screen, LabScreen) and "Write the manifest" in shown(app))
        assert app.is_running and screen.is_mounted
