"""The editor while a manifest is written: marks, problems, completion, explanation, the difference before an apply."""

from __future__ import annotations

import threading

import pytest
from fakes import POD_MANIFEST, FakeDesk, FakeSession
from helpers import TestApp, in_lab, make, rows, session_of, shown, until

from k8s_tutor.checks.completing import Choice, Explanation
from k8s_tutor.checks.writing import Problem
from k8s_tutor.session.editing import Change, Difference
from k8s_tutor.ui.screens.difference import DifferenceScreen
from k8s_tutor.ui.screens.lab import LabScreen
from k8s_tutor.ui.widgets.editor import EditorPane, YamlArea
from k8s_tutor.ui.widgets.suggestions import Suggestions

CHANGED = Difference((Change("deployment/web", ("@@ -1 +1 @@", "-  replicas: 3", "+  replicas: 5")),))


def underlined(area: YamlArea, row: int) -> str:
    if row >= area.document.line_count:
        return ""
    line = area.get_line(row)
    spans = [span for span in line.spans if getattr(span.style, "underline", False)]
    return "".join(line.plain[span.start : span.end] for span in spans)


async def test_a_mistake_is_underlined_with_a_sign_and_vanishes_when_mended() -> None:
    app = make(lab="lab1")
    async with app.run_test(size=(120, 40)) as pilot:
        screen = await in_lab(pilot)
        area = screen.query_one(YamlArea)
        session_of(app).edit_outside("nginx-pod.yaml", "kind: Pod\nmetadata:\n  name: a\nspec\n")
        await until(pilot, lambda: underlined(area, 3) == "spec")
        await until(pilot, lambda: "4✗" in shown(app) and "✗ 4:1 could not find expected ':'" in shown(app))
        await pilot.press("e", "down", "down", "down", "end", "colon")
        await until(pilot, lambda: "4✗" not in shown(app) and "could not find" not in shown(app))
        assert underlined(area, 3) == ""


async def test_marks_go_with_their_lines_while_typing() -> None:
    app = make(lab="lab1")
    async with app.run_test(size=(120, 40)) as pilot:
        screen = await in_lab(pilot)
        session_of(app).editing.wrong = (Problem(3, 3, 4, "no", "mend it"),)
        session_of(app).edit_outside("nginx-pod.yaml", "a: 1\nb:\n  imge: x\n")
        area = screen.query_one(YamlArea)
        await until(pilot, lambda: underlined(area, 2) == "imge")
        session_of(app).editing.wrong = (Problem(4, 3, 4, "no", "mend it"),)
        await pilot.press("e", "end", "enter")
        assert underlined(area, 3) == "imge" and underlined(area, 2) == ""
        await until(pilot, lambda: "✗ 4:3 no; mend it" in shown(app))


async def test_a_dry_run_says_what_the_cluster_would_refuse_and_when_it_would_take_it() -> None:
    app = make(lab="lab1")
    async with app.run_test(size=(120, 40)) as pilot:
        screen = await in_lab(pilot)
        editing = session_of(app).editing
        editing.refused = (Problem(2, 1, 4, "exceeded quota", source="server"),)
        await pilot.press("m")
        await until(pilot, lambda: "the cluster says: exceeded quota" in shown(app))
        assert underlined(screen.query_one(YamlArea), 1) == "kind" and "2✗" in shown(app)
        editing.refused = ()
        await pilot.press("end", "space")
        await until(pilot, lambda: "✓ no problems: the cluster would take this" in shown(app))
        editing.refused = None  # it does not answer: nothing is claimed
        await pilot.press("space")
        await until(pilot, lambda: "no problems" not in shown(app))


async def test_schemas_that_arrive_later_are_used_without_another_key() -> None:
    app = make(lab="lab1")
    async with app.run_test(size=(120, 40)) as pilot:
        await in_lab(pilot)
        editing = session_of(app).editing
        learned = []

        def learn(_text: str, /) -> bool:
            if learned:
                return False
            learned.append(1)
            editing.wrong = (Problem(1, 1, 3, "the schema says no"),)
            return True

        editing.learn = learn  # type: ignore[method-assign]
        await pilot.press("m")
        await until(pilot, lambda: "the schema says no" in shown(app))


async def test_a_late_answer_of_the_cluster_does_not_hide_what_the_schema_says_since() -> None:
    """It was asked before the schema was there, and answers after the schema has found a mistake."""
    app = make(lab="lab1")
    async with app.run_test(size=(120, 40)) as pilot:
        await in_lab(pilot)
        editing = session_of(app).editing
        asked, answer = threading.Event(), threading.Event()
        learned: list[bool] = []

        def learn(_text: str, /) -> bool:
            if learned:
                return False
            learned.append(asked.wait(20))
            editing.wrong = (Problem(1, 1, 3, "the schema says no"),)
            return True

        def dry_run(_text: str, /) -> tuple[Problem, ...]:
            asked.set()
            answer.wait(20)
            return ()

        editing.learn, editing.dry_run = learn, dry_run  # type: ignore[method-assign]
        await pilot.press("m")
        await until(pilot, lambda: "the schema says no" in shown(app))
        assert learned == [True]
        answer.set()
        await until(pilot, lambda: not app.jobs.busy(app.screen, "editing-try"))
        await pilot.pause()
        assert "the schema says no" in shown(app) and "would take this" not in shown(app)


CHOICES = (Choice("image", "image: ", "string"), Choice("imagePullPolicy", "imagePullPolicy: ", "string"))


@pytest.mark.parametrize("key", ["tab", "ctrl+@"])
@pytest.mark.parametrize("size", [(80, 24), (120, 40)])
async def test_keys_are_completed(key: str, size: tuple[int, int]) -> None:
    app = make(lab="lab1")
    async with app.run_test(size=size) as pilot:
        screen = await in_lab(pilot)
        session_of(app).editing.choices = CHOICES
        area, offered = screen.query_one(YamlArea), screen.query_one(Suggestions)
        await pilot.press("e", *"im", key)
        await until(pilot, lambda: len(offered.choices) == 2)
        assert "▸ image" in shown(app)
        await pilot.press(*"ageP")
        await until(pilot, lambda: [item.label for item in offered.choices] == ["imagePullPolicy"])
        await pilot.press("enter")
        assert area.text == "imagePullPolicy: " and not offered.display


async def test_the_list_closes_with_escape_and_its_rows_can_be_clicked() -> None:
    app = make(lab="lab1")
    async with app.run_test(size=(120, 40)) as pilot:
        screen = await in_lab(pilot)
        session_of(app).editing.choices = CHOICES
        area, offered = screen.query_one(YamlArea), screen.query_one(Suggestions)
        await pilot.press("e", *"im", "tab")
        await until(pilot, lambda: offered.display)
        await pilot.press("escape")
        assert not offered.display and area.has_focus and area.text == "im"
        await pilot.press("tab")
        await until(pilot, lambda: offered.display)
        await pilot.press("down")
        assert "▸ imagePullPolicy" in shown(app)
        await pilot.click(Suggestions, offset=(3, 0))
        await until(pilot, lambda: area.text == "image: ")
        assert area.has_focus and not offered.display


async def test_the_list_closes_when_the_editor_is_left() -> None:
    app = make(lab="lab1")
    async with app.run_test(size=(120, 40)) as pilot:
        screen = await in_lab(pilot)
        session_of(app).editing.choices = CHOICES
        await pilot.press("e", *"im", "tab")
        await until(pilot, lambda: screen.query_one(Suggestions).display)
        screen.query_one("#reading").focus()
        await until(pilot, lambda: not screen.query_one(Suggestions).display)


async def test_a_field_is_explained_in_the_schemas_words_where_the_lesson_has_none_or_when_asked() -> None:
    app = make(lab="lab1")
    async with app.run_test(size=(120, 40)) as pilot:
        screen = await in_lab(pilot)
        session_of(app).editing.explained = Explanation("pod.spec", "PodSpec", True, "What it should be.\n[b]More.")
        await pilot.press("m")
        await until(pilot, lambda: "[1] The version of the API" in shown(app))
        screen.action_explain_field()
        await until(pilot, lambda: "pod.spec  PodSpec, required" in shown(app) and "[b]More." in shown(app))
        screen.action_explain_field()
        await until(pilot, lambda: "pod.spec  PodSpec" not in shown(app))
        for _ in range(5):
            await pilot.press("down")  # onto app: nginx, which has no callout
        await until(pilot, lambda: "pod.spec  PodSpec, required" in shown(app))


async def test_callouts_stand_beside_their_lines_where_there_is_room() -> None:
    app = make(lab="lab1")
    async with app.run_test(size=(200, 60)) as pilot:
        await in_lab(pilot)
        await pilot.press("m")
        await until(pilot, lambda: any("#[4]  Its name, unique among the Pods of a namespace." in r for r in rows(app)))
    app = make(lab="lab1")
    async with app.run_test(size=(120, 30)) as pilot:
        screen = await in_lab(pilot)
        await pilot.press("m")
        await until(pilot, lambda: screen.query_one(YamlArea).text == POD_MANIFEST and "#[4]" in shown(app))
        assert not any("#[4]" in row and "Its name" in row for row in rows(app))


async def applying(difference: Difference) -> tuple[TestApp, FakeSession]:
    session = FakeSession()
    session.editing.differs = difference
    return make(FakeDesk(session=session), lab="lab1"), session


async def test_an_apply_that_changes_something_asks_first() -> None:
    app, session = await applying(CHANGED)
    async with app.run_test(size=(120, 40)) as pilot:
        await in_lab(pilot)
        await pilot.press("m", "escape", "a")
        await until(pilot, lambda: isinstance(app.screen, DifferenceScreen) and "replicas: 5" in shown(app))
        await pilot.press("escape")
        await until(pilot, lambda: isinstance(app.screen, LabScreen))
        assert ("apply", "nginx-pod.yaml") not in session.asked
        await pilot.press("a")
        await until(pilot, lambda: isinstance(app.screen, DifferenceScreen) and "replicas: 5" in shown(app))
        await pilot.press("enter")
        await until(pilot, lambda: "✓ applied  pod/nginx-pod created" in shown(app))
        assert session.asked.count(("apply", "nginx-pod.yaml")) == 1


async def test_a_new_object_is_applied_without_a_question() -> None:
    app, session = await applying(Difference(fresh=("pod/nginx-pod",)))
    async with app.run_test(size=(120, 40)) as pilot:
        await in_lab(pilot)
        await pilot.press("m", "escape", "a")
        await until(pilot, lambda: "✓ applied  pod/nginx-pod created" in shown(app))
        assert isinstance(app.screen, LabScreen) and ("apply", "nginx-pod.yaml") in session.asked


@pytest.mark.parametrize(
    ("difference", "words"),
    [
        (CHANGED, "+  replicas: 5"),
        (Difference(), "nothing: the cluster has it so already"),
        (Difference(fresh=("pod/a",)), "+ new: pod/a, not there yet"),
        (Difference(refused=("pod/a failed: no",)), "would be refused: pod/a failed: no"),
    ],
)
@pytest.mark.parametrize("size", [(80, 24), (200, 60)])
async def test_d_shows_the_difference_and_neither_saves_nor_applies(
    difference: Difference, words: str, size: tuple[int, int]
) -> None:
    app, session = await applying(difference)
    async with app.run_test(size=size) as pilot:
        screen = await in_lab(pilot)
        await pilot.press("m")
        await until(pilot, lambda: screen.query_one(EditorPane).unsaved)
        await pilot.press("escape", "d")
        await until(pilot, lambda: words in shown(app) and "nothing was applied" in shown(app))
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(app.screen, LabScreen))
        await pilot.pause()
        assert session.files == {} and ("apply", "nginx-pod.yaml") not in session.asked


async def test_a_long_difference_scrolls_and_its_keys_stay_in_view() -> None:
    rows_ = tuple(f"+ line {number} [b]x" for number in range(500))
    app, _ = await applying(Difference((Change("configmap/a", rows_),)))
    async with app.run_test(size=(80, 24)) as pilot:
        await in_lab(pilot)
        await pilot.press("m", "escape", "d")
        await until(pilot, lambda: "+ line 3 [b]x" in shown(app) and "nothing was applied" in shown(app))
        await pilot.press("end")
        await until(pilot, lambda: "+ line 499 [b]x" in shown(app) and "nothing was applied" in shown(app))


@pytest.mark.parametrize("theme", ["tutor-dark", "tutor-light", "ansi-dark", "ansi-light"])
async def test_a_mistake_is_seen_in_every_theme(theme: str) -> None:
    app = make(lab="lab1")
    async with app.run_test(size=(120, 40)) as pilot:
        app.theme = theme
        screen = await in_lab(pilot)
        session_of(app).editing.wrong = (Problem(1, 1, 4, "no"),)
        session_of(app).edit_outside("nginx-pod.yaml", "imge: 80\n")
        await until(pilot, lambda: "1✗" in shown(app) and underlined(screen.query_one(YamlArea), 0) == "imge")
