"""What the keys and the signs mean: all of them, and those of the pane in focus."""

from __future__ import annotations

from importlib import import_module
from typing import Any, ClassVar

from textual import on
from textual.app import App, ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.screen import ModalScreen, Screen
from textual.widgets import Static

from k8s_tutor.ui import bindings
from k8s_tutor.ui.messages import TabChosen
from k8s_tutor.ui.text import ACCENT, BAD, DIM, GOOD, STRONG, WAIT, block, line
from k8s_tutor.ui.widgets.rows import Row, Rows
from k8s_tutor.ui.widgets.statusbar import Strip

_SIGNS = (
    ("✓", GOOD, "proven", "the cluster showed it"),
    ("◐", WAIT, "waiting", "the cluster is still on its way; nothing is wrong"),
    ("✗", BAD, "not yet", "something else was found: open it with Enter"),
    ("○", DIM, "to do", "nothing was done about it yet"),
    ("·", DIM, "later", "another check comes first"),
    ("?", WAIT, "not seen", "it could not be observed; this is never counted against you"),
)

PANES = {
    "lesson": "k8s_tutor.ui.widgets.lesson",
    "manifest": "k8s_tutor.ui.widgets.editor",
    "terminal": "k8s_tutor.ui.widgets.terminal_slot",
    "cluster": "k8s_tutor.ui.widgets.cluster",
    "results": "k8s_tutor.ui.widgets.results",
    "home": "k8s_tutor.ui.screens.home",
    "bring-up": "k8s_tutor.ui.screens.bringup",
}
"""Where each pane's ``HELP`` stands: plain text, and below it lines ``key  what it does``."""


class HelpScreen(ModalScreen[None]):
    """Over any screen; any of its keys closes it."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,question_mark,f1,q,enter", "close", "close", key_display="esc", tooltip="Back"),
    ]

    def compose(self) -> ComposeResult:
        """One text that scrolls."""
        with VerticalScroll(classes="dialog wide"):
            yield Rows(all_help(self.app))

    def action_close(self) -> None:
        """Back to where the learner was."""
        self.dismiss(None)


class PaneHelpScreen(ModalScreen[None]):
    """Help for one pane; the others are a key or a click away."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,f1,q,enter", "close", "close", key_display="esc", tooltip="Back"),
        Binding("question_mark", "all_keys", "all keys", key_display="?", tooltip="All keys and signs"),
        Binding("right,tab", "turn(1)", "next pane", tooltip="Help for the next pane"),
        Binding("left,shift+tab", "turn(-1)", "the one before", tooltip="Help for the pane before"),
    ]
    AUTO_FOCUS: ClassVar[str | None] = "#pane-help"

    def __init__(self, pane: str) -> None:
        super().__init__()
        self._pane = pane

    @property
    def _names(self) -> tuple[str, ...]:
        alone = self._pane in ("home", "bring-up")
        return (self._pane,) if alone else tuple(name for name in PANES if name not in ("home", "bring-up"))

    def compose(self) -> ComposeResult:
        """Names, text, the way back."""
        with VerticalScroll(id="pane-help", classes="dialog wide"):
            yield Strip(id="help-panes")
            yield Rows(id="help-text", classes="gap")
            turn = "" if len(self._names) == 1 else "     ← →  the other panes"
            yield Static(
                line(("esc", f"bold {ACCENT}"), (f"  back{turn}     ?  all keys and signs", DIM)),
                markup=False,
                classes="gap",
            )

    def on_mount(self) -> None:
        """Show the pane that was in focus."""
        self._show()

    def _show(self) -> None:
        names = tuple((name, name.capitalize(), line()) for name in self._names)
        self.query_one("#help-panes", Strip).show_tabs(names, self._pane)
        self.query_one("#help-text", Rows).show(help_rows(pane_help(self._pane)))

    def action_turn(self, by: int) -> None:
        """Another pane."""
        names = self._names
        self._pane = names[(names.index(self._pane) + by) % len(names)]
        self._show()

    def action_all_keys(self) -> None:
        """The other help in place of this one."""
        self.app.switch_screen(HelpScreen())

    @on(TabChosen)
    def _chosen(self, message: TabChosen) -> None:
        message.stop()
        self._pane = message.tab_id
        self._show()

    def action_close(self) -> None:
        """Back to where the learner was."""
        self.dismiss(None)


def pane_of(screen: Screen[Any]) -> str:
    """The name of the pane in focus on this screen."""
    return str(getattr(screen, "pane", "lesson"))


def pane_help(pane: str) -> str:
    """What the pane's own module says of it."""
    return str(getattr(import_module(PANES[pane]), "HELP", "There is no help for this pane yet; ? shows all keys."))


def help_rows(text: str) -> list[Row]:
    """Paragraphs, wrapped anew; a line that begins with two spaces is ``sign or key   what it means``."""
    rows: list[Row] = []
    told: list[str] = []

    def end() -> None:
        if told:
            rows.append((line(), line((" ".join(told), STRONG if not rows else ""))))
            told.clear()

    for row in block(text.strip("\n"), limit=6_000).split("\n"):
        key, gap, what = row.strip().partition("  ")
        if row.startswith("  ") and gap:
            end()
            rows.append(_pair(key, what.strip()))
        elif row:
            told.append(row)
        else:
            end()
            rows.append((line(), line()))
    end()
    return rows


def _pair(key: str, what: str, width: int = 12) -> Row:
    return line((f"  {key:<{width}}", f"bold {ACCENT}")), line(what)


def shown_key(app: App[Any], binding: Binding) -> str:
    """The key of a binding as the learner has it now."""
    moved = app._keymap.get(binding.id or "")
    if not moved:
        return binding.key_display or " or ".join(
            app.get_key_display(binding.with_key(key)) for key in binding.key.split(",")
        )
    return " or ".join(app.get_key_display(binding.with_key(key, None)) for key in moved.split(","))


def all_help(app: App[Any]) -> list[Row]:
    """All of it, from the bindings themselves."""
    rows = [
        _title("How this works"),
        (
            line(),
            line(
                "Work in the terminal and in the manifest. Nothing has to be handed in: each claim of a step watches "
                "the cluster and turns by itself, whichever way you reach it."
            ),
        ),
        _NOTHING,
        _title("Signs"),
    ]
    rows += [(line((f"  {mark}  ", colour), f"{word:<10}"), line((why, DIM))) for mark, colour, word, why in _SIGNS]
    rows += [_NOTHING, _title("Keys", "letters work while no text is being typed; esc leaves a field")]
    seen = set()
    for binding in (*bindings.LAB, *bindings.APP):
        key = shown_key(app, binding)
        if binding.id == "quit_anywhere" or key in seen:
            continue
        seen.add(key)
        rows.append(_pair(key, binding.tooltip, 13))
    rows += [
        _pair("tab", "The next field, command or result; shift+tab the one before", 13),
        _pair("enter", "On a command: to the terminal's prompt. On a result: open it", 13),
        _pair("ctrl+space", "In the manifest: what can be written here", 13),
        _NOTHING,
        _title("Mouse", "click tabs, commands, results, hints and the keys below; drag the dividing lines"),
        _title("Copying", "drag with Shift held down to select with your own terminal"),
        _title("Other keys", "`k8s-tutor config` shows the file in which keys, colours and layout are set"),
        _title("Quitting", "the cluster keeps running; `k8s-tutor cluster down` removes it"),
        _title("As text", "`k8s-tutor lesson LAB` and `k8s-tutor check LAB` do all of this without a screen"),
    ]
    return rows


_NOTHING: Row = (line(), line())


def _title(word: str, more: str = "") -> Row:
    return line((f"{word}  " if more else word, STRONG)), line((more, DIM))
