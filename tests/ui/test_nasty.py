"""Text from a cluster or a learner is never markup, never a terminal escape, and bounded."""

from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path

import pytest
from fakes import LAB, STEPS, FakeDesk, FakeSession, deployment_lives, event, life, pod
from helpers import in_lab, make, session_of, shown, until

from k8s_tutor.checks.outcome import Cause, Finding, Outcome, Seen, Status
from k8s_tutor.errors import TutorError
from k8s_tutor.kube.record import File
from k8s_tutor.labs.model import Callout, Manifest, Question
from k8s_tutor.session.state import Link
from k8s_tutor.ui.ports import LabCard
from k8s_tutor.ui.screens.lab import LabScreen
from k8s_tutor.ui.text import block, plain

NASTY = [
    "taints: [node-role=x:NoSchedule]",
    "[bold red]loud[/] [/some/path] [@click=app.quit]go[/]",
    "\x1b[31mred\x1b[0m \x1b]52;c;ZXZpbA==\x07 \x1b[2J\x9b31m",
    "name\u202eevil\u2066\u200f\u202a אבג العربية",
    "👩‍👩‍👧‍👦 🏳️‍🌈 é́́ 中文字",
    "a" * 253,
    "line\nbreak\r\nand\ttab\x00\x07\x08",
    "\ud800 lone",
    "[",
    "",
]


@pytest.mark.parametrize("text", NASTY)
def test_plain_is_one_bounded_line_without_controls(text: str) -> None:
    found = plain(text, 100)
    assert len(found) <= 100 and "\n" not in found
    assert not any(char in found for char in "\x1b\x9b\x07\x00\r\u202e\u2066\u200f")
    found.encode("utf-8")


def test_plain_keeps_what_is_harmless() -> None:
    assert plain("[bold]x[/]") == "[bold]x[/]"
    assert plain("\x1b[31mred\x1b[0m") == "red"
    assert plain("אבג 中文 é") == "אבג 中文 é"


def test_block_bounds_lines() -> None:
    assert block("\n".join("abc"), lines=2) == "a\n… and 2 more lines"
    assert len(block("x" * 1_000_000, limit=50)) == 50


@pytest.mark.parametrize(
    ("text", "size"),
    [(text, (160, 40) if number % 2 else (80, 24)) for number, text in enumerate(["".join(NASTY[:4]), *NASTY[4:8]])],
    ids=["mixed", "emoji", "long", "controls", "surrogate"],
)
async def test_nasty_text_everywhere_neither_crashes_nor_escapes(text: str, size: tuple[int, int]) -> None:
    question = Question("file-pod", text, text)
    step = replace(STEPS[0], title=text, task=text, hints=(text,), why=text, commands=(text,), questions=(question,))
    check = replace(step.checks[0], title=text)
    lab = replace(
        LAB,
        title=text,
        steps=(replace(step, checks=(check,)), *STEPS[1:]),
        manifests=(Manifest("nginx-pod.yaml", Path(), text, (Callout(1, text),)),),
    )
    session = FakeSession(lab)
    app = make(FakeDesk(session=session), lab="lab1")
    async with app.run_test(notifications=True, size=size) as pilot:
        screen = await in_lab(pilot)
        now = time.time()
        finding = Finding(text, text, text, text, (Seen(text, text, text, 3),), Cause("x", text, text))
        session.push_checks("write", Outcome(Status.FAIL, text, finding))
        lives = deployment_lives(now, name=text or "n")
        lives["Pod"] += (life("Pod", pod(text or "p", reason=text)),)
        lives["Event"] += (life("Event", event(6, text, text, text)),)
        session.push_record(
            lives=lives, files={"nginx-pod.yaml": File("nginx-pod.yaml", text)}, answers={"file-pod": text}
        )
        session.push(link=Link.LOST, trouble=text, notes=(text,))
        await pilot.press("h")
        screen.trouble(TutorError(text, remedy=text))
        for key in ("o", "v", "e"):
            await pilot.press(key)
            assert_harmless(shown(app))
        await pilot.press("escape", "t")
        await until(pilot, lambda: app.screen is not screen)
        assert_harmless(shown(app))
        await pilot.press("escape", "s")
        await until(pilot, lambda: app.screen is not screen)
        await pilot.press("n")
        await until(pilot, lambda: isinstance(app.screen, LabScreen))
        assert session_of(app).hint is not None


@pytest.mark.parametrize("text", ["".join(NASTY[:4]), NASTY[5]], ids=["mixed", "long"])
async def test_nasty_text_on_the_home_screen(text: str) -> None:
    desk = FakeDesk()
    desk.shown = [LabCard("lab1", text, text, 5, 1, 3, text, 1, 1.0), LabCard("lab2", text, trouble=text)]
    app = make(desk)
    async with app.run_test(notifications=True, size=(80, 24)) as pilot:
        await until(pilot, lambda: "✗ cannot" in shown(app))
        await pilot.press("down", "enter")
        await pilot.pause()
        assert_harmless(shown(app))


def assert_harmless(text: str) -> None:
    assert not any(char in text for char in "\x1b\x9b\x07\x00\u202e\u2066")
