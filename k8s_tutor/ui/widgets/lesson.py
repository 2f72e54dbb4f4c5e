"""The lesson: one short step's title, text, task, commands and questions."""

from __future__ import annotations

from typing import ClassVar

from textual import events
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.widgets import Input, Markdown, Static

from k8s_tutor.labs.model import Question
from k8s_tutor.session.state import CheckState, StepState
from k8s_tutor.ui.messages import Answered, CommandChosen
from k8s_tutor.ui.text import ACCENT, DIM, GOOD, STRONG, WAIT, block, line, plain
from k8s_tutor.ui.widgets.rows import Rows


class CommandLine(Static, can_focus=True):
    """A command to try: Enter or a click puts it at the terminal's prompt; nobody runs it but the learner."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "choose", "to the prompt", tooltip="Put this command at the terminal's prompt")
    ]

    def __init__(self, command: str) -> None:
        self.command = block(command, limit=2_000)
        text = line(("$ ", DIM), (self.command, ACCENT), ("  ⏎", DIM))
        super().__init__(text, markup=False, classes="command")

    def action_choose(self) -> None:
        """Send it to the prompt."""
        self.post_message(CommandChosen(self.command))

    def on_click(self, event: events.Click) -> None:
        """A click is as good as Enter."""
        event.stop()
        self.action_choose()


class QuestionRow(Vertical):
    """A question with a field for the answer, and what became of the answer."""

    def __init__(self, question: Question) -> None:
        super().__init__(classes="question")
        self.question = question

    def compose(self) -> ComposeResult:
        """Question, field, verdict."""
        yield Rows([(line(("? ", WAIT)), line(plain(self.question.ask, 600)))])
        hint = f"for example {plain(self.question.example, 60)}" if self.question.example else "your answer, then Enter"
        yield Input(placeholder=hint, compact=True)

    def show_state(self, check: CheckState | None, answer: str | None) -> None:
        """Show a kept answer; a field that is being typed in is left alone."""
        field = self.query_one(Input)
        if answer is not None and not field.value and not field.has_focus:
            field.value = plain(answer, 400)
        self.set_class(check is not None and check.passed, "-right")

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Enter gives the answer."""
        event.stop()
        if event.value.strip():
            self.post_message(Answered(self.question.check, event.value.strip()))


class LessonPane(Vertical):
    """One step. A step's widgets are made anew only when another step is shown: text is never yanked away."""

    def __init__(self) -> None:
        super().__init__(id="lesson")
        self._step_id: str | None = None

    def compose(self) -> ComposeResult:
        """Title, text, task; commands and questions come with the step."""
        yield Static("", markup=False, id="step-title")
        yield Markdown("", id="step-text", open_links=False)
        yield Rows(id="step-task")
        yield Vertical(id="step-commands")
        yield Vertical(id="step-questions")

    async def show_step(self, step: StepState, number: int, answers: dict[str, str]) -> None:
        """Show this step (``number`` counts from 1)."""
        self.query_one("#step-title", Static).update(title_text(step, number))
        if step.step.id != self._step_id:
            self._step_id = step.step.id
            await self._show_text(step)
        states = {check.spec.id: check for check in step.checks}
        for row in self.query(QuestionRow):
            row.show_state(states.get(row.question.check), answers.get(row.question.check))

    async def _show_text(self, step: StepState) -> None:
        with self.app.batch_update():
            await self.query_one("#step-text", Markdown).update(step.step.text)
            task = block(step.step.task, limit=2_000).strip()
            self.query_one("#step-task", Rows).show([(line(("▸ ", ACCENT)), line(task))] if task else [])
            commands = self.query_one("#step-commands", Vertical)
            await commands.remove_children()
            await commands.mount_all(CommandLine(command) for command in step.step.commands)
            commands.display = bool(step.step.commands)
            questions = self.query_one("#step-questions", Vertical)
            await questions.remove_children()
            await questions.mount_all(QuestionRow(question) for question in step.step.questions)
            questions.display = bool(step.step.questions)


def title_text(step: StepState, number: int) -> Content:
    """Number and title, with a sign and a word when it is done or waits."""
    parts: list[str | tuple[str, str]] = [(f"{number}  ", DIM), (plain(step.step.title, 80), STRONG)]
    if step.done:
        parts.append(("  ✓ done", GOOD))
    elif any(check.undone for check in step.checks):
        parts.append(("  ◐ was done, is not true any more", WAIT))
    elif step.waiting:
        parts.append(("  ◐ waiting", WAIT))
    return line(*parts)
