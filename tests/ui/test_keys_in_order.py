"""Keys that wait to be read act in the order in which they were pressed."""

from __future__ import annotations

from typing import Any

from helpers import in_lab, make, until
from textual import events

from k8s_tutor.ui.widgets.lesson import AnswerField
from k8s_tutor.ui.widgets.yaml_area import YamlArea


def burst(app: Any, *keys: str) -> None:
    """Press keys as they come from a terminal that was not read for a while: all before the first is looked at."""
    for key in keys:
        app.post_message(events.Key(key, key if len(key) == 1 else None))


async def test_in_the_manifest() -> None:
    app = make(lab="lab1")
    async with app.run_test(size=(120, 40)) as pilot:
        screen = await in_lab(pilot)
        area = screen.query_one(YamlArea)
        screen.action_show("manifest")
        await until(pilot, lambda: area.has_focus)
        burst(app, *"ab", "enter", *"knd", "enter", "up", "home", "delete", "delete", "delete", *"kind", "left", *"!")
        await until(pilot, lambda: "!" in area.text)
        await pilot.pause()
        assert area.text == "ab\nkin!d\n"


async def test_in_an_answer() -> None:
    app = make(lab="lab1")
    async with app.run_test(size=(120, 40)) as pilot:
        screen = await in_lab(pilot)
        await screen.look_at(1)
        field = screen.query_one(AnswerField)
        field.focus()
        await until(pilot, lambda: field.has_focus)
        burst(app, *"nane", "backspace", "backspace", *"me", "home", *"!")
        await until(pilot, lambda: "!" in field.value)
        await pilot.pause()
        assert field.value == "!name"
