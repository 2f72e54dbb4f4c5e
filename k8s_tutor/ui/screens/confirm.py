"""A question before anything that is hard to take back; it names what it would touch."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.screen import ModalScreen
from textual.widgets import Static

from k8s_tutor.ui.text import ACCENT, DIM, STRONG, block, line, plain, tilde

if TYPE_CHECKING:
    from k8s_tutor.clusters.provider import Cluster


def about_starting_over(title: str, cluster: Cluster, folder: Path) -> ConfirmScreen:
    """The question before a lab is started over; ``folder`` holds the learner's files of it."""
    return ConfirmScreen(
        f"Start {title} over?",
        f"Deletes everything in namespace {cluster.namespace} of cluster {cluster.name} ({cluster.provider}) and "
        f"forgets its progress. Your files are moved aside in {tilde(folder)}.",
        yes="start over",
    )


class ConfirmScreen(ModalScreen[bool]):
    """Asks; ``y`` does it, everything else does not."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("y", "yes", "yes", tooltip="Do it"),
        Binding("n,escape,q", "no", "no", tooltip="Leave everything as it is"),
    ]

    def __init__(self, question: str, details: str, *, yes: str) -> None:
        super().__init__()
        self._question, self._details, self._yes = question, details, yes

    def compose(self) -> ComposeResult:
        """Question, what it means, the two keys."""
        with VerticalScroll(classes="dialog"):
            yield Static(line((plain(self._question, 200), STRONG)), markup=False)
            yield Static(line(block(self._details, limit=1_500)), markup=False, classes="gap")
            yield Static(
                line(
                    ("y", f"bold {ACCENT}"),
                    (f"  {plain(self._yes, 60)}      ", ""),
                    ("n", f"bold {ACCENT}"),
                    ("  no, leave it", DIM),
                ),
                markup=False,
                classes="gap",
            )

    def action_yes(self) -> None:
        """Do it."""
        self.dismiss(True)

    def action_no(self) -> None:
        """Do not."""
        self.dismiss(False)
