"""Waiting for facts on a screen, and reading it as text."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from fakes import FakeDesk, FakeSession
from textual.pilot import Pilot

from k8s_tutor.ui.app import TutorApp
from k8s_tutor.ui.screens.lab import LabScreen
from k8s_tutor.ui.terminal.launcher import Kind, Mode


class TestApp(TutorApp):
    """The tutor without the terminal's start-up test; its shell would take the screen."""

    __test__ = False
    kind = Kind.SUSPEND

    def choose_terminal(self) -> Mode:
        return Mode(self.kind, "as the test wants it")


def make(
    desk: FakeDesk | None = None, *, lab: str | None = None, kind: Kind = Kind.SUSPEND, resume: bool = False
) -> TestApp:
    app = TestApp(desk or FakeDesk(), lab=lab, resume=resume)
    app.kind = kind
    return app


async def until(pilot: Pilot[Any], fact: Callable[[], object], seconds: float = 20.0) -> None:
    """Wait for a fact; fails with the screen's text when it does not come true."""
    deadline = time.monotonic() + seconds
    while not fact():
        assert time.monotonic() < deadline, f"this did not come true; the screen shows:\n{shown(pilot.app)}"
        await pilot.pause(0.01)


async def in_lab(pilot: Pilot[Any]) -> LabScreen:
    """Wait for the lab screen, its shell known and its first paint done."""
    await until(pilot, lambda: isinstance(pilot.app.screen, LabScreen))
    screen = pilot.app.screen
    assert isinstance(screen, LabScreen)
    await until(pilot, lambda: screen.is_mounted and screen.query("#terminal") and screen.query_one("#terminal").ready)
    await pilot.pause()
    return screen


def rows(app: Any) -> list[str]:
    """The screen's lines as they are painted, without trailing spaces."""
    height = app.size.height
    compositor = app.screen._compositor
    strips = compositor.render_strips()
    return ["".join(segment.text for segment in strip).rstrip() for strip in strips[:height]]


def shown(app: Any) -> str:
    return "\n".join(rows(app)).rstrip()


def session_of(app: Any) -> FakeSession:
    session = app.desk.session
    assert isinstance(session, FakeSession)
    return session


def told(app: Any) -> str:
    """All static text of the screen on top, unwrapped."""
    return " ".join(" ".join(str(widget.render()) for widget in app.screen.query("Static")).split())
