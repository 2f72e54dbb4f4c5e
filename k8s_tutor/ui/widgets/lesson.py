"""The lesson: one step's title and text; what to do in it: task, commands and questions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import ClassVar

from textual import events
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.widget import Widget
from textual.widgets import Input, Markdown, Static
from textual.widgets.markdown import MarkdownFence

from k8s_tutor.labs.model import Question
from k8s_tutor.session.asking import service_of
from k8s_tutor.session.state import CheckState, StepState
from k8s_tutor.ui.messages import Answered, CommandChosen
from k8s_tutor.ui.text import ACCENT, DIM, GOOD, STRONG, WAIT, block, line, plain
from k8s_tutor.ui.widgets.keys_in_order import KeysInOrder
from k8s_tutor.ui.widgets.knob import Door
from k8s_tutor.ui.widgets.rows import Line, Rows

HELP = """
The lesson: one short step, and what there is to do in it.

Read the text, then do the task in whichever way you like: in the terminal, in the manifest, with commands of your
own. Each claim below the text watches the cluster and turns by itself.

  ▸  the task of this step
  $  a command to try: Enter or a click puts it at the terminal's prompt; you run it
  ?  a question: type the answer below it, Enter gives it
  ✓ done  all that the step asks for was seen
  ◐ waiting  the cluster is still on its way

  n, p  the next step, and the one before
  h  one hint more; the number says how many there are
  s  have the step done for you (asks first)
  t  what happened, with times
  R  start this lab over (asks first)
"""
"""What F1 shows while this pane is in focus."""


class CommandLine(Static, can_focus=True):
    """A command to try: Enter or a click puts it at the terminal's prompt; nobody runs it but the learner."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "choose", "to the prompt", tooltip="Put this command at the terminal's prompt"),
        Binding("y", "copy", "copy", tooltip="Copy this command"),
    ]

    def __init__(self, command: str, *, head: str = "$ ", keys: str = "⏎") -> None:
        self.command = block(command, limit=2_000)
        text = line((head, DIM), (self.command, ACCENT), (f"  {keys}", DIM))
        super().__init__(text, markup=False, classes="command")

    def action_choose(self) -> None:
        """Send it to the prompt."""
        self.post_message(CommandChosen(self.command))

    def action_copy(self) -> None:
        """To the clipboard, for a shell elsewhere."""
        self.app.copy_to_clipboard(self.command)
        self.app.notify(f"Copied: {self.command[:300]}", markup=False)

    def on_click(self, event: events.Click) -> None:
        """A click is as good as Enter."""
        event.stop()
        self.action_choose()


class AnswerField(KeysInOrder, Input):
    """Where an answer is typed."""


class QuestionRow(Vertical):
    """A question with a field for the answer, and what became of the answer."""

    def __init__(self, question: Question) -> None:
        super().__init__(classes="question")
        self.question = question

    def compose(self) -> ComposeResult:
        """Question, field, verdict."""
        yield Rows([(line(("? ", WAIT)), line(plain(self.question.ask, 600)))])
        hint = f"for example {plain(self.question.example, 60)}" if self.question.example else "your answer, then Enter"
        yield AnswerField(placeholder=hint, compact=True)

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


class Fence(MarkdownFence):
    """Code in a lesson. Without a language it is plain: to guess one, every lexer there is would be loaded."""

    @classmethod
    def highlight(cls, code: str, language: str, ansi: bool = False, dark: bool = False) -> Content:
        """The code with the colours of its language, if it names one."""
        if not language:
            return Content("\n".join(code.splitlines())).stylize_before("$text")
        return super().highlight(code, language, ansi, dark)


class StepText(Markdown):
    """The text of a step."""

    BLOCKS = {**Markdown.BLOCKS, "fence": Fence, "code_block": Fence}  # noqa: RUF012 - declared so by Textual


class LessonPane(Vertical):
    """A step's title and text, made anew only when another step is shown: text is never yanked away."""

    def __init__(self) -> None:
        super().__init__(id="lesson")
        self._step_id: str | None = None

    def compose(self) -> ComposeResult:
        """Title and text."""
        yield Line(id="step-title")
        yield StepText("", id="step-text", open_links=False)

    async def show_step(self, step: StepState, number: int) -> None:
        """Show this step (``number`` counts from 1)."""
        self.query_one("#step-title", Line).show(title_text(step, number))
        if step.step.id != self._step_id:
            self._step_id = step.step.id
            await self.query_one("#step-text", Markdown).update(step.step.text)


class TaskPane(Vertical):
    """What to do in a step: its task, commands to try, questions to answer."""

    def __init__(self) -> None:
        super().__init__(id="task")
        self._step_id: str | None = None

    def compose(self) -> ComposeResult:
        """The task; commands and questions come with the step."""
        yield Rows(id="step-task")
        yield Vertical(id="step-commands")
        yield Vertical(id="step-questions")

    async def show_step(self, step: StepState, answers: Mapping[str, str]) -> None:
        """Show this step; a field that is being typed in stays as it is."""
        if step.step.id != self._step_id:
            self._step_id = step.step.id
            task = block(step.step.task, limit=2_000).strip()
            self.query_one("#step-task", Rows).show([(line(("▸ ", ACCENT)), line(task))] if task else [])
            doors = [Door("w", "who answered: send ten requests, see the bars", "who")] if service_of(step.step) else []
            await self._fill("#step-commands", [*(CommandLine(command) for command in step.step.commands), *doors])
            await self._fill("#step-questions", [QuestionRow(question) for question in step.step.questions])
        states = {check.spec.id: check for check in step.checks}
        for row in self.query(QuestionRow):
            row.show_state(states.get(row.question.check), answers.get(row.question.check))

    def anew(self) -> None:
        """Forget what is typed in the step's fields: they are made anew with the next state."""
        self._step_id = None

    async def _fill(self, selector: str, widgets: Sequence[Widget]) -> None:
        place = self.query_one(selector, Vertical)
        await place.remove_children()
        await place.mount_all(widgets)
        place.display = bool(widgets)


def title_text(step: StepState, number: int) -> Content:
    """Number and title, with a sign and a word when it is done or waits."""
    parts: list[str | tuple[str, str]] = [(f"{number}  ", DIM), (plain(step.step.title, 80), STRONG)]
    if step.done:
        parts.append(("  ✓ done", GOOD))
    elif step.done_earlier or any(check.undone for check in step.checks):
        parts.append(("  ◐ was done once, is not now", WAIT))
    elif step.waiting:
        parts.append(("  ◐ waiting", WAIT))
    return line(*parts)
