"""The screens that explain: what happened, who answered, the summary."""

from __future__ import annotations

import sys
import time
from pathlib import Path

import pytest
from fakes import FakeDesk, FakeSession, deployment_lives
from helpers import in_lab, make, session_of, shown, until

from k8s_tutor.ui.screens.lab import LabScreen
from k8s_tutor.ui.screens.story import StoryScreen
from k8s_tutor.ui.widgets.timelines import drawn

sys.path.insert(0, str(Path(__file__).parents[1] / "unit" / "session"))

from k8s_tutor.session.timeline import Row

SIZES = [(80, 24), (120, 40), (200, 60)]


def recorded(name: str):
    from test_timeline import load

    return load(name)


@pytest.mark.parametrize("size", SIZES)
async def test_t_shows_the_newest_deed_by_component_and_the_arrows_the_others(size: tuple[int, int]) -> None:
    app = make(lab="lab1")
    async with app.run_test(size=size) as pilot:
        await in_lab(pilot)
        session = session_of(app)
        session.push(record=recorded("lab2-scaled"))
        await pilot.press("t")
        await until(
            pilot, lambda: isinstance(app.screen, StoryScreen) and "deed 7 of 7" in " ".join(shown(app).split())
        )
        text = shown(app)
        assert "deployment/nginx-deployment" in text and "by you (kubectl)" in " ".join(text.split())
        assert (
            "+25 ms" in text and "replicaset ctrl" in text and "made 7 pods" in " ".join(text.split()) and "█" in text
        )
        await pilot.press("left", "left", "left", "left")
        await until(pilot, lambda: "deed 3 of 7" in " ".join(shown(app).split()))
        assert "made ReplicaSet 648fb66cc5" in shown(app)
        await pilot.press("right")
        await until(pilot, lambda: "deed 4 of 7" in " ".join(shown(app).split()))
        assert "deletion accepted" in shown(app)
        await pilot.press("escape")
        await until(pilot, lambda: isinstance(app.screen, LabScreen))


async def test_after_an_apply_t_shows_the_object_just_applied() -> None:
    session = FakeSession()
    session.files["nginx-pod.yaml"] = "kind: Pod\n"
    session.applied = ("deployment/nginx-deployment unchanged",)
    app = make(FakeDesk(session=session), lab="lab1")
    async with app.run_test(size=(120, 40)) as pilot:
        await in_lab(pilot)
        session.push(record=recorded("lab2-stray"))
        session.edit_outside("nginx-pod.yaml", "kind: Pod\n")
        await pilot.press("a")
        await until(pilot, lambda: "t shows what happened then" in shown(app))
        await pilot.press("t")
        await until(pilot, lambda: isinstance(app.screen, StoryScreen) and "deployment/nginx-deployment" in shown(app))
        await pilot.press("escape")
        await until(pilot, lambda: isinstance(app.screen, LabScreen))
        await pilot.press("t")
        await until(pilot, lambda: isinstance(app.screen, StoryScreen) and "service/nginx-service" in shown(app))


async def test_a_deed_on_view_stays_while_more_happens_and_the_mouse_is_as_good_as_keys() -> None:
    app = make(lab="lab1")
    async with app.run_test(size=(120, 40)) as pilot:
        await in_lab(pilot)
        session = session_of(app)
        session.push(record=recorded("lab2-deleted"))
        await pilot.press("t")
        await until(pilot, lambda: isinstance(app.screen, StoryScreen) and "deed 4 of 4" in shown(app))
        await pilot.click("Knob")  # earlier
        await until(pilot, lambda: "deed 3 of 4" in shown(app))
        session.push(record=recorded("lab2-scaled"))
        await until(pilot, lambda: "deed 3 of 7" in shown(app))


async def test_what_was_not_watched_says_about() -> None:
    app = make(lab="lab1")
    async with app.run_test(size=(120, 40)) as pilot:
        await in_lab(pilot)
        session_of(app).push_record(lives=deployment_lives(time.time()))
        await pilot.press("t")
        await until(pilot, lambda: isinstance(app.screen, StoryScreen) and "deed 4 of 4" in shown(app))
        await pilot.press("left")
        await until(pilot, lambda: "about 20:00:0" in shown(app))
        assert "known to the second only" in shown(app)


def test_bars_are_to_scale_and_never_vanish() -> None:
    assert drawn(Row(0, 0, 10, "", ""), 10, 8) == "████████"
    assert drawn(Row(0, 5, 10, "", ""), 10, 8) == "    ████"
    assert drawn(Row(0, 0, 0, "", ""), 10, 8) == "▏"
    assert drawn(Row(10, 10, 10, "", ""), 10, 8).strip() and len(drawn(Row(10, 10, 10, "", ""), 10, 8)) == 8
    assert drawn(Row(0, 0, 0, "", ""), 0, 8) == "▏"
