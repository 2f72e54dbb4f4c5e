"""What can be copied out of the terminal by keys: what it shows, all that it still has, a link."""

from __future__ import annotations

from typing import ClassVar, NamedTuple

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.screen import ModalScreen
from textual.widgets import OptionList, Static

from k8s_tutor.ui.text import ACCENT, DIM, STRONG, line, plain

MAX_LINKS = 50


class Copy(NamedTuple):
    """A choice: what it is called on the screen, the text itself, whether it is a link."""

    label: str
    text: str
    link: bool = False


class CopyScreen(ModalScreen[Copy | None]):
    """A list to choose from with arrows and Enter, or by a click."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,q,y", "close", "close", key_display="esc", tooltip="Copy nothing"),
    ]

    def __init__(self, choices: list[Copy]) -> None:
        super().__init__()
        self._choices = choices

    def compose(self) -> ComposeResult:
        """A title, the choices, the keys."""
        with Vertical(classes="dialog wide"):
            yield Static(line(("Copy from the terminal", STRONG)), markup=False)
            rows = [line(plain(choice.label, 160)) for choice in self._choices]
            yield OptionList(*rows, markup=False, compact=True, classes="gap")
            keys = line(("enter", f"bold {ACCENT}"), ("  copy      ", DIM), ("esc", f"bold {ACCENT}"), ("  back", DIM))
            yield Static(keys, markup=False, classes="gap")

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        """This one."""
        event.stop()
        self.dismiss(self._choices[event.option_index])

    def action_close(self) -> None:
        """None."""
        self.dismiss(None)


def choices(shown: str, history: str, links: list[str]) -> list[Copy]:
    """What a terminal offers: its links, lowest first, then its text, without the blank lines at the end."""
    found = [Copy(f"the link {address}", address, True) for address in links[:MAX_LINKS]]
    for what, text in (("what it shows", shown.rstrip()), ("all that it still has", history.rstrip())):
        if text:
            count = text.count("\n") + 1
            found.append(Copy(f"{what}: {count:,} {'line' if count == 1 else 'lines'}", f"{text}\n"))
    return found
