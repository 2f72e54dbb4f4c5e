"""The text area of the editor paints what changed, and all that changed."""

from __future__ import annotations

from typing import Any

import pytest
from helpers import in_lab, make, until
from rich.segment import Segment
from textual.geometry import Region
from textual.widgets.text_area import Selection

from k8s_tutor.ui.widgets.yaml_area import YamlArea

SIZE = (160, 45)
TEXT = """kind: Pod
metadata: {name: [nginx], labels: {app: web}}
spec:
  command: |
    echo one
    echo two
  after: yes
"""


async def test_every_edit_leaves_the_screen_as_painted_anew() -> None:
    """Typing, quotes and blocks that colour the lines below, brackets that match, marked text, undo, long lines."""
    app = make(lab="tiny")
    async with app.run_test(size=SIZE) as pilot:
        screen = await in_lab(pilot)
        await pilot.press("e")
        area = screen.query_one(YamlArea)
        await until(pilot, lambda: area.has_focus)
        area.load_text(TEXT)
        area.move_cursor((0, 0))
        await pilot.pause()
        deeds: list[tuple[tuple[int, int], tuple[str, ...]]] = [
            ((0, 9), ("x", "y", "backspace")),
            ((2, 5), ("space", "quotation_mark", "a", "enter", "b", "quotation_mark")),
            ((4, 8), ("backspace",) * 8),
            ((1, 10), ("right", "left", "left", "end")),
            ((1, 0), ("shift+down", "shift+down", "shift+right", "left")),
            ((2, 0), ("delete", "delete", "ctrl+z", "ctrl+z", "ctrl+y")),
            ((0, 0), ("z",) * 90),
            ((3, 3), ("enter", "up", "down", "tab")),
        ]
        for at, keys in deeds:
            area.selection = Selection.cursor(at)
            for key in keys:
                await pilot.press(key)
                await pilot.pause()
                painted = looks(area)
                area._repaint()
                assert painted == looks(area), (at, key)


def looks(area: YamlArea) -> list[list[Segment]]:
    """The lines of the area; those that nothing changed come from what is kept."""
    return [list(strip) for strip in area.render_lines(Region(0, 0, *area.size))]


async def test_a_letter_lays_out_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    app = make(lab="tiny")
    async with app.run_test(size=SIZE) as pilot:
        screen = await in_lab(pilot)
        await pilot.press("e")
        area = screen.query_one(YamlArea)
        await until(pilot, lambda: area.has_focus)
        for letter in "ab":
            await pilot.press(letter)
        await pilot.pause(0.1)
        laid: list[str] = []
        refresh = screen._refresh_layout

        def refresh_layout(*how: Any, **more: Any) -> None:
            laid.append(area.text)
            refresh(*how, **more)

        monkeypatch.setattr(screen, "_refresh_layout", refresh_layout)
        for letter in "cdefghijkl":
            await pilot.press(letter)
            await pilot.pause()
        assert area.text.startswith("abcdefghijkl")
        assert len(laid) < 3, "only what is found out about the text, when typing pauses"
