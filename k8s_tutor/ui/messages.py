"""Messages between threads and screens, and between widgets. Threads only post; screens only handle."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from textual.message import Message

from k8s_tutor.session.state import LabState


class StateChanged(Message):
    """The session has something new. A newer one replaces those that still wait: a flood costs one repaint."""

    def __init__(self, state: LabState) -> None:
        super().__init__()
        self.state = state

    def can_replace(self, message: Message) -> bool:
        """Only the newest state counts."""
        return isinstance(message, StateChanged)


class StartupChanged(Message):
    """The cluster's start has something new to show (read it from ``Startup``)."""

    def can_replace(self, message: Message) -> bool:
        """Only the newest counts."""
        return isinstance(message, StartupChanged)


class JobDone(Message, bubble=False):
    """A background job ended: ``then`` is to be called with its result, or ``failed`` with its error.

    For its owner alone: the app, which owns jobs too, would settle it once more.
    """

    def __init__(self, settle: Callable[[], Any]) -> None:
        super().__init__()
        self.settle = settle


class CommandChosen(Message):
    """The learner wants this command at the terminal's prompt (it is never run for them)."""

    def __init__(self, command: str) -> None:
        super().__init__()
        self.command = command


class Answered(Message):
    """The learner answered the question of a check."""

    def __init__(self, check_id: str, text: str) -> None:
        super().__init__()
        self.check_id = check_id
        self.text = text


class TabChosen(Message):
    """A name in a strip of tabs was chosen."""

    def __init__(self, strip_id: str, tab_id: str) -> None:
        super().__init__()
        self.strip_id = strip_id
        self.tab_id = tab_id


class Drafted(Message):
    """What is typed and not saved is not what it was."""

    def can_replace(self, message: Message) -> bool:
        """One is enough."""
        return isinstance(message, Drafted)


class SaveWanted(Message):
    """The learner saves a file."""

    def __init__(self, name: str, text: str) -> None:
        super().__init__()
        self.name = name
        self.text = text


class TextTyped(Message):
    """The manifest's text is another one."""

    def can_replace(self, message: Message) -> bool:
        """Only the newest counts."""
        return isinstance(message, TextTyped)


class CursorMoved(Message):
    """The cursor of the manifest is elsewhere."""

    def can_replace(self, message: Message) -> bool:
        """Only the newest counts."""
        return isinstance(message, CursorMoved)


class CompletionWanted(Message):
    """The learner wants to know what can be written at the cursor."""
