"""What the lab screen asks while a manifest is written, and before it is applied: never on the screen's own thread."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from textual import on, work
from textual.timer import Timer

from k8s_tutor.errors import TutorError
from k8s_tutor.session.editing import Difference, Problem
from k8s_tutor.ui.messages import CompletionWanted, CursorMoved, TextTyped
from k8s_tutor.ui.screens.difference import DifferenceScreen
from k8s_tutor.ui.screens.lab_deeds import LabDeeds
from k8s_tutor.ui.text import plain
from k8s_tutor.ui.widgets.editor import EditorPane

LOOK_AFTER = 0.15
"""Seconds after the last key until syntax and schema are looked at."""
TRY_AFTER = 0.7
"""And until the API server is asked, if those found nothing."""
EXPLAIN_AFTER = 0.12


class LabWriting(LabDeeds):
    """The part of the lab screen that helps with the manifest."""

    _look: Timer | None = None
    _try: Timer | None = None
    _explain: Timer | None = None
    _wrong = False
    """Whether the newest look found something: the API server's answer to an earlier question must not hide it."""

    def _ask(
        self, group: str, work: Callable[[], Any], then: Callable[[Any], object], again: Callable[[], object]
    ) -> None:
        """One question of a group at a time; ``again`` if the text or cursor is another one when it is answered."""
        editor = self.query_one(EditorPane)
        asked = (editor.current, editor.text, editor.cursor)

        def settled(result: Any) -> None:
            if not editor.query("#editor"):
                return  # the lab was left meanwhile
            now = (editor.current, editor.text, editor.cursor)
            if now[:2] == asked[:2] and (group in ("look", "learn", "try") or now == asked):
                then(result)
            else:
                again()

        # A cluster that is gone has its banner; the editor says nothing of it.
        self.tutor.jobs.start(self, f"editing-{group}", work, then=settled, failed=lambda _: None)

    @on(TextTyped)
    def _text_typed(self, message: TextTyped) -> None:
        message.stop()
        for timer in (self._look, self._try):
            if timer is not None:
                timer.stop()
        self._look = self.set_timer(LOOK_AFTER, self._look_over)

    def _look_over(self) -> None:
        editor = self.query_one(EditorPane)
        text = editor.text

        def looked(found: tuple[Problem, ...]) -> None:
            editor.show_problems(found)
            self._wrong = bool(found)
            if not found and text.strip():
                self._try_soon()
            self._explain_soon()
            if text.strip():
                self._ask("learn", lambda: self.session.editing.learn(text), learned, learn_again)

        def learned(news: bool) -> None:
            if news:
                self._look_over()

        def learn_again() -> None:
            if self._look is not None:
                self._look.stop()
            self._look = self.set_timer(LOOK_AFTER, self._look_over)

        self._ask("look", lambda: self.session.editing.problems(text), looked, self._look_over)

    def _try_soon(self) -> None:
        if self._try is not None:
            self._try.stop()
        self._try = self.set_timer(TRY_AFTER - LOOK_AFTER, self._try_out)

    def _try_out(self) -> None:
        editor = self.query_one(EditorPane)
        text = editor.text

        def tried(found: tuple[Problem, ...] | None) -> None:
            if found is not None and not self._wrong:
                editor.show_problems(found, accepted=not found)

        # Another text by now: it is looked at first, and tried out if that finds nothing.
        self._ask("try", lambda: self.session.editing.dry_run(text), tried, self._look_over)

    @on(CursorMoved)
    def _cursor_moved(self, message: CursorMoved) -> None:
        message.stop()
        self._explain_soon()

    def _explain_soon(self) -> None:
        if self._explain is not None:
            self._explain.stop()
        self._explain = self.set_timer(EXPLAIN_AFTER, self._explain_field)

    def _explain_field(self) -> None:
        editor = self.query_one(EditorPane)
        text, (row, column) = editor.text, editor.cursor
        if text.strip():
            self._ask(
                "explain",
                lambda: self.session.editing.explain(text, row, column),
                editor.show_explanation,
                self._explain_soon,
            )

    @on(CompletionWanted)
    def _completion_wanted(self, message: CompletionWanted) -> None:
        message.stop()
        self._complete()

    def _complete(self) -> None:
        editor = self.query_one(EditorPane)
        text, (row, column) = editor.text, editor.cursor
        self._ask(
            "complete",
            lambda: self.session.editing.complete(text, row, column),
            editor.show_completion,
            self._complete,
        )

    def action_explain_field(self) -> None:
        """The schema's own words on the field under the cursor, in place of the lesson's, and back."""
        self.query_one(EditorPane).toggle_explanation()

    # -- difference, apply

    def action_difference(self) -> None:
        """What an apply of the text as it is typed would change; nothing is saved or applied."""
        editor = self.query_one(EditorPane)
        name, text = editor.current, editor.text
        if not text.strip():
            self.tutor.say("There is nothing to compare: the file is empty.")
            return

        def compared(found: Difference) -> None:
            self.app.push_screen(DifferenceScreen(name, found, asks=False))

        compare = lambda: self.session.editing.difference(text)  # noqa: E731
        if not self.tutor.jobs.start(self, "difference", compare, then=compared, failed=self.trouble):
            self.tutor.say("Still comparing.")

    def apply_file(self, name: str, text: str) -> None:
        """Save, look what an apply would change, ask if it changes something that is there, apply."""
        found: list[Difference] = []

        def compare() -> Sequence[str]:
            try:
                found.append(self.session.editing.difference(text))
            except TutorError:
                return self._applied(name)  # the apply itself says what is wrong, with line and column
            return self._applied(name, found[0]) if not found[0].changes else ()

        def compared() -> None:
            if found and found[0].changes:
                self._ask_to_apply(name, text, found[0])

        self._save(name, text, compare, compared)

    @work
    async def _ask_to_apply(self, name: str, text: str, difference: Difference) -> None:
        if await self.app.push_screen_wait(DifferenceScreen(name, difference)):
            self._save(name, text, lambda: self._applied(name))

    def _applied(self, name: str, difference: Difference | None = None) -> Sequence[str]:
        rows = [plain(row, 900) for row in self.session.apply(name)]
        if difference is not None and difference.unchanged:
            rows.append("nothing would change: the cluster has it so already")
        return rows
