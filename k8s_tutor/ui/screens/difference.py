"""Before an apply that changes something: what it would change, and the question."""

from __future__ import annotations

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Static

from k8s_tutor.session.editing import Difference
from k8s_tutor.ui.text import ACCENT, BAD, DIM, GOOD, STRONG, line, lines, plain

SHOWN = 600
"""Rows of the difference that are drawn."""


class DifferenceScreen(ModalScreen[bool]):
    """Shows the rows with their signs; Enter applies, Escape leaves everything as it is."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter,y", "yes", "apply", tooltip="Apply it"),
        Binding("escape,n,q", "no", "back", tooltip="Leave the cluster as it is"),
    ]
    AUTO_FOCUS: ClassVar[str | None] = "#difference"

    def __init__(self, name: str, difference: Difference) -> None:
        super().__init__()
        self._name, self._difference = name, difference

    def compose(self) -> ComposeResult:
        """The question, the rows, the two keys."""
        found = self._difference
        rows = [line((f"Applying {plain(self._name, 80)} changes this on the cluster", STRONG))]
        for change in found.changes:
            rows += [line(), line((plain(change.subject, 200), f"bold {ACCENT}"))]
            rows += [_row(row) for row in change.rows[:SHOWN]]
            if len(change.rows) > SHOWN:
                rows.append(line((f"… and {len(change.rows) - SHOWN} more rows", DIM)))
        if found.fresh:
            rows += [line(), line(("+ new: ", GOOD), plain(", ".join(found.fresh), 300))]
        rows += [line(("✗ would be refused: ", BAD), plain(row, 400)) for row in found.refused[:8]]
        with VerticalScroll(classes="dialog wide", id="difference"):
            yield Static(lines(rows), markup=False)
            yield Static(
                line(("enter", f"bold {ACCENT}"), "  apply      ", ("esc", f"bold {ACCENT}"), ("  back", DIM)),
                markup=False,
                classes="gap",
            )

    def action_yes(self) -> None:
        """Apply."""
        self.dismiss(True)

    def action_no(self) -> None:
        """Do not."""
        self.dismiss(False)


def _row(row: str) -> Content:
    # ``plain`` keeps leading blanks, and the row's sign stands before its colour.
    style = {"+": GOOD, "-": BAD, "@": DIM}.get(row[:1], "")
    return line((plain(row, 300), style))
