"""The cluster pane leaves the processor to whoever types, and shows the newest all the same."""

from __future__ import annotations

import time

import pytest
from fakes import deployment_lives
from helpers import in_lab, make, session_of, shown, until

from k8s_tutor.ui.widgets.cluster import pane
from k8s_tutor.ui.widgets.cluster.pane import ClusterPane


async def rest_after_an_update(typing: bool, monkeypatch: pytest.MonkeyPatch) -> float:
    """Seconds that the pane rests after an update that took a hundredth of a second."""
    spent = iter(float(at) / 100 for at in range(10_000))
    app = make(lab="tiny")
    async with app.run_test(size=(160, 45)) as pilot:
        screen = await in_lab(pilot)
        await pilot.pause(0.3)
        if typing:
            await pilot.press("z", "z")
        cluster = screen.query_one(ClusterPane)
        with monkeypatch.context() as patched:
            patched.setattr(pane.time, "thread_time", lambda: next(spent))
            cluster._update()
        return cluster._rest_until - time.monotonic()


async def test_it_rests_longer_while_somebody_types(monkeypatch: pytest.MonkeyPatch) -> None:
    alone = await rest_after_an_update(False, monkeypatch)
    typing = await rest_after_an_update(True, monkeypatch)
    assert typing > 3 * alone > 0


async def test_what_came_meanwhile_is_shown_after_the_rest() -> None:
    app = make(lab="tiny")
    async with app.run_test(size=(160, 45)) as pilot:
        screen = await in_lab(pilot)
        await pilot.press("e")
        cluster = screen.query_one(ClusterPane)
        cluster._rest_until = time.monotonic() + 3.0
        session_of(app).push_record(lives=deployment_lives(time.time()))
        await pilot.press("a", "b")
        assert "nginx-deployment" not in shown(app)
        await until(pilot, lambda: "nginx-deployment" in shown(app), 15)
