"""The screens that explain: what happened, who answered, the summary."""

from __future__ import annotations

import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from fakes import LAB, PASS, STEPS, FakeDesk, FakeSession, deployment_lives
from helpers import in_lab, make, session_of, shown, told, until

from k8s_tutor.errors import ClusterError
from k8s_tutor.labs.model import CheckSpec
from k8s_tutor.session.asking import Answers, Behind, PodCount
from k8s_tutor.session.met import Met
from k8s_tutor.session.progress import Past
from k8s_tutor.session.summary import Saved, summarise
from k8s_tutor.session.timeline import Row
from k8s_tutor.ui.screens.lab import LabScreen
from k8s_tutor.ui.screens.story import StoryScreen
from k8s_tutor.ui.screens.summary import SummaryScreen
from k8s_tutor.ui.screens.who import WhoScreen, who_text
from k8s_tutor.ui.widgets.timelines import drawn

sys.path.insert(0, str(Path(__file__).parents[1] / "unit" / "session"))

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


def answers(*counts: tuple[int, int], trouble: str = "", met_after: int | None = None, **more: Any) -> Answers:
    pods = tuple(PodCount(f"nginx-deployment-648fb66cc5-pod{index:02d}", *pair) for index, pair in enumerate(counts))
    place = Behind(
        "nginx-service", "10.79.164.141:80", tuple((pod.name, "u", "web") for pod in pods), 0.0, False, trouble
    )
    return Answers(place, pods, met_after, **more)


@pytest.mark.parametrize("size", SIZES)
async def test_w_counts_who_answered_and_space_sends_ten_more(size: tuple[int, int]) -> None:
    session = FakeSession()
    session.answers = answers((3, 0), (0, 0), (2, 4))
    app = make(FakeDesk(session=session), lab="lab1")
    async with app.run_test(size=size) as pilot:
        await in_lab(pilot)
        await pilot.press("w")
        await until(pilot, lambda: isinstance(app.screen, WhoScreen) and "9 requests" in shown(app))
        assert "2 of 3 pods answered so far" in told(app)
        assert "…-pod00" in shown(app) and "none yet" in shown(app) and "(2 tutor's, 4 yours)" in shown(app)
        assert "about 6 draws" in told(app) and "chance of 1 in 3" in told(app) and "Not in turn" in told(app)
        session.hangs = True
        await pilot.press("space")
        await until(pilot, lambda: ("ask", "10") in session.asked and "asking" in shown(app))
        session.listening[0].tell(answers((5, 0), (1, 0), (2, 4), met_after=11, sent=3))
        await until(pilot, lambda: "3 of 3 pods answered after 11" in told(app))
        session.answers = answers((9, 0), (4, 0), (2, 4), met_after=11, sent=10, failed={"connection refused": 2})
        session.hang.set()
        await until(pilot, lambda: "19 requests" in shown(app) and "asking" not in shown(app))
        assert "2 of 10 sent now got no answer: connection refused" in told(app)
        await pilot.press("escape")
        await until(pilot, lambda: isinstance(app.screen, LabScreen) and session.listening[0].closed)


async def test_who_answered_says_truly_why_nobody_can() -> None:
    session = FakeSession()
    app = make(FakeDesk(session=session), lab="lab1")
    async with app.run_test(size=(80, 24)) as pilot:
        await in_lab(pilot)
        await pilot.press("w")
        await until(pilot, lambda: "there is no Service nginx-service yet" in told(app))
        session.refuse = ClusterError("cannot enter the cluster's network", remedy="k8s-tutor cluster status")
        await pilot.press("space")
        await until(pilot, lambda: "cannot enter the cluster's network" in told(app) and "cluster status" in told(app))


def test_an_incomplete_round_and_a_silent_image_are_told() -> None:
    told = "\n".join(row.plain for row in who_text(answers((0, 0), sent=4, trouble=""), "x")[2])
    assert "4 were answered, but no log shows them" in told
    cut = answers((1, 0), (0, 0), sent=4)
    told = "\n".join(
        row.plain for row in who_text(replace(cut, trouble="4 of 10 were sent: the time was over"), "x")[2]
    )
    assert "4 of 10 were sent: the time was over; what was counted stands" in told
    sticky = replace(cut, behind=replace(cut.behind, sticky=True))
    told = "\n".join(row.plain for row in who_text(sticky, "x")[2])
    assert "ClientIP" in told and "draws" not in told


async def test_the_service_step_has_a_door_to_it() -> None:
    check = CheckSpec("all", "all answer", "service-balances", {"name": "nginx-service", "deployment": "d"})
    lab = replace(LAB, steps=(replace(STEPS[0], checks=(check,)), *STEPS[1:]))
    app = make(FakeDesk(session=FakeSession(lab)), lab="lab1")
    async with app.run_test(size=(120, 40)) as pilot:
        await in_lab(pilot)
        assert "who answered: send ten requests" in shown(app)
        await pilot.click("Door")
        await until(pilot, lambda: isinstance(app.screen, WhoScreen))
        assert ("look", "nginx-service") in session_of(app).asked


@pytest.mark.parametrize("size", SIZES)
async def test_u_shows_the_summary_and_where_it_was_saved(size: tuple[int, int]) -> None:
    session = FakeSession()
    past = Past(
        done={"write": 160.0},
        hints={"write": 2},
        met=(Met("file-pod", "c", "[bold]x[/] \x1b[31m", "kind is \u202ePods", 120.0, 132.0),),
        visits=((100.0, 200.0),),
    )
    session.saved = Saved(
        summarise(LAB, past, 300.0), (Path("/x/summary.md"), Path("/x/summary.html")), ("summary.md",)
    )
    app = make(FakeDesk(session=session), lab="lab1")
    async with app.run_test(size=size) as pilot:
        await in_lab(pilot)
        await pilot.press("u")
        await until(pilot, lambda: isinstance(app.screen, SummaryScreen) and "Write the manifest" in shown(app))
        text = " ".join(shown(app).split())
        assert "1 of 4 steps done in 1 min 40 s at work" in text and "2 of 3 hints" in text
        assert "[bold]x[/]" in text and "mended after 12 s" in text
        assert "\x1b" not in shown(app) and "\u202e" not in shown(app)
        await pilot.press("end")
        await until(pilot, lambda: "/x/summary.html" in told(app) and "is left as it is" in told(app))
        await pilot.press("escape")
        await until(pilot, lambda: isinstance(app.screen, LabScreen))


async def test_the_last_step_done_offers_the_summary() -> None:
    app = make(lab="lab1")
    async with app.run_test(notifications=True, size=(120, 36)) as pilot:
        screen = await in_lab(pilot)
        session = session_of(app)
        session.push_checks("write", PASS)
        session.push_checks("fields", PASS)
        session.push_checks("apply", PASS, PASS, PASS)
        session.push_checks("thousand", read=True)
        await until(pilot, lambda: "u shows your summary" in shown(app))
        await screen.look_at(3)
        await until(pilot, lambda: "your summary: steps, times" in shown(app))
