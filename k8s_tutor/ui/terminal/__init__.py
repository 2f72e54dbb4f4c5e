"""A real shell inside the tutor: the terminal widget, and what is done where it cannot run.

``TerminalPane`` and its neighbours are imported when first named, so that the self-test does without Textual.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from k8s_tutor.ui.terminal.guard import KeepsKeys, keeps_keys
    from k8s_tutor.ui.terminal.launcher import Mode, choose
    from k8s_tutor.ui.terminal.widget import TerminalPane

__all__ = ["KeepsKeys", "Mode", "TerminalPane", "choose", "keeps_keys"]

_HOMES = {
    "Mode": "launcher",
    "choose": "launcher",
    "KeepsKeys": "guard",
    "keeps_keys": "guard",
    "TerminalPane": "widget",
}


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(name)
    from importlib import import_module

    return getattr(import_module(f"k8s_tutor.ui.terminal.{_HOMES[name]}"), name)
