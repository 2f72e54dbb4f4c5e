"""A lab at work: everything that turns does so because a state was pushed."""

from __future__ import annotations

import threading
import time
from dataclasses import replace

from fakes import PASS, TODO, WAITING, WRONG, FakeDesk, FakeSession, deployment_lives, life, pod
from helpers import in_lab, make, session_of, shown, told, until
from textual.message import Message
from textual.widgets import Input

from k8s_tutor.errors import ClusterError
from k8s_tutor.session.state import Link
from k8s_tutor.ui.messages import CommandChosen, StateChanged
from k8s_tutor.ui.ports import SessionPort, ShellSpec
from k8s_tutor.ui.screens.confirm import ConfirmScreen
from k8s_tutor.ui.screens.home import HomeScreen
from k8s_tutor.ui.screens.lab import LabScreen
from k8s_tutor.ui.screens.story import StoryScreen
from k8s_tutor.ui.terminal.launcher import Kind
from k8s_tutor.ui.widgets.results import CheckRow


async def test_results_turn_by_themselves_and_the_step_stays_until_n() -> None:
    app = make(lab="lab1")
    async with app.run_test(notifications=True, size=(120, 36)) as pilot:
        screen = await in_lab(pilot)
        session = session_of(app)
        assert "○ nginx-pod.yaml describes the Pod" in shown(app)
        session.push_checks("write", PASS)
        await until(pilot, lambda: "✓ nginx-pod.yaml describes the Pod" in shown(app))
        text = shown(app)
        assert "proven · nginx-pod, by you" in text and "Write the manifest  ✓ done" in text
        assert "1 of 4" in text and "The file holds what you want" in text and "next: Which fields" in text
        assert screen.step.step.id == "write"
        await pilot.press("n")
        await until(pilot, lambda: "Which fields must be there" in shown(app) and "kubectl explain" in shown(app))
        assert screen.step.step.id == "fields"


async def test_a_flood_of_states_is_painted_once_or_twice() -> None:
    seen: list[Message] = []
    app = make(lab="lab1")
    async with app.run_test(notifications=True, size=(80, 24), message_hook=seen.append) as pilot:
        screen = await in_lab(pilot)
        painted: list[float] = []
        show = screen._show

        async def counted(state: object) -> None:
            painted.append(time.monotonic())
            await show(state)  # type: ignore[arg-type]

        screen._show = counted  # type: ignore[method-assign, assignment]
        session = session_of(app)
        for number in range(200):
            session.push_record(lives={"Pod": (life("Pod", pod(f"pod-{number}")),)})
        await until(pilot, lambda: screen.state is session.state())
        assert len(painted) < 20
        assert any(isinstance(message, StateChanged) for message in seen)


async def test_a_red_result_opens_by_itself_and_shuts_on_enter() -> None:
    app = make(lab="lab1")
    async with app.run_test(notifications=True, size=(120, 50)) as pilot:
        await in_lab(pilot)
        session = session_of(app)
        session.push_checks("write", PASS)
        session.push_checks("fields", PASS)
        await pilot.press("n", "n")
        session.push_checks("apply", PASS, WAITING, WRONG)
        await until(pilot, lambda: "✗ every ready pod answers" in shown(app))
        text = shown(app)
        for piece in (
            "◐ its container web is ready",
            "waiting · ContainerCreating for 2 s",
            "expected  10 pods answer",
            "found     0 of 10",
            "see       kubectl get endpointslices -o yaml",
            "because   the Service sends to port 8080",
            "nginx-service.yaml:9",
        ):
            assert piece in text, piece
        row = list(app.screen.query(CheckRow))[2]
        row.query_one("CheckLine").focus()
        await pilot.press("enter")
        await until(pilot, lambda: "expected" not in shown(app))


async def test_undone_says_so() -> None:
    app = make(lab="lab1")
    async with app.run_test(notifications=True, size=(120, 36)) as pilot:
        await in_lab(pilot)
        session = session_of(app)
        session.push_checks("write", PASS)
        await until(pilot, lambda: "✓ done" in shown(app))
        steps = list(session.state().steps)
        undone = replace(steps[0].checks[0], outcome=WRONG, undone=True)
        steps[0] = replace(steps[0], checks=(undone,), done=False)
        session.push(steps=tuple(steps), current=0)
        await until(pilot, lambda: "was done once, is not now" in shown(app))
        # Opened by itself, its finding tells what was found: once is enough.
        assert "undone" in shown(app) and "undone · 0 of 10" not in shown(app)
        assert "found     0 of 10" in shown(app)


async def test_n_on_an_open_step_says_what_is_missing_and_looks_ahead_when_asked_again() -> None:
    app = make(lab="lab1")
    async with app.run_test(notifications=True, size=(120, 36)) as pilot:
        screen = await in_lab(pilot)
        await pilot.press("n")
        await until(pilot, lambda: "Not done yet" in shown(app))
        assert screen.viewed == 0
        await pilot.press("n")
        await until(pilot, lambda: screen.viewed == 1)
        assert session_of(app).read_step == "fields"  # what it wishes for is observed, though its turn has not come
        await pilot.press("p")
        await until(pilot, lambda: screen.viewed == 0)
        assert session_of(app).asked == []


async def test_n_marks_a_step_without_checks_as_read() -> None:
    app = make(lab="lab1")
    async with app.run_test(notifications=True, size=(120, 36)) as pilot:
        screen = await in_lab(pilot)
        await screen.look_at(3)
        await until(pilot, lambda: "read, and done" in shown(app))
        await pilot.press("n")
        await until(pilot, lambda: ("read", "thousand") in session_of(app).asked)
        await until(pilot, lambda: "an earlier one is still open" in shown(app))


async def test_hints_come_one_by_one_the_first_of_the_state_and_the_solution_last() -> None:
    app = make(lab="lab1")
    async with app.run_test(notifications=True, size=(120, 36)) as pilot:
        await in_lab(pilot)
        assert "h  hint 1 of 4" in shown(app)
        await pilot.press("h")
        await until(pilot, lambda: "hint 1 of 4  Not there yet: nginx-pod.yaml" in shown(app))
        assert "h  hint 2 of 4" in shown(app) and "Start with apiVersion" not in shown(app)
        await pilot.press("h")
        await until(pilot, lambda: "hint 2 of 4  Start with apiVersion" in shown(app))
        await pilot.press("h")
        await until(pilot, lambda: "hint 3 of 4" in shown(app) and "h  hint 4 of 4" in shown(app))
        assert "s  the solution" not in shown(app)
        await pilot.press("h")
        await until(pilot, lambda: "m types it" in shown(app) and "h  hint" not in shown(app))
        assert "s  the solution" in shown(app)
        await pilot.press("h")
        await until(pilot, lambda: "all hints" in shown(app))


async def test_a_hint_comes_into_view_below_a_long_finding() -> None:
    app = make(lab="lab1")
    async with app.run_test(notifications=True, size=(120, 30)) as pilot:
        await in_lab(pilot)
        assert WRONG.finding is not None
        long = replace(WRONG, finding=replace(WRONG.finding, observed="one word and another " * 30))
        session_of(app).push_checks("write", long)
        await until(pilot, lambda: "one word and another" in shown(app))
        assert "h  hint 1 of 4" not in shown(app)
        await pilot.press("h")
        await until(pilot, lambda: "hint 1 of 4  Not there yet" in shown(app))


async def test_an_answer_is_kept_and_the_field_left_when_it_is_right() -> None:
    app = make(lab="lab1")
    async with app.run_test(notifications=True, size=(120, 36)) as pilot:
        screen = await in_lab(pilot)
        await screen.look_at(1)
        field = screen.query_one(Input)
        field.focus()
        await pilot.press(*"name", "enter")
        session = session_of(app)
        await until(pilot, lambda: ("answer", "required", "name") in session.asked)
        session.push_checks("fields", PASS)
        await until(pilot, lambda: screen.focused is not field and "✓ done" in shown(app))
        assert field.value == "name"


async def test_a_command_is_put_at_the_prompt_and_not_run() -> None:
    seen: list[Message] = []
    app = make(lab="lab1", kind=Kind.EMBEDDED)
    async with app.run_test(notifications=True, size=(120, 36), message_hook=seen.append) as pilot:
        screen = await in_lab(pilot)
        await screen.look_at(1)
        screen.query_one("CommandLine").focus()
        await pilot.press("enter")
        await until(pilot, lambda: screen.terminal_has_keys)
        assert [m.command for m in seen if isinstance(m, CommandChosen)][:1] == ["kubectl explain pod.spec.containers"]
        await until(pilot, lambda: "kubectl explain pod.spec.containers" in shown(app).split("\n", 6)[-1])
        # Letters belong to the shell now: q does not quit, h asks for no hint; F6 leads out.
        await pilot.press("q", "h")
        await pilot.pause()
        assert app.screen is screen and session_of(app).asked == []
        await pilot.press("f6")
        await until(pilot, lambda: not screen.terminal_has_keys)
        await pilot.press("b")
        await until(pilot, lambda: isinstance(app.screen, HomeScreen))


async def test_without_a_terminal_a_command_is_copied() -> None:
    app = make(lab="lab1")
    async with app.run_test(notifications=True, size=(120, 36)) as pilot:
        screen = await in_lab(pilot)
        await screen.look_at(1)
        screen.query_one("CommandLine").focus()
        await pilot.press("enter")
        await until(pilot, lambda: app.clipboard == "kubectl explain pod.spec.containers")


async def test_the_cluster_shows_owners_readiness_new_and_gone() -> None:
    now = time.time()
    app = make(lab="lab1")
    async with app.run_test(notifications=True, size=(200, 40)) as pilot:
        await in_lab(pilot)
        session_of(app).push_record(lives=deployment_lives(now))
        await until(pilot, lambda: "nginx-deployment" in shown(app))
        text = shown(app)
        for piece in ("2/3 ready", "ReplicaSet 648fb66cc5", "● …-00000", "◐ …-p9qdx", "ContainerCreating", "new"):
            assert piece in text, piece
        for piece in (
            "…-zvcpz  gone",
            "nobody looks after",
            "nginx-service",
            "10.79.164.141",
            "● 2 ready",
            "20:14:04 Started …-p9qdx",
        ):
            assert piece in text, piece


async def test_a_lost_link_is_told_calmly_stays_and_goes() -> None:
    app = make(lab="lab1")
    async with app.run_test(notifications=True, size=(120, 36)) as pilot:
        await in_lab(pilot)
        session = session_of(app)
        session.push(link=Link.LOST, heard=time.time() - 12, trouble="connection refused")
        await until(pilot, lambda: "has not been heard" in shown(app))
        assert "Connection refused" in told(app) and "✗ not heard" in shown(app) and "goes on by itself" in told(app)
        session.push(link=Link.LIVE, heard=time.time())
        await until(pilot, lambda: "has not been heard" not in shown(app))


async def test_solve_and_start_over_ask_first_and_name_what_they_touch() -> None:
    app = make(lab="lab1")
    async with app.run_test(notifications=True, size=(120, 36)) as pilot:
        await in_lab(pilot)
        session = session_of(app)
        for key, call in (("s", ("solve", "write")), ("R", ("reset",))):
            await pilot.press(key)
            await until(pilot, lambda: isinstance(app.screen, ConfirmScreen))
            assert "namespace learner" in told(app) and "cluster learner" in told(app)
            await pilot.press("escape")
            await until(pilot, lambda: isinstance(app.screen, LabScreen))
            assert call not in session.asked
            await pilot.press(key)
            await until(pilot, lambda: isinstance(app.screen, ConfirmScreen))
            await pilot.press("y")
            await until(pilot, lambda call=call: call in session.asked)
            await until(pilot, lambda: isinstance(app.screen, LabScreen))


async def test_an_error_of_the_session_is_told_with_its_remedy() -> None:
    session = FakeSession()
    session.refuse = ClusterError("the API server [10.0.0.1] does not answer", remedy="k8s-tutor cluster up")
    app = make(FakeDesk(session=session), lab="lab1")
    async with app.run_test(notifications=True, size=(120, 36)) as pilot:
        await in_lab(pilot)
        await pilot.press("h")
        await until(pilot, lambda: "[10.0.0.1] does not answer" in shown(app) and "cluster up" in shown(app))


async def test_what_happened_tells_the_story_with_times() -> None:
    now = time.time()
    app = make(lab="lab1")
    async with app.run_test(notifications=True, size=(120, 40)) as pilot:
        await in_lab(pilot)
        session_of(app).push_record(lives=deployment_lives(now))
        await pilot.press("t")
        await until(pilot, lambda: isinstance(app.screen, StoryScreen) and "deed" in shown(app))
        await pilot.press("e")
        await until(pilot, lambda: "kubelet" in shown(app) and "all of it" in shown(app))
        text = shown(app)
        assert "pod …-p9qdx" in text and "gone" in text and "20:14:04" in text
        await pilot.press("escape")
        await until(pilot, lambda: isinstance(app.screen, LabScreen))


async def test_help_lists_keys_and_signs_and_closes() -> None:
    app = make(lab="lab1")
    async with app.run_test(notifications=True, size=(120, 50)) as pilot:
        await in_lab(pilot)
        await pilot.press("question_mark")
        await until(pilot, lambda: "How this works" in shown(app))
        assert "not seen" in shown(app) and "F6" in shown(app)
        await pilot.press("escape")
        await until(pilot, lambda: isinstance(app.screen, LabScreen))


async def test_the_last_step_done_says_the_lab_is_done() -> None:
    app = make(lab="lab1")
    async with app.run_test(notifications=True, size=(120, 36)) as pilot:
        screen = await in_lab(pilot)
        session = session_of(app)
        session.push_checks("write", PASS)
        session.push_checks("fields", PASS)
        session.push_checks("apply", PASS, PASS, PASS)
        session.push_checks("thousand", read=True)
        await until(pilot, lambda: screen.state.done)
        await screen.look_at(3)
        await until(pilot, lambda: "That was the whole lab" in shown(app))
        session.push_checks("apply", PASS, TODO, PASS)
        await until(pilot, lambda: "an earlier one is still open" in shown(app))


async def test_f6_before_the_shell_is_known_has_the_keys_when_it_comes() -> None:
    known = threading.Event()

    class Slow(FakeDesk):
        def shell(self, session: SessionPort, /) -> ShellSpec:
            assert known.wait(30)
            return super().shell(session)

    app = make(Slow(), lab="lab1", kind=Kind.EMBEDDED)
    async with app.run_test(notifications=True, size=(120, 36)) as pilot:
        await until(pilot, lambda: isinstance(app.screen, LabScreen) and "Write the manifest" in shown(app))
        screen = app.screen
        assert isinstance(screen, LabScreen)
        await pilot.press("f6")
        await until(pilot, lambda: "opening a shell" in shown(app))
        assert not screen.terminal_has_keys
        known.set()
        await until(pilot, lambda: screen.terminal_has_keys)
