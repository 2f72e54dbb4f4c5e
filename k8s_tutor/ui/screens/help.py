"""What the keys and the signs mean."""

from __future__ import annotations

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Static

from k8s_tutor.ui import bindings
from k8s_tutor.ui.text import ACCENT, BAD, DIM, GOOD, STRONG, WAIT, line, lines

_SIGNS = (
    ("✓", GOOD, "proven", "the cluster showed it"),
    ("◐", WAIT, "waiting", "the cluster is still on its way; nothing is wrong"),
    ("✗", BAD, "not yet", "something else was found: open it with Enter"),
    ("○", DIM, "to do", "nothing was done about it yet"),
    ("·", DIM, "later", "another check comes first"),
    ("?", WAIT, "not seen", "it could not be observed; this is never counted against you"),
)


class HelpScreen(ModalScreen[None]):
    """Over any screen; any of its keys closes it."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,question_mark,f1,q,enter", "close", "close", key_display="esc", tooltip="Back"),
    ]

    def compose(self) -> ComposeResult:
        """One text that scrolls."""
        with VerticalScroll(classes="dialog wide"):
            yield Static(help_text(), markup=False)

    def action_close(self) -> None:
        """Back to where the learner was."""
        self.dismiss(None)


def help_text() -> Content:
    """All of it, from the bindings themselves."""
    rows = [
        line(("How this works", STRONG)),
        line("Work in the terminal and in the manifest. Nothing has to be handed in: each claim of a"),
        line("step watches the cluster and turns by itself, whichever way you reach it."),
        line(),
        line(("Signs", STRONG)),
    ]
    rows += [line((f"  {mark}  ", colour), f"{word:<10}", (why, DIM)) for mark, colour, word, why in _SIGNS]
    rows += [
        line(),
        line(("Keys", STRONG), ("   (letters work while no text is being typed; esc leaves a field)", DIM)),
    ]
    seen = set()
    for binding in (*bindings.LAB, *bindings.APP):
        key = binding.key_display or binding.key.replace(",", " or ")
        if binding.id == "quit_anywhere" or key in seen:
            continue
        seen.add(key)
        rows.append(line((f"  {key:<8}", f"bold {ACCENT}"), binding.tooltip))
    for key, what in (
        ("tab", "The next field, command or result; shift+tab the one before"),
        ("enter", "On a command: to the terminal's prompt. On a result: open it"),
        ("ctrl+s", "Save the manifest"),
        ("F2", "All commands by name, and other colours (themes)"),
    ):
        rows.append(line((f"  {key:<8}", f"bold {ACCENT}"), what))
    rows += [
        line(),
        line(("Copying", STRONG), ("  drag with Shift held down to select with your own terminal", DIM)),
        line(("Quitting", STRONG), ("  the cluster keeps running; `k8s-tutor cluster down` removes it", DIM)),
        line(
            ("As text", STRONG),
            ("  `k8s-tutor lesson LAB` and `k8s-tutor check LAB` do all of this without a screen", DIM),
        ),
    ]
    return lines(rows)
