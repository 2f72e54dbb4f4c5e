"""Keys: each has its reason when it can do nothing, its help, its place in the footer; and all can be moved."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from fakes import PASS
from helpers import in_lab, make, rows, session_of, shown, until
from textual.widgets import Input, TextArea

from k8s_tutor.ui import bindings
from k8s_tutor.ui.screens.help import PANES, HelpScreen, PaneHelpScreen, help_rows, pane_help
from k8s_tutor.ui.screens.home import HomeScreen
from k8s_tutor.ui.screens.lab import LabScreen
from k8s_tutor.ui.widgets.keysbar import KeysBar
from k8s_tutor.ui.widgets.rows import Rows


def config(text: str) -> Path:
    folder = Path(os.environ["XDG_CONFIG_HOME"]) / "k8s-tutor"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "config.toml").write_text(text)
    return folder / "config.toml"


@pytest.mark.parametrize(
    ("key", "why"),
    [
        ("p", "This is the first step"),
        ("a", "There is nothing to apply: the file is empty"),
        ("n", "Not done yet: nginx-pod.yaml describes the Pod"),
        ("S", "Nothing to save"),
        ("D", "Nothing to drop"),
    ],
)
async def test_a_key_that_can_do_nothing_says_why(key: str, why: str) -> None:
    app = make(lab="lab1")
    async with app.run_test(notifications=True, size=(120, 36)) as pilot:
        await in_lab(pilot)
        await pilot.press(key)
        await until(pilot, lambda: why in shown(app))
        assert session_of(app).asked == []


async def test_a_dimmed_key_says_why_when_it_is_clicked_and_is_bright_when_it_can() -> None:
    app = make(lab="lab1")
    async with app.run_test(notifications=True, size=(80, 24)) as pilot:
        screen = await in_lab(pilot)
        bar = screen.query_one(KeysBar)

        def enabled() -> dict[str, bool]:
            return {item.action: item.enabled for item in bar._items}

        await until(pilot, lambda: enabled().get("apply") is False and not enabled().get("previous", True))
        row = next(index for index, text in enumerate(rows(app)) if "a apply" in text)
        await pilot.click(offset=(rows(app)[row].index("a apply") + 2, row))
        await until(pilot, lambda: "nothing to apply" in shown(app))
        await pilot.press("m")
        await until(pilot, lambda: screen.query_one(TextArea).text)
        await pilot.press("escape")
        await until(pilot, lambda: enabled().get("apply") and enabled().get("save"))
        session_of(app).push_checks("write", PASS)
        await until(pilot, lambda: enabled().get("next"))
        await pilot.press("n", "n", "n")
        await screen.look_at(3)
        await until(pilot, lambda: enabled().get("hint") is False and enabled().get("solve") is False)
        await pilot.press("h")
        await until(pilot, lambda: "No hints in this step" in shown(app))


async def test_a_click_on_a_key_is_the_key() -> None:
    app = make(lab="lab1")
    async with app.run_test(notifications=True, size=(80, 24)) as pilot:
        await in_lab(pilot)
        await until(pilot, lambda: "h hint" in shown(app))
        row = next(index for index, text in enumerate(rows(app)) if " h hint" in text and "n next" in text)
        await pilot.click(offset=(rows(app)[row].index("h hint"), row))
        await until(pilot, lambda: ("hint", "write") in session_of(app).asked)


async def test_hints_and_the_way_on_can_be_clicked() -> None:
    app = make(lab="lab1")
    async with app.run_test(notifications=True, size=(80, 24)) as pilot:
        screen = await in_lab(pilot)
        await pilot.click("#hints")
        await until(pilot, lambda: ("hint", "write") in session_of(app).asked)
        session_of(app).push_checks("write", PASS)
        await until(pilot, lambda: "next: Which fields" in shown(app))
        await pilot.click("#next")
        await until(pilot, lambda: screen.viewed == 1)


@pytest.mark.parametrize("size", [(80, 24), (120, 40), (200, 60)])
async def test_every_key_of_the_lab_is_in_the_footer_at_every_size(size: tuple[int, int]) -> None:
    app = make(lab="lab1")
    async with app.run_test(size=size) as pilot:
        screen = await in_lab(pilot)
        bar = screen.query_one(KeysBar)
        await until(pilot, lambda: len(bar._items) > 10)
        arranged, whole = bar._arranged(size[0])
        assert whole and len(arranged) <= 2
        await until(pilot, lambda: "q quit" in rows(app)[-1])
        assert sum(len(row) for row in arranged) == len(bar._items)


async def test_a_colon_is_typed_in_the_editor_and_opens_the_palette_elsewhere() -> None:
    app = make(lab="lab1")
    async with app.run_test(notifications=True, size=(120, 36)) as pilot:
        screen = await in_lab(pilot)
        await pilot.press("e", *"kind", "colon")
        await until(pilot, lambda: screen.query_one(TextArea).text == "kind:")
        await pilot.press("escape", "colon")
        await until(pilot, lambda: type(app.screen).__name__ == "CommandPalette")
        await pilot.press(*"previous")
        await pilot.press("escape")


async def test_the_palette_says_why_as_well() -> None:
    app = make(lab="lab1")
    async with app.run_test(notifications=True, size=(120, 36)) as pilot:
        screen = await in_lab(pilot)
        command = next(item for item in app.get_system_commands(screen) if item.title.startswith("Back  (p)"))
        command.callback()
        await until(pilot, lambda: "This is the first step" in shown(app))


@pytest.mark.parametrize("pane", list(PANES))
def test_every_pane_has_its_help(pane: str) -> None:
    text = pane_help(pane)
    assert len(text.split()) > 20, pane
    rows_of_it = help_rows(text)
    assert rows_of_it[0][1].plain == text.strip().split("\n")[0]
    assert any(head.plain.strip() for head, _ in rows_of_it), "no key and no sign is told"


async def test_f1_is_help_for_the_pane_in_focus_and_the_others_are_a_key_away() -> None:
    app = make(lab="lab1")
    async with app.run_test(notifications=True, size=(120, 40)) as pilot:
        screen = await in_lab(pilot)
        for key, words in (
            ("1", "The lesson: one short step"),
            ("5", "The results: each claim"),
            ("2", "The manifest:"),
        ):
            await pilot.press(key)
            await until(pilot, lambda: not app.screen.is_modal)
            await pilot.press("f1")
            await until(pilot, lambda words=words: isinstance(app.screen, PaneHelpScreen) and words in shown(app))
            await pilot.press("escape")
            await until(pilot, lambda: app.screen is screen)
            await pilot.press("escape")
        await pilot.press("1", "f1")
        await until(pilot, lambda: "The lesson: one" in shown(app))
        await pilot.press("right", "right")
        await until(pilot, lambda: "The terminal: your own shell" in shown(app))
        await pilot.press("question_mark")
        await until(pilot, lambda: isinstance(app.screen, HelpScreen) and "Signs" in shown(app))
        await pilot.press("escape")
        await until(pilot, lambda: app.screen is screen)


async def test_f1_at_home() -> None:
    app = make()
    async with app.run_test(size=(100, 40)) as pilot:
        await until(pilot, lambda: "prod-eu" in shown(app))
        await pilot.press("f1")
        await until(pilot, lambda: "Home: the labs" in shown(app))
        await pilot.press("f1")
        await until(pilot, lambda: isinstance(app.screen, HomeScreen))


async def test_keys_can_be_moved_and_the_help_knows() -> None:
    config('[keys]\nhint = "H"\nnext = ["k", "f7"]\n')
    app = make(lab="lab1")
    async with app.run_test(notifications=True, size=(120, 60)) as pilot:
        await in_lab(pilot)
        await until(pilot, lambda: "H hint" in shown(app))
        await pilot.press("h")
        await pilot.pause(0.1)
        assert session_of(app).asked == []
        await pilot.press("H")
        await until(pilot, lambda: ("hint", "write") in session_of(app).asked)
        await pilot.press("k")
        await until(pilot, lambda: "Not done yet" in shown(app))
        await pilot.press("question_mark")
        await until(pilot, lambda: "k or f7" in shown(app) or "k or F7" in shown(app))


async def test_mistakes_in_the_settings_are_told_and_the_tutor_starts() -> None:
    file = config('theme = "pink"\nterminal = "auto"\n')
    app = make()
    async with app.run_test(notifications=True, size=(200, 40)) as pilot:
        await until(pilot, lambda: "prod-eu" in shown(app))
        text = app.screen.query_one("#home-facts", Rows).plain
        assert f"{file}:1: theme = 'pink'; allowed: tutor-dark, tutor-light, ansi" in text
        assert app.theme == "tutor-dark"


def test_no_action_has_only_a_chord() -> None:
    for name, binding in bindings.known().items():
        keys = binding.key.split(",")
        assert name == "quit_anywhere" or any("+" not in key for key in keys), name


def test_no_two_keys_of_a_screen_are_the_same() -> None:
    for name, binding in bindings.known().items():
        assert not bindings.clash(name, {name: binding.key}), name


async def test_tab_never_leads_into_the_shell() -> None:
    app = make(lab="lab1")
    async with app.run_test(size=(160, 40)) as pilot:
        screen = await in_lab(pilot)
        assert isinstance(screen, LabScreen)
        await screen.look_at(1)
        seen = []
        for _ in range(12):
            await pilot.press("tab")
            seen.append(type(screen.focused).__name__)
            if isinstance(screen.focused, TextArea):
                break
        assert "CommandLine" in seen and Input.__name__ in seen and "TerminalPane" not in seen
