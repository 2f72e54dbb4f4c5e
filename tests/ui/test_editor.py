"""The manifest editor: the file on disk is the learner's, and nothing is overwritten silently."""

from __future__ import annotations

from pathlib import Path

import pytest
from fakes import CALLOUTS, POD_MANIFEST
from helpers import in_lab, make, session_of, shown, until

from k8s_tutor.errors import TutorError
from k8s_tutor.labs.model import Manifest
from k8s_tutor.ui.buffers import Buffer
from k8s_tutor.ui.callouts import explain
from k8s_tutor.ui.screens.lab import LabScreen
from k8s_tutor.ui.widgets.editor import EditorPane, YamlArea, next_indent


async def test_typed_text_is_saved_with_ctrl_s_and_applied_with_a() -> None:
    app = make(lab="lab1")
    async with app.run_test(notifications=True, size=(120, 36)) as pilot:
        await in_lab(pilot)
        session = session_of(app)
        await pilot.press("e", *"kind", "colon", "space", *"Pod", "ctrl+s")
        await until(pilot, lambda: session.files.get("nginx-pod.yaml") == "kind: Pod")
        await until(pilot, lambda: "✓ saved" in shown(app))
        await pilot.press("enter", *"x", "escape", "a")
        await until(pilot, lambda: ("apply", "nginx-pod.yaml") in session.asked)
        assert session.files["nginx-pod.yaml"] == "kind: Pod\nx"
        await until(pilot, lambda: "✓ applied  pod/nginx-pod created" in shown(app))


async def test_a_refused_apply_shows_the_servers_words_below_the_text() -> None:
    app = make(lab="lab1")
    async with app.run_test(notifications=True, size=(120, 36)) as pilot:
        await in_lab(pilot)
        session = session_of(app)
        await pilot.press("e", *"kind", "ctrl+s")
        await until(pilot, lambda: session.files)
        session.refuse = TutorError('line 9: unknown field "spec.containers[0].imag"', remedy="image: nginx")
        await pilot.press("escape", "a")
        await until(pilot, lambda: "✗ refused" in shown(app))
        assert 'unknown field "spec.containers[0].imag"' in shown(app) and "→ image: nginx" in shown(app)


async def test_an_edit_from_outside_is_taken_over_when_nothing_is_typed() -> None:
    app = make(lab="lab1")
    async with app.run_test(notifications=True, size=(120, 36)) as pilot:
        screen = await in_lab(pilot)
        session_of(app).edit_outside("nginx-pod.yaml", "kind: Pod\n")
        await until(pilot, lambda: screen.query_one(YamlArea).text == "kind: Pod\n")
        assert "✓ saved" in shown(app)


async def test_an_edit_from_outside_never_takes_typed_text_away() -> None:
    app = make(lab="lab1")
    async with app.run_test(notifications=True, size=(120, 36)) as pilot:
        screen = await in_lab(pilot)
        session = session_of(app)
        await pilot.press("e", *"mine")
        session.edit_outside("nginx-pod.yaml", "theirs")
        await until(pilot, lambda: "Another program changed this file" in shown(app))
        assert screen.query_one(YamlArea).text == "mine" and session.files["nginx-pod.yaml"] == "theirs"
        await pilot.press("ctrl+r")
        await until(pilot, lambda: screen.query_one(YamlArea).text == "theirs")
        assert "✓ saved" in shown(app)


async def test_a_file_that_changed_just_before_saving_is_not_overwritten_until_said_again() -> None:
    app = make(lab="lab1")
    async with app.run_test(notifications=True, size=(120, 36)) as pilot:
        await in_lab(pilot)
        session = session_of(app)
        await pilot.press("e", *"mine")
        session.files["nginx-pod.yaml"] = "theirs"  # the watch has not told yet
        await pilot.press("ctrl+s")
        await until(pilot, lambda: "Another program changed this file" in shown(app))
        assert session.files["nginx-pod.yaml"] == "theirs"
        await pilot.press("ctrl+s")
        await until(pilot, lambda: session.files["nginx-pod.yaml"] == "mine")


async def test_m_types_the_labs_manifest_and_the_callout_follows_the_cursor() -> None:
    app = make(lab="lab1")
    async with app.run_test(notifications=True, size=(120, 36)) as pilot:
        screen = await in_lab(pilot)
        await pilot.press("m")
        await until(pilot, lambda: screen.query_one(YamlArea).text == POD_MANIFEST)
        assert session_of(app).files == {} and "● not saved" in shown(app)
        await until(pilot, lambda: "[1] The version of the API" in shown(app))
        await pilot.press("down")
        await until(pilot, lambda: "[2] What it is: a Pod" in shown(app))
        assert isinstance(app.screen, LabScreen)


async def test_escape_leaves_the_editor_and_letters_are_keys_again() -> None:
    app = make(lab="lab1")
    async with app.run_test(notifications=True, size=(120, 36)) as pilot:
        screen = await in_lab(pilot)
        await pilot.press("e", *"hnq")
        assert screen.query_one(EditorPane).text == "hnq" and session_of(app).asked == []
        await pilot.press("escape", "h")
        await until(pilot, lambda: session_of(app).asked == [("hint", "write")])


@pytest.mark.parametrize(
    ("before", "expected"),
    [
        ("kind: Pod", ""),
        ("metadata:", "  "),
        ("  labels:", "    "),
        ("    - name: web", "      "),
        ("    - ports:", "        "),
        ("  labels:   # why", "    "),
        ("    ", "    "),
    ],
)
def test_the_next_line_is_indented_as_yaml_goes(before: str, expected: str) -> None:
    assert next_indent(before) == expected


class TestBuffer:
    def test_a_late_word_of_the_watch_after_saving_changes_nothing(self) -> None:
        buffer = Buffer("f", text="new", base="old", heard="old")
        buffer.saved("new")
        assert not buffer.hear("old") and buffer.text == "new"
        assert not buffer.hear("new") and not buffer.dirty

    def test_a_deleted_file_empties_a_clean_buffer_and_keeps_a_typed_one(self) -> None:
        clean = Buffer("f", text="a", base="a", heard="a")
        assert clean.hear(None) and clean.text == "" and clean.base is None
        typed = Buffer("f", text="ab", base="a", heard="a")
        assert not typed.hear(None) and typed.conflict and typed.text == "ab"

    def test_the_same_text_on_both_sides_is_no_conflict(self) -> None:
        buffer = Buffer("f", text="ab", base="a", heard="a")
        assert not buffer.hear("ab") and not buffer.dirty and not buffer.conflict


class TestCallouts:
    MANIFEST = Manifest("nginx-pod.yaml", Path(), POD_MANIFEST, CALLOUTS)

    @pytest.mark.parametrize(
        ("text", "row", "number"),
        [
            ("kind: Pod #[2]", 0, 2),
            ("kind: Pod", 0, 2),
            ("kind:   Deployment", 0, 2),
            ("x: 1\nmetadata:\n    name: other", 2, 4),
            ("  - name: web", 0, 8),
            ("metadata:\n  name: a\nspec:\n  containers:\n  - name: b", 4, 8),
        ],
    )
    def test_a_line_is_known_by_mark_words_or_key(self, text: str, row: int, number: int) -> None:
        found = explain(self.MANIFEST, text, row)
        assert found is not None and found[0] == number

    @pytest.mark.parametrize(("text", "row"), [("", 0), ("# only words", 0), ("kind: Pod", 7), ("unknown: 1", 0)])
    def test_other_lines_have_none(self, text: str, row: int) -> None:
        assert explain(self.MANIFEST, text, row) is None
