"""Before an apply that changes something: what it would change, and the question."""

from __future__ import annotations

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical, VerticalScroll
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Static

from k8s_tutor.session.editing import Difference
from k8s_tutor.ui.text import ACCENT, BAD, DIM, GOOD, STRONG, line, lines, plain

SHOWN = 600
"""Rows of the difference that are drawn."""


class DifferenceScreen(ModalScreen[bool]):
    """Shows the rows with their signs; Enter applies, Escape leaves everything as it is.

    With ``asks`` false it only shows: nothing is applied from here.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter,y", "yes", "apply", tooltip="Apply it", id="difference_yes"),
        Binding("escape,n,q,d", "no", "back", tooltip="Leave the cluster as it is", id="difference_no"),
    ]
    DEFAULT_CSS = "DifferenceScreen #difference { height: auto; max-height: 75vh; }"
    AUTO_FOCUS: ClassVar[str | None] = "#difference"

    def __init__(self, name: str, difference: Difference, *, asks: bool = True) -> None:
        super().__init__()
        self._file, self._difference, self._asks = name, difference, asks

    def compose(self) -> ComposeResult:
        """The question, the rows, the two keys."""
        found, name = self._difference, plain(self._file, 80)
        title = f"Applying {name} changes this on the cluster"
        if not self._asks:
            title = f"What applying {name} would change on the cluster"
        rows = [line((title, STRONG))]
        if found.unchanged:
            rows += [line(), line(("✓ ", GOOD), "nothing: the cluster has it so already")]
        for change in found.changes:
            rows += [line(), line((plain(change.subject, 200), f"bold {ACCENT}"))]
            rows += [_row(row) for row in change.rows[:SHOWN]]
            if len(change.rows) > SHOWN:
                rows.append(line((f"… and {len(change.rows) - SHOWN} more rows", DIM)))
        if found.fresh:
            rows += [line(), line(("+ new: ", GOOD), plain(", ".join(found.fresh), 300), (", not there yet", DIM))]
        rows += [line(("✗ would be refused: ", BAD), plain(row, 400)) for row in found.refused[:8]]
        yes = line(("enter", f"bold {ACCENT}"), "  apply      ", ("esc", f"bold {ACCENT}"), ("  back", DIM))
        shut = line(("esc", f"bold {ACCENT}"), "  back", ("      nothing was applied", DIM))
        with Vertical(classes="dialog wide"):
            with VerticalScroll(id="difference"):
                yield Static(lines(rows), markup=False)
            yield Static(yes if self._asks else shut, markup=False, classes="gap")

    def action_yes(self) -> None:
        """Apply, if that is the question."""
        self.dismiss(self._asks)

    def action_no(self) -> None:
        """Do not."""
        self.dismiss(False)


def _row(row: str) -> Content:
    # ``plain`` keeps leading blanks, and the row's sign stands before its colour.
    style = {"+": GOOD, "-": BAD, "@": DIM}.get(row[:1], "")
    return line((plain(row, 300), style))
