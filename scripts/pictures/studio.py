"""Opens the real tutor at a size, presses keys, waits for facts, takes a picture."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from pictures.learner import CLUSTER
from pictures.svg import to_png

if TYPE_CHECKING:
    from textual.pilot import Pilot

    from k8s_tutor.ui.app import TutorApp
    from k8s_tutor.ui.screens.lab import LabScreen

PATIENCE = 90.0
PIXELS = 9
"""Pixels of a column."""


class Stage:
    """One open tutor."""

    def __init__(self, pilot: Pilot[int], app: TutorApp, out: Path) -> None:
        self.pilot, self.app, self._out = pilot, app, out

    @property
    def lab(self) -> LabScreen:
        """The lab's screen, below whatever lies over it."""
        from k8s_tutor.ui.screens.lab import LabScreen

        return next(screen for screen in reversed(self.app.screen_stack) if isinstance(screen, LabScreen))

    async def until(self, condition: Callable[[], object], why: str, seconds: float = PATIENCE) -> None:
        """Wait for a fact; SystemExit with ``why`` if it does not come."""
        deadline = time.monotonic() + seconds
        while not condition():
            if time.monotonic() > deadline:
                self.app.save_screenshot("stuck.svg", str(self._out.parent))
                raise SystemExit(f"not seen within {seconds:.0f} s: {why}")
            await self.pilot.pause(0.05)

    async def press(self, *keys: str, rest: float = 0.4) -> None:
        """Press keys, then let the screen come to rest."""
        await self.pilot.press(*keys)
        await self.pilot.pause(rest)

    async def type(self, text: str) -> None:
        """Type as a person does."""
        from textual.keys import _character_to_key

        await self.press(*(_character_to_key(letter) for letter in text))

    async def live(self) -> None:
        """Wait until the lab is open and the cluster is heard."""
        from k8s_tutor.ui.screens.lab import LabScreen

        await self.until(lambda: isinstance(self.app.screen, LabScreen), "the lab")
        await self.until(lambda: self.lab.state.live, "the cluster")
        await self.pilot.pause(1.0)

    async def solve(self, *steps: str) -> None:
        """Have these steps done by the session, as ``s`` does, and wait until they are."""
        for step in steps:
            await asyncio.to_thread(self.lab.session.solve, step)
            await self.until(lambda step=step: self._done(step), f"step {step} done")  # type: ignore[misc]

    def _done(self, step: str) -> bool:
        return any(item.step.id == step and item.done for item in self.lab.state.steps)

    async def look_at(self, step: str) -> None:
        """``n`` (twice where it must be asked twice) or ``p``, until this step is on view."""
        number = [item.step.id for item in self.lab.state.steps].index(step)
        deadline = time.monotonic() + PATIENCE
        while self.lab.viewed != number:
            if time.monotonic() > deadline:
                raise SystemExit(f"step {step} does not come on view")
            await self.press("n" if self.lab.viewed < number else "p", rest=0.2)
        await self.pilot.pause(0.5)

    async def shell(self, command: str, rest: float = 1.0) -> None:
        """Into the shell, type a command, Enter, and wait for the next prompt; the shell keeps the keys."""
        from k8s_tutor.ui.widgets.terminal_slot import TerminalSlot

        slot = self.lab.query_one(TerminalSlot)
        await self.until(lambda: slot.ready, "the shell")
        if not self.lab.terminal_has_keys:
            await self.press("f6")
        await self.until(lambda: slot.pane is not None and slot.pane.at_prompt, "the shell's prompt")
        await self.type(command)
        await self.press("enter")
        await self.until(lambda: slot.pane is not None and slot.pane.at_prompt, f"the prompt after {command}")
        await self.pilot.pause(rest)

    async def quiet(self) -> None:
        """Wait until notices and the light of a step that turned done are gone."""
        await self.until(lambda: not len(self.app._notifications), "no notices", 20)
        await self.until(lambda: not self.lab.has_class("joy"), "a calm screen", 20)

    async def shot(self, name: str) -> None:
        """Take the picture."""
        await self.pilot.pause(0.3)
        to_png(self.app.export_screenshot(title="k8s-tutor"), self._out / f"{name}.png", self.app.size.width * PIXELS)
        print(f"{name}.png", flush=True)


@asynccontextmanager
async def stage(out: Path, size: tuple[int, int], lab: str | None = None) -> AsyncIterator[Stage]:
    """The tutor, opened in a terminal of ``size`` columns and rows; live if a lab is named."""
    from k8s_tutor.ui.app import TutorApp
    from k8s_tutor.ui.desk import Desk

    app = TutorApp(Desk(CLUSTER, None), lab=lab)
    async with app.run_test(size=size, notifications=True) as pilot:
        opened = Stage(pilot, app, out)
        if lab is not None:
            await opened.live()
        yield opened
