"""Colours that can be read, chosen and remembered; and nothing that colour alone tells."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from fakes import PASS, WAITING, WRONG
from helpers import in_lab, make, session_of, shown, until
from textual.color import Color
from textual.theme import Theme

from k8s_tutor.ui import settings, themes
from k8s_tutor.ui.text import ACCENT, BAD, DIM, GOOD, WAIT

TEXT = ["foreground", "secondary", *(name.lstrip("$") for name in (ACCENT, BAD, DIM, GOOD, WAIT))]


def luminance(color: Color) -> float:
    """Relative luminance after WCAG 2.2."""
    parts = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in color.normalized]
    return 0.2126 * parts[0] + 0.7152 * parts[1] + 0.0722 * parts[2]


def contrast(front: Color, back: Color) -> float:
    if front.a < 1:
        front = back.blend(front.with_alpha(1), front.a)
    light, dark = sorted((luminance(front), luminance(back)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


@pytest.mark.parametrize("theme", themes.OWN, ids=lambda theme: theme.name)
def test_text_has_a_contrast_of_four_and_a_half(theme: Theme) -> None:
    colours = {**theme.to_color_system().generate(), **theme.variables}
    poor = {
        (name, back): round(found, 2)
        for name in TEXT
        for back in ("background", "panel")
        if (found := contrast(Color.parse(colours[name]), Color.parse(colours[back]))) < 4.5
    }
    assert not poor


def test_the_measure_is_the_known_one() -> None:
    assert round(contrast(Color.parse("#000"), Color.parse("#fff")), 1) == 21.0
    assert round(contrast(Color.parse("#777"), Color.parse("#fff")), 2) == 4.48


async def test_a_theme_that_was_chosen_is_there_the_next_time(tmp_path: Path) -> None:
    app = make()
    async with app.run_test(size=(100, 24)) as pilot:
        assert app.theme == "tutor-dark"
        app.theme = "tutor-light"
        kept = tmp_path / "state" / "k8s-tutor" / "tutor.json"
        await until(pilot, kept.exists)
        assert json.loads(kept.read_text())["theme"] == "tutor-light"
    assert make().theme == "tutor-light"


@pytest.mark.parametrize(("set_to", "is_then"), [("ansi", "ansi-dark"), ("nord", "nord"), ("pink", "tutor-dark")])
def test_the_environment_chooses_a_theme(monkeypatch: pytest.MonkeyPatch, set_to: str, is_then: str) -> None:
    monkeypatch.setenv("K8S_TUTOR_THEME", set_to)
    assert make().theme == is_then


@pytest.mark.parametrize("source", ["environment", "file"])
async def test_a_theme_that_there_is_not_is_said_once_with_those_that_there_are(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, source: str
) -> None:
    file = tmp_path / "config" / "k8s-tutor" / "config.toml"
    file.parent.mkdir(parents=True)
    file.write_text('theme = "tutor-light"\n' if source == "environment" else 'theme = "[pink]"\n')
    if source == "environment":
        monkeypatch.setenv("K8S_TUTOR_THEME", "[pink]")
    app = make()
    assert app.theme == ("tutor-light" if source == "environment" else "tutor-dark")
    (trouble,) = app.settings.troubles
    assert "'[pink]'" in trouble and "allowed: tutor-dark, tutor-light, ansi, " in trouble and ", nord" in trouble
    said: list[str] = []
    monkeypatch.setattr(app, "say", lambda message, **_more: said.append(message))
    async with app.run_test(size=(120, 30)) as pilot:
        await until(pilot, lambda: "prod-eu" in shown(app))
        assert said == [trouble]


def test_a_theme_that_is_no_text_is_told(tmp_path: Path) -> None:
    file = tmp_path / "config" / "k8s-tutor" / "config.toml"
    file.parent.mkdir(parents=True)
    file.write_text("theme = [1]\n")
    assert "theme = [1]" in settings.load().troubles[0]


async def test_without_colour_each_result_has_its_sign_and_its_word(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    app = make(lab="lab1")
    async with app.run_test(size=(120, 40)) as pilot:
        screen = await in_lab(pilot)
        assert app.no_color
        await screen.look_at(2)
        session_of(app).push_checks("apply", PASS, WAITING, WRONG)
        await until(pilot, lambda: "✗ every ready pod answers" in shown(app))
        for sign, title, word in (
            ("✓", "the Pod nginx-pod exists", "proven"),
            ("◐", "its container web is ready", "waiting"),
            ("✗", "every ready pod answers", "not yet"),
        ):
            rows = shown(app).split("\n")
            at = next(index for index, row in enumerate(rows) if f"{sign} {title}" in row)
            assert word in rows[at + 1], (sign, rows[at + 1])
