"""One line of a view: it keeps its place and its memory, and is formatted only when it is seen."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from textual.content import Content

from k8s_tutor.ui.text import DIM, STRONG, line

_NAME = re.compile(r"[a-z0-9](?:[-a-z0-9.:]{0,251}[a-z0-9])?")


@dataclass(frozen=True)
class Target:
    """The object that a row stands for: what ``kubectl`` calls it. ``namespace`` is empty for the learner's own."""

    kind: str
    name: str
    namespace: str = ""

    def command(self, *words: str, tail: str = "") -> str:
        """``kubectl WORDS kind/name``; empty for a name that no shell should see."""
        kind = self.kind.lower()
        if not (_NAME.fullmatch(self.name) and kind.isascii() and kind.isalnum()):
            return ""
        where = f" -n {self.namespace}" if self.namespace else ""
        return f"kubectl {' '.join(words)} {kind}/{self.name}{where}{tail}"


class Row:
    """Formatted by ``paint(*facts(now))``, a pure function of facts; again only when one of them is another.

    ``key`` names the row for as long as its object is there; ``target`` is None for headings.
    """

    __slots__ = ("_content", "_facts", "_known", "_paint", "key", "target")

    def __init__(
        self,
        key: tuple[str, ...],
        target: Target | None,
        facts: Callable[[float], tuple[Any, ...]],
        paint: Callable[..., Content],
    ) -> None:
        self.key = key
        self.target = target
        self._facts = facts
        self._paint = paint
        self._known: tuple[Any, ...] | None = None
        self._content = Content()

    def content(self, now: float) -> Content:
        """The line; the same object as before while it reads the same."""
        facts = self._facts(now)
        if facts != self._known:
            self._known = facts
            self._content = self._paint(*facts)
        return self._content

    def refit(self, facts: Callable[[float], tuple[Any, ...]]) -> None:
        """The row is listed anew: its facts may come from other surroundings now."""
        self._facts = facts


def heading(text: str, *key: str) -> Row:
    """A line that names what is below."""
    content = line((text, DIM))
    return Row(("heading", *(key or (text,))), None, lambda _now: (), lambda: content)


def title(text: str, *key: str) -> Row:
    """A line that names a table."""
    content = line((text, STRONG))
    return Row(("title", *(key or (text,))), None, lambda _now: (), lambda: content)


def said(content: Content, *key: str) -> Row:
    """A line of text that is no object."""
    return Row(("said", *key), None, lambda _now: (), lambda: content)


BLANK = Row(("blank",), None, lambda _now: (), lambda: Content(" "))


class Rows:
    """The rows of one view by their keys, so that a row that stays is the same one."""

    def __init__(self) -> None:
        self._known: dict[tuple[str, ...], Row] = {}
        self._next: dict[tuple[str, ...], Row] = {}

    def begin(self) -> None:
        """Begin to list anew."""
        self._next = {}

    def get(
        self,
        key: tuple[str, ...],
        target: Callable[[], Target | None],
        facts: Callable[[float], tuple[Any, ...]],
        paint: Callable[..., Content],
    ) -> Row:
        """The row with this key, made if there was none; its facts are these from now on."""
        row = self._known.get(key)
        if row is None:
            row = Row(key, target(), facts, paint)
        else:
            row.refit(facts)
        self._next[key] = row
        return row

    def known(self, key: tuple[str, ...]) -> Row | None:
        """The row with this key, if it was listed before and reads its object alone."""
        row = self._known.get(key)
        if row is not None:
            self._next[key] = row
        return row

    def end(self) -> None:
        """Forget the rows that were not asked for."""
        self._known = self._next
