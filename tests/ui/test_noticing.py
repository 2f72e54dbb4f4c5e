"""Results that count, a step that turns done, a finding's line, steps done once more, the command log."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import Any

import pytest
from fakes import LAB, PASS, STEPS, TODO, WAITING, WRONG, FakeDesk, FakeSession
from helpers import TestApp, in_lab, make, rows, session_of, shown, told, until

from k8s_tutor.labs.model import Mode
from k8s_tutor.session.journal import How
from k8s_tutor.session.state import Link
from k8s_tutor.ui.screens.commands import CommandsScreen
from k8s_tutor.ui.screens.confirm import ConfirmScreen
from k8s_tutor.ui.widgets.editor import EditorPane, YamlArea
from k8s_tutor.ui.widgets.finding import PlaceLine, Waited, waited
from k8s_tutor.ui.widgets.lesson import CommandLine
from k8s_tutor.ui.widgets.results import ResultsPane, moment


def waiting_at(session: FakeSession, since: float | None, until_: float | None = None) -> None:
    """The first check of the first step waits since then."""
    state = session.state()
    outcome = replace(WAITING, until=until_) if since is not None else TODO
    first = state.steps[0]
    checks = tuple(replace(check, outcome=outcome, waiting_since=since) for check in first.checks)
    session.push(steps=(replace(first, checks=checks), *state.steps[1:]))


async def test_a_waiting_result_counts_and_nothing_runs_when_nothing_waits() -> None:
    app = make(lab="lab1")
    async with app.run_test(size=(120, 36)) as pilot:
        screen = await in_lab(pilot)
        pane = screen.query_one(ResultsPane)
        assert pane._ticking is None
        waiting_at(session_of(app), time.time() - 5)
        await until(pilot, lambda: "for 5 s" in shown(app))
        await until(pilot, lambda: "for 7 s" in shown(app))  # no new state: it counts by itself
        height = pane.size.height
        waiting_at(session_of(app), time.time() - 3, time.time() + 7.9)
        await until(pilot, lambda: "for 3 s, 7 s left" in shown(app) or "for 4 s, 6 s left" in shown(app))
        assert pane.size.height == height
        waiting_at(session_of(app), None)
        await until(pilot, lambda: pane._ticking is None and not screen.query_one(Waited).display)
        assert "left" not in shown(app)


def test_how_long_is_told_in_words() -> None:
    assert waited(100.0, None, 104.6) == "for 4 s"
    assert waited(100.0, None, 172.0) == "for 1 min 12 s"
    assert waited(100.0, 110.0, 104.0) == "for 4 s, 6 s left"
    assert waited(100.0, 110.0, 140.0) == "for 40 s, 0 s left"
    assert waited(None, None, 1.0) == ""


async def test_a_step_that_turns_done_lights_up_says_why_and_takes_no_key() -> None:
    app = make(lab="lab1")
    app.animation_level = "full"
    async with app.run_test(notifications=True, size=(120, 36)) as pilot:
        screen = await in_lab(pilot)
        focused = screen.focused
        session_of(app).push_checks("write", PASS)
        await until(pilot, lambda: screen.has_class("joy"))
        assert screen.focused is focused
        await until(pilot, lambda: "why  The file holds what you want" in shown(app))
        await until(pilot, lambda: "n goes on" in shown(app))
        await until(pilot, lambda: not screen.has_class("joy"))
        session_of(app).push_checks("write", PASS)
        await pilot.pause()
        assert not screen.has_class("joy")  # not each time a state says so again


async def test_what_was_done_before_the_cluster_is_heard_again_is_no_news() -> None:
    app = make(lab="lab1")
    app.animation_level = "full"
    async with app.run_test(notifications=True, size=(120, 36)) as pilot:
        screen = await in_lab(pilot)
        session = session_of(app)
        first, *others = session.state().steps
        session.push(link=Link.CONNECTING, steps=(replace(first, done_earlier=True), *others))
        await until(pilot, lambda: not screen.state.live)
        done = replace(first, checks=(replace(first.checks[0], outcome=PASS),), done=True)
        session.push(link=Link.LIVE, steps=(done, *others))
        await until(pilot, lambda: screen.step.done)
        await pilot.pause()
        assert not screen.has_class("joy") and "n goes on" not in shown(app)


async def test_nothing_lights_up_where_animations_are_off_and_why_is_told_where_the_lesson_is_not() -> None:
    app = make(lab="lab1")
    app.animation_level = "none"
    async with app.run_test(notifications=True, size=(80, 24)) as pilot:
        screen = await in_lab(pilot)
        await pilot.press("o")
        session_of(app).push_checks("write", PASS)
        await until(pilot, lambda: "done" in shown(app) and "The file holds" in shown(app))
        assert not screen.has_class("joy")


async def test_what_happened_once_is_told_by_its_evidence_and_its_time() -> None:
    first = replace(STEPS[0], checks=tuple(replace(check, mode=Mode.EDGE) for check in STEPS[0].checks))
    session = FakeSession(replace(LAB, steps=(first, *STEPS[1:])))
    app = make(FakeDesk(session=session), lab="lab1")
    async with app.run_test(size=(120, 36)) as pilot:
        await in_lab(pilot)
        state = session.state()
        at = time.time() - 60
        checks = tuple(replace(check, outcome=PASS, proven_at=at) for check in state.steps[0].checks)
        session.push(steps=(replace(state.steps[0], checks=checks, done=True), *state.steps[1:]))
        clock = time.strftime("%H:%M:%S", time.localtime(at))
        await until(pilot, lambda: f"proven {clock} · applied at 20:14:03 by kubectl" in shown(app))


def test_a_moment_of_another_day_has_its_day() -> None:
    now = time.mktime((2026, 11, 23, 12, 0, 0, 0, 0, -1))
    assert moment(now - 3600, now) == "11:00:00"
    assert moment(now - 86_400, now) == "22 Nov 12:00:00"


async def red(app: TestApp, pilot: Any) -> None:
    session_of(app).edit_outside("nginx-service.yaml", "\n" * 20)
    session_of(app).push_checks("write", WRONG)
    await until(pilot, lambda: "line 9 of nginx-service.yaml" in shown(app))


@pytest.mark.parametrize("size", [(80, 24), (120, 36), (200, 60)])
async def test_a_finding_leads_to_the_line_of_the_file(size: tuple[int, int]) -> None:
    app = make(lab="lab1")
    async with app.run_test(size=size) as pilot:
        screen = await in_lab(pilot)
        session_of(app).edit_outside("nginx-service.yaml", "\n" * 20)
        session_of(app).push_checks("write", WRONG)
        await until(pilot, lambda: len(screen.query(PlaceLine)) == 1)
        screen.query_one(PlaceLine).focus()
        await pilot.press("enter")
        await until(pilot, lambda: screen.query_one(EditorPane).current == "nginx-service.yaml")
        assert screen.query_one(YamlArea).cursor_location == (8, 0)
        await until(pilot, lambda: "nginx-service.yaml" in shown(app))


async def test_a_line_of_a_file_that_is_gone_is_told() -> None:
    app = make(lab="lab1")
    async with app.run_test(notifications=True, size=(120, 36)) as pilot:
        screen = await in_lab(pilot)
        session_of(app).push_checks("write", WRONG)
        await until(pilot, lambda: len(screen.query(PlaceLine)) == 1)
        await pilot.click(PlaceLine)
        await until(pilot, lambda: "is not in your folder" in shown(app))
        assert screen.query_one(EditorPane).current == "nginx-pod.yaml"


async def test_a_findings_command_is_copied_with_y(monkeypatch: pytest.MonkeyPatch) -> None:
    app = make(lab="lab1")
    copied: list[str] = []
    monkeypatch.setattr(app, "copy_to_clipboard", copied.append)
    async with app.run_test(notifications=True, size=(120, 36)) as pilot:
        screen = await in_lab(pilot)
        await red(app, pilot)
        screen.query_one(".finding-command CommandLine", CommandLine).focus()
        await pilot.press("y")
        await until(pilot, lambda: copied == ["kubectl get endpointslices -o yaml"])


async def test_a_step_done_for_the_learner_can_be_done_once_more() -> None:
    step = replace(STEPS[0], checks=tuple(replace(check, mode=Mode.EDGE) for check in STEPS[0].checks))
    app = make(FakeDesk(session=FakeSession(replace(LAB, steps=(step, *STEPS[1:])))), lab="lab1")
    async with app.run_test(notifications=True, size=(120, 36)) as pilot:
        await in_lab(pilot)
        await pilot.press("r")
        await until(pilot, lambda: "not done yet" in shown(app))
        session_of(app).push_checks("write", PASS, solved=True)
        await until(pilot, lambda: "r  it was done for you" in shown(app))
        await pilot.press("r")
        await until(pilot, lambda: isinstance(app.screen, ConfirmScreen))
        assert ("once more" in told(app) and "learner" in told(app)) or "Nothing on the cluster" in told(app)
        await pilot.press("escape")
        await until(pilot, lambda: not isinstance(app.screen, ConfirmScreen))
        assert ("redo", "write") not in session_of(app).asked
        await pilot.press("r")
        await until(pilot, lambda: isinstance(app.screen, ConfirmScreen))
        await pilot.press("y")
        await until(pilot, lambda: ("redo", "write") in session_of(app).asked)
        await until(pilot, lambda: "yours again" in shown(app))


async def test_what_only_looks_cannot_be_done_once_more() -> None:
    lab = replace(LAB, steps=(replace(STEPS[3], id="read"), *STEPS[:3]))
    app = make(FakeDesk(session=FakeSession(lab)), lab="lab1")
    async with app.run_test(notifications=True, size=(120, 36)) as pilot:
        await in_lab(pilot)
        await pilot.press("r")
        await until(pilot, lambda: "only looks at how things" in shown(app))


@pytest.mark.parametrize("size", [(80, 24), (120, 40), (200, 60)])
async def test_the_command_log_lists_what_was_done_and_gives_a_command_to_the_prompt(
    size: tuple[int, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    app = make(lab="lab1")
    copied: list[str] = []
    monkeypatch.setattr(app, "copy_to_clipboard", copied.append)
    async with app.run_test(notifications=True, size=size) as pilot:
        await in_lab(pilot)
        journal = session_of(app).journal
        journal.note("kubectl get pods --watch", "every change of your pods", how=How.OPEN)
        journal.note("kubectl delete pod [red]x[/]\x1b[2J", "solution", result="pod deleted", seconds=0.04)
        await pilot.press("c")
        await until(pilot, lambda: isinstance(app.screen, CommandsScreen))
        await until(pilot, lambda: "kubectl delete pod [red]x[/]" in shown(app))
        assert "goes on" in shown(app) and "pod deleted · 40 ms" in shown(app)
        with pytest.raises(RuntimeError), journal.deed("kubectl apply -f a.yaml", "apply"):
            raise RuntimeError("no")
        await until(pilot, lambda: "refused · RuntimeError: no" in shown(app))  # live
        await pilot.press("enter")
        await until(pilot, lambda: not isinstance(app.screen, CommandsScreen))
        await until(pilot, lambda: copied == ["kubectl apply -f a.yaml"])  # no terminal here: it is copied
        assert not journal._callbacks


async def test_a_long_command_of_the_log_goes_on_under_its_own_words() -> None:
    app = make(lab="lab1")
    async with app.run_test(size=(80, 24)) as pilot:
        await in_lab(pilot)
        session_of(app).journal.note("kubectl get pods " + "--selector=app=nginx " * 9, "a long look")
        await pilot.press("c")
        await until(pilot, lambda: "a long look" in shown(app))
        lines_of_it = [row for row in rows(app) if "--selector" in row]
        assert len(lines_of_it) > 2
        edge = lines_of_it[0].index("kubectl")
        assert all(row.index("--selector") == edge for row in lines_of_it[1:])
        await pilot.resize_terminal(120, 30)
        await until(pilot, lambda: max(len(row.rstrip()) for row in rows(app) if "--selector" in row) > 90)
        assert all(row.index("--selector") >= 14 for row in rows(app) if "--selector" in row)


async def test_who_reads_further_up_in_the_command_log_stays_there() -> None:
    app = make(lab="lab1")
    async with app.run_test(size=(80, 24)) as pilot:
        await in_lab(pilot)
        journal = session_of(app).journal
        for number in range(40):
            journal.note(f"kubectl get pod p{number}", "look")
        await pilot.press("c")
        await until(pilot, lambda: "kubectl get pod p39" in shown(app))
        await pilot.press("home")
        await until(pilot, lambda: "kubectl get pod p0" in shown(app))
        journal.note("kubectl get pod new", "look")
        screen = app.screen
        assert isinstance(screen, CommandsScreen)
        await until(pilot, lambda: len(screen._shown) == 41)
        await pilot.pause()
        assert "kubectl get pod p0" in shown(app)
        await pilot.press("escape")
        await until(pilot, lambda: app.screen is not screen)
